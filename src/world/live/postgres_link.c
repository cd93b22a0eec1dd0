#include "world/live/postgres_link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "world/live/postgres_query.h"

static const int64_t connect_limit_ns = 4 * NS_PER_S;

/* Below the five seconds that callers grant, so that they hear the reason. */
static const char settings[] = "SET client_min_messages = error; SET lock_timeout = '3s'; SET statement_timeout = '4s'";

/* ---- Failures ----------------------------------------------------------------------------------------------------------- */

static enum error_code fill_connect_failure(const struct postgres_link *link, struct store_result *result)
{
    char sqlstate[STORE_SQLSTATE_SIZE];
    char storage[512];
    struct buffer words;
    buffer_init_fixed(&words, storage, sizeof storage);
    postgres_connect_failure(PQerrorMessage(link->connection), PQpass(link->connection), sqlstate, &words);
    return store_result_set(result, sqlstate, words.length == 0 ? "cannot connect" : buffer_text(&words));
}

static bool makes_useless(const char *sqlstate)
{
    return strncmp(sqlstate, "08", 2) == 0 || strcmp(sqlstate, "25006") == 0 ||
           (strncmp(sqlstate, "57", 2) == 0 && strcmp(sqlstate, "57014") != 0);
}

/* ---- Ends --------------------------------------------------------------------------------------------------------------- */

static void close_connection(struct postgres_link *link)
{
    reactor_disarm(link->reactor, &link->limit);
    name_lookup_abandon(&link->lookup);
    reactor_unwatch(link->reactor, &link->watch);
    PQfinish(link->connection); /* NULL is allowed */
    link->connection = NULL;
    link->state = LINK_DOWN;
}

void postgres_link_drop(struct postgres_link *link)
{
    link->has_query = false;
    link->sent = false;
    close_connection(link);
}

static bool writes(const struct postgres_query *query)
{
    static const char reading[] = "SELECT ";
    return strncmp(query->sql, reading, strlen(reading)) != 0;
}

/* The query's result is filled: tells its owner, who may run the next one. */
static void finish_query(struct postgres_link *link)
{
    assert(link->has_query);
    link->has_query = false;
    if (link->sent && writes(&link->query) && strcmp(link->query.result->sqlstate, "08006") == 0) {
        (void)store_result_set(link->query.result, "08007",
                               "the connection broke before the answer: the statement may have taken effect");
    }
    link->sent = false;
    link->query.done(link->query.owner);
}

static void fail(struct postgres_link *link, const char *sqlstate, const char *message)
{
    close_connection(link);
    if (link->has_query) {
        (void)store_result_set(link->query.result, sqlstate, message);
        finish_query(link);
    }
}

static void fail_to_connect(struct postgres_link *link)
{
    struct store_result result;
    (void)fill_connect_failure(link, &result);
    fail(link, result.sqlstate, result.message);
}

static void connecting_takes_too_long(void *owner)
{
    fail(owner, "08001", "cannot connect: no answer in time");
}

/* ---- Watching ----------------------------------------------------------------------------------------------------------- */

static void go_on(struct postgres_link *link);

static void socket_is_ready(void *context, unsigned ready)
{
    (void)ready;
    go_on(context);
}

/* libpq may have exchanged its socket for another of the same number, so it is watched anew each time. */
static bool watch(struct postgres_link *link, unsigned wanted)
{
    link->watch.descriptor = PQsocket(link->connection);
    link->watch.ready = socket_is_ready;
    link->watch.context = link;
    return link->watch.descriptor >= 0 && reactor_watch(link->reactor, &link->watch, wanted);
}

/* ---- Queries ------------------------------------------------------------------------------------------------------------ */

static void begin_query(struct postgres_link *link)
{
    link->state = LINK_BUSY;
    link->failed = false;
    (void)store_result_set(link->query.result, "00000", "");
    link->sent = true;
    int sent = link->query.is_script ? PQsendQuery(link->connection, link->query.sql)
                                     : postgres_send_statement(link->connection, &link->query);
    /* Row after row, so that a large table is never in memory as a whole. */
    if (sent != 1 || (link->query.row != NULL && PQsetSingleRowMode(link->connection) != 1)) {
        fail(link, "08006", "the connection to the database broke");
        return;
    }
    go_on(link);
}

/* One part of the answer. The first failure counts. */
static void take_answer(struct postgres_link *link, const PGresult *answer, struct store_result *result)
{
    switch (PQresultStatus(answer)) {
    case PGRES_SINGLE_TUPLE:
        postgres_give_row(&link->query, answer);
        break;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        break;
    default:
        if (!link->failed) {
            postgres_fill_failure(answer, result);
        }
        link->failed = true;
        break;
    }
}

/* True when the whole answer is in hand. */
static bool take_answers(struct postgres_link *link, struct store_result *result)
{
    while (PQisBusy(link->connection) == 0) {
        PGresult *answer = PQgetResult(link->connection);
        if (answer == NULL) {
            return true;
        }
        take_answer(link, answer, result);
        PQclear(answer);
    }
    return false;
}

/* The connection broke. What the server said before counts more than that. */
static void break_off(struct postgres_link *link, struct store_result *result)
{
    if (link->failed) {
        struct store_result said = *result;
        fail(link, said.sqlstate, said.message);
    } else {
        fail(link, "08006", "the connection to the database broke");
    }
}

/* Sends and receives what can be. True when the answer in `result` is whole; false when there is more to come, or all is over. */
static bool exchange(struct postgres_link *link, struct store_result *result)
{
    int unsent = PQflush(link->connection);
    /* Also after a failure: the server's last words may lie there. */
    bool reading = PQconsumeInput(link->connection) == 1;
    if (take_answers(link, result)) {
        return true;
    }
    if (unsent < 0 || !reading ||
        !watch(link, unsent > 0 ? (unsigned)REACTOR_READ | (unsigned)REACTOR_WRITE : (unsigned)REACTOR_READ)) {
        break_off(link, result);
    }
    return false;
}

static void become_ready(struct postgres_link *link)
{
    link->state = LINK_READY;
    if (!watch(link, REACTOR_READ)) {
        fail(link, "08006", "the connection to the database broke");
    } else if (link->has_query) {
        begin_query(link);
    }
}

static void run_on(struct postgres_link *link)
{
    if (!exchange(link, link->query.result)) {
        return;
    }
    if (PQstatus(link->connection) != CONNECTION_OK || makes_useless(link->query.result->sqlstate)) {
        close_connection(link);
    } else {
        link->state = LINK_READY;
        if (!watch(link, REACTOR_READ)) {
            close_connection(link);
        }
    }
    finish_query(link);
}

/* While nobody asks anything, only the server's farewell can come. */
static void listen_idly(struct postgres_link *link)
{
    struct store_result farewell;
    (void)store_result_set(&farewell, "00000", "");
    bool reading = PQconsumeInput(link->connection) == 1;
    if (!reading || PQstatus(link->connection) != CONNECTION_OK) {
        close_connection(link);
        return;
    }
    /* A farewell that was parsed already has become an answer to nothing. */
    (void)take_answers(link, &farewell);
    if (PQstatus(link->connection) != CONNECTION_OK || makes_useless(farewell.sqlstate)) {
        close_connection(link);
    }
}

/* ---- Connecting --------------------------------------------------------------------------------------------------------- */

static void set_up(struct postgres_link *link)
{
    (void)store_result_set(&link->setup, "00000", "");
    link->failed = false;
    link->state = LINK_SETTING_UP;
    if (PQsetnonblocking(link->connection, 1) != 0 || PQsendQuery(link->connection, settings) != 1) {
        fail(link, "08006", "the connection to the database broke");
        return;
    }
    go_on(link);
}

static void set_up_on(struct postgres_link *link)
{
    if (!exchange(link, &link->setup)) {
        return;
    }
    if (link->setup.code != ERR_OK) {
        struct store_result result = link->setup;
        fail(link, result.sqlstate, result.message);
        return;
    }
    reactor_disarm(link->reactor, &link->limit);
    become_ready(link);
}

static void connect_on(struct postgres_link *link)
{
    reactor_unwatch(link->reactor, &link->watch);
    switch (PQconnectPoll(link->connection)) {
    case PGRES_POLLING_OK:
        set_up(link);
        return;
    case PGRES_POLLING_READING:
        if (watch(link, REACTOR_READ)) {
            return;
        }
        break;
    case PGRES_POLLING_WRITING:
        if (watch(link, REACTOR_WRITE)) {
            return;
        }
        break;
    default:
        break;
    }
    fail_to_connect(link);
}

static void ignore_notice(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

/* `address` is what `host` of the URL was found to be, NULL when there is nothing to find. */
static void connect_to(struct postgres_link *link, const char *address)
{
    /* Later ones win: the URL over what stands before it, and that over the environment. */
    const char *const keywords[] = {"gssencmode",      "fallback_application_name",         "dbname",
                                    "client_encoding", address == NULL ? NULL : "hostaddr", NULL};
    const char *const values[] = {"disable", "dumont", link->url, "UTF8", address, NULL};
    link->state = LINK_CONNECTING;
    link->connection = PQconnectStartParams(keywords, values, 1);
    if (link->connection == NULL) {
        fail(link, "53200", "out of memory");
        return;
    }
    (void)PQsetErrorVerbosity(link->connection, PQERRORS_VERBOSE);    /* or a refusal would come without its SQLSTATE */
    (void)PQsetNoticeReceiver(link->connection, ignore_notice, NULL); /* or it would be printed */
    if (PQstatus(link->connection) == CONNECTION_BAD || !watch(link, REACTOR_WRITE)) {
        fail_to_connect(link);
    }
}

static void name_is_found(void *owner)
{
    struct postgres_link *link = owner;
    if (link->state == LINK_FORGOTTEN) {
        close_connection(link);
    } else if (link->lookup.address[0] == '\0') {
        fail(link, "08001", "cannot connect: the host name is unknown");
    } else {
        connect_to(link, link->lookup.address);
    }
}

/* The host name of the URL (or of the environment) that libpq would look up, blocking; false when there is none. */
static bool host_to_look_up(const char *url, char host[NAME_SIZE])
{
    bool found = false;
    bool has_address = false;
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        const char *value = option->val;
        if (value == NULL && option->envvar != NULL) {
            value = getenv(option->envvar);
        }
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        has_address = has_address || strcmp(option->keyword, "hostaddr") == 0;
        if (strcmp(option->keyword, "host") == 0) {
            found = value[0] != '/' && value[0] != '@' && strchr(value, ',') == NULL && !name_is_address(value) &&
                    text_copy(host, NAME_SIZE, value);
        }
    }
    PQconninfoFree(options);
    return found && !has_address;
}

static void connect_anew(struct postgres_link *link)
{
    int64_t due_ns = monotonic_now_ns() + connect_limit_ns;
    if (!reactor_arm(link->reactor, &link->limit, REACTOR_REAL, due_ns, connecting_takes_too_long, link)) {
        fail(link, "53200", "out of memory");
        return;
    }
    char host[NAME_SIZE];
    if (!host_to_look_up(link->url, host)) {
        connect_to(link, NULL);
        return;
    }
    link->state = LINK_NAMING;
    if (!name_lookup_start(&link->lookup, link->reactor, host, name_is_found, link)) {
        fail(link, "53000", "cannot connect: nothing left to look up the host name with");
    }
}

/* ---- The whole ---------------------------------------------------------------------------------------------------------- */

static void go_on(struct postgres_link *link)
{
    switch (link->state) {
    case LINK_CONNECTING:
        connect_on(link);
        break;
    case LINK_SETTING_UP:
        set_up_on(link);
        break;
    case LINK_READY:
        listen_idly(link);
        break;
    case LINK_BUSY:
        run_on(link);
        break;
    case LINK_FORGOTTEN:
        close_connection(link);
        break;
    case LINK_DOWN:
    case LINK_NAMING:
        break;
    }
}

void postgres_link_init(struct postgres_link *link, struct reactor *reactor, const char *url)
{
    *link = (struct postgres_link){.reactor = reactor, .url = url};
}

void postgres_link_run(struct postgres_link *link, const struct postgres_query *query)
{
    assert(!link->has_query);
    link->query = *query;
    link->has_query = true;
    if (link->state == LINK_READY) {
        begin_query(link);
    } else {
        assert(link->state == LINK_DOWN);
        connect_anew(link);
    }
}

void postgres_link_forget(struct postgres_link *link)
{
    assert(link->has_query);
    link->has_query = false;
    link->state = LINK_FORGOTTEN;
}
