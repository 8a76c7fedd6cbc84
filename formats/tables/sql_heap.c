// SqlHeap: see formats/tables/sql_heap.h.
//
// A virtual table looks for rows by its keys where a statement compares one with a value, and goes
// through all rows otherwise; the rest is SQLite's. Its rows exist while they are read.

#include "formats/tables/sql_heap.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tables/sql_functions_internal.h"
#include "formats/tables/table_columns_internal.h"

struct SqlHeap {
    sqlite3 *database;
    HeapTables *tables;
    Error error; // of a table, which SQLite reports as its own
};

typedef struct HeapVtab {
    sqlite3_vtab base;
    SqlHeap *heap;
    TableId table;
} HeapVtab;

typedef struct HeapVtabCursor {
    sqlite3_vtab_cursor base;
    TableCursor cursor;
    char *text; // of the filter; owned
    bool is_end;
} HeapVtabCursor;

char *table_schemas_sql(void)
{
    char *all = NULL;
    size_t length;
    FILE *stream = open_memstream(&all, &length);

    for (uint32_t i = 0; stream != NULL && i < TABLE_COUNT; i++) {
        char *statement = table_schema_sql(&table_schemas[i]);

        (void)fprintf(stream, "%s;\n", statement == NULL ? "" : statement);
        free(statement);
    }
    return stream != NULL && fclose(stream) == 0 ? all : NULL;
}

// ---- the virtual tables ----

static int vtab_connect(sqlite3 *database, void *context, int argument_count,
                        const char *const *arguments, sqlite3_vtab **out, char **error)
{
    SqlHeap *heap = context;
    const TableSchema *schema = table_schema_find(arguments[2]);
    HeapVtab *table;
    char *statement;
    int result;

    (void)argument_count;
    (void)error;
    if (schema == NULL)
        return SQLITE_ERROR;
    statement = table_schema_sql(schema);
    result = statement == NULL ? SQLITE_NOMEM : sqlite3_declare_vtab(database, statement);
    free(statement);
    if (result != SQLITE_OK)
        return result;
    table = sqlite3_malloc(sizeof *table);
    if (table == NULL)
        return SQLITE_NOMEM;
    *table = (HeapVtab){.heap = heap, .table = (TableId)(schema - table_schemas)};
    *out = &table->base;
    return SQLITE_OK;
}

static int vtab_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

// An estimate of the rows that a table has.
static double estimate_rows(const HeapVtab *table)
{
    const HeapTables *tables = table->heap->tables;

    switch (table->table) {
    case TABLE_OBJECTS:
        return (double)tables->report->totals.objects;
    case TABLE_EDGES:
        return 2.0 * (double)tables->report->totals.objects;
    case TABLE_ROOTS:
        return (double)tables->image->root_count;
    case TABLE_DOMINATORS:
        return (double)tables->report->totals.reachable_objects;
    default:
        return (double)tables->image->page_count;
    }
}

// Objects of a type and references to a target are looked for in all rows, but faster than SQLite
// would.
static bool is_looked_for(TableId table, int column)
{
    return (table == TABLE_OBJECTS && column == OBJECTS_TYPE) ||
           (table == TABLE_EDGES && column == EDGES_TARGET);
}

// Can the rows that this comparison selects be found by `key`? Texts only where they are compared
// byte for byte.
static bool is_usable(sqlite3_index_info *info, int number, int key)
{
    const struct sqlite3_index_constraint *constraint = &info->aConstraint[number];

    return constraint->usable && constraint->iColumn == key &&
           constraint->op == SQLITE_INDEX_CONSTRAINT_EQ &&
           sqlite3_stricmp(sqlite3_vtab_collation(info, number), "BINARY") == 0;
}

// idxNum: the key column, plus 1; 0: none.
static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const HeapVtab *table = (const HeapVtab *)base;
    const int *keys = table_schemas[table->table].keys;
    double rows = estimate_rows(table);

    info->estimatedCost = rows + 10;
    info->estimatedRows = (sqlite3_int64)rows;
    for (; *keys >= 0; keys++)
        for (int i = 0; i < info->nConstraint; i++) {
            bool is_scan = is_looked_for(table->table, *keys);

            if (!is_usable(info, i, *keys))
                continue;
            info->aConstraintUsage[i].argvIndex = 1;
            info->idxNum = *keys + 1;
            info->estimatedCost = is_scan ? rows / 4 + 5 : 1;
            info->estimatedRows = is_scan ? 1000 : 1;
            return SQLITE_OK;
        }
    return SQLITE_OK;
}

static int vtab_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    HeapVtabCursor *cursor = sqlite3_malloc(sizeof *cursor);

    (void)table;
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (HeapVtabCursor){.is_end = true};
    *out = &cursor->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base)
{
    HeapVtabCursor *cursor = (HeapVtabCursor *)base;

    free(cursor->text);
    sqlite3_free(cursor);
    return SQLITE_OK;
}

// Keeps the error, and tells SQLite of it.
static int fail(SqlHeap *heap, sqlite3_vtab *table, const Error *error)
{
    heap->error = *error;
    if (table != NULL) {
        sqlite3_free(table->zErrMsg);
        table->zErrMsg = sqlite3_mprintf("%s", error->message);
    }
    return error->code == ERROR_MEMORY ? SQLITE_NOMEM : SQLITE_ERROR;
}

static int vtab_next(sqlite3_vtab_cursor *base)
{
    HeapVtabCursor *cursor = (HeapVtabCursor *)base;

    cursor->is_end = !table_cursor_next(&cursor->cursor);
    return SQLITE_OK;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int key, const char *unused, int argument_count,
                       sqlite3_value **arguments)
{
    HeapVtabCursor *cursor = (HeapVtabCursor *)base;
    HeapVtab *table = (HeapVtab *)base->pVtab;
    SqlHeap *heap = table->heap;
    TableFilter filter = {.column = -1};
    TableNeed need;
    Error error;

    (void)unused;
    free(cursor->text);
    cursor->text = NULL;
    cursor->is_end = true;
    if (table_needs(table->table, &need) && !heap_tables_need(heap->tables, need, &error))
        return fail(heap, base->pVtab, &error);
    if (key > 0 && argument_count == 1) {
        int type = sqlite3_value_type(arguments[0]);
        bool is_text = table_schemas[table->table].columns[key - 1].kind == COLUMN_TEXT;

        if (is_text && type == SQLITE_TEXT) {
            cursor->text = strdup((const char *)sqlite3_value_text(arguments[0]));
            if (cursor->text == NULL)
                return SQLITE_NOMEM;
            filter = (TableFilter){.column = key - 1, .text = cursor->text};
        } else if (!is_text && type == SQLITE_INTEGER) {
            if (sqlite3_value_int64(arguments[0]) < 0)
                return SQLITE_OK;
            filter = (TableFilter){.column = key - 1,
                                   .number = (uint64_t)sqlite3_value_int64(arguments[0])};
        }
        // A value of another kind, as 16.0 or '16', may equal one: SQLite compares all rows.
    }
    table_cursor_init(&cursor->cursor, heap->tables, table->table, &filter);
    return vtab_next(base);
}

static int vtab_eof(sqlite3_vtab_cursor *base)
{
    return ((const HeapVtabCursor *)base)->is_end;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const HeapVtabCursor *cursor = (const HeapVtabCursor *)base;
    SqlHeap *heap = ((HeapVtab *)base->pVtab)->heap;
    TableValue value;
    Error error;

    if (!table_cursor_value(&cursor->cursor, (uint32_t)column, &value, &error))
        return fail(heap, base->pVtab, &error);
    switch (value.kind) {
    case VALUE_NULL:
        sqlite3_result_null(context);
        break;
    case VALUE_INTEGER:
        sqlite3_result_int64(context, (sqlite3_int64)value.number);
        break;
    case VALUE_TEXT:
        sqlite3_result_text(context, value.text, -1, SQLITE_TRANSIENT);
        break;
    }
    table_value_release(&value);
    return SQLITE_OK;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((const HeapVtabCursor *)base)->cursor.row;
    return SQLITE_OK;
}

static const sqlite3_module heap_module = {
    .xCreate = vtab_connect,
    .xConnect = vtab_connect,
    .xBestIndex = vtab_best_index,
    .xDisconnect = vtab_disconnect,
    .xDestroy = vtab_disconnect,
    .xOpen = vtab_open,
    .xClose = vtab_close,
    .xFilter = vtab_filter,
    .xNext = vtab_next,
    .xEof = vtab_eof,
    .xColumn = vtab_column,
    .xRowid = vtab_rowid,
};

// ---- the database ----

// What a statement may do: read. Temporary storage that SQLite makes for itself is not asked about.
static int authorize(void *context, int action, const char *one, const char *two, const char *three,
                     const char *four)
{
    (void)context;
    (void)two;
    (void)three;
    (void)four;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return strcmp(two, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
        return strcmp(one, "table_info") == 0 || strcmp(one, "table_list") == 0 ? SQLITE_OK
                                                                                : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

// The longest value and statement, and the most columns and terms; hostile heaps have long names,
// but no reason for more.
static void set_limits(sqlite3 *database)
{
    (void)sqlite3_limit(database, SQLITE_LIMIT_LENGTH, 1 << 26);
    (void)sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
    (void)sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
}

bool sql_heap_new(HeapTables *tables, SqlHeap **out, Error *error)
{
    SqlHeap *heap = calloc(1, sizeof *heap);
    int result;

    *out = NULL;
    if (heap == NULL)
        return error_set_memory(error, sizeof *heap, "the database");
    heap->tables = tables;
    result = sqlite3_open_v2(":memory:", &heap->database,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_create_module(heap->database, "heap", &heap_module, heap);
    for (uint32_t i = 0; result == SQLITE_OK && i < TABLE_COUNT; i++) {
        char *statement =
            sqlite3_mprintf("CREATE VIRTUAL TABLE temp.%s USING heap", table_schemas[i].name);

        result = statement == NULL ? SQLITE_NOMEM
                                   : sqlite3_exec(heap->database, statement, NULL, NULL, NULL);
        sqlite3_free(statement);
    }
    if (result == SQLITE_OK)
        result = sql_functions_add(heap->database, tables);
    if (result != SQLITE_OK) {
        (void)error_set(error, ERROR_MEMORY, "cannot make a database of the heap: %s",
                        heap->database == NULL ? "no memory" : sqlite3_errmsg(heap->database));
        sql_heap_free(heap);
        return false;
    }
    set_limits(heap->database);
    (void)sqlite3_set_authorizer(heap->database, authorize, NULL);
    *out = heap;
    return true;
}

void sql_heap_free(SqlHeap *heap)
{
    if (heap == NULL)
        return;
    (void)sqlite3_close(heap->database);
    free(heap);
}

// ---- statements ----

// What SQLite says of the statement, or the error of a table.
static bool set_sql_error(SqlHeap *heap, Error *error)
{
    int offset = sqlite3_error_offset(heap->database);

    if (heap->error.code != ERROR_NONE) {
        *error = heap->error;
        return false;
    }
    if (sqlite3_errcode(heap->database) == SQLITE_NOMEM)
        return error_set(error, ERROR_MEMORY, "cannot run the query: memory is short");
    if (sqlite3_errcode(heap->database) == SQLITE_AUTH)
        return error_set(error, ERROR_USAGE,
                         "the heap can be read, and nothing else: SELECT statements only");
    (void)error_set(error, ERROR_USAGE, "%.400s", sqlite3_errmsg(heap->database));
    if (offset >= 0)
        (void)error_add_hint(error, "at character %d of the statement", offset + 1);
    return error_add_hint(error, "'.schema' instead of a statement prints the tables and columns");
}

static bool bind(sqlite3_stmt *statement, const SqlParameter *parameters, uint32_t count,
                 Error *error)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i), *value = NULL;
        char *end;
        long long number;

        for (uint32_t p = 0; name != NULL && p < count; p++)
            if (strcmp(name + 1, parameters[p].name) == 0)
                value = parameters[p].value;
        if (value == NULL)
            return error_set(error, ERROR_USAGE, "the parameter '%.100s' has no value",
                             name == NULL ? "?" : name);
        errno = 0;
        number = strtoll(value, &end, strncmp(value, "0x", 2) == 0 ? 16 : 10);
        if (errno == ERANGE && *end == '\0')
            return error_set(error, ERROR_USAGE, "the number %.100s of the parameter '%.100s' %s",
                             value, name, "does not fit 64 bits");
        if ((*value != '\0' && *end == '\0'
                 ? sqlite3_bind_int64(statement, i, number)
                 : sqlite3_bind_text(statement, i, value, -1, SQLITE_STATIC)) != SQLITE_OK)
            return error_set_memory(error, 64, "a parameter");
    }
    return true;
}

static bool tell_columns(sqlite3_stmt *statement, uint32_t count, const SqlVisitor *visitor,
                         Error *error)
{
    const char **names = calloc(count + 1, sizeof *names);
    bool ok;

    if (names == NULL)
        return error_set_memory(error, count * sizeof *names, "columns");
    for (uint32_t i = 0; i < count; i++)
        names[i] = sqlite3_column_name(statement, (int)i);
    ok = visitor->columns(visitor->context, count, names, error);
    free(names);
    return ok;
}

static void take_value(sqlite3_stmt *statement, int column, TableValue *value)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        *value = (TableValue){.kind = VALUE_INTEGER,
                              .number = (uint64_t)sqlite3_column_int64(statement, column)};
        break;
    case SQLITE_NULL:
        *value = (TableValue){.kind = VALUE_NULL};
        break;
    default: // numbers with a fraction, too
        *value = (TableValue){.kind = VALUE_TEXT,
                              .text = (const char *)sqlite3_column_text(statement, column)};
        break;
    }
}

static bool run_statement(SqlHeap *heap, sqlite3_stmt *statement, const SqlVisitor *visitor,
                          Error *error)
{
    uint32_t count = (uint32_t)sqlite3_column_count(statement);
    TableValue *values = calloc(count + 1, sizeof *values);
    bool ok = values != NULL || error_set_memory(error, count * sizeof *values, "columns");
    int result = SQLITE_DONE;

    ok = ok && (count == 0 || tell_columns(statement, count, visitor, error));
    while (ok && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        for (uint32_t i = 0; i < count; i++)
            take_value(statement, (int)i, &values[i]);
        ok = visitor->row(visitor->context, count, values, error);
    }
    free(values);
    if (ok && result != SQLITE_DONE)
        return set_sql_error(heap, error);
    return ok;
}

bool sql_heap_run(SqlHeap *heap, const char *sql, const SqlParameter *parameters,
                  uint32_t parameter_count, const SqlVisitor *visitor, Error *error)
{
    bool ok = true;

    heap->error = (Error){.code = ERROR_NONE};
    while (ok && *sql != '\0') {
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(heap->database, sql, -1, &statement, &sql) != SQLITE_OK)
            return set_sql_error(heap, error);
        if (statement == NULL) // a comment, or blanks
            continue;
        ok = bind(statement, parameters, parameter_count, error) &&
             run_statement(heap, statement, visitor, error);
        (void)sqlite3_finalize(statement);
    }
    return ok;
}
