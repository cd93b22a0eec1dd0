/* The machines behind the contracts: what their ports do, their keys, their insides. */
#include <string.h>

#include "base/random.h"
#include "fakes/cloud/state.h"

enum { IMAGE_BYTES = 1200 * 1000 * 1000 }; /* what a CUDA base image takes of the rented disk; assumed */

/* ---- Hosts -------------------------------------------------------------------------------------------------------------- */

struct cloud_host *cloud_machine_slot(struct cloud *cloud, size_t contract)
{
    if (contract >= CLOUD_HOSTS_MAX) {
        return NULL;
    }
    if (contract >= cloud->host_count) {
        size_t count = contract + 1 + contract / 2;
        struct cloud_host *hosts = heap_resize(cloud->heap, cloud->hosts, count * sizeof *hosts);
        if (hosts == NULL) {
            return NULL;
        }
        memset(hosts + cloud->host_count, 0, (count - cloud->host_count) * sizeof *hosts);
        cloud->hosts = hosts;
        cloud->host_count = count;
    }
    return &cloud->hosts[contract];
}

/* Each whole, as long as there is room. */
static void tell_keys(const struct cloud *cloud, uint32_t contract, struct host_facts *out)
{
    struct buffer keys;
    buffer_init_fixed(&keys, out->public_keys, sizeof out->public_keys);
    const char *key = cloud_ssh_key(cloud, contract, 0);
    for (size_t i = 1; key != NULL && keys.length + strlen(key) + 2 < sizeof out->public_keys; i++) {
        buffer_append_text(&keys, key);
        buffer_append_text(&keys, key[0] != '\0' && key[strlen(key) - 1] == '\n' ? "" : "\n");
        key = cloud_ssh_key(cloud, contract, i);
    }
}

static void tell_facts(const struct cloud *cloud, const struct contract_view *view, struct host_facts *out)
{
    *out = (struct host_facts){
        .instance_id = view->id,
        .seed = cloud->options.seed ^ (uint64_t)view->id,
        .num_gpus = (int32_t)view->offer->num_gpus,
        .gpu_ram_mib = view->offer->gpu_ram_mib,
        .cpu_cores = (int32_t)view->offer->cpu_cores,
        .ram_mib = view->offer->cpu_ram_mib,
        .disk_bytes = view->disk_mgb * 1000 * 1000,
        .disk_used_bytes = IMAGE_BYTES,
        .direct_port = view->direct_port,
    };
    (void)text_copy(out->gpu_name, sizeof out->gpu_name, view->offer->gpu_name);
    (void)text_copy(out->driver_version, sizeof out->driver_version, view->offer->driver_version);
    (void)text_format(out->cuda_version, sizeof out->cuda_version, "%lld.%lld",
                      (long long)(view->offer->cuda_max_good_milli / 1000),
                      (long long)(view->offer->cuda_max_good_milli / 100 % 10));
    (void)text_copy(out->image, sizeof out->image, view->image);
    (void)text_copy(out->public_ipaddr, sizeof out->public_ipaddr, view->public_ipaddr);
    tell_keys(cloud, view->contract, out);
}

void cloud_machine_facts(const struct cloud *cloud, uint32_t contract, struct host_facts *out)
{
    struct contract_view view;
    market_contract(cloud->market, contract, &view);
    tell_facts(cloud, &view, out);
}

void cloud_machine_gpu_load(const struct cloud *cloud, int64_t now_ns, uint32_t contract, struct host_gpu_load *out)
{
    struct contract_view view;
    struct host_facts facts;
    market_contract(cloud->market, contract, &view);
    tell_facts(cloud, &view, &facts);
    gpu_load_at(cloud->options.gpu_load, &facts, contract, now_ns - view.created_ns, out);
}

int64_t cloud_machine_next_gpu_load_ns(const struct cloud *cloud, int64_t now_ns, uint32_t contract)
{
    struct contract_view view;
    market_contract(cloud->market, contract, &view);
    int64_t age_ns = gpu_load_next_ns(cloud->options.gpu_load, contract, now_ns - view.created_ns);
    return saturating_add(view.created_ns, age_ns);
}

static struct host *make_host(const struct cloud *cloud, const struct contract_view *view)
{
    struct host_facts facts;
    tell_facts(cloud, view, &facts);
    struct host *host = host_new(cloud->heap, &facts);
    if (host != NULL && cloud->options.content_limit > 0) {
        host_set_content_limit(host, cloud->options.content_limit);
    }
    return host;
}

struct host *cloud_machine_host(struct cloud *cloud, const struct contract_view *view)
{
    struct cloud_host *slot = cloud_machine_slot(cloud, view->contract);
    if (slot == NULL) {
        return NULL;
    }
    if (slot->host == NULL) {
        slot->host = make_host(cloud, view);
    }
    return slot->host;
}

/* ---- Ports ------------------------------------------------------------------------------------------------------------ */

/* Whether a container is up, or may be: nobody listens in one that is not. */
static bool may_listen(enum actual_status status, enum ssh_port port)
{
    switch (status) {
    case ACTUAL_EXITED:
    case ACTUAL_STOPPED:
    case ACTUAL_SCHEDULING:
    case ACTUAL_REBOOTING:
    case ACTUAL_RESTARTING:
        return false;
    case ACTUAL_RUNNING:
    case ACTUAL_FROZEN:
    case ACTUAL_UNKNOWN:
    case ACTUAL_OFFLINE:
        return true;
    default:
        return port == SSH_PORT_PROXY; /* the direct port is not yet mapped */
    }
}

enum ssh_stage cloud_machine_stage(const struct cloud *cloud, int64_t now_ns, const struct contract_view *view,
                                   enum ssh_port port)
{
    if (!view->exists) {
        return SSH_STAGE_REFUSED;
    }
    enum ssh_stage stage = market_ssh_stage(cloud->market, now_ns, view->contract, port);
    if (stage == SSH_STAGE_UNREACHABLE && port == SSH_PORT_PROXY &&
        market_ssh_stage(cloud->market, now_ns, view->contract, SSH_PORT_DIRECT) == SSH_STAGE_UNREACHABLE) {
        return SSH_STAGE_CLOSES; /* the host is gone; the proxy stands elsewhere, and finds its tunnel down */
    }
    return stage == SSH_STAGE_UNREACHABLE || may_listen(view->status, port) ? stage : SSH_STAGE_REFUSED;
}

enum ssh_stage cloud_ssh_stage(struct cloud *cloud, int64_t now_ns, uint32_t contract, enum ssh_port port)
{
    cloud_advance(cloud, now_ns);
    struct contract_view view;
    market_contract(cloud->market, contract, &view);
    return cloud_machine_stage(cloud, now_ns, &view, port);
}

int64_t cloud_ssh_next_stage_ns(const struct cloud *cloud, int64_t now_ns, uint32_t contract, enum ssh_port port)
{
    return market_ssh_next_stage_ns(cloud->market, now_ns, contract, port);
}

/* ---- Keys, and what else is done to a machine ----------------------------------------------------------------------------- */

const char *cloud_ssh_key(const struct cloud *cloud, uint32_t contract, size_t nth)
{
    const struct market *market = cloud->market;
    return nth < market_contract_key_count(market, contract) ? market_contract_key(market, contract, nth) : NULL;
}

void cloud_ssh_host_key(const struct cloud *cloud, uint32_t contract, unsigned char key[CLOUD_HOST_KEY_BYTES])
{
    enum { WORDS = CLOUD_HOST_KEY_BYTES / 8 };
    uint32_t rotations = contract < cloud->host_count ? cloud->hosts[contract].rotations : 0;
    for (uint32_t word = 0; word < WORDS; word++) {
        struct random_address address = {.run = cloud->options.run,
                                         .purpose = RANDOM_HOST_KEY,
                                         .entity = contract,
                                         .index = rotations * WORDS + word};
        uint64_t bits = random_bits(cloud->options.seed, address);
        for (size_t i = 0; i < 8; i++, bits >>= 8) {
            key[(size_t)word * 8 + i] = (unsigned char)(bits & 0xff);
        }
    }
}

bool cloud_ssh_rotate_host_key(struct cloud *cloud, uint32_t contract)
{
    struct cloud_host *slot = cloud_machine_slot(cloud, contract);
    if (slot == NULL) {
        return false;
    }
    slot->rotations++;
    cloud_ssh_machine_changed(cloud, contract, false);
    return true;
}

bool cloud_ssh_lose(struct cloud *cloud, uint32_t contract, bool lost)
{
    struct contract_view view;
    market_contract(cloud->market, contract, &view);
    return lost ? market_lose_host(cloud->market, 0, view.id) : market_return_host(cloud->market, 0, view.id);
}

void cloud_machine_output(void *context, int64_t now_ns, uint32_t contract, const char *command, struct buffer *out)
{
    struct cloud *cloud = context;
    struct contract_view view;
    market_contract(cloud->market, contract, &view);
    struct host *host = command == NULL ? NULL : cloud_machine_host(cloud, &view);
    if (host != NULL) {
        struct wall_time wall = {cloud->options.epoch.unix_ns + now_ns};
        (void)host_run(host, wall, span_of(command), (struct span){NULL, 0}, out, out);
    }
}

void cloud_machine_recycle(struct cloud *cloud, uint32_t contract)
{
    struct cloud_host *slot = cloud_machine_slot(cloud, contract);
    if (slot != NULL) {
        host_free(slot->host);
        slot->host = NULL;
        slot->rotations++;
        slot->containers++;
    }
}

void cloud_machine_reboot(struct cloud *cloud, int64_t now_ns, uint32_t contract)
{
    struct cloud_host *slot = cloud_machine_slot(cloud, contract);
    if (slot != NULL && slot->host != NULL) {
        host_reboot(slot->host, (struct wall_time){cloud->options.epoch.unix_ns + now_ns});
    }
}

uint32_t cloud_machine_containers(const struct cloud *cloud, uint32_t contract)
{
    return contract < cloud->host_count ? cloud->hosts[contract].containers : 0;
}

void cloud_ssh_machine_changed(struct cloud *cloud, uint32_t contract, bool destroyed)
{
    if (destroyed && contract < cloud->host_count) {
        host_free(cloud->hosts[contract].host);
        cloud->hosts[contract].host = NULL;
    }
    if (cloud->options.machine != NULL) {
        cloud->options.machine(cloud->options.machine_context, contract);
    }
}
