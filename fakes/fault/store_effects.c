#include "base/buffer.h"
#include "base/units.h"
#include "fakes/fault/effects.h"

bool effect_missing_table(const struct fault *fault, const struct store_request *request, struct store_verdict *verdict)
{
    *verdict = (struct store_verdict){.sqlstate = "42P01"};
    return fault_choice_is(fault, "table", request->table);
}

bool effect_store_unavailable(const struct fault *fault, const struct store_request *request,
                              struct store_verdict *verdict)
{
    static const struct {
        const char *as;
        struct store_verdict verdict;
    } troubles[] = {
        {"refused", {.sqlstate = "08001", .words = "cannot connect: Connection refused"}},
        {"starting", {.sqlstate = "57P03", .words = "cannot connect: the database system is starting up"}},
        {"terminated", {.sqlstate = "57P01", .words = "terminating connection due to administrator command"}},
        {"too-many", {.sqlstate = "53300", .words = "cannot connect: sorry, too many clients already"}},
        {"locked", {.sqlstate = "55P03", .words = "canceling statement due to lock timeout"}},
        {"hang", {.silent = true}},
    };
    (void)request;
    for (size_t i = 0; i < ARRAY_LENGTH(troubles); i++) {
        if (fault_choice_is(fault, "as", troubles[i].as)) {
            *verdict = troubles[i].verdict;
            return true;
        }
    }
    return false;
}

bool effect_store_read_only(const struct fault *fault, const struct store_request *request,
                            struct store_verdict *verdict)
{
    (void)fault;
    *verdict = (struct store_verdict){.sqlstate = "25006", .words = "cannot execute INSERT in a read-only transaction"};
    return request->writes;
}

bool effect_store_commit_unknown(const struct fault *fault, const struct store_request *request,
                                 struct store_verdict *verdict)
{
    (void)fault;
    *verdict = (struct store_verdict){
        .sqlstate = "08007",
        .words = "the connection broke before the answer: the statement may have taken effect",
        .takes_effect = true,
    };
    return request->writes;
}

void effect_webhook_slow(const struct fault *fault, struct receiver_verdict *verdict)
{
    int64_t status = 0;
    bool answers = !fault_choice_is(fault, "as", "hang") && decimal_parse(span_of(fault_text(fault, "as")), 0, &status);
    *verdict = (struct receiver_verdict){.status = answers ? (int)status : 0};
}

void effect_webhook_duplicate(const struct fault *fault, struct receiver_verdict *verdict)
{
    enum { HTTP_TAKEN = 200 };
    (void)fault;
    *verdict = (struct receiver_verdict){.status = HTTP_TAKEN, .answer_lost = true};
}
