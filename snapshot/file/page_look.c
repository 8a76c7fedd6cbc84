// Looking at pages: see snapshot/file/page_look.h.
//
// One PAGE section has the pages of RUNS in their order, so both tables pass by side by side, and
// of each page the header is read. Where there are several, one number for each page remembers what
// its newest version says: how many pages the object has, or that it has no valid header.

#include "snapshot/file/page_look.h"

#include <stdlib.h>

#include "base/search.h"
#include "snapshot/file/heap_sections.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "snapshot/file/stream_window.h"
#include "snapshot/heap/page_header_check.h"

// A table of page runs that passes by; runs that touch each other are one.
typedef struct RunStream {
    const HeapLayout *layout;
    Section section;
    StreamWindow window;
    ByteCursor cursor;
    uint64_t left;      // runs
    uint64_t number;    // of the next run
    uint64_t least;     // page number, below which the next run cannot begin
    uint64_t all_pages; // of the runs so far
    PageRun ahead;      // read, and not given out; page_count 0: none
    uint64_t table_bytes;
} RunStream;

static bool fault_of(RunStream *stream, Error *error)
{
    if (stream->window.error.code == ERROR_NONE)
        return false;
    *error = stream->window.error;
    return true;
}

static bool run_stream_open(RunStream *stream, ByteSource *source, const Section *section,
                            const HeapLayout *layout, Error *error)
{
    *stream = (RunStream){.layout = layout, .section = *section, .least = 1};
    if (!heap_sections_table_count(source, section, RUN_BYTES, "page runs", &stream->left, error))
        return false;
    stream->table_bytes = TABLE_HEAD_BYTES + stream->left * RUN_BYTES;
    stream->cursor = stream_window_open(&stream->window, source, section);
    (void)byte_cursor_u64(&stream->cursor);
    return true;
}

static void run_stream_close(RunStream *stream)
{
    stream_window_close(&stream->window);
}

// Reads the next run of the table; page_count 0: there is none.
static bool read_run(RunStream *stream, PageRun *run, Error *error)
{
    uint32_t page_size = stream->layout->page_size;
    uint64_t limit = HEAP_ADDRESS_LIMIT / page_size, page;

    *run = (PageRun){0};
    if (stream->left == 0)
        return true;
    run->address = byte_cursor_u64(&stream->cursor);
    run->page_count = byte_cursor_u64(&stream->cursor);
    if (fault_of(stream, error))
        return false;
    page = run->address / page_size;
    if (run->address % page_size != 0 || page < stream->least || page >= limit ||
        run->page_count == 0 || run->page_count > limit - page)
        return byte_source_fault(
            stream->window.source,
            stream->section.offset + TABLE_HEAD_BYTES + stream->number * RUN_BYTES, error,
            "page run %llu (0x%llx, %llu pages) is not possible",
            (unsigned long long)stream->number, (unsigned long long)run->address,
            (unsigned long long)run->page_count);
    stream->least = page + run->page_count;
    stream->all_pages += run->page_count;
    stream->number++;
    stream->left--;
    return true;
}

// The next run, with those that touch it.
static bool next_run(RunStream *stream, PageRun *run, Error *error)
{
    if (stream->ahead.page_count == 0 && !read_run(stream, &stream->ahead, error))
        return false;
    *run = stream->ahead;
    stream->ahead.page_count = 0;
    while (run->page_count > 0) {
        if (!read_run(stream, &stream->ahead, error))
            return false;
        if (stream->ahead.page_count == 0 ||
            stream->ahead.address != run->address + run->page_count * stream->layout->page_size)
            return true;
        run->page_count += stream->ahead.page_count;
    }
    return true;
}

// Do the pages of a PAGE section, of which all runs were read, fill it?
static bool check_filled(const RunStream *stream, Error *error)
{
    uint64_t bytes = stream->section.length - stream->table_bytes;

    return (bytes % stream->layout->page_size == 0 &&
            bytes / stream->layout->page_size == stream->all_pages) ||
           byte_source_fault(stream->window.source, stream->section.offset, error,
                             "%llu pages do not fill the section that holds them",
                             (unsigned long long)stream->all_pages);
}

static bool check_runs(const RunStream *runs, Error *error)
{
    if (runs->section.length != runs->table_bytes)
        return byte_source_fault(runs->window.source, runs->section.offset, error,
                                 "%llu page runs do not fill their section",
                                 (unsigned long long)runs->number);
    // Page indices are 32 bits wide, and NO_INDEX is taken.
    return runs->all_pages < NO_INDEX ||
           error_set(error, ERROR_UNSUPPORTED, "%llu pages are more than a heap image holds",
                     (unsigned long long)runs->all_pages);
}

static bool set_uncovered(const RunStream *runs, uint64_t address, Error *error)
{
    return byte_source_fault(runs->window.source, runs->section.offset, error,
                             "no section has the bytes of page 0x%llx",
                             (unsigned long long)address);
}

static bool set_stray(const RunStream *pages, uint64_t address, Error *error)
{
    return byte_source_fault(pages->window.source, pages->section.offset, error,
                             "pages at 0x%llx belong to no page run", (unsigned long long)address);
}

// ---- headers ----

// available_bytes: from the page to the end of its run.
static bool set_invalid(ByteSource *source, uint64_t at, uint64_t address, const HeapLayout *layout,
                        const uint8_t *page, uint64_t available_bytes, Error *error)
{
    char why[PAGE_HEADER_CHECK_CHARS];

    page_header_explain(layout, page, available_bytes, why, sizeof why);
    return byte_source_fault(source, at, error, "page 0x%llx: %s", (unsigned long long)address,
                             why);
}

// The pages of a run, whose bytes begin at `at`.
static bool look_at_run(ByteSource *source, const HeapLayout *layout, const PageRun *run,
                        uint64_t at, uint8_t *page, uint64_t *heads, Error *error)
{
    for (uint64_t i = 0; i < run->page_count; ++*heads) {
        uint64_t offset = at + i * layout->page_size;
        uint64_t left = (run->page_count - i) * layout->page_size;
        PageHeader header;

        if (!byte_source_read(source, offset, page, layout->page_size, error))
            return false;
        if (page_header_read(layout, page, left, &header) != PAGE_HEADER_VALID)
            return set_invalid(source, offset, run->address + i * layout->page_size, layout, page,
                               left, error);
        i += header.page_count;
    }
    return true;
}

// ---- pages without headers ----

#define SECTION_DESCRIBED SECTION_TYPE('P', 'R', 'E', 'C')

// The next description, which was looked at before.
static bool next_described(const SectionTable *table, ByteCursor *cursor, SnapshotPage *page,
                           Error *error)
{
    EntryPosition first = {.table = table};

    *page = (SnapshotPage){0};
    return table->decode(cursor, page, &first, error);
}

// Each page of RUNS is described, and no other.
static bool look_at_described(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                              uint64_t *heads, Error *error)
{
    const Section *section = section_map_find(map, SECTION_DESCRIBED);
    const SectionTable *table = sections_find(SECTION_DESCRIBED)->table;
    StreamWindow window = {0};
    ByteCursor cursor = {.bytes = NULL};
    uint64_t left = 0, pages;
    RunStream runs;
    PageRun run;
    bool ok;

    if (!run_stream_open(&runs, source, section_map_find(map, SECTION_RUNS), layout, error))
        return false;
    if (section->offset != 0) {
        cursor = stream_window_open(&window, source, section);
        left = byte_cursor_u64(&cursor);
    }
    *heads = 0;
    do {
        ok = next_run(&runs, &run, error);
        for (uint64_t i = 0; ok && i < run.page_count; i += pages, ++*heads) {
            uint64_t address = run.address + i * layout->page_size;
            SnapshotPage page;

            ok = left-- > 0 && next_described(table, &cursor, &page, error);
            pages = ok ? heap_layout_described_pages(layout, page.block_size, page.slot_count) : 0;
            if (!ok || page.address != address || pages == 0 || pages > run.page_count - i)
                ok = byte_source_fault(source, runs.section.offset, error,
                                       "page 0x%llx is not described", (unsigned long long)address);
        }
    } while (ok && run.page_count > 0);
    if (ok && left > 0)
        ok = byte_source_fault(source, section->offset, error,
                               "more pages are described than there are");
    if (section->offset != 0)
        stream_window_close(&window);
    run_stream_close(&runs);
    return ok;
}

// ---- one section ----

// Headers are read after the tables were compared, so that these do not pass by twice for each
// frame.
static bool compare_tables(RunStream *runs, RunStream *pages, Error *error)
{
    PageRun run, held;

    do {
        if (!next_run(runs, &run, error) || !next_run(pages, &held, error))
            return false;
        if (run.page_count == 0 && held.page_count == 0)
            break;
        if (held.page_count == 0 || (run.page_count > 0 && run.address < held.address))
            return set_uncovered(runs, run.address, error);
        if (run.page_count == 0 || held.address < run.address || held.page_count > run.page_count)
            return set_stray(pages, held.address, error);
        if (held.page_count < run.page_count)
            return set_uncovered(runs, run.address + held.page_count * runs->layout->page_size,
                                 error);
    } while (true);
    return check_runs(runs, error) && check_filled(pages, error);
}

static bool look_at_one(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                        uint64_t *heads, Error *error)
{
    uint8_t *page = malloc(layout->page_size);
    RunStream runs, pages;
    uint64_t at;
    PageRun run;
    bool ok;

    if (page == NULL)
        return error_set_memory(error, layout->page_size, "a page");
    ok = run_stream_open(&runs, source, section_map_find(map, SECTION_RUNS), layout, error);
    if (ok) {
        ok = run_stream_open(&pages, source, &map->pages[0], layout, error);
        if (ok) {
            ok = compare_tables(&runs, &pages, error);
            run_stream_close(&pages);
        }
        run_stream_close(&runs);
    }
    if (ok && !heap_layout_has_page_headers(layout)) {
        free(page);
        return look_at_described(source, map, layout, heads, error);
    }
    ok = ok && run_stream_open(&pages, source, &map->pages[0], layout, error);
    if (ok) {
        at = map->pages[0].offset + pages.table_bytes;
        do {
            ok = next_run(&pages, &run, error) &&
                 look_at_run(source, layout, &run, at, page, heads, error);
            at += run.page_count * layout->page_size;
        } while (ok && run.page_count > 0);
        run_stream_close(&pages);
    }
    free(page);
    return ok;
}

// ---- several sections ----

#define NOT_COVERED UINT32_MAX
#define NOT_VALID 0u

typedef struct PageNotes {
    ByteSource *source;
    const HeapLayout *layout;
    PageRun *runs;         // of RUNS, those that touch are one; owned
    uint64_t *first_notes; // by run; owned
    uint64_t run_count;
    uint32_t *notes; // by page: the pages of its object, or one of the above; owned
    uint64_t note_count;
    uint8_t *page; // owned
} PageNotes;

static bool list_runs(PageNotes *notes, RunStream *runs, Error *error)
{
    uint64_t most = runs->left;

    if (most > PAGE_LOOK_MOST_OVERRIDDEN)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu page runs are too many where pages override each other",
                         (unsigned long long)most);
    notes->runs = malloc((most + 1) * sizeof *notes->runs);
    notes->first_notes = malloc((most + 1) * sizeof *notes->first_notes);
    if (notes->runs == NULL || notes->first_notes == NULL)
        return error_set_memory(error, most * sizeof *notes->runs, "the page runs");
    for (;; notes->run_count++) {
        PageRun *run = &notes->runs[notes->run_count];

        if (!next_run(runs, run, error))
            return false;
        if (run->page_count == 0)
            break;
        notes->first_notes[notes->run_count] = notes->note_count;
        notes->note_count += run->page_count;
    }
    if (!check_runs(runs, error))
        return false;
    if (notes->note_count > PAGE_LOOK_MOST_OVERRIDDEN)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu pages are too many where pages override each other",
                         (unsigned long long)notes->note_count);
    notes->notes = malloc((notes->note_count + 1) * sizeof *notes->notes);
    notes->page = malloc(notes->layout->page_size);
    if (notes->notes == NULL || notes->page == NULL)
        return error_set_memory(error, notes->note_count * sizeof *notes->notes, "pages");
    for (uint64_t i = 0; i < notes->note_count; i++)
        notes->notes[i] = NOT_COVERED;
    return true;
}

// The notes of the pages of a run; NULL: it is not inside one run of the heap.
static uint32_t *notes_of(const PageNotes *notes, const PageRun *run)
{
    uint64_t next = search_above(notes->runs, notes->run_count, address, run->address);
    uint64_t first =
        next > 0 ? (run->address - notes->runs[next - 1].address) / notes->layout->page_size : 0;

    if (next == 0 || first >= notes->runs[next - 1].page_count ||
        run->page_count > notes->runs[next - 1].page_count - first)
        return NULL;
    return notes->notes + notes->first_notes[next - 1] + first;
}

static bool note_run(PageNotes *notes, const RunStream *pages, const PageRun *run, uint64_t at,
                     Error *error)
{
    uint32_t *of_run = notes_of(notes, run);

    if (of_run == NULL)
        return set_stray(pages, run->address, error);
    for (uint64_t i = 0; i < run->page_count; i++) {
        PageHeader header;

        if (!heap_layout_has_page_headers(notes->layout)) {
            of_run[i] = 1; // one page of an object, which its description says
            continue;
        }
        if (!byte_source_read(notes->source, at + i * notes->layout->page_size, notes->page,
                              notes->layout->page_size, error))
            return false;
        of_run[i] =
            page_header_read(notes->layout, notes->page, UINT64_MAX, &header) == PAGE_HEADER_VALID
                ? header.page_count
                : NOT_VALID;
    }
    return true;
}

static bool note_section(PageNotes *notes, const Section *section, Error *error)
{
    RunStream pages;
    uint64_t at;
    PageRun run;
    bool ok;

    if (!run_stream_open(&pages, notes->source, section, notes->layout, error))
        return false;
    at = section->offset + pages.table_bytes;
    do {
        ok = next_run(&pages, &run, error) &&
             (run.page_count == 0 || note_run(notes, &pages, &run, at, error));
        if (ok)
            at += run.page_count * notes->layout->page_size;
    } while (ok && run.page_count > 0);
    ok = ok && check_filled(&pages, error);
    run_stream_close(&pages);
    return ok;
}

// Goes from header to header, as reading does.
static bool walk_notes(const PageNotes *notes, const RunStream *runs, uint64_t *heads, Error *error)
{
    uint64_t page_size = notes->layout->page_size;

    for (uint64_t r = 0; r < notes->run_count; r++) {
        const PageRun *run = &notes->runs[r];
        const uint32_t *of_run = notes->notes + notes->first_notes[r];

        for (uint64_t i = 0; i < run->page_count; i++)
            if (of_run[i] == NOT_COVERED)
                return set_uncovered(runs, run->address + i * page_size, error);
        for (uint64_t i = 0; i < run->page_count; ++*heads) {
            if (of_run[i] == NOT_VALID || of_run[i] > run->page_count - i)
                return byte_source_fault(notes->source, runs->section.offset, error,
                                         "page 0x%llx has no valid header",
                                         (unsigned long long)(run->address + i * page_size));
            i += of_run[i];
        }
    }
    return true;
}

static bool look_at_several(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                            uint64_t *heads, Error *error)
{
    PageNotes notes = {.source = source, .layout = layout};
    RunStream runs;
    bool ok;

    if (!run_stream_open(&runs, source, section_map_find(map, SECTION_RUNS), layout, error))
        return false;
    ok = list_runs(&notes, &runs, error);
    for (uint64_t i = 0; ok && i < map->pages_count; i++)
        ok = note_section(&notes, &map->pages[i], error);
    ok = ok && walk_notes(&notes, &runs, heads, error) &&
         (heap_layout_has_page_headers(layout) ||
          look_at_described(source, map, layout, heads, error));
    run_stream_close(&runs);
    free(notes.runs);
    free(notes.first_notes);
    free(notes.notes);
    free(notes.page);
    return ok;
}

bool page_look_run(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                   uint64_t *pages, Error *error)
{
    *pages = 0;
    return map->pages_count == 1 ? look_at_one(source, map, layout, pages, error)
                                 : look_at_several(source, map, layout, pages, error);
}
