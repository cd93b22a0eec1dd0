#include "world/certificates.h"

#include "testing.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static const long DAY_S = 86400;

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void set_name(X509_NAME *name, const char *text)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0), 1);
}

/* Not signed yet. */
static X509 *new_certificate(EVP_PKEY *key, const char *name, long serial, long valid_s)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), valid_s));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    set_name(X509_get_subject_name(certificate), name);
    return certificate;
}

static void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
}

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

void make_certificates(const char *authority_path, const char *certificate_path, const char *key_path,
                       const char *address, long valid_s)
{
    char names[128];
    EVP_PKEY *authority_key = EVP_EC_gen("P-256");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(authority_key);
    assert_non_null(key);
    X509 *authority = new_certificate(authority_key, "Test authority", 1, DAY_S);
    X509 *certificate = new_certificate(key, "Test server", 2, valid_s);
    assert_int_equal(X509_set_issuer_name(authority, X509_get_subject_name(authority)), 1);
    assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(authority)), 1);
    add_extension(authority, authority, NID_basic_constraints, "critical,CA:TRUE");
    (void)snprintf(names, sizeof names, "IP:%s", address);
    add_extension(certificate, authority, NID_subject_alt_name, names);
    assert_true(X509_sign(authority, authority_key, EVP_sha256()) > 0);
    assert_true(X509_sign(certificate, authority_key, EVP_sha256()) > 0);
    write_certificate(authority_path, authority);
    write_certificate(certificate_path, certificate);
    write_key(key_path, key);
    X509_free(authority);
    X509_free(certificate);
    EVP_PKEY_free(authority_key);
    EVP_PKEY_free(key);
}
