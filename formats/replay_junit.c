// JUnit XML about a replay: see formats/replay_junit.h.

#include "formats/replay_junit.h"

#include "formats/junit.h"

static JUnitCase case_at(const void *context, uint64_t index)
{
    const ReplayRecord *record = (const ReplayRecord *)context + index;
    bool has_failed = record->verdict == REPLAY_FAILED;

    return (JUnitCase){.name = record->heap,
                       .outcome = has_failed                 ? JUNIT_ERROR
                                  : record->exit_status != 0 ? JUNIT_FAILURE
                                                             : JUNIT_PASSED,
                       .type = has_failed ? "failed" : "difference",
                       .message = replay_verdict_name(record->verdict),
                       .text = record->text,
                       .reproduce = record->again};
}

bool replay_junit_write(JsonSink sink, const ReplayRecord *records, uint64_t count, Error *error)
{
    JUnitSuite suite = {
        .command = "replay", .count = count, .case_at = case_at, .context = records};

    return junit_write(sink, &suite, error);
}
