// The next command: see cli/next_command.h.

#include "cli/next_command.h"

#include "base/shell_word.h"
#include "cli/terminal.h"

void print_shell_word(FILE *stream, const char *word)
{
    char quoted[SHELL_WORD_CHARS];

    (void)fputs(shell_word(word, "...", quoted), stream);
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
