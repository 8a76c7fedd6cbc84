// Costs of virtual time from a file: see formats/simulation_costs.h.

#include "formats/simulation_costs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_object.h"

#define MAX_DOCUMENT_BYTES ((size_t)1 << 20)

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
    FILE *file = fopen(path, "re");
    char *text = NULL;
    JsonObject *object = NULL;
    size_t length;
    bool ok = false;

    if (file == NULL)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    text = malloc(MAX_DOCUMENT_BYTES + 1);
    if (text == NULL) {
        (void)error_set_memory(error, MAX_DOCUMENT_BYTES, "the costs");
        goto done;
    }
    length = fread(text, 1, MAX_DOCUMENT_BYTES + 1, file);
    if (ferror(file) != 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
        goto done;
    }
    if (length > MAX_DOCUMENT_BYTES) {
        (void)error_set(error, ERROR_CORRUPT, "'%s' is too large for a table of costs", path);
        goto done;
    }
    if (!json_object_parse(text, length, &object, error)) {
        (void)error_add_hint(error, "while reading '%s'", path);
        goto done;
    }
    ok = take_costs(path, object, costs, error);

done:
    json_object_free(object);
    free(text);
    (void)fclose(file);
    return ok;
}
