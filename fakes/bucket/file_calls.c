/* Single files: info, hide, delete, copy. */
#include <string.h>

#include "fakes/bucket/state.h"

void call_get_file_info(struct exchange *exchange)
{
    struct version *version;
    if (!access_check(exchange, CAN_READ_FILES) || !argument_version(exchange, "fileId", &version)) {
        return;
    }
    if (version == NULL) {
        (void)bucket_refuse(exchange, 404, "not_found", "File with such id does not exist.");
        return;
    }
    if (access_version(exchange, version)) {
        struct json_writer json = bucket_answer(exchange);
        write_version(&json, exchange, version, false);
    }
}

void call_hide_file(struct exchange *exchange)
{
    char name[FILE_NAME_MAX + 1];
    struct file_bucket *bucket = access_check(exchange, CAN_WRITE_FILES) ? argument_bucket(exchange, "bucketId") : NULL;
    if (bucket == NULL || !access_bucket(exchange, bucket) || !argument_name(exchange, name)) {
        return;
    }
    const struct listed_name *listed = name_list_find(&bucket->names, span_of(name));
    const struct version *newest = listed == NULL ? NULL : version_newest(listed);
    if (newest == NULL) {
        (void)bucket_refuse(exchange, 400, "no_such_file", "File not present: %.160s", name);
        return;
    }
    if (newest->action == ACTION_HIDE) {
        (void)bucket_refuse(exchange, 400, "already_hidden", "file already hidden: %.160s", name);
        return;
    }
    struct version_draft draft = {.bucket = bucket,
                                  .name = span_of(name),
                                  .action = ACTION_HIDE,
                                  .standing = SHA1_VERIFIED,
                                  .sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                                  .md5 = "d41d8cd98f00b204e9800998ecf8427e",
                                  .content_type = "application/x-bz-hide-marker"};
    const struct version *marker = version_add(exchange->service, &draft);
    if (marker == NULL) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_version(&json, exchange, marker, false);
}

void call_delete_file_version(struct exchange *exchange)
{
    char name[FILE_NAME_MAX + 1];
    struct version *version;
    if (!access_check(exchange, CAN_DELETE_FILES) || !argument_version(exchange, "fileId", &version) ||
        !argument_required(exchange, "fileName", name, sizeof name)) {
        return;
    }
    if (version == NULL || !span_equals(version->name->text, name)) {
        (void)bucket_refuse(exchange, 400, "file_not_present", "File not present: %.160s", name);
        return;
    }
    if (!access_version(exchange, version)) {
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_file_reference(&json, exchange, version, false);
    if (!exchange->open.reply.body.failed && !version_remove(exchange->service, version)) {
        (void)bucket_refuse_exhausted(exchange);
    }
}
