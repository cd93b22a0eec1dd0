#include "fakes/cli/setting.h"

#include <time.h>

#include "system/data_files.h"

enum { INPUT_SIZE_MAX = 64 * 1024 * 1024, OFFERS_DIGITS_MAX = 9 };

static const char default_name[] = "default";

static enum error_code read_recording(void *context, const char *name, struct buffer *out, struct error *error)
{
    (void)context;
    return data_file_read("recordings", name, out, error);
}

static enum error_code read_scenario(struct setting *setting, const char *name, const struct scenario_files *files,
                                     struct error *error)
{
    struct buffer text;
    buffer_init(&text, setting->heap, INPUT_SIZE_MAX);
    enum error_code code = data_file_read("scenarios", name, &text, error);
    if (code == ERR_OK) {
        const struct scenario_text scenario = {{buffer_text(&text), text.length}, name};
        code = cloud_scenario_read(&scenario, files, &setting->scenario, error);
    }
    buffer_release(&text);
    return code;
}

/* Real clients compare the calendar with their own: when nothing says otherwise, the stage begins today. */
static struct wall_time today(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall_time){now.tv_sec * NS_PER_S + now.tv_nsec};
}

static enum error_code take_base(struct setting *setting, const struct fake_values *values, struct error *error)
{
    const struct scenario_files files = {read_recording, NULL, setting->heap};
    struct cloud_scenario *scenario = &setting->scenario;
    if (values->scenario != NULL) {
        return read_scenario(setting, values->scenario, &files, error);
    }
    cloud_scenario_defaults(scenario);
    scenario->epoch = values->recording == NULL ? today() : scenario->epoch;
    (void)text_copy(scenario->name, sizeof scenario->name,
                    values->recording == NULL ? default_name : values->recording);
    return values->recording == NULL ? ERR_OK
                                     : cloud_scenario_use_recording(scenario, values->recording, &files, error);
}

/* A number is one, all else the name of a file. */
static enum error_code take_offers(struct cloud_scenario *scenario, const char *offers, struct error *error)
{
    int64_t count;
    if (decimal_parse_exact(span_of(offers), 0, &count)) {
        if (count < 1 || count > SCENARIO_OFFERS_MAX) {
            return error_set(error, ERR_USAGE, "--offers: expected a number from 1 to %d, or a file",
                             (int)SCENARIO_OFFERS_MAX);
        }
        scenario->offer_count = (size_t)count;
        scenario->offers_counted = true;
        scenario->offers_file[0] = '\0';
        return ERR_OK;
    }
    return text_copy(scenario->offers_file, sizeof scenario->offers_file, offers)
               ? ERR_OK
               : error_set(error, ERR_USAGE, "--offers: the name of the file is too long");
}

static enum error_code take_options(struct setting *setting, const struct fake_values *values, struct error *error)
{
    struct cloud_scenario *scenario = &setting->scenario;
    if (values->legacy_list == SWITCH_ON) {
        scenario->market.v0_list = V0_LIST_LEGACY;
    }
    if (values->rate_limits == SWITCH_ON) {
        scenario->market.rate_limits = 1;
    }
    scenario->seed = values->seed < 0 ? scenario->seed : (uint64_t)values->seed;
    enum error_code code = values->offers == NULL ? ERR_OK : take_offers(scenario, values->offers, error);
    for (size_t i = 0; code == ERR_OK && i < values->faults.count; i++) {
        code = fault_plan_add(&scenario->faults, values->faults.texts[i], error);
    }
    return code;
}

static enum error_code make_offers(struct setting *setting, struct error *error)
{
    struct buffer text;
    buffer_init(&text, setting->heap, INPUT_SIZE_MAX);
    enum error_code code = ERR_OK;
    if (setting->scenario.offers_file[0] != '\0') {
        code = data_file_read("recordings", setting->scenario.offers_file, &text, error);
    }
    if (code == ERR_OK) {
        struct span span = {buffer_text(&text), text.length};
        code = cloud_scenario_offers(&setting->scenario, setting->heap, span, &setting->offers, error);
    }
    buffer_release(&text);
    return code;
}

enum error_code setting_make(struct setting *setting, const struct fake_values *values, struct error *error)
{
    enum error_code code = take_base(setting, values, error);
    if (code == ERR_OK) {
        code = take_options(setting, values, error);
    }
    return code == ERR_OK ? make_offers(setting, error) : code;
}
