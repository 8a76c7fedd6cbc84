// What symbols of trace functions say about types.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/type_name.h"

typedef struct NameCase {
    const char *symbol;
    const char *name; // "" when the symbol does not tell
} NameCase;

Test(type_name, a_symbol_tells_the_type_where_it_can)
{
    static const NameCase cases[] = {
        {"<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for", "shop::Order"},
        {"<rudo_gc::ptr::GcBox<alloc::vec::Vec<rudo_gc::ptr::Gc<a::B>>>>::trace_fn_for",
         "alloc::vec::Vec<rudo_gc::ptr::Gc<a::B>>"},
        {"<rudo_gc[1234abcd]::ptr::GcBox<()>>::trace_fn_for", "()"},
        // The old mangling writes a literal T.
        {"rudo_gc::ptr::GcBox<T>::trace_fn_for", ""},
        {"<rudo_gc::ptr::GcBox<()>>::no_op_trace", "<rudo_gc::ptr::GcBox<()>>::no_op_trace"},
        {"trace_order", "trace_order"},
        {"<rudo_gc>>::trace_fn_for", "<rudo_gc>>::trace_fn_for"},
        {"<rudo_gc::ptr::GcBox<>>::trace_fn_for", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *start;
        size_t length = type_name_of_symbol(cases[i].symbol, &start);

        cr_expect_eq(length, strlen(cases[i].name), "case %zu: length %zu", i, length);
        cr_expect_eq(memcmp(start, cases[i].name, length), 0, "case %zu: %s", i, start);
    }
}

Test(type_name, merged_functions_give_every_name_once)
{
    char first[] = "<rudo_gc::ptr::GcBox<i64>>::trace_fn_for";
    char second[] = "<rudo_gc::ptr::GcBox<u64>>::trace_fn_for";
    char third[] = "<rudo_gc[77]::ptr::GcBox<i64>>::trace_fn_for";
    char *symbols[] = {first, second, third};
    SnapshotType type = {.symbol_count = 3, .symbols = symbols};
    char *name = NULL;

    cr_assert(type_readable_name(&type, &name));
    cr_expect_str_eq(name, "i64 | u64");
    free(name);
}

Test(type_name, types_without_a_telling_symbol_have_no_name)
{
    char legacy[] = "rudo_gc::ptr::GcBox<T>::trace_fn_for";
    char *symbols[] = {legacy};
    SnapshotType type = {.symbol_count = 1, .symbols = symbols};
    SnapshotType bare = {.symbol_count = 0};
    char *name = NULL;

    cr_assert(type_readable_name(&type, &name));
    cr_expect_null(name);
    cr_assert(type_readable_name(&bare, &name));
    cr_expect_null(name);
    cr_assert(type_readable_name(NULL, &name));
    cr_expect_null(name);
}

Test(type_name, labels_name_module_and_offset_or_the_bare_word)
{
    char name[] = "shop";
    SnapshotModule modules[] = {{.name = name, .base = 0x1000}};
    SnapshotType types[] = {{.type_word = 0x2f40, .module = 0, .module_offset = 0x1f40},
                            {.type_word = 0x3000, .module = UINT32_MAX}};
    SnapshotDetails details = {
        .module_count = 1, .modules = modules, .type_count = 2, .types = types};
    char *label;

    label = type_label(&details, 0x2f40);
    cr_expect_str_eq(label, "shop+0x1f40");
    free(label);
    label = type_label(&details, 0x3000);
    cr_expect_str_eq(label, "type 0x3000");
    free(label);
    label = type_label(&details, 0x4000);
    cr_expect_str_eq(label, "type 0x4000");
    free(label);
}
