// ReachabilityReport: see analysis/reachability_report.h.
//
// One pass over the pages. Totals, size classes and owners come from whole bitmap words;
// only types need a look at each object.

#include "analysis/reachability_report.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/type_name.h"

// 64 slots of one page, as bits.
typedef struct SlotBits {
    uint64_t live;
    uint64_t zombies;
    uint64_t marked;
    bool is_counted; // looked at by this kind of mark
} SlotBits;

static uint64_t count_bits(uint64_t bits)
{
    return (uint64_t)__builtin_popcountll(bits);
}

static void add_slots(ReachabilityCounts *counts, const SlotBits *bits, uint64_t slot_bytes)
{
    uint64_t objects = count_bits(bits->live), zombies = count_bits(bits->zombies);

    counts->objects += objects;
    counts->object_bytes += objects * slot_bytes;
    counts->zombies += zombies;
    counts->zombie_bytes += zombies * slot_bytes;
    if (bits->is_counted) {
        uint64_t reachable = count_bits(bits->live & bits->marked);

        counts->reachable_objects += reachable;
        counts->reachable_bytes += reachable * slot_bytes;
        counts->unreachable_objects += objects - reachable;
        counts->unreachable_bytes += (objects - reachable) * slot_bytes;
    }
}

static void add_counts(ReachabilityCounts *counts, const ReachabilityCounts *more)
{
    counts->pages += more->pages;
    counts->slots += more->slots;
    counts->objects += more->objects;
    counts->object_bytes += more->object_bytes;
    counts->zombies += more->zombies;
    counts->zombie_bytes += more->zombie_bytes;
    counts->reachable_objects += more->reachable_objects;
    counts->reachable_bytes += more->reachable_bytes;
    counts->unreachable_objects += more->unreachable_objects;
    counts->unreachable_bytes += more->unreachable_bytes;
}

static SlotBits slot_bits(const HeapImage *image, const MarkResult *result, uint32_t page,
                          uint32_t word)
{
    uint64_t index = heap_image_first_word(image, page) + word;
    uint64_t live = image->live[index];

    return (SlotBits){
        .live = live,
        .zombies = heap_image_allocated_word(image, page, word) & ~live,
        .marked = result->marked[index],
        .is_counted = result->kind == MARK_MAJOR || heap_image_generation(image, page) == 0,
    };
}

// Counts each allocated slot of the word under its type.
static bool add_types(const HeapImage *image, uint32_t page, uint32_t word, const SlotBits *bits,
                      GroupTable *types, Error *error)
{
    uint64_t slot_bytes = image->pages[page].block_size;

    for (uint64_t left = bits->live | bits->zombies; left != 0; left &= left - 1) {
        uint32_t bit = (uint32_t)__builtin_ctzll(left);
        uint64_t mask = UINT64_C(1) << bit;
        SlotBits one = {bits->live & mask, bits->zombies & mask, bits->marked & mask,
                        bits->is_counted};
        ReachabilityCounts *counts =
            group_table_at(types, heap_image_type_word(image, page, word * 64 + bit), error);

        if (counts == NULL)
            return false;
        add_slots(counts, &one, slot_bytes);
    }
    return true;
}

static bool add_page(ReachabilityReport *report, const HeapImage *image, const MarkResult *result,
                     uint32_t page, GroupTable *types, ReachabilityCounts *headerless, Error *error)
{
    const HeapPage *record = &image->pages[page];
    uint64_t size_class =
        heap_image_is_large(image, page) ? LARGE_SIZE_CLASS : (uint64_t)record->block_size;
    ReachabilityCounts counts = {.pages = 1, .slots = record->slot_count};
    ReachabilityCounts *size_counts, *owner_counts;

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        SlotBits bits = slot_bits(image, result, page, word);

        add_slots(&counts, &bits, record->block_size);
        if (heap_layout_has_object_header(&image->layout, record->block_size) &&
            !add_types(image, page, word, &bits, types, error))
            return false;
    }
    if (!heap_layout_has_object_header(&image->layout, record->block_size))
        add_counts(headerless, &counts);

    size_counts = group_table_at(&report->size_classes, size_class, error);
    if (size_counts == NULL)
        return false;
    add_counts(size_counts, &counts);
    owner_counts = group_table_at(&report->owner_threads, record->owner_thread, error);
    if (owner_counts == NULL)
        return false;
    add_counts(owner_counts, &counts);
    add_counts(&report->totals, &counts);
    return true;
}

static void count_roots(ReachabilityReport *report, const HeapImage *image,
                        const MarkResult *result)
{
    for (uint64_t i = 0; i < image->root_count; i++) {
        RootKindCounts *counts = &report->root_kinds[image->roots[i].kind];

        counts->words++;
        counts->exact += image->roots[i].is_exact != 0;
    }
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++) {
        report->root_kinds[kind].roots = result->totals.roots[kind];
        report->roots += result->totals.roots[kind];
    }
}

static bool name_type(ReachabilityType *type, const SnapshotDetails *details, Error *error)
{
    if (!type->has_header) {
        type->label = strdup("no object header");
    } else {
        type->details = snapshot_details_find_type(details, type->type_word);
        type->label = type_label(details, type->type_word);
        if (!type_readable_name(type->details, &type->name))
            return error_set(error, ERROR_MEMORY, "cannot allocate memory for a type's name");
    }
    if (type->label == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a type's label");
    return true;
}

static const char *module_name(const SnapshotDetails *details, const ReachabilityType *type)
{
    return type->details != NULL && type->details->module < details->module_count
               ? details->modules[type->details->module].name
               : NULL;
}

// The order of shown_types. qsort_r, because the module names are the image's.
static int compare_shown(const void *left, const void *right, void *context)
{
    const ReachabilityType *a = *(const ReachabilityType *const *)left;
    const ReachabilityType *b = *(const ReachabilityType *const *)right;
    const SnapshotDetails *details = context;
    const char *a_module = module_name(details, a), *b_module = module_name(details, b);
    int order;

    if (a->has_header != b->has_header)
        return a->has_header ? -1 : 1;
    if ((a_module == NULL) != (b_module == NULL))
        return a_module != NULL ? -1 : 1;
    if (a_module != NULL) {
        order = strcmp(a_module, b_module);
        if (order != 0)
            return order;
        if (a->details->module_offset != b->details->module_offset)
            return a->details->module_offset < b->details->module_offset ? -1 : 1;
    }
    return (a->type_word > b->type_word) - (a->type_word < b->type_word);
}

static bool take_types(ReachabilityReport *report, const HeapImage *image, GroupTable *types,
                       const ReachabilityCounts *headerless, Error *error)
{
    bool has_headerless = headerless->objects + headerless->zombies > 0;
    size_t count = (size_t)types->group_count + has_headerless;

    group_table_sort(types);
    if (count == 0)
        return true;
    report->types = calloc(count, sizeof *report->types);
    report->shown_types = calloc(count, sizeof *report->shown_types);
    if (report->types == NULL || report->shown_types == NULL)
        return error_set_memory(error, count * sizeof *report->types, "types");
    for (size_t i = 0; i < count; i++) {
        ReachabilityType *type = &report->types[i];

        // Those without header come first: false before true.
        if (has_headerless && i == 0) {
            type->counts = *headerless;
            type->counts.pages = type->counts.slots = 0;
        } else {
            type->has_header = true;
            type->type_word = types->groups[i - has_headerless].key;
            type->counts = types->groups[i - has_headerless].counts;
        }
        report->type_count++;
        if (!name_type(type, image->details, error))
            return false;
        report->shown_types[i] = type;
    }
    qsort_r(report->shown_types, count, sizeof *report->shown_types, compare_shown,
            (void *)(uintptr_t)image->details);
    return true;
}

static bool fill(ReachabilityReport *report, const HeapImage *image, const MarkResult *result,
                 GroupTable *types, Error *error)
{
    ReachabilityCounts headerless = {0};

    report->kind = result->kind;
    mark_result_digest(result, image, report->digest);
    report->heap_bytes = image->image_bytes;
    report->invalid_references = result->totals.invalid_references;
    report->foreign_blocks = image->block_count;
    for (uint32_t i = 0; i < image->block_count; i++)
        report->foreign_bytes += image->blocks[i].bytes;
    report->reachable_foreign_blocks = result->totals.marked_blocks;
    report->reachable_foreign_bytes = result->totals.marked_block_bytes;
    for (uint32_t page = 0; page < image->page_count; page++)
        if (!add_page(report, image, result, page, types, &headerless, error))
            return false;
    group_table_sort(&report->size_classes);
    group_table_sort(&report->owner_threads);
    count_roots(report, image, result);
    return take_types(report, image, types, &headerless, error);
}

bool reachability_report_new(const HeapImage *image, const MarkResult *result,
                             ReachabilityReport **out, Error *error)
{
    ReachabilityReport *report = calloc(1, sizeof *report);
    GroupTable types = {0};
    bool ok;

    *out = NULL;
    if (report == NULL)
        return error_set_memory(error, sizeof *report, "a report");
    ok = fill(report, image, result, &types, error);
    group_table_release(&types);
    if (!ok) {
        reachability_report_free(report);
        return false;
    }
    *out = report;
    return true;
}

void reachability_report_free(ReachabilityReport *report)
{
    if (report == NULL)
        return;
    for (uint32_t i = 0; i < report->type_count; i++) {
        free(report->types[i].label);
        free(report->types[i].name);
    }
    free(report->types);
    free(report->shown_types);
    group_table_release(&report->size_classes);
    group_table_release(&report->owner_threads);
    free(report);
}

const ReachabilityType *reachability_report_find_type(const ReachabilityReport *report,
                                                      uint64_t type_word)
{
    uint32_t low = 0, high = report->type_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const ReachabilityType *type = &report->types[middle];

        if (!type->has_header || type->type_word < type_word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < report->type_count ? &report->types[low] : NULL;
}
