// HeapView: what an object, a block or a slot of a heap holds, and who refers to it.
//
// A view is a list of rows, and the referrers of the place. Where the program's data types say what
// lies in the place, a row is a field with its value; elsewhere it is a word that is not zero. A
// view is made from captured bytes alone, so garbage and slots that were freed have views, too.

#ifndef ANALYSIS_HEAP_VIEW_H
#define ANALYSIS_HEAP_VIEW_H

#include "analysis/buffer_text.h"
#include "analysis/graph/edge_label.h"
#include "analysis/graph/node_types.h"
#include "analysis/heap_place.h"
#include "analysis/referrer_search.h"

// Rows that a view has at most; the others are counted.
#define VIEW_MAX_ROWS 65536u
#define VIEW_VALUE_CHARS 40u

// What a block refers to.
typedef struct BlockContents {
    bool is_known;       // else it was too much to look at
    uint64_t references; // words that refer to live objects
    uint64_t blocks;     // words that refer to blocks
    uint32_t type;       // of the type table: of the first object; NO_INDEX: none
    bool is_one_type;    // of all of them
} BlockContents;

typedef struct ViewRow {
    uint64_t offset;            // in the object or block
    uint32_t bytes;             // 8 of a word
    const SnapshotField *field; // NULL: not known
    EdgeKind kind;
    char name[EDGE_LABEL_CHARS];  // of the field: ".sessions", "[3].key"; ""
    uint64_t word;                // its first 8 bytes
    char value[VIEW_VALUE_CHARS]; // for people: "42", "true", "'x'", "0x7f0000001000", "Some"
    // Where a word points to. OUTSIDE: nowhere in the heap. A word counts as a reference if it
    // points to the start of an object, or anywhere into a block.
    HeapPlace target;
    // Of a block:
    BufferShape shape;
    BlockContents contents;
} ViewRow;

typedef struct HeapView {
    const HeapImage *image; // borrowed, as the next three
    const MarkResult *mark;
    const TypeTable *types;
    const EdgeLabels *labels;
    HeapPlace place;
    const SnapshotDataType *data_type; // of the object, or of the values in the block; or NULL
    uint32_t requested_bytes;          // that the program asked for; 0: not known
    bool is_reachable;
    PageFacts page; // where the place lies in a page
    SlotFacts slot; // where it is a slot
    uint32_t type;  // of the table: of an object or a zombie; else NO_INDEX
    uint32_t row_count;
    uint64_t row_capacity;
    ViewRow *rows;       // ascending by offset; owned
    uint64_t words;      // that the place has
    uint64_t zero_words; // of those that are not fields: no rows
    uint64_t rows_left_out;
    // Words that are not known: the program declared that they hold no references, and reading the
    // snapshot cleared them.
    uint64_t masked_words;
    uint64_t fields_seen;   // for the rows
    uint64_t content_words; // of blocks, that were looked at for the rows
    Referrers referrers;
} HeapView;

// `address`: any address. `mark`, `types` and `labels` are of `image`; all are borrowed and must
// outlive the view. Errors: memory. Released by heap_view_release() in any case.
NODISCARD bool heap_view_make(const HeapImage *image, const MarkResult *mark,
                              const TypeTable *types, const EdgeLabels *labels, uint64_t address,
                              HeapView *out, Error *error);
void heap_view_release(HeapView *view);

// Is it a word that refers to an object or a block, as marking counts it?
static inline bool view_row_refers(const ViewRow *row)
{
    return row->target.kind == HEAP_PLACE_BLOCK ||
           ((row->target.kind == HEAP_PLACE_OBJECT || row->target.kind == HEAP_PLACE_ZOMBIE) &&
            row->target.offset == 0);
}

// Do the program's data types say what lies in the place: are its rows fields?
static inline bool heap_view_has_fields(const HeapView *view)
{
    return view->data_type != NULL;
}

// The word that owns a block, by the program's data types. False: not known.
bool heap_view_owner_of(const HeapView *view, uint32_t block, HeapPlace *owner, EdgeLabel *label);

// The text in a block, as far as its length is known or it ends with a NUL: false where there is
// none, or its bytes are not in the snapshot.
bool heap_view_block_text(const HeapImage *image, uint32_t block, const BufferShape *shape,
                          char text[BUFFER_TEXT_BYTES + 1]);

// The type of an allocated slot, as a number of the table.
uint32_t heap_view_type_of(const HeapView *view, const HeapPlace *place);
// "shop::Order", "foreign block", "free slot".
const char *heap_view_label_of(const HeapView *view, const HeapPlace *place);

#endif
