// NameSets: see analysis/names/name_sets.h.

#include "analysis/names/name_sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/checksum.h"
#include "base/clean_text.h"
#include "base/hash_index.h"

// Names that are compared to narrow sets or to join open ones, for all pairs of functions together.
// Where a file has more, sets stay as wide as the trace function's.
#define MOST_COMPARED (UINT32_C(1) << 23)
#define MORE_CHARS 64u

// A name in a symbol.
typedef struct FunctionName {
    const char *name; // borrowed
    size_t length;
} FunctionName;

// Distinct names of one meaning, in the order of the symbols.
typedef struct NameList {
    FunctionName *names; // owned
    uint32_t *sorted;    // their numbers, ascending by name; owned
    uint32_t count;
    const char *text; // all of them; NULL: not made so far
} NameList;

typedef struct FunctionNames {
    unsigned meanings;
    NameList types;
    NameList plain;
    const char *open_text; // the types, and that there may be more; NULL: not made so far
} FunctionNames;

struct NameSets {
    const SnapshotDetails *details; // borrowed
    FunctionNames **functions;      // by number of type, then of drop function; NULL: not looked at
    uint64_t function_count;
    uint32_t compared;
    char **texts; // owned, distinct
    uint32_t text_count;
    uint64_t text_capacity;
    HashIndex text_index;
    bool is_short; // memory was, for the names of a function
};

// ---- texts ----

static uint64_t hash_at(const HashIndex *index, const void *texts, uint32_t position)
{
    const char *text = ((char *const *)texts)[position];

    return hash_index_text(index, text, strlen(text));
}

static bool is_text_at(const void *texts, uint32_t position, const void *text)
{
    return strcmp(((char *const *)texts)[position], text) == 0;
}

const char *name_sets_keep(NameSets *sets, const char *text, Error *error)
{
    uint64_t wanted = sets->text_count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&sets->texts, &sets->text_capacity, wanted, sizeof *sets->texts,
                       "names of types", error) ||
        !hash_index_reserve(&sets->text_index, sets->texts, wanted, hash_at, "names of types",
                            error))
        return NULL;
    slot =
        hash_index_find(&sets->text_index, sets->texts,
                        hash_index_text(&sets->text_index, text, strlen(text)), is_text_at, text);
    if (*slot == 0) {
        char *copy = strdup(text);

        if (copy == NULL) {
            (void)error_set_memory(error, strlen(text) + 1, "a type's name");
            return NULL;
        }
        sets->texts[sets->text_count] = copy;
        *slot = ++sets->text_count;
    }
    return sets->texts[*slot - 1];
}

// A text that grows name by name up to NAME_SET_BYTES.
typedef struct SetText {
    char text[NAME_SET_BYTES + MORE_CHARS];
    size_t length;
    uint32_t names;
    uint32_t left_out;
    bool is_cut; // the only name lacks its middle
    uint64_t hash;
} SetText;

static void add_bytes(SetText *set, const char *bytes, size_t length)
{
    memcpy(set->text + set->length, bytes, length);
    set->length += length;
}

// The beginning and the end of a name that is too long.
static void add_cut(SetText *set, const FunctionName *name)
{
    size_t half = NAME_SET_BYTES / 2 - 16, end = name->length - half;

    add_bytes(set, name->name, text_cut(name->name, name->length, half));
    add_bytes(set, "...", 3);
    while (end < name->length && ((unsigned char)name->name[end] & 0xC0) == 0x80)
        end++;
    add_bytes(set, name->name + end, name->length - end);
    set->is_cut = true;
}

static void add_name(SetText *set, const FunctionName *name)
{
    size_t before = set->names > 0 ? 3 : 0;

    set->hash = hash_mix(set->hash + checksum_xxh64(name->name, name->length));
    set->names++;
    if (set->left_out > 0 || set->length + before + name->length > NAME_SET_BYTES) {
        if (set->names == 1)
            add_cut(set, name);
        else
            set->left_out++;
        return;
    }
    add_bytes(set, " | ", before);
    add_bytes(set, name->name, name->length);
}

static const char *finish(NameSets *sets, SetText *set, bool is_open, Error *error)
{
    size_t room = sizeof set->text - set->length;

    if (set->left_out > 0)
        (void)snprintf(set->text + set->length, room, " | and %" PRIu32 " more #%08" PRIx32 "%s",
                       set->left_out, (uint32_t)(set->hash >> 32), is_open ? " | ..." : "");
    else if (set->is_cut)
        (void)snprintf(set->text + set->length, room, " #%08" PRIx32 "%s",
                       (uint32_t)(set->hash >> 32), is_open ? " | ..." : "");
    else
        (void)snprintf(set->text + set->length, room, "%s", is_open ? " | ..." : "");
    return name_sets_keep(sets, set->text, error);
}

static const char *text_of(NameSets *sets, const NameList *list, bool is_open, Error *error)
{
    SetText set = {.length = 0};

    for (uint32_t i = 0; i < list->count; i++)
        add_name(&set, &list->names[i]);
    return finish(sets, &set, is_open, error);
}

// ---- the names of a function ----

static int compare_names(const FunctionName *a, const FunctionName *b)
{
    int order = memcmp(a->name, b->name, a->length < b->length ? a->length : b->length);

    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_numbers(const void *left, const void *right, void *names)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int order = compare_names((const FunctionName *)names + a, (const FunctionName *)names + b);

    return order != 0 ? order : (a > b) - (a < b);
}

// Sorts the list, and drops repeated names, of which the first stays.
static bool settle(NameList *list, Error *error)
{
    uint8_t *is_repeated = calloc((size_t)list->count + 1, 1);
    uint32_t *moved = malloc(((size_t)list->count + 1) * sizeof *moved), kept = 0, sorted = 0;

    list->sorted = malloc(((size_t)list->count + 1) * sizeof *list->sorted);
    if (list->sorted == NULL || is_repeated == NULL || moved == NULL) {
        free(is_repeated);
        free(moved);
        return error_set_memory(error, list->count * sizeof *moved, "names of types");
    }
    for (uint32_t i = 0; i < list->count; i++)
        list->sorted[i] = i;
    qsort_r(list->sorted, list->count, sizeof *list->sorted, compare_numbers, list->names);
    for (uint32_t i = 1; i < list->count; i++)
        is_repeated[list->sorted[i]] =
            compare_names(&list->names[list->sorted[i - 1]], &list->names[list->sorted[i]]) == 0;
    for (uint32_t i = 0; i < list->count; i++) {
        moved[i] = kept;
        if (!is_repeated[i])
            list->names[kept++] = list->names[i];
    }
    for (uint32_t i = 0; i < list->count; i++)
        if (!is_repeated[list->sorted[i]])
            list->sorted[sorted++] = moved[list->sorted[i]];
    list->count = kept;
    free(is_repeated);
    free(moved);
    return true;
}

static bool list_names(const SnapshotType *function, SymbolMeaning meaning, NameList *list,
                       Error *error)
{
    list->names = malloc(((size_t)function->symbol_count + 1) * sizeof *list->names);
    if (list->names == NULL)
        return error_set_memory(error, function->symbol_count * sizeof *list->names,
                                "names of types");
    for (uint32_t i = 0; i < function->symbol_count; i++) {
        SymbolName name = symbol_name(function->symbols[i]);

        if (name.meaning == meaning)
            list->names[list->count++] = (FunctionName){name.name, name.length};
    }
    return settle(list, error);
}

static uint32_t number_of(const NameSets *sets, const SnapshotType *function)
{
    const SnapshotDetails *details = sets->details;
    uintptr_t at = (uintptr_t)function, types = (uintptr_t)details->types;

    if (at >= types && at < (uintptr_t)(details->types + details->type_count))
        return (uint32_t)(function - details->types);
    return details->type_count + (uint32_t)(function - details->drops);
}

static void free_list(NameList *list)
{
    free(list->names);
    free(list->sorted);
}

// NULL: memory is short.
static FunctionNames *names_of(NameSets *sets, const SnapshotType *function)
{
    FunctionNames **names = &sets->functions[number_of(sets, function)];

    if (*names != NULL)
        return *names;
    *names = calloc(1, sizeof **names);
    sets->is_short = sets->is_short || *names == NULL;
    for (uint32_t i = 0; *names != NULL && i < function->symbol_count; i++)
        (*names)->meanings |= 1u << symbol_name(function->symbols[i]).meaning;
    return *names;
}

static bool has(const FunctionNames *names, SymbolMeaning meaning)
{
    return names != NULL && (names->meanings >> meaning & 1) != 0;
}

unsigned name_sets_meanings(NameSets *sets, const SnapshotType *function)
{
    const FunctionNames *names = function == NULL ? NULL : names_of(sets, function);

    return names == NULL ? 0 : names->meanings;
}

bool name_sets_are_complete(const NameSets *sets, Error *error)
{
    return !sets->is_short || error_set(error, ERROR_MEMORY, "cannot allocate memory for names");
}

// ---- sets ----

static bool take_list(NameSets *sets, const NameList *list, const char **kept, bool is_open,
                      NameSet *out, Error *error)
{
    if (*kept == NULL)
        *kept = text_of(sets, list, is_open, error);
    out->text = *kept;
    out->count = is_open ? TYPE_NAMES_OPEN : list->count;
    return *kept != NULL;
}

static bool has_name(const NameList *list, const FunctionName *name, uint32_t *number)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_names(&list->names[list->sorted[middle]], name);

        if (order == 0) {
            *number = list->sorted[middle];
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

// May these many names be compared?
static bool spend(NameSets *sets, uint32_t count)
{
    if (count > MOST_COMPARED - sets->compared)
        return false;
    sets->compared += count;
    return true;
}

static int compare_plainly(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

// The names that both lists have, in the order of the first; none leave `out` as it is.
static bool narrow(NameSets *sets, const NameList *trace, const NameList *drop, NameSet *out,
                   Error *error)
{
    bool is_trace_shorter = trace->count <= drop->count;
    const NameList *shorter = is_trace_shorter ? trace : drop;
    const NameList *longer = is_trace_shorter ? drop : trace;
    uint32_t *common, count = 0;
    SetText set = {.length = 0};

    if (!spend(sets, shorter->count))
        return true;
    common = malloc(((size_t)shorter->count + 1) * sizeof *common);
    if (common == NULL)
        return error_set_memory(error, shorter->count * sizeof *common, "names of types");
    for (uint32_t i = 0; i < shorter->count; i++) {
        uint32_t number;

        if (has_name(longer, &shorter->names[i], &number))
            common[count++] = is_trace_shorter ? i : number;
    }
    if (count > 0 && count < trace->count) {
        qsort(common, count, sizeof *common, compare_plainly);
        for (uint32_t i = 0; i < count; i++)
            add_name(&set, &trace->names[common[i]]);
        out->text = finish(sets, &set, false, error);
        out->count = count;
    }
    free(common);
    return out->text != NULL;
}

// The types of two open sets. Where they are many, those of the trace function alone: there may be
// more anyway.
static bool join(NameSets *sets, const NameList *trace, const NameList *drop, NameSet *out,
                 Error *error)
{
    SetText set = {.length = 0};

    if (trace->count + (uint64_t)drop->count > NAME_SET_BYTES / 4 ||
        !spend(sets, trace->count + drop->count))
        return true;
    for (uint32_t i = 0; i < trace->count; i++)
        add_name(&set, &trace->names[i]);
    for (uint32_t i = 0; i < drop->count; i++) {
        uint32_t number;

        if (!has_name(trace, &drop->names[i], &number))
            add_name(&set, &drop->names[i]);
    }
    out->text = finish(sets, &set, true, error);
    return out->text != NULL;
}

// The lists of both functions are there.
static bool find_types(NameSets *sets, FunctionNames *trace, FunctionNames *drop, NameSet *out,
                       Error *error)
{
    bool trace_has_types = has(trace, SYMBOL_TYPE), drop_has_types = has(drop, SYMBOL_TYPE);
    bool drop_is_closed = drop_has_types && !has(drop, SYMBOL_HIDDEN);

    if (trace_has_types && !has(trace, SYMBOL_HIDDEN))
        return take_list(sets, &trace->types, &trace->types.text, false, out, error) &&
               (!drop_is_closed || narrow(sets, &trace->types, &drop->types, out, error));
    if (drop_is_closed)
        return take_list(sets, &drop->types, &drop->types.text, false, out, error);
    if (!trace_has_types)
        return take_list(sets, &drop->types, &drop->open_text, true, out, error);
    return take_list(sets, &trace->types, &trace->open_text, true, out, error) &&
           (!drop_has_types || join(sets, &trace->types, &drop->types, out, error));
}

// Lists the names of this meaning, unless that was done.
static bool need_list(const SnapshotType *function, const FunctionNames *names,
                      SymbolMeaning meaning, NameList *list, Error *error)
{
    return !has(names, meaning) || list->names != NULL ||
           list_names(function, meaning, list, error);
}

bool name_sets_find(NameSets *sets, const SnapshotType *trace_function,
                    const SnapshotType *drop_function, NameSet *out, Error *error)
{
    FunctionNames *trace = trace_function == NULL ? NULL : names_of(sets, trace_function);
    FunctionNames *drop = drop_function == NULL ? NULL : names_of(sets, drop_function);

    *out = (NameSet){.text = NULL};
    if ((trace_function != NULL && trace == NULL) || (drop_function != NULL && drop == NULL))
        return error_set_memory(error, sizeof *trace, "names of types");
    if (has(trace, SYMBOL_TYPE) || has(drop, SYMBOL_TYPE))
        return (trace == NULL ||
                need_list(trace_function, trace, SYMBOL_TYPE, &trace->types, error)) &&
               (drop == NULL || need_list(drop_function, drop, SYMBOL_TYPE, &drop->types, error)) &&
               find_types(sets, trace, drop, out, error);
    // Programs in other languages may name a function after its type.
    if (!has(trace, SYMBOL_PLAIN))
        return true;
    if (!need_list(trace_function, trace, SYMBOL_PLAIN, &trace->plain, error) ||
        !take_list(sets, &trace->plain, &trace->plain.text, false, out, error))
        return false;
    out->count = 0;
    if (out->text[0] == '\0')
        out->text = NULL;
    return true;
}

// ---- life ----

bool name_sets_new(const SnapshotDetails *details, NameSets **out, Error *error)
{
    uint64_t functions = (uint64_t)details->type_count + details->drop_count;
    NameSets *sets = calloc(1, sizeof *sets);

    *out = NULL;
    if (sets != NULL)
        sets->functions = calloc(functions + 1, sizeof *sets->functions);
    if (sets == NULL || sets->functions == NULL) {
        free(sets);
        return error_set_memory(error, functions * sizeof *sets->functions, "names of types");
    }
    sets->details = details;
    sets->function_count = functions;
    *out = sets;
    return true;
}

void name_sets_free(NameSets *sets)
{
    if (sets == NULL)
        return;
    for (uint64_t i = 0; i < sets->function_count; i++)
        if (sets->functions[i] != NULL) {
            free_list(&sets->functions[i]->types);
            free_list(&sets->functions[i]->plain);
            free(sets->functions[i]);
        }
    for (uint32_t i = 0; i < sets->text_count; i++)
        free(sets->texts[i]);
    hash_index_release(&sets->text_index);
    free(sets->functions);
    free(sets->texts);
    free(sets);
}
