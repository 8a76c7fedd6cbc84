// Names of shared cells: see marker/explore/explore_names.h.

#include "marker/explore/explore_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Cells of one PerThreadMarkQueue lie closer to each other than this, those of two do not.
#define NEAR_BYTES 1024u

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

// True for operations that only the worker calls to which the cell belongs.
static bool is_by_owner(const SimOperation *operation)
{
    static const char *const functions[] = {
        "steal_queue_push", "steal_queue_pop", "queue_push",       "queue_pop",
        "right_pop",        "worklist_put",    "owner_inbox_take", "owner_inbox_is_pending"};

    if (operation->kind == SIM_PARK)
        return true;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(operation->function, functions[i]) == 0)
            return begins_with(operation->text, "&queue->") ||
                   begins_with(operation->text, "slot_of(") ||
                   begins_with(operation->text, "&list->") ||
                   begins_with(operation->text, "&inbox->is_pending");
    return false;
}

void location_names_see(LocationNames *names, const SimRun *run, const SimEvent *event)
{
    const SimOperation *operation = &event->operation;
    LocationName *name = &names->names[operation->location];

    if (event->entity >= SIM_FLUSHER)
        return;
    if (name->text == NULL) {
        name->text = operation->text;
        name->cell = sim_cell(run, operation->location);
        name->owner = NO_OWNER;
        name->is_slot = begins_with(operation->text, "slot_of(");
    }
    // Worker 0 initialises the queues of all.
    if (name->owner == NO_OWNER && sim_worker_count(run) > 1 && is_by_owner(operation))
        name->owner = event->entity;
}

static uint64_t distance(const LocationName *a, const LocationName *b)
{
    uintptr_t left = (uintptr_t)a->cell, right = (uintptr_t)b->cell;

    return left < right ? right - left : left - right;
}

// The part of the text that all cells of its kind have in common: of "a->parkers[i]" it is
// "parkers", of "&queue->top" "queue->top".
static int common_word(const LocationName *name, const char **word)
{
    const char *end = strchr(name->text, '[');

    *word = name->text + (name->text[0] == '&');
    if (name->is_slot || end == NULL)
        return (int)strlen(*word);
    for (const char *at = *word; at < end; at++)
        if (at[0] == '-' && at[1] == '>')
            *word = at + 2;
    return (int)(end - *word);
}

static bool are_alike(const LocationName *a, const LocationName *b)
{
    const char *left, *right;
    int length;

    if (b->text == NULL || a->is_slot || b->is_slot)
        return b->text != NULL && a->is_slot && b->is_slot;
    length = common_word(a, &left);
    return common_word(b, &right) == length && strncmp(left, right, (size_t)length) == 0;
}

// The rank of a cell among those of its kind, by address; among those of its owner if `of_owner`.
static uint32_t rank_of(const LocationNames *names, const LocationName *name, bool of_owner,
                        uint32_t *count)
{
    uint32_t rank = 0;

    *count = 0;
    for (uint32_t i = 0; i < SIM_MAX_LOCATIONS; i++) {
        const LocationName *other = &names->names[i];
        if (!are_alike(name, other) || (of_owner && other->owner != name->owner))
            continue;
        *count += 1;
        rank += other->cell < name->cell;
    }
    return rank;
}

// Finds the owner of a cell that no owner has touched by its nearest neighbour: another cell of the
// same queue, or, in an array with an element for each worker, another element.
static void find_owner(const LocationNames *names, LocationName *name)
{
    bool is_element = strchr(name->text, '[') != NULL;
    uint64_t nearest = NEAR_BYTES;
    uint32_t count, rank = rank_of(names, name, false, &count);

    if (name->owner != NO_OWNER || name->is_slot)
        return;
    for (uint32_t i = 0; i < SIM_MAX_LOCATIONS; i++) {
        const LocationName *other = &names->names[i];
        if (other->text == NULL || other->owner == NO_OWNER || other->is_slot ||
            is_element != (strchr(other->text, '[') != NULL) || distance(name, other) >= nearest ||
            (is_element && !are_alike(name, other)))
            continue;
        nearest = distance(name, other);
        name->owner =
            is_element ? other->owner + rank - rank_of(names, other, false, &count) : other->owner;
    }
}

static bool has_several_owners(const LocationNames *names)
{
    uint32_t first = NO_OWNER;

    for (uint32_t i = 0; i < SIM_MAX_LOCATIONS; i++) {
        const LocationName *name = &names->names[i];
        if (name->text == NULL || name->owner == NO_OWNER)
            continue;
        if (first != NO_OWNER && name->owner != first)
            return true;
        first = name->owner;
    }
    return false;
}

static void show_slot(const LocationNames *names, LocationName *name, bool has_several)
{
    uint32_t count, rank = rank_of(names, name, true, &count);

    if (has_several && name->owner != NO_OWNER)
        (void)snprintf(name->shown, sizeof name->shown, "queue[%" PRIu32 "]->slots[%" PRIu32 "]",
                       name->owner, rank);
    else
        (void)snprintf(name->shown, sizeof name->shown, "slots[%" PRIu32 "]", rank);
}

static void show(const LocationNames *names, LocationName *name, bool has_several)
{
    const char *word, *arrow;
    uint32_t count, rank = rank_of(names, name, false, &count);
    int length = common_word(name, &word);

    arrow = strstr(word, "->");
    if (begins_with(word, "coordinator->")) {
        // There is only one.
        length -= (int)(arrow + 2 - word);
        word = arrow + 2;
    }
    if (name->is_slot)
        show_slot(names, name, has_several);
    else if (strchr(name->text, '[') != NULL && name->owner != NO_OWNER)
        (void)snprintf(name->shown, sizeof name->shown, "%.*s[%" PRIu32 "]", length, word,
                       name->owner);
    else if (arrow != NULL && name->owner != NO_OWNER && has_several)
        (void)snprintf(name->shown, sizeof name->shown, "%.*s[%" PRIu32 "]%s", (int)(arrow - word),
                       word, name->owner, arrow);
    else if (count == 1)
        (void)snprintf(name->shown, sizeof name->shown, "%.*s", length, word);
    else
        (void)snprintf(name->shown, sizeof name->shown, "%.*s#%" PRIu32, length, word, rank + 1);
}

void location_names_settle(LocationNames *names)
{
    LocationNames before = *names;
    bool has_several = has_several_owners(names);

    for (uint32_t i = 0; i < SIM_MAX_LOCATIONS; i++)
        if (names->names[i].text != NULL)
            find_owner(&before, &names->names[i]);
    for (uint32_t i = 0; i < SIM_MAX_LOCATIONS; i++)
        if (names->names[i].text != NULL)
            show(names, &names->names[i], has_several);
}
