// WhatIf: see analysis/what_if.h.

#include "analysis/what_if.h"

#include <stdlib.h>

#include "analysis/graph/node_types.h"
#include "analysis/graph/sized_reach.h"

void what_if_release(WhatIf *what_if)
{
    free(what_if->types);
    what_if->types = NULL;
}

static bool is_block_marked(const MarkResult *mark, uint32_t block)
{
    return (mark->marked_blocks[block / 64] >> block % 64 & 1) != 0;
}

// Called for each object of a set.
typedef void (*Visit)(void *context, uint32_t page, uint32_t slot, uint32_t type);

// Visits objects that are in `in`, but not in `without` (NULL: all), with their types.
static void visit_objects(const HeapImage *image, const TypeTable *table, const uint64_t *in,
                          const uint64_t *without, Visit visit, void *context)
{
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);

        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
            uint64_t left = in[first + word] & ~(without != NULL ? without[first + word] : 0);

            for (; left != 0; left &= left - 1) {
                uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(left);

                visit(context, page, slot, type_table_find(table, image, page, slot));
            }
        }
    }
}

// ---- cutting ----

typedef struct Cutting {
    const HeapSelection *selection;
    HeapCut *cut;
    WhatIf *out;
} Cutting;

static void cut_if_of_type(void *context, uint32_t page, uint32_t slot, uint32_t type)
{
    Cutting *cutting = context;

    if (!cutting->selection->is_type[type])
        return;
    heap_cut_object(cutting->cut, page, slot);
    cutting->out->cut_objects++;
}

static void cut_types(Cutting *cutting, const HeapImage *image, const MarkResult *before,
                      const TypeTable *table)
{
    visit_objects(image, table, before->marked, NULL, cut_if_of_type, cutting);
    for (uint32_t block = 0;
         cutting->selection->is_type[table->type_count] && block < image->block_count; block++)
        if (is_block_marked(before, block)) {
            heap_cut_block(cutting->cut, block);
            cutting->out->cut_blocks++;
        }
}

static void cut_selection(Cutting *cutting, const HeapImage *image, const MarkResult *before,
                          const TypeTable *table)
{
    const HeapSelection *selection = cutting->selection;

    switch (selection->kind) {
    case SELECTION_OBJECT:
        heap_cut_object(cutting->cut, selection->page, selection->slot);
        cutting->out->cut_objects +=
            mark_result_is_marked(before, image, selection->page, selection->slot);
        break;
    case SELECTION_BLOCK:
        heap_cut_block(cutting->cut, selection->block);
        cutting->out->cut_blocks += is_block_marked(before, selection->block);
        break;
    case SELECTION_TYPES:
        cut_types(cutting, image, before, table);
        break;
    case SELECTION_ROOTS:
        for (uint64_t i = 0; i < selection->root_count; i++)
            heap_cut_root(cutting->cut, selection->roots[i]);
        cutting->out->cut_roots += selection->root_count;
        break;
    }
}

// ---- counting ----

typedef struct Counting {
    const HeapImage *image;
    uint32_t *unified; // types of equal labels are one
    FreedType *types;
} Counting;

static void count_object(void *context, uint32_t page, uint32_t slot, uint32_t type)
{
    Counting *counting = context;

    (void)slot;
    type = counting->unified[type];
    counting->types[type].objects++;
    counting->types[type].bytes += counting->image->pages[page].block_size;
}

static int compare_types(const void *left, const void *right)
{
    const FreedType *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->type < b->type ? -1 : a->type > b->type;
}

static bool count_types(WhatIf *out, const HeapImage *image, const MarkResult *before,
                        const MarkResult *after, const TypeTable *table, Error *error)
{
    Counting counting = {.image = image};
    FreedType *types = calloc((size_t)table->type_count + 1, sizeof *types);

    out->types = counting.types = types;
    if (types == NULL)
        return error_set_memory(error, table->type_count * sizeof *types, "freed types");
    if (!node_types_unify(table, &counting.unified, error))
        return false;
    for (uint32_t type = 0; type <= table->type_count; type++)
        types[type].type = type;
    visit_objects(image, table, before->marked, after->marked, count_object, &counting);
    free(counting.unified);
    types[table->type_count].objects = out->freed.blocks + out->freed.sized_blocks;
    types[table->type_count].bytes = out->freed.block_bytes + out->freed.sized_bytes;
    for (uint32_t type = 0; type <= table->type_count; type++)
        if (types[type].objects > 0)
            types[out->type_count++] = types[type];
    qsort(types, out->type_count, sizeof *types, compare_types);
    return true;
}

bool what_if_make(const HeapImage *image, const MarkResult *before, const TypeTable *table,
                  const HeapSelection *cuts, uint32_t cut_count, WhatIf *out, Error *error)
{
    Cutting cutting = {.out = out};
    MarkResult *after = NULL;
    bool ok;

    *out = (WhatIf){.types = NULL};
    ok = heap_cut_new(image, &cutting.cut, error);
    for (uint32_t i = 0; ok && i < cut_count; i++) {
        cutting.selection = &cuts[i];
        cut_selection(&cutting, image, before, table);
    }
    ok = ok && heap_cut_mark(cutting.cut, before, &out->freed, &after, error) &&
         count_types(out, image, before, after, table, error);
    if (ok) {
        out->reachable_sized_blocks = heap_cut_before(cutting.cut)->blocks;
        out->reachable_sized_bytes = heap_cut_before(cutting.cut)->bytes;
    }
    mark_result_free(after);
    heap_cut_free(cutting.cut);
    if (!ok)
        what_if_release(out);
    return ok;
}
