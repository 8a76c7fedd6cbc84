// A stand-in for <criterion/criterion.h> where Criterion itself cannot run: its runner does not
// start test processes under qemu-user. Only `make check-aarch64` puts this on the include path.
//
// Understands what our tests use: Test and TestSuite with .init, .fini and .timeout, the classic
// cr_assert_* and cr_expect_* with a printf message, cr_skip_test. Each test runs in a process of
// its own, like Criterion's, so that a crash or a hang fails one test only. main() is here, too:
// one test file makes one program. Prints TAP to the file of --tap=FILE, as Criterion does.

#ifndef TESTS_PLAIN_CRITERION_CRITERION_CRITERION_H
#define TESTS_PLAIN_CRITERION_CRITERION_CRITERION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CR_MAX_TESTS 256
#define CR_SKIPPED 77

struct cr_options {
    void (*init)(void);
    void (*fini)(void);
    unsigned timeout; // seconds
};

struct cr_test {
    const char *suite;
    const char *name;
    void (*run)(void);
    struct cr_options options;
};

static struct cr_test cr_tests[CR_MAX_TESTS];
static unsigned cr_test_count;
static struct cr_test cr_suites[CR_MAX_TESTS];
static unsigned cr_suite_count;
static bool cr_has_failed;

__attribute__((format(printf, 3, 4), unused)) static void cr_fail(const char *file, int line,
                                                                  const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    cr_has_failed = true;
}

#define Test(SUITE, NAME, ...)                                                                     \
    static void SUITE##_##NAME##_test(void);                                                       \
    __attribute__((constructor)) static void SUITE##_##NAME##_register(void)                       \
    {                                                                                              \
        cr_tests[cr_test_count++] =                                                                \
            (struct cr_test){#SUITE, #NAME, SUITE##_##NAME##_test, {__VA_ARGS__}};                 \
    }                                                                                              \
    static void SUITE##_##NAME##_test(void)

#define TestSuite(SUITE, ...)                                                                      \
    __attribute__((constructor)) static void SUITE##_register_suite(void)                          \
    {                                                                                              \
        cr_suites[cr_suite_count++] = (struct cr_test){#SUITE, "", NULL, {__VA_ARGS__}};           \
    }                                                                                              \
    __attribute__((unused)) static const char SUITE##_suite_name[] = #SUITE

// The message, if there is one, follows the condition.
#define CR_CHECK(CONDITION, TEXT, IS_FATAL, ...)                                                   \
    do {                                                                                           \
        if (!(CONDITION)) {                                                                        \
            cr_fail(__FILE__, __LINE__, "failed: %s", TEXT);                                       \
            __VA_OPT__(cr_fail(__FILE__, __LINE__, __VA_ARGS__);)                                  \
            if (IS_FATAL)                                                                          \
                _exit(1);                                                                          \
        }                                                                                          \
    } while (0)

#define cr_assert(C, ...) CR_CHECK(C, #C, true, __VA_ARGS__)
#define cr_expect(C, ...) CR_CHECK(C, #C, false, __VA_ARGS__)
#define cr_assert_fail(...) CR_CHECK(false, "fail", true, __VA_ARGS__)
#define cr_assert_not(C, ...) CR_CHECK(!(C), "!(" #C ")", true, __VA_ARGS__)
#define cr_expect_not(C, ...) CR_CHECK(!(C), "!(" #C ")", false, __VA_ARGS__)
#define cr_assert_null(P, ...) CR_CHECK((P) == NULL, #P " == NULL", true, __VA_ARGS__)
#define cr_expect_null(P, ...) CR_CHECK((P) == NULL, #P " == NULL", false, __VA_ARGS__)
#define cr_assert_not_null(P, ...) CR_CHECK((P) != NULL, #P " != NULL", true, __VA_ARGS__)
#define cr_expect_not_null(P, ...) CR_CHECK((P) != NULL, #P " != NULL", false, __VA_ARGS__)
#define CR_COMPARE(A, OP, B, F, ...) CR_CHECK((A)OP(B), #A " " #OP " " #B, F, __VA_ARGS__)
#define cr_assert_eq(A, B, ...) CR_COMPARE(A, ==, B, true, __VA_ARGS__)
#define cr_expect_eq(A, B, ...) CR_COMPARE(A, ==, B, false, __VA_ARGS__)
#define cr_assert_neq(A, B, ...) CR_COMPARE(A, !=, B, true, __VA_ARGS__)
#define cr_expect_neq(A, B, ...) CR_COMPARE(A, !=, B, false, __VA_ARGS__)
#define cr_assert_lt(A, B, ...) CR_COMPARE(A, <, B, true, __VA_ARGS__)
#define cr_expect_lt(A, B, ...) CR_COMPARE(A, <, B, false, __VA_ARGS__)
#define cr_assert_leq(A, B, ...) CR_COMPARE(A, <=, B, true, __VA_ARGS__)
#define cr_expect_leq(A, B, ...) CR_COMPARE(A, <=, B, false, __VA_ARGS__)
#define cr_assert_gt(A, B, ...) CR_COMPARE(A, >, B, true, __VA_ARGS__)
#define cr_expect_gt(A, B, ...) CR_COMPARE(A, >, B, false, __VA_ARGS__)
#define cr_assert_geq(A, B, ...) CR_COMPARE(A, >=, B, true, __VA_ARGS__)
#define cr_expect_geq(A, B, ...) CR_COMPARE(A, >=, B, false, __VA_ARGS__)

#define cr_log_info(...) ((void)fprintf(stderr, "# " __VA_ARGS__), (void)fputc('\n', stderr))
#define cr_assert_str_eq(A, B, ...) CR_CHECK(strcmp(A, B) == 0, #A " eq " #B, true, __VA_ARGS__)
#define cr_expect_str_eq(A, B, ...) CR_CHECK(strcmp(A, B) == 0, #A " eq " #B, false, __VA_ARGS__)
#define cr_expect_str_neq(A, B, ...) CR_CHECK(strcmp(A, B) != 0, #A " neq " #B, false, __VA_ARGS__)
#define cr_expect_arr_eq(A, B, SIZE, ...)                                                          \
    CR_CHECK(memcmp(A, B, SIZE) == 0, #A " arr_eq " #B, false, __VA_ARGS__)
#define cr_skip_test(...)                                                                          \
    do {                                                                                           \
        fprintf(stderr, "skipped: " __VA_ARGS__);                                                  \
        _exit(CR_SKIPPED);                                                                         \
    } while (0)

static void cr_run_here(const struct cr_test *test)
{
    struct cr_options options = test->options;

    for (unsigned i = 0; i < cr_suite_count; i++)
        if (strcmp(cr_suites[i].suite, test->suite) == 0) {
            options.init = options.init != NULL ? options.init : cr_suites[i].options.init;
            options.fini = options.fini != NULL ? options.fini : cr_suites[i].options.fini;
            options.timeout = options.timeout != 0 ? options.timeout : cr_suites[i].options.timeout;
        }
    // Emulation is slow: ten times what the test allows itself.
    if (options.timeout != 0)
        (void)alarm(options.timeout * 10);
    if (options.init != NULL)
        options.init();
    test->run();
    if (options.fini != NULL)
        options.fini();
    _exit(cr_has_failed ? 1 : 0);
}

int main(int argc, char **argv)
{
    FILE *tap = stdout;
    unsigned failed = 0;

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--tap=", 6) == 0)
            tap = fopen(argv[i] + 6, "w");
    if (tap == NULL)
        return 2;
    fprintf(tap, "1..%u\n", cr_test_count);
    for (unsigned i = 0; i < cr_test_count; i++) {
        const struct cr_test *test = &cr_tests[i];
        int status = 0;
        (void)fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            cr_run_here(test);
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 2;
        bool is_skipped = WIFEXITED(status) && WEXITSTATUS(status) == CR_SKIPPED;
        bool is_ok = is_skipped || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
        failed += !is_ok;
        fprintf(tap, "%s - %s::%s%s\n", is_ok ? "ok" : "not ok", test->suite, test->name,
                is_skipped ? " # SKIP it says so" : "");
        if (WIFSIGNALED(status))
            fprintf(tap, "  killed by signal %d\n", WTERMSIG(status));
    }
    if (tap != stdout)
        (void)fclose(tap);
    return failed == 0 ? 0 : 1;
}

#endif
