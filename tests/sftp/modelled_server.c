/*
 * A modelled host on standard input and output, for real clients:
 *
 *     modelled_server [-f|-t] [-rpd] [PATH…]    an scp without a file system; without arguments an SFTP server
 */
#include <signal.h>
#include <string.h>

#include "fakes/guest/guest.h"
#include "fakes/host/host_files.h"

static void read_option(struct scp_options *options, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        options->sink = options->sink || *letter == 't';
        options->recursive = options->recursive || *letter == 'r';
        options->preserve = options->preserve || *letter == 'p';
        options->target_is_directory = options->target_is_directory || *letter == 'd';
    }
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    struct heap *heap = heap_new();
    struct host_facts facts = {.instance_id = 1, .seed = 1, .disk_bytes = INT64_C(20) << 30, .num_gpus = 1};
    struct host_files files = {.host = host_new(heap, &facts), .now = {INT64_C(1785752400) * NS_PER_S}};
    struct scp_options options = {.sink = false};
    int first = 1;
    while (first < argc && argv[first][0] == '-') {
        read_option(&options, argv[first++]);
    }
    options.paths = (const char *const *)&argv[first];
    options.path_count = (size_t)(argc - first);
    struct file_session *session = argc > 1 ? scp_session_new(heap, &host_file_service, &files, &options)
                                            : sftp_session_new(heap, &host_file_service, &files);
    int status = guest_serve(heap, session);
    file_session_free(session);
    host_free(files.host);
    heap_free(heap);
    return status;
}
