// The map of the pages of a heap: see formats/html/page_parts_internal.h.

#include "formats/html/page_parts_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "analysis/heap_place.h"

// A page, or several that are next to each other in the list of pages.
typedef struct Cell {
    uint64_t address; // of the first
    uint64_t pages;   // of memory, tails of large objects counted
    uint64_t slots;   // of all
    uint64_t live;
    uint64_t dead;
    uint64_t reachable;
    uint64_t block_size; // 0: several
    uint64_t owner;      // UINT64_MAX: several
    uint64_t generation; // likewise
    bool is_large;
} Cell;

typedef struct Cells {
    const HeapImage *image;
    const MarkResult *mark;
    uint32_t each; // pages of a cell
} Cells;

static uint64_t reachable_of(const Cells *cells, uint32_t page)
{
    const uint64_t *words = cells->mark->marked + heap_image_first_word(cells->image, page);
    uint64_t count = 0;

    for (uint32_t word = 0; word < heap_image_page_words(cells->image, page); word++)
        count += (uint64_t)__builtin_popcountll(words[word]);
    return count;
}

static Cell cell_at(const Cells *cells, uint32_t first)
{
    const HeapImage *image = cells->image;
    Cell cell = {.address = image->pages[first].address};

    for (uint32_t page = first; page < image->page_count && page - first < cells->each; page++) {
        PageFacts facts = page_facts_of(image, page);

        cell.pages += heap_image_run_pages(image, page);
        cell.slots += facts.slot_count;
        cell.live += facts.live_count;
        cell.dead += facts.dead_count;
        cell.reachable += reachable_of(cells, page);
        cell.is_large = cell.is_large || facts.is_large;
        if (page == first) {
            cell.block_size = facts.block_size;
            cell.owner = facts.owner_thread;
            cell.generation = facts.generation;
            continue;
        }
        if (facts.block_size != cell.block_size)
            cell.block_size = 0;
        if (facts.owner_thread != cell.owner)
            cell.owner = UINT64_MAX;
        if (facts.generation != cell.generation)
            cell.generation = UINT64_MAX;
    }
    return cell;
}

static uint64_t pages_of(const Cell *cell)
{
    return cell->pages;
}

static uint64_t slots_of(const Cell *cell)
{
    return cell->slots;
}

static uint64_t live_of(const Cell *cell)
{
    return cell->live;
}

static uint64_t dead_of(const Cell *cell)
{
    return cell->dead;
}

static uint64_t marked_of(const Cell *cell)
{
    return cell->reachable;
}

static uint64_t class_of(const Cell *cell)
{
    return cell->block_size == 0 ? UINT64_MAX : cell->block_size;
}

static uint64_t owner_of(const Cell *cell)
{
    return cell->owner;
}

static uint64_t generation_of(const Cell *cell)
{
    return cell->generation;
}

static uint64_t large_of(const Cell *cell)
{
    return cell->is_large;
}

// Cells are made anew for each column, since their order is that of the page's text.
static void write_column(JsonWriter *writer, const Cells *cells, const char *name,
                         uint64_t (*value)(const Cell *cell))
{
    json_key(writer, name);
    json_begin_array(writer);
    for (uint64_t page = 0; page < cells->image->page_count; page += cells->each) {
        Cell cell = cell_at(cells, (uint32_t)page);
        uint64_t number = value(&cell);

        if (number == UINT64_MAX)
            json_null(writer);
        else
            json_unsigned(writer, number);
    }
    json_end_array(writer);
}

// Hex digits of the first address, then the distances between the addresses, in pages.
static void write_addresses(JsonWriter *writer, const Cells *cells)
{
    const HeapImage *image = cells->image;
    uint64_t last = image->page_count > 0 ? image->pages[0].address : 0;
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIx64, last);
    json_string_member(writer, "first", text);
    json_key(writer, "step");
    json_begin_array(writer);
    for (uint64_t page = 0; page < image->page_count; page += cells->each) {
        json_unsigned(writer, (image->pages[page].address - last) >> image->page_shift);
        last = image->pages[page].address;
    }
    json_end_array(writer);
}

void page_cells_write(JsonWriter *writer, const HeapImage *image, const MarkResult *mark)
{
    Cells cells = {.image = image, .mark = mark, .each = image->page_count / PAGE_CELLS + 1};

    json_key(writer, "pages");
    json_begin_object(writer);
    json_unsigned_member(writer, "of", image->page_count);
    json_unsigned_member(writer, "each", cells.each);
    write_addresses(writer, &cells);
    write_column(writer, &cells, "pages", pages_of);
    write_column(writer, &cells, "class", class_of);
    write_column(writer, &cells, "large", large_of);
    write_column(writer, &cells, "slots", slots_of);
    write_column(writer, &cells, "live", live_of);
    write_column(writer, &cells, "dead", dead_of);
    write_column(writer, &cells, "reachable", marked_of);
    write_column(writer, &cells, "owner", owner_of);
    write_column(writer, &cells, "generation", generation_of);
    json_end_object(writer);
}
