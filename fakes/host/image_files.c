/* The files a rented machine begins with: folders, the home directory, what Vast.ai puts there. */
#include "fakes/host/host_state.h"

enum { FILE_TEXT_SIZE = 1024 };

struct folder {
    const char *path;
    uint32_t mode;
};

static const struct folder folders[] = {
    {"/dev", 0755},  {"/dev/shm", 01777}, {"/etc", 0755},       {"/proc", 0555},     {"/proc/1", 0555}, {"/root", 0700},
    {"/root/.ssh", 0700}, {"/tmp", 01777}, {"/usr", 0755},      {"/usr/bin", 0755},  {"/usr/local", 0755},
    {"/usr/local/bin", 0755}, {"/var", 0755}, {"/var/log", 0755}, {"/workspace", 0755}, {"/opt", 0755}, {"/home", 0755},
};

static const struct {
    const char *path;
    const char *target;
} links[] = {{"/bin", "usr/bin"}, {"/sbin", "usr/bin"}};

static const struct {
    const char *path;
    enum tree_device device;
} devices[] = {
    {"/dev/null", DEVICE_NULL},       {"/dev/zero", DEVICE_ZERO},     {"/dev/full", DEVICE_FULL},
    {"/dev/random", DEVICE_RANDOM},   {"/dev/urandom", DEVICE_RANDOM}, {"/dev/stdin", DEVICE_STDIN},
    {"/dev/stdout", DEVICE_STDOUT},   {"/dev/stderr", DEVICE_STDERR},
};

/* The variables of the container's first process, which an ssh session does not see; NUL-terminated each. */
static void append_first_environment(const struct host *host, struct buffer *out)
{
    const struct host_facts *facts = &host->facts;
    buffer_printf(out, "CONTAINER_ID=%lld%c", (long long)facts->instance_id, '\0');
    buffer_printf(out, "VAST_CONTAINERLABEL=C.%lld%c", (long long)facts->instance_id, '\0');
    buffer_printf(out, "PUBLIC_IPADDR=%s%c", facts->public_ipaddr, '\0');
    buffer_printf(out, "GPU_COUNT=%d%c", facts->num_gpus, '\0');
    buffer_printf(out, "DATA_DIRECTORY=/workspace/%c", '\0');
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
    buffer_append_text(out, "PRETTY_NAME=\"Ubuntu 22.04.5 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n"
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

static void append_nothing(const struct host *host, struct buffer *out)
{
    (void)host;
    (void)out;
}

static void append_key(const struct host *host, struct buffer *out)
{
    buffer_printf(out, "%016llx%016llx", (unsigned long long)host_random_bits(host, 1),
                  (unsigned long long)host_random_bits(host, 2));
}

static const struct {
    const char *path;
    uint32_t mode;
    void (*append)(const struct host *host, struct buffer *out);
} files[] = {
    {"/etc/environment", 0644, append_path_variable},
    {"/etc/hostname", 0644, append_hostname},
    {"/etc/os-release", 0644, append_release},
    {"/proc/1/environ", 0400, append_first_environment},
    {"/root/.no_auto_tmux", 0644, append_nothing},
    {"/root/.ssh/authorized_keys", 0600, append_nothing},
    {"/root/.vast_api_key", 0600, append_key},
    {"/root/.vast_containerlabel", 0644, append_label},
    {"/root/hasbooted", 0644, append_nothing},
    {"/root/onstart.sh", 0755, append_script_head},
};

static enum tree_error add_files(struct host *host, int64_t now_ns)
{
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        char storage[FILE_TEXT_SIZE];
        struct buffer text;
        struct tree_node *file;
        buffer_init_fixed(&text, storage, sizeof storage);
        files[i].append(host, &text);
        enum tree_error error = tree_make(&host->files, "/", files[i].path, TREE_FILE, files[i].mode, now_ns, &file);
        if (error == TREE_OK) {
            error = tree_write(&host->files, file, 0, (struct span){storage, text.length}, now_ns);
        }
        if (error != TREE_OK) {
            return error;
        }
    }
    return TREE_OK;
}

static enum tree_error add_special(struct host *host, int64_t now_ns)
{
    struct tree_node *node;
    enum tree_error error = TREE_OK;
    for (size_t i = 0; i < ARRAY_LENGTH(folders) && error == TREE_OK; i++) {
        error = tree_make(&host->files, "/", folders[i].path, TREE_DIRECTORY, folders[i].mode, now_ns, &node);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(links) && error == TREE_OK; i++) {
        error = tree_make(&host->files, "/", links[i].path, TREE_SYMLINK, 0777, now_ns, &node);
        if (error == TREE_OK) {
            error = tree_set_target(&host->files, node, links[i].target);
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(devices) && error == TREE_OK; i++) {
        error = tree_make(&host->files, "/", devices[i].path, TREE_DEVICE, 0666, now_ns, &node);
        if (error == TREE_OK) {
            node->device = devices[i].device;
        }
    }
    return error;
}

enum tree_error host_build_files(struct host *host, int64_t now_ns)
{
    host->files.part_of_image = true;
    enum tree_error error = tree_init(&host->files, host->heap, now_ns);
    if (error == TREE_OK) {
        error = add_special(host, now_ns);
    }
    if (error == TREE_OK) {
        error = add_files(host, now_ns);
    }
    host->files.part_of_image = false;
    return error;
}
