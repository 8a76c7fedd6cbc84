/*
 * A program that captures itself, compiled as C99 and as C++17 against the installed library by
 * tests/cli/embed_install.sh: one page with three objects, of which a root reaches two.
 *
 *     embedding FILE
 */

#include <rudo_snap.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The page header of rudo-gc 0.8, as far as it is not zero. */
static void make_page(unsigned char *page)
{
    const unsigned char head[] = {0x47, 0x44, 0x55, 0x52, 64, 0, 0, 0, 39, 0, 0x40, 0x06,
                                  0,    0,    0,    0,    1,  0, 0, 0, 0,  0, 0,    0};

    memcpy(page, head, sizeof head);
    page[1056] = 7;
    page[1568] = page[1569] = 0xff;
}

static void set_word(unsigned char *to, uint64_t word)
{
    memcpy(to, &word, sizeof word);
}

int main(int argc, char **argv)
{
    static unsigned char memory[3 * 4096];
    static unsigned char *root;
    unsigned char *page = memory + (4096 - (size_t)((uintptr_t)memory % 4096)) % 4096;
    unsigned char *first = page + 1600, *second = first + 64, *third = second + 64;
    const uint32_t offsets[] = {48};
    rudo_snap_type type;
    rudo_snap_pages pages;
    rudo_snap_root named;
    rudo_snap_options options;
    rudo_snap_result result;

    if (argc != 2)
        return 2;
    make_page(page);
    set_word(first + 24, 0x1234);
    set_word(first + 48, (uint64_t)(uintptr_t)second);
    set_word(first + 56, (uint64_t)(uintptr_t)third); /* a number that looks like a reference */
    root = first;
    type.name = "First";
    type.type_word = 0x1234;
    type.offsets = offsets;
    type.offset_count = 1;
    type.elements_offset = 0;
    pages.address = page;
    pages.bytes = 4096;
    named.name = "root of all";
    named.address = &root;
    rudo_snap_options_init(&options);
    options.pages = &pages;
    options.page_count = 1;
    options.roots = &named;
    options.root_count = 1;
    options.types = &type;
    options.type_count = 1;
    if (rudo_snap_wait(rudo_snap_capture(argv[1], &options), &result) != RUDO_SNAP_DONE) {
        fprintf(stderr, "%s\n", result.message);
        return 1;
    }
    printf("%s %u objects\n", rudo_snap_version(), (unsigned)result.object_count);
    return 0;
}
