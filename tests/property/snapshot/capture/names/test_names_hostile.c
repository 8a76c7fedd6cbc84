// Names from executables that are damaged in every way: nothing that a file holds is a reason to
// lose a capture.
//
// The file is this program itself, with its symbols, its debug information and its tables for
// unwinding. Seeds are printed on failure; TEST_SEED=N runs one.

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/capture/debug/elf_file.h"
#include "tests/support/dose.h"
#include "tests/support/made_executable.h"
#include "tests/support/xorshift.h"

#define ROUNDS 8u
#define MAX_FUNCTIONS 78u

typedef struct Program {
    uint8_t *bytes;
    size_t length;
    uint64_t functions[MAX_FUNCTIONS];
    uint32_t function_count;
} Program;

static bool collect_function(void *context, const ElfSymbol *symbol)
{
    Program *program = context;

    // Every fourth address has no symbol, so that debug information is looked into for it.
    if (symbol->kind == ELF_SYMBOL_CODE && symbol->address != 0 && symbol->bytes > 8) {
        uint32_t index = program->function_count++;
        program->functions[index] = symbol->address + (index % 4 == 3);
    }
    return program->function_count < MAX_FUNCTIONS;
}

static Program read_self(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Program program = {.function_count = 0};
    struct stat status;
    ElfFile *file;

    cr_assert_eq(fstat(fd, &status), 0);
    program.length = (size_t)status.st_size;
    program.bytes = malloc(program.length);
    cr_assert_not_null(program.bytes);
    cr_assert_eq(read(fd, program.bytes, program.length), (ssize_t)program.length);
    file = elf_file_open(fd);
    cr_assert_not_null(file);
    (void)elf_file_visit_symbols(file, collect_function, &program);
    elf_file_free(file);
    cr_assert_gt(program.function_count, 10u);
    return program;
}

// Captures a process that runs these bytes. Returns how many of its functions got a name.
static uint32_t must_capture(const Program *program, const uint8_t *bytes, size_t length,
                             uint64_t seed, MadeExecutable *made)
{
    MadeFunctions functions = {program->functions, program->function_count};
    const SnapshotDetails *details;
    uint32_t named = 0;
    Error error = {0};

    cr_assert(made_executable_capture(made, bytes, length, &functions, &error),
              "%s, TEST_SEED=%" PRIu64, error.message, seed);
    cr_expect_eq(made->counts.object_count, MADE_EXECUTABLE_OBJECTS, "TEST_SEED=%" PRIu64, seed);
    details = heap_search_contents(made->search)->details;
    for (uint32_t i = 0; i < details->type_count; i++)
        named += details->types[i].symbol_count > 0;
    for (uint32_t i = 0; i < details->drop_count; i++)
        named += details->drops[i].symbol_count > 0;
    for (uint32_t i = 0; i < details->stack_count; i++)
        for (uint32_t f = 0; f < details->stacks[i].frame_count; f++)
            cr_expect_leq(details->stacks[i].frames[f].start, details->stacks[i].frames[f].end);
    return named;
}

Test(names_hostile, a_whole_file_names_everything)
{
    Program program = read_self();
    const SnapshotDetails *details;
    MadeExecutable made;
    uint32_t named = must_capture(&program, program.bytes, program.length, 0, &made);

    details = heap_search_contents(made.search)->details;
    cr_expect_gt(named, (details->type_count + details->drop_count) / 2);
    cr_expect_str_eq(details->metadata.names_note, "");
    cr_assert_eq(details->stack_count, 1u);
    cr_expect_geq(details->stacks[0].frame_count, 1u);
    cr_expect_not_null(details->stacks[0].frames[0].function);
    made_executable_release(&made);
    free(program.bytes);
}

// A place in some section, or in the headers; sections of all sizes alike.
static size_t some_place(const Program *program, Xorshift *random)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)program->bytes;
    Elf64_Shdr section;

    if (xorshift_percent(random, 10))
        return (size_t)xorshift_below(random, 0x400);
    if (xorshift_percent(random, 10))
        return header->e_shoff +
               (size_t)xorshift_below(random, header->e_shnum * sizeof(Elf64_Shdr));
    memcpy(&section,
           program->bytes + header->e_shoff +
               (size_t)xorshift_below(random, header->e_shnum) * sizeof section,
           sizeof section);
    if (section.sh_type == SHT_NOBITS || section.sh_size == 0)
        return (size_t)xorshift_below(random, program->length);
    return section.sh_offset + (size_t)xorshift_below(random, section.sh_size);
}

Test(names_hostile, damaged_files_cost_names_at_most, .timeout = 600)
{
    uint64_t first = test_seed(1);
    Program program = read_self();
    uint8_t *bytes = malloc(program.length);
    uint32_t named = 0, noted = 0;

    cr_assert_not_null(bytes);
    for (uint64_t i = 0; i < test_dose(ROUNDS); i++) {
        Xorshift random = xorshift_seeded(first + i);
        size_t changes = (size_t)1 << xorshift_below(&random, 12);
        MadeExecutable made;

        memcpy(bytes, program.bytes, program.length);
        for (size_t c = 0; c < changes; c++) {
            size_t place = some_place(&program, &random);
            if (place < program.length)
                bytes[place] = (uint8_t)xorshift_next(&random);
        }
        named += must_capture(&program, bytes,
                              xorshift_percent(&random, 85)
                                  ? program.length
                                  : (size_t)xorshift_below(&random, program.length),
                              first + i, &made);
        noted += heap_search_contents(made.search)->details->metadata.names_note[0] != '\0';
        made_executable_release(&made);
    }
    // Most damage is elsewhere, and the rest of the names are there.
    cr_expect_gt(named, 0u);
    cr_log_info("%u functions named; %u captures say that names are missing", named, noted);
    free(bytes);
    free(program.bytes);
}
