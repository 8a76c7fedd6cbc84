// ObjectGraph: numbers, addresses and words of nodes. Building it is in object_graph_build.c.

#include "analysis/graph/object_graph.h"

#include <stdlib.h>

#include "analysis/graph/object_graph_internal.h"
#include "base/search.h"
#include "base/side_table.h"

uint64_t graph_edge_base_count(const ObjectGraph *graph)
{
    return ((uint64_t)graph->node_count >> GRAPH_GROUP_SHIFT) + 2;
}

void object_graph_free(ObjectGraph *graph)
{
    if (graph == NULL)
        return;
    free(graph->page_nodes);
    free(graph->block_nodes);
    side_table_free(graph->edge_bases, graph_edge_base_count(graph) * sizeof *graph->edge_bases);
    side_table_free(graph->edge_offsets,
                    ((uint64_t)graph->node_count + 1) * sizeof *graph->edge_offsets);
    side_table_free(graph->targets, graph->edge_count * sizeof *graph->targets);
    side_table_free(graph->residue, (graph->edge_count / 64 + 1) * sizeof *graph->residue);
    side_table_free(graph->sized_owners, (uint64_t)graph->image->details->sized_block_count *
                                             sizeof *graph->sized_owners);
    free(graph->sized_nodes);
    free(graph->roots);
    free(graph);
}

uint64_t object_graph_bytes(const ObjectGraph *graph)
{
    return sizeof *graph +
           ((uint64_t)graph->image->page_count + 1 + graph->mark->block_word_count) *
               sizeof(uint32_t) +
           graph_edge_base_count(graph) * sizeof *graph->edge_bases +
           ((uint64_t)graph->node_count + 1) * sizeof *graph->edge_offsets +
           graph->edge_count * sizeof *graph->targets +
           (uint64_t)graph->image->details->sized_block_count * sizeof *graph->sized_owners +
           ((uint64_t)graph->node_count - graph->foreign_end) * sizeof *graph->sized_nodes +
           (graph->residue != NULL ? graph->edge_count / 8 + 8 : 0) +
           graph->root_count * sizeof *graph->roots;
}

static uint32_t count_bits(uint64_t bits)
{
    return (uint32_t)__builtin_popcountll(bits);
}

static uint64_t bits_below(uint32_t bit)
{
    return (UINT64_C(1) << bit) - 1;
}

static inline uint32_t object_node(const ObjectGraph *graph, uint32_t page, uint32_t slot)
{
    const uint64_t *words = graph->mark->marked + heap_image_first_word(graph->image, page);
    uint32_t node = graph->page_nodes[page];

    for (; slot >= 64; slot -= 64)
        node += count_bits(*words++);
    return node + count_bits(*words & bits_below(slot));
}

uint32_t object_graph_object_node(const ObjectGraph *graph, uint32_t page, uint32_t slot)
{
    return object_node(graph, page, slot);
}

uint32_t object_graph_block_node(const ObjectGraph *graph, uint32_t block)
{
    uint64_t word = graph->mark->marked_blocks[block / 64];

    return graph->block_nodes[block / 64] + count_bits(word & bits_below(block % 64));
}

AddressHull graph_hull(const HeapImage *image)
{
    uint64_t start = UINT64_MAX, end = 0;

    if (image->run_count > 0) {
        const PageRun *last = &image->runs[image->run_count - 1];

        start = image->runs[0].address;
        end = last->address + (last->page_count << image->page_shift);
    }
    if (image->block_count > 0) {
        const ForeignBlock *first = &image->blocks[0];
        const ForeignBlock *last = &image->blocks[image->block_count - 1];

        start = first->address < start ? first->address : start;
        end = last->address + last->bytes > end ? last->address + last->bytes : end;
    }
    if (image->details->sized_block_count > 0) {
        const SizedBlock *first = &image->details->sized_blocks[0];
        const SizedBlock *last = first + image->details->sized_block_count - 1;

        start = first->address < start ? first->address : start;
        end = last->address + sized_block_bytes(last) > end
                  ? last->address + sized_block_bytes(last)
                  : end;
    }
    return (AddressHull){start, end > start ? end - start : 0};
}

// Blocks without content that have one owner are not nodes.
static uint32_t resolve_sized(const ObjectGraph *graph, uint64_t word)
{
    uint32_t block = heap_image_find_sized_block(graph->image, word), node;

    if (block == NO_INDEX)
        return NO_NODE;
    node = graph->sized_owners[block];
    return node >= graph->foreign_end ? node : NO_NODE;
}

uint32_t graph_resolve(const ObjectGraph *graph, uint64_t word)
{
    const HeapImage *image = graph->image;
    uint32_t page = heap_image_find_page(image, word), block, slot;
    const HeapPage *record;
    uint64_t offset;

    if (page == NO_INDEX) {
        block = heap_image_find_block(image, word);
        if (block != NO_INDEX)
            return object_graph_block_node(graph, block);
        return graph->node_count == graph->foreign_end ? NO_NODE : resolve_sized(graph, word);
    }
    record = &image->pages[page];
    offset = word - record->address - record->header_size; // wraps before slot 0
    // Of a large object only the start counts.
    if (offset >> 32 != 0 || (uint32_t)offset % record->block_size != 0)
        return NO_NODE;
    slot = (uint32_t)offset / record->block_size;
    if (slot >= record->slot_count || !mark_result_is_marked(graph->mark, image, page, slot))
        return NO_NODE;
    return object_node(graph, page, slot);
}

// The words of [address, address + length) that are 8-aligned.
static NodeWords aligned_words(uint64_t address, const uint8_t *bytes, uint64_t length,
                               uint64_t offset)
{
    uint64_t skipped = (8 - address % 8) % 8;

    if (length < skipped + 8)
        return (NodeWords){bytes, offset, 0};
    return (NodeWords){bytes + skipped, offset + skipped, (length - skipped) / 8};
}

NodeWords graph_object_words(const HeapImage *image, uint32_t page, uint32_t slot)
{
    uint32_t block_size = image->pages[page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);

    if (heap_image_is_under_construction(image, page, slot))
        return (NodeWords){NULL, 0, 0};
    return aligned_words(heap_image_object_address(image, page, slot) + payload,
                         heap_image_object_bytes(image, page, slot) + payload, block_size - payload,
                         payload);
}

NodeWords graph_block_words(const HeapImage *image, uint32_t block)
{
    const ForeignBlock *record = &image->blocks[block];

    if (heap_image_block_is_sized(image, block))
        return (NodeWords){NULL, 0, 0};
    return aligned_words(record->address, image->foreign_bytes + record->offset, record->bytes, 0);
}

// The position of the set bit that has `before` set bits before it.
static uint32_t select_bit(const uint64_t *words, uint32_t before)
{
    uint32_t position = 0;
    uint64_t word;

    for (; before >= count_bits(*words); position += 64)
        before -= count_bits(*words++);
    for (word = *words; before > 0; before--)
        word &= word - 1;
    return position + (uint32_t)__builtin_ctzll(word);
}

NodePlace object_graph_place(const ObjectGraph *graph, uint32_t node)
{
    const HeapImage *image = graph->image;

    if (node >= graph->foreign_end)
        return (NodePlace){NO_INDEX, 0,
                           image->block_count + graph->sized_nodes[node - graph->foreign_end]};
    if (object_graph_is_block(graph, node)) {
        // The last word, and below the last page, whose first node is not after `node`.
        uint32_t word =
            (uint32_t)search_above_u32(graph->block_nodes, graph->mark->block_word_count, node) - 1;
        uint32_t bit =
            select_bit(graph->mark->marked_blocks + word, node - graph->block_nodes[word]);

        return (NodePlace){NO_INDEX, 0, word * 64 + bit};
    }
    uint32_t page = (uint32_t)search_above_u32(graph->page_nodes, image->page_count, node) - 1;

    return (NodePlace){page,
                       select_bit(graph->mark->marked + heap_image_first_word(image, page),
                                  node - graph->page_nodes[page]),
                       0};
}

static uint64_t place_bytes(const HeapImage *image, const NodePlace *place)
{
    return place->page == NO_INDEX ? heap_image_block_bytes(image, place->block)
                                   : image->pages[place->page].block_size;
}

uint64_t object_graph_address(const ObjectGraph *graph, uint32_t node)
{
    NodePlace place = object_graph_place(graph, node);

    return place.page == NO_INDEX ? heap_image_block_address(graph->image, place.block)
                                  : heap_image_object_address(graph->image, place.page, place.slot);
}

uint64_t object_graph_bytes_of(const ObjectGraph *graph, uint32_t node)
{
    NodePlace place = object_graph_place(graph, node);

    return place_bytes(graph->image, &place);
}

NodeCursor node_cursor(const ObjectGraph *graph)
{
    // Before the first page: the first step goes to its first word.
    return (NodeCursor){.graph = graph, .node = NO_NODE, .place.page = UINT32_MAX, .word = 0};
}

// Moves to the next word of marks that is not zero; there is one.
static void cursor_find_word(NodeCursor *cursor)
{
    const HeapImage *image = cursor->graph->image;
    const MarkResult *mark = cursor->graph->mark;
    bool is_first = cursor->node == NO_NODE;

    if (object_graph_is_block(cursor->graph, cursor->next_node)) {
        // The first block follows the last object.
        bool enters = is_first || cursor->place.page != NO_INDEX;
        uint32_t word = enters ? 0 : cursor->word + 1;

        while (mark->marked_blocks[word] == 0)
            word++;
        cursor->place = (NodePlace){NO_INDEX, 0, 0};
        cursor->word = word;
        cursor->left = mark->marked_blocks[word];
        return;
    }
    uint32_t page = is_first ? 0 : cursor->place.page, word = is_first ? 0 : cursor->word + 1;

    for (;; page++, word = 0) {
        const uint64_t *words = mark->marked + heap_image_first_word(image, page);
        uint32_t count = heap_image_page_words(image, page);

        while (word < count && words[word] == 0)
            word++;
        if (word < count) {
            cursor->place.page = page;
            cursor->word = word;
            cursor->left = words[word];
            return;
        }
    }
}

bool node_cursor_next(NodeCursor *cursor)
{
    uint32_t position;

    if (cursor->next_node == cursor->graph->node_count)
        return false;
    if (cursor->next_node >= cursor->graph->foreign_end) {
        cursor->place = object_graph_place(cursor->graph, cursor->next_node);
        cursor->node = cursor->next_node++;
        return true;
    }
    if (cursor->left == 0)
        cursor_find_word(cursor);
    position = cursor->word * 64 + (uint32_t)__builtin_ctzll(cursor->left);
    cursor->left &= cursor->left - 1;
    cursor->node = cursor->next_node++;
    if (cursor->place.page == NO_INDEX)
        cursor->place.block = position;
    else
        cursor->place.slot = position;
    return true;
}

uint64_t object_graph_reference_offset(const ObjectGraph *graph, uint32_t node, uint32_t target)
{
    NodePlace place = object_graph_place(graph, node);
    NodeWords words = place.page == NO_INDEX
                          ? graph_block_words(graph->image, place.block)
                          : graph_object_words(graph->image, place.page, place.slot);

    for (uint64_t i = 0; i < words.count; i++)
        if (graph_resolve(graph, load_u64(words.bytes + 8 * i)) == target)
            return words.offset + 8 * i;
    return UINT64_MAX;
}
