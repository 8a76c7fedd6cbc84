// HeapAnswers: an image with all that the questions about a heap start from: its mark, report,
// graph, types and dominators.

#ifndef TESTS_SUPPORT_HEAP_ANSWERS_H
#define TESTS_SUPPORT_HEAP_ANSWERS_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "analysis/reachability_report.h"
#include "marker/mark.h"
#include "tests/support/made_heap.h"

typedef struct HeapAnswers {
    HeapImage *image;
    MarkResult *mark; // by the serial marker
    ReachabilityReport *report;
    ObjectGraph *graph;
    NodeTypes *types;
    DominatorTree *tree;
} HeapAnswers;

// Consumes the image. Aborts when a step fails.
void heap_answers_open(HeapAnswers *answers, HeapImage *image);
// Of a made heap, which it frees.
void heap_answers_of(HeapAnswers *answers, MadeHeap *heap);
void heap_answers_close(HeapAnswers *answers);

// The node of the object or block that holds a captured address.
uint32_t heap_answers_node(const HeapAnswers *answers, uint64_t address);

#endif
