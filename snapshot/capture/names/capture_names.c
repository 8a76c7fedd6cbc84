// Names, in the parent: runs the children that find them out, and takes down what they say.
//
// Names are worth having, but nothing that happens to a child is an error of the capture: what it
// said before counts, and `names_note` says what may be missing.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/names/capture_names_internal.h"
#include "base/clean_text.h"
#include "snapshot/capture/copy/memory_available.h"
#include "snapshot/file/sections/snapshot_format.h"

// Enough for executables of some gigabytes on a busy machine, and no longer than people wait.
#define CPU_SECONDS 20u
#define WALL_SECONDS 40u
#define MAX_MEMORY_BYTES (UINT64_C(1) << 30)
#define OUTPUT_BYTES (UINT64_C(256) << 20)

// ---- records ----

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
    return guarded_child_say(child, buffer->bytes, buffer->length);
}

// A string, clean and malloc'd. NULL: there is none, or memory is short (then `error` is set).
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

// ---- functions ----

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

static bool take_function(CaptureAnalysis *analysis, ByteCursor *cursor, Error *error)
{
    SnapshotDetails *details = analysis->details;
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

// ---- variables ----

static bool take_variable(CaptureAnalysis *analysis, ByteCursor *cursor, Error *error)
{
    SnapshotDetails *details = analysis->details;
    SnapshotVariable variable = {
        .address = byte_cursor_u64(cursor),
        .bytes = byte_cursor_u64(cursor),
        .module = byte_cursor_u32(cursor),
        .is_thread_local = byte_cursor_u32(cursor) == 1,
    };
    uint64_t capacity = analysis->variable_capacity;

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
    analysis->variable_capacity = capacity;
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

// In order, and each place once.
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

// ---- frames ----

#define FRAME_RECORD_BYTES 32u

static bool take_stack(CaptureAnalysis *analysis, ByteCursor *cursor, Error *error)
{
    SnapshotDetails *details = analysis->details;
    SnapshotStack stack = {.thread = byte_cursor_u32(cursor)};
    uint32_t end = byte_cursor_u32(cursor);
    size_t count = byte_cursor_left(cursor) / FRAME_RECORD_BYTES;

    // They come in order, each once; there are as many threads at most.
    if (cursor->is_short || end >= STACK_END_COUNT || stack.thread >= details->thread_count ||
        (details->stack_count > 0 &&
         stack.thread <= details->stacks[details->stack_count - 1].thread) ||
        count > MAX_FRAMES - analysis->frame_count)
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
    analysis->frame_count += (uint32_t)count;
    return true;
}

// A frame by the address that its function is found by.
typedef struct CodePlace {
    uint64_t address;
    SnapshotFrame *frame;
} CodePlace;

static int compare_places(const void *left, const void *right)
{
    const CodePlace *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

// All frames in the order of their code.
static bool index_frames(CaptureAnalysis *analysis, Error *error)
{
    SnapshotDetails *details = analysis->details;
    uint32_t count = 0;

    analysis->code_places = calloc((size_t)analysis->frame_count + 1, sizeof(CodePlace));
    if (analysis->code_places == NULL)
        return error_set_memory(error, analysis->frame_count * sizeof(CodePlace), "frames");
    for (uint32_t i = 0; i < details->stack_count; i++)
        for (uint32_t f = 0; f < details->stacks[i].frame_count; f++) {
            SnapshotFrame *frame = &details->stacks[i].frames[f];
            analysis->code_places[count++] = (CodePlace){frame_code_address(frame), frame};
        }
    qsort(analysis->code_places, count, sizeof(CodePlace), compare_places);
    return true;
}

static bool take_code_name(CaptureAnalysis *analysis, ByteCursor *cursor, Error *error)
{
    uint64_t address = byte_cursor_u64(cursor), function = byte_cursor_u64(cursor);
    uint32_t low = 0, high = analysis->frame_count;
    char *name;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (analysis->code_places[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    error->code = ERROR_NONE;
    name = cursor->is_short || function > address ? NULL : take_string(cursor, error);
    if (name == NULL)
        return error->code == ERROR_NONE;
    for (; low < analysis->frame_count && analysis->code_places[low].address == address; low++) {
        SnapshotFrame *frame = analysis->code_places[low].frame;

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

// ---- children ----

static bool take_records(CaptureAnalysis *analysis, const ByteBuffer *said, Error *error)
{
    ByteCursor cursor = {.bytes = said->bytes, .length = said->length};

    while (byte_cursor_left(&cursor) > 0) {
        uint32_t kind = byte_cursor_u32(&cursor);
        uint32_t length = byte_cursor_u32(&cursor);
        const uint8_t *bytes = byte_cursor_take(&cursor, length);
        ByteCursor body = {.bytes = bytes, .length = length};
        bool ok = true;

        // The last one may have been cut off.
        if (cursor.is_short || bytes == NULL)
            return true;
        switch (kind) {
        case NAME_OF_FUNCTION:
            ok = take_function(analysis, &body, error);
            break;
        case NAME_OF_VARIABLE:
            ok = take_variable(analysis, &body, error);
            break;
        case FRAMES_OF_STACK:
            ok = take_stack(analysis, &body, error);
            break;
        case NAME_OF_CODE:
            ok = take_code_name(analysis, &body, error);
            break;
        case FLAG_OF_COLLECTOR:
            capture_take_flag(analysis, &body);
            break;
        default:
            return true;
        }
        if (!ok)
            return false;
    }
    return true;
}

static void add_note(SnapshotMetadata *metadata, const char *what, GuardedEnd end)
{
    size_t used = strlen(metadata->names_note);

    if (end == GUARDED_DONE || used >= sizeof metadata->names_note)
        return;
    (void)snprintf(metadata->names_note + used, sizeof metadata->names_note - used, "%s%s: %s",
                   used > 0 ? "\n" : "", what, guarded_end_text(end));
}

// Half of what can be had without anybody being killed for it: the target may share our limit.
static uint64_t memory_for_names(void)
{
    uint64_t available = memory_available(&system_memory_sources) / 2;

    return available < MAX_MEMORY_BYTES ? available : MAX_MEMORY_BYTES;
}

static bool run_child(CaptureAnalysis *analysis, const char *what,
                      void (*say)(void *analysis, GuardedChild *child), Error *error)
{
    const SnapshotWriteOptions *options = &analysis->options.write;
    GuardedWork work = {
        .run = say,
        .context = analysis,
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = WALL_SECONDS,
        .memory_bytes = memory_for_names(),
        .output_bytes = OUTPUT_BYTES,
        .cancel = options->cancel,
    };
    ByteBuffer said = {0};
    GuardedEnd end;
    bool ok = guarded_child_run(&work, &said, &end, error) && take_records(analysis, &said, error);

    if (ok)
        add_note(&analysis->details->metadata, what, end);
    byte_buffer_release(&said);
    return ok;
}

// Is there a function without a name, or with one that hides its type?
static bool has_hidden_names(const SnapshotType *functions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (functions[i].module == UINT32_MAX)
            continue;
        if (functions[i].symbol_count == 0)
            return true;
        for (uint32_t s = 0; s < functions[i].symbol_count; s++)
            if (strstr(functions[i].symbols[s], "GcBox<T>") != NULL)
                return true;
    }
    return false;
}

bool capture_find_names(CaptureAnalysis *analysis, Error *error)
{
    SnapshotDetails *details = analysis->details;

    if (details->module_count == 0)
        return true;
    if (!run_child(analysis, "frames are missing", capture_say_frames, error) ||
        !index_frames(analysis, error) ||
        !run_child(analysis, "symbols are missing", capture_say_symbols, error))
        return false;
    // Apart from the symbols, which are not to be lost with it.
    if ((has_hidden_names(details->types, details->type_count) ||
         has_hidden_names(details->drops, details->drop_count)) &&
        !run_child(analysis, "types without names", capture_say_hidden_names, error))
        return false;
    sort_variables(details);
    return true;
}
