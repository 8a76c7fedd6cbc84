// Shortening of names: see cli/shortening.h.

#include "cli/shortening.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"

#define MOST_PASSES 8u

static bool is_name_start(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           ((unsigned char)byte & 0x80) != 0;
}

static bool is_name_byte(char byte)
{
    return is_name_start(byte) || (byte >= '0' && byte <= '9');
}

char *name_without_modules(const char *name)
{
    char *out = malloc(strlen(name) + 1), *end = out;

    while (out != NULL && *name != '\0') {
        size_t length = 0;

        if (!is_name_start(*name)) {
            // A number ends behind its digits and letters: "0x600000000640".
            do
                *end++ = *name;
            while (is_name_byte(*name++) && is_name_byte(*name));
            continue;
        }
        while (is_name_byte(name[length]))
            length++;
        if (name[length] == ':' && name[length + 1] == ':' && is_name_start(name[length + 2])) {
            name += length + 2;
            continue;
        }
        memcpy(end, name, length);
        end += length;
        name += length;
    }
    if (out != NULL)
        *end = '\0';
    return out;
}

// ---- one name ----

// The length of the branches of a tree in front of a name.
static size_t branches_length(const char *text)
{
    size_t length = 0;

    while (text[length] == ' ')
        length++;
    if (strncmp(text + length, tree_branch(), strlen(tree_branch())) == 0)
        length += strlen(tree_branch());
    return length;
}

// The length of " 0x..." at the end of a text; 0: it does not end in an address.
static size_t address_length(const char *text)
{
    const char *blank = strrchr(text, ' ');

    if (blank == NULL || strncmp(blank, " 0x", 3) != 0 ||
        blank[3 + strspn(blank + 3, "0123456789abcdef")] != '\0')
        return 0;
    return strlen(blank);
}

// The byte behind the first `width` characters of a text, or its end.
static const char *behind(const char *text, size_t width)
{
    while (width > 0 && *text != '\0') {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
        width--;
    }
    return text;
}

// A text of `width` columns at most, with `suffix` behind it. The caller frees it.
static char *cut(const char *text, size_t width, const char *suffix)
{
    size_t branches = branches_length(text), tail, head;
    const char *name = text + branches;
    size_t all = text_width(name), branch_width = text_width(text) - all, room;
    char *out = NULL;

    room = width > branch_width + LEAST_NAME_WIDTH ? width - branch_width : LEAST_NAME_WIDTH;
    room -= strlen(suffix);
    if (all <= room) {
        tail = 0;
        head = all;
    } else {
        tail = (room - 3) / 2;
        if (tail < address_length(name))
            tail = address_length(name);
        if (tail + 3 > room)
            tail = tail < all - 3 ? tail : all;
        head = room > tail + 3 ? room - 3 - tail : 0;
        // An address says little without the beginning of the name.
        if (address_length(name) > 0 && head < LEAST_HEAD_WIDTH && tail < all) {
            tail = address_length(name);
            head = room > tail + 3 + LEAST_HEAD_WIDTH ? room - 3 - tail : LEAST_HEAD_WIDTH;
            head = head + 3 + tail < all ? head : all - tail - 3;
        }
    }
    if (asprintf(&out, "%.*s%.*s%s%s%s", (int)branches, text, (int)(behind(name, head) - name),
                 name, all > room ? "..." : "", all > room ? behind(name, all - tail) : "",
                 suffix) < 0)
        return NULL;
    return out;
}

static bool is_too_wide(const char *text, size_t width)
{
    size_t all = text_width(text), name;

    if (all <= width)
        return false;
    name = text_width(text + branches_length(text));
    if (width < all - name + LEAST_NAME_WIDTH)
        width = all - name + LEAST_NAME_WIDTH;
    return all > width;
}

// ---- a column ----

typedef struct Cell {
    const char *original;
    char *text; // malloc'd; NULL: the original
    uint32_t row;
} Cell;

static const char *text_of(const Cell *cell)
{
    return cell->text != NULL ? cell->text : cell->original;
}

static int compare_cells(const void *left, const void *right)
{
    const Cell *a = left, *b = right;
    int order = strcmp(text_of(a), text_of(b));

    if (order == 0)
        order = strcmp(a->original, b->original);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

// The cells from `first` on that read the same: the end of that run.
static uint32_t end_of_run(const Cell *cells, uint32_t count, uint32_t first)
{
    uint32_t end = first + 1;

    while (end < count && strcmp(text_of(&cells[first]), text_of(&cells[end])) == 0)
        end++;
    return end;
}

// Gives back their names to cells that read like a different one. False: there is none.
static bool give_back_names(Cell *cells, uint32_t count)
{
    bool is_found = false;
    uint32_t end;

    qsort(cells, count, sizeof *cells, compare_cells);
    for (uint32_t first = 0; first < count; first = end) {
        end = end_of_run(cells, count, first);
        if (strcmp(cells[first].original, cells[end - 1].original) == 0)
            continue;
        is_found = true;
        for (uint32_t i = first; i < end; i++) {
            free(cells[i].text);
            cells[i].text = NULL;
        }
    }
    return is_found;
}

// Numbers the cells that read like a different one; no two names get the same number. False: there
// is none.
static bool give_numbers(Cell *cells, uint32_t count, size_t width, uint32_t *number)
{
    bool is_found = false;
    uint32_t end;

    qsort(cells, count, sizeof *cells, compare_cells);
    for (uint32_t first = 0; first < count; first = end) {
        end = end_of_run(cells, count, first);
        if (strcmp(cells[first].original, cells[end - 1].original) == 0)
            continue;
        is_found = true;
        for (uint32_t i = first; i < end; i++) {
            char suffix[16];

            *number += i == first || strcmp(cells[i - 1].original, cells[i].original) != 0;
            if (cells[i].text == NULL)
                continue;
            (void)snprintf(suffix, sizeof suffix, "~%" PRIu32, *number);
            free(cells[i].text);
            cells[i].text = cut(cells[i].original, width, suffix);
        }
    }
    return is_found;
}

static Cell *new_cells(char *const *cells, uint32_t count)
{
    Cell *out = calloc((size_t)count + 1, sizeof *out);

    for (uint32_t i = 0; out != NULL && i < count; i++)
        out[i] = (Cell){.original = cells[i] != NULL ? cells[i] : "", .row = i};
    return out;
}

static void take_cells(char **cells, Cell *shortened, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (shortened[i].text != NULL) {
            free(cells[shortened[i].row]);
            cells[shortened[i].row] = shortened[i].text;
        }
    free(shortened);
}

// All or none: a name without modules beside one with them looks like that of another module.
void drop_modules(char **cells, uint32_t count, size_t width)
{
    Cell *shortened = new_cells(cells, count);
    bool is_any = false;

    if (shortened == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        is_any = is_any || is_too_wide(shortened[i].original, width);
    for (uint32_t i = 0; is_any && i < count; i++)
        shortened[i].text = name_without_modules(shortened[i].original);
    // What two names became may be what a third one is.
    while (is_any && give_back_names(shortened, count))
        ;
    take_cells(cells, shortened, count);
}

void shorten_names(char **cells, uint32_t count, size_t width)
{
    Cell *shortened;
    uint32_t number = 0;
    bool is_any = false;

    drop_modules(cells, count, width);
    shortened = new_cells(cells, count);
    if (shortened == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (is_too_wide(shortened[i].original, width)) {
            shortened[i].text = cut(shortened[i].original, width, "");
            is_any = true;
        }
    // A number may make a name what another one is by itself; higher numbers mend that.
    for (unsigned pass = 0; is_any && pass < MOST_PASSES; pass++)
        if (!give_numbers(shortened, count, width, &number))
            break;
    take_cells(cells, shortened, count);
}
