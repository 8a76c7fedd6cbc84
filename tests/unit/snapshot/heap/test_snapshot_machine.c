// Machines have the names that people use, and a file that does not say its machine is of x86-64.

#include <criterion/criterion.h>

#include "snapshot/heap/snapshot_machine.h"

Test(snapshot_machine, machines_have_names)
{
    char text[SNAPSHOT_MACHINE_CHARS];

    cr_expect_str_eq(snapshot_machine_name(0, text), "x86-64");
    cr_expect_str_eq(snapshot_machine_name(SNAPSHOT_MACHINE_X86_64, text), "x86-64");
    cr_expect_str_eq(snapshot_machine_name(SNAPSHOT_MACHINE_AARCH64, text), "aarch64");
    cr_expect_str_eq(snapshot_machine_name(243, text), "ELF machine 243");
    cr_expect_str_eq(snapshot_machine_name(UINT32_MAX, text), "ELF machine 4294967295");
}

Test(snapshot_machine, a_file_that_does_not_say_it_is_of_x86_64)
{
    cr_expect_eq(snapshot_machine_number(0), SNAPSHOT_MACHINE_X86_64);
    cr_expect_eq(snapshot_machine_number(SNAPSHOT_MACHINE_AARCH64), SNAPSHOT_MACHINE_AARCH64);
}
