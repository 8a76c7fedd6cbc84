// Invalid references as JSON: see formats/json/invalid_json.h.

#include "formats/json/invalid_json.h"

#include "analysis/names/type_table.h"
#include "formats/json/answer_parts_internal.h"

typedef struct Lines {
    JsonWriter writer;
    const HeapImage *image;
    const ReachabilityReport *report;
    EdgeLabels labels;
} Lines;

static bool write_line(void *context, const InvalidReference *reference)
{
    Lines *lines = context;
    EdgeLabel label;

    edge_label_make(&lines->labels, reference->page, reference->slot, reference->block,
                    reference->offset, &label);
    json_begin_object(&lines->writer);
    answer_json_invalid(&lines->writer, lines->image, lines->report, reference,
                        label.is_named ? label.text : NULL);
    json_end_object(&lines->writer);
    return !lines->writer.has_failed;
}

bool invalid_json_write(JsonSink sink, const HeapImage *image, const ReachabilityReport *report,
                        const MarkResult *mark, Error *error)
{
    Lines lines = {.image = image, .report = report};
    bool ok = edge_labels_init(&lines.labels, image, error);

    if (ok) {
        json_writer_init(&lines.writer, sink, JSON_COMPACT);
        invalid_references_visit(image, mark, write_line, &lines);
        ok = json_writer_finish(&lines.writer, error);
    }
    edge_labels_release(&lines.labels);
    return ok;
}
