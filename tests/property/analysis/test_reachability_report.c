// The report against a plain recount, object by object, on random heaps; and its JSON against
// itself: relocated, and marked by other workers.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/reachability_report.h"
#include "formats/json/reachability_json.h"
#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"

#define CASES 40u

// One object at a time, by the plainest functions there are.
static ReachabilityCounts
recount(const HeapImage *image, const MarkResult *result,
        bool (*is_wanted)(const HeapImage *, uint32_t, uint32_t, uint64_t), uint64_t key)
{
    ReachabilityCounts counts = {0};

    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint64_t bytes = image->pages[page].block_size;

            if (!is_wanted(image, page, slot, key) || !heap_image_is_allocated(image, page, slot))
                continue;
            if (!heap_image_is_live(image, page, slot)) {
                counts.zombies++;
                counts.zombie_bytes += bytes;
                continue;
            }
            counts.objects++;
            counts.object_bytes += bytes;
            if (result->kind == MARK_MINOR && heap_image_generation(image, page) != 0)
                continue;
            if (mark_result_is_marked(result, image, page, slot)) {
                counts.reachable_objects++;
                counts.reachable_bytes += bytes;
            } else {
                counts.unreachable_objects++;
                counts.unreachable_bytes += bytes;
            }
        }
    return counts;
}

static bool is_any(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t key)
{
    (void)image, (void)page, (void)slot, (void)key;
    return true;
}

static bool is_of_class(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t key)
{
    (void)slot;
    return key == LARGE_SIZE_CLASS ? heap_image_is_large(image, page)
                                   : image->pages[page].block_size == key;
}

static bool is_of_owner(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t key)
{
    (void)slot;
    return image->pages[page].owner_thread == key;
}

// Whose types is_of_heap_type() speaks of.
static const TypeTable *wanted_table;

static bool is_of_type(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t key)
{
    return heap_layout_has_object_header(&image->layout, image->pages[page].block_size) &&
           heap_image_type_word(image, page, slot) == key;
}

static bool is_of_heap_type(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t key)
{
    return heap_image_is_allocated(image, page, slot) &&
           type_table_find(wanted_table, image, page, slot) == key;
}

static bool is_headerless(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t key)
{
    (void)slot, (void)key;
    return !heap_layout_has_object_header(&image->layout, image->pages[page].block_size);
}

// Pages and slots are counted per page, not per object.
static void expect_counts(const ReachabilityCounts *actual, ReachabilityCounts expected,
                          uint64_t seed, const char *what, uint64_t key)
{
    expected.pages = actual->pages;
    expected.slots = actual->slots;
    cr_expect_eq(memcmp(actual, &expected, sizeof expected), 0,
                 "%s %" PRIu64 " differs, TEST_SEED=%" PRIu64, what, key, seed);
}

static void expect_groups(const GroupTable *groups, const ReachabilityReport *report,
                          const HeapImage *image, const MarkResult *result,
                          bool (*is_wanted)(const HeapImage *, uint32_t, uint32_t, uint64_t),
                          uint64_t seed)
{
    uint64_t pages = 0, slots = 0, objects = 0;

    for (uint32_t i = 0; i < groups->group_count; i++) {
        const Group *group = &groups->groups[i];

        cr_expect(i == 0 || groups->groups[i - 1].key < group->key, "not ascending");
        expect_counts(&group->counts, recount(image, result, is_wanted, group->key), seed, "group",
                      group->key);
        pages += group->counts.pages;
        slots += group->counts.slots;
        objects += group->counts.objects;
    }
    cr_expect_eq(pages, report->totals.pages, "TEST_SEED=%" PRIu64, seed);
    cr_expect_eq(slots, report->totals.slots, "TEST_SEED=%" PRIu64, seed);
    cr_expect_eq(objects, report->totals.objects, "TEST_SEED=%" PRIu64, seed);
}

static void check_report(const HeapImage *image, MarkKind kind, uint64_t seed)
{
    MarkResult *result = NULL;
    ReachabilityReport *report = NULL;
    uint64_t roots = 0, typed_objects = 0, typed_zombies = 0;
    Error error;

    cr_assert(mark_reachable_serial(image, kind, &result, &error), "%s", error.message);
    cr_assert(reachability_report_new(image, result, &report, &error), "%s", error.message);

    cr_expect_eq(report->totals.pages, image->page_count);
    expect_counts(&report->totals, recount(image, result, is_any, 0), seed, "totals", 0);
    cr_expect_eq(report->totals.reachable_objects, result->totals.marked_objects);
    cr_expect_eq(report->totals.reachable_bytes, result->totals.marked_bytes);
    expect_groups(&report->size_classes, report, image, result, is_of_class, seed);
    expect_groups(&report->owner_threads, report, image, result, is_of_owner, seed);
    for (uint32_t i = 0; i < report->type_count; i++) {
        const ReachabilityType *type = report->shown_types[i];

        expect_counts(
            &type->counts,
            recount(image, result, type->has_header ? is_of_type : is_headerless, type->type_word),
            seed, "type", type->type_word);
        if (type->has_header)
            cr_expect_eq(reachability_report_find_type(report, type->type_word), type);
        typed_objects += type->counts.objects;
        typed_zombies += type->counts.zombies;
    }
    cr_expect_eq(typed_objects, report->totals.objects);
    cr_expect_eq(typed_zombies, report->totals.zombies);
    wanted_table = report->type_table;
    for (uint32_t i = 0; i < report->type_table->type_count; i++)
        expect_counts(&report->heap_type_counts[i], recount(image, result, is_of_heap_type, i),
                      seed, "heap type", i);
    for (int i = 0; i < ROOT_KIND_COUNT; i++)
        roots += report->root_kinds[i].roots;
    cr_expect_eq(roots, report->roots);

    reachability_report_free(report);
    mark_result_free(result);
}

Test(reachability_report, counts_equal_a_plain_recount)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        RandomHeapOptions options = random_heap_options(first + i, 300);
        RandomHeap *heap = random_heap_new(&options);
        HeapImage *image = random_heap_image(heap, i % 2 == 0);

        check_report(image, MARK_MAJOR, first + i);
        check_report(image, MARK_MINOR, first + i);
        heap_image_free(image);
        random_heap_free(heap);
    }
}

typedef struct Text {
    char *bytes;
    size_t used;
    size_t capacity;
} Text;

static bool text_write(void *context, const char *bytes, size_t count, Error *error)
{
    Text *text = context;

    (void)error;
    if (text->used + count > text->capacity) {
        text->capacity = 2 * (text->used + count);
        text->bytes = realloc(text->bytes, text->capacity);
        cr_assert_not_null(text->bytes);
    }
    memcpy(text->bytes + text->used, bytes, count);
    text->used += count;
    return true;
}

// Report and objects of one mark, one behind the other.
static Text json_of(const HeapImage *image, MarkKind kind, uint32_t workers)
{
    MarkOptions options = mark_options_default();
    ReachabilityReport *report = NULL;
    MarkResult *result = NULL;
    Text text = {.used = 0};
    JsonSink sink = {.write = text_write, .context = &text};
    Error error;

    options.workers = workers;
    options.kind = kind;
    cr_assert(workers == 0 ? mark_reachable_serial(image, kind, &result, &error)
                           : mark_reachable(image, &options, &result, &error),
              "%s", error.message);
    cr_assert(reachability_report_new(image, result, &report, &error), "%s", error.message);
    cr_assert(reachability_json_write(sink, image, report, result, NULL, &error));
    cr_assert(reachability_objects_write(sink, image, report, result, &error));
    reachability_report_free(report);
    mark_result_free(result);
    return text;
}

Test(reachability_report, json_is_the_same_for_every_worker_count_and_when_relocated)
{
    static const uint32_t workers[] = {0, 1, 2, 5, 16};
    uint64_t first = test_seed(1000);

    for (uint64_t i = 0; i < test_dose(CASES / 5); i++) {
        RandomHeapOptions options = random_heap_options(first + i, 300);
        RandomHeap *heap = random_heap_new(&options);
        MarkKind kind = i % 3 == 0 ? MARK_MINOR : MARK_MAJOR;
        HeapImage *relocated = random_heap_image(heap, true);
        HeapImage *image = random_heap_image(heap, false);
        Text expected = json_of(relocated, kind, 0);

        for (size_t w = 0; w < sizeof workers / sizeof workers[0]; w++) {
            Text text = json_of(image, kind, workers[w]);

            cr_expect(text.used == expected.used &&
                          memcmp(text.bytes, expected.bytes, text.used) == 0,
                      "%u workers, TEST_SEED=%" PRIu64, workers[w], first + i);
            free(text.bytes);
        }
        free(expected.bytes);
        heap_image_free(image);
        heap_image_free(relocated);
        random_heap_free(heap);
    }
}
