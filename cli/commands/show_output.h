// Objects, blocks, free slots and types for people: the output of `rudo-snap show`.

#ifndef CLI_COMMANDS_SHOW_OUTPUT_H
#define CLI_COMMANDS_SHOW_OUTPUT_H

#include "formats/json/show_json.h"

// Prints what lies at an address. top: referrers that are listed at most; fields: fields.
void show_output_view(const ShowJson *shown, uint64_t top, uint64_t fields);
// Prints a type, at most `fields` of its fields, and the objects of it that retain most.
void show_output_type(const ShowJson *shown, uint64_t fields);

#endif
