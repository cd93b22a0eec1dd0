/* File information, and what names may look like. */
#include <string.h>

#include "base/utf8.h"
#include "fakes/bucket/state.h"

static bool is_text(struct span text)
{
    for (size_t i = 0; i < text.length;) {
        unsigned char c = (unsigned char)text.at[i];
        size_t length = c < 0x80 ? 1 : utf8_length(text, i);
        if (length == 0 || c < ' ' || c == 0x7F) {
            return false;
        }
        i += length;
    }
    return true;
}

bool bucket_file_name_is_good(struct span name)
{
    if (name.length == 0 || name.length > FILE_NAME_MAX || name.at[0] == '/' || name.at[name.length - 1] == '/') {
        return false;
    }
    for (size_t i = 1; i < name.length; i++) {
        if (name.at[i] == '/' && name.at[i - 1] == '/') {
            return false;
        }
    }
    return is_text(name);
}

/* Letters, digits and what else a header's name is made of; upper case becomes lower case. */
static bool append_info_name(struct file_info_draft *draft, struct span name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool good = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("-_.`~!#$%^&*'|+", c) != NULL);
        if (!good) {
            return false;
        }
        draft->texts[draft->size++] = upper ? (char)(c - 'A' + 'a') : c;
    }
    draft->texts[draft->size++] = '\0';
    return name.length > 0;
}

bool file_info_draft_add(struct file_info_draft *draft, struct span name, struct span value)
{
    if (draft->count == FILE_INFO_PAIRS_MAX || !is_text(value) || name.length > sizeof draft->texts ||
        value.length > sizeof draft->texts || name.length + value.length + 2 > sizeof draft->texts - draft->size) {
        return false;
    }
    if (!append_info_name(draft, name)) {
        return false;
    }
    if (value.length > 0) {
        memcpy(draft->texts + draft->size, value.at, value.length);
    }
    draft->size += value.length;
    draft->texts[draft->size++] = '\0';
    draft->count++;
    return true;
}

struct file_info *file_info_new(struct heap *heap, const struct file_info_draft *draft)
{
    struct file_info *info = heap_alloc(heap, sizeof *info + draft->size);
    if (info != NULL) {
        info->count = draft->count;
        info->size = draft->size;
        memcpy(info->texts, draft->texts, draft->size);
    }
    return info;
}

void file_info_each(const struct file_info *info, file_info_function *each, void *context)
{
    const char *at = info == NULL ? NULL : info->texts;
    for (size_t i = 0; info != NULL && i < info->count; i++) {
        const char *value = at + strlen(at) + 1;
        each(context, at, value);
        at = value + strlen(value) + 1;
    }
}
