// Reading a ProcessCopy: see snapshot/capture/copy/memory_reader.h.

#include "snapshot/capture/copy/memory_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

static uint64_t range_end(const ProcessRange *range)
{
    return range->address + range->bytes;
}

static bool ends_at_or_below(const void *ranges, uint64_t index, const void *address)
{
    return range_end((const ProcessRange *)ranges + index) <= *(const uint64_t *)address;
}

// Moves the reader to the first range that ends behind `address`. Most reads go forward, so it
// tries a few steps from where it is first.
static void seek(MemoryReader *reader, uint64_t address)
{
    const ProcessRange *ranges = reader->copy->ranges;
    uint64_t count = reader->copy->range_count;
    uint64_t low = 0;

    if (reader->range <= count &&
        (reader->range == 0 || range_end(&ranges[reader->range - 1]) <= address)) {
        for (unsigned step = 0; step < 4; step++) {
            if (reader->range == count || range_end(&ranges[reader->range]) > address)
                return;
            reader->range++;
        }
        low = reader->range;
    }
    reader->range = low + search_first(ranges + low, count - low, ends_at_or_below, &address);
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
    if (!array_reserve(&assembly->buffers, &assembly->capacity, assembly->count + 1,
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
