// Finding GC pages and root words in processes that are made to mislead.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/capture/find/capture_analysis.h"
#include "tests/support/made_process.h"

#define HEAP UINT64_C(0x7f0000000000)
#define STACK UINT64_C(0x7ffe00000000)
#define DATA UINT64_C(0x560000000000)
#define MAGIC UINT64_C(0x52554447)

static CaptureSummary summary;

static CaptureAnalysis *analyse(MadeProcess *process, ForeignMode mode)
{
    CaptureOptions options = {.foreign_mode = mode};
    CaptureAnalysis *analysis = NULL;
    Error error = {0};

    memset(&summary, 0, sizeof summary);
    cr_assert(
        capture_analysis_new(made_process_copy(process), &options, &analysis, &summary, &error),
        "%s", error.message);
    return analysis;
}

static uint64_t roots_of_kind(const CaptureAnalysis *analysis, RootKind kind)
{
    const SnapshotContents *contents = capture_analysis_contents(analysis);
    uint64_t count = 0;

    for (uint64_t i = 0; i < contents->root_count; i++)
        count += contents->roots[i].kind == (uint8_t)kind;
    return count;
}

static bool has_root(const CaptureAnalysis *analysis, RootKind kind, uint64_t address)
{
    const SnapshotContents *contents = capture_analysis_contents(analysis);

    for (uint64_t i = 0; i < contents->root_count; i++)
        if (contents->roots[i].kind == (uint8_t)kind && contents->roots[i].address == address)
            return true;
    return false;
}

// A main thread with a stack of 4 pages, SP in the third.
static MadeProcess *process_with_stack(void)
{
    MadeProcess *process = made_process_new();

    made_process_map(process, STACK, 0x4000, "rw-p", "[stack]");
    (void)made_process_thread(process, STACK + 0x2800, 0);
    return process;
}

Test(capture_pages, a_process_without_a_valid_page_is_not_ours)
{
    MadeProcess *process = process_with_stack();
    CaptureOptions options = {0};
    CaptureAnalysis *analysis = NULL;
    Error error = {0};

    made_process_map(process, HEAP, 0x4000, "rw-p", "");
    made_process_set(process, HEAP, MAGIC);
    made_process_set(process, HEAP + 0x1000, 1);
    cr_expect_not(
        capture_analysis_new(made_process_copy(process), &options, &analysis, &summary, &error));
    cr_expect_eq(error.code, ERROR_NO_HEAP);
    cr_expect_not_null(strstr(error.message, "looked at 2 pages"), "%s", error.message);
    cr_expect_null(analysis);
    cr_expect_eq(summary.rejected_pages, 1u);
    made_process_free(process);
}

Test(capture_pages, headers_count_everywhere_in_private_writable_memory_and_nowhere_else)
{
    MadeProcess *process = process_with_stack();
    CaptureAnalysis *analysis;

    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_map(process, HEAP + 0x10000, 0x1000, "rw-s", "");
    made_process_map(process, HEAP + 0x20000, 0x1000, "r--p", "");
    made_process_map(process, HEAP + 0x30000, 0x1000, "rw-p", "/tmp/file");
    made_process_page(process, HEAP, 64, 1);
    made_process_page(process, HEAP + 0x10000, 64, 1);
    made_process_page(process, HEAP + 0x20000, 64, 1);
    made_process_page(process, HEAP + 0x30000, 64, 1);
    made_process_page(process, STACK, 64, 1);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(summary.page_count, 3u);
    cr_expect_eq(summary.object_count, 3u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_pages, the_tail_of_a_large_object_is_skipped_whatever_it_holds)
{
    MadeProcess *process = process_with_stack();
    const SnapshotContents *contents;
    CaptureAnalysis *analysis;

    made_process_map(process, HEAP, 0x5000, "rw-p", "");
    for (int i = 1; i < 4; i++)
        made_process_page(process, HEAP + (uint64_t)i * 0x1000, 64, 1);
    made_process_large_object(process, HEAP, 4 * 4096 - 1584);
    made_process_page(process, HEAP + 0x4000, 128, 3);
    analysis = analyse(process, FOREIGN_BLOCKS);
    contents = capture_analysis_contents(analysis);
    cr_expect_eq(summary.page_count, 2u);
    cr_expect_eq(summary.object_count, 3u);
    cr_expect_eq(summary.rejected_pages, 0u);
    cr_expect_eq(contents->run_count, 1u);
    cr_expect_eq(contents->runs[0].page_count, 5u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_pages, a_large_object_must_end_inside_its_mapping)
{
    MadeProcess *process = process_with_stack();
    CaptureAnalysis *analysis;

    made_process_map(process, HEAP, 0x3000, "rw-p", "");
    made_process_large_object(process, HEAP, 4 * 4096 - 1584);
    made_process_page(process, HEAP + 0x1000, 64, 1);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(summary.page_count, 1u);
    cr_expect_eq(summary.rejected_pages, 1u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_pages, what_was_never_touched_of_a_large_object_is_zero)
{
    MadeProcess *process = process_with_stack();
    const SnapshotContents *contents;
    CaptureAnalysis *analysis;

    made_process_map(process, HEAP, 0x4000, "rw-p", "");
    made_process_large_object(process, HEAP, 4 * 4096 - 1584);
    made_process_set(process, HEAP + 0x3008, 77);
    analysis = analyse(process, FOREIGN_BLOCKS);
    contents = capture_analysis_contents(analysis);
    cr_assert_eq(contents->run_count, 1u);
    cr_assert_eq(contents->runs[0].page_count, 4u);
    cr_expect_eq(load_u64(contents->runs[0].bytes + 0x3008), 77u);
    for (size_t i = 0x1000; i < 0x3000; i += 8)
        cr_expect_eq(load_u64(contents->runs[0].bytes + i), 0u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_pages, endless_large_objects_of_untouched_memory_are_left_out_and_told)
{
    MadeProcess *process = process_with_stack();
    const uint64_t each = UINT64_C(3) << 30;
    const SnapshotContents *contents;
    CaptureAnalysis *analysis;

    made_process_map(process, HEAP, 3 * each, "rw-p", "");
    for (uint64_t i = 0; i < 3; i++)
        made_process_large_object(process, HEAP + i * each, (uint32_t)(each - 4096));
    made_process_page(process, HEAP + 0x1000, 64, 1);
    analysis = analyse(process, FOREIGN_BLOCKS);
    contents = capture_analysis_contents(analysis);
    cr_expect_eq(summary.page_count, 1u);
    cr_expect_not(contents->details->metadata.is_complete);
    cr_expect_not_null(strstr(contents->details->metadata.missing, "left out"));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_roots, dead_stack_and_gc_pages_are_no_roots_and_the_red_zone_is)
{
    MadeProcess *process = process_with_stack();
    CaptureAnalysis *analysis;

    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    // A GC page in the live part of the stack.
    made_process_page(process, STACK + 0x3000, 64, 1);
    made_process_set(process, made_process_slot(STACK + 0x3000, 64, 0) + 48, HEAP + 1600);
    made_process_set(process, STACK + 0x2800 - 136, HEAP + 1600);
    made_process_set(process, STACK + 0x2800 - 128, HEAP + 1600);
    made_process_set(process, STACK + 0x2900, HEAP + 1600 + 64);
    made_process_set(process, STACK + 0x2908, HEAP + 0x1000); // behind the page
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(roots_of_kind(analysis, ROOT_STACK), 2u);
    cr_expect(has_root(analysis, ROOT_STACK, STACK + 0x2800 - 128));
    cr_expect(has_root(analysis, ROOT_STACK, STACK + 0x2900));
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 2u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

// The layout of glibc: guard, stack, static TLS, descriptor, and GC pages merged in behind.
Test(capture_roots, a_thread_stack_with_pages_merged_into_its_mapping)
{
    MadeProcess *process = process_with_stack();
    const uint64_t base = HEAP + 0x100000, descriptor = base + 0x66c0;
    CaptureAnalysis *analysis;

    made_process_map(process, base - 0x1000, 0x1000, "---p", "");
    made_process_map(process, base, 0x9000, "rw-p", "");
    (void)made_process_thread(process, base + 0x4000, descriptor);
    made_process_page(process, base + 0x7000, 64, 7);
    made_process_page(process, base + 0x8000, 64, 7);
    const uint64_t object = made_process_slot(base + 0x7000, 64, 1);
    made_process_set(process, base + 0x1000, object);             // dead
    made_process_set(process, base + 0x5000, object + 4);         // live
    made_process_set(process, descriptor - 16, object);           // static TLS: stack
    made_process_set(process, descriptor + 0x300, object);        // thread descriptor: TLS
    made_process_set(process, object + 48, base + 0x8000 + 1600); // in a page: no root
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_root(analysis, ROOT_STACK, base + 0x5000));
    cr_expect(has_root(analysis, ROOT_STACK, descriptor - 16));
    cr_expect(has_root(analysis, ROOT_TLS, descriptor + 0x300));
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 3u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_roots, without_a_guard_nothing_below_the_stack_pointer_is_dead)
{
    MadeProcess *process = process_with_stack();
    const uint64_t base = HEAP + 0x100000;
    CaptureAnalysis *analysis;

    made_process_map(process, base, 0x4000, "rw-p", "");
    (void)made_process_thread(process, base + 0x2000, base + 0x36c0);
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    made_process_set(process, base + 0x1000, HEAP + 1600);
    made_process_set(process, base + 0x2800, HEAP + 1600);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_root(analysis, ROOT_FOREIGN, base + 0x1000));
    cr_expect(has_root(analysis, ROOT_STACK, base + 0x2800));
    capture_analysis_free(analysis);
    made_process_free(process);
}

// A stack that the program gave to the thread: the descriptor says where it begins.
Test(capture_roots, a_recorded_stack_is_dead_below_the_stack_pointer)
{
    MadeProcess *process = process_with_stack();
    const uint64_t base = HEAP + 0x100000, block = base + 0x1000, descriptor = base + 0x36c0;
    CaptureAnalysis *analysis;

    made_process_map(process, base, 0x5000, "rw-p", "");
    (void)made_process_thread(process, base + 0x2800, descriptor);
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    // What is not it: a small number, and a pointer to a little behind the descriptor.
    made_process_set(process, descriptor + 0x300, 2);
    made_process_set(process, descriptor + 0x308, descriptor + 0x500);
    made_process_set(process, base + 8, HEAP + 1600);
    made_process_set(process, block + 8, HEAP + 1600);
    made_process_set(process, base + 0x2900, HEAP + 1600);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_root(analysis, ROOT_FOREIGN, base + 8));
    cr_expect(has_root(analysis, ROOT_FOREIGN, block + 8));
    cr_expect(has_root(analysis, ROOT_STACK, base + 0x2900));
    capture_analysis_free(analysis);

    made_process_set(process, descriptor + 0x690, block);
    made_process_set(process, descriptor + 0x698, base + 0x4000 - block);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_root(analysis, ROOT_FOREIGN, base + 8));
    cr_expect_not(has_root(analysis, ROOT_FOREIGN, block + 8));
    cr_expect(has_root(analysis, ROOT_STACK, base + 0x2900));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_roots, a_thread_that_runs_elsewhere_keeps_its_whole_stack)
{
    MadeProcess *process = made_process_new();
    const uint64_t base = HEAP + 0x100000, other = HEAP + 0x200000;
    CaptureAnalysis *analysis;

    made_process_map(process, STACK, 0x4000, "rw-p", "[stack]");
    made_process_map(process, base - 0x1000, 0x1000, "---p", "");
    made_process_map(process, base, 0x4000, "rw-p", "");
    made_process_map(process, other, 0x8000, "rw-p", "");
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    (void)made_process_thread(process, other + 0x2000, 0);
    (void)made_process_thread(process, other + 0x6000, base + 0x36c0);
    made_process_set(process, STACK + 8, HEAP + 1600);
    made_process_set(process, base + 8, HEAP + 1600);
    made_process_set(process, other + 0x1000, HEAP + 1600);
    made_process_set(process, other + 0x3000, HEAP + 1600);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_root(analysis, ROOT_STACK, STACK + 8));
    cr_expect(has_root(analysis, ROOT_STACK, base + 8));
    cr_expect(has_root(analysis, ROOT_FOREIGN, other + 0x1000));
    cr_expect(has_root(analysis, ROOT_STACK, other + 0x3000));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_roots, static_tls_of_the_main_thread_is_found_by_its_vector)
{
    MadeProcess *process = made_process_new();
    const uint64_t base = HEAP + 0x100000, descriptor = base + 0x2740, vector = base + 0x100;
    CaptureAnalysis *analysis;

    made_process_map(process, STACK, 0x4000, "rw-p", "[stack]");
    made_process_map(process, base, 0x4000, "rw-p", "");
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    (void)made_process_thread(process, STACK + 0x2800, descriptor);
    made_process_set(process, descriptor, descriptor);
    made_process_set(process, descriptor + 8, vector);
    made_process_set(process, vector - 16, 3);
    made_process_set(process, vector + 16, descriptor - 0x80);
    made_process_set(process, vector + 32, descriptor - 0x100);
    made_process_set(process, vector + 48, base + 0x1000); // loaded later: to be freed
    made_process_set(process, vector + 56, base + 0x1000);
    made_process_set(process, descriptor - 0x100, HEAP + 1600);
    made_process_set(process, descriptor - 0x108, HEAP + 1600);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_root(analysis, ROOT_TLS, descriptor - 0x100));
    cr_expect(has_root(analysis, ROOT_FOREIGN, descriptor - 0x108));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_roots, registers_and_globals_are_roots_when_they_lead_to_the_heap)
{
    MadeProcess *process = process_with_stack();
    CaptureAnalysis *analysis;

    made_process_map(process, DATA, 0x1000, "r-xp", "/bin/made");
    made_process_map(process, DATA + 0x1000, 0x1000, "rw-p", "/bin/made");
    made_process_map(process, DATA + 0x2000, 0x1000, "rw-p", "");
    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_page(process, HEAP, 64, 7);
    made_process_register(process, 0, 3, HEAP + 1600 + 5);
    made_process_register(process, 0, 4, 12345);
    made_process_set(process, DATA + 0x1008, HEAP + 1600);
    made_process_set(process, DATA + 0x2008, HEAP + 1600); // .bss, guessed: the file is gone
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(roots_of_kind(analysis, ROOT_REGISTER), 1u);
    cr_expect(has_root(analysis, ROOT_REGISTER, 3));
    cr_expect(has_root(analysis, ROOT_GLOBAL, DATA + 0x1008));
    cr_expect(has_root(analysis, ROOT_GLOBAL, DATA + 0x2008));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_types, types_are_distinct_words_of_objects_with_module_and_offset)
{
    MadeProcess *process = process_with_stack();
    const SnapshotDetails *details;
    CaptureAnalysis *analysis;

    made_process_map(process, DATA, 0x5000, "r-xp", "/bin/made (deleted)");
    made_process_map(process, HEAP, 0x2000, "rw-p", "");
    made_process_page(process, HEAP, 64, 0x3f);
    made_process_page(process, HEAP + 0x1000, 32, 3); // smaller than an object header
    for (uint32_t slot = 0; slot < 6; slot++)
        made_process_set(process, made_process_slot(HEAP, 64, slot) + 24,
                         slot < 3   ? DATA + 0x1230
                         : slot < 5 ? DATA + 0x10
                                    : 0x1234);
    made_process_set(process, made_process_slot(HEAP, 64, 5) + 8, UINT64_C(1) << 63); // DEAD
    analysis = analyse(process, FOREIGN_BLOCKS);
    details = capture_analysis_contents(analysis)->details;
    cr_expect_eq(summary.object_count, 7u);
    cr_assert_eq(details->type_count, 3u);
    cr_expect_eq(details->types[0].type_word, 0x1234u);
    cr_expect_eq(details->types[0].module, UINT32_MAX);
    cr_expect_eq(details->types[1].type_word, DATA + 0x10);
    cr_expect_eq(details->types[2].module_offset, 0x1230u);
    cr_expect_eq(details->types[2].symbol_count, 0u);
    cr_expect_str_eq(details->modules[details->types[2].module].name, "made");
    capture_analysis_free(analysis);
    made_process_free(process);
}
