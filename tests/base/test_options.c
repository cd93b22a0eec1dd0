#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "base/options.h"
#include "base/units.h"

/* A program with everything that the tables can say. */
struct values {
    bool json;
    const char *history;
    struct option_texts faults;
    int host;
    int64_t gpus;
    int64_t seed;
    int64_t poll_ns;
};

static const struct option common[] = {
    FLAG_OPTION(struct values, json, "json", "Writes JSON on standard output, messages on standard error"),
    TEXT_OPTION(struct values, history, "history", "FILE", NULL, "Writes what happened to FILE"),
};

static const struct option check_options[] = {
    INT64_OPTION(struct values, gpus, "num-gpus", "N", 1, 64, "1", "How many GPUs the machine has"),
    INT64_OPTION(struct values, seed, "seed", "N", 0, INT64_MAX, NULL, "Where chance begins"),
    SECONDS_OPTION(struct values, poll_ns, "status-poll-s", NS_PER_S / 10, 3600 * NS_PER_S, "10",
                   "Pause between two looks at the machine's status"),
    CHOICE_OPTION(struct values, host, "host", "modelled|sandboxed|real", "sandboxed", "What runs the commands"),
    TEXTS_OPTION(struct values, faults, "fault", "ID[:key=value,...]", "A fault"),
};

static enum exit_status run_nothing(void *context, const struct command_line *line)
{
    (void)context;
    (void)line;
    return EXIT_DONE;
}

static const struct command commands[] = {
    {.name = "check",
     .summary = "Rents a machine, looks at it and destroys it",
     .run = run_nothing,
     .options = {check_options, ARRAY_LENGTH(check_options)}},
    {.name = "destroy",
     .arguments = "ID",
     .arguments_least = 1,
     .arguments_most = 1,
     .summary = "Destroys a machine",
     .run = run_nothing},
    {.name = "events list", .summary = "Lists events", .run = run_nothing},
    {.name = "events migrate", .summary = "Makes the tables of the events database", .run = run_nothing},
    {.name = "run",
     .arguments = "ID COMMAND...",
     .arguments_least = 2,
     .arguments_most = 1000,
     .summary = "Runs a command on a machine",
     .run = run_nothing},
};

static const struct help_row statuses[] = {{"0", "done"}, {"2", "usage"}, {NULL, ".dots \\ and -dashes"}};
static const struct help_section sections[] = {{"Exit status", statuses, ARRAY_LENGTH(statuses)}};

static const struct program program = {
    .name = "stage",
    .version = "1.2.3",
    .summary = "a program for tests",
    .description =
        "A program with everything that the tables can say, and a description that is longer than one line of a "
        "page of eighty columns.",
    .options = {common, ARRAY_LENGTH(common)},
    .commands = commands,
    .command_count = ARRAY_LENGTH(commands),
    .sections = sections,
    .section_count = ARRAY_LENGTH(sections),
};

static const struct program wrapper = {
    .name = "wrap-it",
    .version = "1.2.3",
    .summary = "a program around another",
    .description = "Runs a command.",
    .trailing = "COMMAND [ARG...]",
    .options = {check_options, ARRAY_LENGTH(check_options)},
};

/* A program around another that has a command of its own beside. */
static const struct option stage_options[] = {
    INT64_OPTION(struct values, seed, "seed", "N", 0, INT64_MAX, NULL, "Where chance begins"),
};
static const struct option faults_options[] = {
    LETTER_TEXT_OPTION(struct values, history, 'o', "output", "FILE", "Where it goes"),
};
static const struct command stage_commands[] = {
    {.name = "faults",
     .summary = "Lists faults",
     .run = run_nothing,
     .options = {faults_options, ARRAY_LENGTH(faults_options)}},
};
static const struct program mixed = {
    .name = "mixed",
    .version = "1.2.3",
    .summary = "both",
    .description = "Runs a command.",
    .trailing = "COMMAND [ARG...]",
    .options = {common, 1},
    .own_options = {stage_options, ARRAY_LENGTH(stage_options)},
    .commands = stage_commands,
    .command_count = ARRAY_LENGTH(stage_commands),
};

/* One parsed command line. */
struct outcome {
    enum error_code code;
    struct values values;
    struct command_line line;
    struct error error;
    char *argv[64];
};

static void parse(struct outcome *outcome, const struct program *of, const char *const *arguments)
{
    *outcome = (struct outcome){.values = {.seed = -1}};
    size_t count = 0;
    outcome->argv[count++] = (char *)(uintptr_t)of->name;
    while (*arguments != NULL) {
        outcome->argv[count++] = (char *)(uintptr_t)*arguments++;
    }
    outcome->code = options_parse(of, (int)count, outcome->argv, &outcome->values, &outcome->line, &outcome->error);
}

#define PARSE(outcome, of, ...) parse(outcome, of, (const char *const[]){__VA_ARGS__, NULL})

static void expect_refusal(const struct program *of, const char *const *arguments, const char *message,
                           const char *next_step)
{
    struct outcome outcome;
    parse(&outcome, of, arguments);
    assert_int_equal(outcome.code, ERR_USAGE);
    assert_int_equal(outcome.error.code, ERR_USAGE);
    assert_string_equal(outcome.error.message, message);
    assert_string_equal(outcome.error.next_step, next_step);
}

#define REFUSE(of, message, next_step, ...)                                                                            \
    expect_refusal(of, (const char *const[]){__VA_ARGS__, NULL}, message, next_step)

/* Members get their defaults; one without a default keeps what the caller put there. */
static void test_defaults_come_from_the_table(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &program, "check");
    assert_int_equal(outcome.code, ERR_OK);
    assert_ptr_equal(outcome.line.command, &commands[0]);
    assert_int_equal(outcome.line.request, REQUEST_RUN);
    assert_int_equal(outcome.line.argument_count, 0);
    assert_null(outcome.line.arguments[0]);
    assert_false(outcome.values.json);
    assert_null(outcome.values.history);
    assert_int_equal(outcome.values.gpus, 1);
    assert_int_equal(outcome.values.seed, -1);
    assert_int_equal(outcome.values.host, 1);
    assert_int_equal(outcome.values.poll_ns, 10 * NS_PER_S);
    assert_int_equal(outcome.values.faults.count, 0);
}

/* Both forms of a value are read, each kind into its member; common options may stand before the command. */
static void test_values_of_every_kind_are_read(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &program, "--json", "--history", "h.jsonl", "check", "--num-gpus", "64",
          "--seed=9223372036854775807", "--status-poll-s", "0.1", "--host=real", "--fault", "a:b=c", "--fault=d",
          "--num-gpus=8");
    assert_int_equal(outcome.code, ERR_OK);
    assert_true(outcome.values.json);
    assert_string_equal(outcome.values.history, "h.jsonl");
    assert_int_equal(outcome.values.gpus, 8);
    assert_int_equal(outcome.values.seed, INT64_MAX);
    assert_int_equal(outcome.values.poll_ns, NS_PER_S / 10);
    assert_int_equal(outcome.values.host, 2);
    assert_int_equal(outcome.values.faults.count, 2);
    assert_string_equal(outcome.values.faults.texts[0], "a:b=c");
    assert_string_equal(outcome.values.faults.texts[1], "d");
}

/* A value that is none says what was expected, with the bounds, and what was found. */
static void test_a_wrong_value_is_refused_precisely(void **state)
{
    (void)state;
    REFUSE(&program, "--status-poll-s: expected a number of seconds from 0.1 to 3600, not 'ten'", "", "check",
           "--status-poll-s", "ten");
    REFUSE(&program, "--status-poll-s: expected a number of seconds from 0.1 to 3600, not '3600.000000001'", "",
           "check", "--status-poll-s=3600.000000001");
    REFUSE(&program, "--num-gpus: expected a whole number from 1 to 64, not '0'", "", "check", "--num-gpus", "0");
    REFUSE(&program, "--num-gpus: expected a whole number from 1 to 64, not '1.5'", "", "check", "--num-gpus", "1.5");
    REFUSE(&program, "--num-gpus: expected a whole number from 1 to 64, not '-3'", "", "check", "--num-gpus", "-3");
    REFUSE(&program, "--num-gpus: expected a whole number from 1 to 64, not '1 '", "", "check", "--num-gpus", "1 ");
    REFUSE(&program,
           "--seed: expected a whole number, at least 0 and at most 9223372036854775807, not '9223372036854775808'", "",
           "check", "--seed=9223372036854775808");
    REFUSE(&program, "--host: expected modelled, sandboxed or real, not 'model'", "", "check", "--host=model");
    REFUSE(&program, "--history: expected FILE, not ''", "", "check", "--history=");
    REFUSE(&program, "--history: expected FILE behind it", "", "check", "--history");
    REFUSE(&program, "--history: expected FILE behind it", "", "check", "--history", "--json");
    REFUSE(&program, "--json: takes no value", "", "check", "--json=yes");
    REFUSE(&program, "--host: expected modelled, sandboxed or real, not 'a?[31m?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'", "",
           "check", "--host=a\033[31m\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

/* A mistyped option or command is answered with the nearest known one, or with the way to the help. */
static void test_a_typo_is_answered_with_the_nearest_name(void **state)
{
    (void)state;
    REFUSE(&program, "unknown option --hsitory of check", "did you mean --history?", "check", "--hsitory=x");
    REFUSE(&program, "unknown option --num-gpu of check", "did you mean --num-gpus?", "check", "--num-gpu", "1");
    REFUSE(&program, "unknown option --statuspolls of check", "did you mean --status-poll-s?", "check",
           "--statuspolls");
    REFUSE(&program, "unknown option -h", "did you mean --help?", "-h");
    REFUSE(&program, "unknown command 'help'", "see stage --help", "help");
    REFUSE(&program, "unknown option --completely-else of check", "see stage check --help", "check",
           "--completely-else");
    REFUSE(&program, "unknown option --num-gpus", "options of a command stand behind it; see stage --help",
           "--num-gpus", "2", "check");
    REFUSE(&program, "unknown option --num-gpus of destroy", "see stage destroy --help", "destroy", "--num-gpus", "2");
    REFUSE(&program, "unknown command 'chekc'", "did you mean check?", "chekc");
    REFUSE(&program, "unknown command 'events lsit'", "did you mean list?", "events", "lsit");
    REFUSE(&program, "unknown command 'zzzzzzz'", "see stage --help", "zzzzzzz");
    REFUSE(&program, "unknown command ''", "see stage --help", "");
}

/* Commands may have one word or two; without the rest of a command one is asked for it. */
static void test_commands_have_one_word_or_two(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &program, "events", "--json", "migrate");
    assert_int_equal(outcome.code, ERR_OK);
    assert_string_equal(outcome.line.command->name, "events migrate");
    assert_true(outcome.values.json);
    REFUSE(&program, "which command of events?", "see stage --help", "events");
    REFUSE(&program, "which command?", "see stage --help", "--json");
}

/* Arguments are counted, come in their order, and behind `--` may look like options. */
static void test_arguments_are_counted_and_kept_in_order(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &program, "run", "7", "--json", "--", "ls", "--json", "-l", "--");
    assert_int_equal(outcome.code, ERR_OK);
    assert_true(outcome.values.json);
    assert_int_equal(outcome.line.argument_count, 5);
    assert_string_equal(outcome.line.arguments[0], "7");
    assert_string_equal(outcome.line.arguments[1], "ls");
    assert_string_equal(outcome.line.arguments[2], "--json");
    assert_string_equal(outcome.line.arguments[3], "-l");
    assert_string_equal(outcome.line.arguments[4], "--");
    assert_null(outcome.line.arguments[5]);
    REFUSE(&program, "destroy: too few arguments", "usage: stage destroy [options] ID", "destroy");
    REFUSE(&program, "destroy: too many arguments", "usage: stage destroy [options] ID", "destroy", "1", "2");
    REFUSE(&program, "check: too many arguments", "usage: stage check [options]", "check", "1");
    PARSE(&outcome, &program, "destroy", "-");
    assert_int_equal(outcome.code, ERR_OK);
    assert_string_equal(outcome.line.arguments[0], "-");
}

/* A program without commands takes another program's command line behind `--`, and only there. */
static void test_a_trailing_command_stands_behind_dashes(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &wrapper, "--seed", "3", "--", "dumont", "check", "--json");
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.values.seed, 3);
    assert_int_equal(outcome.line.argument_count, 3);
    assert_string_equal(outcome.line.arguments[2], "--json");
    PARSE(&outcome, &wrapper, "--");
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.line.argument_count, 0);
    REFUSE(&wrapper, "unexpected argument 'dumont'", "put -- before the command: wrap-it -- dumont ...", "dumont",
           "check");
}

/* Where a command line may trail and commands stand beside, dashes tell the one from the others. */
static void test_commands_may_stand_beside_a_trailing_one(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &mixed, "--seed", "3", "--json", "--", "faults", "--seed");
    assert_int_equal(outcome.code, ERR_OK);
    assert_null(outcome.line.command);
    assert_int_equal(outcome.values.seed, 3);
    assert_int_equal(outcome.line.argument_count, 2);
    assert_string_equal(outcome.line.arguments[0], "faults");
    PARSE(&outcome, &mixed, "--seed", "3");
    assert_int_equal(outcome.code, ERR_OK);
    assert_null(outcome.line.command);
    assert_int_equal(outcome.line.argument_count, 0);
    PARSE(&outcome, &mixed, "--json", "faults");
    assert_int_equal(outcome.code, ERR_OK);
    assert_ptr_equal(outcome.line.command, &stage_commands[0]);
    assert_true(outcome.values.json);
    REFUSE(&mixed, "--seed is no option of faults", "", "--seed", "3", "faults");
    REFUSE(&mixed, "unknown option --seed of faults", "see mixed faults --help", "faults", "--seed", "3");
    REFUSE(&mixed, "unknown option --seeed", "did you mean --seed?", "--seeed", "3");
    REFUSE(&mixed, "unknown command 'fualts'", "did you mean faults?", "fualts");
    REFUSE(&mixed, "unknown command 'dumont'", "put -- before the command: mixed -- dumont ...", "dumont", "check");
    REFUSE(&mixed, "faults: too many arguments", "usage: mixed faults [options]", "faults", "--", "x");
}

/* A letter says the same as the option's name, alone and with its value behind it. */
static void test_an_option_may_have_a_letter(void **state)
{
    (void)state;
    struct outcome outcome;
    PARSE(&outcome, &mixed, "faults", "-o", "file");
    assert_int_equal(outcome.code, ERR_OK);
    assert_string_equal(outcome.values.history, "file");
    REFUSE(&mixed, "--output: expected FILE behind it", "", "faults", "-o");
    REFUSE(&mixed, "unknown option -of of faults", "see mixed faults --help", "faults", "-of");
    REFUSE(&mixed, "unknown option -o", "see mixed --help", "-o", "file");
}

/* A text that is collected has room for so many and says when it is full. */
static void test_collected_texts_are_bounded(void **state)
{
    (void)state;
    struct outcome outcome;
    const char *arguments[OPTION_TEXTS_MAX + 3] = {"check"};
    for (size_t i = 0; i < OPTION_TEXTS_MAX; i++) {
        arguments[i + 1] = "--fault=x";
    }
    parse(&outcome, &program, arguments);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.values.faults.count, OPTION_TEXTS_MAX);
    arguments[OPTION_TEXTS_MAX + 1] = "--fault=x";
    expect_refusal(&program, arguments, "--fault: given more than 32 times", "");
}

/* The requests that every program answers win over what is missing or wrong behind them. */
static void test_requests_need_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        enum command_line_request request;
    } cases[] = {{"--help", REQUEST_HELP},
                 {"--version", REQUEST_VERSION},
                 {"--print-man", REQUEST_MAN},
                 {"--print-completion", REQUEST_COMPLETION}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct outcome outcome;
        PARSE(&outcome, &program, cases[i].argument, "nonsense", "--nonsense");
        assert_int_equal(outcome.code, ERR_OK);
        assert_int_equal(outcome.line.request, cases[i].request);
        assert_null(outcome.line.command);
        PARSE(&outcome, &program, "destroy", cases[i].argument);
        assert_int_equal(outcome.code, ERR_OK);
        assert_ptr_equal(outcome.line.command, &commands[1]);
    }
}

static const char *render(const struct program *of, enum command_line_request request, const struct command *command,
                          char text[16384])
{
    struct buffer out;
    struct command_line line = {.request = request, .command = command};
    buffer_init_fixed(&out, text, 16384);
    options_render(of, &line, &out);
    assert_false(out.failed);
    return text;
}

/* The help of a command: usage, summary, its options with bounds and defaults, then the common ones, in 80 columns. */
static void test_the_help_of_a_command_is_whole(void **state)
{
    (void)state;
    char text[16384];
    assert_string_equal(render(&program, REQUEST_HELP, &commands[0], text),
                        "Usage: stage check [options]\n"
                        "\n"
                        "Rents a machine, looks at it and destroys it.\n"
                        "\n"
                        "Options:\n"
                        "  --num-gpus N            How many GPUs the machine has (a whole number from 1\n"
                        "                          to 64; default 1)\n"
                        "  --seed N                Where chance begins (a whole number, at least 0)\n"
                        "  --status-poll-s X       Pause between two looks at the machine's status (a\n"
                        "                          number of seconds from 0.1 to 3600; default 10)\n"
                        "  --host modelled|sandboxed|real\n"
                        "                          What runs the commands (default sandboxed)\n"
                        "  --fault ID[:key=value,...]\n"
                        "                          A fault (repeatable)\n"
                        "\n"
                        "Common options:\n"
                        "  --json                  Writes JSON on standard output, messages on standard\n"
                        "                          error\n"
                        "  --history FILE          Writes what happened to FILE\n"
                        "  --help                  Shows the help of the program, or of the command\n"
                        "  --version               Shows the version\n");
}

/* The help of the program: usage, description, commands, common options and sections. */
static void test_the_help_of_a_program_is_whole(void **state)
{
    (void)state;
    char text[16384];
    assert_string_equal(render(&program, REQUEST_HELP, NULL, text),
                        "Usage: stage COMMAND [options]\n"
                        "\n"
                        "A program with everything that the tables can say, and a description that is\n"
                        "longer than one line of a page of eighty columns.\n"
                        "\n"
                        "Commands:\n"
                        "  check                   Rents a machine, looks at it and destroys it\n"
                        "  destroy ID              Destroys a machine\n"
                        "  events list             Lists events\n"
                        "  events migrate          Makes the tables of the events database\n"
                        "  run ID COMMAND...       Runs a command on a machine\n"
                        "\n"
                        "Common options:\n"
                        "  --json                  Writes JSON on standard output, messages on standard\n"
                        "                          error\n"
                        "  --history FILE          Writes what happened to FILE\n"
                        "  --help                  Shows the help of the program, or of the command\n"
                        "  --version               Shows the version\n"
                        "\n"
                        "Exit status:\n"
                        "  0                       done\n"
                        "  2                       usage\n"
                        "  .dots \\ and -dashes\n");
    assert_non_null(
        strstr(render(&wrapper, REQUEST_HELP, NULL, text), "Usage: wrap-it [options] [-- COMMAND [ARG...]]\n"));
    assert_string_equal(render(&program, REQUEST_VERSION, NULL, text), "stage 1.2.3\n");
}

/* Own options stand apart from the common ones, and each command beside has its own line of usage. */
static void test_the_help_tells_own_options_from_common_ones(void **state)
{
    (void)state;
    char text[16384];
    assert_string_equal(render(&mixed, REQUEST_HELP, NULL, text),
                        "Usage: mixed [options] [-- COMMAND [ARG...]]\n"
                        "       mixed faults [options]\n"
                        "\n"
                        "Runs a command.\n"
                        "\n"
                        "Commands:\n"
                        "  faults                  Lists faults\n"
                        "\n"
                        "Options:\n"
                        "  --seed N                Where chance begins (a whole number, at least 0)\n"
                        "\n"
                        "Common options:\n"
                        "  --json                  Writes JSON on standard output, messages on standard\n"
                        "                          error\n"
                        "  --help                  Shows the help of the program, or of the command\n"
                        "  --version               Shows the version\n");
    assert_non_null(strstr(render(&mixed, REQUEST_HELP, &stage_commands[0], text),
                           "\nOptions:\n  -o, --output FILE       Where it goes\n\nCommon options:\n"));
    assert_null(strstr(text, "--seed"));
    assert_non_null(strstr(render(&mixed, REQUEST_MAN, NULL, text), "\n.br\n.B mixed faults [options]\n"));
    assert_non_null(strstr(text, "\n.SH OPTIONS\n.TP\n\\fB\\-\\-seed N\\fR\n"));
    assert_non_null(strstr(render(&mixed, REQUEST_COMPLETION, NULL, text), "'') words+=' --seed' ;;\n"));
    assert_non_null(strstr(text, "    -o|--output) return ;;\n"));
}

/* The man page names every command and option, and escapes what troff would take for its own. */
static void test_the_man_page_says_the_same(void **state)
{
    (void)state;
    char text[16384];
    render(&program, REQUEST_MAN, NULL, text);
    assert_memory_equal(text, ".TH STAGE 1 \"\" \"stage 1.2.3\" \"Dumont\"\n.SH NAME\nstage \\- a program for tests\n",
                        70);
    assert_non_null(strstr(text, "\n.SS events list\nLists events\n"));
    assert_non_null(
        strstr(text, "\n.TP\n\\fB\\-\\-num\\-gpus N\\fR\nHow many GPUs the machine has (a whole number from"));
    assert_non_null(strstr(text, "\n.SH EXIT STATUS\n.TP\n\\fB0\\fR\ndone\n"));
    assert_non_null(strstr(text, "\n.PP\n\\&.dots \\e and \\-dashes\n"));
}

/* The completion knows every command, option and choice. */
static void test_the_completion_knows_all_names(void **state)
{
    (void)state;
    char text[16384];
    render(&program, REQUEST_COMPLETION, NULL, text);
    assert_non_null(strstr(text, "commands=('check' 'destroy' 'events list' 'events migrate' 'run')"));
    assert_non_null(strstr(text, "'check') words+=' --num-gpus --seed --status-poll-s --host --fault' ;;"));
    assert_non_null(
        strstr(text, "--host) COMPREPLY=($(compgen -W 'modelled sandboxed real' -- \"$word\")); return ;;"));
    assert_non_null(strstr(text, "words+=' --json --history --help --version'"));
    assert_null(strstr(text, "--print"));
    assert_non_null(
        strstr(render(&wrapper, REQUEST_COMPLETION, NULL, text), "complete -o default -F _wrap_it wrap-it\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_come_from_the_table),
        cmocka_unit_test(test_values_of_every_kind_are_read),
        cmocka_unit_test(test_a_wrong_value_is_refused_precisely),
        cmocka_unit_test(test_a_typo_is_answered_with_the_nearest_name),
        cmocka_unit_test(test_commands_have_one_word_or_two),
        cmocka_unit_test(test_arguments_are_counted_and_kept_in_order),
        cmocka_unit_test(test_a_trailing_command_stands_behind_dashes),
        cmocka_unit_test(test_commands_may_stand_beside_a_trailing_one),
        cmocka_unit_test(test_an_option_may_have_a_letter),
        cmocka_unit_test(test_collected_texts_are_bounded),
        cmocka_unit_test(test_requests_need_nothing_else),
        cmocka_unit_test(test_the_help_of_a_command_is_whole),
        cmocka_unit_test(test_the_help_of_a_program_is_whole),
        cmocka_unit_test(test_the_help_tells_own_options_from_common_ones),
        cmocka_unit_test(test_the_man_page_says_the_same),
        cmocka_unit_test(test_the_completion_knows_all_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
