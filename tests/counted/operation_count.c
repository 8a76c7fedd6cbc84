// Counts the operations of a program, so that growth can be tested without a clock: the compiler
// (-fsanitize-coverage=trace-pc) calls the function below at each basic block of the rooms that
// tests/tests.mk lists, and the linker (--wrap) sends comparisons of texts here, which count by
// their length. At the end the sum is written to the file that RUDO_SNAP_COUNT names.
//
// A loop that is compiled cannot hide from it, whatever it does: no code counts itself.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Bytes of text that are compared in the time of one basic block, about.
#define BYTES_A_BLOCK 32u

void __sanitizer_cov_trace_pc(void);
int __real_strcmp(const char *left, const char *right);
int __wrap_strcmp(const char *left, const char *right);

static uint64_t operations;

void __sanitizer_cov_trace_pc(void)
{
    // Relaxed: a sum that is read when all threads have ended.
    (void)__atomic_fetch_add(&operations, 1, __ATOMIC_RELAXED);
}

int __wrap_strcmp(const char *left, const char *right)
{
    size_t length = 0;

    while (left[length] != '\0' && left[length] == right[length])
        length++;
    (void)__atomic_fetch_add(&operations, 1 + length / BYTES_A_BLOCK, __ATOMIC_RELAXED);
    return __real_strcmp(left, right);
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("RUDO_SNAP_COUNT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;

    if (file == NULL)
        return;
    (void)fprintf(file, "%llu\n",
                  (unsigned long long)__atomic_load_n(&operations, __ATOMIC_RELAXED));
    (void)fclose(file);
}
