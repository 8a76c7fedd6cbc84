// A heap as an SQLite database: see formats/tables/sqlite_file.h.

#include "formats/tables/sqlite_file.h"

#include <sqlite3.h>
#include <stdlib.h>

static bool set_error(sqlite3 *database, Error *error)
{
    return error_set(error, sqlite3_errcode(database) == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_SYSTEM,
                     "cannot write the database: %.300s", sqlite3_errmsg(database));
}

// Runs a statement that is made here, and frees it.
static bool run(sqlite3 *database, char *sql, Error *error)
{
    int result = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(database, sql, NULL, NULL, NULL);

    sqlite3_free(sql);
    return result == SQLITE_OK || set_error(database, error);
}

static bool create_table(sqlite3 *database, const TableSchema *schema, Error *error)
{
    char *sql = table_schema_sql(schema);
    bool ok = run(database, sql == NULL ? NULL : sqlite3_mprintf("%s", sql), error);

    free(sql);
    return ok;
}

static bool create_indexes(sqlite3 *database, const TableSchema *schema, Error *error)
{
    for (const char *const *column = schema->indexes; *column != NULL; column++)
        if (!run(database,
                 sqlite3_mprintf("CREATE INDEX %s_by_%s ON %s(%s)", schema->name, *column,
                                 schema->name, *column),
                 error))
            return false;
    return true;
}

static int bind(sqlite3_stmt *statement, int column, const TableValue *value)
{
    if (value->kind == VALUE_NULL)
        return sqlite3_bind_null(statement, column);
    if (value->kind == VALUE_INTEGER)
        return sqlite3_bind_int64(statement, column, (sqlite3_int64)value->number);
    return sqlite3_bind_text(statement, column, value->text, -1, SQLITE_TRANSIENT);
}

static bool add_rows(sqlite3 *database, sqlite3_stmt *statement, HeapTables *tables, TableId table,
                     Error *error)
{
    const TableSchema *schema = &table_schemas[table];
    TableCursor cursor;
    bool ok = true;

    table_cursor_init(&cursor, tables, table, NULL);
    while (ok && table_cursor_next(&cursor)) {
        int result = SQLITE_OK;

        for (uint32_t i = 0; ok && result == SQLITE_OK && i < schema->column_count; i++) {
            TableValue value;

            ok = table_cursor_value(&cursor, i, &value, error);
            if (ok)
                result = bind(statement, (int)i + 1, &value);
            table_value_release(&value);
        }
        if (ok && result == SQLITE_OK && sqlite3_step(statement) != SQLITE_DONE)
            result = SQLITE_ERROR;
        if (ok && (result != SQLITE_OK || sqlite3_reset(statement) != SQLITE_OK))
            ok = set_error(database, error);
    }
    return ok;
}

static bool fill_table(sqlite3 *database, HeapTables *tables, TableId table, Error *error)
{
    const TableSchema *schema = &table_schemas[table];
    sqlite3_str *text = sqlite3_str_new(database);
    sqlite3_stmt *statement = NULL;
    TableNeed need;
    char *sql;
    bool ok;

    sqlite3_str_appendf(text, "INSERT INTO %s VALUES(", schema->name);
    for (uint32_t i = 0; i < schema->column_count; i++)
        sqlite3_str_appendall(text, i == 0 ? "?" : ",?");
    sqlite3_str_appendall(text, ")");
    sql = sqlite3_str_finish(text);
    ok = (!table_needs(table, &need) || heap_tables_need(tables, need, error));
    if (ok && (sql == NULL || sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK))
        ok = set_error(database, error);
    ok = ok && add_rows(database, statement, tables, table, error);
    (void)sqlite3_finalize(statement);
    sqlite3_free(sql);
    return ok;
}

bool sqlite_file_write(HeapTables *tables, const char *path, Error *error)
{
    sqlite3 *database = NULL;
    bool ok;

    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        (void)error_set(error, ERROR_SYSTEM, "cannot write '%.200s': %.200s", path,
                        database == NULL ? "no memory" : sqlite3_errmsg(database));
        (void)sqlite3_close(database);
        return false;
    }
    // The file is renamed once it is whole, so a journal would protect nothing.
    ok = run(database, sqlite3_mprintf("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN"),
             error);
    for (uint32_t i = 0; ok && i < TABLE_COUNT; i++)
        ok = create_table(database, &table_schemas[i], error) &&
             fill_table(database, tables, (TableId)i, error) &&
             create_indexes(database, &table_schemas[i], error);
    ok = ok && run(database, sqlite3_mprintf("COMMIT"), error);
    if (sqlite3_close(database) != SQLITE_OK && ok)
        ok = error_set(error, ERROR_SYSTEM, "cannot write '%.200s'", path);
    return ok;
}
