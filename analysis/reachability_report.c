// ReachabilityReport: see analysis/reachability_report.h.
//
// One pass over the pages. Totals, size classes and owners come from whole bitmap words;
// only types need the header of each object.

#include "analysis/reachability_report.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/names/heap_language.h"
#include "analysis/names/type_name.h"
#include "analysis/slot_counts_internal.h"
#include "base/array.h"
#include "base/search.h"

// The histogram of types while it grows: counts of each key of the table.
typedef struct KeyCounts {
    TypeTable *table;
    ReachabilityCounts *counts; // owned
    uint32_t count;             // as many as the table has keys
    uint64_t capacity;
    // Neighbours mostly have the same key.
    TypeKey last;
    uint32_t last_index; // NO_INDEX: none yet
} KeyCounts;

// The counts of the object's key; NULL when memory is short (then `error` is set).
static ReachabilityCounts *counts_of_key(KeyCounts *keys, const TypeKey *key, Error *error)
{
    uint32_t index = keys->last_index;

    if (index != NO_INDEX && type_key_is_same(key, &keys->last))
        return &keys->counts[index];
    index = type_table_add(keys->table, key, error);
    if (index == NO_INDEX)
        return NULL;
    keys->last = *key;
    keys->last_index = index;
    if (index == keys->count) {
        if (!array_reserve(&keys->counts, &keys->capacity, index + UINT64_C(1),
                           sizeof *keys->counts, "a histogram", error))
            return NULL;
        keys->counts[keys->count++] = (ReachabilityCounts){0};
    }
    return &keys->counts[index];
}

// Adds the slots of `mask` to the counts of one key.
static bool add_run(KeyCounts *keys, const TypeKey *key, const SlotBits *bits, uint64_t mask,
                    uint64_t slot_bytes, Error *error)
{
    SlotBits run = {bits->live & mask, bits->zombies & mask, bits->marked & mask, bits->is_counted};
    ReachabilityCounts *counts = counts_of_key(keys, key, error);

    if (counts == NULL)
        return false;
    slot_counts_add(counts, &run, slot_bytes);
    return true;
}

// Counts each allocated slot of the word under its key; neighbours of the same key at once.
static bool add_types(const HeapImage *image, uint32_t page, uint32_t word, const SlotBits *bits,
                      KeyCounts *keys, Error *error)
{
    uint64_t slot_bytes = image->pages[page].block_size, run = 0;
    TypeKey key = {0};

    for (uint64_t left = bits->live | bits->zombies; left != 0; left &= left - 1) {
        TypeKey next = type_key_of(image, page, word * 64 + (uint32_t)__builtin_ctzll(left));

        if (run != 0 && !type_key_is_same(&key, &next)) {
            if (!add_run(keys, &key, bits, run, slot_bytes, error))
                return false;
            run = 0;
        }
        key = next;
        run |= left & -left;
    }
    return run == 0 || add_run(keys, &key, bits, run, slot_bytes, error);
}

static bool add_page(ReachabilityReport *report, const HeapImage *image, const MarkResult *result,
                     uint32_t page, KeyCounts *keys, Error *error)
{
    const HeapPage *record = &image->pages[page];
    uint64_t size_class =
        heap_image_is_large(image, page) ? LARGE_SIZE_CLASS : (uint64_t)record->block_size;
    ReachabilityCounts counts = {.pages = 1, .slots = record->slot_count};
    ReachabilityCounts *size_counts, *owner_counts;

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        SlotBits bits = slot_bits(image, result, page, word);

        slot_counts_add(&counts, &bits, record->block_size);
        if (!add_types(image, page, word, &bits, keys, error))
            return false;
    }

    size_counts = group_table_at(&report->size_classes, size_class, error);
    if (size_counts == NULL)
        return false;
    reachability_counts_add(size_counts, &counts);
    owner_counts = group_table_at(&report->owner_threads, record->owner_thread, error);
    if (owner_counts == NULL)
        return false;
    reachability_counts_add(owner_counts, &counts);
    reachability_counts_add(&report->totals, &counts);
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

static bool name_type(ReachabilityType *type, NameSets *sets, const SnapshotDetails *details,
                      Error *error)
{
    NameSet set;

    if (!type->has_header) {
        type->label = strdup("no object header");
    } else {
        type->details = snapshot_details_find_type(details, type->type_word);
        type->label = type_label(details, type->type_word);
        if (!name_sets_find(sets, type->details, NULL, &set, error))
            return false;
        type->name = set.text;
    }
    if (type->label == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a type's label");
    return true;
}

static int compare_by_word(const void *left, const void *right)
{
    const ReachabilityType *a = left, *b = right;

    if (a->has_header != b->has_header)
        return a->has_header ? 1 : -1;
    return (a->type_word > b->type_word) - (a->type_word < b->type_word);
}

// The order of shown_types is that of their keys.
static int compare_shown(const void *left, const void *right)
{
    const ReachabilityType *a = *(const ReachabilityType *const *)left;
    const ReachabilityType *b = *(const ReachabilityType *const *)right;

    return (a->variants > b->variants) - (a->variants < b->variants);
}

static bool is_of_type(const ReachabilityType *type, const TypeKey *key)
{
    return type->has_header == (key->block_size != 0) && type->type_word == key->trace;
}

// Keys of one type word are neighbours in the order in which they are shown.
static void group_keys(ReachabilityReport *report)
{
    const TypeTable *table = report->type_table;

    for (uint32_t i = 0; i < table->key_count; i++) {
        const TypeKey *key = &table->keys[table->shown_keys[i]];
        const ReachabilityCounts *counts = &report->key_counts[table->shown_keys[i]];

        if (i == 0 || !is_of_type(&report->types[report->type_count - 1], key))
            report->types[report->type_count++] = (ReachabilityType){
                .has_header = key->block_size != 0,
                .type_word = key->trace,
                .variants = &table->shown_keys[i],
            };
        report->types[report->type_count - 1].variant_count++;
        reachability_counts_add(&report->types[report->type_count - 1].counts, counts);
        reachability_counts_add(&report->heap_type_counts[key->type], counts);
    }
}

static bool take_types(ReachabilityReport *report, const HeapImage *image, Error *error)
{
    size_t count = (size_t)report->type_table->key_count + 1;

    report->types = calloc(count, sizeof *report->types);
    report->shown_types = calloc(count, sizeof *report->shown_types);
    report->heap_type_counts = calloc(count, sizeof *report->heap_type_counts);
    if (report->types == NULL || report->shown_types == NULL || report->heap_type_counts == NULL)
        return error_set_memory(error, count * sizeof *report->types, "types");
    group_keys(report);
    qsort(report->types, report->type_count, sizeof *report->types, compare_by_word);
    for (uint32_t i = 0; i < report->type_count; i++) {
        if (!name_type(&report->types[i], report->type_table->sets, image->details, error))
            return false;
        report->shown_types[i] = &report->types[i];
        if (report->types[i].counts.objects > 0 &&
            (!report->types[i].has_header ||
             snapshot_details_find_type_layout(image->details, report->types[i].type_word) == NULL))
            report->has_guessed_words = true;
    }
    // The collector's own descriptors said which words count; it hides weak links from itself.
    if (!heap_layout_has_page_headers(&image->layout))
        report->has_guessed_words = false;
    if (image->is_precise)
        report->has_guessed_words =
            image->imprecise_objects > 0 || image->details->metadata.is_redacted;
    report->may_have_none = report->has_guessed_words && heap_language_has_none(image);
    qsort(report->shown_types, report->type_count, sizeof *report->shown_types, compare_shown);
    return true;
}

static bool count_pages(ReachabilityReport *report, const HeapImage *image,
                        const MarkResult *result, Error *error)
{
    KeyCounts keys = {.table = report->type_table, .last_index = NO_INDEX};
    bool ok = true;

    for (uint32_t page = 0; ok && page < image->page_count; page++)
        ok = add_page(report, image, result, page, &keys, error);
    report->key_counts = keys.counts;
    return ok;
}

static bool fill(ReachabilityReport *report, const HeapImage *image, const MarkResult *result,
                 Error *error)
{
    report->kind = result->kind;
    report->rule = mark_rule_name(image);
    mark_result_digest(result, image, report->digest);
    report->heap_bytes = image->image_bytes;
    report->invalid_references = result->totals.invalid_references;
    report->foreign_blocks = image->block_count;
    for (uint32_t i = 0; i < image->block_count; i++)
        report->foreign_bytes += image->blocks[i].bytes;
    report->reachable_foreign_blocks = result->totals.marked_blocks;
    report->reachable_foreign_bytes = result->totals.marked_block_bytes;
    if (!type_table_new(&report->type_table, error) || !count_pages(report, image, result, error))
        return false;
    report->possible = possible_totals(image, &report->totals, report->heap_bytes);
    group_table_sort(&report->size_classes);
    group_table_sort(&report->owner_threads);
    count_roots(report, image, result);
    return type_table_finish(report->type_table, image->details, error) &&
           take_types(report, image, error);
}

bool reachability_report_new(const HeapImage *image, const MarkResult *result,
                             ReachabilityReport **out, Error *error)
{
    ReachabilityReport *report = calloc(1, sizeof *report);

    *out = NULL;
    if (report == NULL)
        return error_set_memory(error, sizeof *report, "a report");
    if (!fill(report, image, result, error)) {
        reachability_report_free(report);
        return false;
    }
    *out = report;
    return true;
}

bool reachability_report_add_invalid(ReachabilityReport *report, const HeapImage *image,
                                     const MarkResult *result, Error *error)
{
    EdgeLabels labels;
    InvalidProof proof;
    bool ok = edge_labels_init(&labels, image, error) &&
              invalid_references_count(image, result, &labels, &report->invalid, &proof, error);

    if (ok) {
        report->knows_invalid = true;
        report->has_proven_invalid = proof.is_found;
        report->proven_invalid = proof.reference;
        if (proof.is_found)
            memcpy(report->proven_field, proof.label.text, sizeof report->proven_field);
    }
    edge_labels_release(&labels);
    return ok;
}

bool reachability_report_add_residue(ReachabilityReport *report, HeapImage *image,
                                     const MarkResult *result, ResidueWords *residue, Error *error)
{
    MarkTotals totals;

    if (!residue_words_find(image, result, residue, error))
        return false;
    if (!residue->is_known)
        return true;
    if (!residue_words_mark(residue, image, result, &totals, error))
        return false;
    report->knows_residue = true;
    report->without_residue_objects = totals.marked_objects;
    report->without_residue_bytes = totals.marked_bytes;
    return true;
}

void reachability_report_free(ReachabilityReport *report)
{
    if (report == NULL)
        return;
    for (uint32_t i = 0; i < report->type_count; i++)
        free(report->types[i].label);
    free(report->types);
    free(report->shown_types);
    free(report->key_counts);
    free(report->heap_type_counts);
    type_table_free(report->type_table);
    group_table_release(&report->size_classes);
    group_table_release(&report->owner_threads);
    free(report);
}

static bool is_before_type_word(const void *types, uint64_t index, const void *type_word)
{
    const ReachabilityType *type = (const ReachabilityType *)types + index;

    return !type->has_header || type->type_word < *(const uint64_t *)type_word;
}

const ReachabilityType *reachability_report_find_type(const ReachabilityReport *report,
                                                      uint64_t type_word)
{
    uint64_t found =
        search_first(report->types, report->type_count, is_before_type_word, &type_word);

    return found < report->type_count ? &report->types[found] : NULL;
}
