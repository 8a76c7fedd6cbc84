// Headers of mapped files: see module_headers.h. The child sends a record for each module, of which
// nothing is trusted: it may have gone wrong.

#include "snapshot/capture/names/module_headers.h"

#include <string.h>

#define CPU_SECONDS 5u
#define WALL_SECONDS 20u
#define MEMORY_BYTES (UINT64_C(64) << 20)
#define OUTPUT_BYTES (UINT64_C(64) << 20)

typedef struct HeadersRequest {
    const ProcessCopy *copy;
    const MappedModule *modules;
    uint32_t module_count;
} HeadersRequest;

// Followed by the segments.
typedef struct HeadersRecord {
    uint32_t module;
    uint32_t segment_count;
    char build_id[ELF_BUILD_ID_CHARS];
} HeadersRecord;

// In the child.
static void read_headers(void *context, GuardedChild *child)
{
    const HeadersRequest *request = context;

    for (uint32_t i = 0; i < request->module_count; i++) {
        ElfFile *file = module_file_open_mapped(request->copy, &request->modules[i]);
        ElfSegment segments[ELF_MAX_SEGMENTS];
        HeadersRecord record = {.module = i};

        if (file == NULL)
            continue;
        record.segment_count = elf_file_segments(file, segments);
        elf_file_build_id(file, record.build_id);
        elf_file_free(file);
        if (!guarded_child_write(child, &record, sizeof record) ||
            !guarded_child_write(child, segments, record.segment_count * sizeof *segments))
            return;
    }
}

// The next record at `*at`, which is moved behind it. False: there is no further whole one.
static bool take_record(const ByteBuffer *output, size_t *at, uint32_t *module, ModuleHeaders *out)
{
    size_t left = output->length - *at, bytes;
    HeadersRecord record;

    if (left < sizeof record)
        return false;
    memcpy(&record, output->bytes + *at, sizeof record);
    bytes = record.segment_count * sizeof *out->segments;
    if (record.segment_count > ELF_MAX_SEGMENTS || left - sizeof record < bytes)
        return false;
    *module = record.module;
    out->segment_count = record.segment_count;
    memcpy(out->segments, output->bytes + *at + sizeof record, bytes);
    memcpy(out->build_id, record.build_id, sizeof out->build_id);
    out->build_id[sizeof out->build_id - 1] = '\0';
    *at += sizeof record + bytes;
    return true;
}

bool module_headers_visit(const ProcessCopy *copy, const MappedModule *modules,
                          uint32_t module_count, const Cancel *cancel, ModuleHeadersVisitor visitor,
                          void *context, GuardedEnd *end, Error *error)
{
    HeadersRequest request = {copy, modules, module_count};
    char root[MODULE_ROOT_CHARS];
    const GuardedWork work = {
        .run = read_headers,
        .context = &request,
        .root = root,
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = WALL_SECONDS,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = OUTPUT_BYTES,
        .cancel = *cancel,
    };
    ByteBuffer output = {0};
    ModuleHeaders headers;
    uint32_t module;
    size_t at = 0;
    bool ok;

    module_files_root(copy, root);
    ok = guarded_child_run(&work, &output, end, error);
    while (ok && take_record(&output, &at, &module, &headers))
        if (module < module_count)
            ok = visitor(context, module, &headers, error);
    byte_buffer_release(&output);
    return ok;
}
