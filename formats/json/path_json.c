// Paths from the roots as JSON: see formats/json/answer_json.h.

#include "formats/json/answer_json.h"

#include <stdlib.h>

#include "formats/json/answer_parts_internal.h"

// The next best roots that refer to a node.
static void write_other_roots(JsonWriter *writer, const PathJson *document, uint32_t node)
{
    const ObjectGraph *graph = document->types->graph;
    uint64_t count = 0, *roots = NULL;

    if (document->most_roots > 1)
        roots = path_roots_of(graph, document->avoided_roots, node, &count);
    json_begin_array(writer);
    for (uint64_t i = 1; roots != NULL && i < count && i < document->most_roots; i++) {
        json_begin_object(writer);
        answer_json_root(writer, graph, roots[i]);
        json_end_object(writer);
    }
    json_end_array(writer);
    free(roots);
}

static void write_path(JsonWriter *writer, const PathJson *document, const RootPath *path)
{
    const ObjectGraph *graph = document->types->graph;
    uint64_t words, root = path_best_root(graph, document->avoided_roots, path->nodes[0], &words);

    json_begin_object(writer);
    json_unsigned_member(writer, "length", path->length);
    json_unsigned_member(writer, "root_words", words);
    json_key(writer, "root");
    json_begin_object(writer);
    answer_json_root(writer, graph, root);
    json_end_object(writer);
    json_key(writer, "other_roots");
    write_other_roots(writer, document, path->nodes[0]);
    json_key(writer, "steps");
    answer_json_steps(writer, document->types, path);
    json_end_object(writer);
}

// A list in which each step names the one that it is below.
static void write_merged(JsonWriter *writer, const MergedPaths *merged, const NodeTypes *types)
{
    json_key(writer, "merged");
    if (merged == NULL) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    for (uint32_t i = 0; i < merged->step_count; i++) {
        const MergedStep *step = &merged->steps[i];

        json_begin_object(writer);
        json_unsigned_member(writer, "step", i);
        json_key(writer, "below");
        if (step->parent == NO_INDEX)
            json_null(writer);
        else
            json_unsigned(writer, step->parent);
        json_string_member(writer, "label", merged_step_label(merged, types, i));
        json_string_member(writer, "field", merged_step_field(merged, i));
        json_boolean_member(writer, "repeated", step->is_repeated);
        json_unsigned_member(writer, "objects", step->objects);
        json_unsigned_member(writer, "bytes", step->bytes);
        json_unsigned_member(writer, "own_objects", step->own_objects);
        json_end_object(writer);
    }
    json_end_array(writer);
}

bool path_json_write(JsonSink sink, const PathJson *document, Error *error)
{
    const ObjectGraph *graph = document->types->graph;
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", PATH_SCHEMA);
    answer_json_snapshot(&writer, graph->image);
    answer_json_mark(&writer, document->reachability);
    answer_json_graph(&writer, graph);
    json_key(&writer, "target");
    json_begin_object(&writer);
    json_string_member(&writer, "asked", document->asked);
    json_unsigned_member(&writer, "objects", document->objects);
    json_unsigned_member(&writer, "reachable_objects", document->reachable_objects);
    json_end_object(&writer);
    json_key(&writer, "avoided");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < document->avoided_count; i++)
        json_string(&writer, document->avoided[i]);
    json_end_array(&writer);
    // Of a type: the objects on the route of the first path, which is the one that most take.
    json_key(&writer, "route_objects");
    if (document->lead_objects > 0)
        json_unsigned(&writer, document->lead_objects);
    else
        json_null(&writer);
    json_key(&writer, "paths");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < document->paths->count; i++)
        write_path(&writer, document, &document->paths->paths[i]);
    json_end_array(&writer);
    write_merged(&writer, document->merged, document->types);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
