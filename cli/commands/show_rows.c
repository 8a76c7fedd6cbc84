// Fields and words for people: see cli/commands/show_rows.h.

#include "cli/commands/show_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/terminal.h"
#include "cli/text_table.h"

// Names beyond it push their values to the right.
#define NAME_COLUMNS 32u

static void print_quoted(const char *text)
{
    printf("\"");
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r' || *text == '\t')
            printf(*text == '\n' ? "\\n" : *text == '\r' ? "\\r" : "\\t");
        else if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            (void)fputc(*text, stdout);
    }
    printf("\"");
}

static void print_contents(const HeapView *view, const BlockContents *contents)
{
    char text[NUMBER_CHARS];

    if (!contents->is_known || contents->references + contents->blocks == 0)
        return;
    if (contents->references > 0) {
        printf(contents->is_one_type ? "  %s x " : "  %s references, the first to ",
               format_count(text, contents->references));
        print_text(stdout, view->types->types[contents->type].label);
    }
    if (contents->blocks > 0)
        printf("%s%s foreign block%s", contents->references > 0 ? ", " : "  ",
               format_count(text, contents->blocks), plural(contents->blocks));
}

// ", length 5, capacity 8"
static void print_shape(const BufferShape *shape)
{
    char number[NUMBER_CHARS];

    if (shape->has_length)
        printf(", length %s", format_count(number, shape->length));
    if (shape->has_capacity)
        printf(", capacity %s", format_count(number, shape->capacity));
}

static void print_block(const HeapView *view, const ViewRow *row)
{
    char text[BUFFER_TEXT_BYTES + 1], number[NUMBER_CHARS];
    bool is_text = row->target.offset == 0 && (row->field == NULL || row->field->is_text) &&
                   heap_view_block_text(view->image, row->target.block, &row->shape, text);

    printf("-> foreign block  0x%" PRIx64 "  %s", row->target.address,
           format_bytes(number, row->target.bytes));
    if (row->target.offset > 0 && row->field == NULL)
        printf(", %s in", format_bytes(number, row->target.offset));
    print_shape(&row->shape);
    if (is_text) {
        printf("  ");
        print_quoted(text);
        printf(row->shape.has_length && row->shape.length > strlen(text) ? "..." : "");
        return;
    }
    print_contents(view, &row->contents);
}

// The target of a word that may be a reference.
static void print_target(const HeapView *view, const ViewRow *row)
{
    const HeapPlace *target = &row->target;

    switch (target->kind) {
    case HEAP_PLACE_OBJECT:
    case HEAP_PLACE_ZOMBIE:
        if (target->offset > 0) {
            printf("0x%" PRIx64 "  inside ", row->word);
            print_text(stdout, heap_view_label_of(view, target));
            printf("  0x%" PRIx64 ": not a reference", target->address);
            break;
        }
        printf(target->kind == HEAP_PLACE_ZOMBIE ? "-> zombie, " : "-> ");
        print_text(stdout, heap_view_label_of(view, target));
        printf("  0x%" PRIx64, row->word);
        break;
    case HEAP_PLACE_BLOCK:
        print_block(view, row);
        break;
    case HEAP_PLACE_FREE_SLOT:
    case HEAP_PLACE_PAGE_HEADER:
    case HEAP_PLACE_PAGE_END:
        printf("0x%" PRIx64 "  in a %s: dangling%s", row->word,
               target->kind == HEAP_PLACE_PAGE_END ? "page's unused end"
                                                   : heap_place_kind_name(target->kind),
               row->kind == EDGE_STRONG || row->kind == EDGE_WEAK ? "" : ", or not a reference");
        break;
    case HEAP_PLACE_OUTSIDE:
        print_text(stdout, row->value);
        break;
    }
}

static void print_field(const HeapView *view, const ViewRow *row)
{
    switch ((FieldKind)row->field->kind) {
    case FIELD_BLOCK:
        if (row->field->type_name != NULL && row->field->type_name[0] != '\0') {
            print_text(stdout, row->field->type_name);
            printf(" ");
        }
        if (row->target.kind == HEAP_PLACE_BLOCK) {
            print_block(view, row);
            break;
        }
        printf("%s", row->word == 0 ? "null" : row->value);
        print_shape(&row->shape);
        break;
    case FIELD_STRONG:
    case FIELD_WEAK:
        if (row->word == 0)
            printf("null");
        else
            print_target(view, row);
        printf(row->field->kind == FIELD_WEAK ? "  (weak)" : "");
        break;
    default:
        print_target(view, row);
    }
}

static void print_row(const HeapView *view, const ViewRow *row, size_t columns)
{
    printf("  +%-6" PRIu64 " ", row->offset);
    if (columns > 0) {
        size_t width = text_width(row->name);

        print_text(stdout, row->name);
        printf("%*s  ", (int)(width < columns ? columns - width : 0), "");
    }
    if (row->field != NULL)
        print_field(view, row);
    else
        print_target(view, row);
    printf("\n");
}

static size_t name_columns(const HeapView *view, uint64_t shown)
{
    size_t columns = 0;

    for (uint64_t i = 0; i < shown; i++) {
        size_t width = text_width(view->rows[i].name);

        columns = width > columns ? width : columns;
    }
    return columns < NAME_COLUMNS ? columns : NAME_COLUMNS;
}

static void print_text_of_block(const HeapView *view)
{
    const BufferShape unknown = {.has_length = false};
    char text[BUFFER_TEXT_BYTES + 1];

    if (view->place.kind != HEAP_PLACE_BLOCK ||
        !heap_view_block_text(view->image, view->place.block, &unknown, text))
        return;
    printf("\n  text  ");
    print_quoted(text);
    printf("\n");
}

void show_rows_print(const ShowJson *shown, uint64_t top)
{
    const HeapView *view = shown->view;
    uint64_t all = view->row_count + view->rows_left_out;
    uint64_t count = view->row_count < top ? view->row_count : top;
    size_t columns = name_columns(view, count);
    char text[NUMBER_CHARS];

    if (view->words == 0)
        return;
    printf("\n");
    for (uint64_t i = 0; i < count; i++)
        print_row(view, &view->rows[i], columns);
    if (all > count)
        printf("  and %s more: --top N, --json FILE\n", format_count(text, all - count));
    if (view->zero_words > 0)
        printf("  %s word%s %s 0%s\n", format_count(text, view->zero_words),
               plural(view->zero_words), view->zero_words == 1 ? "is" : "are",
               view->image->details->metadata.is_redacted
                   ? ", or left out: the snapshot is redacted"
                   : "");
    if (view->masked_words > 0)
        printf("  %s word%s not %s\n", format_count(text, view->masked_words),
               view->masked_words == 1 ? " is" : "s are",
               heap_layout_has_page_headers(&view->image->layout)
                   ? "known: the program declared that they hold no references"
                   : "recorded: the collector does not take them for references");
    print_text_of_block(view);
}

// All of a field: of a pointer with its length and capacity (Vec, String) these words, too.
static void field_extent(const SnapshotField *field, uint64_t *start, uint64_t *bytes)
{
    const uint32_t words[] = {field->length_at, field->capacity_at, field->head_at};
    uint64_t end = (uint64_t)field->offset + field->bytes;

    *start = field->offset;
    for (size_t i = 0; field->kind == FIELD_BLOCK && i < sizeof words / sizeof words[0]; i++) {
        if (words[i] == NO_DATA)
            continue;
        *start = words[i] < *start ? words[i] : *start;
        end = (uint64_t)words[i] + 8 > end ? (uint64_t)words[i] + 8 : end;
    }
    *bytes = end - *start;
}

void show_layout_print(const SnapshotDataType *type, uint64_t top)
{
    uint64_t shown = type->field_count < top ? type->field_count : top;
    char number[NUMBER_CHARS];
    TextTable table;

    printf("\nfields of ");
    print_text(stdout, type->name);
    printf(", %s bytes%s\n\n", format_count(number, type->bytes),
           type->is_partial ? "; not all are known" : "");
    text_table_init(&table, "rrlll");
    text_table_add(&table, (const char *[]){"offset", "bytes", "field", "type", ""});
    for (uint64_t i = 0; i < shown; i++) {
        const SnapshotField *field = &type->fields[i];
        char offset[NUMBER_CHARS], bytes[NUMBER_CHARS], note[80] = "";

        uint64_t start, size;

        field_extent(field, &start, &size);
        (void)snprintf(offset, sizeof offset, "+%" PRIu64, (uint64_t)type->value_at + start);
        if (field->variant < type->variant_count)
            (void)snprintf(note, sizeof note, "in %s", type->variants[field->variant].name);
        text_table_add(&table, (const char *[]){offset, format_count(bytes, size), field->name,
                                                field->type_name, note});
    }
    text_table_print_fitting(&table, 1u << 2 | 1u << 3, stdout);
    if (type->field_count > shown)
        printf("  and %s more: --top N, --json FILE\n",
               format_count(number, type->field_count - shown));
}
