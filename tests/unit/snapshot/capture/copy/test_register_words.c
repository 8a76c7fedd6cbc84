// Register words of XSAVE areas as several processors lay them out: made-up areas, so that the test
// does not depend on the processor at hand. Offsets are those of CPUID leaf 13.

#include "snapshot/capture/copy/register_words.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_NUMBER 0x1000u // of the area's first word: docs/format.md
#define MAX_PARTS 6

// A part of the area that holds registers.
typedef struct Part {
    uint32_t offset;
    uint32_t bytes;
} Part;

typedef struct Layout {
    char name[40];
    uint32_t bytes;
    Part parts[MAX_PARTS];
} Layout;

ParameterizedTestParameters(register_words, every_vector_register_has_its_words)
{
    static Layout layouts[] = {
        {"FXSAVE alone", 512, {{32, 384}}},
        {"without AVX", 576, {{32, 384}}},
        {"AVX, without AVX-512", 832, {{32, 384}, {576, 256}}},
        // Intel: the two parts of MPX (960 and 1,024) come before those of AVX-512, PKRU behind.
        {"Intel, AVX-512", 2696, {{32, 384}, {576, 256}, {1088, 64}, {1152, 512}, {1664, 1024}}},
        {"Intel, AMX", 11008, {{32, 384}, {1088, 64}, {1152, 512}, {1664, 1024}, {2816, 8192}}},
        // AMD has no MPX: all parts behind AVX lie lower.
        {"AMD Zen 4, AVX-512", 2432, {{32, 384}, {576, 256}, {832, 64}, {896, 512}, {1408, 1024}}},
    };

    return cr_make_param_array(Layout, layouts, sizeof layouts / sizeof layouts[0]);
}

static bool is_in_part(const Layout *layout, uint32_t offset)
{
    for (int i = 0; i < MAX_PARTS; i++)
        if (offset >= layout->parts[i].offset &&
            offset - layout->parts[i].offset < layout->parts[i].bytes)
            return true;
    return false;
}

ParameterizedTest(Layout *layout, register_words, every_vector_register_has_its_words)
{
    uint64_t area[XSAVE_MAX_BYTES / 8] = {0};
    GeneralRegisters general = {{0}};
    ProcessThread thread = {0};
    uint32_t at = 0;

    for (uint32_t i = 0; i < layout->bytes / 8; i++)
        if (is_in_part(layout, i * 8))
            area[i] = 0x5000 + i;
    cr_assert(register_words_fill(&general, area, layout->bytes / 8, &thread));
    for (uint32_t i = 0; i < layout->bytes / 8; i++) {
        if (!is_in_part(layout, i * 8))
            continue;
        cr_assert_lt(at, thread.register_count, "%s: offset %u is missing", layout->name, i * 8);
        cr_expect_eq(thread.registers[at].number, VECTOR_NUMBER + i, "%s", layout->name);
        cr_expect_eq(thread.registers[at++].value, 0x5000 + i, "%s", layout->name);
    }
    cr_expect_eq(at, thread.register_count, "%s: words outside of registers", layout->name);
    free(thread.registers);
}

Test(register_words, control_words_and_the_header_of_the_area_are_left_out)
{
    uint64_t area[832 / 8];
    GeneralRegisters general = {{0}};
    ProcessThread thread = {0};

    memset(area, 0xff, sizeof area);
    cr_assert(register_words_fill(&general, area, sizeof area / 8, &thread));
    for (uint32_t i = 0; i < thread.register_count; i++) {
        uint32_t offset = (thread.registers[i].number - VECTOR_NUMBER) * 8;

        cr_expect(offset >= 32 && (offset < 416 || offset >= 576), "offset %u", offset);
    }
    cr_expect_eq(thread.register_count, (384 + 256) / 8);
    free(thread.registers);
}

Test(register_words, general_registers_come_first_and_zeros_are_left_out)
{
    GeneralRegisters general = {{0}};
    ProcessThread thread = {0};

    general.words[REGISTER_RSP] = 0x7ff0;
    general.words[REGISTER_RIP] = 0x4010;
    general.words[REGISTER_FS_BASE] = 0x7770;
    cr_assert(register_words_fill(&general, NULL, 0, &thread));
    cr_expect_eq(thread.stack_pointer, 0x7ff0);
    cr_expect_eq(thread.program_counter, 0x4010);
    cr_expect_eq(thread.control_block, 0x7770);
    cr_assert_eq(thread.register_count, 3);
    cr_expect_eq(thread.registers[0].number, REGISTER_RIP);
    cr_expect_eq(thread.registers[1].number, REGISTER_RSP);
    cr_expect_eq(thread.registers[2].number, REGISTER_FS_BASE);
    free(thread.registers);
}
