#include "fakes/sftp/sftp_wire.h"

#include <string.h>

/* ---- reading ---- */

static const unsigned char *take(struct sftp_reader *reader, size_t size)
{
    if (reader->failed || reader->rest.length < size) {
        reader->failed = true;
        return NULL;
    }
    const unsigned char *at = (const unsigned char *)reader->rest.at;
    reader->rest.at += size;
    reader->rest.length -= size;
    return at;
}

static uint64_t take_number(struct sftp_reader *reader, size_t size)
{
    const unsigned char *at = take(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < size; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

uint32_t sftp_take_u32(struct sftp_reader *reader)
{
    return (uint32_t)take_number(reader, sizeof(uint32_t));
}

uint64_t sftp_take_u64(struct sftp_reader *reader)
{
    return take_number(reader, sizeof(uint64_t));
}

struct span sftp_take_string(struct sftp_reader *reader)
{
    size_t length = sftp_take_u32(reader);
    const unsigned char *at = take(reader, length);
    return at == NULL ? span_of("") : (struct span){(const char *)at, length};
}

void sftp_take_path(struct sftp_reader *reader, char *out, size_t size, bool *too_long)
{
    struct span text = sftp_take_string(reader);
    if (text.length > 0 && memchr(text.at, '\0', text.length) != NULL) {
        reader->failed = true;
        text.length = 0;
    }
    if (text.length >= size) {
        *too_long = true;
        text.length = size - 1;
    }
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
}

void sftp_take_attributes(struct sftp_reader *reader, struct file_change *out)
{
    *out = (struct file_change){.what = 0};
    uint32_t flags = sftp_take_u32(reader);
    if ((flags & SFTP_ATTR_SIZE) != 0) {
        out->what |= FILE_CHANGE_SIZE;
        out->size = sftp_take_u64(reader);
    }
    if ((flags & SFTP_ATTR_OWNER) != 0) {
        out->what |= FILE_CHANGE_OWNER;
        out->user = sftp_take_u32(reader);
        out->group = sftp_take_u32(reader);
    }
    if ((flags & SFTP_ATTR_MODE) != 0) {
        out->what |= FILE_CHANGE_MODE;
        out->mode = sftp_take_u32(reader) & FILE_PERMISSION_MASK;
    }
    if ((flags & SFTP_ATTR_TIMES) != 0) {
        out->what |= FILE_CHANGE_TIMES;
        out->accessed_s = sftp_take_u32(reader);
        out->modified_s = sftp_take_u32(reader);
    }
    if ((flags & SFTP_ATTR_EXTENDED) != 0) {
        uint32_t pairs = sftp_take_u32(reader);
        while (pairs-- > 0 && !reader->failed) {
            (void)sftp_take_string(reader);
            (void)sftp_take_string(reader);
        }
    }
}

/* ---- writing ---- */

static void write_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (char)(unsigned char)(value >> (24 - 8 * i) & 0xff);
    }
}

void sftp_put_u32(struct buffer *out, uint32_t value)
{
    char bytes[4];
    write_u32(bytes, value);
    buffer_append(out, bytes, sizeof bytes);
}

void sftp_put_u64(struct buffer *out, uint64_t value)
{
    sftp_put_u32(out, (uint32_t)(value >> 32));
    sftp_put_u32(out, (uint32_t)(value & 0xffffffff));
}

void sftp_put_string(struct buffer *out, struct span text)
{
    sftp_put_u32(out, (uint32_t)text.length);
    buffer_append(out, text.at, text.length);
}

/* Times of version 3 are 32 bits without a sign. */
static uint32_t wire_seconds(int64_t seconds)
{
    return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

void sftp_put_attributes(struct buffer *out, const struct file_facts *facts)
{
    sftp_put_u32(out, SFTP_ATTR_SIZE | SFTP_ATTR_OWNER | SFTP_ATTR_MODE | SFTP_ATTR_TIMES);
    sftp_put_u64(out, facts->size);
    sftp_put_u32(out, facts->user);
    sftp_put_u32(out, facts->group);
    sftp_put_u32(out, facts->mode);
    sftp_put_u32(out, wire_seconds(facts->accessed_s));
    sftp_put_u32(out, wire_seconds(facts->modified_s));
}

size_t sftp_begin(struct buffer *out, enum sftp_type type, uint32_t request_id)
{
    size_t place = out->length;
    sftp_put_u32(out, 0);
    buffer_append_char(out, (char)(unsigned char)type);
    sftp_put_u32(out, request_id);
    return place;
}

void sftp_end(struct buffer *out, size_t place)
{
    if (!out->failed) {
        write_u32(out->data + place, (uint32_t)(out->length - place - sizeof(uint32_t)));
    }
}

/* ---- statuses ---- */

enum sftp_status sftp_status_of(enum tree_error error)
{
    switch (error) {
    case TREE_OK:
        return SFTP_FX_OK;
    case TREE_NO_ENTRY:
    case TREE_NOT_DIRECTORY:
    case TREE_TOO_MANY_LINKS:
        return SFTP_FX_NO_SUCH_FILE;
    case TREE_NOT_ALLOWED:
        return SFTP_FX_PERMISSION_DENIED;
    case TREE_NAME_TOO_LONG:
    case TREE_INVALID:
        return SFTP_FX_BAD_MESSAGE;
    case TREE_NOT_SUPPORTED:
        return SFTP_FX_OP_UNSUPPORTED;
    default:
        return SFTP_FX_FAILURE;
    }
}

const char *sftp_status_text(enum sftp_status status)
{
    switch (status) {
#define SFTP_STATUS_TEXT(name, number, text)                                                                           \
    case SFTP_FX_##name:                                                                                               \
        return text;
        SFTP_STATUS_LIST(SFTP_STATUS_TEXT)
#undef SFTP_STATUS_TEXT
    }
    return "Failure";
}
