#include <string.h>

#include "world/live/postgres_link.h"

/* The place of the "XXXXX" in "FATAL:  XXXXX: words", NULL when there is none. Severities are translated, so only their mark counts. */
static const char *find_sqlstate(const char *text)
{
    for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        const char *code = at + 3;
        size_t length = strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (length == STORE_SQLSTATE_SIZE - 1 && code[length] == ':' && code[length + 1] == ' ') {
            return code;
        }
    }
    return NULL;
}

void postgres_connect_failure(const char *text, const char *password, char sqlstate[STORE_SQLSTATE_SIZE],
                              struct buffer *words)
{
    const char *code = find_sqlstate(text);
    const char *reason = text;
    (void)text_copy(sqlstate, STORE_SQLSTATE_SIZE, code == NULL ? "08001" : code);
    if (code != NULL) {
        reason = code + strlen("XXXXX: ");
    } else {
        for (const char *at = strstr(text, "failed: "); at != NULL; at = strstr(at + 1, "failed: ")) {
            reason = at + strlen("failed: ");
        }
    }
    buffer_append_text(words, "cannot connect: ");
    buffer_append(words, reason, strcspn(reason, "\r\n"));
    bool tells = password != NULL && password[0] != '\0' && strstr(buffer_text(words), password) != NULL;
    if (tells) {
        buffer_clear(words);
        buffer_append_text(words, "cannot connect");
    }
}
