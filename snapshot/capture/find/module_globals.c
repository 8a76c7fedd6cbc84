// Mapped files: modules with their load bases and build-ids, and the memory that holds their
// global variables.
//
// .data and .bss are the writable PT_LOAD segments, in full length: the kernel merges the
// anonymous end of a .bss with the memory behind it, so mappings alone do not show its end. The
// program headers are read from the file, in a child process (module_headers.h); where it cannot be
// read, the end is guessed from the mappings.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean_text.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/find/heap_search_internal.h"
#include "snapshot/capture/names/module_headers.h"
#include "snapshot/capture/names/names_reasons.h"

// Do two mappings belong to one loading of one file? A second loading begins again at the
// file's start.
static bool continues_module(const ProcessMapping *previous, const ProcessMapping *mapping)
{
    return mapping->inode == previous->inode && strcmp(mapping->name, previous->name) == 0 &&
           mapping->file_offset >= previous->file_offset && mapping->file_offset != 0;
}

// The bias between virtual addresses of the file and addresses in the process.
static uint64_t load_base(const ProcessMapping *first, const ElfSegment *segments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (round_down(segments[i].file_offset, PAGE_BYTES) == first->file_offset)
            return first->start - round_down(segments[i].address, PAGE_BYTES);
    return first->start - first->file_offset;
}

static bool claim_segments(HeapSearch *search, uint64_t base, const ElfSegment *segments,
                           uint32_t count, Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = base + round_down(segments[i].address, PAGE_BYTES);
        uint64_t end = base + round_up(segments[i].address + segments[i].memory_bytes, PAGE_BYTES);
        // Only mapped memory is read. A file that lies can claim no more than words that would be
        // roots anyway, but it must not claim all memory.
        if (segments[i].is_writable && segments[i].memory_bytes < UINT32_MAX &&
            !region_list_add(&search->globals, start, end, REGION_GLOBAL, NO_INDEX, error))
            return false;
    }
    return true;
}

// NULL when memory is short.
static char *file_name(const char *path)
{
    size_t length;
    const char *name = proc_file_name(path, &length);

    return strndup(name, length);
}

static bool add_module(HeapSearch *search, uint32_t first, uint32_t last, Error *error)
{
    const ProcessMapping *mappings = search->copy->mappings;
    SnapshotDetails *details = search->details;
    uint64_t capacity = search->module_capacity;
    SnapshotModule *module;

    if (!array_reserve(&search->modules, &search->module_capacity, details->module_count + 1,
                       sizeof *search->modules, "modules", error) ||
        !array_reserve(&details->modules, &capacity, details->module_count + 1,
                       sizeof *details->modules, "modules", error))
        return false;
    search->modules[details->module_count] = (MappedModule){first, last};
    module = &details->modules[details->module_count++];
    *module = (SnapshotModule){
        .name = file_name(mappings[first].name),
        .base = load_base(&mappings[first], NULL, 0),
        .end = mappings[last].end,
    };
    if (module->name == NULL)
        return error_set_memory(error, strlen(mappings[first].name) + 1, "a module name");
    text_clean(module->name, strlen(module->name), TEXT_ONE_LINE);
    return true;
}

typedef struct HeadersTaking {
    HeapSearch *search;
    bool *has_headers; // of each module: its program headers could be read
} HeadersTaking;

// Called with the headers of each module that could be read.
static bool take_headers(void *context, uint32_t index, const ModuleHeaders *headers, Error *error)
{
    const HeadersTaking *taking = context;
    HeapSearch *search = taking->search;
    SnapshotModule *module = &search->details->modules[index];
    const ProcessMapping *first = &search->copy->mappings[search->modules[index].first_mapping];

    // Each module has them once, unless the child went wrong.
    if (module->build_id != NULL)
        return true;
    module->build_id = strdup(headers->build_id);
    if (module->build_id == NULL)
        return error_set_memory(error, sizeof headers->build_id, "a build-id");
    module->base = load_base(first, headers->segments, headers->segment_count);
    taking->has_headers[index] = headers->segment_count > 0;
    return claim_segments(search, module->base, headers->segments, headers->segment_count, error);
}

// Takes the anonymous mapping right behind a module's writable data for its .bss.
static bool claim_guessed_bss(HeapSearch *search, uint32_t last, Error *error)
{
    const ProcessCopy *copy = search->copy;
    const ProcessMapping *data = &copy->mappings[last];
    const ProcessMapping *behind = data + 1;

    if (last + 1 >= copy->mapping_count || !mapping_is_private_writable(data) ||
        behind->start != data->end || behind->name[0] != '\0' ||
        !mapping_is_private_writable(behind))
        return true;
    return region_list_add(&search->guessed_globals, behind->start, behind->end, REGION_GLOBAL,
                           NO_INDEX, error);
}

// Always true.
static bool note_end(SnapshotMetadata *metadata, GuardedEnd end)
{
    char line[160];

    (void)snprintf(line, sizeof line, "build-ids are missing: %s", guarded_end_text(end));
    if (end != GUARDED_DONE)
        names_reasons_add_line(metadata, line);
    return true;
}

// Reads the headers of all modules, and guesses where there are none.
static bool finish_modules(HeapSearch *search, Error *error)
{
    SnapshotDetails *details = search->details;
    HeadersTaking taking = {search, calloc((size_t)details->module_count + 1, sizeof(bool))};
    GuardedEnd end;
    bool ok;

    if (taking.has_headers == NULL)
        return error_set_memory(error, details->module_count, "modules");
    ok = details->module_count == 0 ||
         (module_headers_visit(search->copy, search->modules, details->module_count,
                               &search->options.cancel, take_headers, &taking, &end, error) &&
          note_end(&details->metadata, end));
    for (uint32_t i = 0; ok && i < details->module_count; i++) {
        SnapshotModule *module = &details->modules[i];

        if (module->build_id == NULL && (module->build_id = strdup("")) == NULL)
            ok = error_set_memory(error, 1, "a build-id");
        else if (!taking.has_headers[i])
            ok = claim_guessed_bss(search, search->modules[i].last_mapping, error);
    }
    free(taking.has_headers);
    return ok;
}

bool heap_search_find_modules(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;
    uint32_t first = NO_INDEX, last = 0;
    bool has_code = false;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        if (!mapping_is_file(mapping))
            continue;
        if (mapping_is_private_writable(mapping) &&
            !region_list_add(&search->globals, mapping->start, mapping->end, REGION_GLOBAL,
                             NO_INDEX, error))
            return false;
        if (first != NO_INDEX && !continues_module(&copy->mappings[last], mapping)) {
            // A mapped file without code is data, not a module.
            if (has_code && !add_module(search, first, last, error))
                return false;
            first = NO_INDEX;
        }
        if (first == NO_INDEX) {
            first = i;
            has_code = false;
        }
        last = i;
        has_code = has_code || mapping->is_executable;
    }
    return (first == NO_INDEX || !has_code || add_module(search, first, last, error)) &&
           finish_modules(search, error);
}
