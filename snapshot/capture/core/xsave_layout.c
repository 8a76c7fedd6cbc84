// XsaveLayout: see xsave_layout_internal.h. Offsets are those that CPUID leaf 13 gives on such
// CPUs.

#include "snapshot/capture/core/xsave_layout_internal.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#define XSAVE_LEAF 13
#define SUPERVISOR_PART 1u // in ECX: not saved by user programs, not in XCR0

enum {
    PART_AVX = 2,
    PART_MPX_BOUNDS = 3,
    PART_MPX_STATUS = 4,
    PART_MASKS = 5,     // AVX-512: k0 to k7
    PART_ZMM_HIGH = 6,  // the upper halves of zmm0 to zmm15
    PART_ZMM_16_31 = 7, // zmm16 to zmm31
    PART_PKRU = 9,
    PART_TILE_SHAPES = 17, // AMX
    PART_TILES = 18,
};

const XsaveLayout xsave_layouts_known[XSAVE_LAYOUTS_KNOWN] = {
    [XSAVE_INTEL] = {{
        [PART_AVX] = 576 + 256,
        [PART_MPX_BOUNDS] = 960 + 64,
        [PART_MPX_STATUS] = 1024 + 64,
        [PART_MASKS] = 1088 + 64,
        [PART_ZMM_HIGH] = 1152 + 512,
        [PART_ZMM_16_31] = 1664 + 1024,
        [PART_PKRU] = 2688 + 8,
        [PART_TILE_SHAPES] = 2752 + 64,
        [PART_TILES] = 2816 + 8192,
    }},
    [XSAVE_AMD_AVX512] = {{
        [PART_AVX] = 576 + 256,
        [PART_MASKS] = 832 + 64,
        [PART_ZMM_HIGH] = 896 + 512,
        [PART_ZMM_16_31] = 1408 + 1024,
        [PART_PKRU] = 2432 + 8,
    }},
    [XSAVE_AMD] = {{
        [PART_AVX] = 576 + 256,
        [PART_PKRU] = 832 + 8,
    }},
};

void xsave_layout_read_cpu(XsaveLayout *out)
{
    *out = (XsaveLayout){{0}};
#ifdef __x86_64__
    for (unsigned part = PART_AVX; part < 63; part++) {
        unsigned bytes, offset, flags, reserved;

        if (__get_cpuid_count(XSAVE_LEAF, part, &bytes, &offset, &flags, &reserved) != 0 &&
            bytes > 0 && (flags & SUPERVISOR_PART) == 0)
            out->ends[part] = offset + bytes;
    }
#endif
}

uint64_t xsave_layout_bytes(const XsaveLayout *layout, uint64_t xcr0)
{
    uint64_t bytes = XSAVE_LEGACY_BYTES;

    for (unsigned part = PART_AVX; part < 64; part++) {
        if ((xcr0 >> part & 1) == 0)
            continue;
        if (layout->ends[part] == 0)
            return 0;
        if (layout->ends[part] > bytes)
            bytes = layout->ends[part];
    }
    return bytes;
}
