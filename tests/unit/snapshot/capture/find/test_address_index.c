// AddressIndex: the page or chunk that a word points into.

#include "snapshot/capture/find/address_index_internal.h"

#include <criterion/criterion.h>

#define GIB (UINT64_C(1) << 30)
#define HEAP UINT64_C(0x7f0000000000)
#define HIGH (UINT64_C(1) << 52) // above the addresses of the table

static AddressIndex table;

static void end(void)
{
    address_index_release(&table);
}

TestSuite(address_index, .fini = end);

static void build(const SnapshotPages *runs, uint64_t run_count, const MallocChunk *chunks,
                  uint32_t chunk_count)
{
    Error error;

    cr_assert(address_index_build(&table, runs, run_count, 4096, chunks, chunk_count, &error));
}

Test(address_index, pages_are_found_from_their_first_byte_to_their_last)
{
    const SnapshotPages runs[] = {{HEAP, 2, NULL}, {HEAP + 0x5000, 1, NULL}};

    build(runs, 2, NULL, 0);
    cr_expect_eq(address_index_find(&table, HEAP - 1), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HEAP), ADDRESS_IN_PAGE);
    cr_expect_eq(address_index_find(&table, HEAP + 0x1fff), ADDRESS_IN_PAGE);
    cr_expect_eq(address_index_find(&table, HEAP + 0x2000), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HEAP + 0x5800), ADDRESS_IN_PAGE);
    cr_expect_eq(address_index_find(&table, 0), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, UINT64_MAX), ADDRESS_NOWHERE);
}

// The user's bytes of a chunk begin 16 behind its head, and reach 8 into the next one.
Test(address_index, chunks_are_found_by_their_users_bytes)
{
    const MallocChunk chunks[] = {{HEAP, 32}, {HEAP + 32, 64}, {HEAP + 0x800, 0x2000}};

    build(NULL, 0, chunks, 3);
    cr_expect_eq(address_index_find(&table, HEAP + 15), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HEAP + 16), 0u);
    cr_expect_eq(address_index_find(&table, HEAP + 39), 0u);
    cr_expect_eq(address_index_find(&table, HEAP + 40), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HEAP + 48), 1u);
    cr_expect_eq(address_index_find(&table, HEAP + 0x400), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HEAP + 0x810), 2u);
    cr_expect_eq(address_index_find(&table, HEAP + 0x2000), 2u);
    cr_expect_eq(address_index_find(&table, HEAP + 0x2807), 2u);
    cr_expect_eq(address_index_find(&table, HEAP + 0x2808), ADDRESS_NOWHERE);
}

Test(address_index, a_chunk_of_many_gib_is_found_everywhere)
{
    const MallocChunk chunks[] = {{HEAP + 0x1000, (5 * GIB) | CHUNK_MMAPPED},
                                  {HEAP + 0x1000 + 5 * GIB, 0x1000 | CHUNK_MMAPPED}};

    build(NULL, 0, chunks, 2);
    for (uint64_t offset = 16; offset < 5 * GIB; offset += GIB / 2)
        cr_expect_eq(address_index_find(&table, HEAP + 0x1000 + offset), 0u);
    cr_expect_eq(address_index_find(&table, HEAP + 0x1000 + 5 * GIB + 8), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HEAP + 0x1000 + 5 * GIB + 16), 1u);
}

Test(address_index, addresses_above_the_table_are_found_too)
{
    const SnapshotPages runs[] = {{HEAP, 1, NULL}, {HIGH, 1, NULL}};
    const MallocChunk chunks[] = {{HEAP + 0x1000, 64}, {HIGH + 0x1000, 64}};

    build(runs, 2, chunks, 2);
    cr_expect_eq(address_index_find(&table, HIGH + 0xfff), ADDRESS_IN_PAGE);
    cr_expect_eq(address_index_find(&table, HIGH + 0x1000), ADDRESS_NOWHERE);
    cr_expect_eq(address_index_find(&table, HIGH + 0x1010), 1u);
    cr_expect_eq(address_index_find(&table, HIGH + 0x1000 + 72), ADDRESS_NOWHERE);
}
