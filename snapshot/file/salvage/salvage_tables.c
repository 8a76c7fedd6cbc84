// Roots, foreign blocks, names and metadata of a damaged snapshot: see salvage_internal.h.

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/salvage/salvage_internal.h"
#include "snapshot/file/section_codecs.h"
#include "snapshot/file/snapshot_format.h"
#include "base/version.h"

#define NO_MODULE UINT32_MAX

// ---- names ----

typedef bool DecodeTable(ByteCursor *cursor, SnapshotDetails *details, Error *error);

typedef struct NameTable {
    uint32_t type;
    DecodeTable *decode;
    const char *what;
    bool needs_threads; // it is of no use without
    bool needs_modules;
    bool is_optional; // may have been left out
} NameTable;

static const NameTable tables[] = {
    {SECTION_THREADS, section_decode_threads, "the threads", false, false, false},
    {SECTION_MODULES, section_decode_modules, "executable and libraries", false, false, false},
    {SECTION_TYPES, section_decode_types, "the names of types", false, false, false},
    {SECTION_DROPS, section_decode_drops, "the names of drop functions", false, false, true},
    {SECTION_FRAMES, section_decode_frames, "the frames of stacks", true, true, true},
    {SECTION_VARIABLES, section_decode_variables, "the names of variables", false, true, true},
    {SECTION_MAPPINGS, section_decode_mappings, "the memory map", false, false, false},
    {SECTION_ROOT_NAMES, section_decode_root_names, "the names of roots", false, false, true},
    {SECTION_TYPE_LAYOUTS, section_decode_type_layouts,
     "where types hold references: every word of theirs may be one now", false, false, true},
};

// True with *is_there false: the section is not there as a whole.
static bool decode(const SalvageStream *stream, uint32_t type, DecodeTable *decode_table,
                   SnapshotDetails *details, bool *is_there, Error *error)
{
    const SalvageSection *section = salvage_stream_find(stream, type);
    ByteCursor cursor;

    *is_there = section != NULL && salvage_stream_has(stream, section->offset, section->length);
    if (!*is_there)
        return true;
    cursor = (ByteCursor){.bytes = stream->bytes + section->offset, .length = section->length};
    return decode_table(&cursor, details, error);
}

static bool decode_metadata(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    return section_decode_metadata(cursor, &details->metadata, error);
}

// Without the table that they refer to, entries refer to none.
static void forget_modules(SnapshotType *types, uint32_t count, uint32_t module_count)
{
    for (uint32_t i = 0; i < count; i++)
        if (types[i].module != NO_MODULE && types[i].module >= module_count)
            types[i].module = NO_MODULE;
}

static bool note_lost_table(Salvage *salvage, const NameTable *table, Error *error)
{
    // When the end is there, what is not there was never written.
    if (salvage->stream.has_end && salvage_stream_find(&salvage->stream, table->type) == NULL)
        return true;
    // Perhaps there was none: nobody knows, but it changes no count.
    if (table->is_optional && salvage_stream_find(&salvage->stream, table->type) == NULL)
        return true;
    return snapshot_details_add_loss(salvage->details, LOSS_NAMES, 0, 0, table->what, error);
}

// The tables in their order: those that others refer to come first.
static bool decode_tables(Salvage *salvage, Error *error)
{
    SnapshotDetails *details = salvage->details;
    bool has_threads = false, has_modules = false;

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const NameTable *table = &tables[i];
        bool is_there = false;

        if ((!table->needs_threads || has_threads) && (!table->needs_modules || has_modules) &&
            !decode(&salvage->stream, table->type, table->decode, details, &is_there, error))
            return false;
        has_threads = has_threads || (is_there && table->type == SECTION_THREADS);
        has_modules = has_modules || (is_there && table->type == SECTION_MODULES);
        if (!is_there && !note_lost_table(salvage, table, error))
            return false;
    }
    forget_modules(details->types, details->type_count, details->module_count);
    forget_modules(details->drops, details->drop_count, details->module_count);
    return true;
}

bool salvage_names(Salvage *salvage, Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    SnapshotDetails *details = salvage->details;
    bool has_losses, has_metadata;

    // Metadata first, since they say whether it was complete; then the list that they go with.
    if (!decode(stream, SECTION_METADATA, decode_metadata, details, &has_metadata, error) ||
        !decode(stream, SECTION_LOSSES, section_decode_losses, details, &has_losses, error))
        return false;
    if (!has_metadata) {
        strcpy(details->metadata.executable, "unknown");
        strcpy(details->metadata.method, "unknown");
        strcpy(details->metadata.tool_version, RUDO_SNAP_VERSION);
        if (!snapshot_details_add_loss(details, LOSS_NAMES, 0, 0, "when and how it was captured",
                                       error))
            return false;
    }
    return decode_tables(salvage, error);
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
    // No more can be there than the stream holds.
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

static bool is_possible(uint64_t address, uint64_t bytes, uint64_t previous_end)
{
    return address >= previous_end && address < HEAP_ADDRESS_LIMIT && bytes > 0 &&
           bytes <= HEAP_ADDRESS_LIMIT - address;
}

// Lost bytes of blocks, told as one: where they were tells nobody anything.
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

        // Behind an entry that is lost nobody knows where bytes are.
        if (!salvage_stream_has(stream, at, BLOCK_BYTES)) {
            is_known = false;
            break;
        }
        address = bytes_get_u64(stream->bytes + at);
        bytes = bytes_get_u64(stream->bytes + at + 8);
        if (!is_possible(address, bytes, previous_end)) {
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
