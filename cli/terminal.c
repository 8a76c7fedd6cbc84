// Text for people: see cli/terminal.h.

#include "cli/terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

// Where nobody says how wide lines may be, and the least that a shortened cell gets.
#define PLAIN_COLUMNS 100u
#define MIN_FLEXIBLE 16u

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

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
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

void text_table_init(TextTable *table, const char *alignment)
{
    table->row_count = 0;
    table->column_count = 0;
    for (; *alignment != '\0' && table->column_count < TABLE_MAX_COLUMNS; alignment++)
        table->is_left_aligned[table->column_count++] = *alignment == 'l';
}

void text_table_add(TextTable *table, const char *const cells[])
{
    if (table->row_count == TABLE_MAX_ROWS)
        return;
    for (unsigned column = 0; column < table->column_count; column++)
        shorten_middle(table->cells[table->row_count][column], TABLE_CELL_CHARS,
                       cells[column] == NULL ? "" : cells[column]);
    table->row_count++;
}

// Columns that a text takes, every character taken for one.
static size_t text_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += !is_continuation(*text);
    return width;
}

static void print_blanks(FILE *stream, size_t count)
{
    while (count-- > 0)
        (void)fputc(' ', stream);
}

static void print_row(const TextTable *table, const size_t *widths, unsigned row, FILE *stream)
{
    // Blanks are held back, so that no line ends in them.
    size_t pending = 0;

    for (unsigned column = 0; column < table->column_count; column++) {
        const char *cell = table->cells[row][column];
        size_t padding = widths[column] - text_width(cell);

        if (!table->is_left_aligned[column])
            pending += padding;
        if (*cell != '\0') {
            print_blanks(stream, pending);
            pending = 0;
            print_safely(stream, cell, strlen(cell));
        }
        if (table->is_left_aligned[column])
            pending += padding;
        pending += 3;
    }
    (void)fputc('\n', stream);
}

static void measure(const TextTable *table, size_t widths[TABLE_MAX_COLUMNS])
{
    memset(widths, 0, TABLE_MAX_COLUMNS * sizeof *widths);
    for (unsigned row = 0; row < table->row_count; row++)
        for (unsigned column = 0; column < table->column_count; column++) {
            size_t width = text_width(table->cells[row][column]);

            if (width > widths[column])
                widths[column] = width;
        }
}

unsigned terminal_columns(FILE *stream)
{
    struct winsize size;

    if (isatty(fileno(stream)) != 1 || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 ||
        size.ws_col == 0)
        return PLAIN_COLUMNS;
    return size.ws_col;
}

static void shorten_column(TextTable *table, unsigned column, size_t width)
{
    char shortened[TABLE_CELL_CHARS];

    for (unsigned row = 0; row < table->row_count && width + 1 < TABLE_CELL_CHARS; row++) {
        char *cell = table->cells[row][column];

        if (text_width(cell) <= width)
            continue;
        shorten_middle(shortened, width + 1, cell);
        memcpy(cell, shortened, width + 1);
    }
}

void text_table_print_fitting(TextTable *table, unsigned flexible_columns, FILE *stream)
{
    size_t widths[TABLE_MAX_COLUMNS], width = 0, columns = terminal_columns(stream);

    measure(table, widths);
    for (unsigned column = 0; column < table->column_count; column++)
        width += widths[column] + (column > 0 ? 3 : 0);
    while (width > columns) {
        unsigned widest = TABLE_MAX_COLUMNS;

        // Shorter than that a name says nothing; then lines are too long.
        for (unsigned column = 0; column < table->column_count; column++)
            if ((flexible_columns >> column & 1) != 0 && widths[column] > MIN_FLEXIBLE &&
                (widest == TABLE_MAX_COLUMNS || widths[column] >= widths[widest]))
                widest = column;
        if (widest == TABLE_MAX_COLUMNS)
            break;
        widths[widest]--;
        width--;
    }
    for (unsigned column = 0; column < table->column_count; column++)
        if ((flexible_columns >> column & 1) != 0)
            shorten_column(table, column, widths[column]);
    text_table_print(table, stream);
}

void text_table_print(const TextTable *table, FILE *stream)
{
    size_t widths[TABLE_MAX_COLUMNS];

    measure(table, widths);
    for (unsigned row = 0; row < table->row_count; row++)
        print_row(table, widths, row, stream);
}
