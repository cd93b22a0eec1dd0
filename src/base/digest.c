#include "base/digest.h"

#include <openssl/evp.h>

struct algorithm {
    const EVP_MD *(*implementation)(void);
    size_t hex_length;
};

static const struct algorithm algorithms[] = {
    [DIGEST_MD5] = {EVP_md5, 32},
    [DIGEST_SHA1] = {EVP_sha1, 40},
    [DIGEST_SHA256] = {EVP_sha256, 64},
};

static void drop_context(struct digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
}

bool digest_start(struct digest *digest, struct heap *heap, enum digest_kind kind)
{
    digest->context = heap_refuses(heap) ? NULL : EVP_MD_CTX_new();
    if (digest->context == NULL) {
        return false;
    }
    if (EVP_DigestInit_ex(digest->context, algorithms[kind].implementation(), NULL) != 1) {
        drop_context(digest);
        return false;
    }
    return true;
}

void digest_add(struct digest *digest, const void *bytes, size_t size)
{
    if (digest->context != NULL && size > 0 && EVP_DigestUpdate(digest->context, bytes, size) != 1) {
        drop_context(digest);
    }
}

static void write_hex(const unsigned char *value, size_t size, char hex[DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[value[i] >> 4];
        hex[2 * i + 1] = digits[value[i] & 15];
    }
    hex[2 * size] = '\0';
}

bool digest_finish(struct digest *digest, char hex[DIGEST_HEX_SIZE])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    bool whole = digest->context != NULL && EVP_DigestFinal_ex(digest->context, value, &size) == 1;
    drop_context(digest);
    write_hex(value, whole ? size : 0, hex);
    return whole;
}

bool digest_of(struct heap *heap, enum digest_kind kind, const void *bytes, size_t size, char hex[DIGEST_HEX_SIZE])
{
    struct digest digest;
    digest_start(&digest, heap, kind);
    digest_add(&digest, bytes, size);
    return digest_finish(&digest, hex);
}

bool digest_hmac_sha256(struct heap *heap, struct span key, const void *bytes, size_t size, char hex[DIGEST_HEX_SIZE])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    size_t length = 0;
    bool whole = !heap_refuses(heap) && EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.at, key.length, bytes, size,
                                                  value, sizeof value, &length) != NULL;
    write_hex(value, whole ? length : 0, hex);
    return whole;
}

size_t digest_hex_length(enum digest_kind kind)
{
    return algorithms[kind].hex_length;
}
