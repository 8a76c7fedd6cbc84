// JUnit XML: the elements and attributes that the stricter schemas demand, in their order.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/junit.h"

static const JUnitCase cases[] = {
    {.name = "count(a::B<C>) <= 1"},
    {.name = "\"x\" & y",
     .outcome = JUNIT_FAILURE,
     .type = "exceeded",
     .message = "3 > 1",
     .text = "line 1\nline 2",
     .reproduce = "rudo-snap check"},
    {.name = "damaged", .outcome = JUNIT_ERROR, .type = "failed", .message = "cut"},
};

static JUnitCase case_at(const void *context, uint64_t index)
{
    (void)context;
    return cases[index];
}

static bool append(void *context, const char *bytes, size_t count, Error *error)
{
    (void)error;
    return fwrite(bytes, 1, count, context) == count;
}

static char *text_of(int64_t timestamp_ns, uint64_t count)
{
    JUnitSuite suite = {
        .command = "check", .timestamp_ns = timestamp_ns, .count = count, .case_at = case_at};
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    Error error;

    cr_assert(junit_write((JsonSink){append, stream}, &suite, &error));
    (void)fclose(stream);
    return text;
}

Test(junit, a_document)
{
    char *text = text_of(INT64_C(1795356191000000000), 3);

    cr_expect_str_eq(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites>\n"
        "  <testsuite name=\"rudo-snap check\" package=\"rudo-snap\" id=\"0\" "
        "timestamp=\"2026-11-22T14:03:11\" hostname=\"localhost\" tests=\"3\" failures=\"1\" "
        "errors=\"1\" skipped=\"0\" time=\"0\">\n"
        "    <properties/>\n"
        "    <testcase classname=\"rudo-snap.check\" name=\"count(a::B&lt;C&gt;) &lt;= 1\" "
        "time=\"0\"/>\n"
        "    <testcase classname=\"rudo-snap.check\" name=\"&quot;x&quot; &amp; y\" time=\"0\">\n"
        "      <failure type=\"exceeded\" message=\"3 &gt; 1\">line 1\nline 2\n"
        "reproduce: rudo-snap check</failure>\n"
        "    </testcase>\n"
        "    <testcase classname=\"rudo-snap.check\" name=\"damaged\" time=\"0\">\n"
        "      <error type=\"failed\" message=\"cut\"></error>\n"
        "    </testcase>\n"
        "    <system-out/>\n"
        "    <system-err/>\n"
        "  </testsuite>\n"
        "</testsuites>\n");
    free(text);
}

Test(junit, times_that_are_not_known_are_the_first_of_all)
{
    static const int64_t times[] = {0, -1, INT64_MIN};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char *text = text_of(times[i], 0);

        cr_expect_not_null(strstr(text, "timestamp=\"1970-01-01T00:00:00\""));
        cr_expect_not_null(strstr(text, "tests=\"0\""));
        free(text);
    }
}
