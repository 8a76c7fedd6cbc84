// DeclaredHeap: see declared_heap_internal.h.
//
// The program is trusted with its own memory (an address that is not mapped ends the writer, not
// the program), but not to describe it right: a heap that readers would refuse is refused here,
// with an error for the program.

#include "embed/declared_heap_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/heap/snapshot_machine.h"

#define NO_MODULE UINT32_MAX

static uint64_t address_of(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

// ---- pages ----

static bool add_pages(DeclaredHeap *heap, const rudo_snap_pages *pages, Error *error)
{
    uint64_t page_size = heap->contents.layout.page_size;
    uint64_t count = heap->contents.run_count;

    if (address_of(pages->address) % page_size != 0 || pages->address == NULL ||
        pages->bytes % page_size != 0 || pages->bytes == 0)
        return error_set(error, ERROR_CORRUPT,
                         "the pages at 0x%llx, %zu bytes, are not pages of %llu bytes",
                         (unsigned long long)address_of(pages->address), pages->bytes,
                         (unsigned long long)page_size);
    if (!array_reserve(&heap->runs, &heap->run_capacity, count + 1, sizeof *heap->runs, "pages",
                       error))
        return false;
    heap->runs[count] =
        (SnapshotPages){address_of(pages->address), pages->bytes / page_size, pages->address};
    heap->contents.run_count++;
    return true;
}

static int compare_runs(const void *left, const void *right)
{
    const SnapshotPages *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

// Sorts the runs and joins neighbours. A page that is declared twice is an error.
static bool finish_pages(DeclaredHeap *heap, Error *error)
{
    uint64_t page_size = heap->contents.layout.page_size, kept = 0;

    if (heap->contents.run_count == 0)
        return error_set(error, ERROR_CORRUPT, "there are no pages");
    qsort(heap->runs, heap->contents.run_count, sizeof *heap->runs, compare_runs);
    for (uint64_t i = 0; i < heap->contents.run_count; i++) {
        SnapshotPages *run = &heap->runs[i];
        SnapshotPages *last = kept > 0 ? &heap->runs[kept - 1] : NULL;
        uint64_t end = last == NULL ? 0 : last->address + last->page_count * page_size;

        if (run->address < end)
            return error_set(error, ERROR_CORRUPT, "the page at 0x%llx is declared twice",
                             (unsigned long long)run->address);
        if (last != NULL && run->address == end)
            last->page_count += run->page_count;
        else
            heap->runs[kept++] = *run;
    }
    heap->contents.run_count = kept;
    heap->contents.runs = heap->runs;
    for (uint64_t i = 0; i < kept; i++)
        if (!page_records_add_run(&heap->pages, &heap->contents.layout, heap->runs[i].address,
                                  heap->runs[i].page_count, heap->runs[i].bytes, error))
            return false;
    heap->contents.pages = &heap->pages;
    return true;
}

static bool gather_pages(DeclaredHeap *heap, const rudo_snap_options *options, Error *error)
{
    rudo_snap_pages pages;

    for (size_t i = 0; i < options->page_count; i++)
        if (!add_pages(heap, &options->pages[i], error))
            return false;
    while (options->next_pages != NULL && options->next_pages(options->pages_context, &pages) != 0)
        if (!add_pages(heap, &pages, error))
            return false;
    return finish_pages(heap, error);
}

// ---- roots ----

static bool name_root(DeclaredHeap *heap, const Root *root, const char *name, Error *error)
{
    SnapshotDetails *details = heap->details;
    SnapshotRootName *record;

    if (!array_reserve(&details->root_names, &heap->root_name_capacity,
                       details->root_name_count + 1ull, sizeof *details->root_names, "named roots",
                       error))
        return false;
    record = &details->root_names[details->root_name_count];
    *record = (SnapshotRootName){root->address, root->value, strdup(name)};
    if (record->name == NULL)
        return error_set_memory(error, strlen(name) + 1, "the name of a root");
    details->root_name_count++;
    return true;
}

static bool add_root(DeclaredHeap *heap, const rudo_snap_root *root, Error *error)
{
    uint64_t count = heap->contents.root_count;

    if (root->address == NULL || address_of(root->address) % 8 != 0)
        return error_set(error, ERROR_CORRUPT, "root '%s' does not lie in an aligned word",
                         root->name == NULL ? "" : root->name);
    if (!array_reserve(&heap->roots, &heap->root_capacity, count + 1, sizeof *heap->roots, "roots",
                       error))
        return false;
    heap->roots[count] = (Root){
        .address = address_of(root->address),
        .value = load_u64(root->address),
        .thread = NO_INDEX,
        .kind = ROOT_EXPLICIT,
        .is_exact = 1,
    };
    heap->contents.root_count++;
    return root->name == NULL || name_root(heap, &heap->roots[count], root->name, error);
}

static int compare_root_names(const void *left, const void *right)
{
    const SnapshotRootName *a = left, *b = right;

    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->value < b->value ? -1 : a->value > b->value;
}

// Sorts the names. A root that is declared twice has one of its names.
static void finish_roots(DeclaredHeap *heap)
{
    SnapshotDetails *details = heap->details;
    uint32_t kept = 0;

    heap->contents.roots = heap->roots;
    if (details->root_name_count == 0)
        return;
    qsort(details->root_names, details->root_name_count, sizeof *details->root_names,
          compare_root_names);
    for (uint32_t i = 0; i < details->root_name_count; i++) {
        if (kept > 0 &&
            compare_root_names(&details->root_names[kept - 1], &details->root_names[i]) == 0)
            free(details->root_names[i].name);
        else
            details->root_names[kept++] = details->root_names[i];
    }
    details->root_name_count = kept;
}

static bool gather_roots(DeclaredHeap *heap, const rudo_snap_options *options, Error *error)
{
    rudo_snap_root root;

    for (size_t i = 0; i < options->root_count; i++)
        if (!add_root(heap, &options->roots[i], error))
            return false;
    while (options->next_root != NULL && options->next_root(options->roots_context, &root) != 0)
        if (!add_root(heap, &root, error))
            return false;
    finish_roots(heap);
    return true;
}

// ---- blocks ----

static bool add_block(DeclaredHeap *heap, const rudo_snap_block *block, Error *error)
{
    uint64_t count = heap->contents.block_count;

    if (block->address == NULL || block->bytes == 0)
        return error_set(error, ERROR_CORRUPT, "the block at 0x%llx, %zu bytes, is not a block",
                         (unsigned long long)address_of(block->address), block->bytes);
    if (!array_reserve(&heap->blocks, &heap->block_capacity, count + 1, sizeof *heap->blocks,
                       "blocks", error))
        return false;
    heap->blocks[count] = (SnapshotBlock){address_of(block->address), block->bytes, block->address};
    heap->contents.block_count++;
    return true;
}

static int compare_blocks(const void *left, const void *right)
{
    const SnapshotBlock *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

static bool gather_blocks(DeclaredHeap *heap, const rudo_snap_options *options, Error *error)
{
    rudo_snap_block block;

    for (size_t i = 0; i < options->block_count; i++)
        if (!add_block(heap, &options->blocks[i], error))
            return false;
    while (options->next_block != NULL && options->next_block(options->blocks_context, &block) != 0)
        if (!add_block(heap, &block, error))
            return false;
    heap->contents.blocks = heap->blocks;
    if (heap->contents.block_count == 0)
        return true;
    qsort(heap->blocks, heap->contents.block_count, sizeof *heap->blocks, compare_blocks);
    for (uint64_t i = 1; i < heap->contents.block_count; i++)
        if (heap->blocks[i].address < heap->blocks[i - 1].address + heap->blocks[i - 1].bytes)
            return error_set(error, ERROR_CORRUPT, "the block at 0x%llx overlaps another",
                             (unsigned long long)heap->blocks[i].address);
    return true;
}

// ---- types ----

static int compare_offsets(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

// Copies the offsets: sorted, each once, without those in the part where every word is a reference.
static bool copy_offsets(const rudo_snap_type *type, SnapshotTypeLayout *layout, Error *error)
{
    layout->offsets = calloc(type->offset_count + 1, sizeof *layout->offsets);
    if (layout->offsets == NULL)
        return error_set_memory(error, type->offset_count * sizeof *layout->offsets,
                                "offsets of references");
    if (type->offset_count > 0) {
        memcpy(layout->offsets, type->offsets, type->offset_count * sizeof *layout->offsets);
        qsort(layout->offsets, type->offset_count, sizeof *layout->offsets, compare_offsets);
    }
    for (size_t i = 0; i < type->offset_count; i++) {
        uint32_t offset = layout->offsets[i];

        if (offset < layout->rest_offset &&
            (layout->offset_count == 0 || layout->offsets[layout->offset_count - 1] != offset))
            layout->offsets[layout->offset_count++] = offset;
    }
    return true;
}

static bool check_type(const DeclaredHeap *heap, const rudo_snap_type *type, Error *error)
{
    uint32_t payload = heap->contents.layout.object_header_bytes;
    bool is_good = type->name != NULL && type->type_word != 0 && type->elements_offset % 8 == 0 &&
                   type->offset_count < UINT32_MAX &&
                   (type->elements_offset == 0 || type->elements_offset >= payload);

    for (size_t i = 0; is_good && i < type->offset_count; i++)
        is_good = type->offsets[i] % 8 == 0 && type->offsets[i] >= payload;
    return is_good ||
           error_set(
               error, ERROR_CORRUPT,
               "type '%s' is not possible: it needs a name, a type word, and offsets that are "
               "multiples of 8 behind the object header of %u bytes",
               type->name == NULL ? "" : type->name, payload);
}

static int compare_types(const void *left, const void *right)
{
    const SnapshotType *a = left, *b = right;

    return a->type_word < b->type_word ? -1 : a->type_word > b->type_word;
}

static int compare_layouts(const void *left, const void *right)
{
    const SnapshotTypeLayout *a = left, *b = right;

    return a->type_word < b->type_word ? -1 : a->type_word > b->type_word;
}

static bool add_type(SnapshotDetails *details, const rudo_snap_type *type, Error *error)
{
    SnapshotTypeLayout *layout = &details->type_layouts[details->type_layout_count++];
    SnapshotType *record = &details->types[details->type_count++];

    *layout = (SnapshotTypeLayout){
        .type_word = type->type_word,
        .rest_offset = type->elements_offset == 0 ? UINT32_MAX : type->elements_offset,
    };
    *record = (SnapshotType){.type_word = type->type_word, .module = NO_MODULE};
    record->symbols = calloc(1, sizeof *record->symbols);
    if (record->symbols == NULL || (record->symbols[0] = strdup(type->name)) == NULL)
        return error_set_memory(error, strlen(type->name) + 1, "the name of a type");
    record->symbol_count = 1;
    return copy_offsets(type, layout, error);
}

static bool gather_types(DeclaredHeap *heap, const rudo_snap_options *options, Error *error)
{
    SnapshotDetails *details = heap->details;

    if (options->type_count == 0)
        return true;
    if (heap->contents.layout.type_word.width == 0)
        return error_set(error, ERROR_CORRUPT,
                         "types are declared, but objects of layout '%s' have no type word",
                         heap->contents.layout.name);
    details->types = calloc(options->type_count, sizeof *details->types);
    details->type_layouts = calloc(options->type_count, sizeof *details->type_layouts);
    if (details->types == NULL || details->type_layouts == NULL)
        return error_set_memory(error, options->type_count * sizeof *details->types, "types");
    for (size_t i = 0; i < options->type_count; i++)
        if (!check_type(heap, &options->types[i], error) ||
            !add_type(details, &options->types[i], error))
            return false;
    qsort(details->types, details->type_count, sizeof *details->types, compare_types);
    qsort(details->type_layouts, details->type_layout_count, sizeof *details->type_layouts,
          compare_layouts);
    for (uint32_t i = 1; i < details->type_count; i++)
        if (details->types[i].type_word == details->types[i - 1].type_word)
            return error_set(error, ERROR_CORRUPT, "types '%s' and '%s' have the same type word",
                             details->types[i - 1].symbols[0], details->types[i].symbols[0]);
    return true;
}

// ---- all ----

bool declared_heap_gather(DeclaredHeap *heap, const HeapLayout *layout,
                          const rudo_snap_options *options, Error *error)
{
    *heap = (DeclaredHeap){.contents = {.layout = *layout}, .details = snapshot_details_new()};
    if (heap->details == NULL)
        return error_set_memory(error, sizeof *heap->details, "the snapshot's details");
    heap->details->machine = snapshot_machine_of_build();
    heap->contents.details = heap->details;
    return gather_pages(heap, options, error) && gather_roots(heap, options, error) &&
           gather_blocks(heap, options, error) && gather_types(heap, options, error);
}

void declared_heap_release(DeclaredHeap *heap)
{
    free(heap->runs);
    page_records_release(&heap->pages);
    free(heap->roots);
    free(heap->blocks);
    snapshot_details_free(heap->details);
    *heap = (DeclaredHeap){.details = NULL};
}
