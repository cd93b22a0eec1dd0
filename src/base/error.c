#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"

struct error_row {
    const char *name;
    const char *sentence;
    enum retry_class retry;
    enum exit_status exit;
};

static const struct error_row rows[ERROR_COUNT] = {
#define ERROR_ROW(code, name, retry, exit, sentence) [ERR_##code] = {name, sentence, RETRY_##retry, EXIT_##exit},
    ERROR_LIST(ERROR_ROW)
#undef ERROR_ROW
};

static const struct error_row *row_of(enum error_code code)
{
    assert(code < ERROR_COUNT);
    return &rows[code];
}

const char *error_name(enum error_code code)
{
    return row_of(code)->name;
}

const char *error_sentence(enum error_code code)
{
    return row_of(code)->sentence;
}

enum retry_class error_retry_class(enum error_code code)
{
    return row_of(code)->retry;
}

enum exit_status error_exit_status(enum error_code code)
{
    return row_of(code)->exit;
}

const char *retry_class_name(enum retry_class retry)
{
    static const char *const names[] = {"safe", "later", "ambiguous", "fatal"};
    return names[retry];
}

const char *error_usual_advice(enum error_code code)
{
    switch (code) {
    case ERR_OK:
    case ERR_USAGE:
    case ERR_MACHINE_LEFT:
        return "";
    case ERR_CANNOT_WRITE:
    case ERR_LEDGER_UNWRITABLE:
        return "check the path, its rights and the free space";
    case ERR_INPUT_UNREADABLE:
        return "check the path and its rights";
    case ERR_INPUT_INVALID:
        return "mend the file at that place";
    case ERR_TLS_REFUSED:
        return "check VAST_URL; a private authority is trusted with --cacert FILE";
    case ERR_INTERRUPTED:
        return "nothing of it is left unsaid: run it again when you like";
    case ERR_CAP_EXCEEDED:
        return "raise the cap in the account's Caps & Alerts page, or wait for 00:00 UTC; nothing was deleted";
    case ERR_CANNOT_LISTEN:
        return "choose another port, or end whoever has that one";
    case ERR_MISSING_TOOL:
        return "install what is missing, and run it again";
    case ERR_STATE_LOCKED:
        return "wait for the other process, or end it";
    case ERR_NOT_AUTHENTICATED:
        return "check the key: is it this account's, whole, and still valid?";
    case ERR_NOT_PERMITTED:
        return "use a key that may do it";
    case ERR_NO_SUCH_INSTANCE:
    case ERR_MACHINE_GONE:
        return "see which machines there are: dumont status";
    case ERR_STORE_UNAVAILABLE:
        return "check DUMONT_DATABASE, and that its database runs and lets us in; events wait until then";
    case ERR_STORE_TABLE_MISSING:
        return "make its tables: dumont events migrate";
    case ERR_STORE_REJECTED:
        return "check DUMONT_DATABASE, and what its user may do there";
    default:
        break;
    }
    return error_retry_class(code) == RETRY_FATAL ? "run it again with --history FILE, which tells each step"
                                                  : "run it again in a few minutes";
}

enum error_code error_by_name(const char *name)
{
    enum error_code code = ERR_OK;
    while (code < ERROR_COUNT && strcmp(rows[code].name, name) != 0) {
        code++;
    }
    return code;
}

/* Quoted words of a server or a command must not break the line, nor reach a terminal as commands. */
static void keep_on_one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F) {
            *text = ' ';
        }
    }
}

enum error_code error_set(struct error *error, enum error_code code, const char *format, ...)
{
    *error = (struct error){.code = code};
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    keep_on_one_line(error->message);
    return code;
}

void error_wrap(struct error *error, const char *format, ...)
{
    char context[ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(context, sizeof context, format, arguments);
    va_end(arguments);
    char whole[2 * ERROR_MESSAGE_SIZE];
    (void)text_format(whole, sizeof whole, "%s: %s", context, error->message);
    (void)text_copy(error->message, sizeof error->message, whole);
    keep_on_one_line(error->message);
}

void error_advise(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(error->next_step, sizeof error->next_step, format, arguments);
    va_end(arguments);
    keep_on_one_line(error->next_step);
}
