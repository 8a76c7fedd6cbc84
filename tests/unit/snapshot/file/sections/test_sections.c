// The table of sections, and what holds for every section that is a table.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/sections/sections.h"
#include "tests/support/example_heap.h"

static const SectionKind *kind_named(const char *name)
{
    const SectionKind *kind = sections_find(SECTION_TYPE(name[0], name[1], name[2], name[3]));

    cr_assert_not_null(kind, "%s", name);
    return kind;
}

// ---- the rows ----

Test(sections, the_layout_is_first_and_the_metadata_last)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    cr_expect_eq(kinds[0].type, SECTION_LAYOUT);
    cr_expect_eq(kinds[count - 1].type, SECTION_METADATA);
}

Test(sections, each_type_is_four_letters_and_is_found_by_them)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++) {
        char name[SECTION_NAME_CHARS];
        cr_expect_null(strchr(section_name(kinds[i].type, name), '?'), "%s", name);
        cr_expect_eq(sections_find(kinds[i].type), &kinds[i], "%s is listed twice", name);
        cr_expect_eq(sections_index(&kinds[i]), i);
    }
    cr_expect_null(sections_find(SECTION_TYPE('N', 'E', 'W', '1')));
}

Test(sections, a_name_from_a_file_shows_letters_only)
{
    char name[SECTION_NAME_CHARS];

    cr_expect_str_eq(section_name(SECTION_TYPE('A', '\n', 'z', 0xff), name), "A???");
}

Test(sections, none_is_newer_than_the_format)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++)
        cr_expect_leq(kinds[i].since_minor, SNAPSHOT_FORMAT_MINOR, "%s", kinds[i].description);
}

Test(sections, rows_are_complete)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++) {
        const SectionKind *kind = &kinds[i];
        cr_expect_not_null(kind->description);
        if (kind->table == NULL) {
            cr_expect_neq(kind->occurrence, SECTION_UNLESS_EMPTY);
            continue;
        }
        cr_expect_not_null(kind->table->name, "%s", kind->description);
        // By entries, or as a whole.
        cr_expect_neq(kind->table->encode != NULL, kind->table->encode_body != NULL, "%s",
                      kind->description);
        cr_expect_neq(kind->table->decode != NULL, kind->table->decode_body != NULL, "%s",
                      kind->description);
        cr_expect_gt(kind->table->limit, 0u, "%s", kind->description);
        cr_expect_gt(kind->table->least_bytes, 0u, "%s", kind->description);
        cr_expect(kind->lost != NULL || kind->type == SECTION_LOSSES, "%s", kind->description);
        // An entry that refers to another table is checked against it, and is read behind it.
        // (Data types refer to each other.)
        cr_expect_eq(kind->refers_to != 0 || kind == kind_named("FLDS"), kind->table->check != NULL,
                     "%s", kind->description);
        if (kind->refers_to != 0)
            cr_expect_lt(sections_index(sections_find(kind->refers_to)), i, "%s",
                         kind->description);
    }
}

// ---- every table ----

static SnapshotContents told_contents(void)
{
    SnapshotContents contents;

    example_told_heap(&contents);
    return contents;
}

Test(sections, tables_come_back_as_they_were_written)
{
    SnapshotContents contents = told_contents();
    SnapshotDetails *read = snapshot_details_new();
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++) {
        ByteBuffer written = {0}, again = {0};
        const SectionTable *table = kinds[i].table;
        ByteCursor cursor;
        Error error;
        if (table == NULL)
            continue;
        cr_expect_gt(section_table_count(table, contents.details), 0u,
                     "the example has no %s: add some", table->name);
        section_table_encode(table, &written, contents.details);
        cursor = (ByteCursor){.bytes = written.bytes, .length = written.length};
        cr_assert(section_table_decode(table, &cursor, read, &error), "%s: %s", table->name,
                  error.message);
        section_table_encode(table, &again, read);
        cr_assert_eq(written.length, again.length, "%s", table->name);
        cr_expect_eq(memcmp(written.bytes, again.bytes, written.length), 0, "%s", table->name);
        byte_buffer_release(&written);
        byte_buffer_release(&again);
    }
    for (size_t i = 0; i < count; i++) {
        Error error;
        if (kinds[i].table != NULL)
            cr_expect(section_table_check(kinds[i].table, read, &error), "%s", error.message);
    }
    snapshot_details_free(read);
}

// Decodes a changed body, which must fail. Leaks are found by the address sanitizer.
static void must_not_decode(const SectionTable *table, const uint8_t *bytes, size_t length)
{
    SnapshotDetails *details = snapshot_details_new();
    ByteCursor cursor = {.bytes = bytes, .length = length};
    Error error = {0};

    cr_expect_not(section_table_decode(table, &cursor, details, &error), "%s", table->name);
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", table->name);
    snapshot_details_free(details);
}

Test(sections, a_body_that_is_cut_too_long_or_claims_too_much_is_damaged)
{
    SnapshotContents contents = told_contents();
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++) {
        const SectionTable *table = kinds[i].table;
        ByteBuffer body = {0};
        if (table == NULL)
            continue;
        section_table_encode(table, &body, contents.details);
        for (size_t length = 0; length < body.length; length++) {
            // A copy of that length, so that sanitizers see each byte behind the end.
            uint8_t *cut = malloc(length + (length == 0));
            cr_assert_not_null(cut);
            memcpy(cut, body.bytes, length);
            must_not_decode(table, cut, length);
            free(cut);
        }
        byte_buffer_add_u64(&body, 0);
        must_not_decode(table, body.bytes, body.length);
        bytes_put_u64(body.bytes, (uint64_t)table->limit + 1);
        must_not_decode(table, body.bytes, body.length);
        bytes_put_u64(body.bytes, UINT64_MAX);
        must_not_decode(table, body.bytes, body.length);
        byte_buffer_release(&body);
    }
}

Test(sections, more_entries_than_readers_take_are_not_written)
{
    SnapshotDetails details = {.loss_count = MAX_LOSSES + 1};
    Error error;

    cr_expect_not(sections_check_limits(&details, &error));
    cr_expect_eq(error.code, ERROR_UNSUPPORTED);
    cr_expect_str_eq(error.message, "a snapshot holds at most 65536 losses, not 65537");
}

Test(sections, more_parts_than_readers_take_are_not_written)
{
    SnapshotType types[2] = {{.symbol_count = MAX_SYMBOLS}, {.symbol_count = 1}};
    SnapshotDetails details = {.type_count = 2, .types = types};
    Error error;

    cr_expect_not(sections_check_limits(&details, &error));
    cr_expect_str_eq(error.message,
                     "a snapshot holds at most 1048576 symbols of types, not 1048577");
    details.type_count = 1;
    cr_expect(sections_check_limits(&details, &error));
}

Test(sections, entries_that_refer_to_nothing_are_found_and_can_be_detached)
{
    SnapshotType type = {.type_word = 8, .module = 3};
    SnapshotDetails details = {.type_count = 1, .types = &type};
    const SectionTable *table = kind_named("TYPE")->table;
    Error error;

    cr_expect_not(section_table_check(table, &details, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_str_eq(error.message, "type 0 lies in module 3 of 0");
    section_table_detach(table, &details);
    cr_expect(section_table_check(table, &details, &error));
}

// ---- redaction ----

Test(sections, a_redacted_snapshot_leaves_out_names_of_roots)
{
    SnapshotContents contents = told_contents();
    SnapshotDetails *redacted = NULL;
    size_t count;
    const SectionKind *kinds = sections_all(&count);
    Error error;

    cr_assert(redacted_details_new(contents.details, &redacted, &error), "%s", error.message);
    for (size_t i = 0; i < count; i++)
        if (kinds[i].table != NULL)
            cr_expect_eq(section_table_count(kinds[i].table, redacted),
                         &kinds[i] == kind_named("XROT")
                             ? 0
                             : section_table_count(kinds[i].table, contents.details),
                         "%s", kinds[i].description);
    cr_expect(redacted->metadata.is_redacted);
    snapshot_details_free(redacted);
}
