// Roots, foreign blocks, names and metadata of a damaged snapshot: see salvage_internal.h.

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/salvage/salvage_internal.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "base/version.h"

// Salvage adds losses to those of the file, of which there must not be too many then.
#define SPARE_LOSSES 2000u
#define SPARE_LOSS_BYTES (UINT32_C(1) << 20)

// ---- names ----

// The bytes of a section without holes; false: it is lost, or has some.
static bool find_whole(const SalvageStream *stream, uint32_t type, ByteCursor *cursor)
{
    const SalvageSection *section = salvage_stream_find(stream, type);

    if (section == NULL || !salvage_stream_has(stream, section->offset, section->length))
        return false;
    *cursor = (ByteCursor){.bytes = stream->bytes + section->offset, .length = section->length};
    return true;
}

static bool note_lost_table(Salvage *salvage, const SectionKind *kind, Error *error)
{
    // Where the end of the stream is not lost, an absent section was never written. Where it is,
    // that is assumed of sections that old files do not have; their loss changes no count.
    if (salvage_stream_find(&salvage->stream, kind->type) == NULL &&
        (salvage->stream.has_end || kind->since_minor > 0))
        return true;
    if (kind->type == SECTION_SIZED_BLOCKS)
        salvage->details->metadata.sized_blocks_recorded = false;
    return snapshot_details_add_loss(salvage->details, LOSS_NAMES, 0, 0, kind->lost, error);
}

static bool note_lost_metadata(Salvage *salvage, Error *error)
{
    SnapshotMetadata *metadata = &salvage->details->metadata;

    strcpy(metadata->executable, "unknown");
    strcpy(metadata->method, "unknown");
    strcpy(metadata->tool_version, RUDO_SNAP_VERSION);
    return snapshot_details_add_loss(salvage->details, LOSS_NAMES, 0, 0,
                                     "when and how it was captured", error);
}

static uint64_t bit_of(uint32_t type)
{
    return UINT64_C(1) << sections_index(sections_find(type));
}

// Is there a table that reading would refuse, as a whole or for one of its entries?
static bool is_possible(Salvage *salvage, const SectionKind *kind, ByteCursor *cursor,
                        bool is_detached, Error *error)
{
    if (kind->type == SECTION_LOSSES && cursor->length > MAX_LOSS_BYTES - SPARE_LOSS_BYTES)
        return error_set(error, ERROR_CORRUPT, "there are too many losses");
    if (!section_table_decode(kind->table, cursor, salvage->details, error))
        return false;
    if (kind->type == SECTION_LOSSES && salvage->details->loss_count > MAX_LOSSES - SPARE_LOSSES)
        return error_set(error, ERROR_CORRUPT, "there are too many losses");
    if (is_detached)
        section_table_detach(kind->table, salvage->details);
    return section_table_check(kind->table, salvage->details, error);
}

// Decodes a table without holes. Tables that others refer to come first in the table of sections.
// One that reading would refuse is as lost as one with holes.
static bool decode_table(Salvage *salvage, const SectionKind *kind, bool *is_there, Error *error)
{
    ByteCursor cursor;
    bool is_detached = kind->refers_to != 0 && (salvage->decoded & bit_of(kind->refers_to)) == 0;

    *is_there = find_whole(&salvage->stream, kind->type, &cursor) &&
                (!is_detached || kind->table->detach != NULL);
    if (!*is_there)
        return true;
    if (is_possible(salvage, kind, &cursor, is_detached, error)) {
        salvage->decoded |= bit_of(kind->type);
        return true;
    }
    *is_there = false;
    return error->code == ERROR_CORRUPT && section_table_drop(kind->table, salvage->details, error);
}

// Decodes the metadata. Those that reading would refuse are lost.
static bool decode_metadata(Salvage *salvage, bool *is_there, Error *error)
{
    SnapshotMetadata *metadata = &salvage->details->metadata;
    ByteCursor cursor;

    *is_there = find_whole(&salvage->stream, SECTION_METADATA, &cursor);
    if (!*is_there || section_decode_metadata(&cursor, metadata, error))
        return true;
    *is_there = false;
    *metadata = (SnapshotMetadata){.is_complete = true};
    return error->code == ERROR_CORRUPT;
}

// Decodes the metadata and the losses that the file itself lists, which say whether the snapshot
// was complete when it was written. Losses that salvage finds are added to these.
static bool decode_completeness(Salvage *salvage, Error *error)
{
    SnapshotDetails *details = salvage->details;
    const SectionKind *losses = sections_find(SECTION_LOSSES);
    bool has_metadata, has_losses;

    if (!decode_metadata(salvage, &has_metadata, error) ||
        !decode_table(salvage, losses, &has_losses, error))
        return false;
    // It was there, and is not possible.
    if (!has_losses && salvage_stream_find(&salvage->stream, SECTION_LOSSES) != NULL &&
        !snapshot_details_add_loss(details, LOSS_MEMORY, 0, 0, "earlier losses", error))
        return false;
    if (details->loss_count > 0)
        details->metadata.is_complete = false;
    details->metadata.references_counted = false; // of the whole heap, which is gone
    return has_metadata || note_lost_metadata(salvage, error);
}

bool salvage_names(Salvage *salvage, Error *error)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    if (!decode_completeness(salvage, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_there;

        if (kinds[i].table == NULL || kinds[i].type == SECTION_LOSSES)
            continue;
        if (!decode_table(salvage, &kinds[i], &is_there, error) ||
            (!is_there && !note_lost_table(salvage, &kinds[i], error)))
            return false;
    }
    return true;
}

// ---- roots ----

static bool note_lost_roots(Salvage *salvage, uint64_t lost, bool is_count_known, Error *error)
{
    if (is_count_known && lost == 0)
        return true;
    return snapshot_details_add_loss(salvage->details, LOSS_ROOTS, 0,
                                     is_count_known ? lost * sizeof(uint64_t) : 0,
                                     "they were in a damaged part of the file", error);
}

bool salvage_roots(Salvage *salvage, Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    const SalvageSection *section = salvage_stream_find(stream, SECTION_ROOTS);
    uint64_t claimed, count, kept = 0;

    if (section == NULL)
        return stream->has_end || note_lost_roots(salvage, 0, false, error);
    if (!salvage_stream_count(stream, section, ROOT_BYTES, &claimed))
        return note_lost_roots(salvage, 0, false, error);
    // The stream cannot hold more.
    count = claimed < stream->length / ROOT_BYTES ? claimed : stream->length / ROOT_BYTES;
    salvage->roots = malloc((count + 1) * sizeof *salvage->roots);
    if (salvage->roots == NULL)
        return error_set_memory(error, count * sizeof *salvage->roots, "the roots");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = section->offset + TABLE_HEAD_BYTES + i * ROOT_BYTES;
        Root *root = &salvage->roots[kept];

        if (!salvage_stream_has(stream, at, ROOT_BYTES))
            continue;
        memcpy(root, stream->bytes + at, sizeof *root);
        if (root->kind >= ROOT_KIND_COUNT || root->is_exact > 1 || root->reserved != 0)
            continue;
        if (root->thread >= salvage->details->thread_count)
            root->thread = NO_INDEX;
        kept++;
    }
    salvage->contents.roots = salvage->roots;
    salvage->contents.root_count = salvage->found->kept_roots = kept;
    return note_lost_roots(salvage, claimed - kept, true, error);
}

// ---- blocks ----

static bool is_possible_block(uint64_t address, uint64_t bytes, uint64_t previous_end)
{
    return address >= previous_end && address < HEAP_ADDRESS_LIMIT && bytes > 0 &&
           bytes <= HEAP_ADDRESS_LIMIT - address;
}

// Lists all lost bytes of blocks as one loss: the user has no use for their addresses.
static bool note_lost_blocks(Salvage *salvage, uint64_t lost_bytes, bool is_known, Error *error)
{
    if (is_known && lost_bytes == 0)
        return true;
    if (lost_bytes > HEAP_ADDRESS_LIMIT)
        is_known = false;
    return snapshot_details_add_loss(salvage->details, LOSS_BLOCKS, 0, is_known ? lost_bytes : 0,
                                     "they were in a damaged part of the file", error);
}

bool salvage_blocks(Salvage *salvage, Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    const SalvageSection *section = salvage_stream_find(stream, SECTION_BLOCKS);
    uint64_t count, kept = 0, lost_bytes = 0, data, previous_end = 0;
    bool is_known = true;

    if (section == NULL)
        return stream->has_end || note_lost_blocks(salvage, 0, false, error);
    if (!salvage_stream_count(stream, section, BLOCK_BYTES, &count) ||
        count > stream->length / BLOCK_BYTES)
        return note_lost_blocks(salvage, 0, false, error);
    salvage->blocks = malloc((count + 1) * sizeof *salvage->blocks);
    if (salvage->blocks == NULL)
        return error_set_memory(error, count * sizeof *salvage->blocks, "the foreign blocks");
    data = section->offset + TABLE_HEAD_BYTES + count * BLOCK_BYTES;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = section->offset + TABLE_HEAD_BYTES + i * BLOCK_BYTES, address, bytes;

        // Behind a lost entry the places of the bytes are not known.
        if (!salvage_stream_has(stream, at, BLOCK_BYTES)) {
            is_known = false;
            break;
        }
        address = bytes_get_u64(stream->bytes + at);
        bytes = bytes_get_u64(stream->bytes + at + 8);
        if (!is_possible_block(address, bytes, previous_end)) {
            is_known = false;
            break;
        }
        previous_end = address + bytes;
        if (salvage_stream_has(stream, data, bytes))
            salvage->blocks[kept++] = (SnapshotBlock){address, bytes, stream->bytes + data};
        else
            lost_bytes += bytes;
        data += (bytes + 7) / 8 * 8;
    }
    salvage->contents.blocks = salvage->blocks;
    salvage->contents.block_count = salvage->found->kept_blocks = kept;
    return note_lost_blocks(salvage, lost_bytes, is_known, error);
}
