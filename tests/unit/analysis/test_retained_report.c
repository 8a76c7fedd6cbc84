// Retained sizes of objects and types of a small heap, by the tree and by marking again.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/retained_report.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define ORDER UINT64_C(0x400010)
#define ITEM UINT64_C(0x400020)

// Two orders that share an item, one that refers to another order with an item of its own.
typedef struct Shop {
    HeapAnswers answers;
    uint64_t first, second, third, fourth; // orders
    uint64_t shared, own;                  // items
} Shop;

static uint64_t typed(MadeHeap *heap, uint64_t page, uint32_t slot, uint64_t type)
{
    uint64_t object = made_heap_object(heap, page, slot);

    made_heap_set_type(heap, object, type);
    return object;
}

static Shop shop_new(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    Shop shop = {
        .first = typed(heap, page, 0, ORDER),
        .second = typed(heap, page, 1, ORDER),
        .third = typed(heap, page, 2, ORDER),
        .fourth = typed(heap, page, 3, ORDER),
        .shared = typed(heap, page, 4, ITEM),
        .own = typed(heap, page, 5, ITEM),
    };

    made_heap_refer(heap, shop.first, 0, shop.shared);
    made_heap_refer(heap, shop.second, 0, shop.shared);
    made_heap_refer(heap, shop.third, 0, shop.fourth);
    made_heap_refer(heap, shop.fourth, 0, shop.own);
    made_heap_root(heap, ROOT_GLOBAL, shop.first);
    made_heap_root(heap, ROOT_STACK, shop.second);
    made_heap_root(heap, ROOT_GLOBAL, shop.third);
    heap_answers_of(&shop.answers, heap);
    return shop;
}

static RetainedReport *report_of(Shop *shop, uint32_t top)
{
    RetainedReport *report = NULL;
    Error error;

    cr_assert(retained_report_new(shop->answers.tree, shop->answers.types, top, &report, &error));
    return report;
}

static const RetainedType *type_of(const Shop *shop, const RetainedReport *report, uint64_t object)
{
    uint32_t type = shop->answers.types->by_node[heap_answers_node(&shop->answers, object)];

    for (uint32_t i = 0; i < report->type_count; i++)
        if (report->retained_types[i].type == type)
            return &report->retained_types[i];
    cr_assert_fail("there is no such type");
    return NULL;
}

Test(retained_report, objects_come_largest_first_and_of_equals_the_lower_address)
{
    Shop shop = shop_new();
    RetainedReport *report = report_of(&shop, 4);
    const uint64_t order[] = {shop.third, shop.fourth, shop.first, shop.second};

    cr_assert_eq(report->object_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        cr_expect_eq(report->objects[i], heap_answers_node(&shop.answers, order[i]));
    cr_expect_eq(shop.answers.tree->retained_bytes[report->objects[0]], 3 * 64);
    retained_report_free(report);
    report = report_of(&shop, 100);
    cr_expect_eq(report->object_count, 6);
    retained_report_free(report);
    heap_answers_close(&shop.answers);
}

Test(retained_report, a_type_counts_nothing_twice_and_frees_what_its_objects_share)
{
    Shop shop = shop_new();
    RetainedReport *report = report_of(&shop, 1);
    Error error;

    cr_assert(retained_report_free_types(report, UINT32_MAX, NULL, &error));
    const RetainedType *orders = type_of(&shop, report, shop.first);
    const RetainedType *items = type_of(&shop, report, shop.own);

    cr_expect_eq(report->type_count, 2);
    cr_expect_eq(orders->objects, 4);
    cr_expect_eq(orders->bytes, 4 * 64);
    // The third with the fourth and its item, the first and second alone.
    cr_expect_eq(orders->retained_bytes, 5 * 64);
    // Without all orders the shared item goes, too.
    cr_expect_eq(orders->freed.object_bytes, 6 * 64);
    cr_expect_eq(items->retained_bytes, 2 * 64);
    cr_expect_eq(items->freed.objects, 2);
    retained_report_free(report);
    heap_answers_close(&shop.answers);
}

Test(retained_report, marking_again_proves_retained_sizes)
{
    Shop shop = shop_new();
    RetainedProof *proofs, *again;
    uint32_t count, nodes = shop.answers.tree->graph->node_count;
    bool *is_proved = calloc(nodes, sizeof *is_proved);
    Error error;

    // Of fewer objects than that, each once.
    cr_assert(retained_prove(shop.answers.tree, 1000000, 7, NULL, &proofs, &count, &error));
    cr_assert_eq(count, nodes);
    for (uint32_t i = 0; i < count; i++) {
        cr_expect(retained_proof_holds(&proofs[i]));
        cr_expect_not(is_proved[proofs[i].node]);
        is_proved[proofs[i].node] = true;
    }
    free(is_proved);
    free(proofs);
    cr_assert(retained_prove(shop.answers.tree, 4, 7, NULL, &proofs, &count, &error));
    cr_assert_eq(count, 4);
    // Every other one keeps something beside itself alive.
    cr_expect_gt(proofs[1].retained_bytes, 64);
    cr_assert(retained_prove(shop.answers.tree, 4, 7, NULL, &again, &count, &error));
    for (uint32_t i = 0; i < count; i++)
        cr_expect_eq(again[i].node, proofs[i].node);
    proofs[0].retained_bytes++;
    cr_expect_not(retained_proof_holds(&proofs[0]));
    free(proofs);
    free(again);
    heap_answers_close(&shop.answers);
}
