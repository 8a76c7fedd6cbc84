// Rows that are found by a key are the rows of a scan with this key: of each table and each of its
// keys, on random heaps of any layout.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tables/heap_tables.h"
#include "formats/tables/table_columns_internal.h"
#include "tests/support/dose.h"
#include "tests/support/heap_answers.h"
#include "tests/support/random_heap.h"

#define CASES 12u
#define MOST_ROWS 50000u
#define MOST_COLUMNS 12u

typedef struct Rows {
    uint32_t count;
    uint32_t columns;
    TableValue *values; // [row * columns + column]
} Rows;

static bool never_needed(void *context, HeapTables *tables, TableNeed need, Error *error)
{
    (void)context;
    (void)tables;
    (void)need;
    return error_set(error, ERROR_USAGE, "all is there");
}

static void take_rows(HeapTables *tables, TableId table, const TableFilter *filter, Rows *rows)
{
    TableCursor cursor;
    Error error;

    rows->count = 0;
    rows->columns = table_schemas[table].column_count;
    cr_assert_leq(rows->columns, MOST_COLUMNS);
    table_cursor_init(&cursor, tables, table, filter);
    while (table_cursor_next(&cursor)) {
        cr_assert_lt(rows->count, MOST_ROWS);
        for (uint32_t i = 0; i < rows->columns; i++)
            cr_assert(table_cursor_value(&cursor, i, &rows->values[rows->count * rows->columns + i],
                                         &error),
                      "%s", error.message);
        rows->count++;
    }
}

static void release_rows(Rows *rows)
{
    for (uint32_t i = 0; i < rows->count * rows->columns; i++)
        table_value_release(&rows->values[i]);
    rows->count = 0;
}

static const TableValue *row(const Rows *rows, uint32_t number)
{
    return &rows->values[number * rows->columns];
}

static bool is_same(const TableValue *a, const TableValue *b)
{
    return a->kind == b->kind && (a->kind != VALUE_INTEGER || a->number == b->number) &&
           (a->kind != VALUE_TEXT || strcmp(a->text, b->text) == 0);
}

static bool are_same(const TableValue *a, const TableValue *b, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++)
        if (!is_same(&a[i], &b[i]))
            return false;
    return true;
}

// The keyed rows must be those of `all` whose key is that of `all`'s row `number`, in their order.
static void expect_keyed(HeapTables *tables, TableId table, int key, const Rows *all,
                         uint32_t number, Rows *keyed, uint64_t seed)
{
    const TableValue *wanted = &row(all, number)[key];
    const TableFilter filter = {.column = key, .number = wanted->number, .text = wanted->text};
    uint32_t found = 0;

    if (wanted->kind == VALUE_NULL)
        return;
    take_rows(tables, table, &filter, keyed);
    for (uint32_t i = 0; i < all->count; i++)
        if (is_same(&row(all, i)[key], wanted)) {
            cr_assert_lt(found, keyed->count, "%s by %d: too few, TEST_SEED=%" PRIu64,
                         table_schemas[table].name, key, seed);
            cr_assert(are_same(row(all, i), row(keyed, found), all->columns),
                      "%s by %d: row %u, TEST_SEED=%" PRIu64, table_schemas[table].name, key, i,
                      seed);
            found++;
        }
    cr_assert_eq(found, keyed->count, "%s by %d: too many, TEST_SEED=%" PRIu64,
                 table_schemas[table].name, key, seed);
    release_rows(keyed);
}

static void check_heap(const HeapAnswers *answers, uint64_t seed)
{
    HeapTables tables = {.image = answers->image,
                         .mark = answers->mark,
                         .report = answers->report,
                         .graph = answers->graph,
                         .types = answers->types,
                         .tree = answers->tree,
                         .need = never_needed};
    Rows all = {.values = calloc(MOST_ROWS * MOST_COLUMNS, sizeof *all.values)};
    Rows keyed = {.values = calloc(MOST_ROWS * MOST_COLUMNS, sizeof *keyed.values)};
    Error error;

    cr_assert(heap_tables_init(&tables, &error), "%s", error.message);
    for (TableId table = 0; table < TABLE_COUNT; table++) {
        take_rows(&tables, table, NULL, &all);
        for (const int *key = table_schemas[table].keys; *key >= 0; key++)
            for (uint32_t i = 0; i < all.count; i += 1 + all.count / 50)
                expect_keyed(&tables, table, *key, &all, i, &keyed, seed);
        release_rows(&all);
    }
    heap_tables_release(&tables);
    free(all.values);
    free(keyed.values);
}

Test(table_rows, that_are_found_by_a_key_are_those_of_a_scan)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        RandomHeapOptions options = random_heap_options_any(first + i, 150);
        RandomHeap *heap = random_heap_new(&options);
        HeapAnswers answers;

        heap_answers_open(&answers, random_heap_image(heap, i % 2 == 0));
        random_heap_free(heap);
        check_heap(&answers, first + i);
        heap_answers_close(&answers);
    }
}

// The sums of the tables are those of the report.
Test(table_rows, sum_up_to_the_report)
{
    uint64_t first = test_seed(1000);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        RandomHeapOptions options = random_heap_options_any(first + i, 150);
        RandomHeap *heap = random_heap_new(&options);
        uint64_t live = 0, zombies = 0, reachable = 0, typed = 0;
        HeapAnswers answers;
        HeapTables tables;
        TableCursor cursor;
        TableValue value;
        Error error;

        heap_answers_open(&answers, random_heap_image(heap, false));
        random_heap_free(heap);
        tables = (HeapTables){.image = answers.image,
                              .mark = answers.mark,
                              .report = answers.report,
                              .need = never_needed};
        cr_assert(heap_tables_init(&tables, &error), "%s", error.message);
        table_cursor_init(&cursor, &tables, TABLE_OBJECTS, NULL);
        while (table_cursor_next(&cursor)) {
            cr_assert(table_cursor_value(&cursor, OBJECTS_REACHABLE, &value, &error));
            reachable += value.number;
            cr_assert(table_cursor_value(&cursor, OBJECTS_ZOMBIE, &value, &error));
            zombies += value.number;
            live += value.number == 0;
        }
        table_cursor_init(&cursor, &tables, TABLE_TYPES, NULL);
        while (table_cursor_next(&cursor)) {
            cr_assert(table_cursor_value(&cursor, TYPES_OBJECTS, &value, &error));
            typed += value.number;
        }
        cr_expect_eq(live, answers.report->totals.objects, "TEST_SEED=%" PRIu64, first + i);
        cr_expect_eq(typed, live, "TEST_SEED=%" PRIu64, first + i);
        cr_expect_eq(zombies, answers.report->totals.zombies, "TEST_SEED=%" PRIu64, first + i);
        cr_expect_eq(reachable, answers.report->totals.reachable_objects, "TEST_SEED=%" PRIu64,
                     first + i);
        heap_tables_release(&tables);
        heap_answers_close(&answers);
    }
}
