#include "cli/api_key.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "system/files.h"

enum { KEY_FILE_MAX = 4096 };

static enum error_code refuse(struct error *error, const char *where, const char *what)
{
    (void)error_set(error, ERR_NOT_AUTHENTICATED, "%s%s", where, what);
    error_advise(error, "set VAST_API_KEY, or write the key to ~/.config/vastai/vast_api_key");
    return ERR_NOT_AUTHENTICATED;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A key travels in a header: no blanks within, no control characters, nothing beyond ASCII. */
static enum error_code take(struct span text, const char *where, char key[API_KEY_SIZE], struct error *error)
{
    while (text.length > 0 && is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.at[text.length - 1])) {
        text.length--;
    }
    if (text.length == 0) {
        return refuse(error, where, " is empty");
    }
    if (text.length >= API_KEY_SIZE) {
        return refuse(error, where, " is too long for a key");
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ' || text.at[i] > '~') {
            return refuse(error, where, " holds a blank or a character that no key has");
        }
    }
    memcpy(key, text.at, text.length);
    key[text.length] = '\0';
    return ERR_OK;
}

static enum error_code take_file(struct heap *heap, const char *path, char key[API_KEY_SIZE], struct error *error)
{
    struct buffer text;
    buffer_init(&text, heap, KEY_FILE_MAX);
    enum error_code code = file_read(path, &text, error);
    if (code == ERR_OK) {
        code = take((struct span){buffer_text(&text), text.length}, path, key, error);
    } else if (code != ERR_NO_MEMORY) {
        char words[ERROR_MESSAGE_SIZE];
        (void)text_copy(words, sizeof words, error->message);
        code = refuse(error, "the key file cannot be read: ", words);
    }
    buffer_release(&text);
    return code;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

/* The file exists, whether it can be read or not: one that is there and locked must not be passed over in silence. */
static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

enum error_code api_key_find(struct heap *heap, char key[API_KEY_SIZE], struct error *error)
{
    const char *given = variable("VAST_API_KEY");
    if (given[0] != '\0') {
        return take(span_of(given), "VAST_API_KEY", key, error);
    }
    const char *home = variable("HOME");
    const char *config = variable("XDG_CONFIG_HOME");
    char path[FILE_PATH_SIZE];
    bool fits = config[0] == '/' ? text_format(path, sizeof path, "%s/vastai/vast_api_key", config)
                                 : text_format(path, sizeof path, "%s/.config/vastai/vast_api_key", home);
    if (fits && (config[0] == '/' || home[0] != '\0') && is_there(path)) {
        return take_file(heap, path, key, error);
    }
    if (home[0] != '\0' && text_format(path, sizeof path, "%s/.vast_api_key", home) && is_there(path)) {
        return take_file(heap, path, key, error);
    }
    return refuse(error, "", "there is no API key");
}
