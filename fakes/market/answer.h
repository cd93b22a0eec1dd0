/*
 * Answers: the pieces that the market's routes share: error bodies, request bodies, query parameters.
 */
#ifndef FAKES_MARKET_ANSWER_H
#define FAKES_MARKET_ANSWER_H

#include <cjson/cJSON.h>

#include "base/http.h"
#include "base/json_write.h"

enum { MARKET_BODY_MAX = 1048576 };

/* Starts an answer with that status: the returned writer is on the empty body. */
struct json_writer answer_begin(struct http_reply *reply, int status);

/* The usual error: {"success":false,"error":code,"msg":message}. */
void answer_error(struct http_reply *reply, int status, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);

/* The same with the offer's id as `ask_id`. */
void answer_ask_error(struct http_reply *reply, int status, const char *code, int64_t ask_id, const char *message);

/* {"success":true} */
void answer_success(struct http_reply *reply);

/* The request's body as a JSON object, to be given to cJSON_Delete(); NULL after answering 400. An empty body is {}. */
cJSON *answer_parse_body(const struct http_request *request, struct http_reply *reply);

/* Parses a JSON text strictly: nothing but white space may follow. NULL when it is malformed. */
cJSON *parse_json(struct span text);

/* A number as cJSON holds it, in counts of 10^-9, rounded; saturating. Whole numbers and up to 15 digits are exact. */
int64_t nano_of_number(double number);

/*
 * Finds parameter `name` in the query of `path` and decodes it into `value` (%xx and +).
 * True when it is there and fits.
 */
bool query_parameter(const char *path, const char *name, struct buffer *value);

/* Appends a part of a query, decoded. */
void query_decode(struct buffer *out, struct span text);

#endif
