/*
 * Digest: MD5, SHA-1 and SHA-256 of bytes, at once or piece by piece, and HMAC-SHA-256, as lower-case hex.
 *
 * The work is OpenSSL's (EVP). Its contexts live outside the heap, so opening one asks heap_refuses() first: a plan of
 * heap_fail_at() reaches digests as it reaches memory.
 *
 *     struct digest digest;
 *     char hex[DIGEST_HEX_SIZE];
 *     bool whole = digest_start(&digest, heap, DIGEST_SHA1);
 *     digest_add(&digest, bytes, size);            any number of times
 *     whole = digest_finish(&digest, hex) && whole;
 *
 * Failure is sticky, as in a buffer: digest_add() after one does nothing, and digest_finish() reports it.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/heap.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256 };

enum { DIGEST_HEX_SIZE = 2 * 32 + 1 }; /* the longest, with its NUL */

struct digest {
    void *context; /* OpenSSL's; NULL after a failure and when finished */
};

/* Opens a digest. False when a resource is missing; digest_finish() may then still be called and says false. */
bool digest_start(struct digest *digest, struct heap *heap, enum digest_kind kind);

void digest_add(struct digest *digest, const void *bytes, size_t size);

/* Writes the hex text and releases the digest. False, and "" in `hex`, when any step failed. */
MUST_USE bool digest_finish(struct digest *digest, char hex[DIGEST_HEX_SIZE]);

/* All three steps for bytes at hand. */
MUST_USE bool digest_of(struct heap *heap, enum digest_kind kind, const void *bytes, size_t size,
                        char hex[DIGEST_HEX_SIZE]);

/* HMAC-SHA-256 (RFC 2104) of bytes at hand. False, and "" in `hex`, when a resource is missing. */
MUST_USE bool digest_hmac_sha256(struct heap *heap, struct span key, const void *bytes, size_t size,
                                 char hex[DIGEST_HEX_SIZE]);

/* How many hex digits a digest of this kind has: 32, 40 or 64. */
size_t digest_hex_length(enum digest_kind kind);

#endif
