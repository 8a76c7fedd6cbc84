// Finding the extents of jemalloc 5.3, by the tree that leads to them, without symbols.
//
// A tree leads from addresses to records of extents (edata_t). Its root is a variable of the
// allocator, so each word of the globals is taken for a pointer to what is below the root: a leaf,
// or in builds for 57-bit addresses a node with pointers to leaves. A leaf has an element for each
// page; it is one when one of its first elements leads to a record that covers the element's own
// place. Each extent is checked again: its element agrees with its record, and the bitmap of a slab
// with its count.

#include "snapshot/capture/find/jemalloc_extents_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/heap/heap_image.h"

// Words that may be read in the search for leaves: pointers to zeroed memory are followed to its
// end.
#define MAX_LEAF_WORDS (UINT64_C(1) << 26)
#define MAX_TRIED_ELEMENTS 8u

// How the tree is built depends on the bits of an address.
typedef struct TreeShape {
    uint32_t bits; // of an address that choose an element of a leaf or a node
    uint32_t element_bytes;
    bool has_nodes; // between the root and the leaves
} TreeShape;

static const TreeShape shapes[] = {
    {18, 8, false}, // 48-bit addresses: size class, record, state in one word
    {15, 16, true}, // 57-bit addresses: a word for the record, another one for the rest
};

typedef struct LeafSearch {
    TreeShape shape;
    BlockSearch *search;
    JemallocExtents *extents;
    RegionList leaves; // of this shape
    uint64_t words_left;
} LeafSearch;

uint64_t jemalloc_class_bytes(uint32_t size_class)
{
    uint32_t group, place;

    if (size_class == 0)
        return 8;
    group = (size_class - 1) / 4;
    place = (size_class - 1) % 4 + 1;
    if (group == 0)
        return UINT64_C(16) * place;
    // Four classes between two powers of two.
    return (UINT64_C(64) << (group - 1)) + (UINT64_C(16) << (group - 1)) * place;
}

static uint64_t leaf_bytes(const LeafSearch *leaves)
{
    return (uint64_t)leaves->shape.element_bytes << leaves->shape.bits;
}

// ---- records ----

typedef struct LeafElement {
    uint64_t place;  // its number in the leaf
    uint64_t record; // address; 0: the element is unused
    uint32_t size_class;
    uint32_t flags; // slab, head, state
} LeafElement;

// The element of the leaf at `leaf` that has the word `word` at `address`.
static LeafElement element_at(LeafSearch *leaves, uint64_t leaf, uint64_t address, uint64_t word)
{
    uint64_t place = (address - leaf) / leaves->shape.element_bytes, rest;

    if (leaves->shape.element_bytes == 8)
        return (LeafElement){
            place, (uint64_t)((int64_t)(word << 16) >> 16) & ~(uint64_t)(RECORD_BYTES - 1),
            (uint32_t)(word >> 48), (uint32_t)(word & (RECORD_BYTES - 1))};
    if (address % 16 != leaf % 16 || word % RECORD_BYTES != 0)
        return (LeafElement){.place = place};
    rest = memory_word(&leaves->search->reader, address + 8);
    return (LeafElement){place, word, (uint32_t)(rest >> 5 & 0xff), (uint32_t)(rest & 0x1f)};
}

// Which page of the extent an element stands for; only its low bits are known.
static uint64_t place_in_extent(const LeafSearch *leaves, const LeafElement *element,
                                const JemallocExtent *extent)
{
    return (element->place - extent->start / PAGE_BYTES) &
           ((UINT64_C(1) << leaves->shape.bits) - 1);
}

// Reads the record that an element leads to. False: they do not agree, or the element does not
// stand for a page of the extent.
static bool read_extent(LeafSearch *leaves, const LeafElement *element, JemallocExtent *extent)
{
    MemoryReader *reader = &leaves->search->reader;
    uint64_t bits = memory_word(reader, element->record);
    uint32_t state = element->flags >> 2 & 7;

    *extent = (JemallocExtent){
        .record = element->record,
        .user = memory_word(reader, element->record + 8),
        .bytes = round_down(memory_word(reader, element->record + 16), PAGE_BYTES),
        .free_count = (uint32_t)(bits >> 28 & 0x3ff),
        .size_class = (uint8_t)element->size_class,
        .is_slab = (element->flags & 1) != 0,
        .is_active = state == 0,
    };
    extent->start = round_down(extent->user, PAGE_BYTES);
    if (element->record == 0 || extent->start == 0 || extent->bytes == 0 ||
        extent->bytes > UINT64_MAX - extent->start ||
        place_in_extent(leaves, element, extent) >= extent->bytes / PAGE_BYTES ||
        (bits >> 17 & 7) != state)
        return false;
    // The element of the last page may have the size class of an earlier use.
    if (!extent->is_active || place_in_extent(leaves, element, extent) != 0)
        return true;
    return element->size_class < JEMALLOC_CLASSES && (bits >> 20 & 0xff) == element->size_class &&
           (bits >> 12 & 1) == (uint64_t)extent->is_slab;
}

// The bytes of a block that is an extent of its own: those of its class, or in some versions a
// number of pages up to that, with one page more that its start moves in.
static bool find_user_bytes(JemallocExtent *extent, uint64_t class_bytes)
{
    uint64_t left = extent->bytes - (extent->user - extent->start);

    if (class_bytes > left && (extent->size_class <= JEMALLOC_SMALL_CLASSES ||
                               jemalloc_class_bytes(extent->size_class - 1u) > extent->bytes))
        return false;
    extent->user_bytes = class_bytes;
    if (class_bytes > left)
        extent->user_bytes =
            extent->user == extent->start ? extent->bytes : extent->bytes - PAGE_BYTES;
    return extent->user_bytes <= left;
}

// Do the sizes of an active extent agree, and a slab's bitmap with its count?
static bool is_valid(MemoryReader *reader, JemallocExtent *extent)
{
    uint64_t class_bytes = jemalloc_class_bytes(extent->size_class), regions;
    uint32_t free_count = 0;

    if (!extent->is_slab)
        return find_user_bytes(extent, class_bytes);
    extent->user_bytes = class_bytes;
    regions = extent->bytes / class_bytes;
    if (extent->user != extent->start || extent->size_class >= JEMALLOC_SMALL_CLASSES ||
        regions == 0 || regions > JEMALLOC_MAX_REGIONS)
        return false;
    for (uint32_t i = 0; i < JEMALLOC_MAX_REGIONS / 64; i++) {
        uint64_t bits = memory_word(reader, extent->record + 64 + 8 * i);
        uint64_t count = regions > 64 * i ? regions - 64 * i : 0;
        if (count < 64)
            bits &= (UINT64_C(1) << count) - 1;
        extent->free_bits[i] = bits;
        free_count += (uint32_t)__builtin_popcountll(bits);
    }
    // A thread may have been stopped between changing the one and the other.
    return free_count == extent->free_count || free_count + 1 == extent->free_count ||
           free_count == extent->free_count + 1;
}

static bool add_extent(LeafSearch *leaves, JemallocExtent *extent, Error *error)
{
    BlockSearch *search = leaves->search;
    JemallocExtents *extents = leaves->extents;
    const Region *area = region_map_find(search->areas, extent->start);

    if (area == NULL || extent->bytes > area->end - extent->start)
        return true;
    if (extent->is_active && !is_valid(&search->reader, extent)) {
        search->unwalked_bytes +=
            memory_copied_bytes(&search->reader, extent->start, extent->start + extent->bytes);
        return true;
    }
    if (!array_reserve(&extents->items, &extents->capacity, extents->count + 1,
                       sizeof *extents->items, "extents of jemalloc", error))
        return false;
    extents->items[extents->count++] = *extent;
    return true;
}

// ---- leaves ----

// May an array of `bytes` bytes begin there?
static bool is_array(const LeafSearch *leaves, uint64_t address, uint64_t bytes)
{
    const Region *area = region_map_find(leaves->search->areas, address);

    return address % 64 == 0 && area != NULL && area->end - address >= bytes;
}

// In elements of two words, the first one is the address of a record.
static bool is_record_place(const LeafSearch *leaves, uint64_t leaf, uint64_t address)
{
    return leaves->shape.element_bytes == 16 && (address - leaf) % 16 == 0;
}

// The next element of a leaf at `leaf` that is used, from *position on, which moves behind it.
// Elements that were cleared keep some bits.
static bool next_element(LeafSearch *leaves, uint64_t leaf, uint64_t *position,
                         LeafElement *element)
{
    MemoryReader reader = leaves->search->reader;
    uint64_t end = leaf + leaf_bytes(leaves);
    MemoryPiece piece;

    while (memory_next_piece(&reader, position, end, &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word = load_u64(piece.data + offset);
            if (leaves->words_left == 0)
                return false;
            leaves->words_left--;
            if (word == 0)
                continue;
            *element = element_at(leaves, leaf, piece.address + offset, word);
            // A word in the place of a record that is not the address of one is an element that is
            // wrong.
            if (element->record == 0 && !is_record_place(leaves, leaf, piece.address + offset))
                continue;
            *position = piece.address + offset + 8;
            return true;
        }
    return false;
}

// The extent of one element may be just in a change, so several are tried.
static bool is_leaf(LeafSearch *leaves, uint64_t address)
{
    uint64_t position = address;
    JemallocExtent extent;
    LeafElement element;

    if (!is_array(leaves, address, leaf_bytes(leaves)))
        return false;
    for (uint32_t i = 0; i < MAX_TRIED_ELEMENTS; i++) {
        if (!next_element(leaves, address, &position, &element))
            return false;
        if (read_extent(leaves, &element, &extent) &&
            region_map_find(leaves->search->areas, extent.start) != NULL)
            return true;
    }
    return false;
}

static bool add_leaf(LeafSearch *leaves, uint64_t address, Error *error)
{
    return region_list_add(&leaves->leaves, address, address + leaf_bytes(leaves), REGION_IGNORED,
                           NO_INDEX, error);
}

// Adds the leaves that a node at `address` points to, if its first pointer leads to one.
static bool add_node(LeafSearch *leaves, uint64_t address, Error *error)
{
    uint64_t bytes = UINT64_C(8) << leaves->shape.bits;
    MemoryReader reader = leaves->search->reader;
    uint64_t position = address;
    bool is_node = false;
    MemoryPiece piece;

    if (!is_array(leaves, address, bytes))
        return true;
    while (memory_next_piece(&reader, &position, address + bytes, &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word = load_u64(piece.data + offset);
            bool is_child;
            if (leaves->words_left == 0)
                return true;
            leaves->words_left--;
            if (word == 0)
                continue;
            is_child = is_leaf(leaves, word);
            if (!is_child && !is_node)
                return true;
            is_node = true;
            if (is_child && !add_leaf(leaves, word, error))
                return false;
        }
    return true;
}

// Tries a word of the globals as a child of the root.
static bool try_child(LeafSearch *leaves, uint64_t word, Error *error)
{
    if (word == 0 || word % 64 != 0)
        return true;
    if (leaves->shape.has_nodes)
        return add_node(leaves, word, error);
    return !is_leaf(leaves, word) || add_leaf(leaves, word, error);
}

static bool find_leaves(LeafSearch *leaves, Error *error)
{
    const BlockSearch *search = leaves->search;
    MemoryReader reader = search->reader;

    for (uint64_t i = 0; i < search->globals->count; i++) {
        const Region *region = &search->globals->items[i];
        uint64_t position = round_up(region->start, 8), last = 0;
        MemoryPiece piece;
        while (memory_next_piece(&reader, &position, region->end, &piece))
            for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
                uint64_t word = load_u64(piece.data + offset);
                if (word != last && !try_child(leaves, word, error))
                    return false;
                last = word;
            }
    }
    return true;
}

static bool walk_leaf(LeafSearch *leaves, uint64_t address, Error *error)
{
    MemoryReader reader = leaves->search->reader;
    uint64_t position = address, key = UINT64_MAX;
    MemoryPiece piece;

    while (memory_next_piece(&reader, &position, address + leaf_bytes(leaves), &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word = load_u64(piece.data + offset);
            JemallocExtent extent;
            LeafElement element;
            if (word == 0)
                continue;
            element = element_at(leaves, address, piece.address + offset, word);
            // An extent has elements for its last page, too, and a slab for all of them.
            if (!read_extent(leaves, &element, &extent) ||
                place_in_extent(leaves, &element, &extent) != 0)
                continue;
            // The addresses of all of a leaf's extents begin with the same bits.
            if (key == UINT64_MAX)
                key = extent.start / PAGE_BYTES >> leaves->shape.bits;
            if (extent.start / PAGE_BYTES >> leaves->shape.bits == key &&
                !add_extent(leaves, &extent, error))
                return false;
        }
    return cancel_check(leaves->search->cancel, error);
}

static int compare_extents(const void *left, const void *right)
{
    const JemallocExtent *a = left, *b = right;

    return a->start < b->start ? -1 : a->start > b->start;
}

// Sorts the extents, and drops those that begin inside another one.
static void sort_extents(JemallocExtents *extents)
{
    uint64_t end = 0, kept = 0;

    if (extents->count > 0)
        qsort(extents->items, extents->count, sizeof *extents->items, compare_extents);
    for (uint64_t i = 0; i < extents->count; i++)
        if (extents->items[i].start >= end) {
            end = extents->items[i].start + extents->items[i].bytes;
            extents->items[kept++] = extents->items[i];
        }
    extents->count = kept;
}

// Walks the leaves of a tree of one shape, and adds their places.
static bool find_in_shape(LeafSearch *leaves, Error *error)
{
    RegionList distinct = {0};
    bool ok = find_leaves(leaves, error) && region_map_claim(&distinct, &leaves->leaves, error);
    uint64_t end = 0;

    // Sorted by now. Several words may lead to one leaf; leaves that overlap each other are made.
    for (uint64_t i = 0; ok && i < leaves->leaves.count; i++) {
        const Region *leaf = &leaves->leaves.items[i];
        if (leaf->start < end)
            continue;
        end = leaf->end;
        ok = walk_leaf(leaves, leaf->start, error) &&
             region_list_add(&leaves->extents->leaves, leaf->start, leaf->end, REGION_IGNORED,
                             NO_INDEX, error);
    }
    region_list_release(&distinct);
    return ok;
}

bool jemalloc_find_extents(BlockSearch *search, JemallocExtents *extents, Error *error)
{
    bool ok = true;

    // A process has one of these.
    for (size_t i = 0; ok && extents->count == 0 && i < sizeof shapes / sizeof shapes[0]; i++) {
        LeafSearch leaves = {
            .shape = shapes[i], .search = search, .extents = extents, .words_left = MAX_LEAF_WORDS};
        region_list_release(&extents->leaves);
        ok = find_in_shape(&leaves, error);
        region_list_release(&leaves.leaves);
    }
    if (ok)
        sort_extents(extents);
    return ok;
}

void jemalloc_extents_release(JemallocExtents *extents)
{
    region_list_release(&extents->leaves);
    free(extents->items);
}
