#define _GNU_SOURCE /* nftw's FTW_* */
#include "fakes/cli/run_folder.h"

#include <errno.h>
#include <ftw.h>
#include <libssh/libssh.h>
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
    bool made = ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK &&
                ssh_pki_export_privkey_file(key, NULL, NULL, NULL, folder->ssh_key) == SSH_OK &&
                chmod(folder->ssh_key, FILE_SECRET) == 0 && ssh_pki_export_pubkey_base64(key, &public_part) == SSH_OK &&
                text_format(folder->public_key, sizeof folder->public_key, "ssh-ed25519 %s dumont-fake", public_part);
    ssh_string_free_char(public_part);
    ssh_key_free(key);
    return made ? ERR_OK : cannot(error, "make the SSH key", folder->ssh_key);
}

enum error_code run_folder_make(struct run_folder *folder, struct error *error)
{
    const char *parent = getenv("TMPDIR");
    parent = parent == NULL || parent[0] != '/' ? "/tmp" : parent;
    *folder = (struct run_folder){.path = ""};
    if (!text_format(folder->path, sizeof folder->path, "%s/dumont-fake-XXXXXX", parent) ||
        mkdtemp(folder->path) == NULL) {
        enum error_code code = cannot(error, "make a temporary folder in", parent);
        folder->path[0] = '\0';
        return code;
    }
    if (!name_paths(folder)) {
        return error_set(error, ERR_CANNOT_WRITE, "the path of the temporary folder is too long");
    }
    if (mkdir(folder->state, FOLDER_SECRET) != 0) {
        return cannot(error, "make the folder", folder->state);
    }
    return make_key(folder, error);
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
    if (folder->path[0] != '\0') {
        (void)nftw(folder->path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
        folder->path[0] = '\0';
    }
}
