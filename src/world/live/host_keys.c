#include "world/live/host_keys.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "system/files.h"

/* What libssh can verify, best first. An RSA key is shown under the names of its signatures. */
static const char *const orders[] = {
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512,rsa-sha2-256",
};

static bool pin_path(const char *state_folder, int64_t instance_id, char path[FILE_PATH_SIZE])
{
    return text_format(path, FILE_PATH_SIZE, "%s/host-keys/%lld", state_folder, (long long)instance_id);
}

enum pin_state { PIN_ABSENT, PIN_THERE, PIN_UNREADABLE };

static enum pin_state read_pin(struct heap *heap, const char *path, char pin[HOST_KEY_TEXT_SIZE], struct error *error)
{
    struct buffer text;
    if (access(path, F_OK) != 0) {
        return PIN_ABSENT;
    }
    buffer_init(&text, heap, HOST_KEY_TEXT_SIZE - 1);
    enum error_code code = file_read(path, &text, error);
    (void)text_copy(pin, HOST_KEY_TEXT_SIZE, buffer_text(&text));
    buffer_release(&text);
    return code == ERR_OK ? PIN_THERE : PIN_UNREADABLE;
}

/* Whether a pin's type is one of those that stand in `order`. */
static bool is_of_order(const char *pin, const char *order)
{
    size_t length = strcspn(pin, " ");
    bool is_rsa = length == strlen("ssh-rsa") && memcmp(pin, "ssh-rsa", length) == 0;
    return is_rsa ? strncmp(order, "rsa-", 4) == 0 : strlen(order) == length && memcmp(pin, order, length) == 0;
}

void host_key_order(struct heap *heap, const char *state_folder, int64_t instance_id, char order[HOST_KEY_ORDER_SIZE])
{
    char path[FILE_PATH_SIZE];
    char pin[HOST_KEY_TEXT_SIZE] = "";
    struct error ignored;
    struct buffer text;
    if (pin_path(state_folder, instance_id, path)) {
        (void)read_pin(heap, path, pin, &ignored);
    }
    buffer_init_fixed(&text, order, HOST_KEY_ORDER_SIZE);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < ARRAY_LENGTH(orders); i++) {
            if (is_of_order(pin, orders[i]) == (pass == 0)) {
                buffer_printf(&text, "%s%s", text.length == 0 ? "" : ",", orders[i]);
            }
        }
    }
}

enum error_code host_key_check(struct heap *heap, const char *state_folder, int64_t instance_id, const char *type,
                               const char *key, struct error *error)
{
    char path[FILE_PATH_SIZE];
    char pin[HOST_KEY_TEXT_SIZE];
    char shown[HOST_KEY_TEXT_SIZE];
    if (!pin_path(state_folder, instance_id, path) || !text_format(shown, sizeof shown, "%s %s\n", type, key)) {
        return error_set(error, ERR_SSH_HOST_KEY_CHANGED, "machine %lld: its host key is too long to be pinned",
                         (long long)instance_id);
    }
    switch (read_pin(heap, path, pin, error)) {
    case PIN_ABSENT:
        if (folder_make_for(path, FOLDER_SECRET, error) != ERR_OK) {
            return error->code;
        }
        return file_write(path, span_of(shown), FILE_SECRET, error);
    case PIN_THERE:
        if (strcmp(pin, shown) == 0) {
            return ERR_OK;
        }
        (void)error_set(error, ERR_SSH_HOST_KEY_CHANGED,
                        "machine %lld shows another %s host key than the one it had first, which %s holds",
                        (long long)instance_id, type, path);
        break;
    case PIN_UNREADABLE:
        error_wrap(error, "machine %lld: the host key it had first", (long long)instance_id);
        error->code = ERR_SSH_HOST_KEY_CHANGED;
        break;
    }
    return error->code;
}

void host_key_forget(const char *state_folder, int64_t instance_id)
{
    char path[FILE_PATH_SIZE];
    if (pin_path(state_folder, instance_id, path)) {
        (void)unlink(path);
    }
}
