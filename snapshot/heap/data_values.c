// DataValues: which data type an object has, and the parts of a value. Blocks are in
// block_frame.c.

#include "snapshot/heap/data_values.h"

#include <stdlib.h>
#include <string.h>

#include "base/search.h"

// Words of a value for which overlapping parts are told apart.
#define KEPT_WORDS 4096u

// ---- plans ----

static bool is_part(const SnapshotField *field)
{
    return field->kind == FIELD_WEAK || field->kind == FIELD_BLOCK || field->kind == FIELD_ARRAY ||
           field->variant != NO_DATA;
}

static uint64_t count_parts(const SnapshotDetails *details)
{
    uint64_t count = 0;

    for (uint32_t t = 0; t < details->data_type_count; t++)
        for (uint32_t f = 0; f < details->data_types[t].field_count; f++)
            count += is_part(&details->data_types[t].fields[f]);
    return count;
}

static void make_plans(DataValues *values)
{
    const SnapshotDetails *details = values->details;
    uint32_t *next = values->parts;

    for (uint32_t t = 0; t < details->data_type_count; t++) {
        const SnapshotDataType *type = &details->data_types[t];
        DataPlan *plan = &values->plans[t];

        plan->parts = next;
        for (uint32_t f = 0; f < type->field_count; f++)
            if (is_part(&type->fields[f])) {
                *next++ = f;
                plan->part_count++;
                plan->is_of_interest = plan->is_of_interest || type->fields[f].kind != FIELD_ARRAY;
            }
        plan->is_known = plan->part_count <= DATA_MAX_PARTS &&
                         type->variant_count <= DATA_MAX_PARTS &&
                         (type->variant_count == 0 || type->bytes <= 8 * KEPT_WORDS);
    }
    // Arrays of values of interest, as deep as they are visited.
    for (uint32_t depth = 0; depth < DATA_MAX_DEPTH; depth++)
        for (uint32_t t = 0; t < details->data_type_count; t++)
            for (uint32_t i = 0; i < values->plans[t].part_count; i++) {
                const SnapshotField *field =
                    &details->data_types[t].fields[values->plans[t].parts[i]];

                if (field->kind == FIELD_ARRAY && field->target != NO_DATA &&
                    values->plans[field->target].is_of_interest)
                    values->plans[t].is_of_interest = true;
            }
}

// ---- types of objects ----

static int compare_words(const void *left, const void *right)
{
    const DataTypeWord *a = left, *b = right;

    if (a->type_word != b->type_word)
        return a->type_word < b->type_word ? -1 : 1;
    return (a->type > b->type) - (a->type < b->type);
}

static bool index_words(DataValues *values, Error *error)
{
    const SnapshotDetails *details = values->details;
    uint64_t count = 0;

    for (uint32_t t = 0; t < details->data_type_count; t++)
        if (details->data_types[t].object_bytes > 0)
            count += details->data_types[t].type_word_count;
    values->words = malloc((count + 1) * sizeof *values->words);
    if (values->words == NULL)
        return error_set_memory(error, count * sizeof *values->words, "data types");
    for (uint32_t t = 0; t < details->data_type_count; t++)
        for (uint32_t i = 0;
             details->data_types[t].object_bytes > 0 && i < details->data_types[t].type_word_count;
             i++)
            values->words[values->word_count++] =
                (DataTypeWord){details->data_types[t].type_words[i], t};
    qsort(values->words, values->word_count, sizeof *values->words, compare_words);
    return true;
}

bool data_values_new(const SnapshotDetails *details, DataValues **out, Error *error)
{
    uint64_t parts = count_parts(details);
    DataValues *values;

    *out = NULL;
    if (details->data_type_count == 0)
        return true;
    values = calloc(1, sizeof *values);
    if (values == NULL)
        return error_set_memory(error, sizeof *values, "data types");
    values->details = details;
    values->knows_data = !details->metadata.is_redacted;
    values->plans = calloc(details->data_type_count, sizeof *values->plans);
    values->parts = malloc((parts + 1) * sizeof *values->parts);
    if (values->plans == NULL || values->parts == NULL) {
        data_values_free(values);
        return error_set_memory(error, parts * sizeof *values->parts, "data types");
    }
    make_plans(values);
    if (!index_words(values, error)) {
        data_values_free(values);
        return false;
    }
    *out = values;
    return true;
}

void data_values_free(DataValues *values)
{
    if (values == NULL)
        return;
    free(values->plans);
    free(values->parts);
    free(values->words);
    free(values);
}

// Would an object of `bytes` lie in a slot of this size?
static bool fits_slot(const HeapLayout *layout, uint64_t bytes, uint32_t block_size)
{
    if (block_size > layout->max_block_size)
        return bytes == block_size;
    // Which of the possible classes an allocator has is not known.
    if (layout->block_size_step != 0)
        return bytes <= block_size;
    return bytes <= block_size && (bytes > block_size / 2 || block_size <= layout->min_block_size);
}

static bool has_drop(const SnapshotDataType *type, uint64_t drop_function)
{
    uint64_t at = search_first(
        type->drops, type->drop_count, search_key_is_below,
        &(const SearchKey){drop_function, sizeof *type->drops, 0, sizeof *type->drops});

    return type->drop_count == 0 || (at < type->drop_count && type->drops[at] == drop_function);
}

// Data types of one type word, where a compiler merged the functions of many. A program has a few
// hundred; of a word with more, the types are not known.
#define MOST_CANDIDATES 512u

uint32_t data_values_find(const DataValues *values, const HeapLayout *layout, uint64_t type_word,
                          uint64_t drop_function, uint32_t block_size)
{
    uint64_t at = search_from(values->words, values->word_count, type_word, type_word);
    uint32_t found = NO_DATA;

    if (!heap_layout_has_object_header(layout, block_size))
        return NO_DATA;
    for (uint64_t end = at + MOST_CANDIDATES;
         at < values->word_count && values->words[at].type_word == type_word; at++) {
        // Too many to look at for each object.
        if (at == end)
            return NO_DATA;
        const SnapshotDataType *type = data_values_type(values, values->words[at].type);

        if (!fits_slot(layout, type->object_bytes, block_size) || !has_drop(type, drop_function))
            continue;
        if (found != NO_DATA)
            return NO_DATA;
        found = values->words[at].type;
    }
    return found;
}

// ---- values ----

typedef struct Visit {
    const DataValues *values;
    const DataVisitor *visitor;
    uint64_t left; // parts that it may look at, since types from a file may hold each other
} Visit;

// More than a compiler's types have: parts of one place overlap in variants only.
#define PARTS_A_BYTE 4u

static uint64_t read_discriminant(const SnapshotVariant *variant, const uint8_t *value)
{
    uint64_t discriminant = 0;

    memcpy(&discriminant, value + variant->discriminant_at, variant->discriminant_bytes);
    return discriminant;
}

// The variants of `type` that the value has. The file was checked: discriminants lie in the value,
// and an enumeration comes before those in its variants.
static void choose_variants(const SnapshotDataType *type, const uint8_t *value, bool *has)
{
    uint32_t next;

    for (uint32_t first = 0; first < type->variant_count; first = next) {
        uint32_t field = type->variants[first].field, by_default = NO_DATA;
        uint32_t around = type->fields[field].variant;
        bool is_chosen = false;

        for (next = first; next < type->variant_count && type->variants[next].field == field;
             next++) {
            const SnapshotVariant *variant = &type->variants[next];
            uint64_t discriminant = read_discriminant(variant, value);

            has[next] = false;
            if (variant->is_default)
                by_default = next;
            else if (!is_chosen &&
                     (variant->discriminant_bytes == 0 ||
                      (discriminant >= variant->low && discriminant <= variant->high)))
                has[next] = is_chosen = true;
        }
        if (!is_chosen && by_default != NO_DATA)
            has[by_default] = true;
        // None of an enumeration that does not exist itself.
        for (uint32_t i = first; around != NO_DATA && !has[around] && i < next; i++)
            has[i] = false;
    }
}

void data_value_variants(const DataValues *values, const DataValue *value, DataVariants *out)
{
    const SnapshotDataType *type = data_values_type(values, value->type);

    if (values->knows_data)
        choose_variants(type, value->bytes, out->has);
    else
        memset(out->has, true, type->variant_count);
}

// One value that is being visited.
typedef struct Parts {
    const SnapshotDataType *type;
    DataVariants variants;
    // Words that some part which exists touches; not set in types without variants.
    uint64_t kept[KEPT_WORDS / 64 + 1];
} Parts;

static void keep_bytes(Parts *parts, uint64_t offset, uint64_t bytes)
{
    for (uint64_t word = offset / 8; word < (offset + bytes + 7) / 8; word++)
        parts->kept[word / 64] |= UINT64_C(1) << word % 64;
}

static void keep(Parts *parts, const SnapshotField *field)
{
    const uint32_t words[] = {field->length_at, field->capacity_at, field->head_at};

    keep_bytes(parts, field->offset, field->bytes);
    // They are not fields themselves.
    for (uint32_t i = 0; field->kind == FIELD_BLOCK && i < 3; i++)
        if (words[i] != NO_DATA)
            keep_bytes(parts, words[i], 8);
}

// Calls `dead` for the words of the field that no part which exists touches. Words are 8-aligned,
// and so are all values that can hold a reference.
static void drop(Visit *visit, const Parts *parts, const DataValue *value,
                 const SnapshotField *field)
{
    uint64_t end = (uint64_t)field->offset + field->bytes;

    if (value->offset % 8 != 0)
        return;
    for (uint64_t at = ((uint64_t)field->offset + 7) / 8 * 8; at + 8 <= end; at += 8)
        if (parts->type->variant_count == 0 || (parts->kept[at / 512] >> at / 8 % 64 & 1) == 0)
            visit->visitor->dead(visit->visitor->context, value->offset + at, 8);
}

static void visit_value(Visit *visit, const DataValue *value, uint64_t length, uint32_t depth);

static void visit_array(Visit *visit, const DataValue *value, const SnapshotField *field,
                        uint32_t depth)
{
    uint64_t bytes;

    if (field->target == NO_DATA || depth >= DATA_MAX_DEPTH ||
        !visit->values->plans[field->target].is_of_interest)
        return;
    bytes = data_values_type(visit->values, field->target)->bytes;
    for (uint64_t at = 0; bytes > 0 && bytes <= field->bytes - at; at += bytes) {
        DataValue element = {field->target, value->offset + field->offset + at,
                             value->bytes + field->offset + at};

        visit_value(visit, &element, bytes, depth + 1);
    }
}

static void prepare(Visit *visit, Parts *parts, const DataValue *value, const DataPlan *plan)
{
    const SnapshotDataType *type = parts->type;

    if (type->variant_count == 0)
        return;
    data_value_variants(visit->values, value, &parts->variants);
    memset(parts->kept, 0, (type->bytes / 512 + 1) * sizeof *parts->kept);
    for (uint32_t i = 0; i < plan->part_count; i++) {
        const SnapshotField *field = &type->fields[plan->parts[i]];

        if (field->kind != FIELD_ENUM && field->kind != FIELD_WEAK &&
            data_variants_have(&parts->variants, field))
            keep(parts, field);
    }
}

// Recursion as deep as arrays are nested, at most DATA_MAX_DEPTH.
static void visit_value(Visit *visit, const DataValue *value, uint64_t length, uint32_t depth)
{
    const DataPlan *plan = &visit->values->plans[value->type];
    const DataVisitor *visitor = visit->visitor;
    Parts parts;

    parts.type = data_values_type(visit->values, value->type);
    if (!plan->is_known || !plan->is_of_interest || parts.type->bytes > length)
        return;
    prepare(visit, &parts, value, plan);
    for (uint32_t i = 0; i < plan->part_count && visit->left > 0; i++) {
        const SnapshotField *field = &parts.type->fields[plan->parts[i]];
        bool is_there = data_variants_have(&parts.variants, field);

        visit->left--;
        if (field->kind != FIELD_ENUM && (!is_there || field->kind == FIELD_WEAK)) {
            if (visitor->dead != NULL)
                drop(visit, &parts, value, field);
        } else if (field->kind == FIELD_BLOCK) {
            if (visitor->block != NULL)
                visitor->block(visitor->context, value, plan->parts[i]);
        } else if (field->kind == FIELD_ARRAY) {
            visit_array(visit, value, field, depth);
        }
    }
}

void data_value_visit(const DataValues *values, const DataValue *value, uint64_t length,
                      const DataVisitor *visitor)
{
    Visit visit = {values, visitor, DATA_MAX_PARTS + PARTS_A_BYTE * length};

    visit_value(&visit, value, length, 0);
}
