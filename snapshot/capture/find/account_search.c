// The account of the resident memory (snapshot/heap/memory_account.h), from the regions that
// root_words.c has laid out: every byte of private writable memory has one owner there.
//
// Bytes count as resident where they were copied. Of mapped files all bytes are copied, touched or
// not, so of these the kernel's counts are taken (resident_memory.h).

#include "snapshot/capture/find/heap_search_internal.h"

typedef struct AccountSearch {
    const HeapSearch *search;
    MemoryReader reader;
    MemoryPiece piece; // the last one that was looked at
    uint32_t mapping;  // a cursor for ascending addresses
    uint64_t dead;     // a cursor in the dead stacks
    MemoryAccount *out;
    uint64_t malloc_bytes; // in regions of malloc
} AccountSearch;

// Bytes of [start, end) that were copied.
static uint64_t copied_bytes(AccountSearch *account, uint64_t start, uint64_t end)
{
    uint64_t bytes = 0;

    // Neighbours lie in one piece, mostly.
    if (start >= account->piece.address && end <= account->piece.address + account->piece.bytes)
        return end - start;
    while (memory_next_piece(&account->reader, &start, end, &account->piece))
        bytes += account->piece.bytes;
    if (bytes > 0) {
        // The whole range of the copy that the last bytes lie in.
        const ProcessRange *range = &account->reader.copy->ranges[account->reader.range];

        if (account->piece.address >= range->address &&
            account->piece.address - range->address < range->bytes)
            account->piece = (MemoryPiece){range->address, range->bytes, range->data};
    }
    return bytes;
}

// ---- GC pages ----

static void add_page(AccountSearch *account, const PageRecord *record)
{
    const PageBits *bits = page_record_bits(&account->search->records, record);
    uint64_t whole = (uint64_t)record->page_count * account->search->layout.page_size;
    uint64_t missing = whole - copied_bytes(account, record->address, record->address + whole);
    uint64_t allocated = 0, dead = 0, slots[3], headers;

    for (uint32_t first = 0; first < record->slot_count; first += 64) {
        allocated += (uint64_t)__builtin_popcountll(bits[first / 64].allocated);
        dead += (uint64_t)__builtin_popcountll(bits[first / 64].dead);
    }
    slots[0] = (record->slot_count - allocated) * record->block_size;
    slots[1] = (allocated - dead) * record->block_size;
    slots[2] = dead * record->block_size;
    headers = whole - slots[0] - slots[1] - slots[2];
    // Pages that were never touched: in a large object, which is a free slot or an object.
    for (size_t i = 0; i < 3; i++) {
        uint64_t untouched = missing < slots[i] ? missing : slots[i];

        slots[i] -= untouched;
        missing -= untouched;
    }
    account->out->free_slots += slots[0];
    account->out->objects += slots[1];
    account->out->zombies += slots[2];
    account->out->page_headers += headers - (missing < headers ? missing : headers);
}

// ---- blocks of malloc ----

static void add_blocks(AccountSearch *account)
{
    const HeapSearch *search = account->search;
    MemoryAccount *out = account->out;
    uint64_t used = 0;

    for (uint64_t i = 0; search->chunk_notes != NULL && i < search->chunks.count; i++) {
        const MallocChunk *chunk = &search->chunks.items[i];
        uint64_t bytes = copied_bytes(account, chunk->address, chunk->address + chunk_bytes(chunk));
        uint8_t notes = search->chunk_notes[i];

        used += bytes;
        if ((notes & CHUNK_OF_OBJECT) != 0)
            *((notes & CHUNK_HELD) != 0 ? &out->shared_blocks : &out->owned_blocks) += bytes;
        else if ((chunk->size & CHUNK_MATTERS) != 0 || (notes & CHUNK_REACHED) != 0)
            out->rooted_blocks += bytes;
        else
            out->other_blocks += bytes;
    }
    out->free_blocks = account->malloc_bytes > used ? account->malloc_bytes - used : 0;
}

// ---- regions ----

static bool is_dead_stack(AccountSearch *account, uint64_t start)
{
    const RegionList *dead = &account->search->dead_stacks;

    while (account->dead < dead->count && dead->items[account->dead].end <= start)
        account->dead++;
    return account->dead < dead->count && dead->items[account->dead].start <= start;
}

static void add_part(AccountSearch *account, const Region *region, uint64_t start, uint64_t end)
{
    const ProcessMapping *mapping = &account->search->copy->mappings[account->mapping];
    uint64_t bytes;

    // Taken from the kernel's counts.
    if (mapping_is_file(mapping))
        return;
    bytes = copied_bytes(account, start, end);
    switch (region->kind) {
    case REGION_GC:
    case REGION_SHARED: // among the pages of files
        break;
    case REGION_MALLOC:
        account->malloc_bytes += bytes;
        break;
    case REGION_STACK:
        account->out->stacks += bytes;
        break;
    case REGION_TLS:
    case REGION_GLOBAL:
        account->out->variables += bytes;
        break;
    case REGION_IGNORED:
        *(is_dead_stack(account, start) ? &account->out->stacks : &account->out->free_blocks) +=
            bytes;
        break;
    case REGION_FOREIGN:
        account->out->other += bytes;
        break;
    }
}

static void add_region(AccountSearch *account, const Region *region)
{
    const ProcessCopy *copy = account->search->copy;

    for (uint64_t start = region->start; start < region->end;) {
        uint64_t end = region->end;

        while (account->mapping < copy->mapping_count &&
               copy->mappings[account->mapping].end <= start)
            account->mapping++;
        if (account->mapping == copy->mapping_count)
            return;
        if (copy->mappings[account->mapping].end < end)
            end = copy->mappings[account->mapping].end;
        add_part(account, region, start, end);
        start = end;
    }
}

void heap_search_make_account(HeapSearch *search)
{
    const ResidentMemory *resident = &search->copy->resident;
    MemoryAccount *out = &search->details->metadata.account;
    AccountSearch account = {.search = search, .reader = memory_reader(search->copy), .out = out};
    uint64_t allocator;

    if (!resident->is_known)
        return;
    out->is_recorded = true;
    out->resident = resident->all;
    out->files = resident->shared + resident->written_others;
    out->variables = resident->written_variables;
    for (uint64_t i = 0; i < search->map.count; i++)
        add_region(&account, &search->map.items[i]);
    allocator = out->free_blocks;
    for (uint64_t i = 0; i < search->records.count; i++)
        add_page(&account, &search->records.items[i]);
    add_blocks(&account);
    out->free_blocks += allocator;
}
