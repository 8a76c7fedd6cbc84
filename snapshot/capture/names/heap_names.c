// HeapNames: see snapshot/capture/names/heap_names.h. Runs five children one after the other, for
// frames, for symbols, for names that need debug information, and for the layouts of types, so that
// one that fails does not take the names of the others with it.
//
// A child that fails is not an error of the capture: the names that it recorded before count, and
// `names_note` says which may be missing.

#include "snapshot/capture/names/heap_names.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine/memory_available.h"
#include "snapshot/capture/names/name_records_internal.h"
#include "snapshot/capture/names/names_reasons.h"

// Enough for executables of some gigabytes on a busy machine.
#define CPU_SECONDS 20u
#define WALL_SECONDS 40u
#define ALL_SECONDS 80u // for all children
#define MAX_MEMORY_BYTES (UINT64_C(1) << 30)
#define OUTPUT_BYTES (UINT64_C(256) << 20)

static void add_note(SnapshotMetadata *metadata, const char *what, GuardedEnd end)
{
    char line[160];

    if (end == GUARDED_DONE)
        return;
    (void)snprintf(line, sizeof line, "%s: %s", what, guarded_end_text(end));
    names_reasons_add_line(metadata, line);
}

// Half of the memory that is available without the kernel killing a process for it: the target may
// share our limit.
static uint64_t memory_for_names(void)
{
    uint64_t available = memory_available(&system_memory_sources) / 2;

    return available < MAX_MEMORY_BYTES ? available : MAX_MEMORY_BYTES;
}

// How long the next child may take. A file that is slow is so for all of them.
static uint32_t seconds_left(const NameReader *reader)
{
    uint64_t passed = (clock_monotonic_ns() - reader->began_ns) / UINT64_C(1000000000);
    uint64_t left = passed < ALL_SECONDS ? ALL_SECONDS - passed : 1;

    return (uint32_t)(left < WALL_SECONDS ? left : WALL_SECONDS);
}

// `missing` is what the note says when the child fails.
static bool run_child(NameReader *reader, const char *missing,
                      void (*write)(void *request, GuardedChild *child), Error *error)
{
    NameRequest request = *reader->request;
    char root[MODULE_ROOT_CHARS];
    GuardedWork work = {
        .run = write,
        .context = &request,
        .root = root,
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = seconds_left(reader),
        .memory_bytes = memory_for_names(),
        .output_bytes = OUTPUT_BYTES,
        .cancel = request.cancel,
    };
    ByteBuffer records = {0};
    GuardedEnd end;
    bool ok;

    module_files_root(request.copy, root);
    ok = guarded_child_run(&work, &records, &end, error) &&
         name_reader_take(reader, &records, error);

    if (ok)
        add_note(&request.details->metadata, missing, end);
    byte_buffer_release(&records);
    return ok;
}

// Is there a function without a name, or with one that hides its type?
static bool has_hidden_names(const SnapshotType *functions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (functions[i].module == UINT32_MAX)
            continue;
        if (functions[i].symbol_count == 0)
            return true;
        for (uint32_t s = 0; s < functions[i].symbol_count; s++)
            if (strstr(functions[i].symbols[s], "GcBox<T>") != NULL)
                return true;
    }
    return false;
}

static bool find_all(NameReader *reader, Error *error)
{
    const SnapshotDetails *details = reader->request->details;

    if (!run_child(reader, "frames are missing", stack_frames_write, error) ||
        !name_reader_index_frames(reader, error) ||
        !run_child(reader, "symbols are missing", symbol_names_write, error))
        return false;
    // In a child of its own, so that its failure does not lose the symbols.
    if ((has_hidden_names(details->types, details->type_count) ||
         has_hidden_names(details->drops, details->drop_count)) &&
        !run_child(reader, "names of types are missing", hidden_names_write, error))
        return false;
    if (!run_child(reader, "fields of types are missing", data_types_write, error) ||
        !run_child(reader, "places in the source are missing", source_places_write, error))
        return false;
    name_reader_finish(reader);
    if (reader->facts != NULL)
        names_reasons_add(reader->request->details, reader->facts);
    return true;
}

bool heap_names_find(const NameRequest *request, CollectionState *collection, Error *error)
{
    NameReader reader = {
        .request = request, .collection = COLLECTION_UNKNOWN, .began_ns = clock_monotonic_ns()};
    bool ok = request->details->module_count == 0 || find_all(&reader, error);

    *collection = reader.collection;
    name_reader_release(&reader);
    return ok;
}
