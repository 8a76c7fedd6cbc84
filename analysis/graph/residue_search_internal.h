// ResidueSearch: the words whose place says residue, and how many other words refer to their
// objects. BufferShape: which words of a malloc'd block are in use, by the header that refers to
// it.

#ifndef ANALYSIS_GRAPH_RESIDUE_SEARCH_INTERNAL_H
#define ANALYSIS_GRAPH_RESIDUE_SEARCH_INTERNAL_H

#include "analysis/graph/object_graph_internal.h"
#include "analysis/graph/residue_words.h"

typedef enum BufferKind {
    BUFFER_UNKNOWN = 0,
    BUFFER_VECTOR, // {capacity, pointer, length}, or a ring: {capacity, pointer, head, length}
    BUFFER_TABLE,  // a hash table: {pointer, mask, room, entries}
    BUFFER_UNSURE, // headers disagree
} BufferKind;

// The ways to read a BUFFER_VECTOR.
typedef enum BufferReading {
    READ_AS_VECTOR = 1,
    READ_AS_RING = 2,
} BufferReading;

typedef struct BufferShape {
    uint32_t block;
    uint32_t kind;        // BufferKind
    uint64_t entry_bytes; // a multiple of 8
    uint64_t capacity;    // of a table: its buckets
    uint64_t first;       // length of a vector, or head of a ring; of a table: its control bytes
    uint64_t second; // length of a ring (more than `capacity`: not a ring), or entries of a table
} BufferShape;

// The shape that the words around word `at` give the block that it refers to. False: none.
bool buffer_shape_read(const HeapImage *image, NodeWords words, uint64_t at, BufferShape *out);

// Does the block itself agree? Looks at all control bytes of a table.
bool buffer_shape_holds(const HeapImage *image, const BufferShape *shape);

bool buffer_shape_is_same(const BufferShape *a, const BufferShape *b);

// Does the word `offset` bytes behind the block's start lie in a place that is not in use? In a
// vector or ring by any of these `readings`.
bool buffer_shape_is_left_over(const HeapImage *image, const BufferShape *shape, uint64_t offset,
                               unsigned readings);

// Each counting thread has two bytes for each slot.
#define MOST_COUNTING_THREADS 4u

// A word whose place says residue.
typedef struct ResidueCandidate {
    ResidueWord word;
    uint32_t bit; // of the object that it refers to, in HeapImage.live
} ResidueCandidate;

// The headers and the candidates that were found in a piece.
typedef struct ResiduePiece {
    BufferShape *shapes; // owned
    uint64_t shape_count;
    uint64_t shape_capacity;
    ResidueCandidate *words; // owned
    uint64_t word_count;
    uint64_t word_capacity;
} ResiduePiece;

typedef struct ResidueSearch {
    const HeapImage *image;
    const MarkResult *mark;
    AddressHull hull;
    uint64_t page_pieces;
    uint64_t piece_count;
    ResiduePiece *pieces;                    // owned
    BufferShape *shapes;                     // of blocks; owned
    uint32_t *block_shapes;                  // by block: index into shapes, plus 1; owned
    uint32_t thread_count;                   // that count
    uint16_t *counts[MOST_COUNTING_THREADS]; // by slot, at most UINT16_MAX: words that refer to it
                                             // and are not candidates; owned
} ResidueSearch;

// Finds the candidates, in `out`, without most of those that are needed, and counts the other
// words. `search` has its first two members set. Errors: memory. Released by
// residue_search_release() in any case.
NODISCARD bool residue_search_run(ResidueSearch *search, ResidueWords *out, Error *error);
void residue_search_release(ResidueSearch *search);

// Does the word of an object or block refer to a live object?
bool residue_search_refers_to_object(const ResidueSearch *search, uint64_t word);

// Adds the shape that word `at` and those around it give to a block, if they do. Errors: memory.
NODISCARD bool residue_shapes_add(const ResidueSearch *search, ResiduePiece *piece, NodeWords words,
                                  uint64_t at, Error *error);
// Takes the shapes of all pieces. Errors: memory.
NODISCARD bool residue_shapes_take(ResidueSearch *search, Error *error);
// The shape of a block, or NULL.
BufferShape *residue_shapes_find(const ResidueSearch *search, uint32_t block);
// A vector behind whose length nothing lies is one, whatever the word behind its header says: most
// headers with a small number behind them are not those of rings.
void residue_shapes_tell_vector(const ResidueSearch *search, BufferShape *shape, NodeWords words);

// The shape of the block that a word lies in; NULL: an object, or nothing is known.
const BufferShape *residue_search_shape(const ResidueSearch *search, const ResidueWord *word);

// All words of the object or block that a word lies in.
NodeWords residue_word_words(const HeapImage *image, const ResidueWord *word);

// The object that a candidate refers to, and its bit in HeapImage.live.
uint64_t residue_search_target(const ResidueSearch *search, const ResidueWord *word,
                               uint32_t *page);

// The words that refer to the object with this bit, candidates not counted.
uint64_t residue_search_count(const ResidueSearch *search, uint64_t bit);

#endif
