// JUnit XML: see formats/junit.h.

#include "formats/junit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "formats/xml_text.h"

static bool put(JsonSink sink, const char *text, Error *error)
{
    return sink.write(sink.context, text, strlen(text), error);
}

// " NAME="TEXT""
static bool put_attribute(JsonSink sink, const char *name, const char *text, Error *error)
{
    return put(sink, " ", error) && put(sink, name, error) && put(sink, "=\"", error) &&
           xml_text_write(sink, text, error) && put(sink, "\"", error);
}

static bool put_outcome(JsonSink sink, const JUnitCase *item, Error *error)
{
    const char *element = item->outcome == JUNIT_ERROR ? "error" : "failure";

    return put(sink, "      <", error) && put(sink, element, error) &&
           put_attribute(sink, "type", item->type, error) &&
           put_attribute(sink, "message", item->message, error) && put(sink, ">", error) &&
           xml_text_write(sink, item->text != NULL ? item->text : "", error) &&
           (item->reproduce == NULL ||
            (put(sink, "\nreproduce: ", error) && xml_text_write(sink, item->reproduce, error))) &&
           put(sink, "</", error) && put(sink, element, error) && put(sink, ">\n", error);
}

static bool put_case(JsonSink sink, const char *command, const JUnitCase *item, Error *error)
{
    char class_name[64];

    (void)snprintf(class_name, sizeof class_name, "rudo-snap.%s", command);
    if (!put(sink, "    <testcase", error) ||
        !put_attribute(sink, "classname", class_name, error) ||
        !put_attribute(sink, "name", item->name, error) || !put(sink, " time=\"0\"", error))
        return false;
    if (item->outcome == JUNIT_PASSED)
        return put(sink, "/>\n", error);
    return put(sink, ">\n", error) && put_outcome(sink, item, error) &&
           put(sink, "    </testcase>\n", error);
}

static bool put_suite(JsonSink sink, const JUnitSuite *suite, Error *error)
{
    uint64_t failures = 0, errors = 0;
    time_t seconds = (time_t)(suite->timestamp_ns / 1000000000);
    char text[400], timestamp[64] = "1970-01-01T00:00:00";
    struct tm utc;

    for (uint64_t i = 0; i < suite->count; i++) {
        JUnitCase item = suite->case_at(suite->context, i);

        errors += item.outcome == JUNIT_ERROR;
        failures += item.outcome == JUNIT_FAILURE;
    }
    // Years of four digits, as the schemas demand.
    if (seconds > 0 && gmtime_r(&seconds, &utc) != NULL && utc.tm_year < 9999 - 1900)
        (void)strftime(timestamp, sizeof timestamp, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text, sizeof text,
                   "  <testsuite name=\"rudo-snap %s\" package=\"rudo-snap\" id=\"0\" "
                   "timestamp=\"%s\" hostname=\"localhost\" tests=\"%" PRIu64
                   "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64
                   "\" skipped=\"0\" time=\"0\">\n    <properties/>\n",
                   suite->command, timestamp, suite->count, failures, errors);
    return put(sink, text, error);
}

bool junit_write(JsonSink sink, const JUnitSuite *suite, Error *error)
{
    if (!put(sink, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", error) ||
        !put_suite(sink, suite, error))
        return false;
    for (uint64_t i = 0; i < suite->count; i++) {
        JUnitCase item = suite->case_at(suite->context, i);

        if (!put_case(sink, suite->command, &item, error))
            return false;
    }
    return put(sink, "    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n",
               error);
}
