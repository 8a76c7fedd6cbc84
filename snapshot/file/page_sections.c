// The sections of pages: see snapshot/file/page_sections.h.

#include "snapshot/file/page_sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/file/heap_sections.h"
#include "snapshot/file/sections/snapshot_format.h"

_Static_assert(sizeof(PageRun) == RUN_BYTES, "run tables are read as they lie in memory");

// ---- tables ----

// Checks what RunTable promises, and counts the pages.
static bool check_table(RunTable *table, const ByteSource *source, const HeapLayout *layout,
                        Error *error)
{
    uint64_t limit = HEAP_ADDRESS_LIMIT / layout->page_size;
    uint64_t next_page = 1; // no process has page 0

    for (uint64_t i = 0; i < table->count; i++) {
        const PageRun *run = &table->runs[i];
        uint64_t page = run->address / layout->page_size;
        if (run->address % layout->page_size != 0 || page < next_page || page >= limit ||
            run->page_count == 0 || run->page_count > limit - page)
            return byte_source_fault(source, table->offset + i * RUN_BYTES, error,
                                     "page run %llu (0x%llx, %llu pages) is not possible",
                                     (unsigned long long)i, (unsigned long long)run->address,
                                     (unsigned long long)run->page_count);
        next_page = page + run->page_count;
        table->page_count += run->page_count;
    }
    return true;
}

// Reads the table at the start of `section`. The caller frees table->runs whatever happens.
static bool read_table(RunTable *table, ByteSource *source, const Section *section,
                       const HeapLayout *layout, Error *error)
{
    *table = (RunTable){.offset = section->offset + TABLE_HEAD_BYTES};
    if (!heap_sections_table_count(source, section, RUN_BYTES, "page runs", &table->count, error))
        return false;
    table->runs = malloc((table->count + 1) * sizeof *table->runs);
    if (table->runs == NULL)
        return error_set_memory(error, table->count * sizeof *table->runs, "the page runs");
    return byte_source_read_large(source, table->offset, table->runs, table->count * RUN_BYTES,
                                  error) &&
           check_table(table, source, layout, error);
}

// The table of RUNS, with which the section ends.
static bool read_all(PageSections *sections, ByteSource *source, const Section *section,
                     const HeapLayout *layout, Error *error)
{
    RunTable *all = &sections->all;

    if (!read_table(all, source, section, layout, error))
        return false;
    if (section->length != TABLE_HEAD_BYTES + all->count * RUN_BYTES)
        return byte_source_fault(source, section->offset, error,
                                 "%llu page runs do not fill their section",
                                 (unsigned long long)all->count);
    // Page indices are 32 bits wide, and NO_INDEX is taken.
    if (all->page_count >= NO_INDEX)
        return error_set(error, ERROR_UNSUPPORTED, "%llu pages are more than a heap image holds",
                         (unsigned long long)all->page_count);
    return true;
}

// The tables of the PAGE sections, behind each of which its pages fill the section.
static bool read_tables(PageSections *sections, ByteSource *source, const SectionMap *map,
                        const HeapLayout *layout, Error *error)
{
    sections->tables = calloc(map->pages_count + 1, sizeof *sections->tables);
    if (sections->tables == NULL)
        return error_set_memory(error, map->pages_count * sizeof *sections->tables,
                                "the page runs");
    for (uint64_t i = 0; i < map->pages_count; i++) {
        const Section *section = &map->pages[i];
        RunTable *table = &sections->tables[i];

        sections->count++;
        if (!read_table(table, source, section, layout, error))
            return false;
        uint64_t page_bytes = section->length - TABLE_HEAD_BYTES - table->count * RUN_BYTES;
        if (page_bytes % layout->page_size != 0 ||
            page_bytes / layout->page_size != table->page_count)
            return byte_source_fault(source, section->offset, error,
                                     "%llu pages do not fill the section that holds them",
                                     (unsigned long long)table->page_count);
    }
    return true;
}

// ---- is each page there? ----

static int compare_runs(const void *left, const void *right)
{
    const PageRun *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

static uint64_t run_end(const PageRun *run, uint32_t page_size)
{
    return run->address + run->page_count * page_size;
}

// Is each page of `table` in one of `covers`, which ascend and may overlap?
static bool is_covered(const RunTable *table, const PageRun *covers, uint64_t cover_count,
                       uint32_t page_size, uint64_t *uncovered)
{
    uint64_t next = 0;

    for (uint64_t i = 0; i < table->count; i++) {
        uint64_t at = table->runs[i].address;
        uint64_t end = run_end(&table->runs[i], page_size);
        // Covers may overlap each other, but one that ends below `at` is not needed any more.
        while (at < end) {
            while (next < cover_count && run_end(&covers[next], page_size) <= at)
                next++;
            if (next == cover_count || covers[next].address > at) {
                *uncovered = at;
                return false;
            }
            at = run_end(&covers[next], page_size);
        }
    }
    return true;
}

static bool check_coverage(const PageSections *sections, const ByteSource *source, Error *error)
{
    PageRun *covers = NULL;
    uint64_t count = 0, capacity = 0, uncovered = 0;
    bool ok = true;

    for (uint64_t i = 0; ok && i < sections->count; i++) {
        const RunTable *table = &sections->tables[i];
        ok = array_reserve(&covers, &capacity, count + table->count, sizeof *covers,
                           "the page runs", error);
        if (ok && table->count > 0)
            memcpy(covers + count, table->runs, table->count * sizeof *covers);
        count += table->count;
    }
    if (ok && sections->count > 1 && count > 0)
        qsort(covers, count, sizeof *covers, compare_runs);
    if (ok && !is_covered(&sections->all, covers, count, sections->page_size, &uncovered))
        ok = byte_source_fault(source, sections->all.offset - TABLE_HEAD_BYTES, error,
                               "no section has the bytes of page 0x%llx",
                               (unsigned long long)uncovered);
    free(covers);
    return ok;
}

bool page_sections_init(PageSections *sections, ByteSource *source, const SectionMap *map,
                        const HeapLayout *layout, Error *error)
{
    *sections = (PageSections){.page_size = layout->page_size};
    if (read_all(sections, source, section_map_find(map, SECTION_RUNS), layout, error) &&
        read_tables(sections, source, map, layout, error) &&
        check_coverage(sections, source, error))
        return true;
    page_sections_release(sections);
    return false;
}

void page_sections_release(PageSections *sections)
{
    for (uint64_t i = 0; i < sections->count; i++)
        free(sections->tables[i].runs);
    free(sections->tables);
    free(sections->all.runs);
    *sections = (PageSections){0};
}

// ---- bytes ----

uint64_t run_table_bytes_offset(const RunTable *table)
{
    return table->offset + table->count * RUN_BYTES;
}

static void fill_records(void *builder, const uint8_t *bytes, uint64_t length)
{
    heap_image_builder_fill_records(builder, bytes, length);
}

static bool read_section(const RunTable *table, uint32_t page_size, ByteSource *source,
                         HeapImageBuilder *builder, Error *error)
{
    StreamListener listener = {fill_records, builder};
    StreamTarget *targets = malloc((table->count + 1) * sizeof *targets);
    uint64_t target_count = 0, offset = run_table_bytes_offset(table);
    bool ok = true;

    if (targets == NULL)
        return error_set_memory(error, table->count * sizeof *targets, "the page runs");
    for (uint64_t i = 0; ok && i < table->count; i++) {
        uint64_t length = table->runs[i].page_count * page_size;
        uint8_t *to = heap_image_builder_bytes(builder, table->runs[i].address, length);
        StreamTarget *last = target_count > 0 ? &targets[target_count - 1] : NULL;
        if (to == NULL)
            ok = byte_source_fault(source, table->offset + i * RUN_BYTES, error,
                                   "pages at 0x%llx belong to no page run",
                                   (unsigned long long)table->runs[i].address);
        else if (last != NULL && last->to + last->length == to)
            last->length += length;
        else
            targets[target_count++] = (StreamTarget){offset, length, to};
        offset += length;
    }
    ok = ok && byte_source_scatter(source, targets, target_count, &listener, error);
    free(targets);
    return ok;
}

bool page_sections_check_runs(const PageSections *sections, const ByteSource *source, Error *error)
{
    uint64_t uncovered = 0;

    for (uint64_t i = 0; i < sections->count; i++)
        if (!is_covered(&sections->tables[i], sections->all.runs, sections->all.count,
                        sections->page_size, &uncovered))
            return byte_source_fault(source, sections->tables[i].offset, error,
                                     "pages at 0x%llx belong to no page run",
                                     (unsigned long long)uncovered);
    return true;
}

bool page_sections_read(const PageSections *sections, ByteSource *source, HeapImageBuilder *builder,
                        Error *error)
{
    for (uint64_t i = 0; i < sections->count; i++)
        if (!read_section(&sections->tables[i], sections->page_size, source, builder, error))
            return false;
    return true;
}

uint64_t page_sections_find(const PageSections *sections, uint64_t address)
{
    for (uint64_t i = sections->count; i > 0; i--) {
        const RunTable *table = &sections->tables[i - 1];
        uint64_t offset = run_table_bytes_offset(table);

        for (uint64_t r = 0; r < table->count; r++) {
            uint64_t length = table->runs[r].page_count * sections->page_size;
            if (address - table->runs[r].address < length)
                return offset + (address - table->runs[r].address);
            offset += length;
        }
    }
    return 0;
}
