// Costs of virtual time from a file: see formats/simulation_costs.h.

#include "formats/simulation_costs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_object.h"
#include "base/text_file.h"

static bool take_costs(const char *path, const JsonObject *object, ScheduleCosts *costs,
                       Error *error)
{
    const char *keys[SCHEDULE_COST_COUNT + 1] = {NULL};
    const JsonObject *member;
    const char *stranger;

    if (json_object_get_object(object, "costs", &member) != JSON_FOUND)
        return error_set(error, ERROR_CORRUPT, "'%s' has no object \"costs\"", path);
    for (uint32_t i = 0; i < SCHEDULE_COST_COUNT; i++) {
        keys[i] = schedule_cost_name(i);
        if (json_object_get_u32(member, keys[i], schedule_cost_at(costs, i)) == JSON_WRONG)
            return error_set(error, ERROR_CORRUPT,
                             "'%s': cost \"%s\" is not a whole number of picoseconds", path,
                             keys[i]);
    }
    stranger = json_object_find_stranger(member, keys);
    if (stranger != NULL)
        return error_set(error, ERROR_CORRUPT, "'%s': unknown cost \"%.40s\"", path, stranger);
    return true;
}

bool simulation_costs_read(const char *path, ScheduleCosts *costs, Error *error)
{
    char *text = NULL;
    JsonObject *object = NULL;
    size_t length;
    bool ok = false;

    if (!text_file_read(path, false, "a table of costs", &text, &length, error))
        return false;
    if (json_object_parse(text, length, &object, error))
        ok = take_costs(path, object, costs, error);
    else
        (void)error_add_hint(error, "while reading '%s'", path);
    json_object_free(object);
    free(text);
    return ok;
}
