// Text for people: see cli/terminal.h.

#include "cli/terminal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clean_text.h"

// The width of a terminal that does not tell it.
#define PLAIN_COLUMNS 80u

static bool has_colours(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0) && isatty(fileno(stream)) == 1;
}

void style_begin(FILE *stream, Style style)
{
    static const char *const codes[] = {
        [STYLE_STRONG] = "\033[1m", [STYLE_FAINT] = "\033[2m", [STYLE_ERROR] = "\033[1;31m"};

    if (has_colours(stream))
        (void)fputs(codes[style], stream);
}

void style_end(FILE *stream)
{
    if (has_colours(stream))
        (void)fputs("\033[0m", stream);
}

// Bytes that are cleaned at once; a character is never cut.
#define SHOWN_BYTES 512u

void print_safely(FILE *stream, const char *text, size_t length)
{
    char shown[SHOWN_BYTES + 1];

    while (length > 0) {
        size_t piece = text_cut(text, length, SHOWN_BYTES);
        if (piece == 0) // not a character
            piece = length < SHOWN_BYTES ? length : SHOWN_BYTES;
        (void)fwrite(shown, 1, text_show(text, piece, shown), stream);
        text += piece;
        length -= piece;
    }
}

void print_text(FILE *stream, const char *text)
{
    print_safely(stream, text, strlen(text));
}

void print_title(const char *title)
{
    printf("\n");
    style_begin(stdout, STYLE_STRONG);
    printf("%s", title);
    style_end(stdout);
    printf("\n");
}

void print_left_out(uint64_t all, uint64_t shown, const char *what)
{
    char text[NUMBER_CHARS];

    if (all > shown)
        printf("  and %s more %s: --json FILE has all of them\n", format_count(text, all - shown),
               what);
}

char *format_count(char text[NUMBER_CHARS], uint64_t count)
{
    char digits[NUMBER_CHARS];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *out = text;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}

char *format_bytes(char text[NUMBER_CHARS], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes;
    unsigned unit = 0;

    // 1023.95 would be rounded to "1024.0".
    while (size >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1024;
        unit++;
    }
    (void)snprintf(text, NUMBER_CHARS, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
    return text;
}

// Puts the sign of a growth in front of its size.
static char *format_signed(char text[NUMBER_CHARS], int64_t growth,
                           char *(*format)(char *text, uint64_t size))
{
    char size[NUMBER_CHARS];

    (void)snprintf(text, NUMBER_CHARS, "%s%.*s",
                   growth > 0   ? "+"
                   : growth < 0 ? "-"
                                : "",
                   (int)NUMBER_CHARS - 2,
                   format(size, growth < 0 ? 0 - (uint64_t)growth : (uint64_t)growth));
    return text;
}

char *format_more(char text[NUMBER_CHARS], int64_t growth)
{
    return format_signed(text, growth, format_count);
}

char *format_more_bytes(char text[NUMBER_CHARS], int64_t growth)
{
    return format_signed(text, growth, format_bytes);
}

char *format_round_bytes(char text[NUMBER_CHARS], uint64_t bytes)
{
    static const char units[] = "BKMG";
    unsigned unit = 0;

    while (bytes >= 10240 && unit + 2 < sizeof units) {
        bytes = (bytes + 1023) / 1024;
        unit++;
    }
    (void)snprintf(text, NUMBER_CHARS, unit == 0 ? "%" PRIu64 : "%" PRIu64 "%c", bytes,
                   units[unit]);
    return text;
}

char *format_time(char text[NUMBER_CHARS], uint64_t ns)
{
    double value = (double)ns;

    if (ns < 1000)
        (void)snprintf(text, NUMBER_CHARS, "%" PRIu64 " ns", ns);
    else if (ns < 1000000)
        (void)snprintf(text, NUMBER_CHARS, "%.0f us", value / 1e3);
    else if (ns < 1000000000)
        (void)snprintf(text, NUMBER_CHARS, "%.1f ms", value / 1e6);
    else
        (void)snprintf(text, NUMBER_CHARS, "%.2f s", value / 1e9);
    return text;
}

char *format_share(char text[NUMBER_CHARS], uint64_t part, uint64_t whole)
{
    if (whole == 0)
        (void)snprintf(text, NUMBER_CHARS, "-");
    else
        (void)snprintf(text, NUMBER_CHARS, "%.1f %%", 100 * (double)part / (double)whole);
    return text;
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

// A byte of a UTF-8 character that is not its first.
static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t text_width(const char *text)
{
    size_t length = strlen(text), width = length, at = 0;

    // Eight bytes at a time while none belongs to a longer character: nearly all text is ASCII.
    while (at < length) {
        uint64_t word = 0;

        if (length - at >= sizeof word)
            memcpy(&word, text + at, sizeof word);
        if (length - at >= sizeof word && (word & UINT64_C(0x8080808080808080)) == 0)
            at += sizeof word;
        else
            width -= is_continuation(text[at++]);
    }
    return width;
}

unsigned terminal_columns(FILE *stream)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (columns != NULL && columns[0] >= '1' && columns[0] <= '9') {
        char *end;
        unsigned long count = strtoul(columns, &end, 10);

        if (*end == '\0' && count < UINT_MAX)
            return (unsigned)count;
    }
    if (isatty(fileno(stream)) != 1)
        return UINT_MAX;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                            : PLAIN_COLUMNS;
}

// Does the locale's character set have the branches of trees? The variables are looked up as
// setlocale() does it.
static bool has_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *locale = getenv(variables[i]);

        if (locale != NULL && locale[0] != '\0')
            return strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL;
    }
    return false;
}

const char *tree_branch(void)
{
    return has_utf8() ? "\u2514\u2500 " : "`- ";
}

// The length of the words that fit into `room` columns: one word at least.
static size_t line_length(const char *text, size_t room)
{
    size_t length = strcspn(text, " \n"), width = 0, end;

    for (size_t i = 0; i < length; i++)
        width += !is_continuation(text[i]);
    while (text[length] == ' ') {
        end = length + 1 + strcspn(text + length + 1, " \n");
        for (size_t i = length; i < end; i++)
            width += !is_continuation(text[i]);
        if (width > room)
            break;
        length = end;
    }
    return length;
}

static void print_lines(FILE *stream, unsigned taken, unsigned indent, const char *text)
{
    size_t columns = terminal_columns(stream);

    for (const char *line = text; *line != '\0';) {
        unsigned before = line == text ? taken : indent;
        size_t length = line_length(line, columns > before ? columns - before : 1);

        (void)fprintf(stream, "%*s", line == text ? 0 : (int)indent, "");
        print_safely(stream, line, length);
        (void)fputc('\n', stream);
        line += length + (line[length] == ' ' || line[length] == '\n');
    }
}

void print_prose(FILE *stream, unsigned indent, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    int length;

    va_start(values, format);
    length = vasprintf(&text, format, values);
    va_end(values);
    if (length >= 0)
        print_lines(stream, 0, indent, text);
    free(length >= 0 ? text : NULL);
}

void print_prose_at(FILE *stream, unsigned taken, unsigned indent, const char *format, ...)
{
    char *text = NULL;
    va_list values;
    int length;

    va_start(values, format);
    length = vasprintf(&text, format, values);
    va_end(values);
    if (length >= 0)
        print_lines(stream, taken, indent, text);
    free(length >= 0 ? text : NULL);
}
