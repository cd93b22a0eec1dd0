/*
 * Fault plan: which faults act in a run, each with its parameters. Part of a scenario; also what `--fault` builds.
 */
#ifndef FAKES_FAULT_PLAN_H
#define FAKES_FAULT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json_decode.h"
#include "base/json_write.h"
#include "fakes/timing/api_call.h"
#include "fakes/timing/bucket_call.h"

enum fault_point { POINT_DEFAULT, POINT_CONNECT, POINT_REQUEST, POINT_EFFECT, POINT_REPLY, POINT_BODY };

enum { FAULT_PLAN_MAX = 32, FAULT_ID_SIZE = 40, FAULT_VALUE_SIZE = 128, FAULT_OWN_MAX = 6 };

/* A fault's own parameter, documented in the catalogue ("delay_s", "shape", "fields", ...). */
struct fault_own {
    char key[FAULT_ID_SIZE];
    char text[FAULT_VALUE_SIZE]; /* as given, without quotes */
    struct maybe_int64 nano;     /* the value in billionths when it is a number */
};

struct fault {
    char id[FAULT_ID_SIZE];
    bool active;   /* false: listed, but acts never */
    int64_t nth;   /* first occasion it acts on, from 1 */
    int64_t count; /* on how many occasions; -1 = all further ones */
    int64_t probability_millionths;
    enum api_call endpoint;       /* API_CALL_COUNT: the fault's own default */
    enum bucket_call bucket_call; /* the same for faults of the object store; BUCKET_CALL_COUNT: the usual ones */
    bool any_endpoint;            /* "endpoint": "any": all that the fault can act on; `endpoint` does not count */
    int64_t machine;              /* nth contract from 0; -1 = any */
    int64_t from_ns, to_ns;       /* acts in [from, to) of the run's time */
    enum fault_point point;
    struct fault_own own[FAULT_OWN_MAX];
    size_t own_count;
};

/* Starts zero-filled. */
struct fault_plan {
    struct fault faults[FAULT_PLAN_MAX];
    size_t count;
    char mistake[ERROR_MESSAGE_SIZE]; /* what stopped fault_plan_read(): the reader's `mistake` points here */
};

/*
 * Reads the array of faults that is due in `reader` and adds them:
 *
 *     [ {"id": "rate-limit-429", "nth": 2, "count": 3, "shape": "detail"}, ... ]
 *
 * Parameters of all faults: nth, count (-1: all further occasions), probability (0 to 1), machine (nth contract from 0),
 * from_s, to_s, active; of those that act on API calls or on the object store also endpoint (a call's name, or "any") and point
 * (connect, request, effect, reply, body). Each fault's own stand in the catalogue. What is not given has the catalogue's default.
 *
 * Strict: an unknown id or parameter, one given twice or with a value that is not allowed stops the reader with a mistake that
 * names the fault, the parameter and what is allowed. `plan` must live as long as the reader.
 */
void fault_plan_read(struct json_reader *reader, struct fault_plan *plan);

/*
 * As fault_plan_read(), for the object of one fault whose id is known: its parameters alone, or with that id among them. Adds it.
 */
void fault_plan_read_one(struct json_reader *reader, const char *id, struct fault_plan *plan);

/*
 * Adds one fault written as on the command line: "rate-limit-429:nth=2,count=3,shape=detail". A part without "=" continues the
 * value before it, so a list needs no quotes: "nullable-fields:fields=ports,label,as=absent".
 * returns  ERR_OK, or ERR_USAGE with a message as above; the plan is then unchanged.
 */
MUST_USE enum error_code fault_plan_add(struct fault_plan *plan, const char *text, struct error *error);

/* Writes the array that fault_plan_read() reads; only what differs from the catalogue's defaults. */
void fault_plan_write(struct json_writer *writer, const struct fault_plan *plan);

/* Writes the members of one fault into the object that is open. */
void fault_write_members(struct json_writer *writer, const struct fault *fault);

#endif
