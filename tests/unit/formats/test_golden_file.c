// Golden files: a golden that is written and read again is the same; a damaged file is refused,
// with its line.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/golden_file.h"
#include "tests/support/marked_heap.h"

typedef struct Text {
    char *bytes;
    size_t used;
} Text;

static bool append(void *context, const char *bytes, size_t count, Error *error)
{
    Text *text = context;

    (void)error;
    text->bytes = realloc(text->bytes, text->used + count + 1);
    cr_assert_not_null(text->bytes);
    memcpy(text->bytes + text->used, bytes, count);
    text->used += count;
    text->bytes[text->used] = '\0';
    return true;
}

static Text text_of(const MarkGolden *golden)
{
    Text text = {.bytes = NULL};
    Error error;

    cr_assert(golden_file_write((JsonSink){append, &text}, golden, &error));
    return text;
}

static bool read_text(const char *bytes, size_t length, MarkGolden *golden, Error *error)
{
    char path[] = "/tmp/rudo-snap-golden.XXXXXX";
    int fd = mkstemp(path);
    bool ok;

    cr_assert(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
    close(fd);
    ok = golden_file_read(path, golden, error);
    unlink(path);
    return ok;
}

Test(golden_file, a_golden_that_was_written_is_read_again)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        MarkedHeap marked = marked_heap_random(seed, (uint32_t)seed * 200);
        Text text = text_of(&marked.golden), again;
        GoldenComparison comparison;
        MarkGolden golden;
        Error error;

        cr_assert(read_text(text.bytes, text.used, &golden, &error), "%s", error.message);
        again = text_of(&golden);
        cr_expect_str_eq(again.bytes, text.bytes);
        cr_expect(marked_heap_compare(&marked, &golden, &comparison));
        cr_expect_eq(comparison.marks.pages, 0);
        mark_golden_release(&golden);
        free(text.bytes);
        free(again.bytes);
        marked_heap_release(&marked);
    }
}

Test(golden_file, damage_is_refused_with_its_line)
{
    static const char *const damages[][3] = {
        {"rudo-snap golden 1", "rudo-snap silver 1", "is not a golden file"},
        {"rudo-snap golden 1", "rudo-snap golden 2", "has version 2"},
        {"heap xxh3", "heap xxh4", "line 2: not a digest"},
        {"rule conservative/1", "rule conservative/9", "line 3: "},
        {"\ndigest", "\ndigit", "line 4: 'digest' is missing"},
        {"\nreachable_objects ", "\nreachable_objects -", "line 5: "},
        {"\nroots ", "\nroots 18446744073709551616", "line 9: "},
        {"\npages ", "\npages 1", "line "},
        {"\ngroup xxh3-128:", "\ngroup xxh3-128:x", "line 12: not a digest"},
        {"\n0x", "\n0y", "line 13: a page is missing"},
        {"\nend\n", "\nend\nmore\n", "the end is missing"},
        {"\nend\n", "\n", "the file ends early"},
        {"\nend\n", "\nen", "the end is missing"},
    };
    MarkedHeap marked = marked_heap_with_pages();
    Text text = text_of(&marked.golden);

    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        const char *place = strstr(text.bytes, damages[i][0]);
        size_t before = (size_t)(place - text.bytes), length = strlen(damages[i][1]);
        char *damaged = malloc(text.used + length + 1);
        MarkGolden golden;
        Error error;

        cr_assert_not_null(place, "%s", damages[i][0]);
        memcpy(damaged, text.bytes, before);
        strcpy(damaged + before, damages[i][1]);
        strcat(damaged, place + strlen(damages[i][0]));
        cr_expect_not(read_text(damaged, strlen(damaged), &golden, &error), "%s", damages[i][1]);
        cr_expect_not_null(strstr(error.message, damages[i][2]), "%s", error.message);
        free(damaged);
    }
    free(text.bytes);
    marked_heap_release(&marked);
}

// As Git or an editor on another system may leave it.
Test(golden_file, line_ends_do_not_matter)
{
    MarkedHeap marked = marked_heap_with_pages();
    Text text = text_of(&marked.golden);
    char *changed = malloc(2 * text.used + 8);
    size_t used = 3;
    MarkGolden golden;
    Error error;

    memcpy(changed, "\xef\xbb\xbf", 3);
    for (size_t i = 0; i < text.used; i++) {
        if (text.bytes[i] == '\n')
            changed[used++] = '\r';
        changed[used++] = text.bytes[i];
    }
    cr_expect(read_text(changed, used, &golden, &error), "%s", error.message);
    cr_expect_str_eq(golden.digest, marked.golden.digest);
    mark_golden_release(&golden);
    // The last line feed is missing, or doubled.
    cr_expect(read_text(changed, used - 2, &golden, &error), "%s", error.message);
    mark_golden_release(&golden);
    changed[used++] = '\n';
    cr_expect(read_text(changed, used, &golden, &error), "%s", error.message);
    mark_golden_release(&golden);
    free(changed);
    free(text.bytes);
    marked_heap_release(&marked);
}

Test(golden_file, no_change_of_a_page_goes_unseen)
{
    MarkedHeap marked = marked_heap_with_pages();
    Text text = text_of(&marked.golden);
    const char *groups = strstr(text.bytes, "\ngroup ");

    cr_assert_not_null(groups);
    size_t pages = (size_t)(groups - text.bytes);

    for (size_t at = 0; at < text.used; at++) {
        MarkGolden golden;
        Error error;

        text.bytes[at] = (char)(text.bytes[at] ^ 1 << (at % 7));
        // In the head a flip may make another whole golden: other totals.
        if (read_text(text.bytes, text.used, &golden, &error)) {
            cr_expect(at < pages, "byte %zu", at);
            mark_golden_release(&golden);
        }
        text.bytes[at] = (char)(text.bytes[at] ^ 1 << (at % 7));
    }
    free(text.bytes);
    marked_heap_release(&marked);
}
