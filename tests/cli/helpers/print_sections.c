// Prints the table of sections as docs/format.md has it.

#include <stdio.h>

#include "snapshot/file/sections/sections.h"

static const char *how_often(const SectionKind *kind, size_t number, size_t count)
{
    switch (kind->occurrence) {
    case SECTION_ANY_NUMBER:
        return "up to 65,536 times";
    case SECTION_UNLESS_EMPTY:
        return "at most once, left out when empty";
    case SECTION_AT_MOST_ONCE:
        return "at most once";
    case SECTION_ONCE:
        break;
    }
    return number == 0 ? "once, first" : number + 1 == count ? "once, last" : "once";
}

int main(void)
{
    char name[SECTION_NAME_CHARS];
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++)
        printf("| `%s` | %s | %u.%u | %s | %s |\n", section_name(kinds[i].type, name),
               kinds[i].description, SNAPSHOT_FORMAT_MAJOR, kinds[i].since_minor,
               kinds[i].is_needed ? "yes" : "no", how_often(&kinds[i], i, count));
    return 0;
}
