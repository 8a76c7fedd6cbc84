// Chains of references from one type to another.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/type_reach.h"
#include "tests/support/heap_answers.h"

#define PAGES UINT64_C(0x10000000)
#define NODE UINT64_C(0x400010)
#define END UINT64_C(0x400020)

// A list of nodes, type #1, of which the last refers to an end, type #2, or to the first.
static void open_list(HeapAnswers *answers, uint32_t length, bool is_ring)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t first = 0, last = 0, page = 0, end;
    uint32_t slots = 1;

    for (uint32_t i = 0; i < length; i++) {
        uint64_t node;

        if (i % slots == 0)
            page = made_heap_page(heap, PAGES + 4096 * (i / slots), 64, 1);
        slots = made_heap_slots(heap, page);
        node = made_heap_object(heap, page, i % slots);
        made_heap_set_type(heap, node, NODE);
        if (i == 0)
            first = node;
        else
            made_heap_refer(heap, last, 0, node);
        last = node;
    }
    end = made_heap_object(heap, made_heap_page(heap, PAGES + 4096 * 1000, 64, 1), 0);
    made_heap_set_type(heap, end, END);
    made_heap_refer(heap, last, 0, is_ring ? first : end);
    made_heap_root(heap, ROOT_GLOBAL, first);
    made_heap_root(heap, ROOT_GLOBAL, end);
    heap_answers_of(answers, heap);
}

// Types in the order of the table: nodes, ends, blocks.
static uint32_t length_between(const HeapAnswers *answers, int from, int to, char **text)
{
    bool is_from[3] = {from == 0, from == 1, from == 2}, is_to[3] = {to == 0, to == 1, to == 2};
    TypeReach reach;
    uint32_t length;
    Error error;

    cr_assert(type_reach_find(answers->types, is_from, is_to, &reach, &error));
    length = reach.length;
    if (text != NULL)
        *text = type_reach_text(answers->types, &reach);
    type_reach_release(&reach);
    return length;
}

Test(type_reach, the_chain_is_a_shortest_one)
{
    HeapAnswers answers;
    char *text;

    open_list(&answers, 5, false);
    // From the last node, as each is one of the first type.
    cr_expect_eq(length_between(&answers, 0, 1, &text), 2);
    cr_expect_not_null(strstr(text, " -> type #2"), "%s", text);
    cr_expect_eq(length_between(&answers, 1, 0, NULL), 0);
    cr_expect_eq(length_between(&answers, 0, 2, NULL), 0);
    free(text);
    heap_answers_close(&answers);
}

Test(type_reach, a_type_may_lead_to_itself_by_a_reference)
{
    HeapAnswers answers;

    open_list(&answers, 2, false);
    cr_expect_eq(length_between(&answers, 0, 0, NULL), 2);
    cr_expect_eq(length_between(&answers, 1, 1, NULL), 0);
    heap_answers_close(&answers);
    open_list(&answers, 1, true);
    cr_expect_eq(length_between(&answers, 0, 0, NULL), 2);
    heap_answers_close(&answers);
}

Test(type_reach, long_chains_are_shown_without_their_middle)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGES, 64, 1), last = 0;
    HeapAnswers answers;
    char *text;

    // Other objects between the first and the last.
    for (uint32_t i = 0; i < 30; i++) {
        uint64_t node = made_heap_object(heap, page, i);

        made_heap_set_type(heap, node, i == 0 ? NODE : i == 29 ? END + 16 : END);
        if (i == 0)
            made_heap_root(heap, ROOT_GLOBAL, node);
        else
            made_heap_refer(heap, last, 0, node);
        last = node;
    }
    heap_answers_of(&answers, heap);
    {
        bool is_from[4] = {true}, is_to[4] = {false, false, true, false};
        TypeReach reach;
        Error error;

        cr_assert(type_reach_find(answers.types, is_from, is_to, &reach, &error));
        cr_expect_eq(reach.length, 30);
        text = type_reach_text(answers.types, &reach);
        type_reach_release(&reach);
    }
    cr_expect_not_null(strstr(text, " -> ... (20 more) -> "), "%s", text);
    free(text);
    heap_answers_close(&answers);
}
