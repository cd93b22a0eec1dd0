/* A command that somebody gave to ssh: is it the remote side of an scp? */
#include <string.h>

#include "fakes/sftp/scp_command.h"

enum { WORDS_MAX = 64 * 1024, PATHS_MAX = 1024 };

/* The letters of one word of options; false: it takes a value or is unknown, so no remote side was meant. */
static bool read_letters(struct scp_options *options, const char *letters, bool *from)
{
    for (; *letters != '\0'; letters++) {
        options->sink = options->sink || *letters == 't';
        *from = *from || *letters == 'f';
        options->recursive = options->recursive || *letters == 'r';
        options->preserve = options->preserve || *letters == 'p';
        options->target_is_directory = options->target_is_directory || *letters == 'd';
        if (strchr("tfrpdvqTOB12346C", *letters) == NULL) {
            return false;
        }
    }
    return true;
}

static struct file_session *open_by_words(struct heap *heap, struct host_files *files, const struct buffer *words)
{
    const char *paths[PATHS_MAX];
    struct scp_options options = {.paths = paths};
    bool from = false;
    bool more_options = true;
    const char *end = words->data + words->length;
    for (const char *word = words->data + strlen(words->data) + 1; word < end; word += strlen(word) + 1) {
        if (more_options && strcmp(word, "--") == 0) {
            more_options = false;
        } else if (more_options && word[0] == '-' && word[1] != '\0') {
            if (!read_letters(&options, word + 1, &from)) {
                return NULL;
            }
        } else if (options.path_count == PATHS_MAX) {
            return NULL;
        } else {
            more_options = false;
            paths[options.path_count++] = word;
        }
    }
    bool one_direction = options.sink != from;
    return one_direction ? scp_session_new(heap, &host_file_service, files, &options) : NULL;
}

struct file_session *scp_session_for_command(struct heap *heap, struct host_files *files, struct span command)
{
    struct buffer words;
    struct file_session *session = NULL;
    if (command.length < 4 || memcmp(command.at, "scp ", 4) != 0) {
        return NULL;
    }
    buffer_init(&words, heap, WORDS_MAX);
    if (host_command_words(files->host, files->now, command, &words)) {
        session = open_by_words(heap, files, &words);
    }
    buffer_release(&words);
    return session;
}
