// The large sections of a snapshot: see snapshot/file/heap_sections.h.

#include "snapshot/file/heap_sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/sections/snapshot_format.h"

_Static_assert(sizeof(Root) == ROOT_BYTES, "roots are read as they lie in memory");

bool heap_sections_table_count(ByteSource *source, const Section *section, uint64_t entry_bytes,
                               const char *what, uint64_t *count, Error *error)
{
    uint8_t head[TABLE_HEAD_BYTES];

    *count = 0;
    if (section->offset == 0)
        return true;
    if (section->length < sizeof head)
        return byte_source_fault(source, section->offset, error, "the table of %s ends early",
                                 what);
    if (!byte_source_read(source, section->offset, head, sizeof head, error))
        return false;
    if (bytes_get_u64(head) > (section->length - sizeof head) / entry_bytes)
        return byte_source_fault(source, section->offset, error, "there is no room for %llu %s",
                                 (unsigned long long)bytes_get_u64(head), what);
    *count = bytes_get_u64(head);
    return true;
}

// ---- roots ----

bool heap_sections_is_possible_root(const Root *root, uint32_t thread_count)
{
    return root->kind < ROOT_KIND_COUNT && root->is_exact <= 1 && root->reserved == 0 &&
           (root->thread < thread_count || root->thread == NO_INDEX);
}

bool heap_sections_read_roots(ByteSource *source, const SectionMap *map, uint32_t thread_count,
                              HeapImageBuilder *builder, Error *error)
{
    const Section *section = section_map_find(map, SECTION_ROOTS);
    uint64_t offset = section->offset + TABLE_HEAD_BYTES;
    uint64_t count, i = 0;
    Root *roots;

    if (!heap_sections_table_count(source, section, ROOT_BYTES, "roots", &count, error))
        return false;
    if (section->offset == 0)
        return true;
    if (section->length != TABLE_HEAD_BYTES + count * ROOT_BYTES)
        return byte_source_fault(source, section->offset, error,
                                 "%llu roots do not fill their section", (unsigned long long)count);
    roots = malloc((count + 1) * sizeof *roots);
    if (roots == NULL)
        return error_set_memory(error, count * sizeof *roots, "the roots");
    if (!byte_source_read_large(source, offset, roots, count * ROOT_BYTES, error)) {
        free(roots);
        return false;
    }
    while (i < count && heap_sections_is_possible_root(&roots[i], thread_count))
        i++;
    if (i < count) {
        free(roots);
        return byte_source_fault(source, offset + i * ROOT_BYTES, error,
                                 "root %llu is not possible", (unsigned long long)i);
    }
    heap_image_builder_take_roots(builder, roots, count);
    return true;
}

// ---- foreign blocks ----

bool heap_sections_add_block(const ByteSource *source, const Section *section, uint64_t number,
                             uint64_t address, uint64_t length, uint64_t *previous_end,
                             uint64_t *bytes, Error *error)
{
    uint64_t at = section->offset + TABLE_HEAD_BYTES + number * BLOCK_BYTES;

    if (address < *previous_end || address >= HEAP_ADDRESS_LIMIT || length == 0 ||
        length > HEAP_ADDRESS_LIMIT - address || length > section->length - *bytes)
        return byte_source_fault(
            source, at, error, "foreign block %llu (0x%llx, %llu bytes) is not possible",
            (unsigned long long)number, (unsigned long long)address, (unsigned long long)length);
    *previous_end = address + length;
    *bytes += (length + 7) / 8 * 8;
    return *bytes <= section->length ||
           byte_source_fault(source, at, error, "foreign block %llu leaves its section",
                             (unsigned long long)number);
}

// Reads the block table. Offsets of the bytes follow from the lengths, each rounded up.
static bool read_block_table(ByteSource *source, const Section *section, ForeignBlock *blocks,
                             uint64_t count, uint64_t *foreign_bytes, Error *error)
{
    uint64_t at = section->offset + TABLE_HEAD_BYTES;
    uint64_t previous_end = 0;

    *foreign_bytes = 0;
    for (uint64_t i = 0; i < count; i++, at += BLOCK_BYTES) {
        uint8_t entry[BLOCK_BYTES];
        if (!byte_source_read(source, at, entry, sizeof entry, error))
            return false;
        blocks[i] = (ForeignBlock){bytes_get_u64(entry), bytes_get_u64(entry + 8), *foreign_bytes};
        if (!heap_sections_add_block(source, section, i, blocks[i].address, blocks[i].bytes,
                                     &previous_end, foreign_bytes, error))
            return false;
    }
    return true;
}

bool heap_sections_read_blocks(ByteSource *source, const SectionMap *map, HeapImageBuilder *builder,
                               Error *error)
{
    const Section *section = section_map_find(map, SECTION_BLOCKS);
    ForeignBlock *blocks = NULL;
    uint8_t *bytes = NULL;
    uint64_t count, foreign_bytes = 0, table_bytes;
    bool ok = false;

    if (!heap_sections_table_count(source, section, BLOCK_BYTES, "foreign blocks", &count, error))
        return false;
    if (section->offset == 0)
        return true;
    if (count >= NO_INDEX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu foreign blocks are more than a heap image holds",
                         (unsigned long long)count);
    blocks = malloc((count + 1) * sizeof *blocks);
    if (blocks == NULL) {
        error_set_memory(error, count * sizeof *blocks, "the foreign blocks");
        goto done;
    }
    if (!read_block_table(source, section, blocks, count, &foreign_bytes, error))
        goto done;
    table_bytes = TABLE_HEAD_BYTES + count * BLOCK_BYTES;
    if (section->length - table_bytes != foreign_bytes) {
        byte_source_fault(source, section->offset, error,
                          "%llu foreign blocks do not fill their section",
                          (unsigned long long)count);
        goto done;
    }
    bytes = malloc(foreign_bytes + 1);
    if (bytes == NULL) {
        error_set_memory(error, foreign_bytes, "the foreign blocks");
        goto done;
    }
    if (!byte_source_read_large(source, section->offset + table_bytes, bytes, foreign_bytes, error))
        goto done;
    heap_image_builder_take_blocks(builder, blocks, (uint32_t)count, bytes, foreign_bytes);
    blocks = NULL;
    bytes = NULL;
    ok = true;

done:
    free(blocks);
    free(bytes);
    return ok;
}
