/* b2_list_file_names and b2_list_file_versions. */
#include <string.h>

#include "fakes/bucket/state.h"

enum { FILES_A_PAGE = 100, FILES_A_PAGE_MOST = 10000, FILES_A_CALL = 1000, DELIMITER_MAX = 64 };

/* What is asked for, and how far the page has come. */
struct listing {
    struct exchange *exchange;
    struct file_bucket *bucket;
    char start[FILE_NAME_MAX + 1];
    char start_id[256];
    char prefix[FILE_NAME_MAX + 1];
    char delimiter[DELIMITER_MAX];
    int64_t most;
    int64_t count;
    struct json_writer json;
};

static bool has_prefix(struct span text, struct span prefix)
{
    return text.length >= prefix.length && (prefix.length == 0 || memcmp(text.at, prefix.at, prefix.length) == 0);
}

static bool read_listing(struct exchange *exchange, struct listing *listing, bool versions)
{
    listing->exchange = exchange;
    listing->bucket = access_check(exchange, CAN_LIST_FILES) ? argument_bucket(exchange, "bucketId") : NULL;
    if (listing->bucket == NULL || !access_bucket(exchange, listing->bucket) ||
        !argument_integer(exchange, "maxFileCount", 0, FILES_A_PAGE_MOST, FILES_A_PAGE, &listing->most)) {
        return false;
    }
    bool started = argument_text(exchange, "startFileName", listing->start, sizeof listing->start);
    (void)argument_text(exchange, "prefix", listing->prefix, sizeof listing->prefix);
    (void)argument_text(exchange, "delimiter", listing->delimiter, sizeof listing->delimiter);
    bool with_id = versions && argument_text(exchange, "startFileId", listing->start_id, sizeof listing->start_id);
    if (exchange->open.decided || !access_name(exchange, span_of(listing->prefix))) {
        return false;
    }
    if (with_id && !started) {
        return bucket_refuse_request(exchange, "startFileId takes a startFileName");
    }
    listing->most = listing->most == 0 ? FILES_A_PAGE : listing->most;
    for (int64_t billed = FILES_A_CALL; billed < listing->most; billed += FILES_A_CALL) {
        bill_call(exchange->service, exchange->open.call);
    }
    return true;
}

/* The name of the folder that the delimiter folds `name` into; false when it is in none. */
static bool folder_of(const struct listing *listing, struct span name, struct span *folder)
{
    size_t prefix = strlen(listing->prefix);
    size_t delimiter = strlen(listing->delimiter);
    for (size_t i = prefix; delimiter > 0 && i + delimiter <= name.length; i++) {
        if (memcmp(name.at + i, listing->delimiter, delimiter) == 0) {
            *folder = (struct span){name.at, i + delimiter};
            return true;
        }
    }
    return false;
}

/* The first name that is not in the folder that `name` is in. */
static struct listed_name *behind_folder(const struct listing *listing, struct span folder)
{
    char next[FILE_NAME_MAX + 1];
    memcpy(next, folder.at, folder.length);
    next[folder.length - 1]++; /* a delimiter's last byte is never 0xFF: that is no UTF-8 */
    return name_list_from(&listing->bucket->names, (struct span){next, folder.length});
}

static bool in_prefix(const struct listing *listing, const struct listed_name *name)
{
    return name != NULL && has_prefix(name->text, span_of(listing->prefix));
}

/* Where the list begins: at the prefix, or later at the name that was asked for. */
static struct listed_name *first_name(const struct listing *listing)
{
    struct span prefix = span_of(listing->prefix);
    struct span start = span_of(listing->start);
    return name_list_from(&listing->bucket->names, span_compare(start, prefix) > 0 ? start : prefix);
}

/* Whether a name has a version that this list shows. */
static bool is_shown(const struct listed_name *name, bool versions)
{
    const struct version *newest = version_newest(name);
    return versions || (newest != NULL && newest->action != ACTION_HIDE);
}

/* Whether the folder that begins with `name` holds anything that is shown; moves `name` behind it. */
static bool pass_folder(const struct listing *listing, struct listed_name **name, struct span folder, bool versions)
{
    struct listed_name *end = behind_folder(listing, folder);
    bool shown = false;
    for (const struct listed_name *each = *name; each != end && !shown; each = name_list_next(each)) {
        shown = is_shown(each, versions);
    }
    *name = end;
    return shown;
}

static void begin_page(struct listing *listing)
{
    listing->json = bucket_answer(listing->exchange);
    json_begin_object(&listing->json);
    json_key(&listing->json, "files");
    json_begin_array(&listing->json);
}

static void member_next(struct listing *listing, const char *key, struct span next)
{
    json_key(&listing->json, key);
    if (next.at == NULL) {
        json_null(&listing->json);
    } else {
        json_span(&listing->json, next);
    }
}

/* ---- Names ---------------------------------------------------------------------------------------------------------------- */

void call_list_file_names(struct exchange *exchange)
{
    struct listing listing = {.most = 0};
    if (!read_listing(exchange, &listing, false)) {
        return;
    }
    begin_page(&listing);
    struct listed_name *name = first_name(&listing);
    while (in_prefix(&listing, name) && listing.count < listing.most) {
        struct span folder;
        if (folder_of(&listing, name->text, &folder)) {
            if (pass_folder(&listing, &name, folder, false)) {
                write_folder(&listing.json, exchange, listing.bucket, folder);
                listing.count++;
            }
            continue;
        }
        if (is_shown(name, false)) {
            write_version(&listing.json, exchange, version_newest(name), true);
            listing.count++;
        }
        name = name_list_next(name);
    }
    /* Names that are hidden lead nowhere: the next page begins with one that is shown, or there is none. */
    while (in_prefix(&listing, name) && !is_shown(name, false)) {
        name = name_list_next(name);
    }
    json_end_array(&listing.json);
    member_next(&listing, "nextFileName", in_prefix(&listing, name) ? name->text : (struct span){NULL, 0});
    json_end_object(&listing.json);
}

/* ---- Versions ------------------------------------------------------------------------------------------------------------- */

/* The version of the first name with which the page begins. */
static const struct version *first_version(const struct listing *listing, const struct listed_name *name)
{
    const struct version *start = version_by_id(listing->exchange->service, listing->start_id);
    bool of_name = start != NULL && start->name == name && listing->start_id[0] != '\0';
    return of_name ? start : name->newest;
}

void call_list_file_versions(struct exchange *exchange)
{
    struct listing listing = {.most = 0};
    if (!read_listing(exchange, &listing, true)) {
        return;
    }
    begin_page(&listing);
    struct listed_name *name = first_name(&listing);
    const struct version *version = name == NULL ? NULL : first_version(&listing, name);
    while (in_prefix(&listing, name) && listing.count < listing.most) {
        struct span folder;
        listing.count++;
        if (folder_of(&listing, name->text, &folder)) {
            (void)pass_folder(&listing, &name, folder, true);
            write_folder(&listing.json, exchange, listing.bucket, folder);
        } else {
            write_version(&listing.json, exchange, version, true);
            version = version->older;
            if (version != NULL) {
                continue;
            }
            name = name_list_next(name);
        }
        version = name == NULL ? NULL : name->newest;
    }
    json_end_array(&listing.json);
    char id[FILE_ID_SIZE];
    bool more = in_prefix(&listing, name);
    if (more) {
        version_id(version, id);
    }
    member_next(&listing, "nextFileName", more ? name->text : (struct span){NULL, 0});
    member_next(&listing, "nextFileId", more ? span_of(id) : (struct span){NULL, 0});
    json_end_object(&listing.json);
}
