// The functions of SQL: see formats/tables/sql_functions_internal.h.
//
//   address(n)   "0x7f..."
//   type(n)      the label of the type of the object at n; NULL: none begins there
//   retained(n)  bytes that the object or block at n alone keeps alive; NULL: garbage
//   path(n)      one way from the roots: "global HUB > hub > foreign block > listener"

#include "formats/tables/sql_functions_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/root_paths.h"
#include "analysis/heap_place.h"
#include "analysis/names/root_label.h"

// Steps of a path that are told; longer ones say how many are left out.
#define MOST_STEPS 24u

// The address in an argument. False: it has none.
static bool take_address(sqlite3_value *argument, uint64_t *address)
{
    if (sqlite3_value_type(argument) != SQLITE_INTEGER || sqlite3_value_int64(argument) < 0)
        return false;
    *address = (uint64_t)sqlite3_value_int64(argument);
    return true;
}

static void sql_address(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    char text[32];
    uint64_t address;

    (void)count;
    if (!take_address(arguments[0], &address))
        return;
    (void)snprintf(text, sizeof text, "0x%" PRIx64, address);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void sql_type(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const HeapTables *tables = sqlite3_user_data(context);
    uint64_t address;
    HeapPlace place;

    (void)count;
    if (!take_address(arguments[0], &address))
        return;
    place = heap_place_at(tables->image, address);
    if (place.address != address)
        return;
    if (place.kind == HEAP_PLACE_BLOCK) {
        sqlite3_result_text(context, "foreign block", -1, SQLITE_STATIC);
    } else if (place.kind == HEAP_PLACE_OBJECT || place.kind == HEAP_PLACE_ZOMBIE) {
        const TypeTable *types = tables->report->type_table;
        uint32_t type = type_table_find(types, tables->image, place.page, place.slot);

        sqlite3_result_text(context, types->types[type].label, -1, SQLITE_TRANSIENT);
    }
}

static void sql_retained(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    HeapTables *tables = sqlite3_user_data(context);
    uint64_t address;
    uint32_t node;
    Error error;

    (void)count;
    if (!take_address(arguments[0], &address))
        return;
    if (!heap_tables_need(tables, NEED_TREE, &error)) {
        sqlite3_result_error(context, error.message, -1);
        return;
    }
    node = heap_tables_node(tables, address);
    if (node != NO_NODE)
        sqlite3_result_int64(context, (sqlite3_int64)tables->tree->retained_bytes[node]);
}

static bool is_node(const void *context, uint32_t node)
{
    return node == *(const uint32_t *)context;
}

// "root > type > type"; NULL: memory is short.
static char *path_text(const HeapTables *tables, const uint32_t *chain, uint32_t length)
{
    const ObjectGraph *graph = tables->graph;
    uint64_t words, root = path_best_root(graph, NULL, chain[0], &words);
    char *label = root == NO_ROOT ? strdup("?")
                                  : root_label(tables->image->details,
                                               &tables->image->roots[graph->roots[root].root]);
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);

    if (stream == NULL) {
        free(label);
        return NULL;
    }
    (void)fputs(label == NULL ? "?" : label, stream);
    for (uint32_t i = 0; i < length; i++) {
        if (i == MOST_STEPS / 2 && length > MOST_STEPS) {
            (void)fprintf(stream, " > (%" PRIu32 " more)", length - MOST_STEPS);
            i += length - MOST_STEPS;
        }
        (void)fprintf(stream, " > %s",
                      node_types_label(tables->types, tables->types->by_node[chain[i]]));
    }
    free(label);
    return fclose(stream) == 0 ? text : NULL;
}

static void sql_path(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    HeapTables *tables = sqlite3_user_data(context);
    uint32_t node, length, *chain;
    PathQuery query = {.is_target = is_node, .context = &node};
    PathTree tree;
    uint64_t address;
    Error error;
    bool ok;

    (void)count;
    if (!take_address(arguments[0], &address))
        return;
    ok = heap_tables_need(tables, NEED_GRAPH, &error);
    node = ok ? heap_tables_node(tables, address) : NO_NODE;
    if (ok && node == NO_NODE)
        return;
    if (ok) {
        ok = path_tree_init(&tree, tables->graph, &query, &error);
        if (ok && tree.target == node) {
            ok = path_tree_chain(&tree, node, &chain, &length, &error);
            if (ok) {
                sqlite3_result_text(context, path_text(tables, chain, length), -1, free);
                free(chain);
            }
        }
        path_tree_release(&tree);
    }
    if (!ok)
        sqlite3_result_error(context, error.message, -1);
}

int sql_functions_add(sqlite3 *database, HeapTables *tables)
{
    static const struct {
        const char *name;
        void (*function)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {{"address", sql_address},
                     {"type", sql_type},
                     {"retained", sql_retained},
                     {"path", sql_path}};
    int result = SQLITE_OK;

    for (size_t i = 0; result == SQLITE_OK && i < sizeof functions / sizeof functions[0]; i++)
        result = sqlite3_create_function(database, functions[i].name, 1,
                                         SQLITE_UTF8 | SQLITE_DETERMINISTIC, tables,
                                         functions[i].function, NULL, NULL);
    return result;
}
