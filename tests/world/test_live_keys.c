#include "testing.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/files.h"
#include "world/shell_scene.h"

/* ---- What libssh opens -------------------------------------------------------------------------------------------------- */

enum { OPENED_SIZE = 8192 };

static char opened[OPENED_SIZE];

/* These two stand before the C library's, for libssh too, and keep the paths that were opened. */
__attribute__((visibility("default"))) int open(const char *path, int flags, ...);
__attribute__((visibility("default"))) FILE *fopen(const char *path, const char *mode);

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    size_t length = strlen(opened);
    (void)snprintf(opened + length, sizeof opened - length, "%s\n", path);
    return openat(AT_FDCWD, path, flags, (mode_t)mode);
}

FILE *fopen(const char *path, const char *mode)
{
    int flags = mode[0] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
    int descriptor = open(path, flags | O_CLOEXEC, 0666);
    return descriptor < 0 ? NULL : fdopen(descriptor, mode);
}

static void test_no_configuration_of_the_user_or_the_system_is_read(void **state)
{
    struct scene *scene = *state;
    ssh_session careless = ssh_new();
    assert_int_equal(ssh_options_set(careless, SSH_OPTIONS_HOST, "machine"), SSH_OK);
    opened[0] = '\0';
    (void)ssh_options_parse_config(careless, NULL);
    assert_non_null(strstr(opened, "ssh_config")); /* so it would be seen here */
    ssh_free(careless);
    ssh_stage_start(&scene->stage);
    live_place_open(&scene->place);
    opened[0] = '\0';
    struct call call = call_of(scene, "true");
    call_run(scene, &call);
    assert_int_equal(call.ran, ERR_OK);
    assert_null(strstr(opened, "config"));
    assert_null(strstr(opened, ".ssh"));
    assert_null(strstr(opened, "/etc/ssh"));
    call_release(&call);
    live_place_close(&scene->place);
    ssh_stage_stop(&scene->stage);
}

/* ---- Host keys ---------------------------------------------------------------------------------------------------------- */

static enum error_code open_as(struct scene *scene, int64_t instance_id)
{
    live_place_open(&scene->place);
    struct call call = call_of(scene, "");
    call.target.instance_id = instance_id;
    call_run(scene, &call);
    live_place_close(&scene->place);
    call_release(&call);
    return call.opened;
}

static void test_a_host_key_belongs_to_a_machine_and_not_to_an_address(void **state)
{
    struct scene *scene = *state;
    char path[SCENE_PATH_SIZE];
    struct stat facts;
    ssh_stage_start(&scene->stage);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    assert_int_equal(stat(live_place_path(&scene->place, path, sizeof path, "host-keys/1"), &facts), 0);
    assert_int_equal(facts.st_mode & 0777U, 0600);
    ssh_stage_new_host_key(&scene->stage, SSH_KEYTYPE_ED25519, 0); /* the port has passed to somebody else */
    assert_int_equal(open_as(scene, 1), ERR_SSH_HOST_KEY_CHANGED);
    assert_int_equal(open_as(scene, 2), ERR_OK);
    assert_non_null(strstr(buffer_text(&scene->place.history.text), "machine 1 shows another"));
    ssh_stage_new_host_key(&scene->stage, SSH_KEYTYPE_RSA, 2048); /* of another type is another too */
    assert_int_equal(open_as(scene, 2), ERR_SSH_HOST_KEY_CHANGED);
    assert_int_equal(open_as(scene, 3), ERR_OK);
    assert_int_equal(open_as(scene, 3), ERR_OK);
    assert_int_equal(truncate(path, 0), 0); /* a pin that says nothing proves nothing */
    assert_int_equal(open_as(scene, 1), ERR_SSH_HOST_KEY_CHANGED);
    ssh_stage_stop(&scene->stage);
}

static void test_the_host_key_of_a_machine_that_is_gone_is_forgotten(void **state)
{
    struct scene *scene = *state;
    ssh_stage_start(&scene->stage);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    ssh_stage_new_host_key(&scene->stage, SSH_KEYTYPE_ECDSA_P256, 256);
    assert_int_equal(open_as(scene, 1), ERR_SSH_HOST_KEY_CHANGED);
    live_place_open(&scene->place);
    shell_forget(scene->place.world, 1);
    live_place_close(&scene->place);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    ssh_stage_stop(&scene->stage);
}

static void test_a_pin_that_cannot_be_written_is_said_and_costs_no_session(void **state)
{
    struct scene *scene = *state;
    char path[SCENE_PATH_SIZE];
    ssh_stage_start(&scene->stage);
    int file = creat(live_place_path(&scene->place, path, sizeof path, "host-keys"), 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(open_as(scene, 1), ERR_OK);
    assert_non_null(strstr(buffer_text(&scene->place.history.text), "host key of machine 1 is not pinned"));
    ssh_stage_stop(&scene->stage);
}

/* ---- The key file ------------------------------------------------------------------------------------------------------- */

static void assert_key_refused(struct scene *scene, enum error_code expected, const char *part)
{
    assert_int_equal(live_world_open(&scene->place.options, &scene->place.live, &scene->place.error), expected);
    assert_non_null(strstr(scene->place.error.message, part));
}

/* The older form, which OpenSSL reads: it would ask for the passphrase on the terminal. */
static void write_protected_pem(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(path, "w");
    assert_non_null(key);
    assert_non_null(file);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(), "a passphrase", 12, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
}

static void test_a_key_file_that_is_no_good_is_refused_at_once(void **state)
{
    struct scene *scene = *state;
    struct error error;
    char path[SCENE_PATH_SIZE];
    assert_int_equal(chmod(scene->key_path, 0644), 0);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "can be read by others");
    assert_int_equal(chmod(scene->key_path, 0600), 0);
    scene->place.options.ssh_key_path = "/nowhere/id";
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "/nowhere/id");
    scene->place.options.ssh_key_path = live_place_path(&scene->place, path, sizeof path, "id_bad");
    assert_int_equal(file_write(path, span_of("no key\n"), FILE_SECRET, &error), ERR_OK);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "is no private key");
    assert_int_equal(ssh_pki_export_privkey_file(scene->stage.account_key, "a passphrase", NULL, NULL, path), SSH_OK);
    assert_int_equal(chmod(path, 0600), 0);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "passphrase");
    write_protected_pem(path);
    assert_key_refused(scene, ERR_SSH_KEY_UNUSABLE, "is protected by a passphrase");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_configuration_of_the_user_or_the_system_is_read, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_host_key_belongs_to_a_machine_and_not_to_an_address, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_the_host_key_of_a_machine_that_is_gone_is_forgotten, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_pin_that_cannot_be_written_is_said_and_costs_no_session, scene_set_up,
                                        scene_tear_down),
        cmocka_unit_test_setup_teardown(test_a_key_file_that_is_no_good_is_refused_at_once, scene_set_up,
                                        scene_tear_down),
    };
    return cmocka_run_group_tests_name("live shell's keys", tests, NULL, NULL);
}
