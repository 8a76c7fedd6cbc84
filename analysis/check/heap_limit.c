// HeapLimit: see analysis/check/heap_limit.h.
//
// The parser reads a limit from left to right; each error names the column where it stands.

#include "analysis/check/heap_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/limit_amount_internal.h"
#include "analysis/check/type_quotes.h"
#include "base/near_names.h"

// The kinds of amounts that a measure is compared with: bit per LimitUnit.
#define NUMBERS (1u << LIMIT_NUMBER)
#define SIZES (1u << LIMIT_BYTES)
#define PERCENT (1u << LIMIT_PERCENT)

typedef struct MeasureRule {
    const char *name;
    bool takes_type;
    bool can_be_of_reachable;
    unsigned units; // 0: it is compared with nothing
    const char *example;
} MeasureRule;

static const MeasureRule rules[LIMIT_MEASURE_COUNT] = {
    [LIMIT_COUNT] = {"count", true, true, NUMBERS | PERCENT, "count(shop::Order) <= 1000"},
    [LIMIT_RETAINED] = {"retained", true, true, SIZES | PERCENT, "retained(shop::Cache) <= 5MiB"},
    [LIMIT_MALLOC] = {"malloc", true, true, SIZES | PERCENT, "malloc(shop::Session) <= 64kB"},
    [LIMIT_GROWTH] = {"growth", true, false, NUMBERS | SIZES | PERCENT,
                      "growth(shop::Session) <= 10%"},
    [LIMIT_REACHABLE] = {"reachable", false, false, NUMBERS | SIZES | PERCENT,
                         "reachable <= 20MiB"},
    [LIMIT_UNREACHABLE] = {"unreachable", false, true, NUMBERS | SIZES | PERCENT,
                           "unreachable <= 20%"},
    [LIMIT_PAGES] = {"pages", false, false, NUMBERS | SIZES, "pages <= 5000"},
    [LIMIT_OCCUPANCY] = {"occupancy", false, false, PERCENT, "occupancy >= 70%"},
    [LIMIT_SUSPECTS] = {"suspects", false, false, NUMBERS, "suspects = 0"},
    [LIMIT_NO_PATH] = {"no path", false, false, 0, "no path shop::Global -> shop::Temp"},
    [LIMIT_COMPLETE] = {"complete", false, false, 0, "complete"},
};

const char *limit_measure_name(LimitMeasure measure)
{
    return rules[measure].name;
}

void heap_limit_release(HeapLimit *limit)
{
    free(limit->text);
    free(limit->type);
    free(limit->target);
    *limit = (HeapLimit){.text = NULL};
}

// ---- words ----

static bool is_letter(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           character == '_';
}

// The length of the word at the parser's place.
static size_t word_length(const LimitParser *parser)
{
    size_t length = 0;

    while (is_letter(parser->text[parser->at + length]))
        length++;
    return length;
}

static bool take_word(LimitParser *parser, const char *word)
{
    size_t length = word_length(parser);

    if (strlen(word) != length || strncmp(parser->text + parser->at, word, length) != 0)
        return false;
    parser->at += length;
    limit_parser_skip_spaces(parser);
    return true;
}

static const char *rule_name(const void *context, uint64_t index)
{
    (void)context;
    return rules[index].name;
}

static bool no_such_measure(LimitParser *parser)
{
    size_t length = word_length(parser);
    const char *near[1];
    char word[64];

    (void)snprintf(word, sizeof word, "%.*s", (int)length, parser->text + parser->at);
    if (length == 0)
        return limit_parser_fail(parser, parser->at, "a measure is expected",
                                 "such as count(shop::Order) <= 1000");
    if (near_names_find((NameList){.count = LIMIT_MEASURE_COUNT, .name = rule_name}, word, near,
                        1) > 0)
        return limit_parser_fail(parser, parser->at, "this is not a measure", "did you mean '%s'?",
                                 near[0]);
    return limit_parser_fail(parser, parser->at, "this is not a measure",
                             "of a type: count(TYPE), retained(TYPE), malloc(TYPE), growth(TYPE); "
                             "of the heap: reachable, unreachable, pages, occupancy, suspects, "
                             "complete; or: no path TYPE -> TYPE");
}

static bool parse_measure(LimitParser *parser, HeapLimit *out)
{
    size_t start = parser->at;

    if (take_word(parser, "no")) {
        out->measure = LIMIT_NO_PATH;
        return take_word(parser, "path") ||
               limit_parser_fail(parser, parser->at, "'path' is expected",
                                 "such as no path shop::Global -> shop::Temp");
    }
    for (int measure = 0; measure < LIMIT_MEASURE_COUNT; measure++)
        if (take_word(parser, rules[measure].name)) {
            out->measure = (LimitMeasure)measure;
            return true;
        }
    parser->at = start;
    return no_such_measure(parser);
}

// ---- types ----

// The quotes around the type in [*start, *end) are taken off.
static bool take_quotes(LimitParser *parser, size_t *start, size_t *end)
{
    const char *text = parser->text;
    size_t last = *end - 1;

    if (*start >= *end || (!type_quote_is(text[*start]) && !type_quote_is(text[last])))
        return true;
    if (last == *start || text[last] != text[*start])
        return limit_parser_fail(parser, type_quote_is(text[*start]) ? *start : last,
                                 "this quote has no partner", "a name needs no quotes, such as %s",
                                 rules[LIMIT_COUNT].example);
    ++*start;
    --*end;
    return *start == *end || !type_quote_is(text[*start]) ||
           limit_parser_fail(parser, *start, "a second quote stands here",
                             "one pair of quotes is enough");
}

// Copies the text in [start, end), without the spaces around it and quotes around all of it, to
// `*out`; `*is_total` is set for "total".
static bool copy_type(LimitParser *parser, size_t start, size_t end, char **out, bool *is_total)
{
    const char *text = parser->text;
    bool is_type;

    while (start < end && text[start] == ' ')
        start++;
    while (end > start && text[end - 1] == ' ')
        end--;
    is_type = end - start > 5 && strncmp(text + start, "type:", 5) == 0;
    start += is_type ? 5 : 0;
    if (!take_quotes(parser, &start, &end))
        return false;
    if (start >= end)
        return limit_parser_fail(parser, start, "the name of a type is expected",
                                 "such as shop::Order, shop::* or total");
    *is_total = !is_type && end - start == 5 && strncmp(text + start, "total", 5) == 0;
    *out = strndup(text + start, end - start);
    return *out != NULL ||
           error_set(parser->error, ERROR_MEMORY, "cannot allocate memory for a limit");
}

// The place of `end` at or behind `at`, outside of quotes and brackets; the end of the text where
// there is none.
static size_t find_end(const char *text, size_t at, const char *end)
{
    size_t length = strlen(end), depth = 0;
    bool is_quoted = false, is_arrow;

    at += strspn(text + at, " \t");
    at += strncmp(text + at, "type:", 5) == 0 ? 5 : 0;
    if (type_quote_is(text[at])) {
        size_t close = type_quote_end(text, at);

        at = close > 0 ? close + 1 : at + 1;
    }
    for (; text[at] != '\0'; at += is_arrow && !is_quoted ? 2 : 1) {
        is_arrow = text[at] == '-' && text[at + 1] == '>';
        if (text[at] == '"')
            is_quoted = !is_quoted;
        if (is_quoted)
            continue;
        if (depth == 0 && strncmp(text + at, end, length) == 0)
            return at;
        // The comparison behind a closing parenthesis is not a bracket.
        depth += strchr(length == 1 ? "([{" : "([{<", text[at]) != NULL;
        depth -= depth > 0 && strchr(length == 1 ? ")]}" : ")]}>", text[at]) != NULL;
    }
    return at;
}

// "(shop::Order)"
static bool parse_type(LimitParser *parser, HeapLimit *out)
{
    const char *name = rules[out->measure].name;
    size_t open = parser->at, end;

    if (parser->text[open] != '(')
        return limit_parser_fail(parser, open, "'(' is expected",
                                 "such as %s; for all types: %s(total)",
                                 rules[out->measure].example, name);
    end = find_end(parser->text, open + 1, ")");
    if (parser->text[end] == '\0')
        return limit_parser_fail(parser, end, "')' is missing", "such as %s",
                                 rules[out->measure].example);
    if (!copy_type(parser, open + 1, end, &out->type, &out->is_total))
        return false;
    parser->at = end + 1;
    limit_parser_skip_spaces(parser);
    return true;
}

// "shop::Global -> shop::Temp"
static bool parse_path(LimitParser *parser, HeapLimit *out)
{
    size_t start = parser->at, arrow = find_end(parser->text, start, "->"), second;
    bool is_total = false;

    if (parser->text[arrow] == '\0')
        return limit_parser_fail(parser, arrow, "'->' is expected",
                                 "such as no path shop::Global -> shop::Temp");
    second = find_end(parser->text, arrow + 2, "->");
    if (parser->text[second] != '\0')
        return limit_parser_fail(parser, second, "a second '->' stands here",
                                 "put a type whose name has an arrow into quotes");
    if (!copy_type(parser, start, arrow, &out->type, &is_total) ||
        (!is_total && !copy_type(parser, arrow + 2, second, &out->target, &is_total)))
        return false;
    parser->at = second;
    return !is_total || limit_parser_fail(parser, start, "a path leads from a type to a type",
                                          "a type that is called total: type:total");
}

// ---- amounts ----

static bool parse_comparison(LimitParser *parser, HeapLimit *out)
{
    static const struct {
        const char *text;
        LimitComparison comparison;
    } all[] = {
        {"<=", LIMIT_AT_MOST}, {">=", LIMIT_AT_LEAST}, {"==", LIMIT_EQUAL},
        {"<", LIMIT_BELOW},    {">", LIMIT_ABOVE},     {"=", LIMIT_EQUAL},
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strncmp(parser->text + parser->at, all[i].text, strlen(all[i].text)) == 0) {
            out->comparison = all[i].comparison;
            parser->at += strlen(all[i].text);
            limit_parser_skip_spaces(parser);
            return true;
        }
    return limit_parser_fail(parser, parser->at, "a comparison is expected",
                             "one of <=, <, >=, >, =, such as %s", rules[out->measure].example);
}

static bool check_unit(LimitParser *parser, const HeapLimit *limit, size_t start)
{
    static const char *const expected[] = {
        [NUMBERS] = "a number is expected",
        [SIZES] = "a size with a unit is expected",
        [PERCENT] = "a percentage is expected",
        [NUMBERS | SIZES] = "a number, or a size with a unit, is expected",
        [NUMBERS | PERCENT] = "a number of objects, or a percentage, is expected",
        [SIZES | PERCENT] = "a size with a unit, or a percentage, is expected",
    };
    unsigned units = rules[limit->measure].units;

    return (units >> limit->unit & 1) != 0 ||
           limit_parser_fail(parser, start, expected[units], "such as %s",
                             rules[limit->measure].example);
}

static bool parse_of_reachable(LimitParser *parser, HeapLimit *out)
{
    size_t start = parser->at;

    if (!take_word(parser, "of"))
        return true;
    if (!rules[out->measure].can_be_of_reachable || out->unit != LIMIT_PERCENT)
        return limit_parser_fail(
            parser, start, "'of' does not belong here",
            "shares of what is reachable: retained(TYPE) <= 10%% of reachable");
    out->is_of_reachable = true;
    return take_word(parser, "reachable") ||
           limit_parser_fail(parser, parser->at, "'reachable' is expected",
                             "a bare percentage is of the total of its kind");
}

// A part of a total is between 0 and 100 % of it; growth, and garbage as a share of what is
// reachable, have no upper end.
static bool check_range(LimitParser *parser, const HeapLimit *limit, size_t start)
{
    bool is_part = limit->unit == LIMIT_PERCENT && limit->measure != LIMIT_GROWTH &&
                   (limit->measure != LIMIT_UNREACHABLE || !limit->is_of_reachable);
    uint64_t whole = 100 * LIMIT_PERCENT_SCALE;

    if (is_part && limit->amount > whole)
        return limit_parser_fail(parser, start, "a share of a total is at most 100%",
                                 "such as %s; only growth(TYPE) can be more",
                                 rules[limit->measure].example);
    if (is_part && limit->amount == whole && limit->comparison == LIMIT_ABOVE)
        return limit_parser_fail(parser, start, "no share of a total is above 100%", "such as %s",
                                 rules[limit->measure].example);
    if (limit->amount == 0 && limit->comparison == LIMIT_BELOW && limit->measure != LIMIT_GROWTH)
        return limit_parser_fail(parser, start, "nothing is below 0", "such as %s",
                                 rules[limit->measure].example);
    return true;
}

static bool parse_amount(LimitParser *parser, HeapLimit *out)
{
    size_t start;

    if (!parse_comparison(parser, out))
        return false;
    start = parser->at;
    return limit_amount_parse(parser, out) && check_unit(parser, out, start) &&
           parse_of_reachable(parser, out) && check_range(parser, out, start);
}

// ---- all ----

static bool parse(LimitParser *parser, HeapLimit *out)
{
    const MeasureRule *rule;

    if (!parse_measure(parser, out))
        return false;
    rule = &rules[out->measure];
    if ((rule->takes_type && !parse_type(parser, out)) ||
        (out->measure == LIMIT_NO_PATH && !parse_path(parser, out)) ||
        (rule->units != 0 && !parse_amount(parser, out)))
        return false;
    return parser->text[parser->at] == '\0' ||
           limit_parser_fail(parser, parser->at, "the limit has ended before this",
                             "a limit such as %s has a line, or a --limit, of its own",
                             rule->example);
}

bool heap_limit_parse(const char *text, const char *where, HeapLimit *out, Error *error)
{
    size_t start = strspn(text, " \t"), length = strlen(text);
    LimitParser parser = {.where = where, .error = error};

    *out = (HeapLimit){.text = NULL};
    while (length > start && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    if (length - start > LIMIT_MAX_CHARS)
        return error_set(error, ERROR_USAGE, "%s: a limit has at most %u characters", where,
                         LIMIT_MAX_CHARS);
    out->text = strndup(text + start, length - start);
    if (out->text == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a limit");
    parser.text = out->text;
    if (parse(&parser, out))
        return true;
    heap_limit_release(out);
    return false;
}
