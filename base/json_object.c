// JsonObject: see base/json_object.h. A JsonObject is a cJSON tree under another name.

#include "base/json_object.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static cJSON *tree_of(JsonObject *object)
{
    return (cJSON *)(void *)object;
}

static const cJSON *member_of(const JsonObject *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive((const cJSON *)(const void *)object, key);
}

JsonObject *json_object_new(void)
{
    return (JsonObject *)(void *)cJSON_CreateObject();
}

void json_object_free(JsonObject *object)
{
    cJSON_Delete(tree_of(object));
}

// cJSON recurses, once a level. Brackets inside strings do not nest.
static bool is_too_deep(const char *text, size_t length)
{
    bool is_in_string = false;
    unsigned depth = 0;

    for (size_t i = 0; i < length; i++) {
        if (is_in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                is_in_string = false;
        } else if (text[i] == '"') {
            is_in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return true;
        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

bool json_object_parse(const char *text, size_t length, JsonObject **out, Error *error)
{
    char *copy;
    cJSON *tree;

    *out = NULL;
    if (length > JSON_MAX_BYTES)
        return error_set(error, ERROR_CORRUPT, "the JSON text is longer than %u bytes",
                         JSON_MAX_BYTES);
    if (memchr(text, '\0', length) != NULL)
        return error_set(error, ERROR_CORRUPT, "the JSON text holds a NUL byte");
    if (is_too_deep(text, length))
        return error_set(error, ERROR_CORRUPT, "the JSON text nests deeper than %u levels",
                         JSON_MAX_DEPTH);
    // cJSON is at its best with text that ends in NUL.
    copy = strndup(text, length);
    if (copy == NULL)
        return error_set_memory(error, length + 1, "JSON text");
    tree = cJSON_ParseWithOpts(copy, NULL, true);
    free(copy);
    if (!cJSON_IsObject(tree)) {
        cJSON_Delete(tree);
        return error_set(error, ERROR_CORRUPT, "the JSON text is not one JSON object");
    }
    *out = (JsonObject *)(void *)tree;
    return true;
}

bool json_object_add_text(JsonObject *object, const char *key, const char *text)
{
    return cJSON_AddStringToObject(tree_of(object), key, text) != NULL;
}

bool json_object_add_bool(JsonObject *object, const char *key, bool value)
{
    return cJSON_AddBoolToObject(tree_of(object), key, value) != NULL;
}

bool json_object_add_u32(JsonObject *object, const char *key, uint32_t value)
{
    return cJSON_AddNumberToObject(tree_of(object), key, value) != NULL;
}

bool json_object_add_u64(JsonObject *object, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return json_object_add_text(object, key, text);
}

bool json_object_add_i64(JsonObject *object, const char *key, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return json_object_add_text(object, key, text);
}

bool json_object_add_item(JsonObject *object, const char *key, JsonObject *item)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(tree_of(object), key);

    if (list == NULL)
        list = cJSON_AddArrayToObject(tree_of(object), key);
    if (item != NULL && cJSON_AddItemToArray(list, tree_of(item)))
        return true;
    json_object_free(item);
    return false;
}

JsonObject *json_object_member(JsonObject *object, const char *key)
{
    cJSON *member = cJSON_GetObjectItemCaseSensitive(tree_of(object), key);

    return cJSON_IsObject(member) ? (JsonObject *)(void *)member : NULL;
}

// Takes `member`.
static bool replace(JsonObject *object, const char *key, cJSON *member)
{
    if (member != NULL && cJSON_ReplaceItemInObjectCaseSensitive(tree_of(object), key, member))
        return true;
    cJSON_Delete(member);
    return false;
}

bool json_object_set_text(JsonObject *object, const char *key, const char *text)
{
    return replace(object, key, cJSON_CreateString(text));
}

bool json_object_set_u32(JsonObject *object, const char *key, uint32_t value)
{
    return replace(object, key, cJSON_CreateNumber(value));
}

JsonResult json_object_get_text(const JsonObject *object, const char *key, const char **out)
{
    const cJSON *member = member_of(object, key);

    if (member == NULL)
        return JSON_ABSENT;
    if (!cJSON_IsString(member) || member->valuestring == NULL)
        return JSON_WRONG;
    *out = member->valuestring;
    return JSON_FOUND;
}

JsonResult json_object_get_bool(const JsonObject *object, const char *key, bool *out)
{
    const cJSON *member = member_of(object, key);

    if (member == NULL)
        return JSON_ABSENT;
    if (!cJSON_IsBool(member))
        return JSON_WRONG;
    *out = cJSON_IsTrue(member) != 0;
    return JSON_FOUND;
}

JsonResult json_object_get_u32(const JsonObject *object, const char *key, uint32_t *out)
{
    const cJSON *member = member_of(object, key);

    if (member == NULL)
        return JSON_ABSENT;
    if (!cJSON_IsNumber(member) || !(member->valuedouble >= 0) ||
        member->valuedouble > UINT32_MAX || member->valuedouble != (uint32_t)member->valuedouble)
        return JSON_WRONG;
    *out = (uint32_t)member->valuedouble;
    return JSON_FOUND;
}

JsonResult json_object_get_u64(const JsonObject *object, const char *key, uint64_t *out)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(object, key, &text);
    unsigned long long value;
    char *end;

    if (result != JSON_FOUND)
        return result;
    errno = 0;
    value = strtoull(text, &end, 10);
    // strtoull takes signs and spaces, too.
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return JSON_WRONG;
    *out = value;
    return JSON_FOUND;
}

JsonResult json_object_get_i64(const JsonObject *object, const char *key, int64_t *out)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(object, key, &text);
    const char *digits;
    long long value;
    char *end;

    if (result != JSON_FOUND)
        return result;
    digits = text[0] == '-' ? text + 1 : text;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (digits[0] < '0' || digits[0] > '9' || *end != '\0' || errno != 0)
        return JSON_WRONG;
    *out = value;
    return JSON_FOUND;
}

JsonResult json_object_get_number(const JsonObject *object, const char *key, uint64_t *out)
{
    const cJSON *member = member_of(object, key);
    const char *text;
    unsigned long long value;
    char *end;

    if (member == NULL)
        return JSON_ABSENT;
    if (cJSON_IsNumber(member)) {
        // Beyond 2^53 not every number is one of its own.
        if (!(member->valuedouble >= 0) || member->valuedouble > 9007199254740992.0 ||
            member->valuedouble != (double)(uint64_t)member->valuedouble)
            return JSON_WRONG;
        *out = (uint64_t)member->valuedouble;
        return JSON_FOUND;
    }
    if (!cJSON_IsString(member) || member->valuestring == NULL)
        return JSON_WRONG;
    text = member->valuestring;
    errno = 0;
    value = strncmp(text, "0x", 2) == 0 ? strtoull(text + 2, &end, 16) : strtoull(text, &end, 10);
    // strtoull takes signs, spaces and a second 0x, too.
    if (text[0] < '0' || text[0] > '9' || end == text || *end != '\0' || errno != 0 ||
        strspn(text, "0123456789abcdefABCDEFx") != strlen(text) ||
        (strncmp(text, "0x", 2) == 0 && (text[2] == '\0' || strchr(text + 2, 'x') != NULL)))
        return JSON_WRONG;
    *out = value;
    return JSON_FOUND;
}

JsonResult json_object_get_object(const JsonObject *object, const char *key, const JsonObject **out)
{
    const cJSON *member = member_of(object, key);

    if (member == NULL)
        return JSON_ABSENT;
    if (!cJSON_IsObject(member))
        return JSON_WRONG;
    *out = (const JsonObject *)(const void *)member;
    return JSON_FOUND;
}

JsonResult json_object_get_item(const JsonObject *object, const char *key, uint32_t index,
                                const JsonObject **out)
{
    const cJSON *list = member_of(object, key), *item;

    if (list == NULL)
        return JSON_ABSENT;
    if (!cJSON_IsArray(list))
        return JSON_WRONG;
    item = cJSON_GetArrayItem(list, (int)index);
    if (item == NULL)
        return JSON_ABSENT;
    if (!cJSON_IsObject(item))
        return JSON_WRONG;
    *out = (const JsonObject *)(const void *)item;
    return JSON_FOUND;
}

const char *json_object_find_stranger(const JsonObject *object, const char *const *keys)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, (const cJSON *)(const void *)object)
    {
        size_t i = 0;

        while (keys[i] != NULL && strcmp(keys[i], member->string) != 0)
            i++;
        // A lookup finds the first of its name.
        if (keys[i] == NULL || member_of(object, member->string) != member)
            return member->string;
    }
    return NULL;
}

char *json_object_print(const JsonObject *object)
{
    return cJSON_Print((const cJSON *)(const void *)object);
}

char *json_object_print_line(const JsonObject *object)
{
    return cJSON_PrintUnformatted((const cJSON *)(const void *)object);
}
