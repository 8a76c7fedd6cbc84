// HeapAnswers: see tests/support/heap_answers.h.

#include "tests/support/heap_answers.h"

#include <stdio.h>
#include <stdlib.h>

static void must(bool is_ok, const Error *error)
{
    if (is_ok)
        return;
    fprintf(stderr, "heap_answers: %s\n", error->message);
    abort();
}

void heap_answers_open(HeapAnswers *answers, HeapImage *image)
{
    Error error = {.code = ERROR_NONE};

    *answers = (HeapAnswers){.image = image};
    must(mark_reachable_serial(image, MARK_MAJOR, &answers->mark, &error), &error);
    must(reachability_report_new(image, answers->mark, &answers->report, &error), &error);
    must(object_graph_new(image, answers->mark, NULL, &answers->graph, &error), &error);
    must(node_types_new(answers->graph, answers->report->type_table, &answers->types, &error),
         &error);
    must(dominator_tree_new(answers->graph, NULL, &answers->tree, &error), &error);
}

void heap_answers_of(HeapAnswers *answers, MadeHeap *heap)
{
    heap_answers_open(answers, made_heap_image(heap, true));
    made_heap_free(heap);
}

void heap_answers_close(HeapAnswers *answers)
{
    dominator_tree_free(answers->tree);
    node_types_free(answers->types);
    object_graph_free(answers->graph);
    reachability_report_free(answers->report);
    mark_result_free(answers->mark);
    heap_image_free(answers->image);
    *answers = (HeapAnswers){.image = NULL};
}

uint32_t heap_answers_node(const HeapAnswers *answers, uint64_t address)
{
    Reference reference = heap_image_resolve(answers->image, address, true);

    if (reference.kind == REFERENCE_BLOCK)
        return object_graph_block_node(answers->graph, reference.block);
    if (reference.kind == REFERENCE_OBJECT)
        return object_graph_object_node(answers->graph, reference.page, reference.slot);
    fprintf(stderr, "heap_answers: there is nothing at 0x%llx\n", (unsigned long long)address);
    abort();
}
