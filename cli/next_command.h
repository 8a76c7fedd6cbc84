// Commands that the user may want to type next, quoted for the shell.

#ifndef CLI_NEXT_COMMAND_H
#define CLI_NEXT_COMMAND_H

#include <stdio.h>

// Prints an empty line and "next: rudo-snap COMMAND WORD...". `command` is printed unchanged; the
// words, NULL at their end, are quoted where the shell would not take them literally.
void print_next(FILE *stream, const char *command, const char *const words[]);

// The same, with a line in between that points to the glossary.
void print_terms_and_next(FILE *stream, const char *command, const char *const words[]);

// Prints a word, in single quotes where the shell would not take it literally. Control characters
// become '?'.
void print_shell_word(FILE *stream, const char *word);

#endif
