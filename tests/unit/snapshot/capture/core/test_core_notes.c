// CoreNotes: which layouts of vector registers are taken for whole. The CPU is one of the known
// ones, whatever the test runs on.

#include "snapshot/capture/core/core_notes_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/made_core.h"

#define AVX512 UINT64_C(0xe7)
#define PKRU UINT64_C(0x200)
#define AMX UINT64_C(0x60000)
#define IN_USE UINT64_C(0x7) // of a thread that does not use AVX-512

static MadeCore *core;
static CoreNotes notes;

static void begin(void)
{
    core = made_core_example();
}

static void end(void)
{
    core_notes_release(&notes);
    made_core_free(core);
}

TestSuite(core_notes, .init = begin, .fini = end);

// The note about vector registers, as a CPU with this layout has it.
static const char *note_on(int layout)
{
    int descriptor = memfd_create("core", MFD_CLOEXEC);
    size_t length;
    const uint8_t *bytes = made_core_bytes(core, &length);
    CoreFile *file;
    Error error;

    core_notes_release(&notes);
    cr_assert_eq(write(descriptor, bytes, length), (ssize_t)length);
    cr_assert(core_file_open(descriptor, "core", &file, &error), "%s", error.message);
    cr_assert(core_notes_read(file, "core", &xsave_layouts_known[layout], &notes, &error), "%s",
              error.message);
    core_file_free(file);
    return notes.vectors_note;
}

Test(core_notes, without_vector_registers_nothing_is_noted)
{
    cr_expect_str_eq(note_on(XSAVE_INTEL), "");
    cr_expect_str_eq(note_on(XSAVE_AMD_AVX512), "");
}

Test(core_notes, areas_that_are_laid_out_like_this_cpus_are_whole)
{
    // gdb sets all parts in use, the kernel those that are.
    made_core_vectors(core, AVX512 | PKRU, AVX512 | PKRU, 2696);
    made_core_thread(core, 5000, MADE_CORE_STACK_POINTER, 0, 0);
    made_core_vectors(core, AVX512 | PKRU | AMX, IN_USE, 11008);
    cr_expect_str_eq(note_on(XSAVE_INTEL), "");
}

Test(core_notes, words_of_all_parts_are_registers)
{
    uint32_t found = 0;

    made_core_vectors(core, AVX512, IN_USE, 2432);
    cr_expect_str_eq(note_on(XSAVE_AMD_AVX512), "");
    for (uint32_t i = 0; i < notes.threads[0].register_count; i++) {
        const ProcessRegister *word = &notes.threads[0].registers[i];

        if (word->number < 0x1000)
            continue;
        cr_expect_eq(word->value, word->number - 0x1000);
        found++;
    }
    cr_expect_eq(found, (416 - 32 + 2432 - 576) / 8);
}

Test(core_notes, intels_layout_on_an_amd_cpu_is_noted_when_gdb_wrote_it)
{
    made_core_vectors(core, AVX512, AVX512, 2688);
    made_core_thread(core, 5000, MADE_CORE_STACK_POINTER, 0, 0);
    made_core_vectors(core, AVX512, AVX512, 2688);
    cr_expect_str_eq(note_on(XSAVE_AMD_AVX512),
                     "vector registers of 2 threads, perhaps in part: 2688 bytes with XCR0 0xe7, "
                     "this CPU has 2432 (gdb before 14 writes Intel's layout on every CPU)");
    cr_expect_str_eq(note_on(XSAVE_INTEL), "");
}

Test(core_notes, a_core_of_the_kernel_of_another_cpu_is_whole)
{
    made_core_vectors(core, AVX512, AVX512, 2688); // uses all parts
    made_core_thread(core, 5000, MADE_CORE_STACK_POINTER, 0, 0);
    made_core_vectors(core, AVX512, IN_USE, 2688);
    cr_expect_str_eq(note_on(XSAVE_AMD_AVX512), "");
    cr_expect_str_eq(note_on(XSAVE_AMD), "");
}

Test(core_notes, sizes_that_no_cpu_has_are_noted)
{
    made_core_vectors(core, AVX512, IN_USE, 2560);
    cr_expect_str_eq(note_on(XSAVE_INTEL),
                     "vector registers of 1 thread, perhaps in part: 2560 bytes with XCR0 0xe7, "
                     "this CPU has 2688 (gdb before 14 writes Intel's layout on every CPU)");
    cr_expect_str_eq(note_on(XSAVE_AMD),
                     "vector registers of 1 thread, perhaps in part: 2560 bytes with XCR0 0xe7, "
                     "this CPU has no such parts");
}

Test(core_notes, an_area_that_does_not_say_its_parts_is_taken_as_it_is)
{
    made_core_vectors(core, 0, 0, 2560);
    cr_expect_str_eq(note_on(XSAVE_INTEL), "");
}

Test(core_notes, the_legacy_region_alone_is_the_same_on_every_cpu)
{
    made_core_vectors(core, 3, 3, 576);
    cr_expect_str_eq(note_on(XSAVE_INTEL), "");
    cr_expect_str_eq(note_on(XSAVE_AMD), "");
}
