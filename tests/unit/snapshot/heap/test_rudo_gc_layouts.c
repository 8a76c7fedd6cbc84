// The layouts of rudo-gc, and which version has which.

#include <criterion/criterion.h>

#include <string.h>

#include "snapshot/heap/rudo_gc_layouts.h"

static const char *layout_of(uint32_t major, uint32_t minor, uint32_t patch)
{
    const HeapLayout *layout = rudo_gc_layout_of((RudoGcVersion){major, minor, patch});

    return layout == NULL ? "" : layout->name;
}

Test(rudo_gc_layouts, every_layout_is_sane_and_found_by_its_name)
{
    const HeapLayout *layout;
    uint32_t count = 0;
    Error error;

    for (; (layout = rudo_gc_layout(count)) != NULL; count++) {
        cr_expect(heap_layout_check(layout, &error), "%s: %s", layout->name, error.message);
        cr_expect_eq(rudo_gc_layout_named(layout->name), layout);
    }
    cr_expect_eq(count, 5);
    cr_expect_null(rudo_gc_layout_named("rudo-gc-0.2"));
    cr_expect_eq(rudo_gc_layout_named("rudo-gc-0.8"), heap_layout_rudo_gc_0_8());
}

Test(rudo_gc_layouts, each_version_has_the_layout_that_it_was_built_with)
{
    cr_expect_str_eq(layout_of(0, 1, 0), "rudo-gc-0.1");
    cr_expect_str_eq(layout_of(0, 2, 3), "rudo-gc-0.1");
    cr_expect_str_eq(layout_of(0, 3, 0), "rudo-gc-0.3");
    cr_expect_str_eq(layout_of(0, 4, 1), "rudo-gc-0.3");
    cr_expect_str_eq(layout_of(0, 5, 0), "rudo-gc-0.5");
    cr_expect_str_eq(layout_of(0, 7, 0), "rudo-gc-0.5");
    cr_expect_str_eq(layout_of(0, 8, 11), "rudo-gc-0.5");
    cr_expect_str_eq(layout_of(0, 8, 12), "rudo-gc-0.8.12");
    cr_expect_str_eq(layout_of(0, 8, 17), "rudo-gc-0.8.12");
    cr_expect_str_eq(layout_of(0, 8, 18), "rudo-gc-0.8");
    cr_expect_str_eq(layout_of(0, 8, 19), "rudo-gc-0.8");
}

Test(rudo_gc_layouts, versions_that_are_not_known_have_none)
{
    cr_expect_str_eq(layout_of(0, 0, 9), "");
    cr_expect_str_eq(layout_of(0, 8, 20), "");
    cr_expect_str_eq(layout_of(0, 9, 0), "");
    cr_expect_str_eq(layout_of(1, 0, 0), "");
    cr_expect_str_eq(layout_of(0, 0, 8019), "");
    cr_expect_str_eq(layout_of(0, UINT32_MAX, UINT32_MAX), "");
}

static uint32_t count_versions(const char *text, RudoGcVersion *last)
{
    size_t position = 0, length = strlen(text);
    uint32_t count = 0;

    while (rudo_gc_version_find((const uint8_t *)text, length, &position, last))
        count++;
    cr_expect_eq(position, length);
    return count;
}

Test(rudo_gc_layouts, a_version_is_read_from_the_name_of_a_source_file)
{
    RudoGcVersion version;

    cr_expect_eq(count_versions("/registry/src/x/rudo-gc-0.8.12/src/heap.rs", &version), 1);
    cr_expect(version.major == 0 && version.minor == 8 && version.patch == 12);
    cr_expect_eq(count_versions("/rudo-gc-0.1.0/src/a.rs/rudo-gc-12.3.45/src/b.rs", &version), 2);
    cr_expect(version.major == 12 && version.minor == 3 && version.patch == 45);
}

Test(rudo_gc_layouts, other_text_is_not_a_version)
{
    RudoGcVersion version;

    cr_expect_eq(count_versions("", &version), 0);
    cr_expect_eq(count_versions("/rudo-gc-", &version), 0);
    cr_expect_eq(count_versions("/rudo-gc-0.8.12/sr", &version), 0);
    cr_expect_eq(count_versions("/rudo-gc-0.8/src/heap.rs", &version), 0);
    cr_expect_eq(count_versions("/rudo-gc-0.8.012/src/heap.rs", &version), 0);
    cr_expect_eq(count_versions("/rudo-gc-0.8.123456/src/heap.rs", &version), 0);
    cr_expect_eq(count_versions("/rudo-gc-derive-0.8.19/src/lib.rs", &version), 0);
    cr_expect_eq(count_versions("/my-rudo-gc-0.8.19/src/lib.rs", &version), 0);
}
