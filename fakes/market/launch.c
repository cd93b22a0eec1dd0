/* Two more ways to rent: many offers by one request, and the first that a search finds. */
#include "fakes/market/state.h"

enum { LAUNCH_MAX = 64, ANSWER_SIZE = 1024 };

/* Rents one of many: its answer into `text`. */
static void rent_one(const struct call *call, const cJSON *body, const cJSON *id, struct buffer *text)
{
    struct http_reply reply = {.body = *text};
    struct call one = *call;
    one.reply = &reply;
    cJSON *own_body = cJSON_Duplicate(body, true);
    if (own_body != NULL) {
        rent_offer(&one, own_body, nano_of_number(id->valuedouble) / NUSD_PER_USD);
    }
    cJSON_Delete(own_body);
    *text = reply.body;
}

/*
 * What the real service answers is not documented, and its own CLI only prints it: here each offer's answer, and the ids of all
 * machines that were made. Room for all of it is taken before the first is rented.
 */
void route_create_many(const struct call *call)
{
    struct market *market = call->market;
    cJSON *body = answer_parse_body(call->request, call->reply);
    const cJSON *ids = body == NULL ? NULL : body_ids(call, body, "ids");
    size_t before = market->contract_count;
    size_t asked = 0;
    if (ids != NULL && cJSON_GetArraySize(ids) > LAUNCH_MAX) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: ids are at most %d", LAUNCH_MAX);
    } else if (ids != NULL && buffer_reserve(&call->reply->body, (size_t)(LAUNCH_MAX + 1) * ANSWER_SIZE)) {
        struct json_writer writer = answer_begin(call->reply, 200);
        json_begin_object(&writer);
        json_key(&writer, "results");
        json_begin_array(&writer);
        for (const cJSON *each = ids->child; each != NULL; each = each->next, asked++) {
            char storage[ANSWER_SIZE];
            struct buffer text;
            buffer_init_fixed(&text, storage, sizeof storage);
            rent_one(call, body, each, &text);
            json_raw(&writer, text.failed || text.length == 0 ? span_of("null") : (struct span){storage, text.length});
        }
        json_end_array(&writer);
        json_key(&writer, "new_contracts");
        json_begin_array(&writer);
        for (size_t i = before; i < market->contract_count; i++) {
            json_int(&writer, market->contracts[i]->id);
        }
        json_end_array(&writer);
        json_member_bool(&writer, "success", market->contract_count - before == asked);
        json_end_object(&writer);
    }
    cJSON_Delete(body);
}

void route_launch(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    int64_t ask_id = body == NULL ? -1 : search_first(call, body);
    if (ask_id >= 0) {
        rent_offer(call, body, ask_id);
    }
    cJSON_Delete(body);
}
