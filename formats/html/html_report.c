// The page of a report: see formats/html/html_report.h.

#include "formats/html/html_report.h"

#include <string.h>

#include "base/version.h"
#include "formats/html/page_parts_internal.h"
#include "formats/json/report_parts.h"

// ---- the JSON block ----

// Passes JSON on, in which no character may begin or end markup. These occur in strings alone,
// where an escape means the same.
static bool write_without_markup(void *context, const char *bytes, size_t count, Error *error)
{
    const JsonSink *sink = context;
    size_t done = 0;

    while (done < count) {
        size_t plain = done;
        const char *escape;

        while (plain < count && bytes[plain] != '<' && bytes[plain] != '>' && bytes[plain] != '&')
            plain++;
        if (plain > done && !sink->write(sink->context, bytes + done, plain - done, error))
            return false;
        if (plain == count)
            return true;
        escape = bytes[plain] == '<' ? "\\u003c" : bytes[plain] == '>' ? "\\u003e" : "\\u0026";
        if (!sink->write(sink->context, escape, strlen(escape), error))
            return false;
        done = plain + 1;
    }
    return true;
}

static void write_origin(JsonWriter *writer, const SnapshotDetails *details,
                         uint64_t *rows_left_out)
{
    info_json_capture(writer, &details->metadata);
    *rows_left_out += info_json_losses(writer, details, PAGE_ROWS);
}

// What the tree of dominators and the routes give.
static bool write_graph(JsonWriter *writer, const HeapReport *report, PageStrings *strings,
                        Error *error)
{
    PageNodes nodes = {.count = 0};
    PageRoutes routes = {.count = 0};
    bool ok = page_nodes_find(report, &nodes, error) && page_routes_find(report, &routes, error);

    for (uint32_t row = 0; ok && row < routes.count; row++)
        page_nodes_add(&nodes, report->routes->routes[routes.shown[row]].example);
    if (ok)
        page_nodes_finish(&nodes);
    ok = ok && page_nodes_write(writer, &nodes, strings, error) &&
         page_routes_write(writer, &routes, &nodes, strings, error);
    page_nodes_release(&nodes);
    page_routes_release(&routes);
    return ok;
}

static void write_strings(JsonWriter *writer, const PageStrings *strings)
{
    json_key(writer, "strings");
    json_begin_array(writer);
    for (uint32_t i = 0; i < strings->count; i++)
        json_string(writer, strings->items[i]);
    json_end_array(writer);
}

static bool write_data(JsonWriter *writer, const HeapReport *report, const char *left_out,
                       PageStrings *strings, Error *error)
{
    static const ReportLimits limits = {
        .types = PAGE_TYPES, .rows = PAGE_ROWS, .steps = PAGE_STEPS};
    uint64_t rows_left_out;

    json_begin_object(writer);
    json_string_member(writer, "tool_version", RUDO_SNAP_VERSION);
    json_unsigned_member(writer, "program_bytes", heap_report_program_bytes(report));
    json_key(writer, "report");
    rows_left_out = report_json_value(writer, report, left_out, &limits);
    write_origin(writer, report->image->details, &rows_left_out);
    page_cells_write(writer, report->image, report->mark);
    if (report->tree != NULL && !write_graph(writer, report, strings, error))
        return false;
    write_strings(writer, strings);
    json_key(writer, "left_out");
    json_begin_object(writer);
    json_unsigned_member(writer, "rows", rows_left_out);
    json_unsigned_member(writer, "labels", strings->labels_left_out);
    json_unsigned_member(writer, "strings_cut", writer->strings_cut);
    json_end_object(writer);
    json_end_object(writer);
    return true;
}

static bool write_block(JsonSink sink, const HeapReport *report, const char *left_out, Error *error)
{
    PageStrings strings = {.count = 0};
    JsonWriter writer;
    bool ok;

    json_writer_init(&writer, (JsonSink){write_without_markup, &sink}, JSON_COMPACT);
    writer.longest_string = PAGE_STRING_BYTES;
    ok = write_data(&writer, report, left_out, &strings, error) &&
         json_writer_finish(&writer, error);
    page_strings_release(&strings);
    return ok;
}

bool html_report_write(JsonSink sink, const HeapReport *report, const char *left_out, Error *error)
{
    return sink.write(sink.context, page_head, (size_t)(page_head_end - page_head), error) &&
           write_block(sink, report, left_out, error) &&
           sink.write(sink.context, page_tail, (size_t)(page_tail_end - page_tail), error);
}
