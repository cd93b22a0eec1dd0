#include "world/live/ssh_key.h"

#include <string.h>
#include <sys/stat.h>

#include "system/files.h"

enum { KEY_BYTES_MAX = 64 * 1024 };

/* A key that others can read is no secret any more; OpenSSH would not use it either. */
static enum error_code check_mode(const char *path, struct error *error)
{
    struct stat facts;
    if (stat(path, &facts) != 0 || (facts.st_mode & 077) == 0) {
        return ERR_OK; /* what cannot be looked at cannot be read: the reader says why */
    }
    (void)error_set(error, ERR_SSH_KEY_UNUSABLE, "the SSH key %s can be read by others (mode %04o)", path,
                    (unsigned)(facts.st_mode & 07777));
    error_advise(error, "chmod 600 %s; if others may have read it, make a new key", path);
    return error->code;
}

static bool asks_for_passphrase(const char *text)
{
    return strstr(text, "ENCRYPTED") != NULL;
}

static enum error_code import(const char *path, const char *text, ssh_key *out, struct error *error)
{
    bool openssh = strstr(text, "BEGIN OPENSSH PRIVATE KEY") != NULL;
    if (asks_for_passphrase(text)) { /* looked at first: OpenSSL would ask for it on the terminal, and wait */
        (void)error_set(error, ERR_SSH_KEY_UNUSABLE, "the SSH key %s is protected by a passphrase", path);
        error_advise(error, "give a key without one in DUMONT_SSH_KEY: nobody is there to type it");
    } else if (ssh_pki_import_privkey_base64(text, NULL, NULL, NULL, out) == SSH_OK) {
        return ERR_OK;
    } else {
        (void)error_set(error, ERR_SSH_KEY_UNUSABLE, "%s is no private key that can be used%s", path,
                        openssh ? ", or has a passphrase" : "");
        error_advise(error, "give the path of a private key in DUMONT_SSH_KEY, as ssh-keygen makes it with -N ''");
    }
    return error->code;
}

enum error_code ssh_key_read(struct heap *heap, const char *path, ssh_key *out, struct error *error)
{
    struct buffer text;
    buffer_init(&text, heap, KEY_BYTES_MAX);
    enum error_code code = file_read(path, &text, error);
    if (code == ERR_INPUT_UNREADABLE) {
        error_wrap(error, "the SSH key cannot be used");
        error_advise(error, "set DUMONT_SSH_KEY to the path of a private key whose public half the account knows");
        code = error->code = ERR_SSH_KEY_UNUSABLE;
    }
    code = code == ERR_OK ? check_mode(path, error) : code;
    code = code == ERR_OK ? import(path, buffer_text(&text), out, error) : code;
    if (text.data != NULL) {
        explicit_bzero(text.data, text.capacity);
    }
    buffer_release(&text);
    return code;
}
