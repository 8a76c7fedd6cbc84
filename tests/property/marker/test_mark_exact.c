// Rule exact/1: objects of a described layout refer to the targets of their declared words,
// and to nothing else. An oracle of its own follows the declared words of the heap as it was
// written; every marker must find the same objects in the snapshot that carries the declarations.
//
// timeout: 300

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "marker/mark.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/xorshift.h"

#define MAX_DECLARED 16u

typedef struct Declarations {
    SnapshotTypeLayout layouts[MAX_DECLARED];
    uint32_t count;
} Declarations;

// ---- declaring ----

static int compare_layouts(const void *left, const void *right)
{
    const SnapshotTypeLayout *a = left, *b = right;

    return a->type_word < b->type_word ? -1 : a->type_word > b->type_word;
}

static bool is_declared(const Declarations *declarations, uint64_t word)
{
    for (uint32_t i = 0; i < declarations->count; i++)
        if (declarations->layouts[i].type_word == word)
            return true;
    return false;
}

static void declare(Declarations *declarations, uint64_t word, uint32_t first, Xorshift *random)
{
    SnapshotTypeLayout *layout = &declarations->layouts[declarations->count++];
    uint32_t offset = first;

    *layout = (SnapshotTypeLayout){.type_word = word, .rest_offset = UINT32_MAX};
    layout->offsets = calloc(64, sizeof *layout->offsets);
    for (uint64_t count = xorshift_below(random, 12); count > 0; count--) {
        offset += 8 * (uint32_t)xorshift_below(random, 6);
        // Beyond the end of small objects, too.
        layout->offsets[layout->offset_count++] = offset;
        offset += 8;
    }
    if (xorshift_percent(random, 30))
        layout->rest_offset = offset + 8 * (uint32_t)xorshift_below(random, 20);
}

static void declare_some(Declarations *declarations, const HeapImage *image, Xorshift *random)
{
    declarations->count = 0;
    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint64_t word;
            if (declarations->count == MAX_DECLARED || !heap_image_is_live(image, page, slot) ||
                !heap_layout_has_object_header(&image->layout, image->pages[page].block_size))
                continue;
            word = heap_image_type_word(image, page, slot);
            if (!is_declared(declarations, word) && xorshift_percent(random, 60))
                declare(declarations, word, image->layout.object_header_bytes, random);
        }
    qsort(declarations->layouts, declarations->count, sizeof declarations->layouts[0],
          compare_layouts);
}

// ---- the oracle ----

typedef struct Oracle {
    const HeapImage *image; // without declarations
    const Declarations *declarations;
    uint8_t *is_marked; // per (page, slot), per block behind them
    uint64_t *stack;    // the same numbers
    uint64_t *first;    // number of a page's slot 0
    uint64_t depth;
    uint64_t blocks_at;
} Oracle;

static void oracle_visit(Oracle *oracle, uint64_t word, bool allow_interior)
{
    Reference reference = heap_image_resolve(oracle->image, word, allow_interior);
    uint64_t number;

    if (reference.kind == REFERENCE_OBJECT)
        number = oracle->first[reference.page] + reference.slot;
    else if (reference.kind == REFERENCE_BLOCK)
        number = oracle->blocks_at + reference.block;
    else
        return;
    if (oracle->is_marked[number])
        return;
    oracle->is_marked[number] = 1;
    oracle->stack[oracle->depth++] = number;
}

// May the word at this offset of an object of this type be a reference?
static bool is_reference(const Oracle *oracle, uint64_t type_word, uint64_t offset)
{
    for (uint32_t i = 0; i < oracle->declarations->count; i++) {
        const SnapshotTypeLayout *layout = &oracle->declarations->layouts[i];
        if (layout->type_word != type_word)
            continue;
        for (uint32_t o = 0; o < layout->offset_count; o++)
            if (layout->offsets[o] == offset)
                return true;
        return offset >= layout->rest_offset;
    }
    return true;
}

static void oracle_scan_object(Oracle *oracle, uint32_t page, uint32_t slot)
{
    const HeapImage *image = oracle->image;
    uint32_t block_size = image->pages[page].block_size;
    bool has_header = heap_layout_has_object_header(&image->layout, block_size);
    const uint8_t *bytes = heap_image_object_bytes(image, page, slot);
    uint64_t type_word = has_header ? heap_image_type_word(image, page, slot) : 0;
    uint64_t address = heap_image_object_address(image, page, slot);

    if (heap_image_is_under_construction(image, page, slot))
        return;
    for (uint32_t offset = has_header ? image->layout.object_header_bytes : 0;
         offset + 8 <= block_size; offset += 8)
        if (address % 8 == 0 && (!has_header || is_reference(oracle, type_word, offset)))
            oracle_visit(oracle, load_u64(bytes + offset), false);
}

static void oracle_scan(Oracle *oracle, uint64_t number)
{
    const HeapImage *image = oracle->image;
    uint32_t page = 0;

    if (number >= oracle->blocks_at) {
        const ForeignBlock *block = &image->blocks[number - oracle->blocks_at];
        for (uint64_t offset = (8 - block->address % 8) % 8; offset + 8 <= block->bytes;
             offset += 8)
            oracle_visit(oracle, load_u64(image->foreign_bytes + block->offset + offset), false);
        return;
    }
    while (page + 1 < image->page_count && oracle->first[page + 1] <= number)
        page++;
    oracle_scan_object(oracle, page, (uint32_t)(number - oracle->first[page]));
}

static void oracle_mark(Oracle *oracle, const HeapImage *image, const Declarations *declarations)
{
    uint64_t total = 0;

    *oracle = (Oracle){.image = image, .declarations = declarations};
    oracle->first = calloc((size_t)image->page_count + 1, sizeof *oracle->first);
    for (uint32_t page = 0; page < image->page_count; page++) {
        oracle->first[page] = total;
        total += image->pages[page].slot_count;
    }
    oracle->blocks_at = total;
    oracle->is_marked = calloc(total + image->block_count + 1, 1);
    oracle->stack = calloc(total + image->block_count + 1, sizeof *oracle->stack);
    for (uint64_t i = 0; i < image->root_count; i++)
        oracle_visit(oracle, image->roots[i].value, root_allows_interior(&image->roots[i]));
    while (oracle->depth > 0)
        oracle_scan(oracle, oracle->stack[--oracle->depth]);
}

// ---- comparing ----

static void expect_equal(const Oracle *oracle, const HeapImage *image, const MarkResult *result,
                         uint64_t seed)
{
    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++)
            cr_assert_eq(mark_result_is_marked(result, image, page, slot),
                         oracle->is_marked[oracle->first[page] + slot] != 0,
                         "seed %llu, page %u, slot %u", (unsigned long long)seed, page, slot);
    for (uint32_t block = 0; block < image->block_count; block++)
        cr_assert_eq(result->marked_blocks[block / 64] >> (block % 64) & 1,
                     oracle->is_marked[oracle->blocks_at + block], "seed %llu, block %u",
                     (unsigned long long)seed, block);
}

// The heap as a snapshot with the declarations, written and read.
static HeapImage *read_declared(const RandomHeap *heap, Declarations *declarations,
                                bool force_relocation)
{
    SnapshotContents contents = *random_heap_contents(heap);
    SnapshotDetails details = *contents.details;
    SnapshotReadOptions options = {.force_relocation = force_relocation};
    SnapshotWriteOptions write_options = {.replaces = true};
    char path[] = "/tmp/rudo-snap-exact-XXXXXX";
    int file = mkstemp(path);
    HeapImage *image = NULL;
    Error error;

    cr_assert_geq(file, 0);
    (void)close(file);
    details.type_layouts = declarations->layouts;
    details.type_layout_count = declarations->count;
    contents.details = &details;
    cr_assert(snapshot_write(path, &contents, &write_options, NULL, &error), "%s", error.message);
    cr_assert(snapshot_read(path, &options, &image, &error), "%s", error.message);
    (void)unlink(path);
    return image;
}

static uint64_t check_heap(uint64_t seed)
{
    RandomHeapOptions options = random_heap_options(seed, seed % 16 == 0 ? 3000 : 200);
    Xorshift random = xorshift_seeded(seed);
    RandomHeap *heap = random_heap_new(&options);
    HeapImage *plain = random_heap_image(heap, true);
    Declarations declarations;
    MarkResult *result, *everything;
    HeapImage *image;
    Oracle oracle;
    Error error;
    uint64_t fewer;

    declare_some(&declarations, plain, &random);
    image = read_declared(heap, &declarations, xorshift_percent(&random, 50));
    cr_assert_eq(image->has_exact_types, declarations.count > 0);
    cr_assert_str_eq(mark_rule_name(image), declarations.count > 0 ? "exact/1" : "conservative/1");
    oracle_mark(&oracle, plain, &declarations);
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error));
    expect_equal(&oracle, image, result, seed);
    mark_result_free(result);
    for (uint32_t workers = 1; workers <= 5; workers += 2) {
        MarkOptions mark_options = {.workers = workers, .policy = MARK_POLICY_OWNER};
        if (workers == 3)
            mark_options.policy = MARK_POLICY_STEAL;
        cr_assert(mark_reachable(image, &mark_options, &result, &error), "%s", error.message);
        expect_equal(&oracle, image, result, seed);
        if (workers == 5)
            break;
        mark_result_free(result);
    }
    cr_assert(mark_reachable_serial(plain, MARK_MAJOR, &everything, &error));
    fewer = everything->totals.marked_objects - result->totals.marked_objects;
    mark_result_free(result);
    mark_result_free(everything);
    heap_image_free(image);
    heap_image_free(plain);
    random_heap_free(heap);
    for (uint32_t i = 0; i < declarations.count; i++)
        free(declarations.layouts[i].offsets);
    free(oracle.first);
    free(oracle.is_marked);
    free(oracle.stack);
    return fewer;
}

Test(mark_exact, every_marker_follows_declared_words_alone, .timeout = 300)
{
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(80);
    uint64_t fewer = 0;

    for (uint64_t i = 0; i < count; i++)
        fewer += check_heap(first + i);
    // Declarations that change nothing would test nothing.
    cr_expect_gt(fewer, count);
}
