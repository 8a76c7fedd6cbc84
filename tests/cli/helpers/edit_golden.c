// edit_golden GOLDEN PAGE SLOT...: turns the marks of slots in page PAGE (by number) of a golden
// over, and sets its digests and its count of objects right again: it is a whole golden then, of
// another mark. SLOT may be 'objects': one more is counted.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/golden_file.h"

static bool write_stream(void *context, const char *bytes, size_t count, Error *error)
{
    return fwrite(bytes, 1, count, context) == count ||
           error_set(error, ERROR_SYSTEM, "cannot write");
}

static void edit(MarkGolden *golden, uint64_t page, const char *slot_text)
{
    uint64_t slot = strtoull(slot_text, NULL, 10);
    uint64_t *word = &golden->words[golden->pages[page].first_word + slot / 64];

    if (strcmp(slot_text, "objects") == 0) {
        golden->totals[GOLDEN_OBJECTS]++;
        return;
    }
    *word ^= UINT64_C(1) << (slot % 64);
    golden->totals[GOLDEN_OBJECTS] += (*word >> (slot % 64) & 1) != 0 ? 1 : UINT64_MAX;
}

int main(int argument_count, char **arguments)
{
    MarkGolden golden;
    Error error;
    FILE *stream;

    if (argument_count < 4 || !golden_file_read(arguments[1], &golden, &error))
        return 2;
    uint64_t page = strtoull(arguments[2], NULL, 10);
    if (page >= golden.page_count)
        return 2;
    for (int i = 3; i < argument_count; i++)
        edit(&golden, page, arguments[i]);
    mark_golden_digest(&golden, golden.digest);
    stream = fopen(arguments[1], "w");
    bool ok = stream != NULL &&
              golden_file_write((JsonSink){write_stream, stream}, &golden, &error) &&
              fclose(stream) == 0;
    mark_golden_release(&golden);
    return ok ? 0 : 1;
}
