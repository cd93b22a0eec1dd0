/* Extras: what a plain account has none of. The CLI's commands that show it find an empty answer in the right shape. */
#include "fakes/market/state.h"

static const struct {
    const char *pattern, *json;
} extras[] = {
    {"/api/v0/subaccounts", "{\"users\":[]}"},
    {"/api/v0/audit_logs", "[]"},
    {"/api/v0/users/cloud_integrations", "[]"},
    {"/api/v0/users/me/ipaddrs", "{\"results\":[]}"},
    {"/api/v0/users/me/machine-earnings",
     "{\"summary\":{\"total_gpu\":0,\"total_stor\":0,\"total_bwu\":0,\"total_bwd\":0},\"current\":{\"balance\":0,"
     "\"service_fee\":0,\"total\":0,\"credit\":0},\"per_machine\":[],\"per_day\":[]}"},
    {"/api/v0/commands/schedule_job", "[]"},
    {"/api/v0/instance_backups", "{\"success\":true,\"backups\":[]}"},
    {"/api/v0/benchmarks", "{\"success\":true,\"benchmarks\":[],\"benchmarks_found\":0,\"next_token\":null}"},
    {"/api/v0/tfa/status", "{\"success\":true,\"tfa_enabled\":false,\"methods\":[],\"backup_codes_remaining\":0}"},
    {"/api/v0/machines", "{\"machines\":[]}"},
    {"/api/v0/network_volumes/search", "{\"offers\":[]}"},
};

void route_extras(const struct call *call)
{
    for (size_t i = 0; i < ARRAY_LENGTH(extras); i++) {
        struct api_path_parts parts;
        if (api_path_fits(call->request->path, extras[i].pattern, &parts)) {
            struct json_writer writer = answer_begin(call->reply, 200);
            json_raw(&writer, span_of(extras[i].json));
            return;
        }
    }
    answer_error(call->reply, 404, "not_found", "There is no such call.");
}
