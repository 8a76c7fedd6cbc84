// The pause certificate in the metadata: lists of stops and rounds, and single members.

#include "snapshot/file/sections/section_codecs_internal.h"

#include <string.h>

#include "base/clean_text.h"

// ---- writing ----

static bool add_stop(JsonObject *metadata, const PauseStop *stop)
{
    JsonObject *item = json_object_new();
    bool ok = item != NULL && json_object_add_text(item, "phase", stop->phase) &&
              json_object_add_u32(item, "threads", stop->thread_count) &&
              json_object_add_u64(item, "pages", stop->page_count) &&
              json_object_add_u64(item, "stopping_ns", stop->stopping_ns) &&
              json_object_add_u64(item, "working_ns", stop->working_ns) &&
              json_object_add_u64(item, "resuming_ns", stop->resuming_ns);

    return json_object_add_item(metadata, "stops", item) && ok;
}

static bool add_round(JsonObject *metadata, const PauseRound *round)
{
    JsonObject *item = json_object_new();
    bool ok = item != NULL && json_object_add_u64(item, "pages", round->page_count) &&
              json_object_add_u64(item, "duration_ns", round->duration_ns);

    return json_object_add_item(metadata, "rounds", item) && ok;
}

static bool add_sharing(JsonObject *metadata, const PauseCertificate *certificate)
{
    return certificate->moment == MOMENT_UNKNOWN ||
           (json_object_add_text(metadata, "moment", snapshot_moment_name(certificate->moment)) &&
            json_object_add_u32(metadata, "sharing_processes", certificate->sharing_processes) &&
            json_object_add_u32(metadata, "sharing_stopped", certificate->sharing_stopped) &&
            json_object_add_text(metadata, "sharing_note", certificate->sharing_note));
}

bool section_add_certificate(JsonObject *metadata, const PauseCertificate *certificate)
{
    bool ok = true;

    if (certificate->stop_count == 0 && certificate->collection == COLLECTION_UNKNOWN &&
        certificate->moment == MOMENT_UNKNOWN)
        return true;
    for (uint32_t i = 0; i < certificate->stop_count; i++)
        ok = ok && add_stop(metadata, &certificate->stops[i]);
    for (uint32_t i = 0; i < certificate->round_count; i++)
        ok = ok && add_round(metadata, &certificate->rounds[i]);
    return ok &&
           json_object_add_text(metadata, "collection",
                                collection_state_name(certificate->collection)) &&
           json_object_add_u64(metadata, "compared_pages", certificate->compared_pages) &&
           json_object_add_u64(metadata, "differing_pages", certificate->differing_pages) &&
           json_object_add_text(metadata, "method_note", certificate->method_note) &&
           add_sharing(metadata, certificate);
}

// ---- reading ----

static bool get_text(const JsonObject *object, const char *key, char *member, size_t size)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(object, key, &text);

    if (result != JSON_FOUND)
        return result == JSON_ABSENT;
    if (strlen(text) >= size || !text_is_clean(text, strlen(text), TEXT_ONE_LINE))
        return false;
    strncpy(member, text, size);
    return true;
}

static bool get_stop(const JsonObject *item, PauseStop *out)
{
    return get_text(item, "phase", out->phase, sizeof out->phase) &&
           json_object_get_u32(item, "threads", &out->thread_count) != JSON_WRONG &&
           json_object_get_u64(item, "pages", &out->page_count) != JSON_WRONG &&
           json_object_get_u64(item, "stopping_ns", &out->stopping_ns) != JSON_WRONG &&
           json_object_get_u64(item, "working_ns", &out->working_ns) != JSON_WRONG &&
           json_object_get_u64(item, "resuming_ns", &out->resuming_ns) != JSON_WRONG;
}

static bool get_stops(const JsonObject *metadata, PauseCertificate *certificate)
{
    const JsonObject *item = NULL;
    JsonResult result;
    uint32_t i = 0;

    while ((result = json_object_get_item(metadata, "stops", i, &item)) == JSON_FOUND) {
        if (i == PAUSE_MAX_STOPS || !get_stop(item, &certificate->stops[i]))
            return false;
        certificate->stop_count = ++i;
    }
    return result == JSON_ABSENT;
}

static bool get_rounds(const JsonObject *metadata, PauseCertificate *certificate)
{
    const JsonObject *item = NULL;
    JsonResult result;
    uint32_t i = 0;

    while ((result = json_object_get_item(metadata, "rounds", i, &item)) == JSON_FOUND) {
        if (i == PAUSE_MAX_ROUNDS ||
            json_object_get_u64(item, "pages", &certificate->rounds[i].page_count) == JSON_WRONG ||
            json_object_get_u64(item, "duration_ns", &certificate->rounds[i].duration_ns) ==
                JSON_WRONG)
            return false;
        certificate->round_count = ++i;
    }
    return result == JSON_ABSENT;
}

static bool get_collection(const JsonObject *metadata, CollectionState *out)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(metadata, "collection", &text);

    if (result != JSON_FOUND)
        return result == JSON_ABSENT;
    for (int state = 0; state < COLLECTION_STATE_COUNT; state++)
        if (strcmp(text, collection_state_name((CollectionState)state)) == 0) {
            *out = (CollectionState)state;
            return true;
        }
    return false;
}

static bool get_moment(const JsonObject *metadata, SnapshotMoment *out)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(metadata, "moment", &text);

    if (result != JSON_FOUND)
        return result == JSON_ABSENT;
    for (int moment = 0; moment < SNAPSHOT_MOMENT_COUNT; moment++)
        if (strcmp(text, snapshot_moment_name((SnapshotMoment)moment)) == 0) {
            *out = (SnapshotMoment)moment;
            return true;
        }
    return false;
}

static const char *get_sharing(const JsonObject *metadata, PauseCertificate *out)
{
    if (!get_moment(metadata, &out->moment))
        return "moment";
    if (json_object_get_u32(metadata, "sharing_processes", &out->sharing_processes) == JSON_WRONG)
        return "sharing_processes";
    if (json_object_get_u32(metadata, "sharing_stopped", &out->sharing_stopped) == JSON_WRONG)
        return "sharing_stopped";
    if (!get_text(metadata, "sharing_note", out->sharing_note, sizeof out->sharing_note))
        return "sharing_note";
    return NULL;
}

const char *section_get_certificate(const JsonObject *metadata, PauseCertificate *out)
{
    memset(out, 0, sizeof *out);
    if (!get_stops(metadata, out))
        return "stops";
    if (!get_rounds(metadata, out))
        return "rounds";
    if (!get_collection(metadata, &out->collection))
        return "collection";
    if (json_object_get_u64(metadata, "compared_pages", &out->compared_pages) == JSON_WRONG)
        return "compared_pages";
    if (json_object_get_u64(metadata, "differing_pages", &out->differing_pages) == JSON_WRONG)
        return "differing_pages";
    if (!get_text(metadata, "method_note", out->method_note, sizeof out->method_note))
        return "method_note";
    return get_sharing(metadata, out);
}
