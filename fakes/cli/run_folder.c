#define _GNU_SOURCE /* nftw's FTW_* */
#include "fakes/cli/run_folder.h"

#include <errno.h>
#include <ftw.h>
#include <libssh/libssh.h>
#include <limits.h>
#include <stdio.h> /* remove */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error_code cannot(struct error *error, const char *what, const char *path)
{
    return error_set(error, ERR_CANNOT_WRITE, "cannot %s %s: %s", what, path, strerror(errno));
}

static bool name_paths(struct run_folder *folder)
{
    return text_format(folder->clock, sizeof folder->clock, "%s/clock", folder->path) &&
           text_format(folder->ssh_key, sizeof folder->ssh_key, "%s/id_ed25519", folder->path) &&
           text_format(folder->state, sizeof folder->state, "%s/state", folder->path) &&
           text_format(folder->events, sizeof folder->events, "%s/events.sqlite", folder->path);
}

/* The private key is the folder's owner's alone from its first byte: the folder is. */
static enum error_code make_key(struct run_folder *folder, struct error *error)
{
    ssh_key key = NULL;
    char *public_part = NULL;
    (void)unlink(folder->ssh_key); /* of an earlier run */
    bool made = ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK &&
                ssh_pki_export_privkey_file(key, NULL, NULL, NULL, folder->ssh_key) == SSH_OK &&
                chmod(folder->ssh_key, FILE_SECRET) == 0 && ssh_pki_export_pubkey_base64(key, &public_part) == SSH_OK &&
                text_format(folder->public_key, sizeof folder->public_key, "ssh-ed25519 %s dumont-fake", public_part);
    ssh_string_free_char(public_part);
    ssh_key_free(key);
    return made ? ERR_OK : cannot(error, "make the SSH key", folder->ssh_key);
}

static enum error_code make_temporary(struct run_folder *folder, struct error *error)
{
    const char *parent = getenv("TMPDIR");
    parent = parent == NULL || parent[0] != '/' ? "/tmp" : parent;
    if (!text_format(folder->path, sizeof folder->path, "%s/dumont-fake-XXXXXX", parent) ||
        mkdtemp(folder->path) == NULL) {
        enum error_code code = cannot(error, "make a temporary folder in", parent);
        folder->path[0] = '\0';
        return code;
    }
    return ERR_OK;
}

static enum error_code make_wanted(struct run_folder *folder, const char *wanted, struct error *error)
{
    char resolved[PATH_MAX];
    enum error_code code = folder_make(wanted, FOLDER_SECRET, error);
    if (code == ERR_OK &&
        (realpath(wanted, resolved) == NULL || !text_copy(folder->path, sizeof folder->path, resolved))) {
        return cannot(error, "find the folder", wanted);
    }
    folder->stays = true;
    return code;
}

/* The events store is laid out anew: what it held was of another cloud. */
static void clear_events(const struct run_folder *folder)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[FILE_PATH_SIZE];
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        if (text_format(path, sizeof path, "%s%s", folder->events, endings[i])) {
            (void)unlink(path);
        }
    }
}

enum error_code run_folder_make(struct run_folder *folder, const char *wanted, struct error *error)
{
    *folder = (struct run_folder){.path = ""};
    enum error_code code = wanted == NULL ? make_temporary(folder, error) : make_wanted(folder, wanted, error);
    if (code != ERR_OK) {
        return code;
    }
    if (!name_paths(folder)) {
        return error_set(error, ERR_CANNOT_WRITE, "the path of the folder %.200s is too long", folder->path);
    }
    clear_events(folder);
    code = folder_make(folder->state, FOLDER_SECRET, error);
    return code == ERR_OK ? make_key(folder, error) : code;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void run_folder_remove(struct run_folder *folder)
{
    enum { DESCRIPTORS = 8 };
    if (folder->path[0] != '\0' && folder->stays) {
        (void)unlink(folder->clock);
    } else if (folder->path[0] != '\0') {
        (void)nftw(folder->path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    }
    folder->path[0] = '\0';
}
