#include "fakes/fault/catalogue.h"

#include <string.h>

#include "base/units.h"
#include "fakes/fault/catalogue_rows.h"
#include "fakes/fault/effects.h"

#define CALL(name) (UINT64_C(1) << API_##name)
#define ANY_CALL ((UINT64_C(1) << API_CALL_COUNT) - 1)

#define SSH_PORTS CHOICE("port", "both", "both, proxy, direct", "which of the machine's two ports")

static const struct fault_row rows[] = {
    {.id = "null-status",
     .layer = "vast-api",
     .description = "A new machine's actual_status and status_msg are JSON null for longer.",
     .endpoints = CALL(SHOW) | CALL(LIST),
     .endpoint = API_SHOW,
     .points = AT(BODY),
     .point = POINT_BODY,
     .nth = 1,
     .count = 2,
     .parameters = NO_PARAMETERS,
     .rewrite = effect_null_status},
    {.id = "slow-boot",
     .layer = "vast-api",
     .description = "A machine takes longer until it is running; what comes after it is as late.",
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(NUMBER("factor", "3", 0, 1000, "times as long as planned"),
                              SECONDS("boot_s", "", "this long instead, from the create's effect to running")),
     .timeline = effect_slow_boot},
    {.id = "stuck-loading",
     .layer = "vast-api",
     .description = "A machine never gets beyond loading; its SSH port refuses.",
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(CHOICE("status", "loading", "loading, created", "the status it stays in")),
     .timeline = effect_stuck_loading},
    {.id = "rate-limit-429",
     .layer = "vast-api",
     .description = "The API answers 429 without Retry-After, and nothing is done.",
     .endpoints = ANY_CALL,
     .endpoint = API_SHOW,
     .points = AT(REQUEST),
     .point = POINT_REQUEST,
     .nth = 1,
     .count = 3,
     .parameters = PARAMETERS(CHOICE("shape", "text", "text, threshold, detail, error",
                                     "plain text, the same with the endpoint's threshold, {\"detail\"}, {\"error\"}")),
     .http = effect_rate_limit},
    {.id = "api-5xx",
     .layer = "vast-api",
     .description = "A gateway answers with an error, or the connection fails; at point reply, and wherever some of "
                    "the true reply "
                    "arrives, the request has taken effect all the same.",
     .endpoints = ANY_CALL,
     .endpoint = API_SHOW,
     .points = AT(REQUEST) | AT(REPLY),
     .point = POINT_REQUEST,
     .nth = 1,
     .count = 2,
     .parameters = PARAMETERS(CHOICE("status", "502", "500, 502, 503, 504", "the HTTP status"),
                              CHOICE("body", "html", "html, empty", "what comes with it"),
                              CHOICE("as", "status",
                                     "status, refused, reset, closed, timeout, truncated, malformed, too-large, drip",
                                     "that status, or a transport that fails: no connection, a reset, an end without "
                                     "an answer, silence, a reply cut short, one that is no HTTP, one of 100 MB, one "
                                     "that drips"),
                              NUMBER("bytes", "20", 0, 1000000000, "as truncated: of the body that arrive"),
                              SECONDS("drip_s", "1", "as drip: between two bytes")),
     .http = effect_server_error,
     .rewrite = effect_server_error_reply},
    {.id = "create-response-lost",
     .layer = "vast-api",
     .description = "A create takes effect, and its reply never arrives.",
     .endpoints = CALL(CREATE),
     .endpoint = API_CREATE,
     .points = AT(REPLY),
     .point = POINT_REPLY,
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(
         CHOICE("as", "timeout", "timeout, reset, 502", "silence, a connection reset, a gateway's error page")),
     .http = effect_create_lost,
     .rewrite = effect_create_lost_reply},
    {.id = "offer-taken",
     .layer = "market",
     .description = "Somebody else was faster: a create is answered no_such_ask.",
     .endpoints = CALL(CREATE),
     .endpoint = API_CREATE,
     .points = AT(REQUEST),
     .point = POINT_REQUEST,
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(CHOICE("code", "410", "410, 404", "which of the two forms")),
     .http = effect_offer_taken},
    {.id = "destroy-rejected",
     .layer = "vast-api",
     .description = "A destroy is refused, and the machine lives on.",
     .endpoints = CALL(DESTROY),
     .endpoint = API_DESTROY,
     .points = AT(REQUEST),
     .point = POINT_REQUEST,
     .nth = 1,
     .count = 2,
     .parameters = PARAMETERS(
         CHOICE("as", "429", "429, 500, 400, refused", "rate limit, server error, still being created, no connection")),
     .http = effect_destroy_rejected},
    {.id = "destroy-false-success",
     .layer = "vast-api",
     .description = "A destroy is answered {\"success\":true}, and the machine lives on.",
     .endpoints = CALL(DESTROY),
     .endpoint = API_DESTROY,
     .points = AT(EFFECT),
     .point = POINT_EFFECT,
     .nth = 1,
     .count = 1,
     .parameters = NO_PARAMETERS,
     .http = effect_destroy_false_success},
    {.id = "host-offline",
     .layer = "host",
     .description = "A machine's host is lost; the API notices later than its users.",
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(SECONDS("after_s", "40", "from the create's effect to the loss"),
                              SECONDS("lag_s", "20", "from the loss to the status that tells of it"),
                              CHOICE("status", "offline", "offline, unknown", "that status")),
     .timeline = effect_host_offline},
    {.id = "ssh-refused",
     .layer = "ssh",
     .description = "The SSH port of a running machine refuses for longer.",
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(SECONDS_OR_EVER("for_s", "60", "how long after it would be ready"), SSH_PORTS),
     .timeline = effect_ssh_refused},
    {.id = "ssh-banner-stall",
     .layer = "ssh",
     .description = "The SSH port accepts and sends no version line.",
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(SECONDS_OR_EVER("for_s", "30", "how long after it would be ready"), SSH_PORTS),
     .timeline = effect_ssh_banner_stall},
    {.id = "ssh-key-not-synced",
     .layer = "ssh",
     .description = "sshd is up before the account's key has reached the machine.",
     .nth = 1,
     .count = 1,
     .parameters = PARAMETERS(SECONDS_OR_EVER("for_s", "30", "how long after it would be ready"), SSH_PORTS),
     .timeline = effect_ssh_key_not_synced},
    {.id = "ssh-drop-mid-command",
     .layer = "ssh",
     .description = "The connection breaks while a command runs; the command goes on and ends.",
     .nth = 2,
     .count = 1,
     .parameters = PARAMETERS(NUMBER("bytes", "0", 0, 1000000000, "of its output that still arrive")),
     .command = effect_ssh_drop},
    {.id = "nullable-fields",
     .layer = "vast-api",
     .description = "An instance's fields are empty, missing or of another kind.",
     .endpoints = CALL(SHOW) | CALL(LIST),
     .endpoint = API_SHOW,
     .points = AT(BODY),
     .point = POINT_BODY,
     .nth = 1,
     .count = FOR_EVER,
     .parameters = PARAMETERS(
         NAMES("fields", "ports,public_ipaddr,ssh_host,label,start_date,dph_total", true, "the fields concerned"),
         CHOICE("as", "null", "null, -1, absent, type, newline",
                "null, -1, left out, a number as text and a text as number, line break behind")),
     .rewrite = effect_nullable_fields},
    {.id = "schema-drift",
     .layer = "vast-api",
     .description = "A reply has another shape than documented.",
     .endpoints = ANY_CALL,
     .endpoint = API_SHOW,
     .points = AT(BODY),
     .point = POINT_BODY,
     .nth = 1,
     .count = FOR_EVER,
     .parameters = PARAMETERS(
         CHOICE("shape", "list", "list, top-level, empty-object, unknown-status, status-number, success-false, html",
                "object and list exchanged, envelope gone, {}, a status nobody knows, a number as "
                "status, 200 with success false, a page")),
     .rewrite = effect_schema_drift},
    {.id = "missing-table",
     .layer = "postgres",
     .description = "A table of the events store does not exist: SQLSTATE 42P01.",
     .nth = 1,
     .count = FOR_EVER,
     .parameters = PARAMETERS(NAMES("table", "webhook_configs", false, "which")),
     .store = effect_missing_table},
    {.id = "pg-unavailable",
     .layer = "postgres",
     .description =
         "The events store cannot be used. In virtual time; over sockets, give DUMONT_DATABASE a database that is so.",
     .nth = 1,
     .count = FOR_EVER,
     .parameters = PARAMETERS(CHOICE("as", "refused", "refused, starting, terminated, too-many, locked, hang",
                                     "SQLSTATE 08001, 57P03, 57P01, 53300, 55P03, or no answer ever")),
     .store = effect_store_unavailable},
    {.id = "pg-read-only",
     .layer = "postgres",
     .description =
         "The events store may only be read: SQLSTATE 25006. In virtual time; over sockets as pg-unavailable.",
     .nth = 1,
     .count = FOR_EVER,
     .parameters = NO_PARAMETERS,
     .store = effect_store_read_only},
    {.id = "pg-commit-unknown",
     .layer = "postgres",
     .description =
         "A statement that writes takes effect, and its answer is lost: SQLSTATE 08007. In virtual time alone.",
     .nth = 1,
     .count = 1,
     .parameters = NO_PARAMETERS,
     .store = effect_store_commit_unknown},
    {.id = "webhook-slow",
     .layer = "postgres",
     .description = "A receiver of webhooks never answers, or only that it cannot. In virtual time alone.",
     .nth = 1,
     .count = FOR_EVER,
     .parameters = PARAMETERS(CHOICE("as", "hang", "hang, 500, 503, 429, 410", "silence, or that status")),
     .receiver = effect_webhook_slow},
    {.id = "webhook-duplicate",
     .layer = "postgres",
     .description =
         "A receiver of webhooks takes a message, and its answer is lost: it is told again. In virtual time alone.",
     .nth = 1,
     .count = 1,
     .parameters = NO_PARAMETERS,
     .receiver = effect_webhook_duplicate},
    {.id = "disk-full",
     .layer = "host",
     .description = "A machine's disk is full when a command begins.",
     .nth = 1,
     .count = FOR_EVER,
     .parameters = PARAMETERS(NUMBER("used_gb", "1000000", 0, 1000000, "that something else takes of it")),
     .command = effect_disk_full},
};

static const char *const point_names[] = {
    [POINT_DEFAULT] = "default", [POINT_CONNECT] = "connect", [POINT_REQUEST] = "request",
    [POINT_EFFECT] = "effect",   [POINT_REPLY] = "reply",     [POINT_BODY] = "body",
};

static const struct {
    const char *key, *meaning;
} common_parameters[] = {
    [COMMON_NTH] = {"nth", "the occasion from which on it acts, from 1"},
    [COMMON_COUNT] = {"count", "on how many occasions it acts; -1: on all further ones"},
    [COMMON_PROBABILITY] = {"probability", "of acting on an occasion, from 0 to 1"},
    [COMMON_MACHINE] = {"machine", "only on the nth machine, from 0"},
    [COMMON_FROM] = {"from_s", "not before this second of the run"},
    [COMMON_TO] = {"to_s", "not from this second on"},
    [COMMON_ACTIVE] = {"active", "false: listed, but never acts"},
    [COMMON_ENDPOINT] = {"endpoint", "the API call it acts on, or any"},
    [COMMON_POINT] = {"point", "where in the exchange: connect, request, effect, reply, body"},
};

const char *common_parameter_key(enum common_parameter parameter)
{
    return common_parameters[parameter].key;
}

const char *common_parameter_meaning(enum common_parameter parameter)
{
    return common_parameters[parameter].meaning;
}

bool fault_has_common(const struct fault_row *row, enum common_parameter parameter)
{
    if (parameter == COMMON_MACHINE) {
        return row->store == NULL && row->receiver == NULL && row->bucket_calls == 0;
    }
    return (parameter != COMMON_ENDPOINT && parameter != COMMON_POINT) || row->endpoints != 0 || row->bucket_calls != 0;
}

size_t catalogue_count(void)
{
    return ARRAY_LENGTH(rows) + host_fault_count() + bucket_fault_count();
}

const struct fault_row *catalogue_row(size_t index)
{
    if (index < ARRAY_LENGTH(rows)) {
        return &rows[index];
    }
    index -= ARRAY_LENGTH(rows);
    return index < host_fault_count() ? host_fault_row(index) : bucket_fault_row(index - host_fault_count());
}

const struct fault_row *catalogue_find(const char *id)
{
    for (size_t i = 0; i < catalogue_count(); i++) {
        if (strcmp(catalogue_row(i)->id, id) == 0) {
            return catalogue_row(i);
        }
    }
    return NULL;
}

const struct fault_parameter *catalogue_parameter(const struct fault_row *row, const char *key)
{
    for (const struct fault_parameter *parameter = row->parameters; parameter->key != NULL; parameter++) {
        if (strcmp(parameter->key, key) == 0) {
            return parameter;
        }
    }
    return NULL;
}

const char *fault_point_name(enum fault_point point)
{
    return point_names[point];
}

enum fault_point fault_point_by_name(const char *name)
{
    for (size_t i = POINT_CONNECT; i < ARRAY_LENGTH(point_names); i++) {
        if (strcmp(point_names[i], name) == 0) {
            return (enum fault_point)i;
        }
    }
    return POINT_DEFAULT;
}

enum fault_point fault_point_of(const struct fault *fault)
{
    return fault->point == POINT_DEFAULT ? catalogue_find(fault->id)->point : fault->point;
}

static const struct fault_own *find_own(const struct fault *fault, const char *key)
{
    for (size_t i = 0; i < fault->own_count; i++) {
        if (strcmp(fault->own[i].key, key) == 0) {
            return &fault->own[i];
        }
    }
    return NULL;
}

const char *fault_text(const struct fault *fault, const char *key)
{
    const struct fault_own *own = find_own(fault, key);
    return own != NULL ? own->text : catalogue_parameter(catalogue_find(fault->id), key)->usual;
}

int64_t fault_nano(const struct fault *fault, const char *key)
{
    int64_t nano = 0;
    return decimal_parse(span_of(fault_text(fault, key)), 9, &nano) ? nano : 0;
}

bool fault_choice_is(const struct fault *fault, const char *key, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = fault_text(fault, key); at != NULL; at = strchr(at, ',')) {
        at += *at == ',' ? 1 : 0;
        if (strncmp(at, word, length) == 0 && (at[length] == '\0' || at[length] == ',')) {
            return true;
        }
    }
    return false;
}

bool fault_given(const struct fault *fault, const char *key)
{
    return find_own(fault, key) != NULL;
}
