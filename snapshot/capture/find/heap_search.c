// HeapSearch: see snapshot/capture/find/heap_search.h. Runs the parts in order (listed in
// heap_search_internal.h) and describes the outcome.

#include "snapshot/capture/find/heap_search.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clean_text.h"
#include "base/version.h"
#include "snapshot/capture/find/heap_search_internal.h"
#include "snapshot/capture/names/executable_check.h"
#include "snapshot/capture/names/heap_names.h"

// A large object or malloc chunk with never-touched pages is put together in a buffer. All these
// holes together may have as many bytes as were copied, and this many more.
#define MAX_HOLE_BYTES (UINT64_C(1) << 30)

static void copy_text(char *target, size_t target_bytes, const char *text)
{
    size_t length = strlen(text);

    if (length >= target_bytes)
        length = target_bytes - 1;
    memmove(target, text, length);
    target[length] = '\0';
    text_clean(target, length, TEXT_ONE_LINE);
}

static bool describe_threads(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;
    SnapshotDetails *details = search->details;

    details->threads = calloc((size_t)copy->thread_count + 1, sizeof *details->threads);
    if (details->threads == NULL)
        return error_set_memory(error, copy->thread_count * sizeof *details->threads, "threads");
    details->thread_count = copy->thread_count;
    for (uint32_t i = 0; i < copy->thread_count; i++) {
        SnapshotThread *thread = &details->threads[i];
        thread->tid = copy->threads[i].tid;
        thread->stack_pointer = copy->threads[i].stack_pointer;
        thread->program_counter = copy->threads[i].program_counter;
        thread->control_block = copy->threads[i].control_block;
        copy_text(thread->name, sizeof thread->name, copy->threads[i].name);
    }
    return true;
}

static bool describe_mappings(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;
    SnapshotDetails *details = search->details;

    details->mappings = calloc((size_t)copy->mapping_count + 1, sizeof *details->mappings);
    if (details->mappings == NULL)
        return error_set_memory(error, copy->mapping_count * sizeof *details->mappings,
                                "the memory map");
    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *from = &copy->mappings[i];
        SnapshotMapping *to = &details->mappings[i];
        to->start = from->start;
        to->end = from->end;
        to->file_offset = from->file_offset;
        to->permissions[0] = from->is_readable ? 'r' : '-';
        to->permissions[1] = from->is_writable ? 'w' : '-';
        to->permissions[2] = from->is_executable ? 'x' : '-';
        to->permissions[3] = from->is_private ? 'p' : 's';
        to->name = strdup(from->name);
        if (to->name == NULL)
            return error_set_memory(error, strlen(from->name) + 1, "the name of a mapping");
        text_clean(to->name, strlen(to->name), TEXT_ONE_LINE);
        details->mapping_count++;
    }
    return true;
}

static bool has_foreign_roots(const HeapSearch *search)
{
    for (uint64_t i = 0; i < search->root_count; i++)
        if (search->roots[i].kind == ROOT_FOREIGN)
            return true;
    return false;
}

// A Boehm collector takes no roots from malloc'd memory, whatever was asked for. Memory that a
// procedure of the program may look at is scanned, since it is not known at which words it looks.
static void describe_superset(const HeapSearch *search, SnapshotMetadata *metadata)
{
    metadata->foreign_mode = search->foreign_root_bytes > 0 ? FOREIGN_ROOTS : FOREIGN_NONE;
    metadata->foreign_requested = metadata->foreign_mode;
    metadata->roots_measured = false;
    if (search->foreign_root_bytes > 0)
        (void)snprintf(metadata->foreign_note, sizeof metadata->foreign_note,
                       search->boehm->pushes_own_roots
                           ? "%llu bytes of memory outside of the heap were scanned as roots: a "
                             "superset of the roots that the program pushes by itself"
                           : "%llu bytes of memory outside of the heap, to which the program's own "
                             "mark procedures have access, were scanned as roots: a superset of "
                             "what they mark",
                       (unsigned long long)search->foreign_root_bytes);
}

// How malloc'd memory was treated, and why.
static void describe_foreign(const HeapSearch *search, SnapshotMetadata *metadata)
{
    char *note = metadata->foreign_note;
    size_t bytes = sizeof metadata->foreign_note;

    metadata->foreign_requested = search->options.foreign_mode;
    metadata->foreign_mode = search->options.foreign_mode;
    metadata->foreign_root_bytes = search->foreign_root_bytes;
    metadata->roots_measured = true;
    metadata->outside_bytes = search->outside_bytes;
    note[0] = '\0';
    if (search->boehm != NULL) {
        describe_superset(search, metadata);
        return;
    }
    if (search->foreign_root_bytes == 0)
        return;
    if (search->options.foreign_mode == FOREIGN_ROOTS) {
        (void)snprintf(note, bytes, "all malloc'd memory was scanned as roots, as requested");
    } else if (search->walked_bytes == 0 && has_foreign_roots(search)) {
        if (metadata->foreign_mode == FOREIGN_BLOCKS)
            metadata->foreign_mode = FOREIGN_ROOTS;
        (void)snprintf(note, bytes,
                       "no glibc malloc chunks were found (another allocator?): all anonymous "
                       "memory outside the heap was scanned as roots");
    } else if (search->unwalked_bytes > 0) {
        (void)snprintf(note, bytes,
                       "%llu bytes of malloc's heaps could not be walked; they and other "
                       "anonymous memory were scanned as roots",
                       (unsigned long long)search->unwalked_bytes);
    } else if (has_foreign_roots(search)) {
        // Every process has a little such memory (ld.so's own); it is noted only when something in
        // it refers to the heap.
        (void)snprintf(note, bytes, "anonymous memory that is not malloc's was scanned as roots");
    }
}

// Adds a line to the metadata's list of missing parts.
static __attribute__((format(printf, 2, 3))) void add_missing(SnapshotMetadata *metadata,
                                                              const char *format, ...)
{
    size_t used = strlen(metadata->missing);
    va_list arguments;

    metadata->is_complete = false;
    if (used > 0 && used + 1 < sizeof metadata->missing)
        metadata->missing[used++] = '\n';
    va_start(arguments, format);
    (void)vsnprintf(metadata->missing + used, sizeof metadata->missing - used, format, arguments);
    va_end(arguments);
}

static void describe_completeness(const HeapSearch *search, SnapshotMetadata *metadata)
{
    const ProcessCopy *copy = search->copy;

    if (copy->unreadable_bytes > 0)
        add_missing(metadata, "%llu bytes of private writable memory %s",
                    (unsigned long long)copy->unreadable_bytes,
                    copy->is_core ? "are not in the core file" : "could not be read");
    if (search->left_out_bytes > 0)
        add_missing(metadata,
                    "large objects of %llu bytes were left out: nearly all of it was never touched",
                    (unsigned long long)search->left_out_bytes);
    if (copy->registers_note[0] != '\0')
        add_missing(metadata, "%s", copy->registers_note);
    if (search->boehm != NULL && search->boehm->is_collecting)
        add_missing(metadata, "which objects are dead: the process was captured inside a "
                              "collection, and they count as garbage or reachable");
    if (copy->certificate.moment == MOMENT_NONE)
        add_missing(metadata, "a single moment: %s", copy->certificate.sharing_note);
}

// Losses beyond this number are listed as one.
#define MAX_LISTED_LOSSES 1000u

static bool list_losses(HeapSearch *search, Error *error)
{
    const ProcessCopy *copy = search->copy;
    SnapshotDetails *details = search->details;
    uint64_t other_bytes = copy->unreadable_bytes, other_page_bytes = 0;

    for (uint64_t i = 0; i < copy->lost_count && i < MAX_LISTED_LOSSES; i++) {
        other_bytes -= copy->lost[i].bytes;
        if (!snapshot_details_add_loss(details, LOSS_MEMORY, copy->lost[i].address,
                                       copy->lost[i].bytes, "it is not in the core file", error))
            return false;
    }
    if (other_bytes > 0 && !snapshot_details_add_loss(details, LOSS_MEMORY, 0, other_bytes,
                                                      "it could not be read", error))
        return false;
    for (uint64_t i = 0; i < search->left_out.count; i++) {
        const Region *region = &search->left_out.items[i];

        if (i >= MAX_LISTED_LOSSES)
            other_page_bytes += region->end - region->start;
        else if (!snapshot_details_add_loss(details, LOSS_PAGES, region->start,
                                            region->end - region->start,
                                            "nearly all of it was never touched", error))
            return false;
    }
    return (other_page_bytes == 0 ||
            snapshot_details_add_loss(details, LOSS_PAGES, 0, other_page_bytes,
                                      "nearly all of it was never touched", error)) &&
           (copy->registers_note[0] == '\0' ||
            snapshot_details_add_loss(details, LOSS_ROOTS, 0, 0, copy->registers_note, error)) &&
           (copy->certificate.moment != MOMENT_NONE ||
            snapshot_details_add_loss(details, LOSS_ROOTS, 0, 0,
                                      "it shows no single moment: another process that shares the "
                                      "memory ran on",
                                      error));
}

static void describe_process(HeapSearch *search)
{
    static const char *const kind_names[] = {"auto", "rudo-gc", "bdwgc"};
    const ProcessCopy *copy = search->copy;
    SnapshotDetails *details = search->details;
    SnapshotMetadata *metadata = &details->metadata;

    copy_text(metadata->tool_version, sizeof metadata->tool_version, RUDO_SNAP_VERSION);
    copy_text(metadata->executable, sizeof metadata->executable, copy->executable);
    copy_text(metadata->method, sizeof metadata->method, copy->method);
    metadata->pid = (uint32_t)copy->pid;
    metadata->captured_at_ns = copy->captured_at_ns;
    metadata->pause_ns = copy->pause_ns;
    metadata->certificate = copy->certificate;
    metadata->certificate.collection = search->collection;
    metadata->keeps_free_slots = search->options.keeps_free_slots;
    copy_text(metadata->heap_requested, sizeof metadata->heap_requested,
              kind_names[search->options.heap_kind]);
    metadata->wait_collection_ns = search->options.wait_collection_ns;
    metadata->resident_bytes = copy->copied_bytes;
    metadata->rejected_pages = search->counts.rejected_pages;
    copy_text(metadata->rejected_note, sizeof metadata->rejected_note,
              search->counts.rejected_note);
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(details->modules[i].name, metadata->executable) == 0) {
            copy_text(metadata->build_id, sizeof metadata->build_id, details->modules[i].build_id);
            break;
        }
}

static bool find_names(HeapSearch *search, Error *error)
{
    const NameRequest request = {
        .copy = search->copy,
        .modules = search->modules,
        .roots = search->roots,
        .root_count = search->root_count,
        .cancel = search->options.cancel,
        .details = search->details,
    };

    return heap_names_find(&request, &search->collection, error);
}

// The heap of rudo-gc or of a layout, or else of a Boehm collector.
static bool find_heap(HeapSearch *search, Error *error)
{
    HeapKind kind = search->options.heap_kind;
    Error other;

    if (kind != HEAP_BOEHM && heap_search_choose_layout(search, error) &&
        heap_search_find_pages(search, error))
        return true;
    if (kind == HEAP_RUDO_GC || search->options.layout != NULL ||
        (kind == HEAP_AUTO && error->code != ERROR_NO_HEAP))
        return false;
    if (!heap_search_find_boehm(search, &other)) {
        *error = other;
        return false;
    }
    if (search->boehm != NULL)
        return true;
    if (kind == HEAP_AUTO)
        return error_add_hint(error, "it has no heap of the Boehm collector, either");
    return error_set(error, ERROR_NO_HEAP, "'%s' (pid %d) has no heap of the Boehm collector",
                     search->copy->executable, search->copy->pid);
}

// malloc'd memory is none of a Boehm collector's.
static bool find_boehm_rest(HeapSearch *search, Error *error)
{
    return heap_search_find_stacks(search, error) && heap_search_find_roots(search, error) &&
           heap_search_find_boehm_types(search, error) && describe_threads(search, error) &&
           find_names(search, error);
}

static bool find_all(HeapSearch *search, Error *error)
{
    const Cancel *cancel = &search->options.cancel;

    if (!heap_search_find_modules(search, error) ||
        !executable_check(search->copy, search->modules, search->details->module_count,
                          &search->options.cancel, error) ||
        !find_heap(search, error))
        return false;
    if (search->boehm != NULL)
        return find_boehm_rest(search, error);
    return heap_search_find_stacks(search, error) && cancel_check(cancel, error) &&
           heap_search_find_malloc(search, error) && cancel_check(cancel, error) &&
           heap_search_find_blocks(search, error) && cancel_check(cancel, error) &&
           heap_search_find_roots(search, error) && heap_search_prove_layout(search, error) &&
           heap_search_find_sized_blocks(search, error) && heap_search_find_types(search, error) &&
           describe_threads(search, error) && find_names(search, error);
}

// Fills the details, of which find_all() has found modules, types and names.
static bool describe_all(HeapSearch *search, Error *error)
{
    if (!describe_mappings(search, error) || !list_losses(search, error))
        return false;
    describe_process(search);
    heap_search_make_account(search);
    describe_foreign(search, &search->details->metadata);
    heap_search_describe_shared(search, &search->details->metadata);
    describe_completeness(search, &search->details->metadata);
    return true;
}

bool heap_search_begin(const ProcessCopy *copy, const HeapSearchOptions *options, HeapSearch **out,
                       Error *error)
{
    HeapSearch *search = calloc(1, sizeof *search);

    *out = NULL;
    if (search == NULL || (search->details = snapshot_details_new()) == NULL) {
        free(search);
        return error_set_memory(error, sizeof *search, "the search for the heap");
    }
    search->copy = copy;
    search->details->machine = copy->machine;
    search->options = *options;
    search->assembly.holes_left = MAX_HOLE_BYTES + copy->copied_bytes;
    *out = search;
    return true;
}

bool heap_search_new(const ProcessCopy *copy, const HeapSearchOptions *options, HeapSearch **out,
                     HeapSearchCounts *counts, Error *error)
{
    HeapSearch *search;
    bool ok;

    *out = NULL;
    *counts = (HeapSearchCounts){0};
    if (!heap_search_begin(copy, options, &search, error))
        return false;
    ok = find_all(search, error) && describe_all(search, error);
    *counts = search->counts;
    if (!ok) {
        heap_search_free(search);
        return false;
    }
    search->contents = (SnapshotContents){
        .layout = search->layout,
        .run_count = search->run_count,
        .runs = search->runs,
        .pages = &search->records,
        .root_count = search->root_count,
        .roots = search->roots,
        .block_count = search->block_count,
        .blocks = search->blocks,
        .details = search->details,
    };
    *out = search;
    return true;
}

void heap_search_free(HeapSearch *search)
{
    if (search == NULL)
        return;
    RegionList *const lists[] = {
        &search->pages,         &search->left_out,   &search->stacks,
        &search->dead_stacks,   &search->tls,        &search->metadata,
        &search->stray_stacks,  &search->odd_chunks, &search->globals,
        &search->malloc_spans,  &search->tls_tails,  &search->guessed_globals,
        &search->likely_stacks, &search->rest,       &search->map,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        region_list_release(lists[i]);
    address_index_release(&search->index);
    memory_assembly_release(&search->assembly);
    snapshot_details_free(search->details);
    page_records_release(&search->records);
    boehm_heap_free(search->boehm);
    free(search->boehm_headers);
    if (search->normal != NULL)
        (void)munmap(search->normal, search->normal_bytes + 1);
    free(search->type_words.words);
    free(search->drop_words.words);
    free(search->runs);
    free(search->strays);
    free(search->modules);
    free(search->chunks.items);
    free(search->chunk_notes);
    free(search->chunk_edges);
    free(search->roots);
    free(search->blocks);
    free(search);
}

bool heap_search_is_collecting(const HeapSearch *search)
{
    return search->boehm != NULL && search->boehm->is_collecting;
}

const SnapshotContents *heap_search_contents(const HeapSearch *search)
{
    return &search->contents;
}
