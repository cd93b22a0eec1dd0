/*
 * Bucket calls: which of the object store's calls a request is for, and how it is billed. Faults, timing and the journal name
 * them by these.
 *
 * Classes as Backblaze's price list has them: A is free, B is downloads and looking at one file, C is lists and copies.
 */
#ifndef FAKES_TIMING_BUCKET_CALL_H
#define FAKES_TIMING_BUCKET_CALL_H

#include "base/http.h"

enum bucket_class { BUCKET_CLASS_A, BUCKET_CLASS_B, BUCKET_CLASS_C, BUCKET_CLASS_COUNT };

/* X(code, name in URLs, fault plans and journals; class) */
#define BUCKET_CALL_LIST(X)                                                                                            \
    X(AUTHORIZE, "b2_authorize_account", C)                                                                            \
    X(LIST_BUCKETS, "b2_list_buckets", C)                                                                              \
    X(CREATE_BUCKET, "b2_create_bucket", C)                                                                            \
    X(UPDATE_BUCKET, "b2_update_bucket", C)                                                                            \
    X(DELETE_BUCKET, "b2_delete_bucket", A)                                                                            \
    X(GET_UPLOAD_URL, "b2_get_upload_url", A)                                                                          \
    X(UPLOAD_FILE, "b2_upload_file", A)                                                                                \
    X(START_LARGE_FILE, "b2_start_large_file", A)                                                                      \
    X(GET_UPLOAD_PART_URL, "b2_get_upload_part_url", A)                                                                \
    X(UPLOAD_PART, "b2_upload_part", A)                                                                                \
    X(LIST_PARTS, "b2_list_parts", C)                                                                                  \
    X(FINISH_LARGE_FILE, "b2_finish_large_file", A)                                                                    \
    X(CANCEL_LARGE_FILE, "b2_cancel_large_file", A)                                                                    \
    X(LIST_UNFINISHED, "b2_list_unfinished_large_files", C)                                                            \
    X(LIST_FILE_NAMES, "b2_list_file_names", C)                                                                        \
    X(LIST_FILE_VERSIONS, "b2_list_file_versions", C)                                                                  \
    X(GET_FILE_INFO, "b2_get_file_info", B)                                                                            \
    X(DOWNLOAD_BY_NAME, "b2_download_file_by_name", B)                                                                 \
    X(DOWNLOAD_BY_ID, "b2_download_file_by_id", B)                                                                     \
    X(HIDE_FILE, "b2_hide_file", A)                                                                                    \
    X(DELETE_FILE_VERSION, "b2_delete_file_version", A)                                                                \
    X(COPY_FILE, "b2_copy_file", C)                                                                                    \
    X(COPY_PART, "b2_copy_part", C)                                                                                    \
    X(GET_DOWNLOAD_AUTHORIZATION, "b2_get_download_authorization", C)                                                  \
    X(CREATE_KEY, "b2_create_key", C)                                                                                  \
    X(LIST_KEYS, "b2_list_keys", C)                                                                                    \
    X(DELETE_KEY, "b2_delete_key", A)                                                                                  \
    X(OTHER, "b2_other", A)

enum bucket_call {
#define BUCKET_CALL_ENUM(code, name, class) BUCKET_##code,
    BUCKET_CALL_LIST(BUCKET_CALL_ENUM)
#undef BUCKET_CALL_ENUM
        BUCKET_CALL_COUNT
};

/*
 * The call that a path asks for (/b2api/vN/NAME with anything behind it, or /file/...), and N in `version`: 1 to 4, or 0 when
 * the path has none. BUCKET_OTHER when it is no call of the store.
 */
enum bucket_call bucket_call_of(const char *path, int *version);

const char *bucket_call_name(enum bucket_call call);
enum bucket_call bucket_call_by_name(const char *name); /* BUCKET_CALL_COUNT when there is none */
enum bucket_class bucket_call_class(enum bucket_call call);

#endif
