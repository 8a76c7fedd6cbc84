// TAP output: see tests/support/tap.h.

#include "tests/support/tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned count;
static unsigned failed;

__attribute__((format(printf, 2, 0))) static void print_result(bool is_ok, const char *format,
                                                               va_list arguments)
{
    count++;
    if (!is_ok)
        failed++;
    printf("%s %u - ", is_ok ? "ok" : "not ok", count);
    vprintf(format, arguments);
}

bool tap_ok(bool is_ok, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_result(is_ok, format, arguments);
    va_end(arguments);
    printf("\n");
    // At once: what is printed last is what a crash came after.
    fflush(stdout);
    return is_ok;
}

bool tap_equal(uint64_t left, uint64_t right, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_result(left == right, format, arguments);
    va_end(arguments);
    printf("\n");
    if (left != right)
        printf("#   %" PRIu64 " is not %" PRIu64 "\n", left, right);
    fflush(stdout);
    return left == right;
}

void tap_skip(const char *name, const char *reason_format, ...)
{
    va_list arguments;

    printf("ok %u - %s # SKIP ", ++count, name);
    va_start(arguments, reason_format);
    vprintf(reason_format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

void tap_note(const char *format, ...)
{
    va_list arguments;

    printf("# ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

_Noreturn void tap_bail(const char *format, ...)
{
    va_list arguments;

    printf("Bail out! ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    exit(EXIT_FAILURE);
}

int tap_finish(void)
{
    printf("1..%u\n", count);
    fflush(stdout);
    return failed == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
