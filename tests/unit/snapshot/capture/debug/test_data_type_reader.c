// The layouts of this program's own types, and the places of its own code, as its debug information
// has them.

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "snapshot/capture/debug/data_type_reader.h"
#include "snapshot/capture/debug/dwarf_places.h"

extern const char __executable_start[];

typedef enum Colour { RED = 1, GREEN = 7 } Colour;

typedef struct Inner {
    uint16_t number;
    struct Inner *next;
} Inner;

struct DebugExample {
    int8_t small;
    Inner inner;
    Colour colour;
    double ratios[3];
    union {
        uint64_t word;
        double ratio;
    } either;
    void (*callback)(int);
    struct NeverDefined *unknown;
};

static struct DebugExample example;

__attribute__((noinline)) static uint64_t code_of_example(const struct DebugExample *given)
{
    __asm__ volatile("" ::: "memory");
    return (uint64_t)given->small + given->either.word;
}

static uint64_t address_in_file(void)
{
    return (uint64_t)(uintptr_t)code_of_example - (uint64_t)(uintptr_t)__executable_start;
}

typedef struct Opened {
    ElfFile *elf;
    DwarfFile *dwarf;
} Opened;

static Opened open_self(void)
{
    Opened opened = {elf_file_open_mapped(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), NULL};

    cr_assert_not_null(opened.elf);
    cr_assert_eq(code_of_example(&example), 0u);
    if (elf_file_has_section(opened.elf, ".debug_info"))
        opened.dwarf = dwarf_file_open(opened.elf, NULL);
    if (opened.dwarf == NULL)
        cr_skip_test("this program was built without debug information");
    return opened;
}

static void close_self(Opened *opened)
{
    dwarf_file_close(opened->dwarf);
    elf_file_free(opened->elf);
}

static void find_example(void *context, DwarfEntry *unit, bool is_transient)
{
    DataTypeReader *reader = context;
    DwarfEntry child;

    cr_expect_not(is_transient);
    if (!dwarf_entry_child(unit, &child))
        return;
    do
        if (dwarf_entry_is_structure(&child) &&
            strcmp(dwarf_entry_name(&child), "DebugExample") == 0)
            (void)data_type_reader_add(reader, &child);
    while (dwarf_entry_next(&child));
}

static const SnapshotField *field_named(const SnapshotDataType *type, const char *name)
{
    for (uint32_t i = 0; i < type->field_count; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    cr_assert_fail("there is no field %s", name);
    return NULL;
}

static void check_field(const SnapshotDataType *type, const char *name, size_t offset, size_t bytes,
                        FieldKind kind)
{
    const SnapshotField *field = field_named(type, name);

    cr_expect_eq(field->offset, offset, "%s", name);
    cr_expect_eq(field->bytes, bytes, "%s", name);
    cr_expect_eq(field->kind, kind, "%s", name);
}

Test(data_type_reader, fields_are_where_the_compiler_put_them)
{
    Opened opened = open_self();
    DataTypeReader reader;
    const uint64_t address = address_in_file();

    cr_assert(data_type_reader_init(&reader));
    dwarf_file_visit_units(opened.dwarf, &address, 1, find_example, &reader);
    cr_assert_eq(reader.count, 1u);
    data_type_reader_fill(&reader);
    const SnapshotDataType *type = &reader.types[0];
    cr_expect_eq(type->bytes, sizeof(struct DebugExample));
    cr_expect_not(type->is_partial);
    check_field(type, "small", 0, 1, FIELD_SIGNED);
    check_field(type, "inner.number", 8, 2, FIELD_UNSIGNED);
    check_field(type, "inner.next", 16, 8, FIELD_POINTER);
    check_field(type, "colour", 24, 4, FIELD_ENUM);
    check_field(type, "ratios", 32, 24, FIELD_ARRAY);
    check_field(type, "either", 56, 8, FIELD_OPAQUE);
    check_field(type, "callback", 64, 8, FIELD_CODE);
    check_field(type, "unknown", 72, 8, FIELD_POINTER);
    cr_expect_eq(field_named(type, "unknown")->target, NO_DATA);
    cr_expect_str_eq(reader.types[field_named(type, "inner.next")->target].name, "Inner");
    cr_expect_eq(reader.types[field_named(type, "ratios")->target].bytes, sizeof(double));
    cr_assert_eq(type->variant_count, 2u);
    cr_expect_str_eq(type->variants[1].name, "GREEN");
    cr_expect_eq(type->variants[1].low, 7u);
    data_type_reader_release(&reader);
    close_self(&opened);
}

Test(data_type_reader, types_that_time_is_too_short_for_are_partial)
{
    Opened opened = open_self();
    DataTypeReader reader;
    const uint64_t address = address_in_file();

    cr_assert(data_type_reader_init(&reader));
    dwarf_file_visit_units(opened.dwarf, &address, 1, find_example, &reader);
    reader.deadline_ns = clock_monotonic_ns() - 1;
    data_type_reader_fill(&reader);
    cr_expect(reader.is_limited);
    cr_expect(reader.types[0].is_partial);
    cr_expect_eq(reader.types[0].field_count, 0u);
    data_type_reader_release(&reader);
    close_self(&opened);
}

static void take_place(void *context, uint64_t address, const DwarfPlace *places, uint32_t count)
{
    uint32_t *found = context;

    cr_expect_eq(address, address_in_file());
    cr_assert_eq(count, 1u);
    cr_expect_str_eq(places[0].name, "code_of_example");
    cr_expect_not_null(strstr(places[0].file, "test_data_type_reader.c"));
    cr_expect_gt(places[0].line, 0u);
    ++*found;
}

Test(dwarf_places, code_has_its_function_and_its_line)
{
    Opened opened = open_self();
    const uint64_t address = address_in_file();
    uint32_t found = 0;

    dwarf_places_visit(opened.dwarf, &address, 1, take_place, &found);
    cr_expect_eq(found, 1u);
    close_self(&opened);
}
