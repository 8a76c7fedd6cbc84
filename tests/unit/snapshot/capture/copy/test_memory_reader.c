// MemoryReader: words, pieces and whole ranges of a copy with holes.

#include "snapshot/capture/copy/memory_reader.h"

#include <criterion/criterion.h>
#include <string.h>

#define BASE UINT64_C(0x7f0000000000)

// Two pages that are next to each other, but not in memory; a hole of two pages; a page.
static uint8_t bytes[3][PAGE_BYTES];
static ProcessRange ranges[] = {
    {BASE, PAGE_BYTES, bytes[2]},
    {BASE + PAGE_BYTES, PAGE_BYTES, bytes[0]},
    {BASE + 4 * PAGE_BYTES, PAGE_BYTES, bytes[1]},
};
static const ProcessCopy copy = {.range_count = 3, .ranges = ranges};

static void set(uint8_t *page, uint64_t offset, uint64_t word)
{
    memcpy(page + offset, &word, sizeof word);
}

Test(memory_reader, words_are_read_in_any_order)
{
    MemoryReader reader = memory_reader(&copy);

    set(bytes[2], 8, 1);
    set(bytes[0], 0, 2);
    set(bytes[1], PAGE_BYTES - 8, 3);
    cr_expect_eq(memory_word(&reader, BASE + 5 * PAGE_BYTES - 8), 3u);
    cr_expect_eq(memory_word(&reader, BASE + 8), 1u);
    cr_expect_eq(memory_word(&reader, BASE + PAGE_BYTES), 2u);
}

Test(memory_reader, memory_that_was_not_copied_and_unaligned_words_are_zero)
{
    MemoryReader reader = memory_reader(&copy);

    memset(bytes, 0xff, sizeof bytes);
    cr_expect_eq(memory_word(&reader, BASE - 8), 0u);
    cr_expect_eq(memory_word(&reader, BASE + 2 * PAGE_BYTES), 0u);
    cr_expect_eq(memory_word(&reader, BASE + 5 * PAGE_BYTES), 0u);
    cr_expect_eq(memory_word(&reader, BASE + 4), 0u);
    cr_expect_eq(memory_word(&reader, UINT64_MAX - 7), 0u);
    cr_expect_eq(memory_word(&reader, BASE), UINT64_MAX);
}

Test(memory_reader, pieces_are_cut_to_what_was_asked_for)
{
    MemoryReader reader = memory_reader(&copy);
    uint64_t position = BASE + 16, end = BASE + 4 * PAGE_BYTES + 24;
    MemoryPiece piece;

    cr_assert(memory_next_piece(&reader, &position, end, &piece));
    cr_expect(piece.address == BASE + 16 && piece.bytes == PAGE_BYTES - 16);
    cr_expect_eq(piece.data, bytes[2] + 16);
    cr_assert(memory_next_piece(&reader, &position, end, &piece));
    cr_expect(piece.address == BASE + PAGE_BYTES && piece.bytes == PAGE_BYTES);
    cr_assert(memory_next_piece(&reader, &position, end, &piece));
    cr_expect(piece.address == BASE + 4 * PAGE_BYTES && piece.bytes == 24);
    cr_expect_not(memory_next_piece(&reader, &position, end, &piece));
    cr_expect_eq(memory_copied_bytes(&reader, BASE, UINT64_MAX), 3 * PAGE_BYTES);
}

Test(memory_reader, ranges_with_holes_are_put_together_as_far_as_the_budget_goes)
{
    MemoryReader reader = memory_reader(&copy);
    MemoryAssembly assembly = {.holes_left = 3 * PAGE_BYTES};
    const uint8_t *data;
    Error error;

    memset(bytes, 7, sizeof bytes);
    // A range in one piece costs nothing.
    cr_assert(memory_assemble(&reader, &assembly, BASE + 8, 64, &data, &error));
    cr_expect_eq(data, bytes[2] + 8);
    cr_expect_eq(assembly.count, 0u);
    cr_assert(memory_assemble(&reader, &assembly, BASE, 5 * PAGE_BYTES, &data, &error));
    cr_assert_not_null(data);
    for (uint64_t i = 0; i < 5 * PAGE_BYTES; i++)
        cr_assert_eq(data[i], i / PAGE_BYTES == 2 || i / PAGE_BYTES == 3 ? 0 : 7);
    cr_expect_eq(assembly.holes_left, PAGE_BYTES);
    cr_assert(memory_assemble(&reader, &assembly, BASE, 5 * PAGE_BYTES, &data, &error));
    cr_expect_null(data);
    memory_assembly_release(&assembly);
}
