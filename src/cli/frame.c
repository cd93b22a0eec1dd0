#include "cli/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/heap.h"

enum { HELP_SIZE_MAX = 1024 * 1024 };

const struct help_row exit_status_rows[EXIT_STATUS_ROW_COUNT] = {
    {"0", "done"},
    {"1", "failed, nothing is left billing"},
    {"2", "usage, or an input file that cannot be read"},
    {"3", "environment: cannot write, cannot listen, a tool is missing"},
    {"4", "authentication"},
    {"5", "no offer, no credit, or the machine was refused"},
    {"6", "a deadline has passed"},
    {"7", "the budget would be or was exceeded"},
    {"8", "a machine is left: the last line says which, its price per hour, and the command that removes it"},
    {"130, 143", "interrupted, cleaned up"},
};

void frame_allow_no_core(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

enum exit_status say_error(const char *program_name, const struct error *error)
{
    (void)fprintf(stderr, "%s: %s\n", program_name,
                  error->message[0] == '\0' ? error_sentence(error->code) : error->message);
    const char *next = error->next_step[0] != '\0' ? error->next_step : error_usual_advice(error->code);
    if (next[0] != '\0') {
        (void)fprintf(stderr, "  next: %s\n", next);
    }
    return error_exit_status(error->code);
}

void say(const char *program_name, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "%s: %s\n", program_name, line);
}

enum error_code print_text(struct span text, struct error *error)
{
    bool written = fwrite(text.at, 1, text.length, stdout) == text.length && fflush(stdout) == 0;
    return written ? ERR_OK : error_set(error, ERR_CANNOT_WRITE, "standard output: %s", strerror(errno));
}

static enum exit_status answer(const struct program *program, const struct command_line *line)
{
    struct error error;
    struct heap *heap = heap_new();
    if (heap == NULL) {
        (void)error_set(&error, ERR_NO_MEMORY, "no memory");
        return say_error(program->name, &error);
    }
    struct buffer text;
    buffer_init(&text, heap, HELP_SIZE_MAX);
    options_render(program, line, &text);
    enum error_code code = text.failed ? error_set(&error, ERR_NO_MEMORY, "no memory")
                                       : print_text((struct span){buffer_text(&text), text.length}, &error);
    heap_free(heap);
    return code == ERR_OK ? EXIT_DONE : say_error(program->name, &error);
}

/* A standard stream that was closed must not become the number of the next file opened; writing to it still fails. */
static void hold_standard_streams(void)
{
    int descriptor;
    do {
        descriptor = open("/dev/null", O_RDONLY);
    } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}

int frame_main(const struct program *program, int argc, char **argv, void *values, void *context)
{
    struct command_line line;
    struct error error;
    hold_standard_streams();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a reason to die, */
    (void)signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow: a machine may be rented */
    if (options_parse(program, argc, argv, values, &line, &error) != ERR_OK) {
        return (int)say_error(program->name, &error);
    }
    if (line.request != REQUEST_RUN) {
        return (int)answer(program, &line);
    }
    return (int)line.command->run(context, &line);
}
