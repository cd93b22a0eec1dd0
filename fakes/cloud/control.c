/* What whoever plays fate does to the cloud. */
#include "fakes/cloud/state.h"

enum { DESTROY_REPLY_MAX = 4096 };

bool cloud_force_status(struct cloud *cloud, int64_t id, enum actual_status status)
{
    return market_force_status(cloud->market, 0, id, status);
}

bool cloud_set_origin(struct cloud *cloud, const char *origin)
{
    bool fits = text_copy(cloud->origin, sizeof cloud->origin, origin) && market_set_origin(cloud->market, origin);
    if (fits) {
        cloud->options.origin = cloud->origin;
    }
    return fits;
}

struct injector *cloud_injector(struct cloud *cloud)
{
    return cloud->injector;
}

/* By the account's own call, so that everybody is told as always. */
static void destroy(struct cloud *cloud, int64_t now_ns, int64_t id)
{
    char path[64];
    char storage[DESTROY_REPLY_MAX];
    struct http_reply reply = {.status = 0};
    buffer_init_fixed(&reply.body, storage, sizeof storage);
    (void)text_format(path, sizeof path, "/api/v0/instances/%lld/", (long long)id);
    const struct http_request request = {.method = HTTP_DELETE, .path = path, .bearer = cloud->options.api_key};
    market_handle(cloud->market, now_ns, &request, &reply);
}

static void destroy_all(struct cloud *cloud, int64_t now_ns)
{
    for (size_t i = 0; i < market_contract_count(cloud->market); i++) {
        struct contract_view view;
        market_contract(cloud->market, i, &view);
        if (view.exists) {
            destroy(cloud, now_ns, view.id);
        }
    }
}

bool cloud_reset(struct cloud *cloud, int64_t now_ns)
{
    struct market *market = cloud_make_market(cloud);
    struct injector *injector = market == NULL ? NULL : cloud_make_injector(cloud);
    if (injector == NULL) {
        market_free(market);
        return false;
    }
    destroy_all(cloud, now_ns);
    market_free(cloud->market);
    injector_free(cloud->injector);
    cloud->market = market;
    cloud->injector = injector;
    for (size_t i = 0; i < cloud->host_count; i++) {
        host_free(cloud->hosts[i].host);
        cloud->hosts[i] = (struct cloud_host){.host = NULL};
    }
    for (size_t i = 0; i < API_CALL_COUNT; i++) {
        cloud->calls[i] = 0;
    }
    cloud->life++;
    market_advance(market, now_ns);
    return cloud->bucket == NULL || bucket_reset(cloud->bucket, now_ns);
}
