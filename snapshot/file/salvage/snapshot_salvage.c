// Salvaging a damaged snapshot: see snapshot/file/salvage/snapshot_salvage.h.

#include "snapshot/file/salvage/snapshot_salvage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/byte_buffer.h"
#include "snapshot/file/salvage/salvage_internal.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/file/sections/snapshot_format.h"

static bool read_layout(Salvage *salvage, Error *error)
{
    const SalvageStream *stream = &salvage->stream;
    const SalvageSection *section = salvage_stream_find(stream, SECTION_LAYOUT);
    ByteCursor cursor;

    if (section == NULL || !salvage_stream_has(stream, section->offset, section->length))
        return error_set(error, ERROR_CORRUPT,
                         "there is nothing to salvage: the layout of the heap is lost");
    cursor = (ByteCursor){.bytes = stream->bytes + section->offset, .length = section->length};
    return section_decode_layout(&cursor, &salvage->contents.layout, &salvage->details->machine,
                                 error);
}

// Adds a line to the summary of what is missing.
static void describe(const Salvage *salvage, uint32_t frames)
{
    SnapshotMetadata *metadata = &salvage->details->metadata;
    const SnapshotSalvage *found = salvage->found;
    size_t used = strlen(metadata->missing);

    if (used + 1 >= sizeof metadata->missing)
        return;
    (void)snprintf(
        metadata->missing + used, sizeof metadata->missing - used,
        "%ssalvaged from a damaged file, %u of whose frames %s whole: %llu of %llu pages",
        used > 0 ? "\n" : "", frames, frames == 1 ? "was" : "were",
        (unsigned long long)found->kept_pages,
        (unsigned long long)(found->kept_pages + found->lost_pages));
}

static int64_t written_at_ns(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return 0;
    return (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
}

static bool gather(Salvage *salvage, SeekableReader *reader, Error *error)
{
    SnapshotSalvage *found = salvage->found;

    found->frames = seekable_reader_info(reader)->frame_count;
    if (!salvage_stream_init(&salvage->stream, reader, &found->whole_frames, error) ||
        !read_layout(salvage, error) || !salvage_names(salvage, error) ||
        !salvage_pages(salvage, error) || !salvage_roots(salvage, error) ||
        !salvage_blocks(salvage, error))
        return false;
    // The best approximation: when the file was written.
    if (salvage->details->metadata.captured_at_ns == 0)
        salvage->details->metadata.captured_at_ns = written_at_ns(salvage->path);
    found->is_complete = salvage->details->metadata.is_complete;
    if (!found->is_complete)
        describe(salvage, found->whole_frames);
    return true;
}

// Adds the file to errors of gathering, which do not name it.
static bool name_file(const char *path, Error *error)
{
    Error named = *error;

    if (error->code != ERROR_CORRUPT && error->code != ERROR_UNSUPPORTED)
        return false;
    (void)error_set(&named, error->code, "'%.200s': %.260s", path, error->message);
    memcpy(error->message, named.message, sizeof error->message);
    return false;
}

static void salvage_release(Salvage *salvage)
{
    salvage_stream_release(&salvage->stream);
    snapshot_details_free(salvage->details);
    if (salvage->arena != NULL)
        (void)munmap(salvage->arena, salvage->arena_bytes);
    free(salvage->runs);
    page_records_release(&salvage->records);
    free(salvage->roots);
    free(salvage->blocks);
}

bool snapshot_salvage(const char *path, const char *out, bool replaces, uint64_t max_stream_bytes,
                      SnapshotSalvage *found, Error *error)
{
    Salvage salvage = {.path = path, .found = found};
    SnapshotWriteOptions options = {.replaces = replaces};
    SeekableReader *reader = NULL;
    bool ok;

    *found = (SnapshotSalvage){0};
    if (!snapshot_check_output(out, replaces, error) ||
        !seekable_reader_open_damaged(path, SNAPSHOT_FORMAT_MAJOR, max_stream_bytes, &reader,
                                      error))
        return false;
    salvage.details = snapshot_details_new();
    if (salvage.details == NULL)
        ok = error_set_memory(error, sizeof *salvage.details, "the snapshot's details");
    else
        ok = gather(&salvage, reader, error) || name_file(path, error);
    if (ok) {
        salvage.contents.details = salvage.details;
        options.keeps_free_slots = (salvage.stream.flags & SNAPSHOT_FLAG_KEEPS_FREE_SLOTS) != 0;
        ok = snapshot_write(out, &salvage.contents, &options, NULL, error);
    }
    salvage_release(&salvage);
    seekable_reader_free(reader);
    return ok;
}
