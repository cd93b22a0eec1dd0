/* Digests against published vectors: RFC 1321 appendix A.5, RFC 3174 section 7.3, FIPS 180-4 examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"

struct vector {
    enum digest_kind kind;
    const char *text;
    const char *hex;
};

static const char alphabet_56[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

static const struct vector vectors[] = {
    {DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
    {DIGEST_MD5, "a", "0cc175b9c0f1b6a831c399e269772661"},
    {DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {DIGEST_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {DIGEST_MD5, "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
    {DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {DIGEST_SHA1, alphabet_56, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {DIGEST_SHA256, alphabet_56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

/* RFC 4231, test cases 1, 2 and 6; the last has a key longer than a block. */
static void test_hmac_gives_the_published_vectors(void **state)
{
    static const char long_name[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    char keys[2][131];
    char hex[DIGEST_HEX_SIZE];
    memset(keys[0], 0x0b, 20);
    memset(keys[1], 0xaa, 131);
    assert_true(digest_hmac_sha256(*state, (struct span){keys[0], 20}, "Hi There", 8, hex));
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_true(digest_hmac_sha256(*state, span_of("Jefe"), "what do ya want for nothing?", 28, hex));
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_true(digest_hmac_sha256(*state, (struct span){keys[1], 131}, long_name, sizeof long_name - 1, hex));
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    heap_fail_at(*state, 1, false);
    assert_false(digest_hmac_sha256(*state, span_of("k"), "", 0, hex));
    assert_string_equal(hex, "");
}

static int open_heap(void **state)
{
    *state = heap_new();
    return *state == NULL ? -1 : 0;
}

static int close_heap(void **state)
{
    heap_free(*state);
    return 0;
}

/* Law: every published vector comes out, digit for digit. */
static void test_the_published_vectors_come_out(void **state)
{
    for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
        char hex[DIGEST_HEX_SIZE];
        const struct vector *vector = &vectors[i];
        assert_true(digest_of(*state, vector->kind, vector->text, strlen(vector->text), hex));
        assert_string_equal(hex, vector->hex);
        assert_int_equal(strlen(hex), digest_hex_length(vector->kind));
    }
}

/* Law: where the bytes are cut into pieces does not change the digest (the million a of FIPS 180-4). */
static void test_pieces_of_any_size_give_the_digest_of_the_whole(void **state)
{
    char letters[1000];
    memset(letters, 'a', sizeof letters);
    for (size_t size = 1; size <= sizeof letters; size = size * 3 + 1) {
        struct digest digest;
        char hex[DIGEST_HEX_SIZE];
        assert_true(digest_start(&digest, *state, DIGEST_SHA256));
        for (size_t left = 1000000; left > 0;) {
            size_t now = left < size ? left : size;
            digest_add(&digest, letters, now);
            left -= now;
        }
        assert_true(digest_finish(&digest, hex));
        assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

/* Law: a refused resource is a reported failure with an empty text, and the next digest works. */
static void test_a_refused_resource_is_reported_and_leaves_nothing_behind(void **state)
{
    char hex[DIGEST_HEX_SIZE];
    heap_fail_at(*state, 1, false);
    assert_false(digest_of(*state, DIGEST_MD5, "abc", 3, hex));
    assert_string_equal(hex, "");
    assert_true(digest_of(*state, DIGEST_MD5, "abc", 3, hex));
    assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_published_vectors_come_out),
        cmocka_unit_test(test_hmac_gives_the_published_vectors),
        cmocka_unit_test(test_pieces_of_any_size_give_the_digest_of_the_whole),
        cmocka_unit_test(test_a_refused_resource_is_reported_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, open_heap, close_heap);
}
