// Why names are missing: see snapshot/capture/names/names_reasons.h.

#include "snapshot/capture/names/names_reasons.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_LINE_CHARS 400u
#define MAX_LOOKED_UP 16u

// The types of one module.
typedef struct TypeCounts {
    uint32_t unnamed; // their functions have no symbols
    uint32_t hidden;  // their symbols hide them
    uint32_t boxes;   // objects of rudo-gc, whose T has fields
    uint32_t fielded; // of these, with a data type
} TypeCounts;

void names_reasons_add_line(SnapshotMetadata *metadata, const char *line)
{
    char *const texts[] = {metadata->names_note, metadata->names_reasons};
    const size_t sizes[] = {sizeof metadata->names_note, sizeof metadata->names_reasons};

    // Readers before 1.2 know the shorter one.
    for (int i = 0; i < 2; i++) {
        size_t used = strlen(texts[i]);

        if (used + strlen(line) + 2 <= sizes[i])
            (void)snprintf(texts[i] + used, sizes[i] - used, "%s%s", used > 0 ? "\n" : "", line);
    }
}

static bool has_data_type(const SnapshotDetails *details, uint64_t type_word)
{
    for (uint32_t i = 0; i < details->data_type_count; i++)
        for (uint32_t w = 0; w < details->data_types[i].type_word_count; w++)
            if (details->data_types[i].type_words[w] == type_word)
                return true;
    return false;
}

// Dropped objects have functions that belong to none of the types.
static bool is_of_dropped(const char *symbol)
{
    return strstr(symbol, "no_op_") != NULL;
}

static TypeCounts count_types(const SnapshotDetails *details, uint32_t module)
{
    TypeCounts counts = {0};
    bool has_data = details->data_type_count > 0;

    for (uint32_t i = 0; i < details->type_count; i++) {
        const SnapshotType *type = &details->types[i];
        const char *symbol = type->symbol_count > 0 ? type->symbols[0] : "";

        if (type->module != module || is_of_dropped(symbol))
            continue;
        if (type->symbol_count == 0)
            counts.unnamed++;
        else if (strstr(symbol, "GcBox<T>") != NULL)
            counts.hidden++;
        if (strstr(symbol, "rudo_gc::") != NULL && strstr(symbol, "GcBox<") != NULL) {
            counts.boxes++;
            // A few of them tell whether layouts were found at all.
            if (has_data && counts.fielded == 0 && counts.boxes <= MAX_LOOKED_UP)
                counts.fielded += has_data_type(details, type->type_word);
        }
    }
    return counts;
}

// Why the module has no symbols; what to do.
static void explain_unnamed(char *line, uint32_t count, const char *module,
                            const ModuleFacts *facts)
{
    uint32_t what = facts->facts;
    const char *plural = count == 1 ? "function have no names" : "functions have no names";

    if ((what & FACT_MISSING) != 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "the types of %" PRIu32 " trace %s: the file of '%s' cannot be read; %s",
                       count, plural, module,
                       (what & FACT_IS_CORE) != 0 ? "--exe FILE names the executable"
                                                  : "run as its user or as root");
    else if ((what & FACT_OTHER_BUILD) != 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "the types of %" PRIu32
                       " trace %s: the file of '%s' is another build (its build-id "
                       "differs); --exe FILE names the right one",
                       count, plural, module);
    else if ((what & FACT_SYMBOLS) != 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "the types of %" PRIu32 " trace %s: no symbol of '%s' is at their functions",
                       count, plural, module);
    else if ((what & FACT_DEBUG_OTHER_BUILD) != 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "the types of %" PRIu32
                       " trace %s: '%s' is stripped, and its debug file is of another build; "
                       "put the one of this build in its place",
                       count, plural, module);
    else if (facts->file != NULL)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "the types of %" PRIu32
                       " trace %s: '%s' is stripped, and its debug file '%s' was not found; "
                       "put it beside '%s'",
                       count, plural, module, facts->file, module);
    else
        (void)snprintf(line, MAX_LINE_CHARS,
                       "the types of %" PRIu32
                       " trace %s: '%s' is stripped (it has no .symtab); build it with "
                       "`strip = false`",
                       count, plural, module);
}

// Why its debug information tells nothing; what to do.
static void explain_debug_info(char *line, const char *what, const char *module,
                               const ModuleFacts *facts, bool is_hidden)
{
    if ((facts->facts & FACT_DEBUG_UNREADABLE) != 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "%s: the debug information of '%s' cannot be read; "
                       "`objcopy --decompress-debug-sections` may help",
                       what, module);
    else if ((facts->facts & FACT_SPLIT_MISSING) != 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "%s: the debug information of '%s' was split off, and '%s' was not found; "
                       "keep .dwo files where they were built, or '%s.dwp' beside '%s'",
                       what, module, facts->file != NULL ? facts->file : "its .dwo file", module,
                       module);
    else if ((facts->facts & FACT_DEBUG_INFO) == 0)
        (void)snprintf(line, MAX_LINE_CHARS,
                       is_hidden
                           ? "%s: rustc's legacy mangling hides them in '%s'; build it with "
                             "`debug = true`, or with -C symbol-mangling-version=v0"
                           : "%s: '%s' has no debug information; build it with `debug = true`",
                       what, module);
    else if (is_hidden)
        (void)snprintf(line, MAX_LINE_CHARS,
                       "%s: the debug information of '%s' does not describe their functions; build "
                       "it with `debug = true`, or with -C symbol-mangling-version=v0",
                       what, module);
    else
        (void)snprintf(line, MAX_LINE_CHARS,
                       "%s: the debug information of '%s' describes no types; build it with "
                       "`debug = true`",
                       what, module);
}

static void explain_module(SnapshotDetails *details, uint32_t module, const ModuleFacts *facts)
{
    const TypeCounts counts = count_types(details, module);
    const char *name = details->modules[module].name;
    char line[MAX_LINE_CHARS] = "", what[64];

    if (counts.unnamed > 0) {
        explain_unnamed(line, counts.unnamed, name, facts);
        names_reasons_add_line(&details->metadata, line);
    }
    // One sentence for names and fields: the way out is the same.
    if (counts.hidden > 0) {
        (void)snprintf(what, sizeof what, "the types of %" PRIu32 " trace %s", counts.hidden,
                       counts.hidden == 1 ? "function have no names" : "functions have no names");
        explain_debug_info(line, what, name, facts, true);
        names_reasons_add_line(&details->metadata, line);
    } else if (counts.boxes > 0 && counts.fielded == 0 && counts.unnamed == 0) {
        explain_debug_info(line, "fields have no names", name, facts, false);
        names_reasons_add_line(&details->metadata, line);
    }
    if ((facts->facts & FACT_LIMIT) != 0)
        names_reasons_add_line(&details->metadata,
                               "fields of some types were left out: there are too many types");
}

void names_reasons_add(SnapshotDetails *details, const ModuleFacts *facts)
{
    for (uint32_t i = 0; i < details->module_count; i++)
        explain_module(details, i, &facts[i]);
}
