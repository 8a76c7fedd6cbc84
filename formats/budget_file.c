// Budget files: see formats/budget_file.h.

#include "formats/budget_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/type_quotes.h"
#include "base/array.h"
#include "base/text_file.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void budget_release(Budget *budget)
{
    for (uint32_t i = 0; i < budget->limit_count; i++) {
        heap_limit_release(&budget->limits[i].limit);
        free(budget->limits[i].reason);
    }
    for (uint32_t i = 0; i < budget->known_count; i++)
        free(budget->known[i].reason);
    free(budget->limits);
    free(budget->known);
    *budget = (Budget){.limit_count = 0};
}

typedef struct BudgetReader {
    const char *path;
    uint32_t line;
    char *above; // the comment on the line before, NULL: none; owned
    Budget *out;
    Error *error;
} BudgetReader;

// ---- lines ----

// Does a type begin behind the text in [line, at)?
static bool is_before_type(const char *line, const char *at)
{
    static const char *const words[] = {"(", "->", "path", "type:"};
    size_t length;

    while (at > line && (at[-1] == ' ' || at[-1] == '\t'))
        at--;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        length = strlen(words[i]);
        if ((size_t)(at - line) >= length && strncmp(at - length, words[i], length) == 0)
            return true;
    }
    return false;
}

// The '#' with which a comment begins; the end of the line where there is none.
static char *find_comment(char *line)
{
    size_t depth = 0;
    bool is_quoted = false, may_close = true;
    size_t close;
    char *at = line;

    for (; *at != '\0'; at++) {
        if (may_close && *at == '\'' && is_before_type(line, at)) {
            close = type_quote_end(at, 0);
            at += close;
            // Without a partner for this one there is none for those behind it.
            may_close = close > 0;
        } else if (*at == '"')
            is_quoted = !is_quoted;
        if (is_quoted)
            continue;
        if (depth == 0 && *at == '#' && (at == line || at[-1] == ' ' || at[-1] == '\t'))
            return at;
        depth += strchr("([{", *at) != NULL;
        depth -= depth > 0 && strchr(")]}", *at) != NULL;
    }
    return at;
}

// Cuts spaces at both ends of a text, in place.
static char *trimmed(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

// The text of a comment without its marks, and "" where it is empty.
static char *comment_text(char *comment)
{
    return trimmed(comment + strspn(comment, "#"));
}

static char *take_reason(BudgetReader *reader, char *comment)
{
    const char *text = comment_text(comment);
    char *reason = strdup(text[0] != '\0' || reader->above == NULL ? text : reader->above);

    if (reason == NULL)
        (void)error_set(reader->error, ERROR_MEMORY, "cannot allocate memory for a budget");
    return reason;
}

static bool no_fingerprint(const BudgetReader *reader, const char *text)
{
    (void)error_set(reader->error, ERROR_USAGE, "%s:%u: '%.40s' is not the fingerprint of a leak",
                    reader->path, reader->line, text);
    return error_add_hint(reader->error,
                          "such as 'known leak 9f31c2aa'; `rudo-snap check --limit 'suspects = 0' "
                          "HEAP` prints them");
}

// "known leak 9f31c2aa"; "leak" may be left out.
static bool take_known(BudgetReader *reader, char *text, char *comment)
{
    Budget *out = reader->out;
    KnownLeak *known;
    char *reason;

    text = trimmed(text);
    if (strncmp(text, "leak ", 5) == 0 || strncmp(text, "leak\t", 5) == 0)
        text = trimmed(text + 5);
    if (!route_fingerprint_is_valid(text))
        return no_fingerprint(reader, text);
    if (!array_reserve(&out->known, &out->known_capacity, out->known_count + UINT64_C(1),
                       sizeof *out->known, "known leaks", reader->error))
        return false;
    reason = take_reason(reader, comment);
    if (reason == NULL)
        return false;
    known = &out->known[out->known_count++];
    *known = (KnownLeak){.line = reader->line, .reason = reason};
    for (size_t i = 0; text[i] != '\0'; i++)
        known->fingerprint[i] = (char)tolower((unsigned char)text[i]);
    return true;
}

static bool take_limit(BudgetReader *reader, const char *text, char *comment)
{
    Budget *out = reader->out;
    char where[300];
    BudgetLimit *limit;

    if (!array_reserve(&out->limits, &out->limit_capacity, out->limit_count + UINT64_C(1),
                       sizeof *out->limits, "limits", reader->error))
        return false;
    limit = &out->limits[out->limit_count];
    *limit = (BudgetLimit){.line = reader->line};
    (void)snprintf(where, sizeof where, "%.280s:%u", reader->path, reader->line);
    if (!heap_limit_parse(text, where, &limit->limit, reader->error))
        return false;
    limit->reason = take_reason(reader, comment);
    if (limit->reason == NULL) {
        heap_limit_release(&limit->limit);
        return false;
    }
    out->limit_count++;
    return true;
}

static bool take_line(BudgetReader *reader, char *line)
{
    char *comment = find_comment(line);
    bool has_comment = *comment == '#', ok = true;
    char *text;

    if (has_comment)
        *comment++ = '\0';
    text = trimmed(line);
    if (text[0] == '\0') {
        free(reader->above);
        reader->above = has_comment ? strdup(comment_text(comment)) : NULL;
        return !has_comment || reader->above != NULL ||
               error_set(reader->error, ERROR_MEMORY, "cannot allocate memory for a budget");
    }
    if (strncmp(text, "known", 5) == 0 && (text[5] == ' ' || text[5] == '\t'))
        ok = take_known(reader, text + 5, comment);
    else
        ok = take_limit(reader, text, comment);
    free(reader->above);
    reader->above = NULL;
    return ok;
}

// Without control characters other than those that end lines or part words.
static bool is_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < ' ' && strchr("\t\n\r\f\v", text[i]) == NULL) ||
            text[i] == '\0' || text[i] == '\x7f')
            return false;
    return true;
}

bool budget_parse(const char *path, const char *text, size_t length, Budget *out, Error *error)
{
    BudgetReader reader = {.path = path, .out = out, .error = error};
    char *copy = malloc(length + 1), *rest = copy, *line;
    bool ok = true;

    *out = (Budget){.limit_count = 0};
    if (copy == NULL)
        return error_set_memory(error, length + 1, "a budget");
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    if (!is_text(copy, length))
        ok = error_set(error, ERROR_CORRUPT, "'%s' is not a budget: it is not text", path);
    if (length >= 3 && memcmp(copy, BYTE_ORDER_MARK, 3) == 0)
        rest += 3;
    while (ok && (line = strsep(&rest, "\n")) != NULL) {
        reader.line++;
        ok = take_line(&reader, line);
    }
    free(reader.above);
    free(copy);
    return ok;
}

bool budget_read(const char *path, Budget *out, Error *error)
{
    char *text;
    size_t length;
    bool ok;

    *out = (Budget){.limit_count = 0};
    ok = text_file_read(path, false, "a budget", &text, &length, error) &&
         budget_parse(path, text, length, out, error);
    free(text);
    return ok;
}
