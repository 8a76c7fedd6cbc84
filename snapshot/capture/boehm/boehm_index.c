// The block index of the collector: a hash table of nodes, each of which has the headers of 1024
// blocks.
//
// The table (GC_top_index) has 2048 entries. An entry is a node whose key is congruent to its
// number, or the node of nothing (GC_all_nils), at which every chain ends. So a word in the data of
// a module that points to a node says where the table would begin, and all of the table's entries
// say whether it does.

#include <stdlib.h>

#include "base/array.h"
#include "snapshot/capture/boehm/boehm_search_internal.h"

// Chains of a heap that is not hostile are short: 2048 nodes of 4 MiB are 8 GiB.
#define MOST_CHAIN 65536u

static bool is_node_of(MemoryReader *reader, uint64_t address, uint64_t entry)
{
    return address % 8 == 0 && address >= PAGE_BYTES &&
           memory_word(reader, address + NODE_KEY) % BOEHM_TOP_ENTRIES == entry;
}

static bool is_nil(MemoryReader *reader, uint64_t address)
{
    if (address % 8 != 0 || address < PAGE_BYTES ||
        memory_word(reader, address + NODE_HASH_LINK) != 0)
        return false;
    for (uint64_t i = 0; i < BOEHM_NODE_ENTRIES; i++)
        if (memory_word(reader, address + 8 * i) != 0)
            return false;
    return true;
}

// The node at which the chain of `address` ends, or 0.
static uint64_t chain_end(MemoryReader *reader, uint64_t address)
{
    for (uint32_t i = 0; i < MOST_CHAIN && address != 0 && address % 8 == 0; i++) {
        uint64_t next = memory_word(reader, address + NODE_HASH_LINK);

        if (next == 0)
            return address;
        address = next;
    }
    return 0;
}

// Is the table at `start`? Most starts fail at their first entries.
static bool is_table(MemoryReader *reader, uint64_t start, uint64_t nil)
{
    uint64_t nodes = 0;

    for (uint64_t i = 0; i < BOEHM_TOP_ENTRIES; i++) {
        uint64_t entry = memory_word(reader, start + 8 * i);

        if (entry == nil)
            continue;
        if (!is_node_of(reader, entry, i))
            return false;
        nodes++;
    }
    return nodes > 0;
}

// Takes the table at `start` if it is one.
static bool try_table(BoehmSearch *search, uint64_t start, uint64_t node, Error *error)
{
    MemoryReader other = search->reader;
    uint64_t first = memory_word(&other, start), nil;

    if (first == 0 || first % 8 != 0 || memory_word(&other, start + 8) == 0 ||
        start == search->top_index)
        return true;
    nil = chain_end(&other, node);
    if (nil == 0 || nil == node || !is_table(&other, start, nil) || !is_nil(&other, nil))
        return true;
    if (search->top_index != 0)
        return boehm_refuse(error, "there are two block indexes, at 0x%llx and 0x%llx",
                            (unsigned long long)search->top_index, (unsigned long long)start);
    search->top_index = start;
    search->nil = nil;
    return true;
}

static bool search_data(BoehmSearch *search, const BoehmRange *data, Error *error)
{
    uint64_t position = round_up(data->start, 8);
    MemoryReader other = search->reader;
    MemoryPiece piece;

    while (memory_next_piece(&search->reader, &position, data->end, &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word, key, start;

            __builtin_memcpy(&word, piece.data + offset, 8);
            if (word < PAGE_BYTES || word % 8 != 0 || word >= UINT64_C(1) << 47)
                continue;
            key = memory_word(&other, word + NODE_KEY);
            start = piece.address + offset - key % BOEHM_TOP_ENTRIES * 8;
            if (key != 0 && start >= data->start &&
                start + UINT64_C(8) * BOEHM_TOP_ENTRIES <= data->end &&
                !try_table(search, start, word, error))
                return false;
        }
    return true;
}

static int by_key(const void *left, const void *right)
{
    const BoehmNode *a = left, *b = right;

    return (a->key > b->key) - (a->key < b->key);
}

// All nodes of the chains, in order of their keys.
static bool collect_nodes(BoehmSearch *search, Error *error)
{
    for (uint64_t i = 0; i < BOEHM_TOP_ENTRIES; i++) {
        uint64_t node = memory_word(&search->reader, search->top_index + 8 * i);

        for (uint32_t length = 0; node != search->nil; length++) {
            if (!is_node_of(&search->reader, node, i) || length > MOST_CHAIN)
                return boehm_refuse(error, "chain %llu of the block index holds a node of another",
                                    (unsigned long long)i);
            if (!array_reserve(&search->nodes, &search->node_capacity, search->node_count + 1,
                               sizeof *search->nodes, "the block index", error))
                return false;
            search->nodes[search->node_count++] =
                (BoehmNode){memory_word(&search->reader, node + NODE_KEY), node};
            node = memory_word(&search->reader, node + NODE_HASH_LINK);
        }
    }
    qsort(search->nodes, search->node_count, sizeof *search->nodes, by_key);
    return true;
}

// The nodes are linked in the order of their keys as well, both ways.
static bool check_links(BoehmSearch *search, Error *error)
{
    const BoehmNode *nodes = search->nodes;

    for (uint64_t i = 0; i < search->node_count; i++) {
        uint64_t above = i + 1 < search->node_count ? nodes[i + 1].address : 0;
        uint64_t below = i > 0 ? nodes[i - 1].address : 0;

        if (i > 0 && nodes[i - 1].key == nodes[i].key)
            return boehm_refuse(error, "the block index has two nodes for the key 0x%llx",
                                (unsigned long long)nodes[i].key);
        if (memory_word(&search->reader, nodes[i].address + NODE_ASCENDING) != above ||
            memory_word(&search->reader, nodes[i].address + NODE_DESCENDING) != below)
            return boehm_refuse(error, "the links of the block index disagree with its keys");
    }
    return true;
}

bool boehm_search_index(BoehmSearch *search, Error *error)
{
    for (uint32_t i = 0; i < search->data_count; i++)
        if (!search_data(search, &search->data[i], error))
            return false;
    return search->top_index == 0 || (collect_nodes(search, error) && check_links(search, error));
}
