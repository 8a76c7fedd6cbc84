// Goldens: what is taken of a mark, written and read again is the same, and says where another mark
// differs; what is damaged is refused, with its line.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/replay/heap_replay.h"
#include "formats/golden_file.h"
#include "tests/support/random_heap.h"

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

typedef struct Marked {
    RandomHeap *heap;
    HeapImage *image;
    MarkResult *result;
    MarkGolden golden;
} Marked;

static Marked mark_random(uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options(seed, objects);
    Marked marked = {.heap = random_heap_new(&options)};
    Error error;

    marked.image = random_heap_image(marked.heap, false);
    cr_assert(mark_reachable_serial(marked.image, MARK_MAJOR, &marked.result, &error));
    mark_golden_init(&marked.golden);
    cr_assert(mark_golden_take(&marked.golden, marked.image, marked.result, &error));
    return marked;
}

static void release(Marked *marked)
{
    mark_golden_release(&marked->golden);
    mark_result_free(marked->result);
    heap_image_free(marked->image);
    random_heap_free(marked->heap);
}

// Not every random heap has a root that leads anywhere.
static Marked mark_with_pages(void)
{
    for (uint64_t seed = 1;; seed++) {
        Marked marked = mark_random(seed, 300);
        if (marked.golden.page_count > 2)
            return marked;
        release(&marked);
    }
}

static bool compare(const Marked *marked, const MarkGolden *expected, GoldenComparison *out)
{
    bool is_same;
    Error error;

    cr_assert(mark_golden_compare(expected, &marked->golden, marked->image, marked->result,
                                  &is_same, out, &error));
    return is_same;
}

Test(golden_file, what_is_written_is_read_again)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        Marked marked = mark_random(seed, (uint32_t)seed * 200);
        Text text = text_of(&marked.golden), again;
        GoldenComparison comparison;
        MarkGolden golden;
        Error error;

        cr_assert(read_text(text.bytes, text.used, &golden, &error), "%s", error.message);
        again = text_of(&golden);
        cr_expect_str_eq(again.bytes, text.bytes);
        cr_expect(compare(&marked, &golden, &comparison));
        cr_expect_eq(comparison.marks.pages, 0);
        mark_golden_release(&golden);
        free(text.bytes);
        free(again.bytes);
        release(&marked);
    }
}

Test(golden_file, the_digest_is_that_of_the_mark)
{
    Marked marked = mark_random(3, 2000);
    char digest[MARK_DIGEST_CHARS];

    mark_golden_digest(&marked.golden, digest);
    cr_expect_str_eq(digest, marked.golden.digest);
    release(&marked);
}

Test(golden_file, a_difference_is_found_in_its_page)
{
    Marked marked = mark_with_pages();
    uint64_t index = marked.golden.page_count / 2;
    const GoldenPage *page = &marked.golden.pages[index];
    uint64_t *word = &marked.golden.words[page->first_word], before = *word;
    uint32_t slot = 0;
    GoldenComparison comparison;
    MarkGolden expected = marked.golden;
    uint64_t words[GOLDEN_MAX_PAGE_WORDS];

    // The golden of a mark that had one object less there, and then one more.
    while (slot < 63 && (before >> slot & 1) == 0)
        slot++;
    memcpy(words, word, sizeof *words);
    *word = before ^ UINT64_C(1) << slot;
    cr_expect_not(compare(&marked, &expected, &comparison));
    cr_expect_eq(comparison.marks.pages, 1);
    cr_expect_eq(comparison.marks.page_address, page->address);
    cr_expect_eq(comparison.marks.added.objects + comparison.marks.missing.objects, 1);
    cr_expect_eq((before >> slot & 1) != 0 ? comparison.marks.added.slots[0]
                                           : comparison.marks.missing.slots[0],
                 slot);
    *word = before;
    cr_expect(compare(&marked, &expected, &comparison));
    release(&marked);
}

Test(golden_file, totals_and_heaps_are_told_apart)
{
    Marked marked = mark_random(6, 1000), other = mark_random(7, 1000);
    MarkGolden expected = marked.golden;
    GoldenComparison comparison;

    expected.totals[GOLDEN_INVALID_REFERENCES]++;
    cr_expect_not(compare(&marked, &expected, &comparison));
    cr_expect(comparison.differs[GOLDEN_INVALID_REFERENCES]);
    cr_expect_not(comparison.differs[GOLDEN_OBJECTS]);
    cr_expect_not(compare(&marked, &other.golden, &comparison));
    cr_expect(comparison.is_other_heap);
    // One that says it is of this heap, but has other pages.
    memcpy(other.golden.heap, marked.golden.heap, sizeof other.golden.heap);
    cr_expect_not(compare(&marked, &other.golden, &comparison));
    cr_expect_not(comparison.is_other_heap);
    release(&marked);
    release(&other);
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
        {"\nend\n", "\nend\n\n", "the end is missing"},
        {"\nend\n", "\n", "the file ends early"},
        {"\nend\n", "\nend", "cut"},
    };
    Marked marked = mark_with_pages();
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
    release(&marked);
}

Test(golden_file, no_change_of_a_page_goes_unseen)
{
    Marked marked = mark_with_pages();
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
    release(&marked);
}

Test(golden_file, every_way_to_mark_random_heaps_agrees)
{
    const ReplayPlan plan = {.worker_count = 3,
                             .workers = {1, 3, 16},
                             .policy_count = 2,
                             .policies = {MARK_POLICY_STEAL, MARK_POLICY_OWNER},
                             .first_seed = 1,
                             .last_seed = 4};

    for (uint64_t seed = 31; seed < 41; seed++) {
        Marked marked = mark_random(seed, 700);
        HeapReplay replay;
        Error error;

        cr_assert(heap_replay_run(marked.image, &plan, &replay, &error), "%s", error.message);
        cr_expect_not(replay.has_difference);
        cr_expect_eq(replay.marks, 4 * 3 * 2); // seeds, numbers of workers, policies
        cr_expect(replay.steps > replay.marks);
        heap_replay_release(&replay);
        release(&marked);
    }
}
