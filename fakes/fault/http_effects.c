#include <string.h>

#include "base/units.h"
#include "fakes/fault/effects.h"

static const char json_type[] = "application/json";
static const char text_type[] = "text/plain";
static const char html_type[] = "text/html";

/* Empties the reply and gives it a status and a type; the body is appended by the caller. */
static void start_reply(struct http_reply *reply, int status, const char *type)
{
    reply->status = status;
    (void)text_copy(reply->content_type, sizeof reply->content_type, type);
    buffer_clear(&reply->body);
}

static void answer(struct http_verdict *verdict, struct http_reply *reply, int status, const char *type)
{
    verdict->answered = true;
    start_reply(reply, status, type);
}

bool effect_rate_limit(const struct fault *fault, enum api_call call, int64_t id, struct http_verdict *verdict,
                       struct http_reply *reply)
{
    static const struct {
        const char *shape, *type, *before, *after;
        bool threshold;
    } shapes[] = {
        {"text", text_type, "API requests too frequent", "", false},
        {"threshold", text_type, "API requests too frequent: endpoint threshold=", "", true},
        {"detail", json_type, "{\"detail\":\"API requests too frequent endpoint threshold=", "\"}", true},
        {"error", json_type,
         "{\"success\":false,\"error\":\"rate_limit_exceeded\",\"msg\":\"API requests too frequent endpoint threshold=",
         "\"}", true},
    };
    (void)id;
    for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
        if (fault_choice_is(fault, "shape", shapes[i].shape)) {
            answer(verdict, reply, 429, shapes[i].type);
            buffer_append_text(&reply->body, shapes[i].before);
            if (shapes[i].threshold) {
                decimal_append(&reply->body, api_call_threshold_ms(call), 3, 1);
            }
            buffer_append_text(&reply->body, shapes[i].after);
        }
    }
    return false;
}

/* The page that a gateway shows for an error of its own. */
static void gateway_page(struct http_reply *reply, int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Temporarily Unavailable"},
        {504, "Gateway Time-out"},
    };
    start_reply(reply, status, html_type);
    for (size_t i = 0; i < ARRAY_LENGTH(reasons); i++) {
        if (reasons[i].status == status) {
            buffer_printf(&reply->body,
                          "<html><head><title>%d %s</title></head><body><center><h1>%d %s</h1></center>"
                          "<hr><center>nginx</center></body></html>",
                          status, reasons[i].reason, status, reasons[i].reason);
        }
    }
}

void effect_server_error_reply(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply)
{
    (void)rewrite;
    gateway_page(reply, (int)(fault_nano(fault, "status") / NS_PER_S));
    if (fault_choice_is(fault, "body", "empty")) {
        buffer_clear(&reply->body);
    }
}

/* How the connection fails; `replies` where some of the true reply arrives, which is never before its effect. */
static const struct {
    const char *as;
    enum transport_fate fate;
    bool replies;
} transport_failures[] = {
    {"refused", FATE_REFUSED, false},    {"reset", FATE_RESET, false},        {"closed", FATE_CLOSED_EARLY, false},
    {"timeout", FATE_SILENT, false},     {"truncated", FATE_TRUNCATED, true}, {"malformed", FATE_MALFORMED, true},
    {"too-large", FATE_TOO_LARGE, true}, {"drip", FATE_SILENT, true},
};

/* True when that is what is asked for. */
static bool fail_transport(const struct fault *fault, struct http_verdict *verdict)
{
    for (size_t i = 0; i < ARRAY_LENGTH(transport_failures); i++) {
        if (!fault_choice_is(fault, "as", transport_failures[i].as)) {
            continue;
        }
        bool after = transport_failures[i].replies || fault_point_of(fault) == POINT_REPLY;
        *(after ? &verdict->fate_after : &verdict->fate_before) = transport_failures[i].fate;
        verdict->cut_at = fault_nano(fault, "bytes") / NS_PER_S;
        if (fault_choice_is(fault, "as", "drip")) {
            verdict->drip_ns = fault_nano(fault, "drip_s") > 0 ? fault_nano(fault, "drip_s") : 1;
        }
        return true;
    }
    return false;
}

bool effect_server_error(const struct fault *fault, enum api_call call, int64_t id, struct http_verdict *verdict,
                         struct http_reply *reply)
{
    (void)call;
    (void)id;
    if (fail_transport(fault, verdict)) {
        return false;
    }
    if (fault_point_of(fault) == POINT_REPLY) {
        return true;
    }
    verdict->answered = true;
    effect_server_error_reply(fault, NULL, reply);
    return false;
}

bool effect_create_lost(const struct fault *fault, enum api_call call, int64_t id, struct http_verdict *verdict,
                        struct http_reply *reply)
{
    (void)call;
    (void)id;
    (void)reply;
    if (fault_choice_is(fault, "as", "502")) {
        return true;
    }
    verdict->fate_after = fault_choice_is(fault, "as", "reset") ? FATE_RESET : FATE_SILENT;
    return false;
}

void effect_create_lost_reply(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply)
{
    (void)fault;
    (void)rewrite;
    gateway_page(reply, 502);
}

bool effect_offer_taken(const struct fault *fault, enum api_call call, int64_t id, struct http_verdict *verdict,
                        struct http_reply *reply)
{
    (void)call;
    if (fault_choice_is(fault, "code", "410")) {
        answer(verdict, reply, 410, json_type);
        buffer_printf(&reply->body,
                      "{\"success\":false,\"error\":\"no_such_ask\","
                      "\"msg\":\"error 410/3907: no_such_ask Instance type %lld is no longer available.\"}",
                      (long long)id);
    } else {
        answer(verdict, reply, 404, json_type);
        buffer_printf(&reply->body,
                      "{\"success\":false,\"error\":\"invalid_args\","
                      "\"msg\":\"error 404/3603: no_such_ask Instance type by id %lld is not available.\","
                      "\"ask_id\":%lld}",
                      (long long)id, (long long)id);
    }
    return false;
}

bool effect_destroy_rejected(const struct fault *fault, enum api_call call, int64_t id, struct http_verdict *verdict,
                             struct http_reply *reply)
{
    static const struct {
        const char *as;
        int status;
        const char *body;
    } refusals[] = {
        {"429", 429,
         "{\"success\":false,\"error\":\"rate_limit_exceeded\","
         "\"msg\":\"API requests too frequent endpoint threshold=3.0\"}"},
        {"500", 500, "{\"success\":false,\"error\":\"server_error\",\"msg\":\"try again in 60 seconds\"}"},
        {"400", 400, "{\"success\":false,\"error\":\"invalid_args\",\"msg\":\"Instance is being created.\"}"},
    };
    (void)call;
    (void)id;
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        if (fault_choice_is(fault, "as", refusals[i].as)) {
            answer(verdict, reply, refusals[i].status, json_type);
            buffer_append_text(&reply->body, refusals[i].body);
            return false;
        }
    }
    verdict->fate_before = FATE_REFUSED;
    return false;
}

bool effect_destroy_false_success(const struct fault *fault, enum api_call call, int64_t id,
                                  struct http_verdict *verdict, struct http_reply *reply)
{
    (void)fault;
    (void)call;
    (void)id;
    answer(verdict, reply, 200, json_type);
    verdict->pretended = true;
    buffer_append_text(&reply->body, "{\"success\":true}");
    return false;
}
