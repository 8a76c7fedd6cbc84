// Reading the memory of a ProcessCopy: words, pieces, and ranges with holes made whole.

#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/find/capture_search.h"

bool array_reserve(void **items, uint64_t *capacity, uint64_t count, size_t item_bytes,
                   const char *what, Error *error)
{
    uint64_t wanted = *capacity < 64 ? 64 : *capacity + *capacity / 2;
    void *larger;

    if (count < *capacity)
        return true;
    larger = wanted > SIZE_MAX / item_bytes ? NULL : realloc(*items, wanted * item_bytes);
    if (larger == NULL)
        return error_set_memory(error, wanted * item_bytes, what);
    *items = larger;
    *capacity = wanted;
    return true;
}

static uint64_t range_end(const ProcessRange *range)
{
    return range->address + range->bytes;
}

// Moves the reader to the first range that ends behind `address`. A few steps from where it
// is are tried first; most reads go forward.
static void seek(MemoryReader *reader, uint64_t address)
{
    const ProcessRange *ranges = reader->copy->ranges;
    uint64_t count = reader->copy->range_count;
    uint64_t low = 0, high = count;

    if (reader->range <= count &&
        (reader->range == 0 || range_end(&ranges[reader->range - 1]) <= address)) {
        for (unsigned step = 0; step < 4; step++) {
            if (reader->range == count || range_end(&ranges[reader->range]) > address)
                return;
            reader->range++;
        }
        low = reader->range;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (range_end(&ranges[middle]) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    reader->range = low;
}

bool memory_next_piece(MemoryReader *reader, uint64_t *position, uint64_t end, MemoryPiece *piece)
{
    const ProcessRange *range;
    uint64_t start, stop;

    if (*position >= end)
        return false;
    seek(reader, *position);
    if (reader->range == reader->copy->range_count)
        return false;
    range = &reader->copy->ranges[reader->range];
    start = *position > range->address ? *position : range->address;
    stop = end < range_end(range) ? end : range_end(range);
    if (start >= stop)
        return false;
    *piece = (MemoryPiece){start, stop - start, range->data + (start - range->address)};
    *position = stop;
    return true;
}

uint64_t memory_word(MemoryReader *reader, uint64_t address)
{
    const ProcessRange *range;
    uint64_t word;

    if (address % 8 != 0 || address > UINT64_MAX - 8)
        return 0;
    seek(reader, address);
    if (reader->range == reader->copy->range_count)
        return 0;
    range = &reader->copy->ranges[reader->range];
    if (address < range->address || range_end(range) - address < 8)
        return 0;
    memcpy(&word, range->data + (address - range->address), sizeof word);
    return word;
}

uint64_t memory_copied_bytes(MemoryReader *reader, uint64_t start, uint64_t end)
{
    MemoryPiece piece;
    uint64_t bytes = 0;

    while (memory_next_piece(reader, &start, end, &piece))
        bytes += piece.bytes;
    return bytes;
}

bool memory_assemble(MemoryReader *reader, MemoryAssembly *assembly, uint64_t address,
                     uint64_t bytes, const uint8_t **data, Error *error)
{
    uint64_t end = address + bytes;
    uint64_t position = address;
    uint64_t holes;
    MemoryPiece piece;
    uint8_t *buffer;

    *data = NULL;
    if (memory_next_piece(reader, &position, end, &piece) && piece.bytes == bytes) {
        *data = piece.data;
        return true;
    }
    holes = bytes - memory_copied_bytes(reader, address, end);
    if (holes > assembly->holes_left)
        return true;
    if (!array_reserve((void **)&assembly->buffers, &assembly->capacity, assembly->count,
                       sizeof *assembly->buffers, "the list of buffers", error))
        return false;
    // Zeroed by the kernel where it is large, so holes cost no memory until they are written.
    buffer = calloc(1, bytes);
    if (buffer == NULL)
        return error_set_memory(error, bytes, "memory with holes");
    assembly->buffers[assembly->count++] = buffer;
    assembly->holes_left -= holes;
    position = address;
    while (memory_next_piece(reader, &position, end, &piece))
        memcpy(buffer + (piece.address - address), piece.data, piece.bytes);
    *data = buffer;
    return true;
}

void memory_assembly_release(MemoryAssembly *assembly)
{
    for (uint64_t i = 0; i < assembly->count; i++)
        free(assembly->buffers[i]);
    free(assembly->buffers);
    *assembly = (MemoryAssembly){0};
}
