// The tables and their columns: see formats/tables/heap_tables.h. The order of columns is that of
// the enumerations in formats/tables/table_columns_internal.h.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tables/heap_tables.h"
#include "formats/tables/table_columns_internal.h"

static const TableColumn objects[] = {
    {"address", COLUMN_ADDRESS, false, "of the object's first byte"},
    {"type", COLUMN_TEXT, false, "its type, as reports show it"},
    {"bytes", COLUMN_INTEGER, false, "of its slot; of a large object its exact size"},
    {"requested", COLUMN_INTEGER, false, "bytes that the program asked for; NULL: not known"},
    {"reachable", COLUMN_BOOLEAN, false, "whether the roots reach it"},
    {"zombie", COLUMN_BOOLEAN, false, "whether it is dropped, and not swept yet"},
    {"page", COLUMN_ADDRESS, false, "the page that it lies in"},
    {"slot", COLUMN_INTEGER, false, "its number in the page"},
    {"retained", COLUMN_INTEGER, true, "bytes that it alone keeps alive; NULL: garbage"},
    {"dominator", COLUMN_ADDRESS, true,
     "the object or block that alone keeps it alive; NULL: none"},
};

static const TableColumn edges[] = {
    {"source", COLUMN_ADDRESS, false, "the object or block that holds the reference"},
    {"offset", COLUMN_INTEGER, false, "of the word in it"},
    {"target", COLUMN_ADDRESS, false, "the object or block that it refers to"},
    {"label", COLUMN_TEXT, false, "the field, or the offset: .audit, [17].conn, +136"},
    {"kind", COLUMN_TEXT, false, "strong, weak, none (left over), other; NULL: not known"},
};

static const TableColumn roots[] = {
    {"address", COLUMN_ADDRESS, false, "of the word; of a register its number"},
    {"value", COLUMN_ADDRESS, false, "of the word"},
    {"kind", COLUMN_TEXT, false, "stack, register, global, tls, handle, foreign, explicit"},
    {"thread", COLUMN_INTEGER, false, "the thread's id; NULL: none"},
    {"exact", COLUMN_BOOLEAN, false, "whether it is known to be a reference"},
    {"name", COLUMN_TEXT, false, "the variable, frame or register"},
    {"target", COLUMN_ADDRESS, false, "the object or block that it refers to; NULL: none"},
};

static const TableColumn pages[] = {
    {"address", COLUMN_ADDRESS, false, "of the page; of a large object its first one"},
    {"slot_bytes", COLUMN_INTEGER, false, "bytes of a slot"},
    {"slots", COLUMN_INTEGER, false, "number of slots"},
    {"live", COLUMN_INTEGER, false, "objects that are not dropped"},
    {"zombies", COLUMN_INTEGER, false, "objects that are dropped, and not swept yet"},
    {"reachable", COLUMN_INTEGER, false, "objects that the roots reach"},
    {"pages", COLUMN_INTEGER, false, "1; of a large object all of its pages"},
    {"owner_thread", COLUMN_INTEGER, false,
     "the collector's number of the thread that allocates here"},
    {"generation", COLUMN_INTEGER, false, "0: young"},
    {"large", COLUMN_BOOLEAN, false, "whether it is a large object"},
};

static const TableColumn types[] = {
    {"type", COLUMN_TEXT, false, "as reports show it"},
    {"objects", COLUMN_INTEGER, false, "that are not dropped"},
    {"bytes", COLUMN_INTEGER, false, "of their slots"},
    {"reachable_objects", COLUMN_INTEGER, false, "of them, those that the roots reach"},
    {"reachable_bytes", COLUMN_INTEGER, false, "of their slots"},
    {"zombies", COLUMN_INTEGER, false, "dropped ones that are not swept yet"},
};

static const TableColumn threads[] = {
    {"tid", COLUMN_INTEGER, false, "the thread's id"},
    {"name", COLUMN_TEXT, false, "as the program named it"},
    {"stack_pointer", COLUMN_ADDRESS, false, "when it was stopped"},
    {"control_block", COLUMN_ADDRESS, false, "the thread pointer"},
};

static const TableColumn blocks[] = {
    {"address", COLUMN_ADDRESS, false, "of the malloc'd block"},
    {"bytes", COLUMN_INTEGER, false, "of its user range"},
    {"content", COLUMN_BOOLEAN, false, "whether its bytes are in the snapshot"},
    {"reachable", COLUMN_BOOLEAN, false, "whether the roots reach it; NULL: without content"},
    {"retained", COLUMN_INTEGER, true, "bytes that it alone keeps alive; NULL: not a node"},
    {"dominator", COLUMN_ADDRESS, true,
     "the object or block that alone keeps it alive; NULL: none"},
};

static const TableColumn dominators[] = {
    {"id", COLUMN_INTEGER, true, "number of the node"},
    {"parent", COLUMN_INTEGER, true, "of the node that alone keeps it alive; the top's is its own"},
    {"kind", COLUMN_TEXT, true, "object, block, root"},
    {"address", COLUMN_ADDRESS, true, "of an object or block; NULL: roots"},
    {"label", COLUMN_TEXT, true, "the type, or the name of the root"},
    {"retained", COLUMN_INTEGER, true, "bytes of all nodes below it, its own included"},
    {"retained_objects", COLUMN_INTEGER, true, "objects among them"},
};

static const TableColumn snapshot[] = {
    {"executable", COLUMN_TEXT, false, "the program's file"},
    {"pid", COLUMN_INTEGER, false, "the process"},
    {"captured_at_ns", COLUMN_INTEGER, false, "nanoseconds since 1970, UTC"},
    {"layout", COLUMN_TEXT, false, "how the heap is laid out: rudo-gc-0.8"},
    {"rule", COLUMN_TEXT, false, "how it was marked: conservative/1"},
    {"digest", COLUMN_TEXT, false, "of what is reachable"},
    {"complete", COLUMN_BOOLEAN, false, "whether all of the heap is in the snapshot"},
    {"missing", COLUMN_TEXT, false, "the parts that are not, lines; NULL: none"},
    {"redacted", COLUMN_BOOLEAN, false, "whether data and names were left out"},
};

static const int objects_keys[] = {OBJECTS_ADDRESS, OBJECTS_TYPE, OBJECTS_PAGE, -1};
static const int edges_keys[] = {EDGES_SOURCE, EDGES_TARGET, -1};
static const int address_keys[] = {0, -1};
static const int dominators_keys[] = {DOMINATORS_ID, DOMINATORS_ADDRESS, -1};
static const int no_keys[] = {-1};
static const char *const objects_indexes[] = {"address", "type", "page", NULL};
static const char *const edges_indexes[] = {"source", "target", NULL};
static const char *const roots_indexes[] = {"target", NULL};
static const char *const address_indexes[] = {"address", NULL};
static const char *const dominators_indexes[] = {"id", "parent", "address", NULL};
static const char *const no_indexes[] = {NULL};

#define TABLE(name, meaning, keys, indexes)                                                        \
    {                                                                                              \
#name, meaning, sizeof name / sizeof name[0], name, keys, indexes                          \
    }

const TableSchema table_schemas[TABLE_COUNT] = {
    [TABLE_OBJECTS] =
        TABLE(objects, "objects, garbage and zombies included", objects_keys, objects_indexes),
    [TABLE_EDGES] = TABLE(edges, "references of objects that are not dropped, and of blocks",
                          edges_keys, edges_indexes),
    [TABLE_ROOTS] =
        TABLE(roots, "words outside the heap that may refer to it", no_keys, roots_indexes),
    [TABLE_PAGES] =
        TABLE(pages, "pages of slots, and large objects", address_keys, address_indexes),
    [TABLE_TYPES] = TABLE(types, "types of objects, by their labels", no_keys, no_indexes),
    [TABLE_THREADS] = TABLE(threads, "threads of the process", no_keys, no_indexes),
    [TABLE_BLOCKS] = TABLE(blocks, "malloc'd blocks", address_keys, address_indexes),
    [TABLE_DOMINATORS] = TABLE(dominators, "the dominator tree of what is reachable",
                               dominators_keys, dominators_indexes),
    [TABLE_SNAPSHOT] = TABLE(snapshot, "the snapshot itself, one row", no_keys, no_indexes),
};

const TableSchema *table_schema_find(const char *name)
{
    for (uint32_t i = 0; i < TABLE_COUNT; i++)
        if (strcmp(table_schemas[i].name, name) == 0)
            return &table_schemas[i];
    return NULL;
}

char *table_schema_sql(const TableSchema *schema)
{
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);

    if (stream == NULL)
        return NULL;
    (void)fprintf(stream, "CREATE TABLE %s(", schema->name);
    for (uint32_t i = 0; i < schema->column_count; i++)
        (void)fprintf(stream, "%s%s %s", i == 0 ? "" : ", ", schema->columns[i].name,
                      schema->columns[i].kind == COLUMN_TEXT ? "TEXT" : "INTEGER");
    (void)fputc(')', stream);
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}
