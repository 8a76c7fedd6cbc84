// Finding the blocks of musl's malloc in groups that are made, whole and broken.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define PAGES UINT64_C(0x600000000000)
#define OBJECT (PAGES + 1600)
#define DATA UINT64_C(0x560000000000)
#define TABLE UINT64_C(0x7f1000000000)
#define GROUP UINT64_C(0x7f2000000000)
#define LARGE UINT64_C(0x7f3000000000)
#define SECRET UINT64_C(0x5ec12e7)
#define STRIDE UINT64_C(400) // 25 units: class 14
#define SLOT(i) (GROUP + 16 + (i)*STRIDE)
#define INNER_STRIDE UINT64_C(32) // class 1
#define INNER SLOT(5)

static uint64_t record(uint64_t i)
{
    return TABLE + 24 + 40 * i;
}

static void set_record(MadeProcess *process, uint64_t i, uint64_t group, uint64_t masks,
                       uint64_t last, uint64_t class_number, uint64_t pages)
{
    made_process_set(process, record(i) + 16, group);
    made_process_set(process, record(i) + 24, masks);
    made_process_set(process, record(i) + 32, last | 1 << 5 | class_number << 6 | pages << 12);
    made_process_set(process, group, record(i));
}

// The header in front of a block: its slot's number with the spare bytes, its distance in units.
static void set_header(MadeProcess *process, uint64_t block, uint64_t number, uint64_t units)
{
    made_process_set(process, block - 8, number << 40 | units << 48);
}

static void hold(MadeProcess *process, uint64_t block, uint64_t place)
{
    made_process_set(process, block, OBJECT);
    made_process_set(process, DATA + 8 * place, block);
}

// A group of 10 slots of 400 bytes, of which 0, 3 and 5 are in use; in slot 5 lies a group of 4
// slots of 32 bytes, of which 1 and 2 are.
static MadeProcess *process_with_groups(void)
{
    MadeProcess *process = made_process_with_stack();

    made_process_map(process, PAGES, 0x1000, "rw-p", "");
    made_process_page(process, PAGES, 64, 7);
    made_process_map(process, DATA, 0x1000, "rw-p", "/lib/made");
    made_process_map(process, TABLE, 0x1000, "rw-p", "");
    made_process_map(process, GROUP, 0x1000, "rw-p", "");
    made_process_set(process, TABLE, SECRET);
    made_process_set(process, TABLE + 16, 101);
    set_record(process, 3, GROUP, UINT64_C(0x3c0) | UINT64_C(0x016) << 32, 9, 14, 1);
    set_record(process, 4, INNER, UINT64_C(0x9) << 32, 3, 1, 0);
    set_header(process, SLOT(0), 0, 0);
    set_header(process, SLOT(3), 3 | 4 << 5, 75); // 4 bytes are spare
    set_header(process, SLOT(5), 5 | 6 << 5, 125);
    set_header(process, INNER + 16 + INNER_STRIDE, 1, 2);
    set_header(process, INNER + 16 + 2 * INNER_STRIDE, 2, 4);
    for (uint64_t i = 0; i < 5; i++)
        hold(process, SLOT(i), i);
    hold(process, INNER + 16 + INNER_STRIDE, 5);
    hold(process, INNER + 16 + 2 * INNER_STRIDE, 6);
    return process;
}

static uint64_t bytes_of(HeapSearch *search, uint64_t address)
{
    const SnapshotBlock *block = made_search_block(search, address);

    return block != NULL ? block->bytes : 0;
}

Test(musl_search, slots_in_neither_mask_are_blocks)
{
    MadeProcess *process = process_with_groups();
    HeapSearch *search = made_search(process, FOREIGN_BLOCKS, NULL);

    cr_expect_eq(heap_search_contents(search)->block_count, 4u);
    // A slot ends with the header of the next one; whole words count.
    cr_expect_eq(bytes_of(search, SLOT(0)), STRIDE - 8);
    cr_expect_eq(bytes_of(search, SLOT(3)), STRIDE - 8);
    cr_expect_eq(bytes_of(search, INNER + 16 + INNER_STRIDE), INNER_STRIDE - 8);
    cr_expect_eq(bytes_of(search, INNER + 16 + 2 * INNER_STRIDE), INNER_STRIDE - 8);
    cr_expect_eq(made_search_roots_of_kind(search, ROOT_FOREIGN), 0u);
    heap_search_free(search);
    made_process_free(process);
}

Test(musl_search, a_block_may_begin_behind_its_slot)
{
    MadeProcess *process = process_with_groups();
    HeapSearch *search;

    // Three units further; of the 400 - 48 - 4 bytes up to the next header 100 are spare.
    set_header(process, SLOT(3), 7 << 5, 3);
    set_header(process, SLOT(3) + 48, 3 | 5 << 5, 78);
    made_process_set(process, SLOT(4) - 8, 100);
    hold(process, SLOT(3) + 48, 3);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(bytes_of(search, SLOT(3) + 48), 248u);
    cr_expect_eq(bytes_of(search, SLOT(3)), 0u);
    heap_search_free(search);
    made_process_free(process);
}

Test(musl_search, a_large_block_has_a_mapping_of_its_own)
{
    MadeProcess *process = process_with_groups();
    HeapSearch *search;

    made_process_map(process, LARGE, 0x40000, "rw-p", "");
    set_record(process, 7, LARGE, 0, 0, 63, 0x40);
    set_header(process, LARGE + 16, 0 | 5 << 5, 0);
    made_process_set(process, LARGE + 0x40000 - 8, 0x234);
    hold(process, LARGE + 16, 9);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(bytes_of(search, LARGE + 16), (0x40000u - 16 - 4 - 0x234 + 7) / 8 * 8);
    heap_search_free(search);
    made_process_free(process);
}

Test(musl_search, what_fails_a_check_is_roots)
{
    // A word that is another one, and the blocks and roots that are found then.
    static const struct {
        uint64_t address, word, blocks, roots;
    } cases[] = {
        {TABLE + 16, 100, 0, 7},                               // another number of records
        {TABLE, 0, 0, 7},                                      // without a secret
        {TABLE + 8, 8, 0, 7},                                  // the next table is none
        {GROUP, TABLE, 0, 7},                                  // does not point back
        {TABLE + 24 + 120 + 16, GROUP + 8, 0, 7},              // not aligned
        {TABLE + 24 + 120 + 32, 9 | 50 << 6 | 1 << 12, 0, 7},  // no such class
        {TABLE + 24 + 120 + 32, 31 | 14 << 6 | 1 << 12, 0, 7}, // more slots than there is room
        {TABLE + 24 + 120 + 32, 9 | 14 << 6 | 9 << 12, 0, 7},  // more pages than the mapping has
        {TABLE + 24 + 160 + 32, 9 | 14 << 6, 3, 0},            // larger than its slot
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MadeProcess *process = process_with_groups();
        HeapSearch *search;

        made_process_set(process, cases[i].address, cases[i].word);
        search = made_search(process, FOREIGN_BLOCKS, NULL);
        cr_expect_eq(heap_search_contents(search)->block_count, cases[i].blocks, "case %zu", i);
        cr_expect_eq(made_search_roots_of_kind(search, ROOT_FOREIGN), cases[i].roots, "case %zu",
                     i);
        heap_search_free(search);
        made_process_free(process);
    }
}

Test(musl_search, one_header_of_a_group_may_be_unwritten)
{
    for (uint64_t wrong = 1; wrong <= 2; wrong++) {
        MadeProcess *process = process_with_groups();
        HeapSearch *search;

        for (uint64_t i = 0; i < wrong; i++)
            set_header(process, SLOT(3 * i), 8, 1);
        search = made_search(process, FOREIGN_BLOCKS, NULL);
        cr_expect_eq(heap_search_contents(search)->block_count, wrong == 1 ? 4u : 0u);
        heap_search_free(search);
        made_process_free(process);
    }
}
