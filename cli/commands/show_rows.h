// The fields and words of an object or a block, for people: a part of the output of `show`.

#ifndef CLI_COMMANDS_SHOW_ROWS_H
#define CLI_COMMANDS_SHOW_ROWS_H

#include "formats/json/show_json.h"

// Prints the rows of shown->view, at most `top`, and the text in a block.
void show_rows_print(const ShowJson *shown, uint64_t top);

// Prints the fields of a type, at most `top`.
void show_layout_print(const SnapshotDataType *type, uint64_t top);

#endif
