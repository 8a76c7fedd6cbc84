// The layouts of rudo-gc: see snapshot/heap/rudo_gc_layouts.h.
//
// Read from the sources of the published versions (PageHeader in heap.rs, GcBox in ptr.rs), and
// compared with programs that know the truth about their heaps, one built with each version.

#include "snapshot/heap/rudo_gc_layouts.h"

#include <string.h>

// All versions: the first 14 bytes of a page header, and the first 32 of an object header.
#define COMMON                                                                                     \
    .page_size = 4096, .magic_value = 0x52554447, .magic = {0, 4}, .block_size = {4, 4},           \
    .object_count = {8, 2}, .header_size = {10, 2}, .generation = {12, 1}, .flags = {13, 1},       \
    .bitmap_words = 64, .min_block_size = 16, .max_block_size = 2048,                              \
    .large_header_alignment = 16, .max_generation = 1, .flag_large = 0x01, .flag_orphan = 0x02,    \
    .reference_count = {0, 8}, .weak_count = {8, 8}, .dead_bit = UINT64_C(1) << 63,                \
    .under_construction_bit = UINT64_C(1) << 62, .drop_function = {16, 8}, .type_word = {24, 8},   \
    .free_link_bytes = 8

// From 0.3: a page header of 1,576 bytes, and a word in the object header that says whether the
// object is being dropped.
#define FROM_0_3                                                                                   \
    COMMON, .page_header_bytes = 1576, .mark_bitmap = 32, .dirty_bitmap = 544,                     \
            .allocated_bitmap = 1056, .dropping = {32, 8}

// From 0.5: pages are swept lazily.
#define FROM_0_5                                                                                   \
    FROM_0_3, .dead_count = {24, 2}, .free_list_head = {1568, 2}, .free_list_none = 0xffff,        \
              .flag_needs_sweep = 0x04, .flag_all_dead = 0x08, .flag_dirty_listed = 0x10

// From 0.8.12: owners are numbers counted from 1, not addresses.
#define FROM_0_8_12                                                                                \
    FROM_0_5, .owner_thread = {16, 8}, .min_owner_thread = 1, .max_owner_thread = 999999,          \
              .old_bit = UINT64_C(1) << 61

static const HeapLayout layouts[] = {
    {
        COMMON,
        .name = "rudo-gc-0.1",
        .page_header_bytes = 1560,
        .mark_bitmap = 16,
        .dirty_bitmap = 528,
        .allocated_bitmap = 1040,
        .max_owner_thread = UINT32_MAX,
        .object_header_bytes = 32,
    },
    {FROM_0_3, .name = "rudo-gc-0.3", .max_owner_thread = UINT32_MAX, .object_header_bytes = 40},
    {FROM_0_5, .name = "rudo-gc-0.5", .max_owner_thread = UINT32_MAX, .object_header_bytes = 40},
    {FROM_0_8_12, .name = "rudo-gc-0.8.12", .object_header_bytes = 40},
    // From 0.8.18 each object has a generation.
    {
        FROM_0_8_12,
        .name = "rudo-gc-0.8",
        .object_header_bytes = 48,
        .object_generation = {40, 4},
    },
};

#define LAYOUT_COUNT (sizeof layouts / sizeof layouts[0])

// The first and the last version of each layout, as 1,000,000 times the major, 1,000 times the
// minor version, and the patch level.
static const struct {
    uint32_t first;
    uint32_t last;
} versions[LAYOUT_COUNT] = {
    {1000, 2003}, {3000, 4001}, {5000, 8011}, {8012, 8017}, {8018, 8019},
};

const HeapLayout *heap_layout_rudo_gc_0_8(void)
{
    return &layouts[LAYOUT_COUNT - 1];
}

const HeapLayout *rudo_gc_layout(uint32_t index)
{
    return index < LAYOUT_COUNT ? &layouts[index] : NULL;
}

const HeapLayout *rudo_gc_layout_named(const char *name)
{
    for (uint32_t i = 0; i < LAYOUT_COUNT; i++)
        if (strcmp(layouts[i].name, name) == 0)
            return &layouts[i];
    return NULL;
}

const HeapLayout *rudo_gc_layout_of(RudoGcVersion version)
{
    uint64_t number =
        UINT64_C(1000000) * version.major + UINT64_C(1000) * version.minor + version.patch;

    if (version.minor > 999 || version.patch > 999)
        return NULL;
    for (uint32_t i = 0; i < LAYOUT_COUNT; i++)
        if (number >= versions[i].first && number <= versions[i].last)
            return &layouts[i];
    return NULL;
}

// Reads a number of at most five digits without leading zeros; *at moves behind it.
static bool read_number(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
    const uint8_t *digit = *at;

    *out = 0;
    while (digit < end && *digit >= '0' && *digit <= '9' && digit - *at < 5)
        *out = *out * 10 + (uint32_t)(*digit++ - '0');
    if (digit == *at || (**at == '0' && digit - *at > 1))
        return false;
    *at = digit;
    return true;
}

static bool read_text(const uint8_t **at, const uint8_t *end, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0)
        return false;
    *at += length;
    return true;
}

bool rudo_gc_version_find(const uint8_t *bytes, size_t length, size_t *position, RudoGcVersion *out)
{
    static const char before[] = "/rudo-gc-";
    const uint8_t *end = bytes + length;

    while (*position < length) {
        const uint8_t *at =
            memmem(bytes + *position, length - *position, before, sizeof before - 1);
        RudoGcVersion version;

        if (at == NULL)
            break;
        at += sizeof before - 1;
        *position = (size_t)(at - bytes);
        if (read_number(&at, end, &version.major) && read_text(&at, end, ".") &&
            read_number(&at, end, &version.minor) && read_text(&at, end, ".") &&
            read_number(&at, end, &version.patch) && read_text(&at, end, "/src/")) {
            *out = version;
            return true;
        }
    }
    *position = length;
    return false;
}
