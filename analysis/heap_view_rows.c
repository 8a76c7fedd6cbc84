// The rows of a view: fields by the program's data types, or words. See analysis/heap_view.h.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/heap_view_internal.h"
#include "base/array.h"

// Words of blocks that are looked at for all rows together, so that many rows of one large block
// take no longer than a second.
#define CONTENT_WORDS (UINT64_C(1) << 26)

// Fields that are looked at for all rows together: in large blocks most values may have no row.
#define FIELDS_SEEN (UINT64_C(1) << 24)

// ---- what blocks hold ----

static BlockContents contents_of(HeapView *view, const HeapPlace *block)
{
    PlaceWords words = heap_place_words(view->image, block);
    BlockContents contents = {.type = NO_INDEX, .is_one_type = true};
    BlockFrame frame;
    // Places where no value is hold nothing.
    bool is_framed = view->labels->owners != NULL && words.count > 0 &&
                     block_owners_frame(view->labels->owners, block->block, &frame);

    if (words.count > CONTENT_WORDS - view->content_words)
        return contents;
    contents.is_known = true;
    view->content_words += words.count;
    for (uint64_t i = 0; i < words.count; i++) {
        Reference reference = heap_image_resolve(view->image, load_u64(words.bytes + 8 * i), false);
        uint64_t place = is_framed ? block_frame_index(&frame, words.offset + 8 * i) : UINT64_MAX;
        uint32_t type;

        if (place != UINT64_MAX && !block_frame_is_used(&frame, words.bytes - words.offset, place))
            continue;
        contents.blocks += reference.kind == REFERENCE_BLOCK;
        if (reference.kind != REFERENCE_OBJECT)
            continue;
        contents.references++;
        type = type_table_find(view->types, view->image, reference.page, reference.slot);
        if (contents.type == NO_INDEX)
            contents.type = type;
        contents.is_one_type = contents.is_one_type && contents.type == type;
    }
    return contents;
}

bool heap_view_block_text(const HeapImage *image, uint32_t block, const BufferShape *shape,
                          char text[BUFFER_TEXT_BYTES + 1])
{
    const ForeignBlock *record = &image->blocks[block];
    const uint8_t *bytes;
    uint64_t length = 0;

    if (heap_image_block_is_sized(image, block))
        return false;
    bytes = image->foreign_bytes + record->offset;
    // Only bytes have as many elements as bytes.
    if (shape->has_length && (!shape->has_capacity || record->bytes / 2 < shape->capacity))
        length = shape->length;
    else if (!shape->has_length)
        length = strnlen((const char *)bytes, record->bytes);
    if (length > record->bytes || (!shape->has_length && (length < 4 || length == record->bytes)))
        return false;
    return buffer_text(bytes, length, text);
}

// ---- words ----

static void format_word(uint64_t word, char value[VIEW_VALUE_CHARS])
{
    if (word < UINT32_MAX)
        (void)snprintf(value, VIEW_VALUE_CHARS, "%" PRIu64, word);
    else if (word > UINT64_MAX - UINT32_MAX)
        (void)snprintf(value, VIEW_VALUE_CHARS, "%" PRId64, (int64_t)word);
    else
        (void)snprintf(value, VIEW_VALUE_CHARS, "0x%" PRIx64, word);
}

// NULL in `*row`: there are too many.
static bool add_row(HeapView *view, uint64_t offset, ViewRow **row, Error *error)
{
    *row = NULL;
    if (view->row_count == VIEW_MAX_ROWS) {
        view->rows_left_out++;
        return true;
    }
    if (!array_reserve(&view->rows, &view->row_capacity, view->row_count + UINT64_C(1),
                       sizeof *view->rows, "the fields of an object", error))
        return false;
    *row = &view->rows[view->row_count++];
    **row = (ViewRow){.offset = offset, .bytes = 8};
    (*row)->target = heap_place_at(view->image, 0);
    return true;
}

static void point_to(HeapView *view, ViewRow *row)
{
    row->target = heap_place_at(view->image, row->word);
    if (row->target.kind == HEAP_PLACE_BLOCK)
        row->contents = contents_of(view, &row->target);
}

static bool add_word(HeapView *view, const PlaceWords *words, uint64_t index, Error *error)
{
    uint64_t word = load_u64(words->bytes + 8 * index);
    ViewRow *row;

    if (word == 0) {
        view->zero_words++;
        return true;
    }
    if (!add_row(view, words->offset + 8 * index, &row, error))
        return false;
    if (row == NULL)
        return true;
    row->word = word;
    format_word(word, row->value);
    point_to(view, row);
    if (row->target.kind == HEAP_PLACE_BLOCK && row->target.offset == 0)
        row->shape = buffer_shape_beside(words, index, row->target.bytes);
    return true;
}

// The words that reading the snapshot did not clear (Note [Exact types] in
// snapshot/heap/heap_image_masks.c), in ascending order.
typedef struct DeclaredWords {
    const SnapshotTypeLayout *layout; // NULL: all are there
    uint32_t next;
} DeclaredWords;

static bool is_declared(DeclaredWords *declared, uint64_t offset)
{
    const SnapshotTypeLayout *layout = declared->layout;

    if (layout == NULL || offset >= layout->rest_offset)
        return true;
    while (declared->next < layout->offset_count && layout->offsets[declared->next] < offset)
        declared->next++;
    return declared->next < layout->offset_count && layout->offsets[declared->next] == offset;
}

static bool add_words(HeapView *view, const PlaceWords *words, Error *error)
{
    DeclaredWords declared = {.layout = NULL};
    // The capture of a Boehm heap has cleared what its collector would not look at.
    bool has_cleared_words = !heap_layout_has_page_headers(&view->image->layout);

    if (view->slot.has_header && view->place.kind == HEAP_PLACE_OBJECT)
        declared.layout =
            snapshot_details_find_type_layout(view->image->details, view->slot.type_word);
    for (uint64_t i = 0; i < words->count; i++) {
        if (!is_declared(&declared, words->offset + 8 * i) ||
            (has_cleared_words && load_u64(words->bytes + 8 * i) == 0))
            view->masked_words++;
        else if (!add_word(view, words, i, error))
            return false;
    }
    return true;
}

// ---- fields ----

// A value whose fields become rows.
typedef struct RowValue {
    DataValue value;
    const char *prefix; // of names: "", "[3]"
    uint32_t depth;     // of arrays around it
} RowValue;

static uint64_t load_word(const uint8_t *bytes, uint64_t count)
{
    uint64_t word = 0;

    memcpy(&word, bytes, count < sizeof word ? (size_t)count : sizeof word);
    return word;
}

static void format_float(uint64_t word, uint32_t bytes, char value[VIEW_VALUE_CHARS])
{
    float narrow;
    double wide;
    uint32_t half = (uint32_t)word;

    memcpy(&narrow, &half, sizeof narrow);
    memcpy(&wide, &word, sizeof wide);
    if (bytes == 4 || bytes == 8)
        (void)snprintf(value, VIEW_VALUE_CHARS, "%.*g", bytes == 4 ? 9 : 17,
                       bytes == 4 ? (double)narrow : wide);
}

static void format_value(ViewRow *row)
{
    unsigned unused = row->bytes < 8 ? 64 - 8 * row->bytes : 0;

    switch ((FieldKind)row->field->kind) {
    case FIELD_SIGNED:
        (void)snprintf(row->value, sizeof row->value, "%" PRId64,
                       (int64_t)(row->word << unused) >> unused);
        break;
    case FIELD_UNSIGNED:
        (void)snprintf(row->value, sizeof row->value, "%" PRIu64, row->word);
        break;
    case FIELD_FLOAT:
        format_float(row->word, row->bytes, row->value);
        break;
    case FIELD_BOOL:
        (void)snprintf(row->value, sizeof row->value, "%s", row->word == 0 ? "false" : "true");
        break;
    case FIELD_CHAR:
        if (row->word >= 0x20 && row->word < 0x7f)
            (void)snprintf(row->value, sizeof row->value, "'%c'", (char)row->word);
        else
            (void)snprintf(row->value, sizeof row->value, "U+%04" PRIX64, row->word);
        break;
    case FIELD_CODE:
    case FIELD_POINTER:
    case FIELD_STRONG:
    case FIELD_WEAK:
    case FIELD_BLOCK:
        (void)snprintf(row->value, sizeof row->value, "0x%" PRIx64, row->word);
        break;
    default:
        format_word(row->word, row->value);
        break;
    }
}

// The variant that the value has.
static void format_variant(const HeapView *view, const RowValue *of, uint32_t field, ViewRow *row)
{
    const SnapshotDataType *type = data_values_type(view->labels->values, of->value.type);

    DataVariants variants;

    if (!view->labels->values->knows_data)
        return;
    data_value_variants(view->labels->values, &of->value, &variants);
    for (uint32_t i = 0; i < type->variant_count; i++)
        if (type->variants[i].field == field && variants.has[i])
            (void)snprintf(row->value, sizeof row->value, "%s", type->variants[i].name);
}

// Length and capacity, from where the field says that they are.
static void take_shape(const HeapView *view, const RowValue *of, ViewRow *row)
{
    const SnapshotField *field = row->field;

    if (!view->labels->values->knows_data)
        return;
    row->shape.has_length = field->length_at != NO_DATA;
    row->shape.has_capacity = field->capacity_at != NO_DATA && field->shape != BLOCK_TREE;
    if (row->shape.has_length)
        row->shape.length = load_u64(of->value.bytes + field->length_at);
    if (row->shape.has_capacity)
        row->shape.capacity =
            load_u64(of->value.bytes + field->capacity_at) + (field->shape == BLOCK_HASH);
}

static bool add_field(HeapView *view, const RowValue *of, uint32_t index, Error *error)
{
    const SnapshotDataType *type = data_values_type(view->labels->values, of->value.type);
    const SnapshotField *field = &type->fields[index];
    bool has_name = field->name != NULL && field->name[0] != '\0';
    ViewRow *row;

    if (!add_row(view, of->value.offset + field->offset, &row, error))
        return false;
    if (row == NULL)
        return true;
    row->field = field;
    row->bytes = field->bytes;
    row->kind = edge_kind_of(field);
    row->word = load_word(of->value.bytes + field->offset, field->bytes);
    (void)snprintf(row->name, sizeof row->name, "%s%s%s", of->prefix, has_name ? "." : "",
                   has_name ? field->name : "");
    if (field->kind == FIELD_ENUM) {
        format_variant(view, of, index, row);
        return true;
    }
    format_value(row);
    if (field->bytes != 8 || field->kind == FIELD_UNSIGNED || field->kind == FIELD_SIGNED ||
        field->kind == FIELD_FLOAT)
        return true;
    point_to(view, row);
    if (field->kind == FIELD_BLOCK)
        take_shape(view, of, row);
    return true;
}

static bool add_value(HeapView *view, const RowValue *of, Error *error);

// The elements of an array whose type is known; an array of bytes is one row.
static bool add_array(HeapView *view, const RowValue *of, uint32_t index, bool *is_done,
                      Error *error)
{
    const DataValues *values = view->labels->values;
    const SnapshotField *field = &data_values_type(values, of->value.type)->fields[index];
    uint64_t bytes = field->target == NO_DATA ? 0 : data_values_type(values, field->target)->bytes;

    *is_done = bytes > 1 && of->depth < DATA_MAX_DEPTH;
    for (uint64_t at = 0; *is_done && bytes <= field->bytes - at; at += bytes) {
        char prefix[EDGE_LABEL_CHARS];
        RowValue element = {{field->target, of->value.offset + field->offset + at,
                             of->value.bytes + field->offset + at},
                            prefix,
                            of->depth + 1};

        if (view->row_count == VIEW_MAX_ROWS) {
            view->rows_left_out += (field->bytes - at) / bytes;
            break;
        }
        (void)snprintf(prefix, sizeof prefix, "%s.%s[%" PRIu64 "]", of->prefix,
                       field->name != NULL ? field->name : "", at / bytes);
        if (!add_value(view, &element, error))
            return false;
    }
    return true;
}

// Sets for each enumeration that needs no row of its own: its variant is Some, and so its fields
// say that it is there.
static void find_said(const SnapshotDataType *type, const DataVariants *variants, bool knows_data,
                      bool said[DATA_MAX_PARTS])
{
    for (uint32_t v = 0; v < type->variant_count; v++)
        said[v] = !knows_data || (variants->has[v] && strcmp(type->variants[v].name, "Some") == 0);
}

// Is one of the variants of this enumeration in `said`? They follow each other.
static bool is_said(const SnapshotDataType *type, const bool said[DATA_MAX_PARTS], uint32_t field,
                    uint32_t *next)
{
    bool found = false;

    while (*next < type->variant_count && type->variants[*next].field < field)
        ++*next;
    while (*next < type->variant_count && type->variants[*next].field == field)
        found = said[(*next)++] || found;
    return found;
}

// Recursion as deep as arrays are nested, at most DATA_MAX_DEPTH; rows and fields are limited.
static bool add_value(HeapView *view, const RowValue *of, Error *error)
{
    const DataValues *values = view->labels->values;
    const SnapshotDataType *type = data_values_type(values, of->value.type);
    bool said[DATA_MAX_PARTS];
    DataVariants variants;
    uint32_t next = 0;

    if (!values->plans[of->value.type].is_known)
        return true;
    data_value_variants(values, &of->value, &variants);
    find_said(type, &variants, values->knows_data, said);
    for (uint32_t i = 0; i < type->field_count && view->rows_left_out == 0; i++) {
        const SnapshotField *field = &type->fields[i];
        bool is_done = false;

        if (view->fields_seen++ >= FIELDS_SEEN) {
            view->rows_left_out++;
            break;
        }
        if ((field->kind == FIELD_ENUM && is_said(type, said, i, &next)) ||
            !data_variants_have(&variants, field))
            continue;
        if (field->kind == FIELD_ARRAY && !add_array(view, of, i, &is_done, error))
            return false;
        if (!is_done && !add_field(view, of, i, error))
            return false;
    }
    return true;
}

static int compare_rows(const void *left, const void *right)
{
    const ViewRow *a = left, *b = right;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    // The enumeration before its fields.
    return (b->bytes > a->bytes) - (b->bytes < a->bytes);
}

// The words of an object that no field covers, where the type says that it left some out.
static bool add_other_words(HeapView *view, const PlaceWords *words, Error *error)
{
    uint8_t *covered = calloc(words->count + 1, 1);
    bool ok = covered != NULL;

    if (!ok)
        return error_set_memory(error, words->count, "the words of an object");
    for (uint32_t i = 0; i < view->row_count; i++)
        for (uint64_t at = view->rows[i].offset / 8 * 8;
             at < view->rows[i].offset + view->rows[i].bytes; at += 8)
            if ((at - words->offset) / 8 < words->count)
                covered[(at - words->offset) / 8] = 1;
    for (uint64_t i = 0; ok && i < words->count; i++)
        ok = covered[i] || add_word(view, words, i, error);
    free(covered);
    return ok;
}

static bool add_object_fields(HeapView *view, bool *is_done, Error *error)
{
    RowValue of = {.prefix = ""};
    PlaceWords words;

    *is_done = view->place.kind == HEAP_PLACE_OBJECT && view->labels->values != NULL &&
               view->image->details->type_layout_count == 0 &&
               data_value_of_object(view->image, view->labels->values, view->place.page,
                                    view->place.slot, &of.value);
    if (!*is_done)
        return true;
    view->data_type = data_values_type(view->labels->values, of.value.type);
    words = heap_place_words(view->image, &view->place);
    return add_value(view, &of, error) &&
           (!view->data_type->is_partial || add_other_words(view, &words, error));
}

static bool add_block_values(HeapView *view, bool *is_done, Error *error)
{
    const HeapImage *image = view->image;
    const uint8_t *bytes;
    BlockFrame frame;

    *is_done = view->place.kind == HEAP_PLACE_BLOCK && view->labels->owners != NULL &&
               heap_place_has_content(image, &view->place) &&
               block_owners_frame(view->labels->owners, view->place.block, &frame) &&
               frame.shape != BLOCK_TREE && frame.bytes > 1;
    if (!*is_done)
        return true;
    view->data_type = data_values_type(view->labels->values, frame.type);
    bytes = image->foreign_bytes + image->blocks[view->place.block].offset;
    for (uint64_t i = 0; i < frame.places; i++) {
        char prefix[EDGE_LABEL_CHARS] = "";
        uint64_t offset = block_frame_place(&frame, i);
        RowValue of = {{frame.type, offset, bytes + offset}, prefix, 0};

        if (!block_frame_is_used(&frame, bytes, i))
            continue;
        if (view->row_count == VIEW_MAX_ROWS) {
            view->rows_left_out++;
            continue;
        }
        if (frame.shape != BLOCK_ONE)
            (void)snprintf(prefix, sizeof prefix, "[%" PRIu64 "]", i);
        if (!add_value(view, &of, error))
            return false;
    }
    return true;
}

bool heap_view_add_rows(HeapView *view, Error *error)
{
    PlaceWords words = heap_place_words(view->image, &view->place);
    bool is_done;

    view->words = words.count;
    if (!add_object_fields(view, &is_done, error) ||
        (!is_done && !add_block_values(view, &is_done, error)) ||
        (!is_done && !add_words(view, &words, error)))
        return false;
    if (view->row_count > 0)
        qsort(view->rows, view->row_count, sizeof *view->rows, compare_rows);
    return true;
}
