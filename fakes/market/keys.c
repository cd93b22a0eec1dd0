/* SSH keys: those of the account, and those that a machine accepts. */
#include <string.h>

#include "fakes/market/state.h"

enum { KEYS_MAX = 10000, KEY_TEXT_MAX = 16384, KEYS_OF_MACHINE_MAX = 256, FIRST_KEY_ID = 77120, USER_ID = 410777 };

void keys_release(struct market *market)
{
    for (size_t i = 0; i < market->key_count; i++) {
        heap_release(market->heap, market->keys[i].text);
    }
    heap_release(market->heap, market->keys);
}

const struct ssh_key *key_by_id(const struct market *market, uint32_t id)
{
    size_t index = (size_t)id - FIRST_KEY_ID;
    return id >= FIRST_KEY_ID && index < market->key_count ? &market->keys[index] : NULL;
}

size_t keys_of_account(const struct market *market)
{
    size_t count = 0;
    for (size_t i = 0; i < market->key_count; i++) {
        count += market->keys[i].of_account && !market->keys[i].deleted;
    }
    return count;
}

static struct ssh_key *find_key(struct market *market, const char *text)
{
    for (size_t i = 0; i < market->key_count; i++) {
        if (!market->keys[i].deleted && strcmp(market->keys[i].text, text) == 0) {
            return &market->keys[i];
        }
    }
    return NULL;
}

uint32_t key_add(struct market *market, const char *text, bool of_account)
{
    struct ssh_key *known = find_key(market, text);
    if (known != NULL) {
        known->of_account = known->of_account || of_account;
        return known->id;
    }
    if (market->key_count == KEYS_MAX) {
        return 0;
    }
    if (market->key_count == market->key_capacity) {
        size_t capacity = market->key_capacity == 0 ? 2 : market->key_capacity * 2;
        struct ssh_key *grown = heap_resize(market->heap, market->keys, capacity * sizeof *grown);
        if (grown == NULL) {
            return 0;
        }
        market->keys = grown;
        market->key_capacity = capacity;
    }
    size_t size = strlen(text) + 1;
    char *copy = heap_alloc(market->heap, size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, text, size);
    market->keys[market->key_count] = (struct ssh_key){.id = FIRST_KEY_ID + (uint32_t)market->key_count,
                                                       .of_account = of_account,
                                                       .created_ns = market->now_ns,
                                                       .text = copy};
    return market->keys[market->key_count++].id;
}

bool keys_give(struct market *market, struct contract *contract)
{
    size_t count = keys_of_account(market);
    contract->key_ids = heap_alloc(market->heap, count * sizeof *contract->key_ids);
    if (contract->key_ids == NULL) {
        return false;
    }
    for (size_t i = 0; i < market->key_count && contract->key_count < count; i++) {
        if (market->keys[i].of_account && !market->keys[i].deleted) {
            contract->key_ids[contract->key_count++] = market->keys[i].id;
        }
    }
    return true;
}

/* ---- The account's -------------------------------------------------------------------------------------------------------- */

static void write_key(struct json_writer *writer, const struct market *market, const struct ssh_key *key,
                      const char *name)
{
    char storage[64];
    struct buffer created;
    buffer_init_fixed(&created, storage, sizeof storage);
    wall_time_append(&created, (struct wall_time){saturating_add(market->options.epoch.unix_ns, key->created_ns)}, 6);
    created.length -= created.length > 0; /* Z, which the real service writes as +00:00 */
    storage[created.length] = '\0';
    buffer_append_text(&created, "+00:00");
    json_begin_object(writer);
    json_member_int(writer, "id", key->id);
    json_member_int(writer, "user_id", USER_ID);
    json_member_string(writer, name, key->text);
    json_member_string(writer, "created_at", buffer_text(&created));
    json_member_null(writer, "deleted_at");
    json_end_object(writer);
}

void route_keys(const struct call *call)
{
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_array(&writer);
    for (size_t i = 0; i < call->market->key_count; i++) {
        const struct ssh_key *key = &call->market->keys[i];
        if (key->of_account && !key->deleted) {
            write_key(&writer, call->market, key, "key");
        }
    }
    json_end_array(&writer);
}

/* The public key in a body; NULL after answering 400. Two words, of which the first names its kind, are what sshd wants. */
static const char *read_key(const struct call *call, const cJSON *body)
{
    const char *text = text_member(body, "ssh_key");
    bool good = text != NULL && strlen(text) <= KEY_TEXT_MAX && strpbrk(text, "\r\n") == NULL &&
                (strncmp(text, "ssh-", 4) == 0 || strncmp(text, "ecdsa-", 6) == 0 || strncmp(text, "sk-", 3) == 0) &&
                strchr(text, ' ') != NULL;
    if (!good) {
        answer_error(call->reply, 400, "invalid_args", "Invalid SSH key format.");
        return NULL;
    }
    return text;
}

static void too_many_keys(const struct call *call)
{
    if (call->market->key_count == KEYS_MAX) {
        answer_error(call->reply, 400, "invalid_args", "You have too many SSH keys.");
    } else {
        call->reply->body.failed = true;
    }
}

void route_key_create(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    const char *text = body == NULL ? NULL : read_key(call, body);
    if (text != NULL) {
        struct ssh_key *known = find_key(call->market, text);
        if (known != NULL && known->of_account) {
            answer_error(call->reply, 400, "invalid_args", "SSH key already exists.");
        } else {
            uint32_t id = key_add(call->market, text, true);
            if (id == 0) {
                too_many_keys(call);
            } else {
                struct json_writer writer = answer_begin(call->reply, 200);
                json_begin_object(&writer);
                json_member_bool(&writer, "success", true);
                json_key(&writer, "key");
                write_key(&writer, call->market, key_by_id(call->market, id), "public_key");
                json_end_object(&writer);
            }
        }
    }
    cJSON_Delete(body);
}

/* The account's key in the path, or NULL after answering 404. */
static struct ssh_key *key_of_path(const struct call *call)
{
    bool in_range = call->id >= FIRST_KEY_ID && call->id < FIRST_KEY_ID + (int64_t)call->market->key_count;
    struct ssh_key *key = in_range ? &call->market->keys[call->id - FIRST_KEY_ID] : NULL;
    if (key == NULL || key->deleted || !key->of_account) {
        answer_error(call->reply, 404, "not_found", "SSH key %lld not found.", (long long)call->id);
        return NULL;
    }
    return key;
}

void route_key_change(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    struct ssh_key *key = body == NULL ? NULL : key_of_path(call);
    const char *text = key == NULL ? NULL : read_key(call, body);
    if (text != NULL) {
        size_t size = strlen(text) + 1;
        char *copy = heap_alloc(call->market->heap, size);
        answer_success(call->reply);
        if (copy == NULL || call->reply->body.failed) {
            heap_release(call->market->heap, copy);
            call->reply->body.failed = true;
        } else {
            memcpy(copy, text, size);
            heap_release(call->market->heap, key->text);
            key->text = copy;
        }
    }
    cJSON_Delete(body);
}

/* Machines that have it keep it. */
void route_key_delete(const struct call *call)
{
    struct ssh_key *key = key_of_path(call);
    if (key != NULL) {
        answer_success(call->reply);
        key->deleted = !call->reply->body.failed;
    }
}

/* ---- A machine's ---------------------------------------------------------------------------------------------------------- */

void route_attached(const struct call *call)
{
    enum { TEXT_BYTES_MAX = 4194304 };
    const struct contract *contract = call_contract(call);
    if (contract == NULL) {
        return;
    }
    struct buffer inner;
    struct json_writer list;
    buffer_init(&inner, call->market->heap, TEXT_BYTES_MAX);
    json_writer_init(&list, &inner, 0);
    json_begin_array(&list);
    for (uint32_t i = 0; i < contract->key_count; i++) {
        const struct ssh_key *key = key_by_id(call->market, contract->key_ids[i]);
        json_begin_object(&list);
        json_member_int(&list, "id", key->id);
        json_member_string(&list, "public_key", key->text);
        json_end_object(&list);
    }
    json_end_array(&list);
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_member_string(&writer, "ssh_keys", buffer_text(&inner)); /* a text, as the real service has it */
    json_end_object(&writer);
    call->reply->body.failed = call->reply->body.failed || inner.failed;
    buffer_release(&inner);
}

static void answer_msg(const struct call *call, const char *msg)
{
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_member_string(&writer, "msg", msg);
    json_end_object(&writer);
}

static bool has_key(const struct market *market, const struct contract *contract, const char *text)
{
    for (uint32_t i = 0; i < contract->key_count; i++) {
        if (strcmp(key_by_id(market, contract->key_ids[i])->text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void attach(const struct call *call, struct contract *contract, const char *text)
{
    if (has_key(call->market, contract, text)) {
        answer_error(call->reply, 400, "invalid_args", "SSH key already associated with instance.");
        return;
    }
    if (contract->key_count == KEYS_OF_MACHINE_MAX) {
        answer_error(call->reply, 400, "invalid_args", "This instance has too many SSH keys.");
        return;
    }
    uint32_t id = key_add(call->market, text, false);
    size_t size = (contract->key_count + 1) * sizeof *contract->key_ids;
    uint32_t *grown = id == 0 ? NULL : heap_resize(call->market->heap, contract->key_ids, size);
    if (grown == NULL) {
        too_many_keys(call);
        return;
    }
    contract->key_ids = grown;
    answer_msg(call, "SSH key attached successfully");
    if (!call->reply->body.failed) {
        contract->key_ids[contract->key_count++] = id;
    }
}

void route_attach(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    struct contract *contract = body == NULL ? NULL : call_contract(call);
    const char *text = contract == NULL ? NULL : read_key(call, body);
    if (text != NULL) {
        attach(call, contract, text);
    }
    cJSON_Delete(body);
}

void route_detach(const struct call *call)
{
    struct contract *contract = call_contract(call);
    struct api_path_parts parts;
    if (contract == NULL || !api_path_fits(call->request->path, "/api/v0/instances/#/ssh/#", &parts)) {
        return;
    }
    uint32_t at = 0;
    while (at < contract->key_count && contract->key_ids[at] != parts.numbers[1]) {
        at++;
    }
    if (at == contract->key_count) {
        answer_error(call->reply, 404, "not_found", "SSH key %lld not found on instance.", (long long)parts.numbers[1]);
        return;
    }
    answer_msg(call, "SSH key detached successfully");
    if (!call->reply->body.failed) {
        contract->key_count--;
        memmove(&contract->key_ids[at], &contract->key_ids[at + 1],
                (contract->key_count - at) * sizeof *contract->key_ids);
    }
}
