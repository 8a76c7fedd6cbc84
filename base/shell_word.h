// Words of commands that are printed to be copied: quoted so that a shell takes them literally,
// whatever a file or a type is called.

#ifndef BASE_SHELL_WORD_H
#define BASE_SHELL_WORD_H

#include <stddef.h>

// Enough for the quoted form of a path or type name that a message shows.
#define SHELL_WORD_CHARS 1024u

// Writes `word`, in single quotes where a shell would not take it literally; characters that
// text_show() hides become '?'. A file whose name begins with a dash is written as "./-name". A
// word that does not fit becomes `otherwise`. Returns `out`.
const char *shell_word(const char *word, const char *otherwise, char out[SHELL_WORD_CHARS]);

#endif
