// Schedules of shared operations: see marker/explore/explore_schedule.h.

#include "marker/explore/explore_schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

// OPERATIONS_STICKY changes to another worker after one in N operations.
#define STICKY_STEPS 6u
// Under SIM_C11 one in N loads finds an old value where there is one.
#define STALE_LOADS 3u

// ---- lists ----

void choice_list_release(ChoiceList *list)
{
    free(list->choices);
    *list = (ChoiceList){.choices = NULL};
}

static bool reserve(ChoiceList *list, uint64_t wanted)
{
    Error error;

    return array_reserve(&list->choices, &list->capacity, wanted, sizeof *list->choices,
                         "a schedule", &error);
}

bool choice_list_add(ChoiceList *list, SimChoice choice)
{
    if (list->count == list->capacity && !reserve(list, (uint64_t)list->count + 1))
        return false;
    list->choices[list->count++] = choice;
    return true;
}

bool choice_list_copy(ChoiceList *to, const ChoiceList *from)
{
    if (!reserve(to, from->count))
        return false;
    if (from->count > 0)
        memcpy(to->choices, from->choices, from->count * sizeof *from->choices);
    to->count = from->count;
    return true;
}

// ---- choices ----

void operation_chooser_start(OperationChooser *chooser)
{
    chooser->next = 0;
    chooser->departed_at = UINT32_MAX;
    chooser->departure = DEPARTURE_NONE;
    chooser->forced = 0;
    chooser->preempted_mask = 0;
    if (chooser->record != NULL)
        chooser->record->count = 0;
    if (chooser->mirror != NULL)
        chooser->mirror->count = 0, chooser->mirror->step = 0;
    if (chooser->policy != OPERATIONS_PCT)
        return;
    // A random order, all above `lowest`.
    chooser->lowest = UINT32_MAX / 2;
    for (uint32_t i = 0; i < SIM_ENTITIES; i++) {
        uint32_t other = (uint32_t)schedule_random_below(&chooser->random, i + 1);
        chooser->priorities[i] = chooser->priorities[other];
        chooser->priorities[other] = chooser->lowest + i;
    }
    chooser->change_count = chooser->depth - 1;
    for (uint32_t i = 0; i < chooser->change_count; i++)
        chooser->changes[i] = schedule_random_below(
            &chooser->random, chooser->expected_steps > 0 ? chooser->expected_steps : 1);
}

static uint32_t any_of(OperationChooser *chooser, uint32_t mask)
{
    uint64_t number = schedule_random_below(&chooser->random, (uint64_t)__builtin_popcount(mask));

    for (; number > 0; number--)
        mask &= mask - 1;
    return (uint32_t)__builtin_ctz(mask);
}

static uint32_t choose_by_priority(OperationChooser *chooser, const SimView *view)
{
    uint32_t best = (uint32_t)__builtin_ctz(view->enabled_mask);

    for (uint32_t i = 0; i < chooser->change_count; i++)
        if (chooser->changes[i] == view->step && view->current < SIM_ENTITIES)
            chooser->priorities[view->current] = --chooser->lowest;
    // A worker that waits lets the others run.
    for (uint32_t mask = view->yielded_mask; mask != 0; mask &= mask - 1)
        chooser->priorities[__builtin_ctz(mask)] = --chooser->lowest;
    for (uint32_t mask = view->enabled_mask; mask != 0; mask &= mask - 1) {
        uint32_t entity = (uint32_t)__builtin_ctz(mask);
        if (chooser->priorities[entity] > chooser->priorities[best])
            best = entity;
    }
    return best;
}

// The entity that ran last, as long as it can; then workers rather than flushers.
static uint32_t choose_to_stay(const SimView *view)
{
    uint32_t ready = view->enabled_mask & ~view->yielded_mask;
    uint32_t mask = ready != 0 ? ready : view->enabled_mask;

    if (view->current < SIM_ENTITIES && (mask >> view->current & 1) != 0)
        return view->current;
    return (uint32_t)__builtin_ctz(mask);
}

static SimChoice next_of_list(OperationChooser *chooser, const SimRun *run, const SimView *view,
                              SimChoice unforced)
{
    while (chooser->next < chooser->follow->count) {
        SimChoice choice = chooser->follow->choices[chooser->next++];
        bool can_be =
            choice.entity < SIM_ENTITIES && (view->enabled_mask >> choice.entity & 1) != 0;
        bool has_option = can_be && choice.option < sim_option_count(run, choice.entity);
        if (!has_option && chooser->departure == DEPARTURE_NONE) {
            chooser->departed_at = chooser->next - 1;
            chooser->departure = can_be ? DEPARTURE_NO_VALUE : DEPARTURE_WAITS;
        }
        // Impossible choices are skipped: shrinking may have shortened the list.
        if (!can_be)
            continue;
        if (!has_option)
            choice.option = 0;
        return choice;
    }
    return unforced;
}

static SimChoice follow(OperationChooser *chooser, const SimRun *run, const SimView *view)
{
    SimChoice unforced = {(uint8_t)choose_to_stay(view), 0};
    SimChoice choice = next_of_list(chooser, run, view, unforced);

    if (choice.entity != unforced.entity && unforced.entity == view->current)
        chooser->preempted_mask |= 1u << view->current;
    if (choice.entity != unforced.entity || choice.option != 0 ||
        (chooser->preempted_mask >> choice.entity & 1) != 0)
        chooser->forced = view->step + 1;
    chooser->preempted_mask &= ~(1u << choice.entity);
    return choice;
}

static void mirror(ChoiceMirror *mirror, uint64_t step, SimChoice choice)
{
    mirror->beat++;
    mirror->step = step;
    if (mirror->count < MIRRORED_CHOICES)
        mirror->choices[mirror->count++] = choice;
}

SimChoice operation_choose(void *context, const SimRun *run, const SimView *view)
{
    OperationChooser *chooser = context;
    SimChoice choice = {0, 0};
    uint32_t options;

    switch (chooser->policy) {
    case OPERATIONS_FOLLOW:
        choice = follow(chooser, run, view);
        break;
    case OPERATIONS_PCT:
        choice.entity = (uint8_t)choose_by_priority(chooser, view);
        break;
    case OPERATIONS_STICKY:
        choice.entity =
            (uint8_t)(schedule_random_below(&chooser->random, STICKY_STEPS) == 0 ||
                              view->current >= SIM_ENTITIES ||
                              (view->enabled_mask & ~view->yielded_mask & 1u << view->current) == 0
                          ? any_of(chooser, view->enabled_mask)
                          : view->current);
        break;
    case OPERATIONS_RANDOM:
        choice.entity = (uint8_t)any_of(chooser, view->enabled_mask);
        break;
    }
    if (chooser->policy != OPERATIONS_FOLLOW) {
        options = sim_option_count(run, choice.entity);
        if (options > 1 && schedule_random_below(&chooser->random, STALE_LOADS) == 0)
            choice.option = (uint8_t)schedule_random_below(&chooser->random, options);
    }
    if (chooser->record != NULL && !choice_list_add(chooser->record, choice))
        chooser->is_short = true;
    if (chooser->mirror != NULL)
        mirror(chooser->mirror, view->step + 1, choice);
    return choice;
}
