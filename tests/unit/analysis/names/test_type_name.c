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

// Symbols of a trace and a drop function, separated by blanks, the name they give, and of how
// many types.
typedef struct SetCase {
    const char *trace;
    const char *drop;
    const char *name;
    uint32_t count;
} SetCase;

#define MAX_CASE_SYMBOLS 6

// Short for rudo-gc's symbols: "i64" is the function of that type, "T" hides its type, "0" is the
// function of objects without a type, "=name" a symbol as it is.
static void make_function(const char *text, const char *which, SnapshotType *function,
                          char *symbols[MAX_CASE_SYMBOLS])
{
    char *copy = strdup(text), *rest = copy, *word;

    *function = (SnapshotType){.symbols = symbols};
    while ((word = strsep(&rest, " ")) != NULL) {
        char **symbol = &symbols[function->symbol_count];
        int length = 0;

        if (word[0] == '\0')
            continue;
        if (strcmp(word, "T") == 0)
            length = asprintf(symbol, "rudo_gc::ptr::GcBox<T>::%s_fn_for", which);
        else if (strcmp(word, "0") == 0)
            length = asprintf(symbol, "<rudo_gc::ptr::GcBox<()>>::no_op_%s", which);
        else if (word[0] == '=')
            length = asprintf(symbol, "%s", word + 1);
        else
            length = asprintf(symbol, "<rudo_gc::ptr::GcBox<%s>>::%s_fn_for", word, which);
        cr_assert_gt(length, 0);
        function->symbol_count++;
    }
    free(copy);
}

static void free_symbols(SnapshotType *function)
{
    for (uint32_t i = 0; i < function->symbol_count; i++)
        free(function->symbols[i]);
}

Test(type_name, the_sets_of_both_functions_narrow_each_other)
{
    static const SetCase cases[] = {
        // Merged functions give every name once.
        {"i64 u64 i64", "", "i64 | u64", 2},
        {"i64 u64", "u64", "u64", 1},
        {"a b c", "c b d", "b | c", 2},
        // Nothing in common: the trace function's word is what counts.
        {"a b", "c", "a | b", 2},
        // Open sets have more than they name.
        {"T", "", NULL, 0},
        {"T", "a", "a", 1},
        {"T", "T", NULL, 0},
        {"a T", "", "a | ...", TYPE_NAMES_OPEN},
        {"a T", "b c", "b | c", 2},
        {"a T", "b T", "a | b | ...", TYPE_NAMES_OPEN},
        {"T", "b T", "b | ...", TYPE_NAMES_OPEN},
        {"a T", "a T", "a | ...", TYPE_NAMES_OPEN},
        {"a b", "a T", "a | b", 2},
        // The functions of objects without a type do not name one.
        {"0", "0", NULL, 0},
        {"0 a", "0", "a", 1},
        {"0 a b", "0 b", "b", 1},
        // Other languages.
        {"=trace_node", "=drop_node", "trace_node", 0},
        {"=trace_leaf =trace_node", "", "trace_leaf | trace_node", 0},
        {"", "", NULL, 0},
        {"", "a", "a", 1},
        {"", "=drop_node", NULL, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *trace_symbols[MAX_CASE_SYMBOLS], *drop_symbols[MAX_CASE_SYMBOLS];
        SnapshotType trace, drop;
        uint32_t count = 7;
        char *name = NULL;

        make_function(cases[i].trace, "trace", &trace, trace_symbols);
        make_function(cases[i].drop, "drop", &drop, drop_symbols);
        cr_assert(type_readable_name(&trace, &drop, &name, &count));
        if (cases[i].name == NULL)
            cr_expect_null(name, "case %zu: %s", i, name);
        else
            cr_expect(name != NULL && strcmp(name, cases[i].name) == 0, "case %zu: %s", i, name);
        cr_expect_eq(count, cases[i].count, "case %zu: %u", i, count);
        free(name);
        free_symbols(&trace);
        free_symbols(&drop);
    }
}

Test(type_name, nothing_known_gives_no_name)
{
    uint32_t count = 7;
    char *name = NULL;

    cr_assert(type_readable_name(NULL, NULL, &name, &count));
    cr_expect_null(name);
    cr_expect_eq(count, 0u);
    cr_expect_not(type_is_no_op(NULL));
    cr_expect_not(type_may_be_no_op(NULL));
    cr_expect_not(type_is_certain(NULL));
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
