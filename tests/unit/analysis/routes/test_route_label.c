// Fingerprints of leaks: equal for what is the same leak, different for what is not.

#include <criterion/criterion.h>
#include <string.h>

#include "analysis/routes/route_label.h"

static bool is_same(const char *path, const char *type, uint64_t variable, const char *other_path,
                    const char *other_type, uint64_t other_variable)
{
    char first[ROUTE_FINGERPRINT_CHARS], second[ROUTE_FINGERPRINT_CHARS];
    Error error;

    cr_assert(route_fingerprint(path, type, variable, first, &error));
    cr_assert(route_fingerprint(other_path, other_type, other_variable, second, &error));
    cr_expect(route_fingerprint_is_valid(first));
    return strcmp(first, second) == 0;
}

// Budgets hold fingerprints: they must not change.
Test(route_label, fingerprints_are_those_of_earlier_versions)
{
    char text[ROUTE_FINGERPRINT_CHARS];
    Error error;

    cr_assert(route_fingerprint("shop::App.audit.subscribers", "shop::Subscription", NO_FIELD, text,
                                &error));
    cr_expect_str_eq(text, "80df368a");
    cr_assert(route_fingerprint("", "shop::Order", 42, text, &error));
    cr_expect_str_eq(text, "d5f63d5d");
}

Test(route_label, path_and_type_decide)
{
    cr_expect_not(is_same("a.b", "T", NO_FIELD, "a.c", "T", NO_FIELD));
    cr_expect_not(is_same("a.b", "T", NO_FIELD, "a.b", "U", NO_FIELD));
    cr_expect_not(is_same("a", "b", NO_FIELD, "", "a\nb", NO_FIELD));
}

Test(route_label, numbers_of_types_without_names_do_not_count)
{
    cr_expect(is_same("", "type #7 (trace shop+0x1f40)", NO_FIELD, "",
                      "type #12 (trace shop+0x1f40)", NO_FIELD));
    cr_expect_not(is_same("", "type #7 (trace shop+0x1f40)", NO_FIELD, "",
                          "type #7 (trace shop+0x1f50)", NO_FIELD));
    cr_expect_not(is_same("", "[u8; 4]", NO_FIELD, "", "[u8; 5]", NO_FIELD));
    cr_expect_not(is_same("App+136", "T", NO_FIELD, "App+144", "T", NO_FIELD));
}

Test(route_label, variables_tell_crowds_of_roots_apart)
{
    cr_expect_not(is_same("", "T", 1, "", "T", 2));
    cr_expect_not(is_same("", "T", 1, "", "T", NO_FIELD));
    // Below an object the path tells them apart.
    cr_expect(is_same("App.orders", "T", 1, "App.orders", "T", 2));
}

Test(route_label, what_is_a_fingerprint)
{
    cr_expect(route_fingerprint_is_valid("9f31C2aa"));
    cr_expect_not(route_fingerprint_is_valid("9f31c2a"));
    cr_expect_not(route_fingerprint_is_valid("9f31c2aa0"));
    cr_expect_not(route_fingerprint_is_valid("9f31c2ag"));
    cr_expect_not(route_fingerprint_is_valid(""));
}
