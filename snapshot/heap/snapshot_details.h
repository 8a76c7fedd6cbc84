// SnapshotDetails: what a snapshot knows beside the heap itself: where and how it
// was captured, threads, modules, type symbols, the memory map.
//
// Nothing here changes what is marked. The container writes and reads it, the
// capture fills it, reports show it. All strings are NUL-terminated UTF-8 (bytes
// that are not, from another process, are replaced on the way in).
// The file of each section (snapshot/file/sections/) says which members a redacted snapshot may
// hold; a member that none of them names stays out.

#ifndef SNAPSHOT_HEAP_SNAPSHOT_DETAILS_H
#define SNAPSHOT_HEAP_SNAPSHOT_DETAILS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/data_types.h"
#include "snapshot/heap/memory_account.h"
#include "snapshot/heap/page_record.h"
#include "snapshot/heap/pause_certificate.h"

typedef enum ForeignMode {
    FOREIGN_BLOCKS = 0, // malloc chunks are traced like objects
    FOREIGN_ROOTS,      // all malloc'd words are roots
    FOREIGN_NONE,       // malloc'd memory is left out
} ForeignMode;

// "blocks", "roots", "none".
const char *foreign_mode_name(ForeignMode mode);

typedef struct SnapshotThread {
    uint32_t tid;
    char name[64]; // comm; a longer one is cut
    uint64_t stack_pointer;
    uint64_t program_counter;
    uint64_t control_block; // fs_base on x86-64
} SnapshotThread;

typedef struct SnapshotModule {
    char *name;     // file name without folders; owned
    char *build_id; // lower-case hex, "" when there is none; owned
    uint64_t base;  // load address that offsets count from
    uint64_t end;   // end of the last mapping
} SnapshotModule;

// A function that object headers point to: one distinct value of the type word (the trace
// function), or of the drop function's word.
typedef struct SnapshotType {
    uint64_t type_word; // its address
    uint32_t module;    // index, or UINT32_MAX
    uint64_t module_offset;
    uint32_t symbol_count; // identical functions are merged: one address, several symbols
    char **symbols;        // demangled, ascending, without duplicates; owned
} SnapshotType;

// A global or thread-local variable in which root words lie.
typedef struct SnapshotVariable {
    uint64_t address; // thread-local: distance from the thread's control block, modulo 2^64
    uint64_t bytes;
    uint32_t module; // index
    bool is_thread_local;
    char *name; // demangled; owned
} SnapshotVariable;

// One frame of a thread's stack. Its words are those at [start, end).
typedef struct SnapshotFrame {
    uint64_t program_counter; // a return address, unless the frame was interrupted
    bool is_interrupted;      // the innermost, and those that a signal came to
    uint64_t start;           // of the innermost: the red zone included
    uint64_t end;             // `start` where it is not known
    uint64_t function_offset; // of program_counter in the function
    char *function;           // demangled; NULL where no symbol covers it; owned
} SnapshotFrame;

// Why the list of frames ends; values are those of the snapshot file.
typedef enum StackEnd {
    STACK_END_WHOLE = 0, // the outermost was reached
    STACK_END_BROKEN,    // the caller could not be found
    STACK_END_TOO_DEEP,
    STACK_END_COUNT,
} StackEnd;

typedef struct SnapshotStack {
    uint32_t thread; // index
    uint8_t end;     // StackEnd
    uint32_t frame_count;
    SnapshotFrame *frames; // from the innermost on; owned
} SnapshotStack;

// A function at the code of a frame. Several were inlined into each other: level 0 is the
// innermost, the last one has the code.
typedef struct SnapshotPlace {
    uint32_t thread; // index
    uint32_t frame;  // number in the stack of the thread
    uint32_t level;
    uint32_t line;  // where it was, or called the function of the level before; 0: not known
    char *function; // demangled; owned
    char *file;     // as the compiler was told; ""; owned
} SnapshotPlace;

typedef struct SnapshotMapping {
    uint64_t start;
    uint64_t end;
    uint64_t file_offset;
    char permissions[5]; // "rw-p"
    char *name;          // path, "[heap]", or ""; owned
} SnapshotMapping;

// The name of a root, from a program that captured itself.
typedef struct SnapshotRootName {
    uint64_t address; // where the word lies
    uint64_t value;   // what it held
    char *name;       // owned
} SnapshotRootName;

// Where objects of a type hold references, and nowhere else: a declaration of a program that
// captured itself.
typedef struct SnapshotTypeLayout {
    uint64_t type_word;
    uint32_t rest_offset; // from here to the object's end every word may be one; UINT32_MAX: none
    uint32_t offset_count;
    uint32_t *offsets; // bytes from the object's start, multiples of 8, ascending; owned
} SnapshotTypeLayout;

// A malloc'd block without content: objects or foreign blocks refer to it, and it holds no
// reference to the heap, so that only its place and size are recorded.
typedef struct SizedBlock {
    uint64_t address;         // of the first user byte, a multiple of SIZED_BLOCK_GRANULE
    uint64_t bytes_and_flags; // bytes, likewise, and SIZED_BLOCK_* flags below
} SizedBlock;

#define SIZED_BLOCK_GRANULE 8u
// A snapshot records at most this many such blocks, and as many links.
#define SIZED_BLOCKS_MAX (1u << 27)
// Other memory than objects, the blocks that they lead to, and stacks keeps the block, too: it
// belongs to no object. It has no links.
#define SIZED_BLOCK_SHARED 1u

static inline uint64_t sized_block_bytes(const SizedBlock *block)
{
    return block->bytes_and_flags & ~(uint64_t)(SIZED_BLOCK_GRANULE - 1);
}

static inline bool sized_block_is_shared(const SizedBlock *block)
{
    return (block->bytes_and_flags & SIZED_BLOCK_SHARED) != 0;
}

// One block without content refers to another one, once or several times.
typedef struct SizedLink {
    uint32_t from; // index
    uint32_t to;   // index, another one
} SizedLink;

typedef enum LossKind {
    LOSS_PAGES = 0, // pages of the heap
    LOSS_MEMORY,    // memory of the process, which may have held pages and roots
    LOSS_ROOTS,     // root words
    LOSS_BLOCKS,    // foreign blocks, or their bytes
    LOSS_NAMES,     // names, threads, mappings: they change no count
    LOSS_KIND_COUNT,
} LossKind;

// "pages", "memory", "roots", "blocks", "names".
const char *loss_kind_name(LossKind kind);

// Something that is missing.
typedef struct SnapshotLoss {
    uint64_t address; // 0: in no one place, or unknown
    uint64_t bytes;   // 0: unknown
    LossKind kind;
    char *why; // owned
} SnapshotLoss;

typedef struct SnapshotMetadata {
    char tool_version[32];
    uint32_t pid;
    char executable[256];   // file name without folders
    char build_id[64];      // of the executable, lower-case hex; ""
    int64_t captured_at_ns; // since 1970, UTC
    uint64_t pause_ns;      // from the first interrupt to the last detach
    char method[16];        // "stop"
    PauseCertificate certificate;
    ForeignMode foreign_requested;
    ForeignMode foreign_mode;    // the mode that was used; differs when chunks could not be walked
    uint64_t foreign_root_bytes; // anonymous memory scanned as roots for lack of chunks
    char foreign_note[200];      // why foreign_mode differs or bytes > 0; ""
    bool keeps_free_slots;       // value parts of free slots kept, not zeroed
    bool is_redacted;            // data and names given at run time are left out
    bool is_complete;
    char missing[400];       // the parts that are missing when not complete, lines; ""
    uint64_t resident_bytes; // private writable memory that was read
    bool references_counted; // references were counted: the layout has a reference count
    // Live objects with fewer incoming words than their reference count
    // (snapshot/heap/reference_check.h).
    uint64_t references_overlooked;
    uint64_t rejected_pages; // pages that begin with the layout's magic, but have no valid header
    char rejected_note[160]; // the first of them: address, field, value, what was expected; ""
    MemoryAccount account;
    bool sized_blocks_recorded; // malloc'd blocks without content were looked for
    char names_note[200];       // which names could not be found, and why, lines; ""
    char names_reasons[1000];   // the same, with all that the shorter one has no room for; ""
    // The capture counted the next four; false in older files.
    bool roots_measured;
    uint64_t outside_bytes;     // private writable memory outside of GC pages, without zero pages
    uint64_t shared_root_bytes; // writable shared memory scanned as roots
    uint64_t shared_skipped_bytes; // writable shared mappings that were not searched
    char shared_note[400];         // the largest of these: name and size, lines; ""
    char heap_requested[16]; // whose heap was looked for: "auto", "rudo-gc", "bdwgc"; "" not known
    // For how long a capture inside a collection of a Boehm collector was to be tried again.
    uint64_t wait_collection_ns;
} SnapshotMetadata;

// How many percent of `outside_bytes` are `foreign_root_bytes`, rounded down. 0 where they were not
// measured.
uint64_t snapshot_metadata_foreign_percent(const SnapshotMetadata *metadata);
// Is the share so large (more than 5 %, and 128 KiB or more) that counts of reachable objects may
// be far too high?
bool snapshot_metadata_has_foreign_share(const SnapshotMetadata *metadata);

// A page, or a large object with all of its pages, of a heap whose pages have no headers. Bit i of
// the n-th PageBits stands for slot 64 * n + i.
typedef struct SnapshotPage {
    uint64_t address;
    uint64_t block_size; // bytes of a slot; of a large object its exact size
    uint64_t read_bytes; // of a slot, from its start, that the collector looks at
    uint32_t slot_count;
    uint8_t kind;  // the collector's number
    uint8_t flags; // SNAPSHOT_PAGE_*
    union {
        PageBits bits;  // of up to 64 slots
        PageBits *more; // of more; owned
    };
} SnapshotPage;

enum {
    SNAPSHOT_PAGE_POINTER_FREE = 1,  // the collector looks at no word of its objects
    SNAPSHOT_PAGE_UNCOLLECTABLE = 2, // its objects are allocated until the program frees them
};

static inline const PageBits *snapshot_page_bits(const SnapshotPage *page)
{
    return page->slot_count <= 64 ? &page->bits : page->more;
}

// Neighbouring slots of a page whose objects have one type, as the capture found it.
typedef struct SnapshotObjectType {
    uint32_t page; // index
    uint16_t slot; // the first one
    uint16_t count;
    uint32_t type;      // index in `types`
    uint32_t requested; // bytes that the program asked for; 0: not known
} SnapshotObjectType;

typedef struct SnapshotLookup SnapshotLookup;

// Owns all its arrays and strings. A zeroed struct is valid and empty.
typedef struct SnapshotDetails {
    SnapshotMetadata metadata;
    uint32_t machine; // ELF number; 0: x86-64 (snapshot/heap/snapshot_machine.h)
    uint32_t thread_count;
    SnapshotThread *threads;
    uint32_t module_count;
    SnapshotModule *modules;
    uint32_t type_count;
    SnapshotType *types; // trace functions; ascending by type_word
    // Members from here on are empty in files before format 1.1, and where they were not found.
    uint32_t drop_count;
    SnapshotType *drops; // drop functions; likewise
    uint32_t stack_count;
    SnapshotStack *stacks; // ascending by thread
    uint32_t variable_count;
    SnapshotVariable *variables; // ascending by (is_thread_local, address)
    uint32_t mapping_count;
    SnapshotMapping *mappings; // ascending by start
    uint32_t root_name_count;
    SnapshotRootName *root_names; // ascending by (address, value)
    uint32_t type_layout_count;
    SnapshotTypeLayout *type_layouts; // ascending by type_word
    uint32_t data_type_count;
    SnapshotDataType *data_types; // by debug information; since format 1.2
    uint32_t place_count;
    SnapshotPlace *places; // ascending by (thread, frame, level); since format 1.2
    uint32_t loss_count;
    SnapshotLoss *losses; // ascending by (kind, address)
    // Empty in files before format 1.2; metadata.sized_blocks_recorded says so.
    uint32_t sized_block_count;
    uint32_t sized_link_count;
    SizedBlock *sized_blocks; // ascending by address, disjoint
    SizedLink *sized_links;   // ascending by (from, to), no two alike
    uint32_t page_count;      // of a heap without page headers
    SnapshotPage *pages;      // ascending by address, disjoint; since format 1.2
    uint32_t object_type_count;
    SnapshotObjectType *object_types; // ascending by (page, slot); since format 1.2
    SnapshotLookup *lookup; // those of a heap image have it: snapshot/heap/snapshot_lookup.h
} SnapshotDetails;

// Which names could not be found, and why, lines; "". Borrowed.
const char *snapshot_names_note(const SnapshotMetadata *metadata);

// An empty one with is_complete set. NULL when memory is short.
SnapshotDetails *snapshot_details_new(void);
void snapshot_details_free(SnapshotDetails *details);

// The type with this word, or NULL. Needs `types` in order.
const SnapshotType *snapshot_details_find_type(const SnapshotDetails *details, uint64_t type_word);

// The stack of the thread with this index, or NULL. Needs `stacks` in order.
const SnapshotStack *snapshot_details_find_stack(const SnapshotDetails *details, uint32_t thread);

// The places in the source of a frame, `*count` of them, from the innermost function on; NULL: not
// known. Needs `places` in order.
const SnapshotPlace *snapshot_details_find_places(const SnapshotDetails *details, uint32_t thread,
                                                  uint32_t frame, uint32_t *count);

// The variable that holds the address, the innermost if several do, or NULL. For a thread-local
// one the address counts from the thread's control block. Needs `variables` in order.
const SnapshotVariable *snapshot_details_find_variable(const SnapshotDetails *details,
                                                       bool is_thread_local, uint64_t address);

// The program's name for the root, or NULL. Needs `root_names` in order.
const char *snapshot_details_find_root_name(const SnapshotDetails *details, uint64_t address,
                                            uint64_t value);

// Where objects with this type word hold references, or NULL. Needs `type_layouts` in order.
const SnapshotTypeLayout *snapshot_details_find_type_layout(const SnapshotDetails *details,
                                                            uint64_t type_word);

// The type of the object in a slot of a page without header, or NULL. Needs `object_types` in
// order.
const SnapshotObjectType *snapshot_details_find_object_type(const SnapshotDetails *details,
                                                            uint32_t page, uint32_t slot);

// Adds a loss, in order; the snapshot is then not complete. Errors: memory.
NODISCARD bool snapshot_details_add_loss(SnapshotDetails *details, LossKind kind, uint64_t address,
                                         uint64_t bytes, const char *why, Error *error);

// The drop function at this address, or NULL. Needs `drops` in order.
const SnapshotType *snapshot_details_find_drop(const SnapshotDetails *details, uint64_t address);

#endif
