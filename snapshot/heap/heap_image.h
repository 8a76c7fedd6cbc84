// HeapImage: a heap as loaded from a snapshot, frozen.
//
// Pages lie at their captured addresses whenever that is possible, so that a
// pointer in the heap is a pointer in the image; otherwise the whole image lies
// in one arena ("relocated") and page records say where. Every address in this
// interface is the *captured* one; heap_image_page_bytes() alone knows where the
// bytes really are. Results never depend on which of the two happened.
//
// An image is made by a HeapImageBuilder, then never changes: a
// `const HeapImage *` may be read from any thread. Mark bits belong to each
// mark (marker/), not to the image; the heap's own mark bits are never trusted.
//
// Beside the bytes stand side tables that are small enough for the cache, 38 bytes
// a page in all (94 where pages have no headers): a window from page address to page index (4
// bytes), one record (24), its generation (1), `live` (8): a u64 whose bit i says that slot i holds
// a live object (allocated and not DEAD), and `page_tags` (1). A heap with DEAD objects has 8 more,
// for these. Where the pages lie densely, as they nearly always do, a page's live word, its tag,
// and its word in every mark are all found at the same index: the number of its bucket in the
// window.

#ifndef SNAPSHOT_HEAP_HEAP_IMAGE_H
#define SNAPSHOT_HEAP_HEAP_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/heap_pager.h"
#include "snapshot/heap/root.h"
#include "snapshot/heap/snapshot_details.h"

#define NO_INDEX UINT32_MAX

// Pages that are contiguous in the address space, tails of large objects included.
typedef struct PageRun {
    uint64_t address;
    uint64_t page_count;
} PageRun;

// A page of slots, or a large object with all its pages: the image's compact form of a PageRecord.
typedef struct HeapPage {
    uint64_t address;     // captured
    uint32_t block_size;  // bytes
    uint16_t header_size; // offset of slot 0
    uint16_t slot_count;
    uint32_t owner_thread;
    uint32_t first_word; // its words in HeapImage.live and in every mark begin here
} HeapPage;

// A page's tag: the facts that a marker needs before it can use a reference into the page, in one
// byte.
#define PAGE_TAG_CLASS 7u   // index into HeapImage.slot_classes, or one of the next two
#define PAGE_TAG_NONE 0u    // no page lies there
#define PAGE_TAG_COMPLEX 1u // any page that has no SlotClass: ask heap_image_resolve()
#define PAGE_TAG_WHOLE 8u   // every slot holds a live object
#define PAGE_TAG_BITS 4u

// Larger objects are scanned piece by piece.
#define TAGGED_BLOCK_SIZE_MAX 8192u

// A size class with a tag of its own. Its slots begin at *granules*, 64ths of a page, so that one
// word holds their bits; they have at most TAGGED_BLOCK_SIZE_MAX bytes; and the page's header
// covers at least PAGE_TAG_BITS granules, where marks keep the tag.
// For an offset in such a page, slot = (offset >> shift) - first_slot; offsets before slot 0
// wrap to numbers that no page has.
typedef struct SlotClass {
    uint64_t slots; // bit per slot
    uint32_t block_size;
    uint8_t shift;      // log2(block_size)
    uint8_t first_slot; // header_size / block_size
    uint16_t slot_count;
    uint16_t payload_offset; // heap_image_payload_offset()
} SlotClass;

// A size class without a tag: its slots are more than 64, or do not begin at granules. All its
// pages have slot 0 at the same offset, and slots of at most TAGGED_BLOCK_SIZE_MAX bytes. For an
// offset in such a page, slot = ((offset - first_slot) / 8 * reciprocal) >> 32, exactly, if the
// offset is a multiple of 8 behind slot 0.
typedef struct OddClass {
    uint64_t reciprocal; // 2^32 / (block_size / 8), rounded up
    uint32_t block_size;
    uint16_t first_slot; // offset
    uint16_t slot_count;
    uint16_t payload_offset; // heap_image_payload_offset()
    uint16_t payload_words;
} OddClass;

// Where pages have no headers (HeapImage.wide_count), a page of slots that begin at multiples of 16
// bytes has WIDE_WORDS words, a cache line. The first WIDE_BIT_WORDS are enough for a bit for each
// 16 bytes, which marks use, as they use the others: see Note [Wide pages] in marker/mark_words.h.
#define WIDE_WORDS 8u
#define WIDE_BIT_WORDS 4u
#define WIDE_PAGE_SHIFT 12u

// Pages of further such classes are like those of large objects: ask heap_image_resolve().
#define ODD_CLASSES_MAX 200u

// The user range of a malloc chunk through which objects may be reached.
typedef struct ForeignBlock {
    uint64_t address; // captured, of the first user byte
    uint64_t bytes;   // length of the user range
    uint64_t offset;  // of its bytes in HeapImage.foreign_bytes
} ForeignBlock;

// A dense table over one stretch of the address space: bucket (address >> shift) - first.
typedef struct AddressWindow {
    uint64_t first;          // first bucket
    uint64_t count;          // buckets; 0: no window was made
    uint32_t shift;          // log2 of the bucket's bytes
    const uint32_t *entries; // owned by the image
} AddressWindow;

typedef struct HeapImage {
    HeapLayout layout;
    uint32_t page_shift; // log2(layout.page_size)
    bool is_relocated;
    bool has_under_construction; // some live object has its UNDER_CONSTRUCTION bit set
    bool has_exact_types; // of some types the declared words alone are references (rule exact/1);
                          // their other words read as zero
    bool is_precise;      // words that keep nothing alive are zeroed (rule precise/1)
    uint64_t imprecise_objects; // then: live objects of unknown type, which are as captured
    uint64_t run_count;
    const PageRun *runs;  // ascending, disjoint, not adjacent
    uint64_t image_bytes; // of all runs

    uint32_t page_count;        // page headers, not counting tails of large objects
    const HeapPage *pages;      // ascending by address
    const uint8_t *generations; // of pages
    AddressWindow page_window;
    // Pages [window_low, window_high) are the ones in the window.
    uint32_t window_low;
    uint32_t window_high;
    uint8_t *arena; // when relocated
    uint64_t arena_bytes;
    const uint32_t *arena_pages; // per page: where its bytes are in the arena, in pages
    HeapPager *pager; // owns the arena of a heap of which only parts are resident; else NULL

    // Bit i of word heap_image_first_word(page) + i/64: slot i holds a live object.
    const uint64_t *live;
    // The same for DEAD objects; NULL when there are none.
    const uint64_t *dead;
    uint64_t word_count;
    // The first `tag_count` words are tagged: those of pages that have a SlotClass. Word w
    // belongs to bucket w of the window when `is_direct`, to page w otherwise. The words of
    // other pages, and of those outside the window when `is_direct`, come behind.
    bool is_direct;
    // is_direct, and the byte at captured address A inside the window is at A + window_delta.
    bool is_flat;
    uint64_t window_delta; // modulo 2^64
    const uint8_t *page_tags;
    uint64_t tag_count;
    // Of a heap without page headers, in place of tagged words: the first `wide_count` words are
    // WIDE_WORDS for each bucket of the window, `is_direct`; else 0.
    uint64_t wide_count;
    SlotClass slot_classes[PAGE_TAG_CLASS + 1];
    uint32_t odd_class_count;
    const OddClass *odd_classes;
    const uint8_t *odd_pages; // per page: its number among odd_classes plus 1, or 0; NULL: no page
                              // has one

    uint64_t root_count;
    const Root *roots; // ascending by (kind, thread, address, value)
    uint32_t block_count;
    const ForeignBlock *blocks; // ascending by address, disjoint
    AddressWindow block_window; // bucket -> first block that ends behind the bucket's start
    const uint8_t *foreign_bytes;
    uint64_t foreign_byte_count;
    AddressWindow sized_window; // the same for details->sized_blocks

    const SnapshotDetails *details; // never NULL
} HeapImage;

void heap_image_free(HeapImage *image);

// ---- looking things up; all inline, because marking lives on them ----

// The page whose run covers `address` (tail pages of a large object give its head),
// or NO_INDEX. Right everywhere; inside the window one subtraction, one comparison, one load.
uint32_t heap_image_find_page_slow(const HeapImage *image, uint64_t address);

static inline uint32_t heap_image_find_page(const HeapImage *image, uint64_t address)
{
    uint64_t bucket = (address >> image->page_shift) - image->page_window.first;

    if (bucket < image->page_window.count)
        return image->page_window.entries[bucket];
    return heap_image_find_page_slow(image, address);
}

// The page's bytes, `layout.page_size` of them; a large object's continue behind.
static inline const uint8_t *heap_image_page_bytes(const HeapImage *image, uint32_t page)
{
    if (image->is_relocated)
        return image->arena + ((uint64_t)image->arena_pages[page] << image->page_shift);
    return (const uint8_t *)(uintptr_t)image->pages[page].address;
}

static inline bool heap_image_is_large(const HeapImage *image, uint32_t page)
{
    return image->pages[page].block_size > image->layout.max_block_size;
}

static inline uint64_t heap_image_object_address(const HeapImage *image, uint32_t page,
                                                 uint32_t slot)
{
    const HeapPage *record = &image->pages[page];

    return record->address + record->header_size + (uint64_t)slot * record->block_size;
}

static inline const uint8_t *heap_image_object_bytes(const HeapImage *image, uint32_t page,
                                                     uint32_t slot)
{
    const HeapPage *record = &image->pages[page];

    return heap_image_page_bytes(image, page) + record->header_size +
           (uint64_t)slot * record->block_size;
}

// The slot of `page` whose bytes hold `address`, allocated or not, or NO_INDEX (page
// header, unused end of the page). The page must come from heap_image_find_page(address).
static inline uint32_t heap_image_slot_at(const HeapImage *image, uint32_t page, uint64_t address)
{
    const HeapPage *record = &image->pages[page];
    uint64_t offset = address - record->address;
    uint64_t slot;

    if (offset < record->header_size)
        return NO_INDEX;
    slot = (offset - record->header_size) / record->block_size;
    return slot < record->slot_count ? (uint32_t)slot : NO_INDEX;
}

static inline uint64_t heap_image_first_word(const HeapImage *image, uint32_t page)
{
    return image->pages[page].first_word;
}

static inline uint32_t heap_image_page_words(const HeapImage *image, uint32_t page)
{
    return (image->pages[page].slot_count + 63u) / 64;
}

static inline bool heap_image_is_live(const HeapImage *image, uint32_t page, uint32_t slot)
{
    return image->live[heap_image_first_word(image, page) + slot / 64] >> (slot % 64) & 1;
}

// How many pages a page's run has: 1, more for a large object.
uint64_t heap_image_run_pages(const HeapImage *image, uint32_t page);

static inline uint32_t heap_image_generation(const HeapImage *image, uint32_t page)
{
    return image->generations[page];
}

// Allocated, DEAD or not.
bool heap_image_is_allocated(const HeapImage *image, uint32_t page, uint32_t slot);

// Bits [64*word, 64*word + 63] of the page's slots: allocated, and dirty in the heap's own bitmap.
uint64_t heap_image_allocated_word(const HeapImage *image, uint32_t page, uint32_t word);
uint64_t heap_image_dirty_word(const HeapImage *image, uint32_t page, uint32_t word);

// The object's UNDER_CONSTRUCTION bit: such an object is marked, but not scanned.
bool heap_image_is_under_construction(const HeapImage *image, uint32_t page, uint32_t slot);

// The object header's type word; 0 for slots without an object header. Where pages have no headers,
// the number of the type that the capture found; 0: none.
uint64_t heap_image_type_word(const HeapImage *image, uint32_t page, uint32_t slot);

// The foreign block whose user range holds `address`, or NO_INDEX.
uint32_t heap_image_find_block(const HeapImage *image, uint64_t address);

// ---- blocks without content ----
//
// They are not foreign blocks: marks, digests and totals do not count them. Where both kinds are
// numbered together, the blocks without content (details->sized_blocks) follow behind the foreign
// blocks.

// The number among details->sized_blocks of the one that holds `address`, or NO_INDEX. Objects and
// foreign blocks come first where a damaged file has them at the same place.
uint32_t heap_image_find_sized_block(const HeapImage *image, uint64_t address);

static inline bool heap_image_block_is_sized(const HeapImage *image, uint32_t block)
{
    return block >= image->block_count;
}

static inline uint64_t heap_image_block_address(const HeapImage *image, uint32_t block)
{
    return heap_image_block_is_sized(image, block)
               ? image->details->sized_blocks[block - image->block_count].address
               : image->blocks[block].address;
}

static inline uint64_t heap_image_block_bytes(const HeapImage *image, uint32_t block)
{
    return heap_image_block_is_sized(image, block)
               ? sized_block_bytes(&image->details->sized_blocks[block - image->block_count])
               : image->blocks[block].bytes;
}

// ---- what a word refers to: rule conservative/1, the one place that knows it ----
//
// Each 8-aligned word of a live object after its object header, of a reached foreign
// block, and of a root refers to an object if it equals the *start* of an allocated slot;
// from stacks and registers also if it points inside one. A word that points inside a
// foreign block refers to that block. A word that lies in a GC page but resolves to no
// allocated slot is an invalid reference. DEAD objects are referred to, but never marked.

typedef enum ReferenceKind {
    REFERENCE_NONE = 0, // not about this heap
    REFERENCE_OBJECT,   // page and slot: a live object
    REFERENCE_DEAD,     // page and slot: allocated, but DEAD
    REFERENCE_BLOCK,    // block
    REFERENCE_INVALID,  // in a GC page, but no allocated slot
} ReferenceKind;

typedef struct Reference {
    ReferenceKind kind;
    uint32_t page;
    uint32_t slot;
    uint32_t block;
} Reference;

// The plain, complete statement of the rule (markers may specialise it, tests compare).
Reference heap_image_resolve(const HeapImage *image, uint64_t word, bool allow_interior);

// Offset of the first payload word of an object of this size: behind the object header,
// or 0 in classes smaller than it.
static inline uint32_t heap_image_payload_offset(const HeapImage *image, uint32_t block_size)
{
    return heap_layout_has_object_header(&image->layout, block_size)
               ? image->layout.object_header_bytes
               : 0;
}

static inline uint64_t load_u64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

// ---- changing ----
//
// By the owner of an image, before others see it or while no other thread uses it. `at` is in the
// bytes of a page or of a foreign block.

// Zeroes bytes of the image. Errors: memory.
NODISCARD bool heap_image_clear(HeapImage *image, const uint8_t *at, uint64_t bytes, Error *error);
// Gives a word back that was zeroed as a whole.
void heap_image_restore(HeapImage *image, const uint8_t *at, uint64_t value);

// Were all pages read as they are? Only of a paged image they may not be. Errors: the first one.
NODISCARD bool heap_image_check(const HeapImage *image, Error *error);

// ---- building ----

typedef struct HeapImageOptions {
    bool force_relocation; // never map at the captured addresses
    // Hold only a part of the pages (then relocated): see Note [Paged images]. NULL: all of them.
    const HeapPagerOptions *paging;
    const HeapPageSource
        *source; // then: of all runs' bytes, one behind the other; owned by the builder
} HeapImageOptions;

typedef struct HeapImageBuilder HeapImageBuilder;

// `layout` must have passed heap_layout_check(); it is copied. options may be NULL.
// Errors: memory. The caller owns `*out` and frees it with heap_image_builder_free(),
// unless heap_image_builder_finish() consumed it.
NODISCARD bool heap_image_builder_new(const HeapLayout *layout, const HeapImageOptions *options,
                                      HeapImageBuilder **out, Error *error);
void heap_image_builder_free(HeapImageBuilder *builder);

// Reserves zeroed memory for all page runs; to be called once. `runs` (borrowed) ascend, are
// page-aligned, disjoint, not empty, and end below HEAP_ADDRESS_LIMIT; they have fewer than
// NO_INDEX pages. Errors: memory.
NODISCARD bool heap_image_builder_reserve(HeapImageBuilder *builder, const PageRun *runs,
                                          uint64_t run_count, Error *error);

// Of a paged image: reads all pages once, on several threads (0: one a CPU), and fills their
// records. Errors: those of the source.
NODISCARD bool heap_image_builder_visit_pages(HeapImageBuilder *builder, uint32_t threads,
                                              Error *error);

// Where the bytes of [address, address + bytes) go: valid until finish; NULL when that
// range is not inside one reserved run. Not for a paged image.
uint8_t *heap_image_builder_bytes(HeapImageBuilder *builder, uint64_t address, uint64_t bytes);

// Fills the page records of the whole pages in `bytes`, which lie in memory that
// heap_image_builder_bytes() gave, and have their final values. The call may be left out: it saves
// time where the bytes are in the cache. Several threads may call it at once, each for bytes of
// its own.
void heap_image_builder_fill_records(HeapImageBuilder *builder, const uint8_t *bytes,
                                     uint64_t length);

// Each consumes malloc'd arrays (freed by the image) and replaces those that were taken before.
// Roots are of a known kind and need no order. Blocks ascend, are disjoint, not empty, and end
// below HEAP_ADDRESS_LIMIT; their offsets are multiples of 8, and their bytes are in
// `foreign_bytes`.
void heap_image_builder_take_roots(HeapImageBuilder *builder, Root *roots, uint64_t root_count);
void heap_image_builder_take_blocks(HeapImageBuilder *builder, ForeignBlock *blocks,
                                    uint32_t block_count, uint8_t *foreign_bytes,
                                    uint64_t foreign_byte_count);
void heap_image_builder_take_details(HeapImageBuilder *builder, SnapshotDetails *details);

// The captured address of the page without a valid header that finish() found; 0 when it found
// none.
uint64_t heap_image_builder_fault_address(const HeapImageBuilder *builder);

// Makes the side tables. On success `*builder` is consumed and set to NULL, and the caller owns
// `*out`. Errors: corrupt (a run does not consist of valid pages), unsupported (too many mark
// words), memory.
NODISCARD bool heap_image_builder_finish(HeapImageBuilder **builder, HeapImage **out, Error *error);

// Makes the image one of rule precise/1, before others see it: zeroes the words that keep nothing
// alive by the program's data types (Note [Precise words] in snapshot/heap/heap_image_precise.c).
// Errors: memory.
NODISCARD bool heap_image_make_precise(HeapImage *image, Error *error);

#endif
