/* What headers say. */
#include <string.h>

#include "b2/codec.h"
#include "base/json_read.h"

enum { DECIMAL_TEXT_SIZE = 24 };

/* Digits at the start of `text`, which moves behind them. */
static bool take_number(struct span *text, int64_t *out)
{
    size_t length = 0;
    while (length < text->length && text->at[length] >= '0' && text->at[length] <= '9') {
        length++;
    }
    char digits[DECIMAL_TEXT_SIZE];
    if (length == 0 || length >= sizeof digits) {
        return false;
    }
    /* Leading zeros are no JSON number, but stand in dates. */
    size_t zeros = 0;
    while (zeros + 1 < length && text->at[zeros] == '0') {
        zeros++;
    }
    bool read = json_number_int64((struct span){text->at + zeros, length - zeros}, out);
    text->at += length;
    text->length -= length;
    return read;
}

static bool take_text(struct span *text, const char *wanted)
{
    size_t length = strlen(wanted);
    if (text->length < length || memcmp(text->at, wanted, length) != 0) {
        return false;
    }
    text->at += length;
    text->length -= length;
    return true;
}

bool b2_read_content_range(struct span text, int64_t *first, int64_t *last, int64_t *size)
{
    return text.at != NULL && take_text(&text, "bytes ") && take_number(&text, first) && take_text(&text, "-") &&
           take_number(&text, last) && take_text(&text, "/") && take_number(&text, size) && text.length == 0 &&
           *first <= *last && *last < *size;
}

static bool take_month(struct span *text, int *month)
{
    static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++) {
        if (take_text(text, names[i])) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

bool b2_read_date(struct span text, struct wall_time *out)
{
    int64_t day;
    int64_t year;
    int64_t clock[3];
    int month;
    char iso[48];
    if (text.at == NULL || text.length < 5) {
        return false;
    }
    text.at += 5; /* the day's name, a comma and a blank */
    text.length -= 5;
    bool read = take_number(&text, &day) && take_text(&text, " ") && take_month(&text, &month) &&
                take_text(&text, " ") && take_number(&text, &year) && take_text(&text, " ") &&
                take_number(&text, &clock[0]) && take_text(&text, ":") && take_number(&text, &clock[1]) &&
                take_text(&text, ":") && take_number(&text, &clock[2]) && take_text(&text, " GMT") && text.length == 0;
    return read &&
           text_format(iso, sizeof iso, "%04lld-%02d-%02lldT%02lld:%02lld:%02lldZ", (long long)year, month,
                       (long long)day, (long long)clock[0], (long long)clock[1], (long long)clock[2]) &&
           wall_time_parse(span_of(iso), out);
}

static bool copy_header(const struct http_reply *reply, const char *name, char *out, size_t size)
{
    struct span value = http_reply_header(reply, name);
    out[0] = '\0';
    return value.at != NULL && value.length < size && text_format(out, size, "%.*s", (int)value.length, value.at);
}

bool b2_read_download_headers(const struct http_reply *reply, struct b2_file *file)
{
    char sha1[64];
    char large_sha1[64];
    int64_t first;
    int64_t last;
    *file = (struct b2_file){.action = B2_UPLOAD, .modified_unix_ms = -1};
    (void)copy_header(reply, "x-bz-content-sha1", sha1, sizeof sha1);
    (void)copy_header(reply, "x-bz-info-large_file_sha1", large_sha1, sizeof large_sha1);
    if (!json_number_int64(http_reply_header(reply, "x-bz-info-src_last_modified_millis"), &file->modified_unix_ms) ||
        file->modified_unix_ms < 0) {
        file->modified_unix_ms = -1;
    }
    if (!json_number_int64(http_reply_header(reply, "X-Bz-Upload-Timestamp"), &file->uploaded_unix_ms)) {
        file->uploaded_unix_ms = 0;
    }
    b2_sha1_copy(file->sha1, sha1);
    if (file->sha1[0] == '\0') {
        b2_sha1_copy(file->sha1, large_sha1);
    }
    bool has_size = reply->status != 206 ||
                    b2_read_content_range(http_reply_header(reply, "Content-Range"), &first, &last, &file->size);
    return has_size && copy_header(reply, "x-bz-file-id", file->id, sizeof file->id) && file->id[0] != '\0';
}
