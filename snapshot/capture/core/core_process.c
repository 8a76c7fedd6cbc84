// Copying a process out of its core file: see snapshot/capture/core/core_process.h.
//
// Note [Zero pages of a core]
//
// A live capture leaves out pages that were never touched. In a core these cannot be told from
// other pages of zeros, or are holes in the file. All pages of zeros are left out of the copy: they
// read as zero all the same, and a core is often mostly zeros. They count as copied where the file
// has bytes for them, so that limits which depend on that number are not stricter than for the live
// process.

#include "snapshot/capture/core/core_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cancel.h"
#include "base/clean_text.h"
#include "base/machine/memory_available.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/copy/memory_reader.h"
#include "snapshot/capture/core/core_file.h"
#include "snapshot/capture/core/core_process_internal.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/snapshot_machine.h"

// Bytes in one read.
#define READ_BYTES (UINT64_C(4) << 20)

typedef struct CoreCopying {
    const char *path; // for messages
    CoreFile *file;
    const uint32_t *segments; // per mapping
    const Cancel *cancel;
    ProcessCopy *out;
    uint64_t used_bytes; // of the staging memory
    uint64_t range_capacity;
    uint64_t lost_capacity;
    Error *error;
} CoreCopying;

// ---- which bytes ----

static const CoreSegment *segment_of(const CoreCopying *copying, uint32_t mapping)
{
    uint32_t count;
    const CoreSegment *segments = core_file_segments(copying->file, &count);

    return copying->segments[mapping] == NO_INDEX ? NULL : &segments[copying->segments[mapping]];
}

// The number of the mapping's bytes to copy: of private writable memory all that the core has; of
// the beginning of a file the page with the ELF header, which says where its variables are when the
// file itself is missing.
static uint64_t wanted_bytes(const CoreCopying *copying, uint32_t mapping)
{
    const ProcessMapping *record = &copying->out->mappings[mapping];
    const CoreSegment *segment = segment_of(copying, mapping);
    uint64_t bytes = segment == NULL ? 0 : segment->file_bytes;

    if (mapping_is_private_writable(record) || record->is_shared_memory)
        return bytes;
    if (!mapping_is_file(record) || !record->is_private || record->file_offset != 0)
        return 0;
    return bytes < PAGE_BYTES ? bytes : PAGE_BYTES;
}

// The next stretch of a segment for which the file has data, in whole pages of the segment:
// from *position on, which moves behind it. At most READ_BYTES.
static bool next_stretch(const CoreCopying *copying, const CoreSegment *segment, uint64_t bytes,
                         uint64_t *position, uint64_t *length)
{
    uint64_t start, end = segment->file_offset + bytes;
    uint64_t offset = segment->file_offset + *position;

    if (*position >= bytes || !core_file_next_data(copying->file, &offset, &end))
        return false;
    start = round_down(offset - segment->file_offset, PAGE_BYTES);
    end = round_up(end - segment->file_offset, PAGE_BYTES);
    if (start < *position)
        start = *position;
    if (end > bytes)
        end = bytes;
    *length = end - start < READ_BYTES ? end - start : READ_BYTES;
    *position = start + *length;
    return true;
}

static uint64_t count_data(const CoreCopying *copying)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < copying->out->mapping_count; i++) {
        uint64_t bytes = wanted_bytes(copying, i), position = 0, length;

        while (bytes > 0 &&
               next_stretch(copying, segment_of(copying, i), bytes, &position, &length))
            total += round_up(length, PAGE_BYTES);
    }
    return total;
}

static bool make_room(CoreCopying *copying, uint64_t bytes)
{
    uint64_t available = memory_available(&system_memory_sources);
    void *staging;

    if (bytes == 0)
        return true;
    if (bytes > available) {
        error_set_memory(copying->error, bytes, "the memory in a core");
        return error_add_hint(copying->error, "%llu bytes are available here",
                              (unsigned long long)available);
    }
    staging = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (staging == MAP_FAILED)
        return error_set_memory(copying->error, bytes, "the memory in a core");
    (void)madvise(staging, bytes, MADV_HUGEPAGE);
    copying->out->staging = staging;
    copying->out->staging_bytes = bytes;
    return true;
}

// ---- copying ----

static bool add_page(CoreCopying *copying, uint64_t address, const uint8_t *data)
{
    ProcessCopy *out = copying->out;
    ProcessRange *last = out->range_count > 0 ? &out->ranges[out->range_count - 1] : NULL;

    if (last != NULL && last->address + last->bytes == address &&
        last->data + last->bytes == data) {
        last->bytes += PAGE_BYTES;
        return true;
    }
    if (!array_reserve(&out->ranges, &copying->range_capacity, out->range_count + 1,
                       sizeof *out->ranges, "page ranges", copying->error))
        return false;
    out->ranges[out->range_count++] = (ProcessRange){address, PAGE_BYTES, data};
    return true;
}

// Reads a stretch behind the copied memory, and closes the gaps that zero pages leave.
static bool copy_stretch(CoreCopying *copying, const CoreSegment *segment, uint64_t start,
                         uint64_t length)
{
    uint8_t *staging = copying->out->staging;
    uint8_t *from = staging + copying->used_bytes;

    if (!cancel_check(copying->cancel, copying->error) ||
        !core_file_read(copying->file, segment->file_offset + start, from, length, copying->error))
        return false;
    // A stretch may end in part of a page; the rest may hold memory of earlier stretches.
    memset(from + length, 0, (size_t)(round_up(length, PAGE_BYTES) - length));
    for (uint64_t at = 0; at < length; at += PAGE_BYTES) {
        uint8_t *to = staging + copying->used_bytes;

        if (is_all_zeros(from + at, PAGE_BYTES))
            continue;
        if (to != from + at)
            memcpy(to, from + at, PAGE_BYTES);
        if (!add_page(copying, segment->address + start + at, to))
            return false;
        copying->used_bytes += PAGE_BYTES;
    }
    return true;
}

static bool copy_mapping(CoreCopying *copying, uint32_t mapping)
{
    const CoreSegment *segment = segment_of(copying, mapping);
    uint64_t bytes = wanted_bytes(copying, mapping), position = 0, length;

    while (bytes > 0 && next_stretch(copying, segment, bytes, &position, &length)) {
        if (!copy_stretch(copying, segment, position - length, length))
            return false;
        if (mapping_is_private_writable(&copying->out->mappings[mapping]) ||
            copying->out->mappings[mapping].is_shared_memory)
            copying->out->copied_bytes += length;
    }
    return true;
}

// Records anonymous memory that is not in the core, because its writer was told to leave it out.
// (Of mapped files the unchanged parts need not be in the core.)
static bool note_left_out(CoreCopying *copying, uint32_t mapping)
{
    ProcessCopy *out = copying->out;
    const ProcessMapping *record = &out->mappings[mapping];
    const CoreSegment *segment = segment_of(copying, mapping);
    uint64_t bytes;

    if (segment == NULL || !mapping_is_private_writable(record) || mapping_is_file(record) ||
        segment->bytes == segment->file_bytes)
        return true;
    bytes = segment->bytes - segment->file_bytes;
    if (!array_reserve(&out->lost, &copying->lost_capacity, out->lost_count + 1, sizeof *out->lost,
                       "the list of missing memory", copying->error))
        return false;
    out->lost[out->lost_count++] =
        (ProcessRange){segment->address + segment->file_bytes, bytes, NULL};
    out->unreadable_bytes += bytes;
    return true;
}

// Shared memory that is not in the core is not searched.
static void choose_shared(CoreCopying *copying)
{
    ProcessCopy *out = copying->out;

    process_mappings_choose_shared(out->mappings, out->mapping_count);
    for (uint32_t i = 0; i < out->mapping_count; i++) {
        const CoreSegment *segment = segment_of(copying, i);

        if (segment == NULL || segment->file_bytes == 0)
            out->mappings[i].is_shared_memory = false;
    }
}

static bool copy_all(CoreCopying *copying)
{
    ProcessCopy *out = copying->out;

    choose_shared(copying);
    if (!make_room(copying, count_data(copying)))
        return false;
    for (uint32_t i = 0; i < out->mapping_count; i++) {
        if (!copy_mapping(copying, i) || !note_left_out(copying, i))
            return false;
    }
    return true;
}

// ---- the process ----

static void name_executable(ProcessCopy *out, const char *path)
{
    size_t length;
    const char *name = proc_file_name(path, &length);

    (void)snprintf(out->executable, sizeof out->executable, "%.*s", (int)length, name);
    text_clean(out->executable, strlen(out->executable), TEXT_ONE_LINE);
}

static bool describe_process(ProcessCopy *out, CoreNotes *notes, const char *executable,
                             int64_t written_at_ns, Error *error)
{
    const ProcessMapping *program = process_copy_find_mapping(out, notes->program_headers);

    out->pid = (int)notes->pid;
    out->method = "core";
    out->is_core = true;
    out->captured_at_ns = written_at_ns;
    out->threads = notes->threads;
    out->thread_count = notes->thread_count;
    notes->threads = NULL;
    notes->thread_count = 0;
    memcpy(out->registers_note, notes->vectors_note, sizeof out->registers_note);
    if (program != NULL && mapping_is_file(program))
        out->executable_mapping_name = program->name;
    name_executable(out, out->executable_mapping_name != NULL ? program->name : notes->name);
    if (executable == NULL)
        return true;
    out->executable_path = strdup(executable);
    return out->executable_path != NULL ||
           error_set_memory(error, strlen(executable) + 1, "a path");
}

bool core_process_copy(const char *path, const char *executable, const Cancel *cancel,
                       ProcessCopy *out, Error *error)
{
    CoreCopying copying = {.path = path, .cancel = cancel, .out = out, .error = error};
    CoreNotes notes = {0};
    uint32_t *segments = NULL;
    int descriptor;
    XsaveLayout cpu;
    bool is_ok;

    memset(out, 0, sizeof *out);
    xsave_layout_read_cpu(&cpu);
    if (!core_unpacking_open(path, cancel, &descriptor, error) ||
        !core_file_open(descriptor, path, &copying.file, error))
        return false;
    is_ok = core_notes_read(copying.file, path, &cpu, &notes, error) &&
            core_mappings_fill(copying.file, &notes, out, &segments, error);
    copying.segments = segments;
    is_ok = is_ok && copy_all(&copying) && core_mappings_name_heap(out, error) &&
            describe_process(out, &notes, executable, core_file_written_at_ns(copying.file), error);
    out->machine = SNAPSHOT_MACHINE_X86_64; // core_file_open() refuses all others
    core_notes_release(&notes);
    core_file_free(copying.file);
    free(segments);
    if (!is_ok)
        process_copy_release(out);
    return is_ok;
}
