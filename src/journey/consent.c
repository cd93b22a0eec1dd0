#include "journey/consent.h"

static const int64_t answer_limit_ns = 600 * NS_PER_S;

enum consent_answer consent_seek(struct journey *journey, enum consent consent, const char *proposal,
                                 const char *question, struct error *error)
{
    struct world *world = journey->world;
    if (consent == CONSENT_SILENT) {
        return CONSENT_YES;
    }
    world_tell(world, proposal);
    if (consent == CONSENT_TOLD) {
        return CONSENT_YES;
    }
    if (consent == CONSENT_DRY_RUN) {
        note_decision(journey, 0, "", "dry-run", "it was only to be shown");
        return CONSENT_STOP;
    }
    phase_begin(journey, "confirm", true);
    enum error_code code = world_ask(world, question, world_deadline_ns(world, answer_limit_ns));
    phase_end(journey, "confirm", true, code);
    note_decision(journey, 0, "", code == ERR_OK ? "confirmed" : "declined",
                  code == ERR_OK ? "the question was answered with yes" : error_sentence(code));
    if (code == ERR_OK) {
        return CONSENT_YES;
    }
    (void)error_set(error, code, "%s", code == ERR_DECLINED ? "not confirmed: nothing was done" : error_sentence(code));
    if (code == ERR_DECLINED) {
        error_advise(error, "answer y, or add --yes, to go on");
    }
    return CONSENT_REFUSED;
}
