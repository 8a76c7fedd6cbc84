// JsonObject: small JSON objects, read and written: the one door to cJSON.
//
// For documents of a few kilobytes (a snapshot's metadata, a layout, options);
// reports are streamed by formats/ instead. Text from a file is not trusted:
// its size and depth are bounded before cJSON sees it.

#ifndef BASE_JSON_OBJECT_H
#define BASE_JSON_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define JSON_MAX_BYTES (1u << 20)
#define JSON_MAX_DEPTH 16u

typedef struct JsonObject JsonObject;

// An empty object, or NULL when memory is short.
JsonObject *json_object_new(void);

// Errors: corrupt (not a JSON object, too large, too deep; the message says what, without a
// file name or offset), memory. The caller owns `*out`.
NODISCARD bool json_object_parse(const char *text, size_t length, JsonObject **out, Error *error);
void json_object_free(JsonObject *object);

// Each adds a member; false when memory is short. Whole numbers beyond 2^53 do not survive
// JSON's readers, so 64-bit ones are written as decimal strings.
NODISCARD bool json_object_add_text(JsonObject *object, const char *key, const char *text);
NODISCARD bool json_object_add_bool(JsonObject *object, const char *key, bool value);
NODISCARD bool json_object_add_u32(JsonObject *object, const char *key, uint32_t value);
NODISCARD bool json_object_add_u64(JsonObject *object, const char *key, uint64_t value);
NODISCARD bool json_object_add_i64(JsonObject *object, const char *key, int64_t value);

// Appends to the list that is this member, which is made when it is missing. Takes `item`, also
// when it fails; NULL fails.
NODISCARD bool json_object_add_item(JsonObject *object, const char *key, JsonObject *item);

// A member that is an object, to be changed; NULL when there is none. Borrowed.
JsonObject *json_object_member(JsonObject *object, const char *key);
// Gives a member, which must be there, another text. False when memory is short.
NODISCARD bool json_object_set_text(JsonObject *object, const char *key, const char *text);
NODISCARD bool json_object_set_u32(JsonObject *object, const char *key, uint32_t value);

typedef enum JsonResult {
    JSON_ABSENT, // no such member: `out` is left alone
    JSON_WRONG,  // it is not of that type, or out of range: `out` is left alone
    JSON_FOUND,
} JsonResult;

// The text is borrowed from the object.
JsonResult json_object_get_text(const JsonObject *object, const char *key, const char **out);
JsonResult json_object_get_bool(const JsonObject *object, const char *key, bool *out);
JsonResult json_object_get_u32(const JsonObject *object, const char *key, uint32_t *out);
JsonResult json_object_get_u64(const JsonObject *object, const char *key, uint64_t *out);
JsonResult json_object_get_i64(const JsonObject *object, const char *key, int64_t *out);

// A whole number from 0 to 2^64 - 1 in a document that people write: a JSON number up to 2^53, or a
// string, decimal or hexadecimal ("0x...").
JsonResult json_object_get_number(const JsonObject *object, const char *key, uint64_t *out);
// A member that is an object; borrowed.
JsonResult json_object_get_object(const JsonObject *object, const char *key,
                                  const JsonObject **out);
// A member that is a list of objects: the one at `index`, borrowed; absent behind the last.
JsonResult json_object_get_item(const JsonObject *object, const char *key, uint32_t index,
                                const JsonObject **out);
// A member that is not one of `keys` (NULL ends them), or that is there twice; NULL when there is
// none. Borrowed.
const char *json_object_find_stranger(const JsonObject *object, const char *const *keys);

// The object as text, malloc'd, members in the order they were added; NULL when memory is short.
char *json_object_print(const JsonObject *object);
// The same on one line, without spaces: for JSON Lines.
char *json_object_print_line(const JsonObject *object);

#endif
