/* The account: who it is, what it has, and what there is to know without a machine. */
#include <string.h>

#include "fakes/market/state.h"

enum { GPU_NAMES_MAX = 512 };

void route_account(const struct call *call)
{
    static const char before[] =
        "\"id\":410777,\"username\":\"dumont\",\"email\":\"dumont@example.com\",\"fullname\":null,\"parent_id\":null,"
        "\"balance\":0,\"balance_threshold\":0,\"balance_threshold_enabled\":false,\"autobill_threshold\":null,"
        "\"autobill_amount\":null,\"can_pay\":false,\"has_payout\":false,\"billed_expected\":0,"
        "\"billed_verified\":1,\"billaddress_line1\":null,\"billaddress_city\":null,\"billaddress_country\":\"CA\","
        "\"paypal_email\":null,\"sid\":null,\"api_key\":null,\"rights\":null,\"got_signup_credit\":0,\"last4\":null,"
        "\"host_only\":false,\"host_agreement_accepted\":0,\"tfa_enabled\":false,\"tos_version\":\"1\"";
    const struct market *market = call->market;
    const char *key = market->options.ssh_public_key;
    for (size_t i = 0; i < market->key_count && (key == NULL || *key == '\0'); i++) {
        key = market->keys[i].of_account && !market->keys[i].deleted ? market->keys[i].text : key;
    }
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_raw(&writer, span_of(before));
    json_member_bool(&writer, "has_billing", market->options.switches.has_billing != 0);
    json_member_decimal(&writer, "credit", market_credit_nusd(market), 9);
    json_member_string(&writer, "ssh_key", key);
    json_end_object(&writer);
}

/* Puts a name into the sorted list unless it is there. Returns how many there are. */
static size_t insert_name(const char **names, size_t count, const char *name)
{
    size_t at = count;
    while (at > 0 && strcmp(names[at - 1], name) > 0) {
        at--;
    }
    bool is_known = *name == '\0' || (at > 0 && strcmp(names[at - 1], name) == 0);
    if (is_known || count == GPU_NAMES_MAX) {
        return count;
    }
    memmove(&names[at + 1], &names[at], (count - at) * sizeof *names);
    names[at] = name;
    return count + 1;
}

void route_gpu_names(const struct call *call)
{
    const struct offer_book *book = call->market->options.offers;
    const char *names[GPU_NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < offer_book_count(book); i++) {
        count = insert_name(names, count, offer_book_at(book, i)->gpu_name);
    }
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "gpu_names");
    json_begin_array(&writer);
    for (size_t i = 0; i < count; i++) {
        json_string(&writer, names[i]);
    }
    json_end_array(&writer);
    json_end_object(&writer);
}
