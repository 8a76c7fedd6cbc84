// The places in the source of the code in frames: which functions were inlined there, with file and
// line. First the child's side, then the parent's.

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/debug/dwarf_places.h"
#include "snapshot/capture/names/name_records_internal.h"
#include "snapshot/capture/names/rust_symbol.h"
#include "snapshot/file/sections/snapshot_format.h"

// ---- in the child ----

typedef struct PlaceWriter {
    uint64_t base; // of the module
    ByteBuffer buffer;
    GuardedChild *child;
} PlaceWriter;

static void write_places(void *context, uint64_t address, const DwarfPlace *places, uint32_t count)
{
    PlaceWriter *writer = context;

    name_record_begin(&writer->buffer, PLACES_OF_CODE);
    byte_buffer_add_u64(&writer->buffer, writer->base + address);
    for (uint32_t i = 0; i < count; i++) {
        char *name =
            places[i].linkage_name[0] != '\0' ? rust_symbol_demangle(places[i].linkage_name) : NULL;

        byte_buffer_add_u32(&writer->buffer, places[i].line);
        name_record_add_string(&writer->buffer, name != NULL ? name : places[i].name);
        name_record_add_string(&writer->buffer, places[i].file);
        free(name);
    }
    (void)name_record_end(&writer->buffer, writer->child);
}

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

// The code addresses of frames in the module, ascending, each once, as the file says them. Returns
// their number.
static uint32_t list_code(const NameRequest *request, uint32_t module, uint64_t *addresses)
{
    const SnapshotDetails *details = request->details;
    const SnapshotModule *where = &details->modules[module];
    uint64_t start = request->copy->mappings[request->modules[module].first_mapping].start;
    uint32_t count = 0, kept = 0;

    for (uint32_t i = 0; i < details->stack_count; i++)
        for (uint32_t f = 0; f < details->stacks[i].frame_count; f++) {
            uint64_t address = frame_code_address(&details->stacks[i].frames[f]);
            if (address >= start && address < where->end)
                addresses[count++] = address - where->base;
        }
    if (count == 0)
        return 0;
    qsort(addresses, count, sizeof *addresses, compare_words);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || addresses[kept - 1] != addresses[i])
            addresses[kept++] = addresses[i];
    return kept;
}

static void write_module(const NameRequest *request, uint32_t module, const uint64_t *addresses,
                         uint32_t count, GuardedChild *child)
{
    ModuleFiles files = module_files_open(request->copy, &request->modules[module]);
    PlaceWriter writer = {.base = request->details->modules[module].base, .child = child};
    DwarfFile *dwarf;

    if (files.own == NULL)
        return;
    dwarf = dwarf_file_open(module_files_with_debug_info(&files), files.package);
    if (dwarf != NULL)
        dwarf_places_visit(dwarf, addresses, count, write_places, &writer);
    dwarf_file_close(dwarf);
    byte_buffer_release(&writer.buffer);
    module_files_close(&files);
}

void source_places_write(void *context, GuardedChild *child)
{
    const NameRequest *request = context;
    const SnapshotDetails *details = request->details;
    uint64_t total = 0, *addresses;

    for (uint32_t i = 0; i < details->stack_count; i++)
        total += details->stacks[i].frame_count;
    addresses = calloc(total + 1, sizeof *addresses);
    for (uint32_t module = 0; addresses != NULL && module < details->module_count; module++) {
        uint32_t count = list_code(request, module, addresses);

        if (count > 0)
            write_module(request, module, addresses, count, child);
    }
    free(addresses);
}

// ---- in the parent ----

// Takes the places of one address for one frame.
static bool take_for_frame(NameReader *reader, ByteCursor cursor, const CodePlace *frame,
                           Error *error)
{
    SnapshotDetails *details = reader->request->details;
    uint64_t capacity = reader->place_capacity;

    for (uint32_t level = 0; byte_cursor_left(&cursor) > 0 && level < MAX_INLINED; level++) {
        SnapshotPlace place = {.thread = frame->thread, .frame = frame->number, .level = level};

        if (details->place_count == MAX_PLACES)
            return true;
        place.line = byte_cursor_u32(&cursor);
        if (!name_record_take_text(&cursor, &place.function, error))
            return false;
        if (!name_record_take_text(&cursor, &place.file, error) ||
            !array_reserve(&details->places, &capacity, details->place_count + UINT64_C(1),
                           sizeof *details->places, "places in the source", error)) {
            free(place.function);
            free(place.file);
            return false;
        }
        reader->place_capacity = capacity;
        details->places[details->place_count++] = place;
        if (cursor.is_short)
            return true;
    }
    return true;
}

bool source_places_take(NameReader *reader, ByteCursor *cursor, Error *error)
{
    uint64_t address = byte_cursor_u64(cursor);
    uint64_t i = search_from(reader->code_places, reader->frame_count, address, address);

    if (cursor->is_short)
        return true;
    for (; i < reader->frame_count && reader->code_places[i].address == address; i++)
        if (!take_for_frame(reader, *cursor, &reader->code_places[i], error))
            return false;
    return true;
}

static int compare_places(const void *left, const void *right)
{
    const SnapshotPlace *a = left, *b = right;

    if (a->thread != b->thread)
        return a->thread < b->thread ? -1 : 1;
    if (a->frame != b->frame)
        return a->frame < b->frame ? -1 : 1;
    return (a->level > b->level) - (a->level < b->level);
}

void source_places_sort(SnapshotDetails *details)
{
    uint32_t kept = 0;

    if (details->place_count == 0)
        return;
    qsort(details->places, details->place_count, sizeof *details->places, compare_places);
    // Two units may describe the same code: the first of each level is kept.
    for (uint32_t i = 0; i < details->place_count; i++) {
        if (kept > 0 && compare_places(&details->places[kept - 1], &details->places[i]) == 0) {
            free(details->places[i].function);
            free(details->places[i].file);
        } else {
            details->places[kept++] = details->places[i];
        }
    }
    details->place_count = kept;
}
