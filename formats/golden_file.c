// Golden files: see formats/golden_file.h.

#include "formats/golden_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/line_reader.h"

#define VERSION 1u
#define ADDRESS_DIGITS 16u

// ---- writing ----

static bool put(JsonSink sink, const char *line, int length, Error *error)
{
    return sink.write(sink.context, line, (size_t)length, error);
}

static bool write_head(JsonSink sink, const MarkGolden *golden, Error *error)
{
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "rudo-snap golden %u\n"
                          "heap %s\n"
                          "rule %s\n"
                          "digest %s\n",
                          VERSION, golden->heap, golden->rule, golden->digest);

    for (int total = 0; total < GOLDEN_TOTAL_COUNT; total++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s %" PRIu64 "\n",
                           golden_total_name((GoldenTotal)total), golden->totals[total]);
    length += snprintf(text + length, sizeof text - (size_t)length, "pages %" PRIu64 "\n",
                       golden->page_count);
    return put(sink, text, length, error);
}

static bool write_page(JsonSink sink, const MarkGolden *golden, uint64_t index, Error *error)
{
    const GoldenPage *page = &golden->pages[index];
    char line[LINE_READER_CHARS];
    int length = snprintf(line, sizeof line, "0x%" PRIx64, page->address);

    for (uint32_t i = 0; i < page->word_count; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, " %016" PRIx64,
                           golden->words[page->first_word + i]);
    line[length++] = '\n';
    return put(sink, line, length, error);
}

bool golden_file_write(JsonSink sink, const MarkGolden *golden, Error *error)
{
    char line[128], digest[MARK_DIGEST_CHARS];

    if (!write_head(sink, golden, error))
        return false;
    for (uint64_t i = 0; i < golden->page_count; i++) {
        if (i % GOLDEN_GROUP_PAGES == 0) {
            mark_golden_group_digest(golden, i / GOLDEN_GROUP_PAGES, digest);
            if (!put(sink, line, snprintf(line, sizeof line, "group %s\n", digest), error))
                return false;
        }
        if (!write_page(sink, golden, i, error))
            return false;
    }
    return put(sink, "end\n", 4, error);
}

// ---- reading ----

// A line "KEY DIGEST".
static bool read_digest(LineReader *reader, const char *key, char digest[MARK_DIGEST_CHARS],
                        Error *error)
{
    static const char prefix[] = "xxh3-128:";
    const char *value;

    if (!line_reader_value(reader, key, &value, error))
        return false;
    if (strlen(value) != MARK_DIGEST_CHARS - 1 || strncmp(value, prefix, strlen(prefix)) != 0 ||
        strspn(value + strlen(prefix), "0123456789abcdef") != 32)
        return line_reader_damaged(reader, "not a digest", error);
    memcpy(digest, value, MARK_DIGEST_CHARS);
    return true;
}

static bool read_head(LineReader *reader, MarkGolden *golden, uint64_t *pages, Error *error)
{
    static const char *const rules[] = {MARK_RULE, MARK_RULE_EXACT, MARK_RULE_PRECISE,
                                        MARK_RULE_BOEHM};
    unsigned long long version;
    uint32_t rule;

    if (!line_reader_next(reader, error))
        return false;
    if (sscanf(reader->line, "rudo-snap golden %18llu", &version) != 1)
        return error_set(error, ERROR_CORRUPT, "'%s' is not a golden file", reader->path);
    if (version != VERSION)
        return error_set(error, ERROR_UNSUPPORTED, "golden file '%s' has version %llu",
                         reader->path, version);
    if (!read_digest(reader, "heap", golden->heap, error) ||
        !line_reader_name(reader, "rule", rules, sizeof rules / sizeof rules[0], &rule, error) ||
        !read_digest(reader, "digest", golden->digest, error))
        return false;
    (void)snprintf(golden->rule, sizeof golden->rule, "%s", rules[rule]);
    for (int total = 0; total < GOLDEN_TOTAL_COUNT; total++)
        if (!line_reader_number(reader, golden_total_name((GoldenTotal)total), 0, UINT64_MAX,
                                &golden->totals[total], error))
            return false;
    return line_reader_number(reader, "pages", 0, UINT32_MAX, pages, error);
}

// Reads 1 to 16 hexadecimal digits, and moves `*at` to their end.
static bool take_hexadecimal(const char **at, uint64_t *value)
{
    size_t digits = strspn(*at, "0123456789abcdef");

    if (digits == 0 || digits > ADDRESS_DIGITS)
        return false;
    *value = strtoull(*at, NULL, 16);
    *at += digits;
    return true;
}

// A line "0xADDRESS WORD...".
static bool read_page(LineReader *reader, MarkGolden *golden, Error *error)
{
    uint64_t address, words[GOLDEN_MAX_PAGE_WORDS], any = 0;
    uint32_t count = 0;
    const char *at = reader->line + 2;

    if (!line_reader_next(reader, error))
        return false;
    if (strncmp(reader->line, "0x", 2) != 0 || !take_hexadecimal(&at, &address))
        return line_reader_damaged(reader, "a page is missing", error);
    if (golden->page_count > 0 && address <= golden->pages[golden->page_count - 1].address)
        return line_reader_damaged(reader, "pages do not ascend", error);
    while (*at == ' ' && count < GOLDEN_MAX_PAGE_WORDS) {
        at++;
        if (!take_hexadecimal(&at, &words[count]))
            return line_reader_damaged(reader, "not a mark word", error);
        any |= words[count++];
    }
    if (*at != '\0' || any == 0)
        return line_reader_damaged(reader, "not a page with marks", error);
    return mark_golden_add_page(golden, address, words, count, error);
}

static bool read_pages(LineReader *reader, MarkGolden *golden, uint64_t pages, Error *error)
{
    char wanted[MARK_DIGEST_CHARS], digest[MARK_DIGEST_CHARS];

    for (uint64_t i = 0; i < pages; i++) {
        if (i % GOLDEN_GROUP_PAGES == 0 && !read_digest(reader, "group", wanted, error))
            return false;
        if (!read_page(reader, golden, error))
            return false;
        if (i % GOLDEN_GROUP_PAGES != GOLDEN_GROUP_PAGES - 1 && i != pages - 1)
            continue;
        mark_golden_group_digest(golden, i / GOLDEN_GROUP_PAGES, digest);
        if (strcmp(wanted, digest) != 0)
            return line_reader_damaged(reader, "the pages of this group do not match its digest",
                                       error);
    }
    return true;
}

static bool read_end(LineReader *reader, const MarkGolden *golden, Error *error)
{
    char digest[MARK_DIGEST_CHARS];

    if (!line_reader_next(reader, error))
        return false;
    if (strcmp(reader->line, "end") != 0 || !line_reader_is_at_end(reader))
        return line_reader_damaged(reader, "the end is missing", error);
    mark_golden_digest(golden, digest);
    return strcmp(digest, golden->digest) == 0 ||
           line_reader_damaged(reader, "the pages do not match the digest", error);
}

bool golden_file_read(const char *path, MarkGolden *golden, Error *error)
{
    LineReader reader;
    uint64_t pages;
    bool ok;

    mark_golden_init(golden);
    if (!line_reader_open(&reader, path, "golden file", error))
        return false;
    ok = read_head(&reader, golden, &pages, error) && read_pages(&reader, golden, pages, error) &&
         read_end(&reader, golden, error);
    line_reader_close(&reader);
    if (!ok)
        mark_golden_release(golden);
    return ok;
}
