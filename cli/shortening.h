// Shortening of names in the columns of tables.
//
// Different cells of a column stay different, whatever is left of them. A name first loses the
// modules in front of its types and functions ("shop::Basket<shop::Item>": "Basket<Item>"), then
// its middle; an address at its end, and the branches of a tree in front of it, stay whole. Names
// that would read the same get a number: "Bas...tem~2".

#ifndef CLI_SHORTENING_H
#define CLI_SHORTENING_H

#include <stddef.h>
#include <stdint.h>

// The least width to which names are shortened: with less they say nothing.
#define LEAST_NAME_WIDTH 16u
// Nor is the beginning of a name in front of an address, the dots between them not counted.
#define LEAST_HEAD_WIDTH 18u

// The name without modules. The caller frees it; NULL when memory is short.
char *name_without_modules(const char *name);

// Makes cells of at most `width` columns (LEAST_NAME_WIDTH at least, and as many for the name
// behind the branches of a tree). Cells are malloc'd, and replaced; NULL is an empty one. Where
// memory is short, they stay as they are.
//
// drop_modules() replaces all names by names without modules, which may still be too wide, where
// one is too wide.
void drop_modules(char **cells, uint32_t count, size_t width);
void shorten_names(char **cells, uint32_t count, size_t width);

#endif
