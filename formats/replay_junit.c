// JUnit XML about a replay: see formats/replay_junit.h.

#include "formats/replay_junit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "formats/xml_text.h"

static bool put(JsonSink sink, const char *text, Error *error)
{
    return sink.write(sink.context, text, strlen(text), error);
}

static bool put_case(JsonSink sink, const ReplayRecord *record, Error *error)
{
    const char *element = record->verdict == REPLAY_FAILED ? "error" : "failure";

    if (!put(sink, "    <testcase classname=\"rudo-snap.replay\" name=\"", error) ||
        !xml_text_write(sink, record->heap, error))
        return false;
    if (record->exit_status == 0)
        return put(sink, "\"/>\n", error);
    return put(sink, "\">\n      <", error) && put(sink, element, error) &&
           put(sink, " message=\"", error) &&
           xml_text_write(sink, replay_verdict_name(record->verdict), error) &&
           put(sink, "\">", error) &&
           xml_text_write(sink, record->text != NULL ? record->text : "", error) &&
           (record->again == NULL ||
            (put(sink, "\nreproduce: ", error) && xml_text_write(sink, record->again, error))) &&
           put(sink, "</", error) && put(sink, element, error) &&
           put(sink, ">\n    </testcase>\n", error);
}

bool replay_junit_write(JsonSink sink, const ReplayRecord *records, uint64_t count, Error *error)
{
    uint64_t failures = 0, errors = 0;
    char text[256];

    for (uint64_t i = 0; i < count; i++) {
        errors += records[i].verdict == REPLAY_FAILED;
        failures += records[i].verdict != REPLAY_FAILED && records[i].exit_status != 0;
    }
    (void)snprintf(text, sizeof text,
                   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<testsuites>\n"
                   "  <testsuite name=\"rudo-snap replay\" tests=\"%" PRIu64
                   "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\" skipped=\"0\">\n",
                   count, failures, errors);
    if (!put(sink, text, error))
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!put_case(sink, &records[i], error))
            return false;
    return put(sink, "  </testsuite>\n</testsuites>\n", error);
}
