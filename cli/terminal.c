// Text for people: see cli/terminal.h.

#include "cli/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// The width of lines where it is not known.
#define PLAIN_COLUMNS 100u

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

void print_safely(FILE *stream, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        // U+0080 to U+009F steer terminals, too.
        bool is_high_control = byte == 0xc2 && i + 1 < length && (unsigned char)text[i + 1] < 0xa0;

        if (is_high_control)
            i++;
        (void)fputc(byte < 0x20 || byte == 0x7f || is_high_control ? '?' : byte, stream);
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
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += !is_continuation(*text);
    return width;
}

void shorten_middle(char *out, size_t size, const char *text)
{
    static const char gap[] = "...";
    size_t length = strlen(text), head, tail;

    if (length < size) {
        memcpy(out, text, length + 1);
        return;
    }
    head = (size - sizeof gap) / 2;
    tail = size - sizeof gap - head;
    // Not in the middle of a character.
    while (head > 0 && is_continuation(text[head]))
        head--;
    while (tail > 0 && is_continuation(text[length - tail]))
        tail--;
    memcpy(out, text, head);
    memcpy(out + head, gap, sizeof gap - 1);
    memcpy(out + head + sizeof gap - 1, text + length - tail, tail + 1);
}

unsigned terminal_columns(FILE *stream)
{
    struct winsize size;

    if (isatty(fileno(stream)) != 1 || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 ||
        size.ws_col == 0)
        return PLAIN_COLUMNS;
    return size.ws_col;
}
