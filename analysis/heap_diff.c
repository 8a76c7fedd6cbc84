// HeapDiff: see analysis/heap_diff.h.

#include "analysis/heap_diff.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/names/type_table.h"
#include "analysis/page_fragmentation.h"

void heap_diff_free(HeapDiff *diff)
{
    if (diff == NULL)
        return;
    free(diff->types);
    free(diff->paths);
    free(diff->classes);
    free(diff->moves);
    free(diff->pages);
    free(diff->numbers);
    free(diff);
}

typedef struct Diffing {
    const HeapProfile *const *profiles;
    HeapDiff *diff;
    uint64_t *next_number;
} Diffing;

static uint64_t *take_numbers(Diffing *diffing)
{
    uint64_t *numbers = diffing->next_number;

    diffing->next_number += diffing->diff->heap_count;
    return numbers;
}

// ---- rows ----

// Types without names are the same when their trace functions lie at the same place of the same
// build of a module: their numbers differ from heap to heap.
static int compare_labels(const void *left, const void *right)
{
    const DiffRow *a = left, *b = right;
    int order = strcmp(a->key, b->key);

    return order != 0 ? order : strcmp(a->build, b->build);
}

static int compare_growth(const void *left, const void *right)
{
    const DiffRow *a = left, *b = right;

    if (a->growth != b->growth)
        return a->growth > b->growth ? -1 : 1;
    return strcmp(a->label, b->label);
}

// Sorts rows by label, drops repeated ones, and gives the rest their arrays.
static void settle_rows(Diffing *diffing, DiffRow *rows, uint32_t *count)
{
    uint32_t kept = 0;

    if (*count > 0)
        qsort(rows, *count, sizeof *rows, compare_labels);
    for (uint32_t i = 0; i < *count; i++)
        if (kept == 0 || compare_labels(&rows[kept - 1], &rows[i]) != 0)
            rows[kept++] = rows[i];
    *count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        rows[i].objects = take_numbers(diffing);
        rows[i].bytes = take_numbers(diffing);
        rows[i].owned = take_numbers(diffing);
        rows[i].unreachable = take_numbers(diffing);
    }
}

static DiffRow *row_of(DiffRow *rows, uint32_t count, const char *label, const char *build)
{
    DiffRow key = {.key = type_label_without_number(label), .build = build};

    return bsearch(&key, rows, count, sizeof key, compare_labels);
}

static void judge_rows(const HeapDiff *diff, DiffRow *rows, uint32_t count)
{
    uint32_t last = diff->heap_count - 1;

    for (uint32_t i = 0; i < count; i++) {
        DiffRow *row = &rows[i];

        row->growth = (int64_t)(row->bytes[last] - row->bytes[0]);
        row->grew_always = true;
        for (uint32_t heap = 1; heap <= last; heap++)
            row->grew_always = row->grew_always && row->objects[heap] > row->objects[heap - 1];
    }
}

static void fill_types(Diffing *diffing)
{
    HeapDiff *diff = diffing->diff;

    for (uint32_t heap = 0; heap < diff->heap_count; heap++)
        for (uint32_t i = 0; i < diffing->profiles[heap]->type_count; i++) {
            const ProfileType *type = &diffing->profiles[heap]->types[i];

            diff->types[diff->type_count++] =
                (DiffRow){.label = type->label,
                          .key = type_label_without_number(type->label),
                          .build = type->build};
        }
    settle_rows(diffing, diff->types, &diff->type_count);
    for (uint32_t heap = 0; heap < diff->heap_count; heap++)
        for (uint32_t i = 0; i < diffing->profiles[heap]->type_count; i++) {
            const ProfileType *type = &diffing->profiles[heap]->types[i];
            DiffRow *row = row_of(diff->types, diff->type_count, type->label, type->build);
            uint64_t owned = diff->knows_owned ? type->owned_bytes : 0;

            // Several types without names may have one trace function.
            row->label = type->label;
            row->objects[heap] += type->counts.reachable_objects;
            row->owned[heap] += owned;
            row->bytes[heap] += type->counts.reachable_bytes + owned;
            row->unreachable[heap] += type->counts.unreachable_objects;
        }
    judge_rows(diff, diff->types, diff->type_count);
}

static void fill_paths(Diffing *diffing)
{
    HeapDiff *diff = diffing->diff;

    for (uint32_t heap = 0; heap < diff->heap_count; heap++)
        for (uint32_t i = 0; i < diffing->profiles[heap]->path_count; i++)
            diff->paths[diff->path_count++] =
                (DiffRow){.label = diffing->profiles[heap]->paths[i].label,
                          .key = type_label_without_number(diffing->profiles[heap]->paths[i].label),
                          .build = ""};
    settle_rows(diffing, diff->paths, &diff->path_count);
    for (uint32_t heap = 0; heap < diff->heap_count; heap++)
        for (uint32_t i = 0; i < diffing->profiles[heap]->path_count; i++) {
            const ProfilePath *path = &diffing->profiles[heap]->paths[i];
            DiffRow *row = row_of(diff->paths, diff->path_count, path->label, "");

            row->objects[heap] += path->objects;
            row->owned[heap] += diff->knows_owned ? path->owned_bytes : 0;
            row->bytes[heap] += path->bytes + (diff->knows_owned ? path->owned_bytes : 0);
        }
    judge_rows(diff, diff->paths, diff->path_count);
}

// ---- pages ----

static int compare_classes(const void *left, const void *right)
{
    // Large ones, 0, come last.
    uint32_t a = ((const DiffClass *)left)->block_size - 1;
    uint32_t b = ((const DiffClass *)right)->block_size - 1;

    return (a > b) - (a < b);
}

static DiffClass *class_of(Diffing *diffing, const ProfilePage *page)
{
    HeapDiff *diff = diffing->diff;
    uint32_t block_size = page->is_large ? 0 : page->block_size;

    for (uint32_t i = 0; i < diff->class_count; i++)
        if (diff->classes[i].block_size == block_size)
            return &diff->classes[i];
    diff->classes[diff->class_count] = (DiffClass){.block_size = block_size,
                                                   .pages = take_numbers(diffing),
                                                   .nearly_empty = take_numbers(diffing)};
    return &diff->classes[diff->class_count++];
}

// Slots of a page are multiples of 8 bytes; and large ones.
#define MOST_CLASSES (LAYOUT_MAX_PAGE_SIZE / 8 + 2)

static void fill_classes(Diffing *diffing)
{
    HeapDiff *diff = diffing->diff;

    for (uint32_t heap = 0; heap < diff->heap_count; heap++)
        for (uint32_t i = 0; i < diffing->profiles[heap]->page_count; i++) {
            const ProfilePage *page = &diffing->profiles[heap]->pages[i];
            DiffClass *class = class_of(diffing, page);

            class->pages[heap]++;
            class->nearly_empty[heap] +=
                !page->is_large && page_is_nearly_empty(page->reachable, page->slot_count);
        }
    if (diff->class_count > 0)
        qsort(diff->classes, diff->class_count, sizeof *diff->classes, compare_classes);
}

// ---- objects ----

// The rows of the types of two heaps, by their numbers in the profiles.
typedef struct Matching {
    const HeapProfile *before;
    const HeapProfile *after;
    uint32_t *rows_before;
    uint32_t *rows_after;
    HeapDiff *diff;
    ObjectMoves *moves;
    PageMoves *pages;
} Matching;

static void count_gone(Matching *matching, const ProfileObject *object)
{
    ObjectMoves *row = &matching->diff->types[matching->rows_before[object->type]].moves;

    row->gone++;
    matching->moves->gone++;
}

static void count_fresh(Matching *matching, const ProfileObject *object, bool is_reused)
{
    ObjectMoves *row = &matching->diff->types[matching->rows_after[object->type]].moves;

    row->fresh++;
    row->reused += is_reused;
    matching->moves->fresh++;
    matching->moves->reused += is_reused;
}

static void count_pair(Matching *matching, const ProfileObject *old, const ProfileObject *new,
                       bool is_page_same)
{
    bool is_same = is_page_same &&
                   matching->rows_before[old->type] == matching->rows_after[new->type] &&
                   old->generation == new->generation && !(old->is_old && !new->is_old);

    if (is_same) {
        matching->diff->types[matching->rows_after[new->type]].moves.kept++;
        matching->moves->kept++;
        return;
    }
    count_gone(matching, old);
    count_fresh(matching, new, true);
}

static bool is_live(const HeapProfile *profile, const ProfilePage *page, uint32_t slot)
{
    return profile->live[page->first_word + slot / 64] >> slot % 64 & 1;
}

// Compares two pages of the same address; one of them may be NULL: then only one heap has the page.
static void match_page(Matching *matching, const ProfilePage *old, const ProfilePage *new)
{
    uint64_t old_object = old != NULL ? old->first_object : 0;
    uint64_t new_object = new != NULL ? new->first_object : 0;
    bool has_same_slots = old != NULL && new != NULL && old->block_size == new->block_size &&
                          old->slot_count == new->slot_count;
    bool is_same = has_same_slots && old->owner_thread == new->owner_thread &&
                   old->generation <= new->generation;
    uint32_t slots = old != NULL ? old->slot_count : 0;

    if (new != NULL &&new->slot_count > slots)
        slots = new->slot_count;
    matching->pages->kept += old != NULL && new != NULL;
    matching->pages->gone += new == NULL;
    matching->pages->fresh += old == NULL;
    matching->pages->reused += old != NULL && new != NULL && !is_same;
    for (uint32_t slot = 0; slot < slots; slot++) {
        bool was = old != NULL && slot < old->slot_count && is_live(matching->before, old, slot);
        bool is = new != NULL &&slot < new->slot_count &&is_live(matching->after, new, slot);
        const ProfileObject *before = was ? &matching->before->objects[old_object++] : NULL;
        const ProfileObject *after = is ? &matching->after->objects[new_object++] : NULL;

        if (was && is && has_same_slots) {
            count_pair(matching, before, after, is_same);
            continue;
        }
        if (was)
            count_gone(matching, before);
        if (is)
            count_fresh(matching, after, false);
    }
}

static void match_pages(Matching *matching)
{
    uint32_t i = 0, j = 0;

    while (i < matching->before->page_count || j < matching->after->page_count) {
        const ProfilePage *old =
            i < matching->before->page_count ? &matching->before->pages[i] : NULL;
        const ProfilePage *new =
            j < matching->after->page_count ? &matching->after->pages[j] : NULL;

        if (old != NULL && new != NULL && old->address != new->address) {
            if (old->address < new->address)
                new = NULL;
            else
                old = NULL;
        }
        match_page(matching, old, new);
        i += old != NULL;
        j += new != NULL;
    }
}

static uint32_t *rows_of(const HeapDiff *diff, const HeapProfile *profile)
{
    uint32_t *rows = calloc((size_t)profile->type_count + 1, sizeof *rows);

    for (uint32_t i = 0; rows != NULL && i < profile->type_count; i++)
        rows[i] = (uint32_t)(row_of(diff->types, diff->type_count, profile->types[i].label,
                                    profile->types[i].build) -
                             diff->types);
    return rows;
}

static bool match_objects(Diffing *diffing, Error *error)
{
    HeapDiff *diff = diffing->diff;
    bool ok = true;

    for (uint32_t step = 0; ok && step + 1 < diff->heap_count; step++) {
        Matching matching = {.before = diffing->profiles[step],
                             .after = diffing->profiles[step + 1],
                             .diff = diff,
                             .moves = &diff->moves[step],
                             .pages = &diff->pages[step]};

        matching.rows_before = rows_of(diff, matching.before);
        matching.rows_after = rows_of(diff, matching.after);
        ok = matching.rows_before != NULL && matching.rows_after != NULL;
        if (ok)
            match_pages(&matching);
        else
            (void)error_set_memory(error, diff->type_count * 8, "types");
        free(matching.rows_before);
        free(matching.rows_after);
    }
    return ok;
}

static bool is_one_process(const HeapProfile *const *profiles, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const ProfileProcess *a = &profiles[i - 1]->process, *b = &profiles[i]->process;

        if (a->pid != b->pid || strcmp(a->executable, b->executable) != 0 ||
            strcmp(a->build_id, b->build_id) != 0 || a->base != b->base ||
            a->captured_at_ns > b->captured_at_ns)
            return false;
    }
    return true;
}

static bool allocate(Diffing *diffing, Error *error)
{
    HeapDiff *diff = diffing->diff;
    uint64_t types = 0, paths = 0, numbers;

    for (uint32_t heap = 0; heap < diff->heap_count; heap++) {
        types += diffing->profiles[heap]->type_count;
        paths += diffing->profiles[heap]->path_count;
    }
    numbers = (4 * (types + paths) + 2 * MOST_CLASSES) * diff->heap_count;
    diff->types = calloc(types + 1, sizeof *diff->types);
    diff->paths = calloc(paths + 1, sizeof *diff->paths);
    diff->classes = calloc(MOST_CLASSES, sizeof *diff->classes);
    diff->moves = calloc(diff->heap_count, sizeof *diff->moves);
    diff->pages = calloc(diff->heap_count, sizeof *diff->pages);
    diff->numbers = diffing->next_number = calloc(numbers, sizeof *diff->numbers);
    if (diff->types == NULL || diff->paths == NULL || diff->classes == NULL ||
        diff->moves == NULL || diff->pages == NULL || diff->numbers == NULL)
        return error_set_memory(error, numbers * sizeof *diff->numbers, "a comparison of heaps");
    return true;
}

bool heap_diff_new(const HeapProfile *const *profiles, uint32_t count, HeapDiff **out, Error *error)
{
    HeapDiff *diff = calloc(1, sizeof *diff);
    Diffing diffing = {.profiles = profiles, .diff = diff};

    *out = NULL;
    if (diff == NULL)
        return error_set_memory(error, sizeof *diff, "a comparison of heaps");
    diff->heap_count = count;
    diff->is_one_process = is_one_process(profiles, count);
    diff->has_paths = diff->knows_owned = true;
    for (uint32_t heap = 0; heap < count; heap++) {
        diff->has_paths = diff->has_paths && profiles[heap]->has_paths;
        diff->knows_owned = diff->knows_owned && profiles[heap]->knows_owned;
    }
    if (!allocate(&diffing, error)) {
        heap_diff_free(diff);
        return false;
    }
    fill_types(&diffing);
    if (diff->has_paths)
        fill_paths(&diffing);
    fill_classes(&diffing);
    if (diff->is_one_process && !match_objects(&diffing, error)) {
        heap_diff_free(diff);
        return false;
    }
    if (diff->type_count > 0)
        qsort(diff->types, diff->type_count, sizeof *diff->types, compare_growth);
    if (diff->path_count > 0)
        qsort(diff->paths, diff->path_count, sizeof *diff->paths, compare_growth);
    *out = diff;
    return true;
}
