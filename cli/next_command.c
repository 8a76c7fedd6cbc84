// The next command: see cli/next_command.h.

#include "cli/next_command.h"

#include <string.h>

#include "cli/terminal.h"

// Bytes that mean nothing special to a shell.
static const char plain_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_-+./:,@%=";

void print_shell_word(FILE *stream, const char *word)
{
    if (word[0] != '\0' && word[strspn(word, plain_bytes)] == '\0') {
        (void)fputs(word, stream);
        return;
    }
    (void)fputc('\'', stream);
    while (*word != '\0') {
        size_t length = strcspn(word, "'");

        print_safely(stream, word, length);
        word += length;
        if (*word == '\'') {
            (void)fputs("'\\''", stream);
            word++;
        }
    }
    (void)fputc('\'', stream);
}

static void print_command(FILE *stream, const char *command, const char *const words[])
{
    style_begin(stream, STYLE_FAINT);
    (void)fprintf(stream, "next: rudo-snap %s", command);
    for (; *words != NULL; words++) {
        (void)fputc(' ', stream);
        print_shell_word(stream, *words);
    }
    style_end(stream);
    (void)fputc('\n', stream);
}

void print_next(FILE *stream, const char *command, const char *const words[])
{
    (void)fputc('\n', stream);
    print_command(stream, command, words);
}

void print_terms_and_next(FILE *stream, const char *command, const char *const words[])
{
    (void)fputc('\n', stream);
    style_begin(stream, STYLE_FAINT);
    (void)fputs("terms: rudo-snap help glossary", stream);
    style_end(stream);
    (void)fputc('\n', stream);
    print_command(stream, command, words);
}
