// Readable names for symbols.

#include "snapshot/capture/names/rust_symbol.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(const char *symbol, const char *expected)
{
    char *name = rust_symbol_demangle(symbol);

    cr_expect_str_eq(name, expected);
    free(name);
}

Test(rust_symbol, v0_mangling_is_undone)
{
    check("_RNvC6_123foo3bar", "123foo::bar");
    check("_RNvMs_NtCs21hi0yVfW1J_7rudo_gc3ptrINtB4_5GcBoxNtCs5l0EXMQXRMU_5types2P1E12trace_fn_for",
          "<rudo_gc::ptr::GcBox<types::P1>>::trace_fn_for");
}

Test(rust_symbol, legacy_mangling_is_undone_and_loses_its_hash)
{
    check("_ZN7rudo_gc3ptr14GcBox$LT$T$GT$12trace_fn_for17h0123456789abcdefE",
          "rudo_gc::ptr::GcBox<T>::trace_fn_for");
}

Test(rust_symbol, the_compilers_suffix_is_cut_off)
{
    check("_RNvC6_123foo3bar.llvm.1234567890", "123foo::bar");
    check("trace_node.llvm.77", "trace_node");
    check("trace.llvm.node", "trace.llvm.node");
    check(".llvm.1", ".llvm.1");
}

Test(rust_symbol, names_of_c_plus_plus_lose_their_parameters)
{
    check("_Z3foov", "foo");
    check("_ZN7rocksdb5Cache3getEi", "rocksdb::Cache::get");
    check("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back");
}

Test(rust_symbol, other_names_stay)
{
    check("trace_node", "trace_node");
    check("_Z3", "_Z3");
    check("_R", "_R");
    check("", "");
}

Test(rust_symbol, what_is_no_clean_text_is_replaced)
{
    check("trace\033[31m\xff", "trace?[31m?");
}

// A v0 name may refer to its own parts: n levels of a pair of the level before.
Test(rust_symbol, a_name_that_grows_out_of_proportion_stays_mangled)
{
    char symbol[1024] = "_RINvC1a1b";
    char level[64];
    char *name;
    size_t previous = 0;

    // Position 0 is behind "_R". The first level is a tuple of two u8.
    for (int i = 0; i < 60; i++) {
        size_t position = strlen(symbol) - 2;
        if (i == 0) {
            (void)snprintf(level, sizeof level, "ThhE");
        } else {
            char back[16];
            // Base 62: position p is written as digits of p - 1, and "_" alone is 0.
            size_t value = previous - 1, length = 0;
            char digits[16];
            do {
                digits[length++] =
                    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 62];
                value /= 62;
            } while (value > 0);
            for (size_t d = 0; d < length; d++)
                back[d] = digits[length - 1 - d];
            back[length] = '\0';
            (void)snprintf(level, sizeof level, "TB%s_B%s_E", back, back);
        }
        previous = position;
        strcat(symbol, level);
    }
    strcat(symbol, "E");
    name = rust_symbol_demangle(symbol);
    cr_expect_str_eq(name, symbol);
    free(name);
}
