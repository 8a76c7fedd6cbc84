// Naming roots: see analysis/names/root_label.h.

#include "analysis/names/root_label.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/register_name.h"
#include "analysis/names/root_rank.h"
#include "base/clean_text.h"
#include "base/search.h"
#include "snapshot/heap/snapshot_lookup.h"

// Names of a file may be long, and one name may be a part of the labels of many roots. Longer ones
// than this are cut: real ones are shorter.
#define MOST_NAME_BYTES 1024u
// Functions with longer names keep their type parameters.
#define MOST_FUNCTION_BYTES 4096u

typedef struct ShownName {
    int length;
    const char *text;
    const char *rest; // "...", or ""
} ShownName;

static ShownName show_name(const char *name)
{
    size_t length = strnlen(name, MOST_NAME_BYTES + 1), shown;

    shown = text_cut(name, length, MOST_NAME_BYTES);
    return (ShownName){(int)shown, name, shown < length ? "..." : ""};
}

// For "%.*s%s".
#define SHOWN(name) (name).length, (name).text, (name).rest

char *thread_label(const SnapshotDetails *details, uint32_t thread)
{
    const SnapshotThread *record;
    char *label = NULL;
    int length;

    if (thread >= details->thread_count)
        return strdup("an unknown thread");
    record = &details->threads[thread];
    if (record->name[0] == '\0')
        length = asprintf(&label, "thread %" PRIu32, record->tid);
    else if (snapshot_lookup_has_namesake(details, thread))
        length = asprintf(&label, "thread '%s' (%" PRIu32 ")", record->name, record->tid);
    else
        length = asprintf(&label, "thread '%s'", record->name);
    return length < 0 ? NULL : label;
}

// "" where no mapping holds the address, and for anonymous memory.
static const char *mapping_name(const SnapshotDetails *details, uint64_t address)
{
    uint64_t found = search_above(details->mappings, details->mapping_count, end, address);

    return found < details->mapping_count && details->mappings[found].start <= address
               ? details->mappings[found].name
               : "";
}

static const char *without_folders(const char *path)
{
    const char *folder_end = strrchr(path, '/');

    return folder_end != NULL ? folder_end + 1 : path;
}

// The module whose variable lies at `address`. A .bss lies after the last mapping of its file, in
// anonymous memory.
static const SnapshotModule *find_module(const SnapshotDetails *details, uint64_t address,
                                         const char *file)
{
    const SnapshotModule *found = snapshot_lookup_module(details, address);

    return found != NULL && (file[0] == '\0' || address < found->end) ? found : NULL;
}

// The length of the part of a variable's name that is shown. The value of a thread_local! is inside
// closures ("CURRENT::{K#0}::{closure#0}::__RUST_STD_INTERNAL_VAL"): only the declared name is
// shown.
static int shown_length(const char *name)
{
    static const char inner[] = "::__RUST_STD_INTERNAL_VAL";
    size_t length = strnlen(name, MOST_FUNCTION_BYTES);
    const char *closure;

    if (length == MOST_FUNCTION_BYTES)
        return (int)text_cut(name, length, MOST_NAME_BYTES);
    closure = strstr(name, "::{");
    if (length > strlen(inner) && strcmp(name + length - strlen(inner), inner) == 0)
        length = closure != NULL ? (size_t)(closure - name) : length - strlen(inner);
    return (int)text_cut(name, length, MOST_NAME_BYTES);
}

// "shop::CACHE+0x10"; the caller frees it.
static char *variable_label(const SnapshotVariable *variable, uint64_t address)
{
    uint64_t offset = address - variable->address;
    int shown = shown_length(variable->name), length;
    char *label = NULL;

    if (offset == 0)
        length = asprintf(&label, "%.*s", shown, variable->name);
    else
        length = asprintf(&label, "%.*s+0x%" PRIx64, shown, variable->name, offset);
    return length < 0 ? NULL : label;
}

static char *global_label(const SnapshotDetails *details, const Root *root)
{
    const char *file = without_folders(mapping_name(details, root->address));
    const SnapshotModule *module = find_module(details, root->address, file);
    const SnapshotVariable *variable =
        snapshot_details_find_variable(details, false, root->address);
    ShownName name = show_name(variable != NULL ? details->modules[variable->module].name
                               : module != NULL ? module->name
                                                : file);
    char *label = NULL, *place;
    int length = -1;

    if (variable != NULL) {
        place = variable_label(variable, root->address);
        if (place != NULL)
            length = asprintf(&label, "global %s (%.*s%s)", place, SHOWN(name));
        free(place);
    } else if (module != NULL) {
        length =
            asprintf(&label, "global %.*s%s+0x%" PRIx64, SHOWN(name), root->address - module->base);
    } else if (file[0] != '\0') {
        length = asprintf(&label, "global 0x%" PRIx64 " (%.*s%s)", root->address, SHOWN(name));
    } else {
        length = asprintf(&label, "global 0x%" PRIx64, root->address);
    }
    return length < 0 ? NULL : label;
}

// The thread-local variable that a root lies in, or NULL.
static const SnapshotVariable *tls_variable(const SnapshotDetails *details, const Root *root)
{
    if (root->thread >= details->thread_count)
        return NULL;
    return snapshot_details_find_variable(
        details, true, root->address - details->threads[root->thread].control_block);
}

// `thread` is the label of the root's thread. variable: or NULL.
static char *tls_label(const SnapshotDetails *details, const Root *root,
                       const SnapshotVariable *variable, const char *thread)
{
    char *label = NULL, *place;
    int length = -1;

    if (variable != NULL) {
        place =
            variable_label(variable, root->address - details->threads[root->thread].control_block);
        if (place != NULL)
            length = asprintf(&label, "tls %s of %s", place, thread);
        free(place);
    } else {
        length = asprintf(&label, "tls of %s, 0x%" PRIx64, thread, root->address);
    }
    return length < 0 ? NULL : label;
}

static char *other_label(const SnapshotDetails *details, const Root *root)
{
    bool is_foreign = root->kind == ROOT_FOREIGN;
    const char *name = is_foreign ? mapping_name(details, root->address) : "";
    const char *kind = is_foreign ? "memory" : root_kind_name((RootKind)root->kind);
    const char *given = snapshot_details_find_root_name(details, root->address, root->value);
    ShownName shown = show_name(given != NULL ? given : name);
    char *label = NULL;
    int length;

    if (given != NULL)
        length = asprintf(&label, "root %.*s%s", SHOWN(shown));
    else if (name[0] != '\0')
        length = asprintf(&label, "%s 0x%" PRIx64 " (%.*s%s)", kind, root->address, SHOWN(shown));
    else
        length = asprintf(&label, "%s 0x%" PRIx64, kind, root->address);
    return length < 0 ? NULL : label;
}

// True when '<' at this place begins type parameters. At the start of a path it begins "<T as
// Trait>".
static bool begins_parameters(const char *text, size_t at)
{
    char before = at > 0 ? text[at - 1] : ' ';

    return before == ':' || before == '_' || before == '}' || (before >= '0' && before <= '9') ||
           (before >= 'A' && before <= 'Z') || (before >= 'a' && before <= 'z');
}

// The type parameters of a standard library function say more than its name: all of a thread's own
// code may have been inlined into std::sys::backtrace::__rust_begin_short_backtrace.
static bool is_of_standard_library(const char *function)
{
    static const char *const crates[] = {"std::", "core::", "alloc::"};

    for (size_t i = 0; i < sizeof crates / sizeof crates[0]; i++)
        if (strncmp(function, crates[i], strlen(crates[i])) == 0)
            return true;
    return false;
}

char *function_label(const char *function)
{
    size_t length = strnlen(function, MOST_FUNCTION_BYTES), used = 0, open = 0;
    size_t kept = is_of_standard_library(function); // levels of parameters that are shown
    char *label;

    if (length == MOST_FUNCTION_BYTES)
        return strndup(function, text_cut(function, length, MOST_NAME_BYTES));
    label = malloc(length + 1);

    for (size_t i = 0; label != NULL && i < length; i++) {
        bool is_arrow = function[i] == '>' && i > 0 && function[i - 1] == '-';
        bool closes = function[i] == '>' && !is_arrow && open > 0;
        bool opens = function[i] == '<' && (open > 0 || begins_parameters(function, i));

        // "::<" of a function goes with its parameters.
        if (opens && open++ == kept && used >= 2 && memcmp(label + used - 2, "::", 2) == 0)
            used -= 2;
        if (open <= kept)
            label[used++] = function[i];
        if (closes)
            open--;
    }
    if (label == NULL || open > 0) {
        free(label);
        return strdup(function);
    }
    label[used] = '\0';
    return label;
}

// Of the functions that were inlined into each other at the code of a frame, the innermost that is
// not of the standard library or the collector; the innermost of all, if all are.
static const SnapshotPlace *own_place(const SnapshotPlace *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!name_is_of_library(places[i].function, "rudo_gc::"))
            return &places[i];
    return places;
}

// The part of the name of a source file that tells: of crates from cargo's registry, what follows
// the registry's folder ("tokio-1.54.1/src/runtime/park.rs").
static const char *without_registry(const char *file)
{
    static const char registry[] = "/registry/src/";
    const char *found = strstr(file, registry), *crate;

    crate = found != NULL ? strchr(found + strlen(registry), '/') : NULL;
    return crate != NULL && crate[1] != '\0' ? crate + 1 : file;
}

// " (in shop::serve, src/main.rs:88)", which a frame has in its source; "" where that is not known.
// `function` is the frame's own. The caller frees it.
static char *place_label(const SnapshotDetails *details, const SnapshotStack *stack,
                         uint32_t number, const char *function)
{
    uint32_t count;
    const SnapshotPlace *places =
        snapshot_details_find_places(details, stack->thread, number, &count);
    const SnapshotPlace *own = places == NULL ? NULL : own_place(places, count);
    char *label = NULL, *name;
    ShownName file;
    bool is_inlined;
    int length;

    if (own == NULL || own->file[0] == '\0')
        return strdup("");
    name = function_label(own->function);
    is_inlined = own != &places[count - 1];
    if (name == NULL)
        return NULL;
    file = show_name(without_registry(own->file));
    if (is_inlined && strcmp(name, function) != 0)
        length = asprintf(&label, " (in %.*s%s, %.*s%s:%" PRIu32 ")", SHOWN(show_name(name)),
                          SHOWN(file), own->line);
    else
        length = asprintf(&label, " (%.*s%s:%" PRIu32 ")", SHOWN(file), own->line);
    free(name);
    return length < 0 ? NULL : label;
}

// "#4 shop::handle_order+0x5c"; the caller frees it.
static char *frame_label(const SnapshotDetails *details, const SnapshotStack *stack,
                         uint32_t number)
{
    const SnapshotFrame *frame = &stack->frames[number];
    const SnapshotModule *module = snapshot_lookup_code(details, frame->program_counter);
    char *label = NULL, *function = NULL, *place = NULL;
    int length = -1;

    if (frame->function != NULL) {
        function = function_label(frame->function);
        place = function == NULL ? NULL : place_label(details, stack, number, function);
        if (place != NULL)
            length = asprintf(&label, "#%" PRIu32 " %.*s%s+0x%" PRIx64 "%s", number,
                              SHOWN(show_name(function)), frame->function_offset, place);
        free(place);
        free(function);
    } else if (module != NULL) {
        length = asprintf(&label, "#%" PRIu32 " %.*s%s+0x%" PRIx64, number,
                          SHOWN(show_name(module->name)), frame->program_counter - module->base);
    } else {
        length = asprintf(&label, "#%" PRIu32 " 0x%" PRIx64, number, frame->program_counter);
    }
    return length < 0 ? NULL : label;
}

// `thread` is the label of the root's thread.
static char *stack_label(const SnapshotDetails *details, const Root *root, const char *thread)
{
    const SnapshotStack *stack = snapshot_details_find_stack(details, root->thread);
    uint32_t number =
        stack == NULL ? NO_INDEX : snapshot_lookup_frame(details, stack, root->address);
    const SnapshotFrame *last =
        stack == NULL || stack->frame_count == 0 ? NULL : &stack->frames[stack->frame_count - 1];
    char *label = NULL, *frame = NULL;
    int length = -1;

    if (number != NO_INDEX) {
        frame = frame_label(details, stack, number);
        if (frame != NULL)
            length =
                asprintf(&label, "%s, frame %s, stack 0x%" PRIx64, thread, frame, root->address);
    } else if (last != NULL && root->address >= last->start) {
        // A caller of the last frame that is known, or that frame itself.
        frame = frame_label(details, stack, stack->frame_count - 1);
        if (frame != NULL)
            length = asprintf(&label, "%s, frame %s or a caller, stack 0x%" PRIx64, thread, frame,
                              root->address);
    } else {
        length = asprintf(&label, "%s, stack 0x%" PRIx64, thread, root->address);
    }
    free(frame);
    return length < 0 ? NULL : label;
}

// Roots that belong to a thread.
static char *thread_root_label(const SnapshotDetails *details, const Root *root)
{
    const SnapshotVariable *variable = NULL;
    char *thread = thread_label(details, root->thread);
    char register_text[REGISTER_NAME_CHARS];
    char *label = NULL;
    int length = 0;

    if (thread == NULL)
        return NULL;
    // The thread-local variables of all threads but the main one lie at the end of their stacks.
    if (root->kind == ROOT_STACK || root->kind == ROOT_TLS)
        variable = tls_variable(details, root);
    if (root->kind == ROOT_TLS || variable != NULL)
        label = tls_label(details, root, variable, thread);
    else if (root->kind == ROOT_STACK)
        label = stack_label(details, root, thread);
    else if (root->kind == ROOT_REGISTER)
        length = asprintf(&label, "register %s of %s",
                          register_name(details->machine, root->address, register_text), thread);
    else
        length = asprintf(&label, "%s, %s 0x%" PRIx64, thread, root_kind_name((RootKind)root->kind),
                          root->address);
    free(thread);
    return length < 0 ? NULL : label;
}

char *root_label(const SnapshotDetails *details, const Root *root)
{
    if (root->kind == ROOT_GLOBAL)
        return global_label(details, root);
    if (root->thread != NO_INDEX || root->kind == ROOT_REGISTER)
        return thread_root_label(details, root);
    return other_label(details, root);
}
