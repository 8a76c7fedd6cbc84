// Quoted words: see base/shell_word.h.

#include "base/shell_word.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clean_text.h"

// Bytes that mean nothing special to a shell.
static const char plain_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_-+./:,@%=";

// 'don'\''t'
static bool quote(const char *word, char out[SHELL_WORD_CHARS])
{
    size_t used = 0;

    out[used++] = '\'';
    for (; *word != '\0'; word++) {
        const char *piece = *word == '\'' ? "'\\''" : word;
        size_t length = *word == '\'' ? 4 : 1;
        if (used + length + 2 > SHELL_WORD_CHARS)
            return false;
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used++] = '\'';
    out[used] = '\0';
    return true;
}

static const char *give(const char *text, char out[SHELL_WORD_CHARS])
{
    (void)snprintf(out, SHELL_WORD_CHARS, "%s", text);
    return out;
}

const char *shell_word(const char *word, const char *otherwise, char out[SHELL_WORD_CHARS])
{
    char named[SHELL_WORD_CHARS], clean[SHELL_WORD_CHARS];
    // A word that names a file is one, even where it looks like an option.
    const char *folder = word[0] == '-' && word[1] != '\0' && access(word, F_OK) == 0 ? "./" : "";
    int length = snprintf(named, sizeof named, "%s%s", folder, word);
    size_t used;

    if (length >= (int)sizeof named)
        return give(otherwise, out);
    used = text_show(named, (size_t)length, clean);
    if (used > 0 && clean[strspn(clean, plain_bytes)] == '\0')
        return give(clean, out);
    return quote(clean, out) ? out : give(otherwise, out);
}
