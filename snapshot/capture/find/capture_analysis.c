// CaptureAnalysis: see snapshot/capture/find/capture_analysis.h. Runs the parts in order (listed in
// snapshot/capture/find/capture_search.h) and describes the outcome.

#include "snapshot/capture/find/capture_analysis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/find/capture_search.h"
#include "base/clean_text.h"
#include "base/version.h"

bool capture_check_cancelled(const CaptureAnalysis *analysis, Error *error)
{
    return cancel_check(&analysis->options.write.cancel, error);
}

static void copy_text(char *target, size_t target_bytes, const char *text)
{
    size_t length = strlen(text);

    if (length >= target_bytes)
        length = target_bytes - 1;
    memmove(target, text, length);
    target[length] = '\0';
    text_clean(target, length, TEXT_ONE_LINE);
}

static bool describe_threads(CaptureAnalysis *analysis, Error *error)
{
    const ProcessCopy *copy = analysis->copy;
    SnapshotDetails *details = analysis->details;

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

static bool describe_mappings(CaptureAnalysis *analysis, Error *error)
{
    const ProcessCopy *copy = analysis->copy;
    SnapshotDetails *details = analysis->details;

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

static bool has_foreign_roots(const CaptureAnalysis *analysis)
{
    for (uint64_t i = 0; i < analysis->root_count; i++)
        if (analysis->roots[i].kind == ROOT_FOREIGN)
            return true;
    return false;
}

// What was done with malloc'd memory, and why.
static void describe_foreign(const CaptureAnalysis *analysis, SnapshotMetadata *metadata)
{
    char *note = metadata->foreign_note;
    size_t bytes = sizeof metadata->foreign_note;

    metadata->foreign_requested = analysis->options.foreign_mode;
    metadata->foreign_mode = analysis->options.foreign_mode;
    metadata->foreign_root_bytes = analysis->foreign_root_bytes;
    note[0] = '\0';
    if (analysis->foreign_root_bytes == 0)
        return;
    if (analysis->options.foreign_mode == FOREIGN_ROOTS) {
        (void)snprintf(note, bytes, "all malloc'd memory was scanned as roots, as asked for");
    } else if (analysis->walked_bytes == 0 && has_foreign_roots(analysis)) {
        if (metadata->foreign_mode == FOREIGN_BLOCKS)
            metadata->foreign_mode = FOREIGN_ROOTS;
        (void)snprintf(note, bytes,
                       "no glibc malloc chunks were found (another allocator?): all anonymous "
                       "memory outside the heap was scanned as roots");
    } else if (analysis->unwalked_bytes > 0) {
        (void)snprintf(note, bytes,
                       "%llu bytes of malloc's heaps could not be walked; they and other "
                       "anonymous memory were scanned as roots",
                       (unsigned long long)analysis->unwalked_bytes);
    } else if (has_foreign_roots(analysis)) {
        // Every process has a little such memory (ld.so's own); it is worth a word only when
        // something in it refers to the heap.
        (void)snprintf(note, bytes, "anonymous memory that is not malloc's was scanned as roots");
    }
}

static void describe_completeness(const CaptureAnalysis *analysis, SnapshotMetadata *metadata)
{
    const char *what = analysis->copy->is_core ? "are not in the core file" : "could not be read";
    size_t used = 0;

    if (analysis->copy->unreadable_bytes > 0) {
        metadata->is_complete = false;
        used = (size_t)snprintf(metadata->missing, sizeof metadata->missing,
                                "%llu bytes of private writable memory %s",
                                (unsigned long long)analysis->copy->unreadable_bytes, what);
    }
    if (analysis->left_out_bytes > 0 && used < sizeof metadata->missing) {
        metadata->is_complete = false;
        (void)snprintf(metadata->missing + used, sizeof metadata->missing - used,
                       "%slarge objects of %llu bytes were left out: nearly all of it was never "
                       "touched",
                       used > 0 ? "\n" : "", (unsigned long long)analysis->left_out_bytes);
    }
}

// More than so many are told as one.
#define MAX_TOLD_LOSSES 1000u

static bool list_losses(CaptureAnalysis *analysis, Error *error)
{
    const ProcessCopy *copy = analysis->copy;
    SnapshotDetails *details = analysis->details;
    uint64_t untold = copy->unreadable_bytes, untold_pages = 0;

    for (uint64_t i = 0; i < copy->lost_count && i < MAX_TOLD_LOSSES; i++) {
        untold -= copy->lost[i].bytes;
        if (!snapshot_details_add_loss(details, LOSS_MEMORY, copy->lost[i].address,
                                       copy->lost[i].bytes, "it is not in the core file", error))
            return false;
    }
    if (untold > 0 &&
        !snapshot_details_add_loss(details, LOSS_MEMORY, 0, untold, "it could not be read", error))
        return false;
    for (uint64_t i = 0; i < analysis->left_out.count; i++) {
        const Region *region = &analysis->left_out.items[i];

        if (i >= MAX_TOLD_LOSSES)
            untold_pages += region->end - region->start;
        else if (!snapshot_details_add_loss(details, LOSS_PAGES, region->start,
                                            region->end - region->start,
                                            "there was no memory to put it together", error))
            return false;
    }
    return untold_pages == 0 ||
           snapshot_details_add_loss(details, LOSS_PAGES, 0, untold_pages,
                                     "there was no memory to put it together", error);
}

static void describe_process(CaptureAnalysis *analysis)
{
    const ProcessCopy *copy = analysis->copy;
    SnapshotDetails *details = analysis->details;
    SnapshotMetadata *metadata = &details->metadata;

    copy_text(metadata->tool_version, sizeof metadata->tool_version, RUDO_SNAP_VERSION);
    copy_text(metadata->executable, sizeof metadata->executable, copy->executable);
    copy_text(metadata->method, sizeof metadata->method, copy->method);
    metadata->pid = (uint32_t)copy->pid;
    metadata->captured_at_ns = copy->captured_at_ns;
    metadata->pause_ns = copy->pause_ns;
    metadata->certificate = copy->certificate;
    metadata->certificate.collection = analysis->collection;
    metadata->keeps_free_slots = analysis->options.write.keeps_free_slots;
    metadata->resident_bytes = copy->copied_bytes;
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(details->modules[i].name, metadata->executable) == 0) {
            copy_text(metadata->build_id, sizeof metadata->build_id, details->modules[i].build_id);
            break;
        }
}

static bool run(CaptureAnalysis *analysis, CaptureSummary *summary, Error *error)
{
    return capture_find_pages(analysis, summary, error) && capture_find_modules(analysis, error) &&
           capture_find_stacks(analysis, error) && capture_check_cancelled(analysis, error) &&
           capture_find_malloc(analysis, error) && capture_check_cancelled(analysis, error) &&
           capture_find_blocks(analysis, error) && capture_check_cancelled(analysis, error) &&
           capture_find_roots(analysis, error) && capture_find_types(analysis, error) &&
           describe_threads(analysis, error) && capture_find_names(analysis, error) &&
           describe_mappings(analysis, error);
}

static void fill_summary(const CaptureAnalysis *analysis, CaptureSummary *summary)
{
    const ProcessCopy *copy = analysis->copy;
    const SnapshotMetadata *metadata = &analysis->details->metadata;

    copy_text(summary->executable, sizeof summary->executable, metadata->executable);
    copy_text(summary->foreign_note, sizeof summary->foreign_note, metadata->foreign_note);
    memcpy(summary->names_note, metadata->names_note, sizeof summary->names_note);
    summary->pid = metadata->pid;
    summary->thread_count = copy->thread_count;
    summary->resident_bytes = copy->copied_bytes;
    summary->pause_ns = copy->pause_ns;
    summary->foreign_mode = metadata->foreign_mode;
}

bool capture_analysis_new(const ProcessCopy *copy, const CaptureOptions *options,
                          CaptureAnalysis **out, CaptureSummary *summary, Error *error)
{
    CaptureAnalysis *analysis = calloc(1, sizeof *analysis);

    *out = NULL;
    summary->looked_at_pages = summary->page_count = 0;
    summary->object_count = summary->rejected_pages = 0;
    if (analysis == NULL || (analysis->details = snapshot_details_new()) == NULL) {
        free(analysis);
        return error_set_memory(error, sizeof *analysis, "the analysis");
    }
    analysis->copy = copy;
    analysis->options = *options;
    analysis->layout = options->layout != NULL ? *options->layout : *heap_layout_rudo_gc_0_8();
    analysis->assembly.holes_left = MAX_HOLE_BYTES + copy->copied_bytes;
    if (!run(analysis, summary, error)) {
        capture_analysis_free(analysis);
        return false;
    }
    describe_process(analysis);
    describe_foreign(analysis, &analysis->details->metadata);
    describe_completeness(analysis, &analysis->details->metadata);
    if (!list_losses(analysis, error)) {
        capture_analysis_free(analysis);
        return false;
    }
    fill_summary(analysis, summary);
    analysis->contents = (SnapshotContents){
        .layout = analysis->layout,
        .run_count = analysis->run_count,
        .runs = analysis->runs,
        .pages = &analysis->records,
        .root_count = analysis->root_count,
        .roots = analysis->roots,
        .block_count = analysis->block_count,
        .blocks = analysis->blocks,
        .details = analysis->details,
    };
    *out = analysis;
    return true;
}

void capture_analysis_free(CaptureAnalysis *analysis)
{
    if (analysis == NULL)
        return;
    RegionList *const lists[] = {
        &analysis->pages,         &analysis->left_out,   &analysis->stacks,
        &analysis->dead_stacks,   &analysis->tls,        &analysis->metadata,
        &analysis->stray_stacks,  &analysis->odd_chunks, &analysis->globals,
        &analysis->malloc_spans,  &analysis->tls_tails,  &analysis->guessed_globals,
        &analysis->likely_stacks, &analysis->rest,       &analysis->map,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        region_list_release(lists[i]);
    memory_assembly_release(&analysis->assembly);
    snapshot_details_free(analysis->details);
    page_records_release(&analysis->records);
    free(analysis->type_words.words);
    free(analysis->drop_words.words);
    free(analysis->runs);
    free(analysis->strays);
    free(analysis->modules);
    free(analysis->chunks.items);
    free(analysis->roots);
    free(analysis->code_places);
    free(analysis->blocks);
    free(analysis);
}

const SnapshotContents *capture_analysis_contents(const CaptureAnalysis *analysis)
{
    return &analysis->contents;
}
