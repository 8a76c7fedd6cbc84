// core_process_copy: what a core file tells of a process, and which cores are refused.

#include "snapshot/capture/core/core_process.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/find/heap_search.h"
#include "tests/support/made_core.h"
#include "tests/support/xorshift.h"

#define PAGE UINT64_C(4096)
#define DATA (PF_R | PF_W)

static MadeCore *core;
static ProcessCopy copy;
static Error error;

static void begin(void)
{
    core = made_core_example();
    memset(&error, 0, sizeof error);
}

static void end(void)
{
    process_copy_release(&copy);
    made_core_free(core);
}

TestSuite(core_process, .init = begin, .fini = end, .timeout = 60);

static bool copy_bytes(const uint8_t *bytes, size_t length)
{
    int file = memfd_create("core", MFD_CLOEXEC);
    char path[64];
    bool ok;

    cr_assert_geq(file, 0);
    if (length > 0)
        cr_assert_eq(write(file, bytes, length), (ssize_t)length);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    ok = core_process_copy(path, NULL, NULL, &copy, &error);
    (void)close(file);
    return ok;
}

static bool copy_core(void)
{
    size_t length;
    const uint8_t *bytes = made_core_bytes(core, &length);

    return copy_bytes(bytes, length);
}

static void expect_refused(ErrorCode code, const char *what)
{
    cr_expect_not(copy_core(), "accepted, should say: %s", what);
    cr_expect_eq(error.code, code, "code %d: %s", (int)error.code, error.message);
    cr_expect_not_null(strstr(error.message, what), "'%s' does not say: %s", error.message, what);
    cr_expect_null(copy.mappings);
    cr_expect_null(copy.ranges);
    cr_expect_null(copy.threads);
}

static const ProcessMapping *mapping_at(uint64_t address)
{
    const ProcessMapping *mapping = process_copy_find_mapping(&copy, address);

    cr_assert_not_null(mapping, "nothing is mapped at 0x%llx", (unsigned long long)address);
    return mapping;
}

Test(core_process, process_threads_mappings_and_bytes_are_those_of_the_core)
{
    cr_assert(copy_core(), "%s", error.message);
    cr_expect_eq(copy.pid, (int)MADE_CORE_PID);
    cr_expect_str_eq(copy.executable, "example");
    cr_expect_str_eq(copy.method, "core");
    cr_expect_eq(copy.thread_count, 1u);
    cr_expect_eq(copy.threads[0].tid, MADE_CORE_PID);
    cr_expect_str_eq(copy.threads[0].name, "example");
    cr_expect_eq(copy.threads[0].stack_pointer, MADE_CORE_STACK_POINTER);
    cr_expect_eq(copy.threads[0].control_block, MADE_CORE_CONTROL_BLOCK);
    cr_expect_eq(copy.mapping_count, 5u);
    cr_expect_str_eq(mapping_at(MADE_CORE_PROGRAM)->name, "/nowhere/example");
    cr_expect(mapping_at(MADE_CORE_PROGRAM)->is_executable);
    cr_expect_eq(mapping_at(MADE_CORE_PROGRAM + PAGE)->file_offset, PAGE);
    cr_expect_str_eq(mapping_at(MADE_CORE_STACK)->name, "[stack]");
    cr_expect_str_eq(mapping_at(MADE_CORE_HEAP)->name, "");
    cr_expect_not_null(process_copy_bytes(&copy, MADE_CORE_HEAP, PAGE));
    // Of the stack only the page that is not zero, but all of it counts.
    cr_expect_not_null(process_copy_bytes(&copy, MADE_CORE_STACK + 0x2000, PAGE));
    cr_expect_null(process_copy_bytes(&copy, MADE_CORE_STACK, 8));
    cr_expect_eq(copy.copied_bytes, 8 * PAGE);
    cr_expect_eq(copy.unreadable_bytes, 0u);
    cr_expect_eq(copy.pause_ns, 0u);
}

Test(core_process, threads_are_in_order_and_the_main_one_is_first)
{
    made_core_thread(core, 100, MADE_CORE_STACK_POINTER, 0, 7);
    made_core_thread(core, 9000, MADE_CORE_STACK_POINTER, 0, 8);
    cr_assert(copy_core(), "%s", error.message);
    cr_assert_eq(copy.thread_count, 3u);
    cr_expect_eq(copy.threads[0].tid, MADE_CORE_PID);
    cr_expect_eq(copy.threads[1].tid, 100u);
    cr_expect_eq(copy.threads[2].tid, 9000u);
    cr_expect_eq(copy.threads[1].registers[0].number, 0u);
    cr_expect_eq(copy.threads[1].registers[0].value, 7u);
}

Test(core_process, what_a_guard_of_gdb_is)
{
    const uint64_t guard = UINT64_C(0x7f2000000000);

    (void)made_core_segment(core, guard, 3 * PAGE, 3 * PAGE, PF_R);
    made_core_segment(core, guard + 3 * PAGE, PAGE, PAGE, PF_R)[17] = 1;
    core->segments[4].address = UINT64_C(0x7fff10000000); // keep the order: the stack is last
    MadeCoreSegment stack = core->segments[4];
    core->segments[4] = core->segments[5];
    core->segments[5] = core->segments[6];
    core->segments[6] = stack;
    cr_assert(copy_core(), "%s", error.message);
    cr_expect_not(mapping_at(guard)->is_readable);
    cr_expect(mapping_at(guard + 3 * PAGE)->is_readable);
}

Test(core_process, shared_memory_is_not_private)
{
    const uint64_t shared = UINT64_C(0x7fff80000000);

    made_core_segment(core, shared, PAGE, PAGE, DATA)[0] = 1;
    made_core_segment(core, shared + PAGE, PAGE, PAGE, DATA)[0] = 1;
    made_core_file(core, shared, shared + PAGE, 0, "/dev/zero (deleted)");
    made_core_file(core, shared + PAGE, shared + 2 * PAGE, 0, "/usr/share/data");
    cr_assert(copy_core(), "%s", error.message);
    cr_expect_not(mapping_at(shared)->is_private);
    cr_expect(mapping_at(shared + PAGE)->is_private);
    cr_expect_not_null(process_copy_bytes(&copy, shared, 8));
    cr_expect_not_null(process_copy_bytes(&copy, shared + PAGE, 8));
}

Test(core_process, memory_that_was_left_out_is_counted)
{
    (void)made_core_segment(core, UINT64_C(0x7fff80000000), 10 * PAGE, 4 * PAGE, DATA);
    cr_assert(copy_core(), "%s", error.message);
    cr_expect_eq(copy.unreadable_bytes, 6 * PAGE);
}

Test(core_process, memory_that_was_left_out_is_listed_in_the_snapshot)
{
    HeapSearchOptions options = {.foreign_mode = FOREIGN_BLOCKS};
    HeapSearch *search = NULL;
    const SnapshotDetails *details;
    HeapSearchCounts counts;

    (void)made_core_segment(core, UINT64_C(0x7fff80000000), 10 * PAGE, 4 * PAGE, DATA);
    cr_assert(copy_core(), "%s", error.message);
    cr_assert(heap_search_new(&copy, &options, &search, &counts, &error), "%s", error.message);
    details = heap_search_contents(search)->details;
    cr_expect_not(details->metadata.is_complete);
    cr_assert_eq(details->loss_count, 1u);
    cr_expect_eq(details->losses[0].kind, LOSS_MEMORY);
    cr_expect_eq(details->losses[0].address, UINT64_C(0x7fff80004000));
    cr_expect_eq(details->losses[0].bytes, 6 * PAGE);
    heap_search_free(search);
}

Test(core_process, vector_registers_that_may_lack_words_make_the_snapshot_incomplete)
{
    HeapSearchOptions options = {.foreign_mode = FOREIGN_BLOCKS};
    HeapSearch *search = NULL;
    const SnapshotDetails *details;
    HeapSearchCounts counts;

    made_core_vectors(core, 0xe7, 0x7, 2560); // no CPU has this size
    cr_assert(copy_core(), "%s", error.message);
    cr_expect_neq(copy.registers_note[0], '\0');
    cr_assert(heap_search_new(&copy, &options, &search, &counts, &error), "%s", error.message);
    details = heap_search_contents(search)->details;
    cr_expect_not(details->metadata.is_complete);
    cr_expect_str_eq(details->metadata.missing, copy.registers_note);
    cr_assert_eq(details->loss_count, 1u);
    cr_expect_eq(details->losses[0].kind, LOSS_ROOTS);
    heap_search_free(search);
}

Test(core_process, files_that_have_no_segment_are_mapped_nevertheless)
{
    const uint64_t library = UINT64_C(0x7e0000000000);

    made_core_file(core, library, library + 4 * PAGE, 0, "/usr/lib/library.so");
    cr_assert(copy_core(), "%s", error.message);
    cr_expect_str_eq(mapping_at(library + 3 * PAGE)->name, "/usr/lib/library.so");
    cr_expect_not(mapping_at(library)->is_writable);
}

Test(core_process, the_analysis_finds_the_heap_in_it)
{
    HeapSearchOptions options = {.foreign_mode = FOREIGN_BLOCKS};
    HeapSearch *search = NULL;
    HeapSearchCounts counts;

    cr_assert(copy_core(), "%s", error.message);
    cr_assert(heap_search_new(&copy, &options, &search, &counts, &error), "%s", error.message);
    cr_expect_eq(counts.object_count, 2u);
    cr_expect_eq(heap_search_contents(search)->root_count, 2u);
    heap_search_free(search);
}

// ---- refused cores ----

Test(core_process, other_files_are_no_cores)
{
    static const uint8_t text[] = "hello, core\n";

    cr_expect_not(copy_bytes(NULL, 0));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_not(copy_bytes(text, sizeof text));
    cr_expect_not_null(strstr(error.message, "is not a core file"));
    core->kind = ET_DYN;
    expect_refused(ERROR_CORRUPT, "but an executable or library");
    core->kind = ET_REL;
    expect_refused(ERROR_CORRUPT, "but another kind of ELF file");
    core->kind = ET_CORE;
    core->machine = EM_AARCH64;
    expect_refused(ERROR_UNSUPPORTED, "another machine");
    core->machine = EM_X86_64;
    core->word_size = ELFCLASS32;
    expect_refused(ERROR_UNSUPPORTED, "64-bit");
}

Test(core_process, a_folder_is_no_core_and_a_missing_file_is_an_error_of_the_system)
{
    cr_expect_not(core_process_copy("/", NULL, NULL, &copy, &error));
    cr_expect_eq(error.code, ERROR_UNSUPPORTED);
    cr_expect_not(core_process_copy("/nowhere/core", NULL, NULL, &copy, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
}

Test(core_process, a_core_that_was_cut_short_is_refused_wherever_it_was_cut)
{
    size_t length;
    const uint8_t *bytes = made_core_bytes(core, &length);

    for (size_t cut = 0; cut < length; cut += cut < 2048 ? 1 : 97) {
        // Behind the last segment's end nothing is missing.
        cr_expect_not(copy_bytes(bytes, cut), "accepted with %zu of %zu bytes", cut, length);
        cr_expect_eq(error.code, ERROR_CORRUPT, "%zu bytes: %s", cut, error.message);
    }
    cr_expect_not(copy_bytes(bytes, length - 1));
    cr_expect_not_null(strstr(error.message, "cut short"), "%s", error.message);
}

Test(core_process, segments_that_cannot_be_are_refused)
{
    MadeCoreSegment *heap = &core->segments[2];

    heap->address += 1;
    expect_refused(ERROR_CORRUPT, "does not consist of pages");
    heap->address -= 1;
    heap->bytes = PAGE - 8;
    expect_refused(ERROR_CORRUPT, "does not consist of pages");
    heap->bytes = UINT64_MAX - PAGE + 1;
    expect_refused(ERROR_CORRUPT, "does not consist of pages");
    heap->bytes = 0x7fff00000000;
    expect_refused(ERROR_CORRUPT, "out of order");
    heap->bytes = PAGE;
    heap->address = MADE_CORE_PROGRAM;
    expect_refused(ERROR_CORRUPT, "out of order");
    heap->address = MADE_CORE_HEAP;
    cr_expect(copy_core(), "%s", error.message);
}

Test(core_process, more_bytes_in_the_file_than_in_memory_are_refused)
{
    (void)made_core_segment(core, UINT64_C(0x7fff80000000), PAGE, 2 * PAGE, DATA);
    expect_refused(ERROR_CORRUPT, "more bytes in the file");
}

Test(core_process, segments_that_share_bytes_of_the_file_are_refused)
{
    size_t length;
    const uint8_t *made = made_core_bytes(core, &length);
    uint8_t *bytes = malloc(length);

    memcpy(bytes, made, length);
    // The last segment claims the whole file, beside what the others have of it.
    uint8_t *header = bytes + sizeof(Elf64_Ehdr) + core->segment_count * sizeof(Elf64_Phdr);
    bytes_put_u64(header + 8, 0);
    bytes_put_u64(header + 32, length);
    bytes_put_u64(header + 40, PAGE * 16);
    cr_expect_not(copy_bytes(bytes, length));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_not_null(strstr(error.message, "overlap in the file"), "%s", error.message);
    free(bytes);
}

Test(core_process, without_a_thread_there_are_no_roots_to_trust)
{
    byte_buffer_release(&core->threads);
    expect_refused(ERROR_CORRUPT, "has no thread");
}

Test(core_process, two_threads_with_one_number_are_refused)
{
    made_core_thread(core, MADE_CORE_PID, MADE_CORE_STACK_POINTER, 0, 0);
    expect_refused(ERROR_CORRUPT, "a thread's state");
}

Test(core_process, short_notes_are_refused)
{
    uint8_t nothing[16] = {0};

    made_core_note(core, NT_PRSTATUS, nothing, sizeof nothing);
    expect_refused(ERROR_CORRUPT, "a thread's state");
}

Test(core_process, lists_of_files_that_cannot_be_are_refused)
{
    uint8_t note[64] = {0};

    core->file_count = 0;
    bytes_put_u64(note, UINT64_MAX / 25);
    bytes_put_u64(note + 8, PAGE);
    made_core_note(core, NT_FILE, note, sizeof note);
    expect_refused(ERROR_CORRUPT, "mapped files");
}

Test(core_process, files_that_overlap_are_refused)
{
    made_core_file(core, MADE_CORE_PROGRAM, MADE_CORE_PROGRAM + 4 * PAGE, 0, "/nowhere/other");
    expect_refused(ERROR_CORRUPT, "mapped files");
}

// Whatever happens to a core on its way, reading it ends well, or with a reason.
Test(core_process, damaged_cores_are_read_or_refused)
{
    Xorshift random = xorshift_seeded(1);
    size_t length;
    const uint8_t *made = made_core_bytes(core, &length);
    uint8_t *bytes = malloc(length);

    for (unsigned round = 0; round < 2000; round++) {
        memcpy(bytes, made, length);
        for (uint64_t flips = xorshift_between(&random, 1, 8); flips > 0; flips--) {
            // Mostly where structure is: headers and notes are at the start.
            size_t limit = xorshift_percent(&random, 90) ? 2048 : length;
            bytes[xorshift_below(&random, limit)] = (uint8_t)xorshift_next(&random);
        }
        if (copy_bytes(bytes, length))
            process_copy_release(&copy);
        else
            cr_expect(error.code != ERROR_NONE && error.message[0] != '\0', "round %u", round);
    }
    free(bytes);
}
