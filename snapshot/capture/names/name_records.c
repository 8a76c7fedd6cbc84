// Records of names: see name_records_internal.h. First the child's side, then the parent's.

#include "snapshot/capture/names/name_records_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean_text.h"
#include "base/search.h"
#include "snapshot/capture/names/names_reasons.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/file/sections/snapshot_format.h"

// ---- in the child ----

void name_record_begin(ByteBuffer *buffer, NameRecord kind)
{
    buffer->length = 0;
    byte_buffer_add_u32(buffer, kind);
    byte_buffer_add_u32(buffer, 0);
}

void name_record_add_string(ByteBuffer *buffer, const char *text)
{
    size_t length = strlen(text);

    if (length > MAX_STRING_BYTES)
        length = MAX_STRING_BYTES;
    byte_buffer_add_u32(buffer, (uint32_t)length);
    byte_buffer_add(buffer, text, length);
}

bool name_record_end(ByteBuffer *buffer, GuardedChild *child)
{
    if (buffer->is_short || buffer->length > UINT32_MAX) {
        byte_buffer_release(buffer);
        return false;
    }
    bytes_put_u32(buffer->bytes + 4, (uint32_t)(buffer->length - NAME_RECORD_HEAD_BYTES));
    return guarded_child_write(child, buffer->bytes, buffer->length);
}

// ---- in the parent: functions ----

// The next string, clean and malloc'd. NULL: it was the last, or memory is short (then `error` is
// set).
static char *take_string(ByteCursor *cursor, Error *error)
{
    uint32_t length = byte_cursor_u32(cursor);
    const uint8_t *bytes = length > MAX_STRING_BYTES ? NULL : byte_cursor_take(cursor, length);
    char *text;

    if (cursor->is_short || bytes == NULL || length == 0)
        return NULL;
    text = strndup((const char *)bytes, length);
    if (text == NULL)
        error_set_memory(error, length, "a name");
    else
        text_clean(text, strlen(text), TEXT_ONE_LINE);
    return text;
}

bool name_record_take_text(ByteCursor *cursor, char **out, Error *error)
{
    error->code = ERROR_NONE;
    *out = take_string(cursor, error);
    if (*out == NULL && error->code == ERROR_NONE && (*out = strdup("")) == NULL)
        error_set_memory(error, 1, "a name");
    return *out != NULL;
}

static int compare_strings(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void forget_symbols(SnapshotType *function)
{
    for (uint32_t i = 0; i < function->symbol_count; i++)
        free(function->symbols[i]);
    free(function->symbols);
    function->symbols = NULL;
    function->symbol_count = 0;
}

static void sort_symbols(SnapshotType *function)
{
    uint32_t kept = 0;

    if (function->symbol_count == 0)
        return;
    qsort(function->symbols, function->symbol_count, sizeof *function->symbols, compare_strings);
    for (uint32_t i = 0; i < function->symbol_count; i++) {
        if (kept > 0 && strcmp(function->symbols[kept - 1], function->symbols[i]) == 0)
            free(function->symbols[i]);
        else
            function->symbols[kept++] = function->symbols[i];
    }
    function->symbol_count = kept;
}

static bool take_function(NameReader *reader, ByteCursor *cursor, Error *error)
{
    SnapshotDetails *details = reader->request->details;
    bool is_type = byte_cursor_u32(cursor) == NAME_TABLE_TYPES;
    uint32_t index = byte_cursor_u32(cursor);
    SnapshotType *function;

    if (cursor->is_short || index >= (is_type ? details->type_count : details->drop_count))
        return true;
    function = is_type ? &details->types[index] : &details->drops[index];
    forget_symbols(function);
    function->symbols = calloc(MAX_FUNCTION_NAMES, sizeof *function->symbols);
    if (function->symbols == NULL)
        return error_set_memory(error, MAX_FUNCTION_NAMES * sizeof *function->symbols, "symbols");
    error->code = ERROR_NONE;
    while (function->symbol_count < MAX_FUNCTION_NAMES && byte_cursor_left(cursor) > 0) {
        char *symbol = take_string(cursor, error);
        if (symbol == NULL)
            break;
        function->symbols[function->symbol_count++] = symbol;
    }
    sort_symbols(function);
    return error->code == ERROR_NONE;
}

// ---- in the parent: variables ----

static bool take_variable(NameReader *reader, ByteCursor *cursor, Error *error)
{
    SnapshotDetails *details = reader->request->details;
    SnapshotVariable variable = {
        .address = byte_cursor_u64(cursor),
        .bytes = byte_cursor_u64(cursor),
        .module = byte_cursor_u32(cursor),
        .is_thread_local = byte_cursor_u32(cursor) == 1,
    };
    uint64_t capacity = reader->variable_capacity;

    if (cursor->is_short || variable.module >= details->module_count || variable.bytes == 0 ||
        details->variable_count == MAX_VARIABLES)
        return true;
    error->code = ERROR_NONE;
    variable.name = take_string(cursor, error);
    if (variable.name == NULL)
        return error->code == ERROR_NONE;
    if (!array_reserve(&details->variables, &capacity, details->variable_count + 1,
                       sizeof *details->variables, "variables", error)) {
        free(variable.name);
        return false;
    }
    reader->variable_capacity = capacity;
    details->variables[details->variable_count++] = variable;
    return true;
}

static int compare_variables(const void *left, const void *right)
{
    const SnapshotVariable *a = left, *b = right;

    if (a->is_thread_local != b->is_thread_local)
        return a->is_thread_local ? 1 : -1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return 0;
}

// Puts the variables in order, and drops all but the first of each place.
static void sort_variables(SnapshotDetails *details)
{
    uint32_t kept = 0;

    if (details->variable_count == 0)
        return;
    qsort(details->variables, details->variable_count, sizeof *details->variables,
          compare_variables);
    for (uint32_t i = 0; i < details->variable_count; i++) {
        if (kept > 0 &&
            compare_variables(&details->variables[kept - 1], &details->variables[i]) == 0)
            free(details->variables[i].name);
        else
            details->variables[kept++] = details->variables[i];
    }
    details->variable_count = kept;
}

// ---- in the parent: frames ----

#define FRAME_RECORD_BYTES 32u

static bool take_stack(NameReader *reader, ByteCursor *cursor, Error *error)
{
    SnapshotDetails *details = reader->request->details;
    SnapshotStack stack = {.thread = byte_cursor_u32(cursor)};
    uint32_t end = byte_cursor_u32(cursor);
    size_t count = byte_cursor_left(cursor) / FRAME_RECORD_BYTES;

    // Stacks come in the order of their threads, each once.
    if (cursor->is_short || end >= STACK_END_COUNT || stack.thread >= details->thread_count ||
        (details->stack_count > 0 &&
         stack.thread <= details->stacks[details->stack_count - 1].thread) ||
        count > MAX_FRAMES - reader->frame_count)
        return true;
    if (details->stacks == NULL)
        details->stacks = calloc(details->thread_count, sizeof *details->stacks);
    stack.frames = calloc(count + 1, sizeof *stack.frames);
    if (details->stacks == NULL || stack.frames == NULL) {
        free(stack.frames);
        return error_set_memory(error, (count + 1) * sizeof *stack.frames, "frames");
    }
    stack.end = (uint8_t)end;
    while (stack.frame_count < count) {
        SnapshotFrame *frame = &stack.frames[stack.frame_count++];

        frame->program_counter = byte_cursor_u64(cursor);
        frame->start = byte_cursor_u64(cursor);
        frame->end = byte_cursor_u64(cursor);
        frame->is_interrupted = byte_cursor_u64(cursor) != 0;
        if (frame->end < frame->start)
            frame->end = frame->start;
    }
    details->stacks[details->stack_count++] = stack;
    reader->frame_count += (uint32_t)count;
    return true;
}

static int compare_places(const void *left, const void *right)
{
    const CodePlace *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

bool name_reader_index_frames(NameReader *reader, Error *error)
{
    SnapshotDetails *details = reader->request->details;
    uint32_t count = 0;

    reader->code_places = calloc((size_t)reader->frame_count + 1, sizeof(CodePlace));
    if (reader->code_places == NULL)
        return error_set_memory(error, reader->frame_count * sizeof(CodePlace), "frames");
    for (uint32_t i = 0; i < details->stack_count; i++)
        for (uint32_t f = 0; f < details->stacks[i].frame_count; f++) {
            SnapshotFrame *frame = &details->stacks[i].frames[f];
            reader->code_places[count++] =
                (CodePlace){frame_code_address(frame), frame, details->stacks[i].thread, f};
        }
    qsort(reader->code_places, count, sizeof(CodePlace), compare_places);
    return true;
}

static bool take_code_name(NameReader *reader, ByteCursor *cursor, Error *error)
{
    uint64_t address = byte_cursor_u64(cursor), function = byte_cursor_u64(cursor);
    uint64_t i = search_from(reader->code_places, reader->frame_count, address, address);
    char *name;

    error->code = ERROR_NONE;
    name = cursor->is_short || function > address ? NULL : take_string(cursor, error);
    if (name == NULL)
        return error->code == ERROR_NONE;
    for (; i < reader->frame_count && reader->code_places[i].address == address; i++) {
        SnapshotFrame *frame = reader->code_places[i].frame;

        free(frame->function);
        frame->function_offset = frame->program_counter - function;
        frame->function = strdup(name);
        if (frame->function == NULL) {
            error_set_memory(error, strlen(name) + 1, "a name");
            break;
        }
    }
    free(name);
    return error->code == ERROR_NONE;
}

// ---- in the parent: layouts of types ----

// Takes all of them or, where the child went wrong, none.
static bool take_data_types(NameReader *reader, ByteCursor *cursor, Error *error)
{
    const SectionTable *table = sections_find(SECTION_TYPE('F', 'L', 'D', 'S'))->table;
    SnapshotDetails read = {0};
    SnapshotDetails *details = reader->request->details;

    if (details->data_type_count == 0 && section_table_decode(table, cursor, &read, error) &&
        section_table_check(table, &read, error)) {
        details->data_types = read.data_types;
        details->data_type_count = read.data_type_count;
        return true;
    }
    snapshot_data_types_free(read.data_types, read.data_type_count);
    return error->code != ERROR_MEMORY;
}

// ---- in the parent: facts about files ----

static bool take_facts(NameReader *reader, ByteCursor *cursor, Error *error)
{
    uint32_t modules = reader->request->details->module_count;
    uint32_t module = byte_cursor_u32(cursor), facts = byte_cursor_u32(cursor);
    ModuleFacts *known;

    if (cursor->is_short || module >= modules)
        return true;
    if (reader->facts == NULL)
        reader->facts = calloc(modules, sizeof *reader->facts);
    if (reader->facts == NULL)
        return error_set_memory(error, modules * sizeof *reader->facts, "facts");
    known = &reader->facts[module];
    known->facts |= facts;
    error->code = ERROR_NONE;
    if (known->file == NULL)
        known->file = take_string(cursor, error);
    return error->code == ERROR_NONE;
}

// ---- in the parent: all records ----

static bool take_record(NameReader *reader, uint32_t kind, ByteCursor *body, Error *error)
{
    switch (kind) {
    case NAME_OF_FUNCTION:
        return take_function(reader, body, error);
    case NAME_OF_VARIABLE:
        return take_variable(reader, body, error);
    case FRAMES_OF_STACK:
        return take_stack(reader, body, error);
    case NAME_OF_CODE:
        return take_code_name(reader, body, error);
    case LAYOUTS_OF_TYPES:
        return take_data_types(reader, body, error);
    case PLACES_OF_CODE:
        return source_places_take(reader, body, error);
    case FACTS_OF_MODULE:
        return take_facts(reader, body, error);
    case FLAG_OF_COLLECTOR:
        collector_flags_take(reader, body);
        return true;
    default:
        return true;
    }
}

bool name_reader_take(NameReader *reader, const ByteBuffer *records, Error *error)
{
    ByteCursor cursor = {.bytes = records->bytes, .length = records->length};

    while (byte_cursor_left(&cursor) > 0) {
        uint32_t kind = byte_cursor_u32(&cursor);
        uint32_t length = byte_cursor_u32(&cursor);
        const uint8_t *bytes = byte_cursor_take(&cursor, length);
        ByteCursor body = {.bytes = bytes, .length = length};

        // The last record may be cut off.
        if (cursor.is_short || bytes == NULL)
            return true;
        if (!take_record(reader, kind, &body, error))
            return false;
    }
    return true;
}

void name_reader_finish(NameReader *reader)
{
    sort_variables(reader->request->details);
    source_places_sort(reader->request->details);
}

void name_reader_release(NameReader *reader)
{
    free(reader->code_places);
    for (uint32_t i = 0; reader->facts != NULL && i < reader->request->details->module_count; i++)
        free(reader->facts[i].file);
    free(reader->facts);
}
