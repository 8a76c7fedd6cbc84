// Names of types from the symbols of trace functions.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/type_name.h"

typedef struct NameCase {
    const char *symbol;
    SymbolMeaning meaning;
    const char *name;
} NameCase;

Test(type_name, a_symbol_tells_the_type_where_it_can)
{
    static const NameCase cases[] = {
        {"<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for", SYMBOL_TYPE, "shop::Order"},
        {"<rudo_gc::ptr::GcBox<shop::Order>>::drop_fn_for", SYMBOL_TYPE, "shop::Order"},
        {"<rudo_gc::ptr::GcBox<alloc::vec::Vec<rudo_gc::ptr::Gc<a::B>>>>::trace_fn_for",
         SYMBOL_TYPE, "alloc::vec::Vec<rudo_gc::ptr::Gc<a::B>>"},
        {"<rudo_gc[1234abcd]::ptr::GcBox<()>>::trace_fn_for", SYMBOL_TYPE, "()"},
        // The old mangling writes a literal T.
        {"rudo_gc::ptr::GcBox<T>::trace_fn_for", SYMBOL_HIDDEN, ""},
        {"rudo_gc::ptr::GcBox<T>::drop_fn_for", SYMBOL_HIDDEN, ""},
        {"<rudo_gc::ptr::GcBox<()>>::no_op_trace", SYMBOL_NO_OP, ""},
        {"rudo_gc::ptr::GcBox<()>::no_op_drop", SYMBOL_NO_OP, ""},
        {"trace_order", SYMBOL_PLAIN, "trace_order"},
        {"<rudo_gc::ptr::GcBox<u8>>::as_ptr", SYMBOL_PLAIN, "<rudo_gc::ptr::GcBox<u8>>::as_ptr"},
        {"<rudo_gc>>::trace_fn_for", SYMBOL_PLAIN, "<rudo_gc>>::trace_fn_for"},
        {"<rudo_gc::ptr::GcBox<>>::trace_fn_for", SYMBOL_HIDDEN, ""},
        {"", SYMBOL_PLAIN, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SymbolName name = symbol_name(cases[i].symbol);

        cr_expect_eq(name.meaning, cases[i].meaning, "case %zu: meaning %d", i, name.meaning);
        cr_expect_eq(name.length, strlen(cases[i].name), "case %zu: length %zu", i, name.length);
        cr_expect_eq(memcmp(name.name, cases[i].name, name.length), 0, "case %zu", i);
    }
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
