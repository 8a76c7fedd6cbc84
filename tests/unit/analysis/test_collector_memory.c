// The collector's own memory in heaps made by hand, told by the structure of its blocks.

#include <criterion/criterion.h>

#include <stdlib.h>

#include "analysis/collector_memory.h"
#include "analysis/retained_report.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define CONTROL UINT64_C(0x20000000)
#define BUFFER UINT64_C(0x20001000)
#define SHARED UINT64_C(0x20002000)
#define LIST UINT64_C(0x20003000)

static bool has(const CollectorMemory *memory, const HeapAnswers *answers, uint64_t block)
{
    return collector_memory_has_node(memory, answers->graph, heap_answers_node(answers, block));
}

Test(collector_memory, is_what_only_control_blocks_keep)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1), slots[4];
    CollectorMemory memory;
    HeapAnswers answers;
    Error error;

    for (uint32_t i = 0; i < 4; i++)
        slots[i] = made_heap_object(heap, page, i);
    // A control block with an allocation buffer, which refers to a buffer of writes and to a block
    // of the program; the buffer of writes keeps two objects, of which the program has one.
    made_heap_root(heap, ROOT_STACK, made_heap_block(heap, CONTROL, 64));
    made_heap_block_word(heap, CONTROL, 8, made_heap_slot(heap, page, 4));
    made_heap_block_word(heap, CONTROL, 16, PAGE + 4096);
    made_heap_block_word(heap, CONTROL, 24, page);
    made_heap_block_word(heap, CONTROL, 32, made_heap_block(heap, BUFFER, 256));
    made_heap_block_word(heap, CONTROL, 40, made_heap_block(heap, SHARED, 32));
    made_heap_block_word(heap, BUFFER, 0, slots[0]);
    made_heap_block_word(heap, BUFFER, 8, slots[1]);
    made_heap_root(heap, ROOT_GLOBAL, slots[1]);
    made_heap_refer(heap, slots[1], 0, SHARED);
    made_heap_block_word(heap, SHARED, 0, slots[2]);
    heap_answers_of(&answers, heap);

    cr_assert(collector_memory_find(answers.graph, &memory, &error), "%s", error.message);
    cr_expect(has(&memory, &answers, CONTROL));
    cr_expect(has(&memory, &answers, BUFFER));
    cr_expect_not(has(&memory, &answers, SHARED), "an object refers to it");
    cr_expect_eq(memory.block_count, 2);
    cr_expect_eq(memory.block_bytes, 64 + 256);
    cr_expect_eq(memory.kept_objects, 1);
    cr_expect_eq(memory.kept_bytes, 64);
    collector_memory_release(&memory);
    heap_answers_close(&answers);
}

Test(collector_memory, holds_lists_of_pages_but_no_single_ones)
{
    MadeHeap *heap = made_heap_new(NULL);
    CollectorMemory memory;
    HeapAnswers answers;
    Error error;

    made_heap_root(heap, ROOT_GLOBAL, made_heap_block(heap, LIST, 64));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_block(heap, BUFFER, 64));
    for (uint32_t i = 0; i < 5; i++)
        made_heap_block_word(heap, LIST, 8 * i, made_heap_page(heap, PAGE + 4096 * i, 64, 1));
    made_heap_block_word(heap, BUFFER, 8, PAGE);
    heap_answers_of(&answers, heap);
    cr_assert(collector_memory_find(answers.graph, &memory, &error), "%s", error.message);
    cr_expect(has(&memory, &answers, LIST));
    cr_expect_not(has(&memory, &answers, BUFFER));
    collector_memory_release(&memory);
    heap_answers_close(&answers);
}

Test(collector_memory, is_nothing_where_the_heap_shows_none)
{
    MadeHeap *heap = made_heap_new(NULL);
    CollectorMemory memory;
    HeapAnswers answers;
    Error error;

    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, made_heap_page(heap, PAGE, 64, 1), 0));
    heap_answers_of(&answers, heap);
    cr_assert(collector_memory_find(answers.graph, &memory, &error), "%s", error.message);
    cr_expect_eq(memory.block_count, 0);
    cr_expect_eq(memory.kept_objects, 0);
    collector_memory_release(&memory);
    heap_answers_close(&answers);
}

// The program's object refers to a chain, in the middle of which a buffer of the collector, and an
// object that only this buffer keeps, have words of their own.
static void make_stale_words(HeapAnswers *answers, uint64_t slots[4])
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);

    for (uint32_t i = 0; i < 4; i++)
        slots[i] = made_heap_object(heap, page, i);
    made_heap_root(heap, ROOT_STACK, made_heap_block(heap, CONTROL, 64));
    made_heap_block_word(heap, CONTROL, 8, made_heap_slot(heap, page, 4));
    made_heap_block_word(heap, CONTROL, 16, PAGE + 4096);
    made_heap_block_word(heap, CONTROL, 24, page);
    made_heap_block_word(heap, CONTROL, 32, slots[1]);
    made_heap_block_word(heap, CONTROL, 40, slots[3]);
    made_heap_root(heap, ROOT_GLOBAL, slots[0]);
    made_heap_refer(heap, slots[0], 0, slots[1]);
    made_heap_refer(heap, slots[1], 0, slots[2]);
    made_heap_refer(heap, slots[3], 0, slots[2]);
    heap_answers_of(answers, heap);
}

Test(collector_memory, is_set_aside_for_retained_sizes_and_for_marks_that_prove_them)
{
    uint64_t slots[4], all;
    CollectorMemory memory;
    RetainedProof *proofs;
    HeapAnswers answers;
    uint32_t count;
    Error error;

    make_stale_words(&answers, slots);
    all = answers.tree->retained_bytes[dominator_tree_top(answers.tree)];
    cr_expect_eq(answers.tree->retained_bytes[heap_answers_node(&answers, slots[0])], 64);
    dominator_tree_free(answers.tree);
    cr_assert(collector_memory_find(answers.graph, &memory, &error), "%s", error.message);
    cr_expect_eq(memory.kept_objects, 1);
    cr_assert(collector_memory_set_aside(&memory, answers.graph, answers.image, &error));
    cr_assert(dominator_tree_new(answers.graph, NULL, &answers.tree, &error));
    cr_expect_eq(answers.tree->retained_bytes[heap_answers_node(&answers, slots[0])], 3 * 64);
    cr_expect_eq(answers.tree->retained_bytes[heap_answers_node(&answers, slots[3])], 64);
    cr_expect_eq(answers.tree->retained_bytes[heap_answers_node(&answers, CONTROL)], 2 * 64);
    cr_expect_eq(answers.tree->retained_bytes[dominator_tree_top(answers.tree)], all);
    cr_assert(retained_prove(answers.tree, 30, 1, NULL, &proofs, &count, &error));
    for (uint32_t i = 0; i < count; i++)
        cr_expect(retained_proof_holds(&proofs[i]), "node %u", proofs[i].node);
    free(proofs);
    collector_memory_release(&memory);
    heap_answers_close(&answers);
}
