// Sets of types that objects may have, by the symbols of the functions in their headers.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/name_sets.h"

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

// Those of the last find_set(), whose text is still looked at.
static NameSets *kept_sets;

static void find_set(const SnapshotType *trace, const SnapshotType *drop, NameSet *out)
{
    static SnapshotDetails details;
    static SnapshotType types[1], drops[1];
    NameSets *sets;
    Error error;

    name_sets_free(kept_sets);
    details = (SnapshotDetails){.type_count = 1, .types = types, .drop_count = 1, .drops = drops};
    types[0] = trace != NULL ? *trace : (SnapshotType){.symbols = NULL};
    drops[0] = drop != NULL ? *drop : (SnapshotType){.symbols = NULL};
    cr_assert(name_sets_new(&details, &sets, &error));
    cr_assert(name_sets_find(sets, trace != NULL ? types : NULL, drop != NULL ? drops : NULL, out,
                             &error));
    kept_sets = sets;
}

Test(name_sets, the_sets_of_both_functions_narrow_each_other)
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
        NameSet set;

        make_function(cases[i].trace, "trace", &trace, trace_symbols);
        make_function(cases[i].drop, "drop", &drop, drop_symbols);
        find_set(&trace, &drop, &set);
        if (cases[i].name == NULL)
            cr_expect_null(set.text, "case %zu: %s", i, set.text);
        else
            cr_expect(set.text != NULL && strcmp(set.text, cases[i].name) == 0, "case %zu: %s", i,
                      set.text);
        cr_expect_eq(set.count, cases[i].count, "case %zu: %u", i, set.count);
        free_symbols(&trace);
        free_symbols(&drop);
    }
}

Test(name_sets, nothing_known_gives_no_name)
{
    NameSet set;

    find_set(NULL, NULL, &set);
    cr_expect_null(set.text);
    cr_expect_eq(set.count, 0u);
    cr_expect_eq(name_sets_meanings(NULL, NULL), 0u);
}

// The symbols of types "prefix0" and so on.
static void make_many(const char *prefix, uint32_t count, SnapshotType *function)
{
    *function = (SnapshotType){.symbols = calloc(count, sizeof *function->symbols)};
    for (; function->symbol_count < count; function->symbol_count++)
        cr_assert_gt(asprintf(&function->symbols[function->symbol_count],
                              "<rudo_gc::ptr::GcBox<%s%u>>::trace_fn_for", prefix,
                              function->symbol_count),
                     0);
}

Test(name_sets, long_sets_and_names_are_cut_and_told_apart_by_a_hash)
{
    SnapshotType many, others;
    char *text;
    NameSet set;

    make_many("shop::Order", 3000, &many);
    find_set(&many, NULL, &set);
    cr_expect_eq(set.count, 3000u);
    cr_expect_leq(strlen(set.text), NAME_SET_BYTES + 40);
    cr_expect_eq(strncmp(set.text, "shop::Order0 | shop::Order1 | ", 30), 0, "%s", set.text);
    cr_expect_not_null(strstr(set.text, " more #"));
    text = strdup(set.text);
    free(many.symbols[2999]);
    many.symbols[2999] = strdup("<rudo_gc::ptr::GcBox<shop::Cart>>::trace_fn_for");
    find_set(&many, NULL, &set);
    cr_expect_str_neq(set.text, text);
    free(text);
    free_symbols(&many);
    free(many.symbols);

    text = malloc(60001);
    memset(text, 'a', 60000);
    text[60000] = '\0';
    make_many(text, 1, &others);
    find_set(&others, NULL, &set);
    cr_expect_eq(set.count, 1u);
    cr_expect_leq(strlen(set.text), NAME_SET_BYTES);
    cr_expect_not_null(strstr(set.text, "..."));
    free(text);
    free_symbols(&others);
    free(others.symbols);
}

static void release(void)
{
    name_sets_free(kept_sets);
}

TestSuite(name_sets, .fini = release);
