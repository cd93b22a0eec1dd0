/*
 * Certificates made on the spot: an authority of the test's own, and a server's certificate that it signed.
 */
#ifndef TESTS_WORLD_CERTIFICATES_H
#define TESTS_WORLD_CERTIFICATES_H

/*
 * Writes the authority (a PEM certificate) to `authority_path`, and a certificate for `address` ("127.0.0.1"), good from now on for `valid_s`
 * seconds (negative: until then, in the past), with its key, to the other two.
 */
void make_certificates(const char *authority_path, const char *certificate_path, const char *key_path,
                       const char *address, long valid_s);

#endif
