// Redacted details: see snapshot/file/redacted_details.h.
//
// Everything is copied member by member, so that what is new in SnapshotDetails stays out until
// somebody has decided that it may be known.

#include "snapshot/file/redacted_details.h"

#include <stdlib.h>
#include <string.h>

static const char *without_folders(const char *path)
{
    const char *folder_end = strrchr(path, '/');

    return folder_end != NULL ? folder_end + 1 : path;
}

// calloc that is never asked for nothing.
static void *allocate(uint32_t count, size_t entry_bytes, Error *error)
{
    void *table = calloc((size_t)count + 1, entry_bytes);

    if (table == NULL)
        error_set_memory(error, (count + 1ull) * entry_bytes, "redacting");
    return table;
}

static bool copy_text(char **out, const char *text, Error *error)
{
    text = text != NULL ? text : "";
    *out = strdup(text);
    return *out != NULL || error_set_memory(error, strlen(text) + 1, "redacting");
}

static bool copy_threads(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    out->threads = allocate(details->thread_count, sizeof *out->threads, error);
    if (out->threads == NULL)
        return false;
    for (; out->thread_count < details->thread_count; out->thread_count++) {
        const SnapshotThread *thread = &details->threads[out->thread_count];
        out->threads[out->thread_count] = (SnapshotThread){
            .tid = thread->tid,
            .stack_pointer = thread->stack_pointer,
            .program_counter = thread->program_counter,
            .control_block = thread->control_block,
        };
    }
    return true;
}

static bool copy_modules(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    out->modules = allocate(details->module_count, sizeof *out->modules, error);
    if (out->modules == NULL)
        return false;
    while (out->module_count < details->module_count) {
        const SnapshotModule *module = &details->modules[out->module_count];
        SnapshotModule *copy = &out->modules[out->module_count++];
        copy->base = module->base;
        copy->end = module->end;
        if (!copy_text(&copy->name, without_folders(module->name), error) ||
            !copy_text(&copy->build_id, module->build_id, error))
            return false;
    }
    return true;
}

// A compiler names some functions after the path of a source file. Other slashes are operators.
static const char *redacted_symbol(const char *symbol)
{
    static const char operator_name[] = "operator";
    const char *slash = strchr(symbol, '/');

    while (slash != NULL && slash >= symbol + strlen(operator_name) &&
           strncmp(slash - strlen(operator_name), operator_name, strlen(operator_name)) == 0)
        slash = strchr(slash + 1, '/');
    return slash == NULL ? symbol : "[redacted]";
}

static bool copy_functions(SnapshotType **out, uint32_t *out_count, const SnapshotType *types,
                           uint32_t count, Error *error)
{
    *out = allocate(count, sizeof **out, error);
    if (*out == NULL)
        return false;
    while (*out_count < count) {
        const SnapshotType *type = &types[*out_count];
        SnapshotType *copy = &(*out)[(*out_count)++];
        copy->type_word = type->type_word;
        copy->module = type->module;
        copy->module_offset = type->module_offset;
        copy->symbols = allocate(type->symbol_count, sizeof *copy->symbols, error);
        if (copy->symbols == NULL)
            return false;
        for (; copy->symbol_count < type->symbol_count; copy->symbol_count++)
            if (!copy_text(&copy->symbols[copy->symbol_count],
                           redacted_symbol(type->symbols[copy->symbol_count]), error))
                return false;
    }
    return true;
}

static bool copy_variables(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    out->variables = allocate(details->variable_count, sizeof *out->variables, error);
    if (out->variables == NULL)
        return false;
    while (out->variable_count < details->variable_count) {
        const SnapshotVariable *variable = &details->variables[out->variable_count];
        SnapshotVariable *copy = &out->variables[out->variable_count++];
        copy->address = variable->address;
        copy->bytes = variable->bytes;
        copy->module = variable->module;
        copy->is_thread_local = variable->is_thread_local;
        if (!copy_text(&copy->name, redacted_symbol(variable->name), error))
            return false;
    }
    return true;
}

static bool copy_frames(SnapshotStack *copy, const SnapshotStack *stack, Error *error)
{
    copy->frames = allocate(stack->frame_count, sizeof *copy->frames, error);
    if (copy->frames == NULL)
        return false;
    while (copy->frame_count < stack->frame_count) {
        const SnapshotFrame *frame = &stack->frames[copy->frame_count];
        SnapshotFrame *out = &copy->frames[copy->frame_count++];
        out->program_counter = frame->program_counter;
        out->is_interrupted = frame->is_interrupted;
        out->start = frame->start;
        out->end = frame->end;
        out->function_offset = frame->function_offset;
        if (frame->function != NULL &&
            !copy_text(&out->function, redacted_symbol(frame->function), error))
            return false;
    }
    return true;
}

static bool copy_stacks(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    out->stacks = allocate(details->stack_count, sizeof *out->stacks, error);
    if (out->stacks == NULL)
        return false;
    while (out->stack_count < details->stack_count) {
        const SnapshotStack *stack = &details->stacks[out->stack_count];
        SnapshotStack *copy = &out->stacks[out->stack_count++];
        copy->thread = stack->thread;
        copy->end = stack->end;
        if (!copy_frames(copy, stack, error))
            return false;
    }
    return true;
}

// Where types hold references decides what is marked. (The names of roots, which a program makes
// up as it runs, stay out.)
static bool copy_type_layouts(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    out->type_layouts = allocate(details->type_layout_count, sizeof *out->type_layouts, error);
    if (out->type_layouts == NULL)
        return false;
    while (out->type_layout_count < details->type_layout_count) {
        const SnapshotTypeLayout *layout = &details->type_layouts[out->type_layout_count];
        SnapshotTypeLayout *copy = &out->type_layouts[out->type_layout_count++];
        copy->type_word = layout->type_word;
        copy->rest_offset = layout->rest_offset;
        copy->offsets = allocate(layout->offset_count, sizeof *copy->offsets, error);
        if (copy->offsets == NULL)
            return false;
        copy->offset_count = layout->offset_count;
        if (layout->offset_count > 0)
            memcpy(copy->offsets, layout->offsets, layout->offset_count * sizeof *copy->offsets);
    }
    return true;
}

// "[heap]" and the like, which the kernel calls so; "[anon:NAME]" was named by the program.
static bool is_kernel_name(const char *name)
{
    size_t length = strlen(name);

    return length > 2 && name[0] == '[' && name[length - 1] == ']' &&
           strspn(name + 1, "abcdefghijklmnopqrstuvwxyz_") == length - 2;
}

static bool is_module_name(const SnapshotDetails *details, const char *name)
{
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(without_folders(details->modules[i].name), name) == 0)
            return true;
    return false;
}

static const char *redacted_mapping(const SnapshotDetails *details, const char *name)
{
    if (name[0] == '\0' || is_kernel_name(name))
        return name;
    if (is_module_name(details, without_folders(name)))
        return without_folders(name);
    return name[0] == '[' ? "[anon]" : "[file]";
}

static bool copy_mappings(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    out->mappings = allocate(details->mapping_count, sizeof *out->mappings, error);
    if (out->mappings == NULL)
        return false;
    while (out->mapping_count < details->mapping_count) {
        const SnapshotMapping *mapping = &details->mappings[out->mapping_count];
        SnapshotMapping *copy = &out->mappings[out->mapping_count++];
        copy->start = mapping->start;
        copy->end = mapping->end;
        copy->file_offset = mapping->file_offset;
        memcpy(copy->permissions, mapping->permissions, sizeof copy->permissions);
        if (!copy_text(&copy->name,
                       redacted_mapping(details, mapping->name == NULL ? "" : mapping->name),
                       error))
            return false;
    }
    return true;
}

// Notes are sentences of ours; where one names a path, the rest of its line goes: nobody knows
// where a path with spaces and quotes in it ends.
static void drop_paths(char *text)
{
    char *to = text;

    while (*text != '\0') {
        size_t line = strcspn(text, "\n"), kept = line;
        const char *slash = memchr(text, '/', line), *quote = memchr(text, '\'', line);
        if (slash != NULL) {
            kept = (size_t)((quote != NULL && quote < slash ? quote : slash) - text);
            while (kept > 0 && text[kept - 1] != ' ')
                kept--;
        }
        memmove(to, text, kept);
        to += kept;
        if (slash != NULL)
            *to++ = '*';
        text += line;
        if (*text == '\n')
            *to++ = *text++;
    }
    *to = '\0';
}

static bool copy_losses(SnapshotDetails *out, const SnapshotDetails *details, Error *error)
{
    for (uint32_t i = 0; i < details->loss_count; i++) {
        const SnapshotLoss *loss = &details->losses[i];
        char *why = NULL;
        bool ok = copy_text(&why, loss->why, error);
        if (ok) {
            drop_paths(why);
            ok = snapshot_details_add_loss(out, loss->kind, loss->address, loss->bytes, why, error);
        }
        free(why);
        if (!ok)
            return false;
    }
    return true;
}

static void copy_metadata(SnapshotMetadata *out, const SnapshotMetadata *metadata)
{
    const char *name;

    // Its members are numbers, choices, and texts of ours.
    *out = *metadata;
    out->is_redacted = true;
    name = without_folders(out->executable);
    memmove(out->executable, name, strlen(name) + 1);
    drop_paths(out->foreign_note);
    drop_paths(out->missing);
    drop_paths(out->names_note);
}

bool redacted_details_new(const SnapshotDetails *details, SnapshotDetails **out, Error *error)
{
    SnapshotDetails *copy = snapshot_details_new();

    *out = NULL;
    if (copy == NULL)
        return error_set_memory(error, sizeof *copy, "redacting");
    copy_metadata(&copy->metadata, &details->metadata);
    if (copy_threads(copy, details, error) && copy_modules(copy, details, error) &&
        copy_functions(&copy->types, &copy->type_count, details->types, details->type_count,
                       error) &&
        copy_functions(&copy->drops, &copy->drop_count, details->drops, details->drop_count,
                       error) &&
        copy_stacks(copy, details, error) && copy_variables(copy, details, error) &&
        copy_mappings(copy, details, error) && copy_type_layouts(copy, details, error) &&
        copy_losses(copy, details, error)) {
        *out = copy;
        return true;
    }
    snapshot_details_free(copy);
    return false;
}
