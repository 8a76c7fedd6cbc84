// Runs what is written for <criterion/criterion.h>, where Criterion itself does not work (its
// runner does not start test processes under qemu-user) or takes longer than the tests (it executes
// the program anew for each of them, which a sanitizer makes slow). tests/tests.mk says for which
// variants this is on the include path; all others use Criterion.
//
// Understands what our tests use: Test and TestSuite with .init, .fini and .timeout,
// ParameterizedTest with an array, the classic cr_assert_* and cr_expect_* with a printf message,
// cr_skip_test. Each test runs in a forked
// process of its own, so that a crash or a hang fails one test only; under AddressSanitizer a leak
// fails it, too. main() is here as well: one test file makes one program. Prints TAP to the file of
// --tap=FILE, as Criterion does.

#ifndef TESTS_PLAIN_CRITERION_CRITERION_CRITERION_H
#define TESTS_PLAIN_CRITERION_CRITERION_CRITERION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define CR_HAS_LEAKED() (__lsan_do_recoverable_leak_check() != 0)
#endif
#elif defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#define CR_HAS_LEAKED() (__lsan_do_recoverable_leak_check() != 0)
#endif
#ifndef CR_HAS_LEAKED
#define CR_HAS_LEAKED() false
#endif

#define CR_MAX_TESTS 256
#define CR_SKIPPED 77

struct cr_options {
    bool is_given; // no option of Criterion: without it an initialiser might be empty
    void (*init)(void);
    void (*fini)(void);
    unsigned timeout; // seconds
};

struct cr_parameters {
    size_t size; // of one
    void *values;
    size_t count;
};

struct cr_test {
    const char *suite;
    const char *name;
    void (*run)(void *parameter);
    struct cr_options options;
    struct cr_parameters (*parameters)(void); // NULL: runs once, without one
};

static struct cr_test cr_tests[CR_MAX_TESTS];
static unsigned cr_test_count;
static struct cr_test cr_suites[CR_MAX_TESTS];
static unsigned cr_suite_count;
static bool cr_has_failed;
// Why a test was skipped: written by its process, read by main().
static char *cr_reason;
#define CR_REASON_BYTES 1024

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

#define CR_TEST(PARAMETER, PARAMETERS, SUITE, NAME, ...)                                           \
    static void SUITE##_##NAME##_test(PARAMETER);                                                  \
    static void SUITE##_##NAME##_run(void *parameter)                                              \
    {                                                                                              \
        SUITE##_##NAME##_test(parameter);                                                          \
    }                                                                                              \
    __attribute__((constructor)) static void SUITE##_##NAME##_register(void)                       \
    {                                                                                              \
        cr_tests[cr_test_count++] = (struct cr_test){                                              \
            #SUITE, #NAME, SUITE##_##NAME##_run, {.is_given = true, __VA_ARGS__}, PARAMETERS};     \
    }                                                                                              \
    static void SUITE##_##NAME##_test(PARAMETER)

#define Test(SUITE, NAME, ...)                                                                     \
    CR_TEST(__attribute__((unused)) void *no_parameter, NULL, SUITE, NAME, __VA_ARGS__)
#define ParameterizedTest(PARAMETER, SUITE, NAME, ...)                                             \
    CR_TEST(PARAMETER, SUITE##_##NAME##_parameters, SUITE, NAME, __VA_ARGS__)
#define ParameterizedTestParameters(SUITE, NAME)                                                   \
    static struct cr_parameters SUITE##_##NAME##_parameters(void)
#define cr_make_param_array(TYPE, ARRAY, COUNT) ((struct cr_parameters){sizeof(TYPE), ARRAY, COUNT})

#define TestSuite(SUITE, ...)                                                                      \
    __attribute__((constructor)) static void SUITE##_register_suite(void)                          \
    {                                                                                              \
        cr_suites[cr_suite_count++] =                                                              \
            (struct cr_test){#SUITE, "", NULL, {.is_given = true, __VA_ARGS__}, NULL};             \
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
        (void)snprintf(cr_reason, CR_REASON_BYTES, __VA_ARGS__);                                   \
        _exit(CR_SKIPPED);                                                                         \
    } while (0)

static void cr_run_here(const struct cr_test *test, void *parameter)
{
    struct cr_options options = test->options;

    for (unsigned i = 0; i < cr_suite_count; i++)
        if (strcmp(cr_suites[i].suite, test->suite) == 0) {
            options.init = options.init != NULL ? options.init : cr_suites[i].options.init;
            options.fini = options.fini != NULL ? options.fini : cr_suites[i].options.fini;
            options.timeout = options.timeout != 0 ? options.timeout : cr_suites[i].options.timeout;
        }
    // Emulation and sanitizers are slow: ten times what the test allows itself.
    if (options.timeout != 0)
        (void)alarm(options.timeout * 10);
    if (options.init != NULL)
        options.init();
    test->run(parameter);
    if (options.fini != NULL)
        options.fini();
    if (CR_HAS_LEAKED())
        cr_fail(__FILE__, __LINE__, "the test leaks memory");
    _exit(cr_has_failed ? 1 : 0);
}

static void *cr_parameter(const struct cr_parameters *parameters, size_t index)
{
    return parameters->values == NULL ? NULL
                                      : (char *)parameters->values + index * parameters->size;
}

// Runs it in a process of its own; false when it fails.
static bool cr_run(FILE *tap, const struct cr_test *test, void *parameter)
{
    int status = 0;
    bool is_skipped, is_ok;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0)
        cr_run_here(test, parameter);
    is_ok = child > 0 && waitpid(child, &status, 0) == child;
    is_skipped = is_ok && WIFEXITED(status) && WEXITSTATUS(status) == CR_SKIPPED;
    is_ok = is_skipped || (is_ok && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fprintf(tap, "%s - %s::%s%s%s\n", is_ok ? "ok" : "not ok", test->suite, test->name,
            is_skipped ? " # SKIP " : "", is_skipped ? cr_reason : "");
    if (WIFSIGNALED(status))
        fprintf(tap, "  killed by signal %d\n", WTERMSIG(status));
    return is_ok;
}

int main(int argc, char **argv)
{
    FILE *tap = stdout;
    unsigned ran = 0, failed = 0;

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--tap=", 6) == 0)
            tap = fopen(argv[i] + 6, "w");
    cr_reason =
        mmap(NULL, CR_REASON_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tap == NULL || cr_reason == MAP_FAILED)
        return 2;
    for (unsigned i = 0; i < cr_test_count; i++) {
        const struct cr_test *test = &cr_tests[i];
        struct cr_parameters parameters = {.count = 1};

        if (test->parameters != NULL)
            parameters = test->parameters();
        for (size_t p = 0; p < parameters.count; p++, ran++)
            failed += !cr_run(tap, test, cr_parameter(&parameters, p));
    }
    fprintf(tap, "1..%u\n", ran);
    if (tap != stdout)
        (void)fclose(tap);
    return failed == 0 ? 0 : 1;
}

#endif
