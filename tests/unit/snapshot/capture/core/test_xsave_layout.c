// XsaveLayout: the sizes of XSAVE areas of several CPUs, and of the one at hand.

#include "snapshot/capture/core/xsave_layout_internal.h"

#include <criterion/criterion.h>

#define AVX UINT64_C(0x7)
#define AVX512 UINT64_C(0xe7)
#define PKRU UINT64_C(0x200)
#define AMX UINT64_C(0x60000)

static uint64_t bytes_of(int layout, uint64_t xcr0)
{
    return xsave_layout_bytes(&xsave_layouts_known[layout], xcr0);
}

Test(xsave_layout, areas_end_with_their_last_part)
{
    cr_expect_eq(bytes_of(XSAVE_INTEL, 3), 576u);
    cr_expect_eq(bytes_of(XSAVE_INTEL, AVX), 832u);
    cr_expect_eq(bytes_of(XSAVE_INTEL, AVX512), 2688u);
    cr_expect_eq(bytes_of(XSAVE_INTEL, AVX512 | PKRU), 2696u);
    cr_expect_eq(bytes_of(XSAVE_INTEL, AVX512 | PKRU | AMX), 11008u);
    cr_expect_eq(bytes_of(XSAVE_AMD_AVX512, AVX512), 2432u);
    cr_expect_eq(bytes_of(XSAVE_AMD_AVX512, AVX512 | PKRU), 2440u);
    cr_expect_eq(bytes_of(XSAVE_AMD, AVX | PKRU), 840u);
}

Test(xsave_layout, parts_that_a_cpu_lacks_have_no_size)
{
    cr_expect_eq(bytes_of(XSAVE_AMD_AVX512, AVX512 | AMX), 0u);
    cr_expect_eq(bytes_of(XSAVE_AMD, AVX512), 0u);
    cr_expect_eq(bytes_of(XSAVE_INTEL, UINT64_C(1) << 62), 0u);
}

Test(xsave_layout, every_cpu_has_avx_at_the_same_place)
{
    XsaveLayout cpu;

    xsave_layout_read_cpu(&cpu);
    cr_expect(cpu.ends[2] == 0 || cpu.ends[2] == 832);
    cr_expect_eq(xsave_layout_bytes(&cpu, 3), 576u);
}
