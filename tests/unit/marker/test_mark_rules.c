// Rule conservative/1, sentence by sentence, on heaps made by hand: by the serial marker and by
// every other way to mark, in place and relocated.

#include <criterion/criterion.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/support/made_heap.h"

#define BASE UINT64_C(0x200000000000)
#define PAGE UINT64_C(4096)
#define BLOCKS UINT64_C(0x210000000000)
#define MOST 400

// The objects and blocks that a mark must find. The arrays end with the first 0.
typedef struct Expected {
    uint64_t objects[MOST];
    uint64_t blocks[16];
    uint64_t roots[ROOT_KIND_COUNT];
    uint64_t invalid;
    uint64_t edges; // words that refer to an object or block; 0: not checked
    MarkKind kind;
} Expected;

static void expect_objects(const HeapImage *image, const MarkResult *result,
                           const Expected *expected, const char *who)
{
    uint64_t count = 0, bytes = 0;

    for (; count < MOST && expected->objects[count] != 0; count++) {
        uint64_t object = expected->objects[count];
        uint32_t page = heap_image_find_page(image, object);
        cr_assert_neq(page, NO_INDEX);
        cr_expect(
            mark_result_is_marked(result, image, page, heap_image_slot_at(image, page, object)),
            "%s: 0x%llx is not marked", who, (unsigned long long)object);
        bytes += image->pages[page].block_size;
    }
    cr_expect_eq(result->totals.marked_objects, count, "%s: %llu objects, not %llu", who,
                 (unsigned long long)result->totals.marked_objects, (unsigned long long)count);
    cr_expect_eq(result->totals.marked_bytes, bytes, "%s", who);
}

static void expect_blocks(const HeapImage *image, const MarkResult *result,
                          const Expected *expected, const char *who)
{
    uint64_t count = 0, bytes = 0;

    for (; count < 16 && expected->blocks[count] != 0; count++) {
        uint32_t block = heap_image_find_block(image, expected->blocks[count]);
        cr_assert_neq(block, NO_INDEX);
        cr_expect(result->marked_blocks[block / 64] >> (block % 64) & 1, "%s: block 0x%llx", who,
                  (unsigned long long)expected->blocks[count]);
        bytes += image->blocks[block].bytes;
    }
    cr_expect_eq(result->totals.marked_blocks, count, "%s: %llu blocks, not %llu", who,
                 (unsigned long long)result->totals.marked_blocks, (unsigned long long)count);
    cr_expect_eq(result->totals.marked_block_bytes, bytes, "%s", who);
}

static void expect_edges(const MarkResult *result, const Expected *expected, const char *who)
{
    uint64_t edges = 0;

    for (uint32_t i = 0; i < result->statistics.worker_count; i++)
        edges += result->statistics.workers[i].edges;
    if (expected->edges != 0)
        cr_expect_eq(edges, expected->edges, "%s: %llu edges", who, (unsigned long long)edges);
}

static void expect_result(const HeapImage *image, const MarkResult *result,
                          const Expected *expected, const char *who)
{
    expect_objects(image, result, expected, who);
    expect_blocks(image, result, expected, who);
    expect_edges(result, expected, who);
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++)
        cr_expect_eq(result->totals.roots[kind], expected->roots[kind], "%s: %llu %s roots", who,
                     (unsigned long long)result->totals.roots[kind],
                     root_kind_name((RootKind)kind));
    cr_expect_eq(result->totals.invalid_references, expected->invalid,
                 "%s: %llu invalid references, not %llu", who,
                 (unsigned long long)result->totals.invalid_references,
                 (unsigned long long)expected->invalid);
}

static void check_workers(const HeapImage *image, const Expected *expected)
{
    static const struct {
        const char *name;
        uint32_t workers;
        MarkPolicy policy;
        uint32_t capacity;
    } ways[] = {
        {"1 worker", 1, MARK_POLICY_DEFAULT, 0},
        {"1 worker, capacity 2", 1, 0, 2},
        {"2 workers, steal", 2, MARK_POLICY_STEAL, 0},
        {"2 workers, owner", 2, MARK_POLICY_OWNER, 0},
        {"5 workers, steal", 5, MARK_POLICY_STEAL, 2},
        {"5 workers, owner", 5, MARK_POLICY_OWNER, 2},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        MarkOptions options = {.workers = ways[i].workers,
                               .policy = ways[i].policy,
                               .queue_capacity = ways[i].capacity,
                               .kind = expected->kind};
        MarkResult *result;
        Error error = {0};
        cr_assert(mark_reachable(image, &options, &result, &error), "%s", error.message);
        expect_result(image, result, expected, ways[i].name);
        mark_result_free(result);
    }
}

static void check(const MadeHeap *heap, const Expected *expected)
{
    for (int relocated = 0; relocated < 2; relocated++) {
        HeapImage *image = made_heap_image(heap, relocated != 0);
        MarkResult *result;
        Error error = {0};
        cr_assert(mark_reachable_serial(image, expected->kind, &result, &error), "%s",
                  error.message);
        expect_result(image, result, expected, "serial");
        mark_result_free(result);
        check_workers(image, expected);
        heap_image_free(image);
    }
}

#define expect_mark(HEAP, ...) check(HEAP, &(const Expected){__VA_ARGS__})

// ---- roots ----

Test(mark_rules, the_start_of_an_object_counts_from_every_kind_of_root)
{
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 7);
        made_heap_object(heap, page, 3);
        made_heap_root(heap, (RootKind)kind, a);
        made_heap_exact_root(heap, (RootKind)kind, b);
        Expected expected = {.objects = {a, b}};
        expected.roots[kind] = 2;
        check(heap, &expected);
        made_heap_free(heap);
    }
}

Test(mark_rules, the_inside_of_an_object_counts_from_stacks_and_registers_only)
{
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t large = made_heap_page(heap, BASE + PAGE, 9000, 1);
        uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
        uint64_t c = made_heap_object(heap, large, 0);
        made_heap_root(heap, (RootKind)kind, a + 1);
        made_heap_exact_root(heap, (RootKind)kind, b + 63);
        made_heap_root(heap, (RootKind)kind, c + 8999);
        Expected inside = {.objects = {a, b, c}};
        inside.roots[kind] = 3;
        if (kind == ROOT_STACK || kind == ROOT_REGISTER)
            check(heap, &inside);
        else
            expect_mark(heap, .invalid = 3);
        made_heap_free(heap);
    }
}

Test(mark_rules, words_in_a_page_outside_of_allocated_slots_are_invalid_from_everywhere)
{
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t wide = made_heap_page(heap, BASE + PAGE, 16, 1);
        uint64_t large = made_heap_page(heap, BASE + 2 * PAGE, 5000, 1);
        made_heap_object(heap, page, 0);
        made_heap_object(heap, large, 0);
        made_heap_root(heap, (RootKind)kind, page);                                  // its header
        made_heap_root(heap, (RootKind)kind, made_heap_slot(heap, page, 0) - 8);     // its end
        made_heap_root(heap, (RootKind)kind, made_heap_slot(heap, page, 1));         // free
        made_heap_root(heap, (RootKind)kind, made_heap_slot(heap, wide, 100));       // free
        made_heap_root(heap, (RootKind)kind, large + 8);                             // header
        made_heap_root(heap, (RootKind)kind, made_heap_slot(heap, large, 0) + 5000); // behind it
        expect_mark(heap, .invalid = 6);
        made_heap_free(heap);
    }
}

Test(mark_rules, without_roots_nothing_is_marked)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 64, 1);
    uint64_t a = made_heap_object(heap, page, 0), block = made_heap_block(heap, BLOCKS, 64);

    made_heap_refer(heap, a, 0, a);
    made_heap_block_word(heap, block, 0, a);
    expect_mark(heap, .invalid = 0);
    expect_mark(heap, .kind = MARK_MINOR);
    made_heap_free(heap);
}

Test(mark_rules, an_image_may_have_no_pages)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t first, second;

    expect_mark(heap, .invalid = 0);
    made_heap_root(heap, ROOT_STACK, BASE);
    made_heap_root(heap, ROOT_GLOBAL, 0);
    made_heap_root(heap, ROOT_GLOBAL, UINT64_MAX);
    expect_mark(heap, .invalid = 0);
    first = made_heap_block(heap, BLOCKS, 16);
    second = made_heap_block(heap, BLOCKS + 64, 16);
    made_heap_block(heap, BLOCKS + 128, 16);
    made_heap_block_word(heap, first, 8, second);
    made_heap_root(heap, ROOT_TLS, first);
    expect_mark(heap, .blocks = {first, second}, .roots[ROOT_TLS] = 1);
    expect_mark(heap, .blocks = {first, second}, .roots[ROOT_TLS] = 1, .kind = MARK_MINOR);
    made_heap_free(heap);
}

// ---- words of objects ----

Test(mark_rules, payload_words_refer_by_the_start_of_an_object_only)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 128, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    uint64_t c = made_heap_object(heap, page, 2);

    made_heap_refer(heap, a, 0, b);
    made_heap_refer(heap, a, 9, c + 8);                         // inside
    made_heap_refer(heap, a, 5, made_heap_slot(heap, page, 3)); // free
    made_heap_refer(heap, b, 9, a);                             // a circle
    made_heap_root(heap, ROOT_EXPLICIT, a);
    expect_mark(heap, .objects = {a, b}, .roots[ROOT_EXPLICIT] = 1, .invalid = 2, .edges = 2);
    made_heap_free(heap);
}

// The object header's words could be references as well: the type word, say.
Test(mark_rules, the_object_header_is_not_looked_at)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 64, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    HeapLayout layout = *heap_layout_rudo_gc_0_8();

    cr_assert_eq(layout.object_header_bytes, 48);
    made_heap_set_weak(heap, a, b); // an address has neither of the two high bits
    made_heap_root(heap, ROOT_GLOBAL, a);
    expect_mark(heap, .objects = {a}, .roots[ROOT_GLOBAL] = 1);
    made_heap_free(heap);
}

Test(mark_rules, dead_objects_are_referred_to_but_never_marked_or_looked_into)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    for (uint32_t size = 64; size <= 8192; size *= 2) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t other = made_heap_page(heap, BASE + PAGE, size, 1);
        uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
        uint64_t dead = made_heap_object(heap, other, 0);
        made_heap_set_weak(heap, dead, layout->dead_bit);
        made_heap_refer(heap, dead, 0, b);
        made_heap_refer(heap, a, 0, dead);
        made_heap_root(heap, ROOT_GLOBAL, dead);
        made_heap_root(heap, ROOT_STACK, dead + 9);
        made_heap_root(heap, ROOT_HANDLE, a);
        expect_mark(heap, .objects = {a}, .roots[ROOT_GLOBAL] = 1, .roots[ROOT_STACK] = 1,
                    .roots[ROOT_HANDLE] = 1);
        made_heap_free(heap);
    }
}

Test(mark_rules, objects_under_construction_are_marked_but_not_looked_into)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    for (uint32_t size = 64; size <= 8192; size *= 2) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t other = made_heap_page(heap, BASE + PAGE, size, 1);
        uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
        uint64_t raw = made_heap_object(heap, other, 0);
        made_heap_set_weak(heap, raw, layout->under_construction_bit);
        made_heap_refer(heap, raw, 0, b);
        made_heap_refer(heap, raw, 1, page);
        made_heap_refer(heap, a, 0, raw);
        made_heap_root(heap, ROOT_GLOBAL, a);
        expect_mark(heap, .objects = {a, raw}, .roots[ROOT_GLOBAL] = 1);
        made_heap_free(heap);
    }
}

Test(mark_rules, each_invalid_word_counts_once)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 256, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    uint64_t block = made_heap_block(heap, BLOCKS, 24);

    // b is reached on three ways, and its words count once all the same; the same value in two
    // words counts twice.
    for (uint64_t word = 0; word < 3; word++)
        made_heap_refer(heap, a, word, b);
    made_heap_refer(heap, b, 0, page);
    made_heap_refer(heap, b, 1, page);
    made_heap_refer(heap, b, 25, a + 8);
    made_heap_refer(heap, b, 2, block + 1);
    made_heap_block_word(heap, block, 16, page + 16);
    made_heap_root(heap, ROOT_GLOBAL, a);
    made_heap_root(heap, ROOT_GLOBAL, a);
    made_heap_root(heap, ROOT_GLOBAL, a + 8);
    made_heap_root(heap, ROOT_STACK, page);
    expect_mark(heap, .objects = {a, b}, .blocks = {block}, .roots[ROOT_GLOBAL] = 2, .invalid = 6,
                .edges = 4);
    made_heap_free(heap);
}

Test(mark_rules, corrupt_pointers_are_skipped)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 512, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    // None of these lies in a page.
    const uint64_t words[] = {
        0,
        1,
        UINT64_MAX,
        UINT64_MAX - 7,
        UINT64_C(1) << 63,
        UINT64_C(0x0000800000000000), // not canonical
        UINT64_C(0xffff7fffffffffff),
        UINT64_C(0xdeadbeefdeadbeef),
        b | UINT64_C(1) << 63,
        b | UINT64_C(0xffff) << 48, // tagged
        b | UINT64_C(1) << 56,
        b | UINT64_C(2) << 56,
        b | UINT64_C(7) << 56,
        ~b,
        BASE - 1,
        BASE + PAGE,
        b + (UINT64_C(1) << 32),
        b - (UINT64_C(1) << 32),
    };
    const size_t count = sizeof words / sizeof words[0];

    for (size_t i = 0; i < count; i++) {
        made_heap_refer(heap, a, i, words[i]);
        made_heap_root(heap, ROOT_STACK, words[i]);
        made_heap_root(heap, ROOT_GLOBAL, words[i]);
    }
    for (uint64_t i = 1; i < 8; i++) // not aligned, in a page
        made_heap_refer(heap, a, count + i, b + i);
    made_heap_root(heap, ROOT_GLOBAL, a);
    expect_mark(heap, .objects = {a}, .roots[ROOT_GLOBAL] = 1, .invalid = 7);
    made_heap_free(heap);
}

Test(mark_rules, the_mark_bits_of_the_heap_are_not_believed)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 64, 1),
             wide = made_heap_page(heap, BASE + PAGE, 16, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, wide, 99);
    uint64_t c = made_heap_object(heap, page, 38);

    made_heap_object(heap, page, 5);
    made_heap_object(heap, wide, 5);
    made_heap_set_stale_marks(heap, page);
    made_heap_set_stale_marks(heap, wide);
    made_heap_refer(heap, a, 1, b);
    made_heap_refer(heap, b, 1, c);
    made_heap_root(heap, ROOT_GLOBAL, a);
    expect_mark(heap, .objects = {a, b, c}, .roots[ROOT_GLOBAL] = 1);
    made_heap_free(heap);
}

// ---- classes ----

Test(mark_rules, slots_smaller_than_an_object_header_are_payload_from_their_first_word)
{
    for (uint32_t size = 16; size <= 32; size *= 2) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, size, 1);
        uint64_t words = size / 8;
        Expected expected = {.roots[ROOT_GLOBAL] = 1};
        for (uint32_t slot = 0; slot <= words; slot++)
            expected.objects[slot] = made_heap_object(heap, page, 2 * slot);
        for (uint64_t word = 0; word < words; word++) {
            made_heap_refer(heap, expected.objects[0], word, expected.objects[word + 1]);
            // In a larger object these bits would mean DEAD and UNDER_CONSTRUCTION.
            made_heap_refer(heap, expected.objects[1], word, UINT64_MAX);
        }
        made_heap_root(heap, ROOT_GLOBAL, expected.objects[0]);
        check(heap, &expected);
        made_heap_free(heap);
    }
}

Test(mark_rules, each_slot_of_a_page_with_157_slots_has_a_bit_of_its_own)
{
    for (uint32_t step = 1; step <= 3; step++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 16, 1);
        Expected expected = {.roots[ROOT_REGISTER] = 1};
        uint32_t count = 0;
        cr_assert_eq(made_heap_slots(heap, page), 157);
        for (uint32_t slot = 0; slot < 157; slot++)
            made_heap_object(heap, page, slot);
        for (uint32_t slot = 0; slot < 157; slot += step) {
            expected.objects[count++] = made_heap_slot(heap, page, slot);
            if (slot + step < 157)
                made_heap_refer(heap, made_heap_slot(heap, page, slot), 1,
                                made_heap_slot(heap, page, slot + step));
        }
        made_heap_root(heap, ROOT_REGISTER, made_heap_slot(heap, page, 0) + 15);
        check(heap, &expected);
        made_heap_free(heap);
    }
}

Test(mark_rules, large_objects_are_looked_at_to_their_last_word)
{
    static const uint32_t sizes[] = {2056, 5000, 5001, 5007, 20000, 5u << 20};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t large = made_heap_object(heap, made_heap_page(heap, BASE + PAGE, sizes[i], 1), 0);
        uint64_t next = made_heap_object(heap, made_heap_page(heap, BASE + (8u << 20), 9000, 1), 0);
        uint64_t last = (sizes[i] - 48) / 8 - 1;
        uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
        uint64_t c = made_heap_object(heap, page, 2), d = made_heap_object(heap, page, 3);
        made_heap_object(heap, page, 4);
        made_heap_refer(heap, large, 0, a);
        made_heap_refer(heap, large, last / 2, b);
        made_heap_refer(heap, large, last - 1, next);
        made_heap_refer(heap, large, last, c);
        made_heap_refer(heap, next, 1000, d);
        made_heap_root(heap, ROOT_GLOBAL, large);
        made_heap_root(heap, ROOT_GLOBAL, large + PAGE); // its tail, or behind it
        expect_mark(heap, .objects = {large, next, a, b, c, d}, .roots[ROOT_GLOBAL] = 1,
                    .invalid = sizes[i] + 1584 > PAGE);
        made_heap_free(heap);
    }
}

// Every class of a page size, each object full of references to all the others.
static void check_page_size(uint32_t page_size, uint32_t object_header_bytes)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    Expected expected = {.roots[ROOT_GLOBAL] = 1};
    uint32_t pages = 0, count = 0;
    MadeHeap *heap;

    layout.page_size = page_size;
    layout.max_block_size = page_size / 2;
    layout.object_header_bytes = object_header_bytes;
    heap = made_heap_new(&layout);
    for (uint32_t size = layout.min_block_size; size <= 2 * layout.max_block_size; size *= 2) {
        uint64_t page = made_heap_page(heap, BASE + (uint64_t)pages * page_size, size, 1 + pages);
        expected.objects[count++] = made_heap_object(heap, page, 0);
        if (made_heap_slots(heap, page) > 1)
            expected.objects[count++] =
                made_heap_object(heap, page, made_heap_slots(heap, page) - 1);
        pages++;
    }
    for (uint32_t i = 0; i < count; i++) {
        // Page p holds class min_block_size << p; the last one, with its tail, a large object.
        uint64_t page = (expected.objects[i] - BASE) / page_size;
        uint64_t size = (uint64_t)layout.min_block_size << (page < pages ? page : pages - 1);
        uint64_t words = (size - (size >= object_header_bytes ? object_header_bytes : 0)) / 8;
        for (uint64_t word = 0; word < words; word++)
            made_heap_refer(heap, expected.objects[i], word,
                            expected.objects[(i + 1 + word) % count]);
    }
    made_heap_root(heap, ROOT_GLOBAL, expected.objects[0]);
    check(heap, &expected);
    made_heap_free(heap);
}

Test(mark_rules, every_page_size_and_size_class_that_a_layout_may_have_is_marked)
{
    for (uint32_t size = LAYOUT_MIN_PAGE_SIZE; size <= LAYOUT_MAX_PAGE_SIZE; size *= 2) {
        check_page_size(size, 48);
        check_page_size(size, 64);
    }
}

// ---- foreign blocks ----

Test(mark_rules, a_word_that_points_anywhere_into_a_block_refers_to_it)
{
    static const uint64_t insides[] = {0, 1, 8, 13, 23};

    for (size_t i = 0; i < sizeof insides / sizeof insides[0]; i++)
        for (int kind = 0; kind < ROOT_KIND_COUNT; kind++) {
            MadeHeap *heap = made_heap_new(NULL);
            uint64_t page = made_heap_page(heap, BASE, 64, 1);
            uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
            uint64_t first = made_heap_block(heap, BLOCKS, 24);
            uint64_t second = made_heap_block(heap, BLOCKS + 32, 24);
            made_heap_block(heap, BLOCKS + 64, 24);
            made_heap_block_word(heap, first, 16, a);
            made_heap_refer(heap, a, 0, second + insides[i]);
            made_heap_block_word(heap, second, 0, b + 8); // inside an object: not from here
            made_heap_root(heap, (RootKind)kind, first + insides[i]);
            made_heap_root(heap, (RootKind)kind, first - 1);  // before it
            made_heap_root(heap, (RootKind)kind, first + 24); // behind it, before the next
            Expected expected = {.objects = {a}, .blocks = {first, second}, .invalid = 1};
            expected.roots[kind] = 1;
            check(heap, &expected);
            made_heap_free(heap);
        }
}

Test(mark_rules, blocks_lead_to_blocks)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, BASE, 64, 1);
    uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
    uint64_t near = made_heap_block(heap, BLOCKS, 24);
    uint64_t large = made_heap_block(heap, BLOCKS + 0x1000, 100000);
    uint64_t far = made_heap_block(heap, BLOCKS + 0x100000000, 8);
    uint64_t low = made_heap_block(heap, 0x10000, 8);

    made_heap_block(heap, BLOCKS + 0x200, 8);
    made_heap_root(heap, ROOT_FOREIGN, near + 3);
    made_heap_block_word(heap, near, 8, large + 50000);
    made_heap_block_word(heap, large, 99992, far);
    made_heap_block_word(heap, large, 49992, a);
    made_heap_block_word(heap, far, 0, low);
    made_heap_block_word(heap, low, 0, b);
    made_heap_refer(heap, b, 1, near); // and round again
    expect_mark(heap, .objects = {a, b}, .blocks = {near, large, far, low},
                .roots[ROOT_FOREIGN] = 1);
    made_heap_free(heap);
}

// Only words at addresses that are multiples of 8 are looked at, and only whole ones.
Test(mark_rules, blocks_need_no_alignment)
{
    for (uint64_t shift = 0; shift < 8; shift++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, BASE, 64, 1);
        uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
        uint64_t skipped = (8 - shift) % 8;
        uint64_t block = made_heap_block(heap, BLOCKS + shift, skipped + 16 + 7);
        uint64_t tiny = made_heap_block(heap, BLOCKS + 64 + shift, 8);
        uint64_t empty = made_heap_block(heap, BLOCKS + 96 + shift, 1);
        uint64_t free_slot = made_heap_slot(heap, page, 2);
        // The seven bytes behind the last word are the greater part of an invalid one.
        made_heap_block_word(heap, block, skipped + 16 + 7 - 8, free_slot << 8);
        made_heap_block_word(heap, block, skipped, a);
        made_heap_block_word(heap, block, skipped + 8, b);
        if (shift != 0)
            made_heap_block_word(heap, tiny, 0, free_slot);
        made_heap_root(heap, ROOT_GLOBAL, block);
        made_heap_root(heap, ROOT_GLOBAL, tiny + 7);
        made_heap_root(heap, ROOT_GLOBAL, empty);
        expect_mark(heap, .objects = {a, b}, .blocks = {block, tiny, empty},
                    .roots[ROOT_GLOBAL] = 3);
        made_heap_free(heap);
    }
}

// ---- many pages ----

Test(mark_rules, chains_lead_through_the_pages_of_many_threads)
{
    MadeHeap *heap = made_heap_new(NULL);
    Expected expected = {.roots[ROOT_TLS] = 1};
    uint32_t count = 0;

    // Owners change from page to page, and the chain from page to page as well, with holes
    // between them and a page far from the others.
    for (uint32_t i = 0; i < 40; i++)
        made_heap_page(heap, BASE + (i == 39 ? UINT64_C(1) << 40 : 3 * i * PAGE), 64u << i % 5,
                       1 + 7 * i % 20);
    for (uint32_t slot = 0; slot < 2; slot++)
        for (uint32_t i = 0; i < 40; i++) {
            uint64_t page = BASE + (i == 39 ? UINT64_C(1) << 40 : 3 * i * PAGE);
            if (slot < made_heap_slots(heap, page))
                expected.objects[count++] = made_heap_object(heap, page, slot);
        }
    for (uint32_t i = 0; i + 1 < count; i++)
        made_heap_refer(heap, expected.objects[i], 1, expected.objects[i + 1]);
    made_heap_root(heap, ROOT_TLS, expected.objects[0]);
    check(heap, &expected);
    made_heap_free(heap);
}

// ---- minor marking ----

typedef struct OldAndYoung {
    MadeHeap *heap;
    uint64_t old;   // page of generation 1
    uint64_t young; // of generation 0
} OldAndYoung;

static OldAndYoung old_and_young(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    OldAndYoung pages = {
        .heap = heap,
        .old = made_heap_page(heap, BASE, 64, 1),
        .young = made_heap_page(heap, BASE + PAGE, 64, 1),
    };

    made_heap_set_generation(heap, pages.old, 1);
    return pages;
}

Test(mark_rules, a_minor_mark_takes_old_objects_for_live_and_does_not_look_into_them)
{
    OldAndYoung pages = old_and_young();
    MadeHeap *heap = pages.heap;
    uint64_t old = made_heap_object(heap, pages.old, 0),
             next = made_heap_object(heap, pages.old, 1);
    uint64_t a = made_heap_object(heap, pages.young, 0), b = made_heap_object(heap, pages.young, 1);
    uint64_t c = made_heap_object(heap, pages.young, 2);

    made_heap_refer(heap, old, 0, b);
    made_heap_refer(heap, a, 0, c);
    made_heap_refer(heap, c, 0, next);
    made_heap_refer(heap, next, 0, b);
    made_heap_root(heap, ROOT_GLOBAL, old);
    made_heap_root(heap, ROOT_STACK, a + 60);
    expect_mark(heap, .kind = MARK_MINOR, .objects = {a, c}, .roots[ROOT_GLOBAL] = 1,
                .roots[ROOT_STACK] = 1);
    expect_mark(heap, .kind = MARK_MAJOR, .objects = {a, b, c, old, next}, .roots[ROOT_GLOBAL] = 1,
                .roots[ROOT_STACK] = 1);
    made_heap_free(heap);
}

Test(mark_rules, a_minor_mark_starts_from_dirty_old_objects_too)
{
    static const uint32_t sizes[] = {16, 32, 64, 256, 2048, 20000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        OldAndYoung pages = old_and_young();
        MadeHeap *heap = pages.heap;
        uint64_t page = made_heap_page(heap, BASE + 16 * PAGE, sizes[i], 2);
        uint64_t last = (sizes[i] - (sizes[i] >= 48 ? 48 : 0)) / 8 - 1;
        uint64_t old = made_heap_object(heap, page, made_heap_slots(heap, page) - 1);
        uint64_t a = made_heap_object(heap, pages.young, 0);
        uint64_t b = made_heap_object(heap, pages.young, 1);
        uint64_t block = made_heap_block(heap, BLOCKS, 16);
        made_heap_object(heap, pages.young, 2);
        made_heap_set_generation(heap, page, 1);
        made_heap_set_dirty(heap, old);
        made_heap_refer(heap, old, last, a);
        made_heap_refer(heap, old, last - 1, block + 5);
        made_heap_block_word(heap, block, 8, b);
        made_heap_block_word(heap, block, 0, pages.young); // invalid
        expect_mark(heap, .kind = MARK_MINOR, .objects = {a, b}, .blocks = {block}, .invalid = 1);
        expect_mark(heap, .kind = MARK_MAJOR);
        made_heap_free(heap);
    }
}

Test(mark_rules, dirty_slots_without_a_live_old_object_are_not_sources)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    OldAndYoung pages = old_and_young();
    MadeHeap *heap = pages.heap;
    uint64_t dead = made_heap_object(heap, pages.old, 0),
             raw = made_heap_object(heap, pages.old, 1);
    uint64_t clean = made_heap_object(heap, pages.old, 2),
             free_slot = made_heap_slot(heap, pages.old, 3);
    uint64_t young = made_heap_object(heap, pages.young, 0);
    uint64_t target = made_heap_object(heap, pages.young, 1);

    made_heap_set_weak(heap, dead, layout->dead_bit);
    made_heap_set_weak(heap, raw, layout->under_construction_bit);
    made_heap_set_dirty(heap, dead);
    made_heap_set_dirty(heap, raw);
    made_heap_set_dirty(heap, free_slot);
    made_heap_set_dirty(heap, young);
    made_heap_refer(heap, dead, 0, target);
    made_heap_refer(heap, raw, 0, target);
    made_heap_refer(heap, clean, 0, target);
    made_heap_refer(heap, free_slot, 0, target);
    made_heap_refer(heap, young, 0, target);
    expect_mark(heap, .kind = MARK_MINOR);
    made_heap_free(heap);
}
