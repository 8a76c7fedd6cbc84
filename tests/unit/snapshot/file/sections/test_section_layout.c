// The machine stands behind the layout, and only where it is not x86-64: other files keep their
// bytes.

#include <criterion/criterion.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/snapshot_machine.h"

#define LAYOUT_BYTES 216u // without the steps, as format 1.0 has it
#define STEPS_BYTES 8u

static Error error;

// Encodes, and decodes the first `bytes` of it.
static bool decode(uint32_t machine, size_t cut, size_t *bytes, uint32_t *found)
{
    ByteBuffer buffer = {0};
    ByteCursor cursor;
    HeapLayout layout;
    bool ok;

    section_encode_layout(&buffer, heap_layout_rudo_gc_0_8(), machine);
    *bytes = buffer.length;
    cursor = (ByteCursor){.bytes = buffer.bytes, .length = buffer.length - cut};
    ok = section_decode_layout(&cursor, &layout, found, &error);
    cr_expect(!ok || memcmp(&layout, heap_layout_rudo_gc_0_8(), sizeof layout) == 0);
    byte_buffer_release(&buffer);
    return ok;
}

Test(section_layout, the_machine_is_kept)
{
    static const uint32_t machines[] = {SNAPSHOT_MACHINE_AARCH64, 243, UINT32_MAX};
    uint32_t found;
    size_t bytes;

    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        cr_assert(decode(machines[i], 0, &bytes, &found), "%s", error.message);
        cr_expect_eq(bytes, LAYOUT_BYTES + STEPS_BYTES + 4);
        cr_expect_eq(found, machines[i]);
    }
}

Test(section_layout, of_x86_64_it_is_left_out)
{
    static const uint32_t machines[] = {0, SNAPSHOT_MACHINE_X86_64};
    uint32_t found;
    size_t bytes;

    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        cr_assert(decode(machines[i], 0, &bytes, &found), "%s", error.message);
        cr_expect_eq(bytes, LAYOUT_BYTES);
        cr_expect_eq(snapshot_machine_number(found), SNAPSHOT_MACHINE_X86_64);
    }
}

Test(section_layout, a_part_of_a_machine_is_refused)
{
    uint32_t found;
    size_t bytes;

    for (size_t cut = 1; cut < 4; cut++) {
        cr_expect_not(decode(SNAPSHOT_MACHINE_AARCH64, cut, &bytes, &found));
        cr_expect_eq(error.code, ERROR_CORRUPT);
    }
    cr_expect(decode(SNAPSHOT_MACHINE_AARCH64, 4, &bytes, &found));
    cr_expect_eq(snapshot_machine_number(found), SNAPSHOT_MACHINE_X86_64);
}
