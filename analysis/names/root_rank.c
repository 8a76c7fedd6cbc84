// RootRanks: see analysis/names/root_rank.h.

#include "analysis/names/root_rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"

// Registers from this number on are those of the vector state: see docs/format.md.
#define FIRST_VECTOR_REGISTER 0x1000u

unsigned root_rank_tier(RootRank rank)
{
    static const uint8_t tiers[ROOT_RANK_COUNT] = {
        [ROOT_RANK_EXACT] = 0,           [ROOT_RANK_TOLD] = 0,        [ROOT_RANK_VARIABLE] = 0,
        [ROOT_RANK_FRAME] = 0,           [ROOT_RANK_OTHER_FRAME] = 1, [ROOT_RANK_REGISTER] = 2,
        [ROOT_RANK_VECTOR_REGISTER] = 2, [ROOT_RANK_MEMORY] = 3,      [ROOT_RANK_INTERIOR] = 3,
        [ROOT_RANK_OTHER_VARIABLE] = 4,  [ROOT_RANK_COLLECTOR] = 5,
    };

    return tiers[rank];
}

// ---- names ----

static bool begins_with(const char *text, const char *beginning)
{
    return text[0] == beginning[0] && strncmp(text, beginning, strlen(beginning)) == 0;
}

// A file may have names that consist of these alone, and ask for them many times.
#define MOST_SKIPPED 32u

// The path at the beginning of a name: behind "<", "&", "&mut ", "*const " and "dyn ".
static const char *first_path(const char *name)
{
    static const char *const skipped[] = {"<", "&", "mut ", "*const ", "*mut ", "dyn ", "("};

    for (size_t i = 0, left = MOST_SKIPPED; i < sizeof skipped / sizeof skipped[0];)
        if (left > 0 && begins_with(name, skipped[i])) {
            name += strlen(skipped[i]);
            i = 0;
            left--;
        } else {
            i++;
        }
    return name;
}

bool name_is_of_library(const char *name, const char *prefix)
{
    static const char *const libraries[] = {
        "std::", "core::", "alloc::", "__gnu_cxx::", "_Unwind_"};

    name = first_path(name);
    if (prefix != NULL && begins_with(name, prefix))
        return true;
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        if (begins_with(name, libraries[i]))
            return true;
    return false;
}

// Here a thread's own code begins, which often is a part of this function.
static bool holds_thread(const char *function)
{
    return strstr(function, "__rust_begin_short_backtrace") != NULL;
}

// ---- modules ----

static uint32_t find_executable(const SnapshotDetails *details)
{
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(details->modules[i].name, details->metadata.executable) == 0)
            return i;
    return NO_INDEX;
}

// Where the module behind the executable begins: its .bss may lie behind its own end.
static uint64_t find_executable_limit(const SnapshotDetails *details, uint32_t executable)
{
    uint64_t limit = UINT64_MAX;

    for (uint32_t i = 0; executable != NO_INDEX && i < details->module_count; i++)
        if (details->modules[i].base > details->modules[executable].base &&
            details->modules[i].base < limit)
            limit = details->modules[i].base;
    return limit;
}

// Does the address lie in the executable, as far as is known?
static bool is_in_executable(const RootRanks *ranks, uint64_t address)
{
    return ranks->executable == NO_INDEX ||
           (address >= ranks->details->modules[ranks->executable].base &&
            address < ranks->executable_limit);
}

// ---- frames ----

// Was a function of the program inlined at the code of the frame?
static bool has_own_place(const RootRanks *ranks, const SnapshotStack *stack, uint32_t number)
{
    uint32_t count;
    const SnapshotPlace *places =
        snapshot_details_find_places(ranks->details, stack->thread, number, &count);

    for (uint32_t i = 0; places != NULL && i < count; i++)
        if (!name_is_of_library(places[i].function, ranks->collector))
            return true;
    return false;
}

static RootRank rank_of_frame(const RootRanks *ranks, const SnapshotStack *stack, uint32_t number)
{
    const SnapshotFrame *frame = &stack->frames[number];

    if (!is_in_executable(ranks, frame->program_counter))
        return ROOT_RANK_OTHER_FRAME;
    if (frame->function == NULL || holds_thread(frame->function))
        return ROOT_RANK_FRAME;
    return name_is_of_library(frame->function, ranks->collector) &&
                   !has_own_place(ranks, stack, number)
               ? ROOT_RANK_OTHER_FRAME
               : ROOT_RANK_FRAME;
}

static int compare_frames(const void *left, const void *right)
{
    const RankedFrame *a = left, *b = right;

    return a->start != b->start ? (a->start > b->start ? 1 : -1)
                                : (a->end > b->end) - (a->end < b->end);
}

// Ranks the frames of a stack, and puts them in order for searching.
static void take_stack(RootRanks *ranks, const SnapshotStack *stack)
{
    Error error;

    ranks->stack = stack;
    ranks->frame_count = 0;
    if (!array_reserve(&ranks->frames, &ranks->frame_capacity, stack->frame_count,
                       sizeof *ranks->frames, "frames", &error))
        return;
    for (uint32_t i = 0; i < stack->frame_count; i++) {
        const SnapshotFrame *frame = &stack->frames[i];
        RankedFrame ranked = {frame->start, frame->end, rank_of_frame(ranks, stack, i)};

        // Words further up than the last frame that is known are those of its callers.
        if (i + 1 == stack->frame_count && stack->end != STACK_END_WHOLE)
            ranked.end = UINT64_MAX;
        ranks->frames[ranks->frame_count++] = ranked;
    }
    qsort(ranks->frames, ranks->frame_count, sizeof *ranks->frames, compare_frames);
}

static RootRank rank_of_stack_word(RootRanks *ranks, const Root *root)
{
    const SnapshotStack *stack = ranks->stack;
    uint64_t at;

    if (stack == NULL || stack->thread != root->thread)
        stack = snapshot_details_find_stack(ranks->details, root->thread);
    if (stack == NULL)
        return ROOT_RANK_FRAME; // no frame is known to be a better one
    if (stack != ranks->stack)
        take_stack(ranks, stack);
    at = search_above(ranks->frames, ranks->frame_count, start, root->address);
    return at > 0 && root->address < ranks->frames[at - 1].end ? ranks->frames[at - 1].rank
                                                               : ROOT_RANK_OTHER_FRAME;
}

// ---- all roots ----

// The variable that a root lies in, or NULL: thread-local ones of all threads but the main one lie
// at the end of their stacks.
static const SnapshotVariable *variable_of(const RootRanks *ranks, const Root *root)
{
    const SnapshotDetails *details = ranks->details;

    if (root->kind == ROOT_GLOBAL)
        return snapshot_details_find_variable(details, false, root->address);
    if ((root->kind != ROOT_TLS && root->kind != ROOT_STACK) ||
        root->thread >= details->thread_count)
        return NULL;
    return snapshot_details_find_variable(
        details, true, root->address - details->threads[root->thread].control_block);
}

static bool is_of_collector(const RootRanks *ranks, const SnapshotVariable *variable)
{
    return variable != NULL && ranks->collector != NULL &&
           begins_with(first_path(variable->name), ranks->collector);
}

static RootRank rank_of_variable(const RootRanks *ranks, const SnapshotVariable *variable)
{
    if (is_of_collector(ranks, variable))
        return ROOT_RANK_COLLECTOR;
    return (ranks->executable != NO_INDEX && variable->module != ranks->executable) ||
                   name_is_of_library(variable->name, NULL)
               ? ROOT_RANK_OTHER_VARIABLE
               : ROOT_RANK_VARIABLE;
}

void root_ranks_init(RootRanks *ranks, const HeapImage *image)
{
    *ranks = (RootRanks){
        .details = image->details,
        .collector = begins_with(image->layout.name, "rudo-gc") ? "rudo_gc::" : NULL,
        .executable = find_executable(image->details),
    };
    ranks->executable_limit = find_executable_limit(image->details, ranks->executable);
}

void root_ranks_release(RootRanks *ranks)
{
    free(ranks->frames);
    ranks->frames = NULL;
}

RootRank root_ranks_of(RootRanks *ranks, const Root *root, bool is_interior)
{
    const SnapshotVariable *variable = variable_of(ranks, root);

    if (root->is_exact != 0)
        return ROOT_RANK_EXACT;
    if (variable != NULL && is_of_collector(ranks, variable))
        return ROOT_RANK_COLLECTOR;
    if (is_interior)
        return ROOT_RANK_INTERIOR;
    if (variable != NULL)
        return rank_of_variable(ranks, variable);
    switch ((RootKind)root->kind) {
    case ROOT_EXPLICIT:
    case ROOT_HANDLE:
        return ROOT_RANK_TOLD;
    case ROOT_GLOBAL:
        return is_in_executable(ranks, root->address) ? ROOT_RANK_VARIABLE
                                                      : ROOT_RANK_OTHER_VARIABLE;
    case ROOT_TLS:
        return ROOT_RANK_VARIABLE;
    case ROOT_STACK:
        return rank_of_stack_word(ranks, root);
    case ROOT_REGISTER:
        return root->address < FIRST_VECTOR_REGISTER ? ROOT_RANK_REGISTER
                                                     : ROOT_RANK_VECTOR_REGISTER;
    default:
        return ROOT_RANK_MEMORY;
    }
}

bool root_ranks_is_collector(const RootRanks *ranks, const Root *root)
{
    return is_of_collector(ranks, variable_of(ranks, root));
}
