// Parsing the arguments of a command by its table of options.

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

typedef struct Settings {
    bool is_quiet;
    bool is_forced;
    const char *output;
    int64_t workers;
    int kind;
    int64_t interval_ns;
    OptionTexts cuts;
} Settings;

static const OptionChoice kinds[] = {{"major", 1}, {"minor", 2}, {NULL, 0}};

static const Option options[] = {
    {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .setting = offsetof(Settings, is_quiet)},
    {.name = "force", .letter = 'f', .type = OPTION_FLAG, .setting = offsetof(Settings, is_forced)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .is_required = true,
     .setting = offsetof(Settings, output)},
    {.name = "workers",
     .letter = 'w',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .setting = offsetof(Settings, workers),
     .minimum = 1,
     .maximum = 16},
    {.name = "kind", .type = OPTION_CHOICE, .choices = kinds, .setting = offsetof(Settings, kind)},
    {.name = "every",
     .type = OPTION_DURATION,
     .value_name = "TIME",
     .setting = offsetof(Settings, interval_ns),
     .minimum = 1000000},
    {.name = "cut",
     .type = OPTION_TEXTS,
     .value_name = "WHAT",
     .setting = offsetof(Settings, cuts)},
    {.name = NULL},
};

static const CommandUsage usage = {
    .operands = "FILE...", .min_operands = 1, .max_operands = 2, .options = options};
static const Command command = {.name = "try", .usage = &usage};

// command.h: the table that the program has in main.c.
const Command commands[] = {{.name = NULL}};
const size_t command_count = 0;

// Parses words with blanks between them.
static ParseResult parse(const char *line, Settings *settings, Operands *operands)
{
    static char text[1024];
    static char *arguments[64];
    int count = 0;

    (void)snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        arguments[count++] = word;
    *settings = (Settings){.workers = 4, .kind = 1};
    return command_parse(&command, count, arguments, settings, operands);
}

Test(options, values_are_taken_in_all_their_forms)
{
    static const char *const lines[] = {"-o out -w 7 --kind minor -q shop.zst",
                                        "--output out --workers 7 --kind=minor --quiet shop.zst",
                                        "shop.zst -qoout -w7 --kind minor",
                                        "-qw 7 shop.zst --output=out --kind=minor",
                                        "-o out -q -w 7 --kind minor -- shop.zst"};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        Settings settings;
        Operands operands;

        cr_assert_eq(parse(lines[i], &settings, &operands), PARSE_RUN, "%s", lines[i]);
        cr_expect(settings.is_quiet, "%s", lines[i]);
        cr_expect(!settings.is_forced, "%s", lines[i]);
        cr_expect_str_eq(settings.output, "out", "%s", lines[i]);
        cr_expect_eq(settings.workers, 7, "%s", lines[i]);
        cr_expect_eq(settings.kind, 2, "%s", lines[i]);
        cr_assert_eq(operands.count, 1, "%s", lines[i]);
        cr_expect_str_eq(operands.values[0], "shop.zst", "%s", lines[i]);
    }
}

Test(options, defaults_stay_and_later_values_win)
{
    Settings settings;
    Operands operands;

    cr_assert_eq(parse("a.zst -o first -o second --every 1.5s b.zst", &settings, &operands),
                 PARSE_RUN);
    cr_expect_eq(settings.workers, 4);
    cr_expect_eq(settings.kind, 1);
    cr_expect_str_eq(settings.output, "second");
    cr_expect_eq(settings.interval_ns, 1500000000);
    cr_expect_eq(operands.count, 2);
    cr_expect_str_eq(operands.values[1], "b.zst");
}

Test(options, behind_two_hyphens_and_as_one_hyphen_operands)
{
    Settings settings;
    Operands operands;

    cr_assert_eq(parse("-o - - -- --quiet", &settings, &operands), PARSE_RUN);
    cr_expect_str_eq(settings.output, "-");
    cr_expect(!settings.is_quiet);
    cr_assert_eq(operands.count, 2);
    cr_expect_str_eq(operands.values[0], "-");
    cr_expect_str_eq(operands.values[1], "--quiet");
}

Test(options, texts_are_collected_up_to_a_limit)
{
    char line[512] = "-o out shop.zst";
    Settings settings;
    Operands operands;

    for (unsigned i = 0; i < OPTION_MAX_TEXTS; i++)
        (void)snprintf(line + strlen(line), sizeof line - strlen(line), " --cut c%u", i);
    cr_assert_eq(parse(line, &settings, &operands), PARSE_RUN);
    cr_assert_eq(settings.cuts.count, OPTION_MAX_TEXTS);
    cr_expect_str_eq(settings.cuts.values[OPTION_MAX_TEXTS - 1], "c15");
    (void)snprintf(line + strlen(line), sizeof line - strlen(line), " --cut more");
    cr_expect_eq(parse(line, &settings, &operands), PARSE_FAILED);
}

Test(options, wrong_usage_is_refused)
{
    static const char *const lines[] = {
        "shop.zst",                    // --output is missing
        "-o out",                      // the operand is missing
        "-o out a b c",                // one operand too many
        "-o out shop.zst -w",          // no value
        "-o out shop.zst -w 0",        // out of range
        "-o out shop.zst -w 17",       //
        "-o out shop.zst -w 2x",       // not a number
        "-o out shop.zst --quiet=yes", // a flag has no value
        "-o out shop.zst --kind=",     // not a choice
        "-o out shop.zst --output=",   // empty
        "-o out shop.zst --every 1us", // below the minimum
        "-o out shop.zst --work 3",    // not the whole name
        "-o out shop.zst --nonsense",  //
        "-o out shop.zst -qx",         // an unknown letter
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        Settings settings;
        Operands operands;

        cr_expect_eq(parse(lines[i], &settings, &operands), PARSE_FAILED, "%s", lines[i]);
    }
    cr_expect_eq(parse_exit_status(PARSE_FAILED), EXIT_STATUS_USAGE);
    cr_expect_eq(parse_exit_status(PARSE_HELPED), EXIT_STATUS_DONE);
}
