// Parsing options and printing what they are, both from a command's table: cli/command.h.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/option_values.h"
#include "cli/terminal.h"

#define MAX_OPTIONS 32u

static const Option help_option = {
    .name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "show this help"};

// How an option was written, for messages: "--workers" or "-o".
typedef struct OptionUse {
    const Option *option;
    char written[64];
    const char *value; // NULL: none given
} OptionUse;

static size_t option_count(const Option *options)
{
    size_t count = 0;

    while (options[count].name != NULL)
        count++;
    return count;
}

static const Option *find_by_name(const Option *options, const char *name, size_t length)
{
    for (const Option *option = options; option->name != NULL; option++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    return strlen(help_option.name) == length && memcmp(help_option.name, name, length) == 0
               ? &help_option
               : NULL;
}

static const Option *find_by_letter(const Option *options, char letter)
{
    for (const Option *option = options; option->name != NULL; option++)
        if (option->letter == letter)
            return option;
    return letter == help_option.letter ? &help_option : NULL;
}

static bool unknown_option(const Option *options, const char *name, size_t length, Error *error)
{
    const char *names[MAX_OPTIONS + 2] = {help_option.name};
    char wrong[64];
    const char *meant;

    (void)snprintf(wrong, sizeof wrong, "%.*s", (int)(length < 60 ? length : 60), name);
    for (size_t i = 0; i < option_count(options) && i < MAX_OPTIONS; i++)
        names[i + 1] = options[i].name;
    meant = suggest(wrong, names);
    (void)error_set(error, ERROR_USAGE, "unknown option '--%s'", wrong);
    if (meant != NULL)
        (void)error_add_hint(error, "did you mean '--%s'?", meant);
    return false;
}

static bool set_number(const OptionUse *use, int64_t *setting, Error *error)
{
    const Option *option = use->option;
    char *end;
    long long number;

    errno = 0;
    number = strtoll(use->value, &end, 10);
    // strtoll() would also take blanks and a plus.
    if (errno != 0 || *end != '\0' || end == use->value ||
        strchr("-0123456789", use->value[0]) == NULL || number < option->minimum ||
        number > option->maximum) {
        if (option->maximum == INT32_MAX)
            return error_set(error, ERROR_USAGE, "%s: '%s' is not a number of at least %" PRId64,
                             use->written, use->value, option->minimum);
        return error_set(error, ERROR_USAGE,
                         "%s: '%s' is not a number from %" PRId64 " to %" PRId64, use->written,
                         use->value, option->minimum, option->maximum);
    }
    *setting = number;
    return true;
}

static bool set_measure(const OptionUse *use, int64_t *setting, Error *error)
{
    const Option *option = use->option;
    bool is_duration = option->type == OPTION_DURATION;
    char least[NUMBER_CHARS];
    int64_t value;

    if (!(is_duration ? parse_duration(use->value, &value) : parse_byte_count(use->value, &value)))
        return error_set(error, ERROR_USAGE, "%s: '%s' is not %s", use->written, use->value,
                         is_duration ? "a time like 250ms, 10s or 1.5h"
                                     : "a size like 4096, 64MiB or 1G");
    if (value < option->minimum && option->minimum > 1)
        return error_set(error, ERROR_USAGE, "%s: '%s' is too small; the minimum is %s",
                         use->written, use->value,
                         is_duration ? format_time(least, (uint64_t)option->minimum)
                                     : format_bytes(least, (uint64_t)option->minimum));
    if (value < option->minimum || (option->maximum != 0 && value > option->maximum))
        return error_set(error, ERROR_USAGE, "%s: '%s' is too %s", use->written, use->value,
                         value < option->minimum ? "small" : "large");
    *setting = value;
    return true;
}

static bool set_choice(const OptionUse *use, int *setting, Error *error)
{
    const char *names[MAX_OPTIONS + 1] = {NULL};
    char list[200] = "";
    size_t count = 0;
    const char *meant;

    for (const OptionChoice *choice = use->option->choices; choice->name != NULL; choice++) {
        size_t used = strlen(list);

        if (strcmp(choice->name, use->value) == 0) {
            *setting = choice->value;
            return true;
        }
        (void)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "", choice->name);
        if (count < MAX_OPTIONS)
            names[count++] = choice->name;
    }
    meant = suggest(use->value, names);
    (void)error_set(error, ERROR_USAGE, "%s: '%s' is not one of %s", use->written, use->value,
                    list);
    if (meant != NULL)
        (void)error_add_hint(error, "did you mean '%s'?", meant);
    return false;
}

static bool add_text(const OptionUse *use, OptionTexts *texts, Error *error)
{
    if (use->value[0] == '\0')
        return error_set(error, ERROR_USAGE, "%s does not take an empty value", use->written);
    if (texts->count == OPTION_MAX_TEXTS)
        return error_set(error, ERROR_USAGE, "%s can be given at most %u times", use->written,
                         OPTION_MAX_TEXTS);
    texts->values[texts->count++] = use->value;
    return true;
}

static bool set_option(const OptionUse *use, void *settings, Error *error)
{
    void *setting = (char *)settings + use->option->setting;

    switch (use->option->type) {
    case OPTION_FLAG:
        *(bool *)setting = true;
        return true;
    case OPTION_TEXT:
        if (use->value[0] == '\0')
            return error_set(error, ERROR_USAGE, "%s does not take an empty value", use->written);
        *(const char **)setting = use->value;
        return true;
    case OPTION_TEXTS:
        return add_text(use, setting, error);
    case OPTION_NUMBER:
        return set_number(use, setting, error);
    case OPTION_CHOICE:
        return set_choice(use, setting, error);
    case OPTION_DURATION:
    case OPTION_BYTES:
        return set_measure(use, setting, error);
    }
    return false;
}

// The state of one parse.
typedef struct Parser {
    const Option *options;
    void *settings;
    int argument_count;
    char **arguments;
    int next;
    bool wants_help;
    uint64_t seen; // bit i: option i was given
} Parser;

static bool take_option(Parser *parser, OptionUse *use, Error *error)
{
    if (use->option == &help_option) {
        parser->wants_help = true;
        return true;
    }
    parser->seen |= UINT64_C(1) << (use->option - parser->options);
    if (use->option->type != OPTION_FLAG && use->value == NULL) {
        if (parser->next == parser->argument_count)
            return error_set(error, ERROR_USAGE, "%s needs a value", use->written);
        use->value = parser->arguments[parser->next++];
    }
    return set_option(use, parser->settings, error);
}

// "--name", "--name=value", "--name value"
static bool parse_long(Parser *parser, const char *argument, Error *error)
{
    const char *name = argument + 2, *equals = strchr(name, '=');
    size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);
    OptionUse use = {.option = find_by_name(parser->options, name, length)};

    if (use.option == NULL)
        return unknown_option(parser->options, name, length, error);
    (void)snprintf(use.written, sizeof use.written, "--%s", use.option->name);
    if (equals != NULL) {
        if (use.option->type == OPTION_FLAG)
            return error_set(error, ERROR_USAGE, "%s takes no value", use.written);
        use.value = equals + 1;
    }
    return take_option(parser, &use, error);
}

// "-f", "-fq", "-o value", "-ovalue"
static bool parse_letters(Parser *parser, const char *argument, Error *error)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        OptionUse use = {.option = find_by_letter(parser->options, *letter)};

        if (use.option == NULL)
            return error_set(error, ERROR_USAGE, "unknown option '-%c'", *letter);
        (void)snprintf(use.written, sizeof use.written, "-%c", *letter);
        if (use.option->type != OPTION_FLAG && letter[1] != '\0') {
            use.value = letter + 1;
            return take_option(parser, &use, error);
        }
        if (!take_option(parser, &use, error))
            return false;
    }
    return true;
}

static bool parse_all(Parser *parser, Operands *operands, Error *error)
{
    bool options_ended = false;

    while (parser->next < parser->argument_count) {
        char *argument = parser->arguments[parser->next++];

        if (!options_ended && strcmp(argument, "--") == 0) {
            options_ended = true;
        } else if (!options_ended && argument[0] == '-' && argument[1] == '-') {
            if (!parse_long(parser, argument, error))
                return false;
        } else if (!options_ended && argument[0] == '-' && argument[1] != '\0') {
            if (!parse_letters(parser, argument, error))
                return false;
        } else {
            // Never ahead of parser->next, so nothing unread is overwritten.
            operands->values[operands->count++] = argument;
        }
    }
    return true;
}

static bool check_complete(const Parser *parser, const CommandUsage *usage,
                           const Operands *operands, Error *error)
{
    for (size_t i = 0; i < option_count(usage->options); i++)
        if (usage->options[i].is_required && (parser->seen >> i & 1) == 0)
            return error_set(error, ERROR_USAGE, "missing option: --%s %s", usage->options[i].name,
                             usage->options[i].value_name);
    if (operands->count < usage->min_operands)
        return error_set(error, ERROR_USAGE, "missing argument: %s", usage->operands);
    if (operands->count > usage->max_operands)
        return error_set(error, ERROR_USAGE, "unexpected argument '%s'",
                         operands->values[usage->max_operands]);
    return true;
}

ParseResult command_parse(const Command *command, int argument_count, char **arguments,
                          void *settings, Operands *operands)
{
    Parser parser = {.options = command->usage->options,
                     .settings = settings,
                     .argument_count = argument_count,
                     .arguments = arguments};
    Error error;

    *operands = (Operands){.values = arguments};
    if (!parse_all(&parser, operands, &error)) {
        (void)report_usage_error(command, &error);
        return PARSE_FAILED;
    }
    if (parser.wants_help) {
        command_print_help(command);
        return PARSE_HELPED;
    }
    if (!check_complete(&parser, command->usage, operands, &error)) {
        (void)report_usage_error(command, &error);
        return PARSE_FAILED;
    }
    return PARSE_RUN;
}

ExitStatus parse_exit_status(ParseResult result)
{
    return result == PARSE_FAILED ? EXIT_STATUS_USAGE : EXIT_STATUS_DONE;
}

// "FILE", or "blocks|roots|none".
static void value_text(const Option *option, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    if (option->type == OPTION_FLAG)
        return;
    if (option->type != OPTION_CHOICE) {
        (void)snprintf(text, size, "%s", option->value_name);
        return;
    }
    for (const OptionChoice *choice = option->choices; choice->name != NULL; choice++) {
        (void)snprintf(text + used, size - used, "%s%s", used > 0 ? "|" : "", choice->name);
        used = strlen(text);
    }
}

void command_print_usage(const Command *command)
{
    const CommandUsage *usage = command->usage;
    bool has_optional = false;

    printf("usage: rudo-snap %s", command->name);
    for (const Option *option = usage->options; option->name != NULL; option++)
        has_optional = has_optional || !option->is_required;
    for (const Option *option = usage->options; option->name != NULL; option++) {
        if (!option->is_required)
            continue;
        printf(" --%s %s", option->name, option->value_name);
    }
    printf("%s%s%s\n", has_optional ? " [OPTIONS]" : "", usage->operands[0] != '\0' ? " " : "",
           usage->operands);
}

static void print_option(const Option *option)
{
    enum { HELP_COLUMN = 28 };
    char value[200], left[256], letter[8] = "    ";
    const char *line = option->help;
    int length;

    value_text(option, value, sizeof value);
    if (option->letter != '\0')
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    length = snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name,
                      value[0] != '\0' ? " " : "", value);
    printf("%s", left);
    if (length > HELP_COLUMN - 2) {
        printf("\n");
        length = 0;
    }
    for (;;) {
        size_t line_length = strcspn(line, "\n");

        printf("%*s%.*s\n", HELP_COLUMN - length, "", (int)line_length, line);
        if (line[line_length] == '\0')
            break;
        line += line_length + 1;
        length = 0;
    }
}

void command_print_help(const Command *command)
{
    const CommandUsage *usage = command->usage;

    command_print_usage(command);
    printf("\n%s", usage->details);
    printf("\noptions:\n");
    for (const Option *option = usage->options; option->name != NULL; option++)
        print_option(option);
    print_option(&help_option);
    if (usage->examples[0] != '\0')
        printf("\nexamples:\n%s", usage->examples);
}
