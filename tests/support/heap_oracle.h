// HeapOracle: reachability, dominators and distances by the simplest means.
//
// Shares no code with marker/ or analysis/, not even the resolving of words: it makes a sorted list
// of all slots and blocks, and for each question walks the heap again without the cells in
// question. Slow on purpose.

#ifndef TESTS_SUPPORT_HEAP_ORACLE_H
#define TESTS_SUPPORT_HEAP_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/heap/heap_image.h"

#define NO_CELL UINT32_MAX

// A live object, or a foreign block.
typedef struct OracleCell {
    uint64_t address;
    uint64_t bytes;
    bool is_block;
    const uint8_t *data;
    uint64_t first_offset; // of the payload
    bool is_scanned;
    uint64_t type_word; // of an object with an object header
    bool has_header;
    uint32_t reference_count; // cells it refers to, once for each word
    uint32_t *references;
} OracleCell;

typedef struct HeapOracle {
    const HeapImage *image;
    uint32_t cell_count;
    OracleCell *cells; // ascending by address
    uint32_t *roots;   // per root word of the image: cell, or NO_CELL
} HeapOracle;

// Running out of memory aborts. The caller frees it with heap_oracle_free(). Borrows `image`.
HeapOracle *heap_oracle_new(const HeapImage *image);
void heap_oracle_free(HeapOracle *oracle);

// NO_CELL when there is none at this address.
uint32_t heap_oracle_find(const HeapOracle *oracle, uint64_t address);

// Cells and root words that a walk leaves out, by a function each (NULL: none).
typedef struct OracleCut {
    bool (*is_cell_cut)(const void *context, const HeapOracle *oracle, uint32_t cell);
    bool (*is_root_cut)(const void *context, const HeapOracle *oracle, uint64_t root);
    const void *context;
} OracleCut;

// reached[i]: can cell i be reached? cut may be NULL. The caller frees the array.
bool *heap_oracle_reach(const HeapOracle *oracle, const OracleCut *cut);

// Without one cell. NO_CELL: all.
bool *heap_oracle_reach_without(const HeapOracle *oracle, uint32_t cell);

// distances[i]: the fewest cells on a way from a root to cell i, itself included; 0: not reachable.
// The caller frees the array.
uint32_t *heap_oracle_distances(const HeapOracle *oracle, const OracleCut *cut);

#endif
