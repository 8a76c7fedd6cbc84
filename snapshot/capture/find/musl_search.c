// Finding the blocks of musl's malloc (mallocng, since musl 1.2.1).
//
// Its memory is in groups: a header, which points to the group's record, and up to 32 slots of one
// size. Records lie in tables of a page each, outside of the groups; a table begins with a secret
// that all tables of a process share. A record is one when its group points back to it. A group of
// small slots lies in a slot of another group, one of large slots in a mapping of its own.
//
// A slot is in use unless one of the record's two masks has it. In front of each slot in use stand
// its number and its distance from the first one: where more than one of a group disagrees, as in
// no thread that was stopped inside malloc(), the group stays unclaimed.

#include <stdlib.h>

#include "base/array.h"
#include "snapshot/capture/find/block_allocators_internal.h"
#include "snapshot/heap/heap_image.h"

#define UNIT UINT64_C(16) // of sizes; of the header of a group
#define TABLE_HEADER_BYTES 24u
#define RECORD_BYTES 40u
#define TABLE_RECORDS ((PAGE_BYTES - TABLE_HEADER_BYTES) / RECORD_BYTES)
#define SHIFTED (7u << 5) // in the place of a number: the block begins further behind
#define SPARE_IN_WORD 5u
#define OWN_CLASS 63u // of a block with a mapping of its own
#define MOST_PAGES (UINT64_C(1) << 34)
#define NO_GROUP UINT64_MAX

// In units, by size class.
static const uint16_t class_units[] = {
    1,   2,   3,   4,    5,    6,    7,    8,    9,    10,   12,   15,   18,   20,   25,   31,
    36,  42,  50,  63,   72,   84,   102,  127,  146,  170,  204,  255,  292,  340,  409,  511,
    584, 682, 818, 1023, 1169, 1364, 1637, 2047, 2340, 2730, 3276, 4095, 4680, 5460, 6552, 8191,
};

typedef struct SlotGroup {
    uint64_t address;
    uint64_t end;    // of its slots
    uint64_t bytes;  // of its mapping; 0: it lies in a slot
    uint64_t stride; // from slot to slot
    uint64_t parent; // the group in whose slot it lies, or NO_GROUP
    uint32_t used;   // a bit for each slot in use
    uint32_t nested; // a bit for each slot that holds a group
    bool is_valid;
} SlotGroup;

typedef struct MuslSearch {
    BlockSearch *search;
    uint64_t secret; // 0: not known so far
    SlotGroup *groups;
    uint64_t group_count;
    uint64_t group_capacity;
} MuslSearch;

// ---- records ----

// The header in front of a block: its slot's number and its place among the slots, in units.
typedef struct SlotHeader {
    uint64_t number; // with the number of spare bytes in its upper bits
    uint64_t units;
    bool is_small; // the distance fits into 16 bits
} SlotHeader;

static SlotHeader read_header(MemoryReader *reader, uint64_t block)
{
    uint64_t header = memory_word(reader, block - 8) >> 32;

    return (SlotHeader){header >> 8 & 0xff, header >> 16, (header & 0xff) == 0};
}

static uint64_t slot_address(const SlotGroup *group, uint32_t i)
{
    return group->address + UNIT + i * group->stride;
}

// Where the block in slot `i` begins. A block may begin some units behind its slot; then there is a
// header in front of the slot, too, which tells by how many.
static uint64_t block_address(MemoryReader *reader, const SlotGroup *group, uint32_t i)
{
    uint64_t slot = slot_address(group, i);
    SlotHeader header = read_header(reader, slot);

    return header.number == SHIFTED && header.units * UNIT < group->stride - UNIT
               ? slot + header.units * UNIT
               : slot;
}

static bool has_slot_headers(MemoryReader *reader, const SlotGroup *group)
{
    uint32_t wrong = 0;

    for (uint32_t left = group->used; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        uint64_t block = block_address(reader, group, i);
        SlotHeader header = read_header(reader, block);

        wrong += !header.is_small || (header.number & 31) != i ||
                 header.units * UNIT != block - slot_address(group, 0);
    }
    return wrong <= 1;
}

// The bytes that the program asked for, in whole words: the header says how many of a slot are
// spare, or that the last word before the next header does.
static uint64_t block_bytes(MemoryReader *reader, const SlotGroup *group, uint32_t i,
                            uint64_t block)
{
    uint64_t end = slot_address(group, i) + group->stride - 4, most = round_down(end - block, 8);
    uint64_t spare = read_header(reader, block).number >> 5;

    if (spare == SPARE_IN_WORD)
        spare = memory_word(reader, end - 4) & UINT32_MAX;
    else if (spare > SPARE_IN_WORD)
        return most;
    if (spare >= end - block)
        return most;
    spare = round_up(end - block - spare, 8);
    return spare < 8 ? 8 : spare < most ? spare : most;
}

// Reads the record at `record`. False: it is unused, or not one.
static bool read_group(MuslSearch *musl, uint64_t record, SlotGroup *group)
{
    MemoryReader *reader = &musl->search->reader;
    uint64_t address = memory_word(reader, record + 16), masks, word, pages;
    uint32_t last, class_number;

    if (address == 0 || address % UNIT != 0 || memory_word(reader, address) != record)
        return false;
    masks = memory_word(reader, record + 24);
    word = memory_word(reader, record + 32);
    last = word & 31;
    class_number = word >> 6 & 63;
    pages = word >> 12;
    if (pages > MOST_PAGES ||
        (class_number != OWN_CLASS && class_number >= sizeof class_units / sizeof class_units[0]))
        return false;
    *group = (SlotGroup){
        .address = address,
        .bytes = pages * PAGE_BYTES,
        .parent = NO_GROUP,
        .used = ~(uint32_t)(masks | masks >> 32) & (uint32_t)((UINT64_C(2) << last) - 1),
    };
    if (last == 0 && pages > 0)
        group->stride = group->bytes - UNIT;
    else if (class_number != OWN_CLASS)
        group->stride = class_units[class_number] * UNIT;
    else
        return false;
    group->end = address + UNIT + (last + UINT64_C(1)) * group->stride;
    return (pages == 0 || (address % PAGE_BYTES == 0 && group->end <= address + group->bytes)) &&
           has_slot_headers(reader, group);
}

// Takes the records of a table. *is_table: it has some.
static bool take_table(MuslSearch *musl, uint64_t table, bool *is_table, Error *error)
{
    uint64_t count = musl->group_count;

    for (uint32_t i = 0; i < TABLE_RECORDS; i++) {
        if (!array_reserve(&musl->groups, &musl->group_capacity, musl->group_count + 1,
                           sizeof *musl->groups, "groups of musl's malloc", error))
            return false;
        musl->group_count += read_group(musl, table + TABLE_HEADER_BYTES + i * RECORD_BYTES,
                                        &musl->groups[musl->group_count]);
    }
    *is_table = musl->group_count > count;
    return true;
}

static bool find_tables(MuslSearch *musl, const ProcessMapping *mapping, Error *error)
{
    BlockSearch *search = musl->search;
    MemoryReader pieces = search->reader;
    uint64_t position = mapping->start;
    MemoryPiece piece;

    while (memory_next_piece(&pieces, &position, mapping->end, &piece))
        for (uint64_t offset = round_up(piece.address, PAGE_BYTES) - piece.address;
             offset + PAGE_BYTES <= piece.bytes; offset += PAGE_BYTES) {
            const uint8_t *page = piece.data + offset;
            uint64_t secret = load_u64(page), address = piece.address + offset;
            bool is_table;

            if (load_u64(page + 16) << 32 != (uint64_t)TABLE_RECORDS << 32 || secret == 0 ||
                load_u64(page + 8) % PAGE_BYTES != 0 ||
                (musl->secret != 0 && musl->secret != secret))
                continue;
            if (!take_table(musl, address, &is_table, error))
                return false;
            if (!is_table)
                continue;
            musl->secret = secret;
            if (!region_list_add(search->metadata, address, address + PAGE_BYTES, REGION_IGNORED,
                                 NO_INDEX, error))
                return false;
        }
    return true;
}

// ---- groups in slots of other groups ----

static int compare_groups(const void *left, const void *right)
{
    const SlotGroup *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

// Is the mapping of a group one of the process?
static bool has_mapping(const MuslSearch *musl, const SlotGroup *group)
{
    const ProcessMapping *mapping =
        process_copy_find_mapping(musl->search->reader.copy, group->address);

    return mapping != NULL && mapping_is_private_writable(mapping) && !mapping_is_file(mapping) &&
           group->bytes <= mapping->end - group->address;
}

// Does the group fill a slot in use of `outer`? Notes it there.
static bool fills_slot(const SlotGroup *group, SlotGroup *outer)
{
    uint64_t distance = group->address - outer->address - UNIT, slot = distance / outer->stride;

    if (group->address < outer->address + UNIT || distance % outer->stride != 0 ||
        group->end > outer->address + UNIT + (slot + 1) * outer->stride ||
        (outer->used >> slot & 1) == 0)
        return false;
    outer->nested |= 1u << slot;
    return true;
}

// A group in a slot is one where the slot belongs to a group. What the loader gave to malloc, in
// pages of variables, belongs to none: these are roots.
static void nest_groups(MuslSearch *musl)
{
    uint64_t around = NO_GROUP; // the innermost group that goes on

    for (uint64_t i = 0; i < musl->group_count; i++) {
        SlotGroup *group = &musl->groups[i];

        while (around != NO_GROUP && musl->groups[around].end <= group->address)
            around = musl->groups[around].parent;
        if (group->bytes > 0)
            group->is_valid = around == NO_GROUP && has_mapping(musl, group);
        else
            group->is_valid = around != NO_GROUP && fills_slot(group, &musl->groups[around]);
        if (!group->is_valid)
            continue;
        group->parent = around;
        around = i;
    }
}

static bool add_group(MuslSearch *musl, const SlotGroup *group, Error *error)
{
    BlockSearch *search = musl->search;

    if (!group->is_valid) {
        search->unwalked_bytes +=
            memory_copied_bytes(&search->reader, group->address, group->address + group->bytes);
        return true;
    }
    for (uint32_t left = group->used & ~group->nested; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        uint64_t block = block_address(&search->reader, group, i);

        if (!block_search_add(search, block, block_bytes(&search->reader, group, i, block), error))
            return false;
    }
    return region_list_add(search->spans, group->address, group->address + group->bytes,
                           REGION_MALLOC, NO_INDEX, error);
}

bool musl_find_blocks(BlockSearch *search, Error *error)
{
    const ProcessCopy *copy = search->reader.copy;
    MuslSearch musl = {.search = search};
    bool ok = true;

    for (uint32_t i = 0; ok && i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];

        if (mapping_is_private_writable(mapping) && !mapping_is_file(mapping) &&
            !mapping_is_stack(mapping))
            ok = find_tables(&musl, mapping, error) && cancel_check(search->cancel, error);
    }
    if (musl.group_count > 0)
        qsort(musl.groups, musl.group_count, sizeof *musl.groups, compare_groups);
    nest_groups(&musl);
    for (uint64_t i = 0; ok && i < musl.group_count; i++)
        ok = add_group(&musl, &musl.groups[i], error);
    free(musl.groups);
    return ok;
}
