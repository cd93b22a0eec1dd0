/* Host keys, as libssh wants them: it takes a whole Ed25519 key only in OpenSSH's own format. */
#include <openssl/evp.h>
#include <string.h>

#include "base/base64.h"
#include "fakes/front/ssh_state.h"

enum { HALF_BYTES = CLOUD_HOST_KEY_BYTES, BLOB_SIZE = 512, TEXT_SIZE = 1024, BLOCK_BYTES = 8 };

static const char type_name[] = "ssh-ed25519";

static bool public_half(const unsigned char secret[HALF_BYTES], unsigned char half[HALF_BYTES])
{
    size_t size = HALF_BYTES;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, HALF_BYTES);
    bool good = key != NULL && EVP_PKEY_get_raw_public_key(key, half, &size) == 1 && size == HALF_BYTES;
    EVP_PKEY_free(key);
    return good;
}

static void put_uint32(struct buffer *out, size_t value)
{
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8),
                              (unsigned char)value};
    buffer_append(out, bytes, sizeof bytes);
}

/* A string of RFC 4251. */
static void put_string(struct buffer *out, const void *bytes, size_t size)
{
    put_uint32(out, size);
    buffer_append(out, bytes, size);
}

/* The format of OpenSSH's PROTOCOL.key, without a cipher. */
static void put_key(struct buffer *out, const unsigned char secret[HALF_BYTES], const unsigned char half[HALF_BYTES])
{
    char public_storage[BLOB_SIZE];
    char private_storage[BLOB_SIZE];
    char both[2 * HALF_BYTES];
    struct buffer public_part;
    struct buffer private_part;
    buffer_init_fixed(&public_part, public_storage, sizeof public_storage);
    put_string(&public_part, type_name, strlen(type_name));
    put_string(&public_part, half, HALF_BYTES);
    memcpy(both, secret, HALF_BYTES);
    memcpy(both + HALF_BYTES, half, HALF_BYTES);
    buffer_init_fixed(&private_part, private_storage, sizeof private_storage);
    put_uint32(&private_part, 0); /* twice the same: shows that it was decrypted, if it had been encrypted */
    put_uint32(&private_part, 0);
    buffer_append(&private_part, public_part.data, public_part.length);
    put_string(&private_part, both, sizeof both);
    put_string(&private_part, "", 0);
    for (char padding = 1; private_part.length % BLOCK_BYTES != 0; padding++) {
        buffer_append_char(&private_part, padding);
    }
    buffer_append(out, "openssh-key-v1", sizeof "openssh-key-v1");
    put_string(out, "none", 4);
    put_string(out, "none", 4);
    put_string(out, "", 0);
    put_uint32(out, 1);
    put_string(out, public_part.data, public_part.length);
    put_string(out, private_part.data, private_part.length);
}

static ssh_key make_key(const unsigned char secret[HALF_BYTES])
{
    char blob_storage[BLOB_SIZE];
    char text_storage[TEXT_SIZE];
    unsigned char half[HALF_BYTES];
    struct buffer blob;
    struct buffer text;
    ssh_key key = NULL;
    if (!public_half(secret, half)) {
        return NULL;
    }
    buffer_init_fixed(&blob, blob_storage, sizeof blob_storage);
    put_key(&blob, secret, half);
    buffer_init_fixed(&text, text_storage, sizeof text_storage);
    buffer_append_text(&text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    base64_append(&text, (struct span){blob.data, blob.length});
    buffer_append_text(&text, "\n-----END OPENSSH PRIVATE KEY-----\n");
    bool good = !text.failed && ssh_pki_import_privkey_base64(buffer_text(&text), NULL, NULL, NULL, &key) == SSH_OK;
    return good ? key : NULL;
}

ssh_bind machine_ssh_bind(struct ssh_machine *machine)
{
    if (machine->bind != NULL) {
        return machine->bind;
    }
    unsigned char secret[CLOUD_HOST_KEY_BYTES];
    static const bool off = false;
    cloud_ssh_host_key(machine->front->stage->cloud, machine->contract, secret);
    ssh_key key = make_key(secret);
    ssh_bind made = key == NULL ? NULL : ssh_bind_new();
    bool good = made != NULL && ssh_bind_options_set(made, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off) == SSH_OK;
    if (good && ssh_bind_options_set(made, SSH_BIND_OPTIONS_IMPORT_KEY, key) == SSH_OK) {
        machine->bind = made;
        return made; /* which owns the key */
    }
    ssh_key_free(key);
    ssh_bind_free(made);
    return NULL;
}

void machine_forget_host_key(struct ssh_machine *machine)
{
    ssh_bind_free(machine->bind);
    machine->bind = NULL;
}
