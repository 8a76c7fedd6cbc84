// PauseCertificate: see pause_certificate.h.

#include "snapshot/heap/pause_certificate.h"

const char *collection_state_name(CollectionState state)
{
    switch (state) {
    case COLLECTION_NONE:
        return "none";
    case COLLECTION_RUNNING:
        return "running";
    case COLLECTION_UNKNOWN:
    case COLLECTION_STATE_COUNT:
        break;
    }
    return "unknown";
}

const char *snapshot_moment_name(SnapshotMoment moment)
{
    switch (moment) {
    case MOMENT_SINGLE:
        return "single";
    case MOMENT_NONE:
        return "none";
    case MOMENT_UNKNOWN:
    case SNAPSHOT_MOMENT_COUNT:
        break;
    }
    return "unknown";
}

uint64_t pause_stop_ns(const PauseStop *stop)
{
    return stop->stopping_ns + stop->working_ns + stop->resuming_ns;
}

uint64_t pause_certificate_worst_ns(const PauseCertificate *certificate)
{
    uint64_t worst = 0;

    for (uint32_t i = 0; i < certificate->stop_count; i++)
        if (pause_stop_ns(&certificate->stops[i]) > worst)
            worst = pause_stop_ns(&certificate->stops[i]);
    return worst;
}

uint64_t pause_certificate_stopped_pages(const PauseCertificate *certificate)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < certificate->stop_count; i++)
        pages += certificate->stops[i].page_count;
    return pages;
}

void pause_certificate_add_stop(PauseCertificate *certificate, const PauseStop *stop)
{
    uint32_t at = certificate->stop_count, shortest = 0;

    if (at == PAUSE_MAX_STOPS) {
        for (uint32_t i = 1; i < at; i++)
            if (pause_stop_ns(&certificate->stops[i]) <
                pause_stop_ns(&certificate->stops[shortest]))
                shortest = i;
        if (pause_stop_ns(stop) < pause_stop_ns(&certificate->stops[shortest]))
            return;
        for (uint32_t i = shortest; i + 1 < at; i++)
            certificate->stops[i] = certificate->stops[i + 1];
        at--;
    }
    certificate->stops[at] = *stop;
    certificate->stop_count = at + 1;
}

void pause_certificate_add_round(PauseCertificate *certificate, uint64_t page_count,
                                 uint64_t duration_ns)
{
    uint32_t at = certificate->round_count < PAUSE_MAX_ROUNDS ? certificate->round_count++
                                                              : PAUSE_MAX_ROUNDS - 1;

    certificate->rounds[at].page_count += page_count;
    certificate->rounds[at].duration_ns += duration_ns;
}
