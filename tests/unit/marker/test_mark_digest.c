// The digest of a mark: over the bytes that docs/design.md describes, put together here
// independently.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/made_heap.h"
#include "tests/support/random_heap.h"

#define BASE UINT64_C(0x200000000000)
#define PAGE UINT64_C(4096)
// XXH3-128 of nothing, as the authors of xxHash publish it.
#define EMPTY_DIGEST "xxh3-128:99aa06d3014798d86001c324468d497f"

typedef struct Digest {
    char text[MARK_DIGEST_CHARS];
} Digest;

static Digest mark_digest(const HeapImage *image, MarkKind kind, uint32_t workers)
{
    MarkOptions options = {.workers = workers, .kind = kind};
    MarkResult *result;
    Digest digest;
    Error error = {0};

    // 0: the serial marker.
    if (workers == 0)
        cr_assert(mark_reachable_serial(image, kind, &result, &error), "%s", error.message);
    else
        cr_assert(mark_reachable(image, &options, &result, &error), "%s", error.message);
    memset(digest.text, 'x', sizeof digest.text);
    mark_result_digest(result, image, digest.text);
    mark_result_free(result);
    return digest;
}

static Digest digest_of_words(const uint64_t *words, size_t count)
{
    XXH128_hash_t hash = XXH3_128bits(words, count * sizeof *words);
    Digest digest;

    (void)snprintf(digest.text, sizeof digest.text, "xxh3-128:%016llx%016llx",
                   (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    return digest;
}

static void expect_digest(const MadeHeap *heap, MarkKind kind, const char *wanted)
{
    for (int relocated = 0; relocated < 2; relocated++) {
        HeapImage *image = made_heap_image(heap, relocated != 0);
        for (uint32_t workers = 0; workers <= 3; workers++)
            cr_expect_str_eq(mark_digest(image, kind, workers).text, wanted, "%u workers", workers);
        heap_image_free(image);
    }
}

Test(mark_digest, its_form_is_a_name_and_32_hex_digits)
{
    MadeHeap *heap = made_heap_new(NULL);
    HeapImage *image;
    Digest digest;

    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, made_heap_page(heap, BASE, 64, 1), 0));
    image = made_heap_image(heap, false);
    digest = mark_digest(image, MARK_MAJOR, 1);
    cr_expect_eq(strlen(digest.text), MARK_DIGEST_CHARS - 1);
    cr_expect_eq(strncmp(digest.text, "xxh3-128:", 9), 0);
    cr_expect_eq(strspn(digest.text + 9, "0123456789abcdef"), 32);
    heap_image_free(image);
    made_heap_free(heap);
}

Test(mark_digest, an_empty_mark_is_the_digest_of_nothing)
{
    MadeHeap *heap = made_heap_new(NULL);

    expect_digest(heap, MARK_MAJOR, EMPTY_DIGEST); // not even pages
    made_heap_object(heap, made_heap_page(heap, BASE, 64, 1), 0);
    made_heap_object(heap, made_heap_page(heap, BASE + PAGE, 16, 1), 0);
    expect_digest(heap, MARK_MAJOR, EMPTY_DIGEST);
    expect_digest(heap, MARK_MINOR, EMPTY_DIGEST);
    made_heap_free(heap);
}

// A page of one word, one of three, one without a marked object, a large object, a page far away.
static MadeHeap *varied_heap(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t small = made_heap_page(heap, BASE, 64, 1);
    uint64_t wide = made_heap_page(heap, BASE + PAGE, 16, 2);
    uint64_t unmarked = made_heap_page(heap, BASE + 2 * PAGE, 64, 1);
    uint64_t large = made_heap_page(heap, BASE + 3 * PAGE, 9000, 1);
    uint64_t far = made_heap_page(heap, 0x100000000000, 2048, 1);
    uint64_t block = made_heap_block(heap, 0x210000000000, 8);

    made_heap_object(heap, unmarked, 0);
    made_heap_object(heap, small, 1);
    made_heap_object(heap, wide, 1);
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, small, 0));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, small, 38));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, wide, 64));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, wide, 156));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, large, 0));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, far, 0));
    made_heap_root(heap, ROOT_GLOBAL, block); // blocks are not in it
    return heap;
}

static const uint64_t varied_words[] = {
    UINT64_C(0x100000000000),
    1, // far
    BASE,
    1 | UINT64_C(1) << 38, // small
    BASE + PAGE,
    0,
    1,
    UINT64_C(1) << 28, // wide
    BASE + 3 * PAGE,
    1, // large: one slot
};

Test(mark_digest, it_is_over_addresses_and_mark_words_of_pages_with_marks)
{
    MadeHeap *heap = varied_heap();

    expect_digest(heap, MARK_MAJOR,
                  digest_of_words(varied_words, sizeof varied_words / sizeof varied_words[0]).text);
    made_heap_free(heap);
}

// Computed once by an independent program: any change of code or library shows.
Test(mark_digest, it_never_changes)
{
    MadeHeap *heap = varied_heap();

    expect_digest(heap, MARK_MAJOR, "xxh3-128:4a7da77c2075f1cd3038999bb171e926");
    made_heap_free(heap);
}

Test(mark_digest, a_minor_mark_covers_generation_0_alone)
{
    MadeHeap *heap = varied_heap();

    made_heap_set_generation(heap, BASE, 1);
    made_heap_set_generation(heap, BASE + 3 * PAGE, 1);
    const uint64_t words[] = {
        UINT64_C(0x100000000000), 1, BASE + PAGE, 0, 1, UINT64_C(1) << 28,
    };
    expect_digest(heap, MARK_MINOR, digest_of_words(words, sizeof words / sizeof words[0]).text);
    expect_digest(heap, MARK_MAJOR,
                  digest_of_words(varied_words, sizeof varied_words / sizeof varied_words[0]).text);
    made_heap_free(heap);
}

// Slot by slot, by mark_result_is_marked().
static Digest digest_by_slots(const HeapImage *image, const MarkResult *result)
{
    uint64_t *words = calloc(image->word_count + image->page_count + 1, sizeof *words);
    size_t count = 0;
    Digest digest;

    cr_assert_not_null(words);
    for (uint32_t page = 0; page < image->page_count; page++) {
        uint32_t page_words = (image->pages[page].slot_count + 63u) / 64;
        bool any = false;
        memset(words + count, 0, (page_words + 1) * sizeof *words);
        words[count] = image->pages[page].address;
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++)
            if (mark_result_is_marked(result, image, page, slot)) {
                words[count + 1 + slot / 64] |= UINT64_C(1) << (slot % 64);
                any = true;
            }
        if (any)
            count += page_words + 1;
    }
    digest = digest_of_words(words, count);
    free(words);
    return digest;
}

Test(mark_digest, it_agrees_with_the_marks_on_any_heap)
{
    for (uint64_t seed = 1; seed <= test_dose(20); seed++) {
        RandomHeapOptions options = random_heap_options(seed, 2000);
        RandomHeap *heap = random_heap_new(&options);
        HeapImage *image = random_heap_image(heap, seed % 2 == 0);
        HeapImage *other = random_heap_image(heap, true);
        for (MarkKind kind = MARK_MAJOR; kind <= MARK_MINOR; kind++) {
            MarkResult *result;
            Digest wanted;
            Error error = {0};
            cr_assert(mark_reachable_serial(image, kind, &result, &error), "%s", error.message);
            wanted = digest_by_slots(image, result);
            mark_result_free(result);
            for (uint32_t workers = 0; workers <= 2; workers++) {
                cr_expect_str_eq(mark_digest(image, kind, workers).text, wanted.text, "seed %llu",
                                 (unsigned long long)seed);
                cr_expect_str_eq(mark_digest(other, kind, workers).text, wanted.text,
                                 "seed %llu, relocated", (unsigned long long)seed);
            }
        }
        heap_image_free(image);
        heap_image_free(other);
        random_heap_free(heap);
    }
}
