/* The files a rented machine begins with: folders, the home directory, what Vast.ai puts there. */
#include <string.h>

#include "fakes/host/host_state.h"

enum { FILE_TEXT_SIZE = 2 * HOST_KEYS_SIZE, KEY_BITS = 1, TOKEN_BITS = 3 }; /* of draws, the first of two */

static void append_key(const struct host *host, struct buffer *out);

/* The variables of the container's first process, which an ssh session does not see; NUL-terminated each. */
static void append_first_environment(const struct host *host, struct buffer *out)
{
    const struct host_facts *facts = &host->facts;
    buffer_printf(out, "CONTAINER_ID=%lld%c", (long long)facts->instance_id, '\0');
    buffer_printf(out, "VAST_CONTAINERLABEL=C.%lld%c", (long long)facts->instance_id, '\0');
    buffer_printf(out, "PUBLIC_IPADDR=%s%c", facts->public_ipaddr, '\0');
    buffer_append_text(out, "CONTAINER_API_KEY=");
    append_key(host, out);
    buffer_append_char(out, '\0');
    if (facts->direct_port > 0) {
        buffer_printf(out, "VAST_TCP_PORT_22=%lld%c", (long long)facts->direct_port, '\0');
    }
    buffer_printf(out, "GPU_COUNT=%d%c", facts->num_gpus, '\0');
    buffer_printf(out, "SSH_PUBLIC_KEY=%.*s%c", (int)strcspn(facts->public_keys, "\n"), facts->public_keys, '\0');
    buffer_printf(out, "JUPYTER_TOKEN=%016llx%016llx%c", (unsigned long long)host_random_bits(host, TOKEN_BITS),
                  (unsigned long long)host_random_bits(host, TOKEN_BITS + 1), '\0');
    buffer_printf(out, "DATA_DIRECTORY=/workspace/%c", '\0');
}

static void append_public_keys(const struct host *host, struct buffer *out)
{
    buffer_append_text(out, host->facts.public_keys);
}

static void append_label(const struct host *host, struct buffer *out)
{
    buffer_printf(out, "C.%lld\n", (long long)host->facts.instance_id);
}

static void append_hostname(const struct host *host, struct buffer *out)
{
    char id[16];
    host_container_id(host, id);
    buffer_printf(out, "%s\n", id);
}

static void append_release(const struct host *host, struct buffer *out)
{
    (void)host;
    buffer_append_text(
        out, "PRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n"
             "VERSION=\"22.04.5 LTS (Jammy Jellyfish)\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n");
}

static void append_path_variable(const struct host *host, struct buffer *out)
{
    (void)host;
    buffer_append_text(out, "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n");
}

static void append_script_head(const struct host *host, struct buffer *out)
{
    (void)host;
    buffer_append_text(out, "#!/bin/bash\n");
}

static void append_key(const struct host *host, struct buffer *out)
{
    buffer_printf(out, "%016llx%016llx", (unsigned long long)host_random_bits(host, KEY_BITS),
                  (unsigned long long)host_random_bits(host, KEY_BITS + 1));
}

/* Directories stand before what lies in them: `parent` is the row of another directory. */
enum image_row {
    DEV,
    ETC,
    HOME,
    OPT,
    PROC,
    PROC_1,
    ROOT_HOME,
    SSH,
    TMP,
    USR,
    USR_BIN,
    USR_LOCAL,
    USR_LOCAL_BIN,
    VAR,
    VAR_LOG,
    WORKSPACE,
    OTHERS,
    TOP = -1
};

static const struct image_entry {
    int parent;
    const char *name;
    enum tree_kind kind;
    uint32_t mode;
    enum tree_device device;
    const char *target;
    void (*append)(const struct host *host, struct buffer *out);
} entries[] = {
    [DEV] = {TOP, "dev", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [ETC] = {TOP, "etc", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [HOME] = {TOP, "home", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [OPT] = {TOP, "opt", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [PROC] = {TOP, "proc", TREE_DIRECTORY, 0555, 0, NULL, NULL},
    [PROC_1] = {PROC, "1", TREE_DIRECTORY, 0555, 0, NULL, NULL},
    [ROOT_HOME] = {TOP, "root", TREE_DIRECTORY, 0700, 0, NULL, NULL},
    [SSH] = {ROOT_HOME, ".ssh", TREE_DIRECTORY, 0700, 0, NULL, NULL},
    [TMP] = {TOP, "tmp", TREE_DIRECTORY, 01777, 0, NULL, NULL},
    [USR] = {TOP, "usr", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [USR_BIN] = {USR, "bin", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [USR_LOCAL] = {USR, "local", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [USR_LOCAL_BIN] = {USR_LOCAL, "bin", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [VAR] = {TOP, "var", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [VAR_LOG] = {VAR, "log", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [WORKSPACE] = {TOP, "workspace", TREE_DIRECTORY, 0755, 0, NULL, NULL},
    [OTHERS] = {TOP, "bin", TREE_SYMLINK, 0777, 0, "usr/bin", NULL},
    {TOP, "sbin", TREE_SYMLINK, 0777, 0, "usr/bin", NULL},
    {DEV, "full", TREE_DEVICE, 0666, DEVICE_FULL, NULL, NULL},
    {DEV, "null", TREE_DEVICE, 0666, DEVICE_NULL, NULL, NULL},
    {DEV, "random", TREE_DEVICE, 0666, DEVICE_RANDOM, NULL, NULL},
    {DEV, "shm", TREE_DIRECTORY, 01777, 0, NULL, NULL},
    {DEV, "stderr", TREE_DEVICE, 0666, DEVICE_STDERR, NULL, NULL},
    {DEV, "stdin", TREE_DEVICE, 0666, DEVICE_STDIN, NULL, NULL},
    {DEV, "stdout", TREE_DEVICE, 0666, DEVICE_STDOUT, NULL, NULL},
    {DEV, "urandom", TREE_DEVICE, 0666, DEVICE_RANDOM, NULL, NULL},
    {DEV, "zero", TREE_DEVICE, 0666, DEVICE_ZERO, NULL, NULL},
    {ETC, "environment", TREE_FILE, 0644, 0, NULL, append_path_variable},
    {ETC, "hostname", TREE_FILE, 0644, 0, NULL, append_hostname},
    {ETC, "os-release", TREE_FILE, 0644, 0, NULL, append_release},
    {PROC_1, "environ", TREE_FILE, 0400, 0, NULL, append_first_environment},
    {ROOT_HOME, ".no_auto_tmux", TREE_FILE, 0644, 0, NULL, NULL},
    {ROOT_HOME, ".vast_api_key", TREE_FILE, 0600, 0, NULL, append_key},
    {ROOT_HOME, ".vast_containerlabel", TREE_FILE, 0644, 0, NULL, append_label},
    {ROOT_HOME, "hasbooted", TREE_FILE, 0644, 0, NULL, NULL},
    {ROOT_HOME, "onstart.sh", TREE_FILE, 0755, 0, NULL, append_script_head},
    {SSH, "authorized_keys", TREE_FILE, 0600, 0, NULL, append_public_keys},
};

/* What a file begins with. */
static enum tree_error fill_file(struct host *host, struct tree_node *file, const struct image_entry *entry,
                                 int64_t now_ns)
{
    char storage[FILE_TEXT_SIZE];
    struct buffer text;
    buffer_init_fixed(&text, storage, sizeof storage);
    entry->append(host, &text);
    return tree_write(&host->files, file, 0, (struct span){storage, text.length}, now_ns);
}

static enum tree_error add_entries(struct host *host, int64_t now_ns)
{
    struct file_tree *files = &host->files;
    struct tree_node *made[ARRAY_LENGTH(entries)];
    enum tree_error error = TREE_OK;
    for (size_t i = 0; i < ARRAY_LENGTH(entries) && error == TREE_OK; i++) {
        const struct image_entry *entry = &entries[i];
        struct tree_node *directory = entry->parent == TOP ? files->root : made[entry->parent];
        made[i] = tree_add_image(files, directory, entry->name, entry->kind, entry->mode, now_ns);
        made[i]->device = entry->device;
        if (entry->target != NULL) {
            error = tree_set_target(files, made[i], entry->target);
        } else if (entry->append != NULL) {
            error = fill_file(host, made[i], entry, now_ns);
        }
    }
    return error;
}

enum tree_error host_build_files(struct host *host, int64_t now_ns)
{
    host->files.part_of_image = true;
    enum tree_error error = tree_init(&host->files, host->heap, ARRAY_LENGTH(entries), now_ns);
    if (error == TREE_OK) {
        error = add_entries(host, now_ns);
    }
    host->files.part_of_image = false;
    return error;
}
