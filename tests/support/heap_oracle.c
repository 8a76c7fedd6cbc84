// HeapOracle: see tests/support/heap_oracle.h.

#include "tests/support/heap_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A slot that a word may refer to, live or not.
typedef struct Slot {
    uint64_t address;
    uint64_t bytes;
    uint32_t cell; // NO_CELL: dead
    bool is_block;
} Slot;

typedef struct SlotList {
    Slot *slots;
    uint64_t count;
    uint64_t capacity;
} SlotList;

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "heap_oracle: out of memory\n");
        abort();
    }
    return memory;
}

static uint64_t read_field(const uint8_t *bytes, LayoutField field)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < field.width; i++)
        value |= (uint64_t)bytes[field.offset + i] << (8 * i);
    return value;
}

static void add_slot(SlotList *list, Slot slot)
{
    if (list->count == list->capacity) {
        list->capacity = 2 * list->capacity + 64;
        list->slots = must(reallocarray(list->slots, list->capacity, sizeof *list->slots));
    }
    list->slots[list->count++] = slot;
}

static uint32_t add_cell(HeapOracle *oracle, const OracleCell *cell)
{
    if ((oracle->cell_count & (oracle->cell_count + 1)) == 0)
        oracle->cells = must(
            reallocarray(oracle->cells, 2 * (size_t)oracle->cell_count + 2, sizeof *oracle->cells));
    oracle->cells[oracle->cell_count] = *cell;
    return oracle->cell_count++;
}

// Every allocated slot by the bits of its page's own bitmap.
static void add_page(HeapOracle *oracle, SlotList *list, uint32_t page)
{
    const HeapLayout *layout = &oracle->image->layout;
    const HeapPage *record = &oracle->image->pages[page];
    const uint8_t *bytes = heap_image_page_bytes(oracle->image, page);

    for (uint32_t slot = 0; slot < record->slot_count; slot++) {
        const uint8_t *object = bytes + record->header_size + (uint64_t)slot * record->block_size;
        bool has_header = record->block_size >= layout->object_header_bytes;
        uint64_t weak = has_header ? read_field(object, layout->weak_count) : 0;
        OracleCell cell = {
            .address = record->address + record->header_size + (uint64_t)slot * record->block_size,
            .bytes = record->block_size,
            .data = object,
            .first_offset = has_header ? layout->object_header_bytes : 0,
            .is_scanned = (weak & layout->under_construction_bit) == 0,
            .type_word = has_header ? read_field(object, layout->type_word) : 0,
            .has_header = has_header,
        };

        if ((bytes[layout->allocated_bitmap + slot / 8] >> slot % 8 & 1) == 0)
            continue;
        add_slot(list,
                 (Slot){cell.address, cell.bytes,
                        (weak & layout->dead_bit) != 0 ? NO_CELL : add_cell(oracle, &cell), false});
    }
}

static int compare_slots(const void *left, const void *right)
{
    const Slot *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

// The slot whose bytes hold `address`, or NULL.
static const Slot *slot_with(const SlotList *list, uint64_t address)
{
    uint64_t low = 0, high = list->count;

    while (low < high) {
        uint64_t middle = (low + high) / 2;

        if (list->slots[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address - list->slots[low - 1].address < list->slots[low - 1].bytes
               ? &list->slots[low - 1]
               : NULL;
}

static uint32_t resolve(const SlotList *list, uint64_t word, bool allow_interior)
{
    const Slot *slot = slot_with(list, word);

    if (slot == NULL || (!slot->is_block && !allow_interior && slot->address != word))
        return NO_CELL;
    return slot->cell;
}

static void add_references(HeapOracle *oracle, const SlotList *list, OracleCell *cell)
{
    (void)oracle;
    if (!cell->is_scanned)
        return;
    for (uint64_t offset = cell->first_offset; offset + 8 <= cell->bytes; offset++) {
        uint64_t word;
        uint32_t target;

        if ((cell->address + offset) % 8 != 0)
            continue;
        memcpy(&word, cell->data + offset, sizeof word);
        target = resolve(list, word, false);
        if (target == NO_CELL)
            continue;
        if ((cell->reference_count & (cell->reference_count + 1)) == 0)
            cell->references = must(reallocarray(
                cell->references, 2 * (size_t)cell->reference_count + 2, sizeof *cell->references));
        cell->references[cell->reference_count++] = target;
    }
}

HeapOracle *heap_oracle_new(const HeapImage *image)
{
    HeapOracle *oracle = must(calloc(1, sizeof *oracle));
    SlotList list = {.count = 0};

    oracle->image = image;
    for (uint32_t page = 0; page < image->page_count; page++)
        add_page(oracle, &list, page);
    for (uint32_t block = 0; block < image->block_count; block++) {
        const ForeignBlock *record = &image->blocks[block];
        OracleCell cell = {.address = record->address,
                           .bytes = record->bytes,
                           .is_block = true,
                           .data = image->foreign_bytes + record->offset,
                           .is_scanned = true};

        add_slot(&list, (Slot){cell.address, cell.bytes, add_cell(oracle, &cell), true});
    }
    if (list.count > 0)
        qsort(list.slots, list.count, sizeof *list.slots, compare_slots);
    for (uint32_t cell = 0; cell < oracle->cell_count; cell++)
        add_references(oracle, &list, &oracle->cells[cell]);
    oracle->roots = must(calloc(image->root_count + 1, sizeof *oracle->roots));
    for (uint64_t root = 0; root < image->root_count; root++) {
        const Root *word = &image->roots[root];

        oracle->roots[root] =
            resolve(&list, word->value, word->kind == ROOT_STACK || word->kind == ROOT_REGISTER);
    }
    free(list.slots);
    return oracle;
}

void heap_oracle_free(HeapOracle *oracle)
{
    if (oracle == NULL)
        return;
    for (uint32_t cell = 0; cell < oracle->cell_count; cell++)
        free(oracle->cells[cell].references);
    free(oracle->cells);
    free(oracle->roots);
    free(oracle);
}

uint32_t heap_oracle_find(const HeapOracle *oracle, uint64_t address)
{
    for (uint32_t cell = 0; cell < oracle->cell_count; cell++)
        if (oracle->cells[cell].address == address)
            return cell;
    return NO_CELL;
}

uint32_t *heap_oracle_distances(const HeapOracle *oracle, const OracleCut *cut)
{
    uint32_t *distances = must(calloc((size_t)oracle->cell_count + 1, sizeof *distances));
    uint32_t *queue = must(calloc((size_t)oracle->cell_count + 1, sizeof *queue));
    uint32_t first = 0, last = 0;

    for (uint64_t root = 0; root < oracle->image->root_count; root++) {
        uint32_t cell = oracle->roots[root];

        if (cell == NO_CELL || distances[cell] != 0)
            continue;
        if (cut != NULL && cut->is_root_cut != NULL && cut->is_root_cut(cut->context, oracle, root))
            continue;
        if (cut != NULL && cut->is_cell_cut != NULL && cut->is_cell_cut(cut->context, oracle, cell))
            continue;
        distances[cell] = 1;
        queue[last++] = cell;
    }
    while (first < last) {
        uint32_t cell = queue[first++];

        for (uint32_t i = 0; i < oracle->cells[cell].reference_count; i++) {
            uint32_t target = oracle->cells[cell].references[i];

            if (distances[target] != 0)
                continue;
            if (cut != NULL && cut->is_cell_cut != NULL &&
                cut->is_cell_cut(cut->context, oracle, target))
                continue;
            distances[target] = distances[cell] + 1;
            queue[last++] = target;
        }
    }
    free(queue);
    return distances;
}

bool *heap_oracle_reach(const HeapOracle *oracle, const OracleCut *cut)
{
    uint32_t *distances = heap_oracle_distances(oracle, cut);
    bool *reached = must(calloc((size_t)oracle->cell_count + 1, sizeof *reached));

    for (uint32_t cell = 0; cell < oracle->cell_count; cell++)
        reached[cell] = distances[cell] != 0;
    free(distances);
    return reached;
}

static bool is_this_cell(const void *context, const HeapOracle *oracle, uint32_t cell)
{
    (void)oracle;
    return *(const uint32_t *)context == cell;
}

bool *heap_oracle_reach_without(const HeapOracle *oracle, uint32_t cell)
{
    OracleCut cut = {.is_cell_cut = is_this_cell, .context = &cell};

    return heap_oracle_reach(oracle, &cut);
}
