/*
 * Statements: charges and invoices, as the CLI prints them.
 *
 * A statement has a row for each day of each contract and volume. The rows' amounts are differences of the running sum of exact
 * charges, rounded down, so that all rows together are what the account was charged, to the nano-dollar.
 */
#include <string.h>

#include "base/base64.h"
#include "fakes/market/state.h"

enum { DAY_S = 86400, PAGE_USUAL = 20, PAGE_MAX = 1000, TOKEN_SIZE = 128 };

struct statement_row {
    const struct charge_day *day;
    const struct contract *contract; /* NULL: of a volume */
    int64_t id;
    exact_charge before; /* what all rows before it cost */
};

struct statement {
    struct market *market;
    int64_t from_s, until_s;
    exact_charge sum;
    struct statement_row *rows;
    size_t count, capacity;
    bool failed;
};

static int64_t start_s(const struct statement_row *row)
{
    return row->day->first_day * DAY_S;
}

static int64_t end_s(const struct statement_row *row)
{
    return (row->day->last_day + 1) * DAY_S;
}

static int64_t row_amount(const struct statement_row *row, enum component first, enum component last)
{
    exact_charge before = row->before;
    for (int i = 0; i < (int)first; i++) {
        before += row->day->amounts[i];
    }
    exact_charge after = before;
    for (int i = (int)first; i <= (int)last; i++) {
        after += row->day->amounts[i];
    }
    return whole_nusd(after) - whole_nusd(before);
}

static void add_row(struct statement *statement, const struct charge_day *day, const struct contract *contract,
                    int64_t id)
{
    struct statement_row row = {day, contract, id, statement->sum};
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        statement->sum += day->amounts[i];
    }
    bool is_empty = statement->sum == row.before;
    if (is_empty || start_s(&row) > statement->until_s || end_s(&row) <= statement->from_s || statement->failed) {
        return;
    }
    if (statement->count == statement->capacity) {
        size_t capacity = statement->capacity == 0 ? 16 : statement->capacity * 2;
        struct statement_row *grown = heap_resize(statement->market->heap, statement->rows, capacity * sizeof *grown);
        if (grown == NULL) {
            statement->failed = true;
            return;
        }
        statement->rows = grown;
        statement->capacity = capacity;
    }
    statement->rows[statement->count++] = row;
}

static void add_rows(struct statement *statement, struct charges *charges, const struct contract *contract, int64_t id)
{
    charges_settle(statement->market, charges);
    for (uint32_t i = 0; i < charges->past_count; i++) {
        add_row(statement, &charges->past[i], contract, id);
    }
    add_row(statement, &charges->today, contract, id);
}

static bool is_earlier(const struct statement_row *left, const struct statement_row *right)
{
    return start_s(left) != start_s(right) ? start_s(left) < start_s(right) : left->id < right->id;
}

static void sift(struct statement_row *rows, size_t count, size_t at)
{
    for (;;) {
        size_t last = at;
        for (size_t below = 2 * at + 1; below <= 2 * at + 2 && below < count; below++) {
            last = is_earlier(&rows[last], &rows[below]) ? below : last;
        }
        if (last == at) {
            return;
        }
        struct statement_row moved = rows[at];
        rows[at] = rows[last];
        rows[last] = moved;
        at = last;
    }
}

/* By day, then by id. */
static void sort(struct statement_row *rows, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift(rows, count, i);
    }
    for (size_t last = count; last-- > 1;) {
        struct statement_row moved = rows[0];
        rows[0] = rows[last];
        rows[last] = moved;
        sift(rows, last, 0);
    }
}

/* Everything charged in those seconds since 1970; days that touch them count. Released by statement_release(). */
static void statement_make(struct statement *statement, struct market *market, int64_t from_s, int64_t until_s)
{
    *statement = (struct statement){.market = market, .from_s = from_s, .until_s = until_s};
    for (size_t i = 0; i < market->contract_count; i++) {
        struct contract *contract = market->contracts[i];
        add_rows(statement, &contract->charges, contract, contract->id);
    }
    for (size_t i = 0; i < market->volume_count; i++) {
        int64_t id;
        struct charges *charges = volume_charges(market, i, &id);
        add_rows(statement, charges, NULL, id);
    }
    sort(statement->rows, statement->count);
}

static void statement_release(struct statement *statement)
{
    heap_release(statement->market->heap, statement->rows);
}

/* ---- Query ---------------------------------------------------------------------------------------------------------------- */

/* A parameter of the query, or "". */
static const char *parameter(const struct call *call, const char *name, char storage[HTTP_PATH_SIZE])
{
    struct buffer value;
    buffer_init_fixed(&value, storage, HTTP_PATH_SIZE);
    return query_parameter(call->request->path, name, &value) ? buffer_text(&value) : "";
}

/* A whole number of the query, or `otherwise`. */
static int64_t number_parameter(const struct call *call, const char *name, int64_t otherwise)
{
    char storage[HTTP_PATH_SIZE];
    int64_t number;
    const char *text = parameter(call, name, storage);
    return *text != '\0' && decimal_parse(span_of(text), 0, &number) ? number : otherwise;
}

/* The bounds {"gte": …, "lte": …} of a filter, in seconds. False when one is missing. */
static bool read_bounds(const struct call *call, const char *key, int64_t *from_s, int64_t *until_s)
{
    char storage[HTTP_PATH_SIZE];
    cJSON *filters = parse_json(span_of(parameter(call, "select_filters", storage)));
    const cJSON *bounds = member_of(filters, key);
    const cJSON *from = member_of(bounds, "gte");
    const cJSON *until = member_of(bounds, "lte");
    bool good = cJSON_IsNumber(from) && cJSON_IsNumber(until);
    if (good) {
        *from_s = nano_of_number(from->valuedouble) / NUSD_PER_USD;
        *until_s = nano_of_number(until->valuedouble) / NUSD_PER_USD;
    }
    cJSON_Delete(filters);
    return good;
}

struct page {
    size_t from, count;
    bool backwards;
};

static bool read_page(const struct call *call, size_t total, struct page *page)
{
    char storage[HTTP_PATH_SIZE];
    const char *token = parameter(call, "after_token", storage);
    int64_t limit = number_parameter(call, "limit", PAGE_USUAL);
    *page = (struct page){.count = (size_t)(limit <= 0 || limit > PAGE_MAX ? PAGE_USUAL : limit)};
    if (*token != '\0' && strcmp(token, "null") != 0) {
        char decoded[TOKEN_SIZE];
        size_t size = base64_decode(span_of(token), decoded, sizeof decoded);
        cJSON *tree = size > 0 ? parse_json((struct span){decoded, size}) : NULL;
        const cJSON *place = member_of(member_of(tree, "values"), "row");
        int64_t row = cJSON_IsNumber(place) ? nano_of_number(place->valuedouble) / NUSD_PER_USD : -1;
        cJSON_Delete(tree);
        if (row < 0) {
            answer_error(call->reply, 400, "invalid_token", "invalid after_token");
            return false;
        }
        page->from = (uint64_t)row < total ? (size_t)row : total;
    }
    page->count = page->count < total - page->from ? page->count : total - page->from;
    const char *order = parameter(call, "latest_first", storage);
    page->backwards = strcmp(order, "true") == 0 || strcmp(order, "True") == 0;
    return true;
}

static void end_page(struct json_writer *writer, const struct page *page, size_t total)
{
    char text[TOKEN_SIZE];
    char encoded[2 * TOKEN_SIZE];
    struct buffer token;
    buffer_init_fixed(&token, encoded, sizeof encoded);
    (void)text_format(text, sizeof text, "{\"values\": {\"row\": %zu}}", page->from + page->count);
    base64_append(&token, span_of(text));
    json_member_int(writer, "count", (int64_t)page->count);
    json_member_int(writer, "total", (int64_t)total);
    json_member_string(writer, "next_token", page->from + page->count < total ? buffer_text(&token) : NULL);
}

/* ---- Charges -------------------------------------------------------------------------------------------------------------- */

static void describe(const struct statement_row *row, enum component component, struct buffer *out)
{
    static const struct {
        const char *before, *after;
        int digits, decimals;
    } forms[] = {
        [COMPONENT_GPU] = {"GPU: ", " hours", 3, 3},
        [COMPONENT_DISK] = {"Storage: ", " hours", 3, 3},
        [COMPONENT_DOWNLOAD] = {"Download: ", " GB", 9, 3},
        [COMPONENT_UPLOAD] = {"Upload: ", " GB", 9, 3},
    };
    int64_t quantity = row->day->quantities[component];
    if (component <= COMPONENT_DISK) {
        quantity = scale_rounded(quantity, 1000, NS_PER_HOUR);
    }
    buffer_append_text(out, forms[component].before);
    decimal_append_rounded(out, quantity, forms[component].digits, forms[component].decimals);
    buffer_append_text(out, forms[component].after);
}

static void write_span(struct json_writer *writer, const struct statement_row *row, const char *type)
{
    char source[64];
    (void)text_format(source, sizeof source, "%s-%lld", row->contract == NULL ? "volume" : "instance",
                      (long long)row->id);
    json_member_int(writer, "start", start_s(row));
    json_member_int(writer, "end", end_s(row));
    json_member_string(writer, "type", type);
    json_member_string(writer, "source", source);
}

static void write_item(struct json_writer *writer, const struct statement_row *row, enum component component)
{
    static const char *const types[] = {"gpu", "disk", "bwd", "bwu"};
    char storage[96];
    struct buffer description;
    buffer_init_fixed(&description, storage, sizeof storage);
    describe(row, component, &description);
    json_begin_object(writer);
    write_span(writer, row, types[component]);
    json_member_string(writer, "description", buffer_text(&description));
    json_member_decimal(writer, "amount", row_amount(row, component, component), 9);
    json_key(writer, "metadata");
    json_begin_object(writer);
    json_end_object(writer);
    json_key(writer, "items");
    json_begin_array(writer);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_charge(struct json_writer *writer, const struct statement_row *row, bool as_tree)
{
    char description[64];
    const struct contract *contract = row->contract;
    (void)text_format(description, sizeof description, "%s %lld", contract == NULL ? "Volume" : "Instance",
                      (long long)row->id);
    json_begin_object(writer);
    write_span(writer, row, contract == NULL ? "volume" : "instance");
    json_member_string(writer, "description", description);
    json_member_decimal(writer, "amount", row_amount(row, COMPONENT_GPU, COMPONENT_UPLOAD), 9);
    json_key(writer, "metadata");
    json_begin_object(writer);
    if (contract != NULL) {
        json_member_string(writer, "label", contract->label == NULL ? NULL : contract->label->text);
        json_member_string(writer, "gpu_name", contract->offer->gpu_name);
        json_member_int(writer, "num_gpus", contract->offer->num_gpus);
    }
    json_end_object(writer);
    json_key(writer, "items");
    json_begin_array(writer);
    for (int i = 0; i < COMPONENT_COUNT && as_tree; i++) {
        if (row->day->quantities[i] != 0) {
            write_item(writer, row, (enum component)i);
        }
    }
    json_end_array(writer);
    json_end_object(writer);
}

void route_charges(const struct call *call)
{
    int64_t from_s;
    int64_t until_s;
    char storage[HTTP_PATH_SIZE];
    if (!read_bounds(call, "day", &from_s, &until_s)) {
        answer_error(call->reply, 400, "invalid_args", "Error in query parameters: day needs both gte and lte");
        return;
    }
    bool as_tree = strcmp(parameter(call, "format", storage), "tree") == 0;
    struct statement statement;
    struct page page;
    statement_make(&statement, call->market, from_s, until_s);
    if (read_page(call, statement.count, &page)) {
        struct json_writer writer = answer_begin(call->reply, 200);
        json_begin_object(&writer);
        json_member_bool(&writer, "success", true);
        json_key(&writer, "results");
        json_begin_array(&writer);
        for (size_t i = page.from; i < page.from + page.count; i++) {
            write_charge(&writer, &statement.rows[page.backwards ? statement.count - 1 - i : i], as_tree);
        }
        json_end_array(&writer);
        end_page(&writer, &page, statement.count);
        json_end_object(&writer);
    }
    call->reply->body.failed = call->reply->body.failed || statement.failed;
    statement_release(&statement);
}

/* ---- Invoices ------------------------------------------------------------------------------------------------------------- */

static void write_decimal_text(struct json_writer *writer, const char *key, int64_t value, int digits, int decimals)
{
    char storage[64];
    struct buffer text;
    buffer_init_fixed(&text, storage, sizeof storage);
    decimal_append(&text, value, digits, decimals);
    json_member_string(writer, key, buffer_text(&text));
}

static void write_payment(struct json_writer *writer, const struct market *market)
{
    json_begin_object(writer);
    json_member_string(writer, "type", "payment");
    json_member_decimal(writer, "timestamp", unix_ms(market, 0), 3);
    write_decimal_text(writer, "amount", market->options.credit_nusd, 9, 2);
    json_member_string(writer, "description", "Credit card payment");
    json_member_null(writer, "quantity");
    json_member_null(writer, "rate");
    json_member_null(writer, "instance_id");
    json_end_object(writer);
}

static void write_invoice_charge(struct json_writer *writer, const struct statement_row *row, enum component component)
{
    static const char *const forms[] = {"GPU charge: hours * $/hr", "storage charge: hours * $/hr",
                                        "download charge: GB * $/GB", "upload charge: GB * $/GB"};
    char description[128];
    int64_t quantity = row->day->quantities[component];
    int64_t amount_nusd = row_amount(row, component, component);
    int64_t unit = component <= COMPONENT_DISK ? NS_PER_HOUR : NUSD_PER_USD;
    (void)text_format(description, sizeof description, "%s %lld %s", row->contract == NULL ? "Volume" : "Instance",
                      (long long)row->id, forms[component]);
    json_begin_object(writer);
    json_member_string(writer, "type", "charge");
    json_member_int(writer, "timestamp", end_s(row));
    write_decimal_text(writer, "amount", amount_nusd, 9, 4);
    json_member_string(writer, "description", description);
    write_decimal_text(writer, "quantity", scale_rounded(quantity, 1000, unit), 3, 3);
    write_decimal_text(writer, "rate", quantity > 0 ? scale_rounded(amount_nusd, unit, quantity) : 0, 9, 4);
    json_member_int(writer, "instance_id", row->id);
    json_end_object(writer);
}

void route_invoices(const struct call *call)
{
    char storage[HTTP_PATH_SIZE];
    const struct market *market = call->market;
    const char *wanted = parameter(call, "inc_charges", storage);
    bool with_charges = strcmp(wanted, "true") == 0 || strcmp(wanted, "True") == 0 || strcmp(wanted, "1") == 0;
    int64_t from_s = number_parameter(call, "sdate", 0);
    int64_t until_s = number_parameter(call, "edate", INT64_MAX / NS_PER_S);
    int64_t paid_s = unix_ms(market, 0) / 1000;
    int64_t sum_nusd = 0;
    struct statement statement;
    statement_make(&statement, call->market, from_s, until_s);
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "invoices");
    json_begin_array(&writer);
    if (market->options.credit_nusd > 0 && paid_s >= from_s && paid_s <= until_s) {
        write_payment(&writer, market);
    }
    for (size_t i = 0; i < statement.count; i++) {
        sum_nusd += row_amount(&statement.rows[i], COMPONENT_GPU, COMPONENT_UPLOAD);
        for (int component = 0; component < COMPONENT_COUNT && with_charges; component++) {
            if (statement.rows[i].day->quantities[component] != 0) {
                write_invoice_charge(&writer, &statement.rows[i], (enum component)component);
            }
        }
    }
    json_end_array(&writer);
    json_key(&writer, "current");
    json_begin_object(&writer);
    json_member_decimal(&writer, "charges", sum_nusd, 9);
    json_member_int(&writer, "service_fee", 0);
    json_member_decimal(&writer, "total", market_credit_nusd(market), 9);
    json_member_decimal(&writer, "credit", market_credit_nusd(market), 9);
    json_end_object(&writer);
    json_end_object(&writer);
    call->reply->body.failed = call->reply->body.failed || statement.failed;
    statement_release(&statement);
}

void route_invoices_v1(const struct call *call)
{
    const struct market *market = call->market;
    int64_t from_s;
    int64_t until_s;
    struct page page;
    if (!read_bounds(call, "when", &from_s, &until_s)) {
        answer_error(call->reply, 200, "invalid_args", "Error in query parameters: when needs both gte and lte");
        return;
    }
    int64_t paid_s = unix_ms(market, 0) / 1000;
    size_t total = market->options.credit_nusd > 0 && paid_s >= from_s && paid_s <= until_s;
    if (!read_page(call, total, &page)) {
        return;
    }
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_key(&writer, "results");
    json_begin_array(&writer);
    if (page.count > 0) {
        json_begin_object(&writer);
        json_member_int(&writer, "start", paid_s);
        json_member_int(&writer, "end", paid_s);
        json_member_string(&writer, "type", "credit");
        json_member_string(&writer, "source", "stripe");
        json_member_string(&writer, "description", "Credit card payment");
        json_member_decimal(&writer, "amount", market->options.credit_nusd, 9);
        json_key(&writer, "metadata");
        json_raw(&writer, span_of("{\"invoice_id\":880014,\"service\":\"stripe_payments\"}"));
        json_key(&writer, "items");
        json_begin_array(&writer);
        json_end_array(&writer);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    end_page(&writer, &page, total);
    json_end_object(&writer);
}

/* Which of the contracts that a statement names exist under a label: the CLI asks so for the charges of one label. */
void route_contracts(const struct call *call)
{
    const struct market *market = call->market;
    cJSON *body = answer_parse_body(call->request, call->reply);
    const cJSON *ids = body == NULL ? NULL : body_ids(call, body, "contract_ids");
    const char *label = text_member(body, "label");
    if (ids != NULL) {
        struct json_writer writer = answer_begin(call->reply, 200);
        json_begin_object(&writer);
        json_member_bool(&writer, "success", true);
        json_key(&writer, "contracts");
        json_begin_array(&writer);
        for (const cJSON *each = ids->child; each != NULL; each = each->next) {
            const struct contract *contract = market_find(market, nano_of_number(each->valuedouble) / NUSD_PER_USD);
            if (contract != NULL && (label == NULL || strcmp(contract->label->text, label) == 0)) {
                json_begin_object(&writer);
                json_member_int(&writer, "id", contract->id);
                json_member_string(&writer, "label", contract->has_label ? contract->label->text : NULL);
                json_end_object(&writer);
            }
        }
        json_end_array(&writer);
        json_end_object(&writer);
    }
    cJSON_Delete(body);
}
