#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fakes/cli/fake_cli.h"

enum exit_status fake_say(const struct error *error)
{
    (void)fprintf(stderr, FAKE_NAME ": %s\n", error->message);
    const char *next = error->next_step[0] != '\0' ? error->next_step : error_usual_advice(error->code);
    if (next[0] != '\0') {
        (void)fprintf(stderr, "  next: %s\n", next);
    }
    return error_exit_status(error->code);
}

enum exit_status fake_print(const struct buffer *text)
{
    struct error error;
    if (text->failed) {
        (void)error_set(&error, ERR_NO_MEMORY, "no memory for the output");
        return fake_say(&error);
    }
    if (fwrite(buffer_text(text), 1, text->length, stdout) != text->length || fflush(stdout) != 0) {
        (void)error_set(&error, ERR_CANNOT_WRITE, "standard output: %s", strerror(errno));
        return fake_say(&error);
    }
    return EXIT_DONE;
}
