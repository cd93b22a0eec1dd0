#include "journey/destroy.h"

#include <string.h>

#include "base/utf8.h"
#include "journey/label.h"
#include "journey/reach.h"
#include "journey/removal.h"
#include "world/note.h"

enum { SHOW_ATTEMPTS = 20, INTENTS_MAX = 256 };

static const int64_t look_limit_ns = 300 * NS_PER_S;
static const int64_t removal_limit_ns = 900 * NS_PER_S;

struct destroy {
    struct journey journey;
    struct intent intents[INTENTS_MAX];
};

/* Shows the machine, and asks, as the options say. */
static enum consent_answer propose(struct journey *journey, const struct destroy_options *options,
                                   const struct vast_instance *instance, struct error *error)
{
    char label[VAST_LABEL_SIZE];
    char gpu[VAST_TEXT_SIZE];
    char text[1024];
    struct buffer proposal;
    clean_copy(label, sizeof label, instance->label.presence == PRESENT ? instance->label.text : "none");
    clean_copy(gpu, sizeof gpu, instance->gpu_name.presence == PRESENT ? instance->gpu_name.text : "unknown GPU");
    buffer_init_fixed(&proposal, text, sizeof text);
    buffer_printf(&proposal, "machine %lld: %s, label %s, $", (long long)options->instance_id, gpu, label);
    decimal_append_rounded(&proposal, int64_or(instance->price_nusd_per_hour, 0), 9, 4);
    buffer_append_text(&proposal, " per hour\n");
    return consent_seek(journey, options->consent, text, "Destroy it, with all that it holds? [y/N] ", error);
}

/* Closes the intents that named this machine. A ledger that cannot be read is a warning: the machine is gone all the same. */
static void close_intents(struct destroy *destroy, int64_t instance_id)
{
    struct journey *journey = &destroy->journey;
    struct error error;
    size_t count;
    if (ledger_open_intents(journey->world, destroy->intents, INTENTS_MAX, &count, &error) != ERR_OK) {
        note_log(journey->world, "warning", "%s", error.message);
        return;
    }
    for (size_t i = 0; i < count && i < INTENTS_MAX; i++) {
        if (destroy->intents[i].instance_id == instance_id) {
            journey_set_intent(journey, &destroy->intents[i], INTENT_CLOSED, instance_id);
        }
    }
}

static enum error_code destroy_one(struct destroy *destroy, const struct destroy_options *options, struct error *error)
{
    struct journey *journey = &destroy->journey;
    struct vast_instance instance;
    enum error_code code =
        look_at_machine(journey, options->instance_id, SHOW_ATTEMPTS, look_limit_ns, &instance, error);
    if (code == ERR_NOT_AUTHENTICATED || code == ERR_NOT_PERMITTED || code == ERR_INTERRUPTED) {
        return code;
    }
    if (code != ERR_OK) {
        journey_leave_machine(journey, options->instance_id, "", 0); /* it may be there, and bill */
        return code;
    }
    if (!instance.gone && !label_is_ours(&instance) && !options->foreign) {
        (void)error_set(error, ERR_USAGE, "instance %lld does not bear a label of ours (label: \"%.60s\")",
                        (long long)options->instance_id, instance.label.text);
        error_advise(error, "add --yes to destroy it all the same");
        return ERR_USAGE;
    }
    enum consent_answer answer = instance.gone ? CONSENT_YES : propose(journey, options, &instance, error);
    if (answer != CONSENT_YES) {
        return answer == CONSENT_STOP ? ERR_OK : error->code;
    }
    if (!instance.gone) {
        note_decision(journey, options->instance_id, instance.label.text, "destroy", "asked for");
        code = remove_machine(journey, options->instance_id, removal_limit_ns, false, error);
    }
    if (code == ERR_OK) {
        close_intents(destroy, options->instance_id);
    } else {
        journey_leave_machine(journey, options->instance_id, instance.label.text,
                              int64_or(instance.price_nusd_per_hour, 0));
    }
    return code;
}

enum exit_status destroy_run(struct world *world, const struct destroy_options *options)
{
    struct destroy *destroy = heap_alloc(world->heap, sizeof *destroy);
    if (destroy == NULL || journey_open(&destroy->journey, world, "destroy", options->access) != ERR_OK) {
        heap_release(world->heap, destroy);
        return journey_without_memory(world);
    }
    journey_note_start(&destroy->journey);
    struct error error;
    if (destroy_one(destroy, options, &error) != ERR_OK) {
        (void)journey_fail(&destroy->journey, &error);
    }
    enum exit_status status = journey_close(&destroy->journey);
    heap_release(world->heap, destroy);
    return status;
}
