/* Digests and names, as they are written. */
#include <string.h>

#include "b2/codec.h"
#include "base/utf8.h"

void b2_sha1_copy(char out[B2_SHA1_SIZE], const char *text)
{
    static const char unverified[] = "unverified:";
    out[0] = '\0';
    if (strncmp(text, unverified, strlen(unverified)) == 0) {
        text += strlen(unverified);
    }
    if (strlen(text) != B2_SHA1_SIZE - 1 || strspn(text, "0123456789abcdefABCDEF") != B2_SHA1_SIZE - 1) {
        return;
    }
    for (size_t i = 0; i < B2_SHA1_SIZE; i++) {
        out[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
}

bool b2_sha1_equal(const char *one, const char *other)
{
    char a[B2_SHA1_SIZE];
    char b[B2_SHA1_SIZE];
    b2_sha1_copy(a, one);
    b2_sha1_copy(b, other);
    return a[0] != '\0' && strcmp(a, b) == 0;
}

const char *b2_name_mistake(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > B2_NAME_MAX) {
        return "a name has 1 to 1024 bytes";
    }
    if (name[0] == '/' || name[length - 1] == '/' || strstr(name, "//") != NULL) {
        return "a name has no slash at its ends, and no two in a row";
    }
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)name[i];
        size_t step = byte < 0x80 ? 1 : utf8_length((struct span){name, length}, i);
        if (byte < ' ' || byte == 0x7F || step == 0) {
            return "a name is UTF-8 without control characters";
        }
        i += step;
    }
    return NULL;
}

void b2_append_encoded(struct buffer *out, const char *text)
{
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    for (; *text != '\0'; text++) {
        if (strchr(kept, *text) != NULL) {
            buffer_append_char(out, *text);
        } else {
            buffer_printf(out, "%%%02X", (unsigned char)*text);
        }
    }
}
