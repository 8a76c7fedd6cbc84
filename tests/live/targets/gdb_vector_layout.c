// Does this CPU lay out its vector registers as gdb before version 14 takes every CPU to do? Prints
// "same" or "other". (Intel's offsets, of the parts that such a gdb knows: CPUID leaf 13.)

#include <stdio.h>

#ifdef __x86_64__
#include <cpuid.h>

static unsigned enabled_parts(void)
{
    unsigned low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int has_xgetbv(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) != 0;
}

int main(void)
{
    static const struct {
        unsigned part;
        unsigned offset;
    } gdbs[] = {{2, 576}, {3, 960}, {4, 1024}, {5, 1088}, {6, 1152}, {7, 1664}, {9, 2688}};
    unsigned parts = has_xgetbv() ? enabled_parts() : 0;

    for (unsigned i = 0; i < sizeof gdbs / sizeof gdbs[0]; i++) {
        unsigned bytes, offset, c, d;

        if ((parts >> gdbs[i].part & 1) != 0 &&
            __get_cpuid_count(13, gdbs[i].part, &bytes, &offset, &c, &d) &&
            offset != gdbs[i].offset) {
            puts("other");
            return 0;
        }
    }
    puts("same");
    return 0;
}
#else
int main(void)
{
    puts("same");
    return 0;
}
#endif
