// A Boehm heap as a snapshot holds it: its pages with descriptions and normal words, its roots, and
// the types of its objects.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "snapshot/file/salvage/snapshot_salvage.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/made_boehm.h"
#include "tests/support/made_search.h"
#include "tests/support/snapshot_streams.h"

typedef struct Heap {
    MadeBoehm *made;
    uint64_t list;  // objects of 32 bytes
    uint64_t texts; // pointer-free ones of 64 bytes
    uint64_t kept;  // an uncollectable one of 256 bytes
} Heap;

static void set(const Heap *heap, uint64_t address, uint64_t word)
{
    made_process_set(made_boehm_process(heap->made), address, word);
}

// The root refers into object 0, that to object 2 by a pointer inside, and that to a text. Object 1
// is garbage. The uncollectable object refers to the second text.
static Heap make_heap(void)
{
    Heap heap = {.made = made_boehm_new()};

    heap.list = made_boehm_block(heap.made, 32, MADE_NORMAL, 3);
    heap.texts = made_boehm_block(heap.made, 64, MADE_POINTER_FREE, 3);
    heap.kept = made_boehm_block(heap.made, 256, MADE_UNCOLLECTABLE, 1);
    made_boehm_root(heap.made, 0, heap.list + 8);
    set(&heap, heap.list, heap.list + 64 + 16);
    set(&heap, heap.list + 8, 12345);
    set(&heap, heap.list + 24, heap.list + 32); // the last word, which is not looked at
    set(&heap, heap.list + 64, heap.texts);
    set(&heap, heap.texts, heap.list + 32); // pointer-free
    set(&heap, heap.kept, heap.texts + 64);
    return heap;
}

static HeapSearch *search_heap(const Heap *heap)
{
    const HeapSearchOptions options = {.heap_kind = HEAP_BOEHM};
    HeapSearchCounts counts;
    HeapSearch *search;
    Error error = {0};

    cr_assert(heap_search_new(made_boehm_copy(heap->made), &options, &search, &counts, &error),
              "%s", error.message);
    return search;
}

static uint64_t word_at(const SnapshotContents *contents, uint64_t address)
{
    uint64_t word;

    memcpy(&word, contents->runs[0].bytes + (address - contents->runs[0].address), sizeof word);
    return word;
}

Test(boehm_pages, words_are_what_the_collector_looks_at)
{
    Heap heap = make_heap();
    HeapSearch *search = search_heap(&heap);
    const SnapshotContents *contents = heap_search_contents(search);

    cr_expect_eq(contents->run_count, 1u);
    cr_expect_eq(contents->runs[0].page_count, 3u);
    cr_expect_eq(word_at(contents, heap.list), heap.list + 64);
    cr_expect_eq(word_at(contents, heap.list + 8), 0u);
    cr_expect_eq(word_at(contents, heap.list + 24), 0u);
    cr_expect_eq(word_at(contents, heap.list + 64), heap.texts);
    cr_expect_eq(word_at(contents, heap.texts), 0u);
    cr_expect_eq(contents->details->page_count, 3u);
    cr_expect_eq(contents->details->pages[1].flags, SNAPSHOT_PAGE_POINTER_FREE);
    cr_expect_eq(contents->details->pages[2].flags, SNAPSHOT_PAGE_UNCOLLECTABLE);
    cr_expect_eq(contents->details->pages[2].read_bytes, 248u);
    heap_search_free(search);
    made_boehm_free(heap.made);
}

Test(boehm_pages, roots_are_those_of_the_collectors_tables)
{
    Heap heap = make_heap();
    HeapSearch *search;

    set(&heap, MADE_STACK + 0x2900, heap.texts + 128);
    set(&heap, MADE_STACK + 0x100, heap.list + 32); // below the stack pointer
    set(&heap, MADE_ROOTS + 512, heap.list + 32);   // behind the root set
    search = search_heap(&heap);
    cr_expect(made_search_has_root(search, ROOT_GLOBAL, MADE_ROOTS));
    cr_expect(made_search_has_root(search, ROOT_STACK, MADE_STACK + 0x2900));
    cr_expect(made_search_has_root(search, ROOT_EXPLICIT, heap.kept));
    cr_expect_eq(heap_search_contents(search)->root_count, 3u);
    cr_expect_eq(heap_search_contents(search)->roots[0].value, heap.list);
    heap_search_free(search);
    made_boehm_free(heap.made);
}

Test(boehm_pages, types_are_kinds_and_sites_of_allocation)
{
    Heap heap = make_heap();
    uint64_t debugged = made_boehm_block(heap.made, 64, MADE_NORMAL, 1);
    const SnapshotDetails *details;
    const SnapshotObjectType *type;
    HeapSearch *search;

    set(&heap, debugged, MADE_MODULE + 0x10); // the name of a file that cannot be read
    set(&heap, debugged + 8, 42);
    set(&heap, debugged + 16, 24);
    set(&heap, debugged + 24, UINT64_C(0xFEDCEDCBFEDCEDCB) ^ (debugged + 32));
    search = search_heap(&heap);
    details = heap_search_contents(search)->details;
    type = snapshot_details_find_object_type(details, 0, 2);
    cr_assert_not_null(type);
    cr_expect_str_eq(details->types[type->type].symbols[0], "normal, 32 bytes");
    type = snapshot_details_find_object_type(details, 1, 0);
    cr_assert_not_null(type);
    cr_expect_str_eq(details->types[type->type].symbols[0], "pointer-free, 64 bytes");
    type = snapshot_details_find_object_type(details, 3, 0);
    cr_assert_not_null(type);
    cr_expect_str_eq(details->types[type->type].symbols[0], "allocated at 0x560000000010:42");
    cr_expect_eq(type->requested, 24u);
    cr_expect_null(snapshot_details_find_object_type(details, 3, 1));
    heap_search_free(search);
    made_boehm_free(heap.made);
}

// ---- files ----

static uint64_t reachable_in(const char *path)
{
    MarkOptions options = mark_options_default();
    HeapImage *image = NULL;
    MarkResult *mark = NULL;
    uint64_t count;
    Error error = {0};

    cr_assert(snapshot_read(path, NULL, &image, &error), "%s", error.message);
    cr_expect_str_eq(mark_rule_name(image), "bdwgc/1");
    cr_assert(mark_reachable(image, &options, &mark, &error), "%s", error.message);
    count = mark->totals.marked_objects;
    mark_result_free(mark);
    heap_image_free(image);
    return count;
}

Test(boehm_pages, snapshots_are_read_verified_redacted_and_saved)
{
    Heap heap = make_heap();
    HeapSearch *search = search_heap(&heap);
    const SnapshotContents *contents = heap_search_contents(search);
    SnapshotWriteOptions redacts = {.redacts = true};
    SnapshotVerification verification;
    SnapshotSalvage found;
    TestFolder folder = test_folder_new();
    char *plain = test_folder_file(&folder, "plain.zst");
    char *redacted = test_folder_file(&folder, "redacted.zst");
    char *saved = test_folder_file(&folder, "saved.zst");
    Error error = {0};

    cr_assert(snapshot_write(plain, contents, NULL, NULL, &error), "%s", error.message);
    cr_assert(snapshot_write(redacted, contents, &redacts, NULL, &error), "%s", error.message);
    // Two of the list, two texts and the uncollectable object.
    cr_expect_eq(reachable_in(plain), 5u);
    cr_expect_eq(reachable_in(redacted), 5u);
    cr_assert(snapshot_verify(plain, NULL, &verification, &error), "%s", error.message);
    cr_expect_eq(verification.pages_checked, 3u);
    cr_assert(snapshot_salvage(plain, saved, false, 0, &found, &error), "%s", error.message);
    cr_expect_eq(reachable_in(saved), 5u);
    free(plain);
    free(redacted);
    free(saved);
    test_folder_free(&folder);
    heap_search_free(search);
    made_boehm_free(heap.made);
}

// A page that is not described, one that is described and not there, and one that would have other
// slots than fit.
Test(boehm_pages, descriptions_must_fit_the_pages)
{
    for (int damage = 0; damage < 3; damage++) {
        Heap heap = make_heap();
        HeapSearch *search = search_heap(&heap);
        SnapshotContents contents = *heap_search_contents(search);
        SnapshotDetails details = *contents.details;
        TestFolder folder = test_folder_new();
        char *path = test_folder_file(&folder, "damaged.zst");
        SnapshotVerification verification;
        HeapImage *image = NULL;
        Error error = {0};

        details.object_type_count = 0;
        contents.details = &details;
        if (damage == 0)
            details.page_count--;
        else if (damage == 1)
            details.pages[2].address += 4096;
        else
            details.pages[2].slot_count--;
        cr_assert(snapshot_write(path, &contents, NULL, NULL, &error), "%s", error.message);
        cr_expect_not(snapshot_read(path, NULL, &image, &error));
        cr_expect_eq(error.code, ERROR_CORRUPT);
        cr_expect(strstr(error.message, "described") != NULL, "%s", error.message);
        cr_expect_not(snapshot_verify(path, NULL, &verification, &error));
        cr_expect(strstr(error.message, "described") != NULL, "%s", error.message);
        free(path);
        test_folder_free(&folder);
        heap_search_free(search);
        made_boehm_free(heap.made);
    }
}
