// XsaveLayout: where a kind of CPU puts the parts of an XSAVE area in standard form, the form in
// which a core file has a thread's vector registers (NT_X86_XSTATE).
//
// The parts up to AVX lie at the same place on every CPU, the others do not: AVX-512 begins at byte
// 1,088 on Intel's CPUs, behind MPX, and at 832 on AMD's, which have no MPX. The area says which
// parts it has (XCR0), but not where they are, so only its size can be checked against a layout.

#ifndef SNAPSHOT_CAPTURE_CORE_XSAVE_LAYOUT_INTERNAL_H
#define SNAPSHOT_CAPTURE_CORE_XSAVE_LAYOUT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#define XSAVE_LEGACY_BYTES 576u // x87 and SSE registers, and the header: in every area

// The parts' ends in bytes, by their bits in XCR0; 0: the CPU has no such part. Bits 0 and 1 are
// the legacy region's.
typedef struct XsaveLayout {
    uint32_t ends[64];
} XsaveLayout;

// The layouts of known CPUs.
enum { XSAVE_INTEL, XSAVE_AMD_AVX512, XSAVE_AMD, XSAVE_LAYOUTS_KNOWN };
extern const XsaveLayout xsave_layouts_known[XSAVE_LAYOUTS_KNOWN];

// Reads the layout of the CPU that this runs on (CPUID leaf 13); it has no parts if that is not an
// x86-64 CPU.
void xsave_layout_read_cpu(XsaveLayout *out);

// The bytes of an area with the parts in `xcr0`; 0 when the layout lacks one of them.
uint64_t xsave_layout_bytes(const XsaveLayout *layout, uint64_t xcr0);

#endif
