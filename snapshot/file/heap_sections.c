// The large sections of a snapshot: see snapshot/file/heap_sections.h.

#include "snapshot/file/heap_sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/sections/snapshot_format.h"

_Static_assert(sizeof(PageRun) == RUN_BYTES, "run tables are read as they lie in memory");
_Static_assert(sizeof(Root) == ROOT_BYTES, "and so are roots");

bool heap_sections_table_count(ByteSource *source, const Section *section, uint64_t entry_bytes,
                               const char *what, uint64_t *count, Error *error)
{
    uint8_t head[TABLE_HEAD_BYTES];

    *count = 0;
    if (section->offset == 0)
        return true;
    if (section->length < sizeof head)
        return byte_source_fault(source, section->offset, error, "the table of %s ends early",
                                 what);
    if (!byte_source_read(source, section->offset, head, sizeof head, error))
        return false;
    if (bytes_get_u64(head) > (section->length - sizeof head) / entry_bytes)
        return byte_source_fault(source, section->offset, error, "there is no room for %llu %s",
                                 (unsigned long long)bytes_get_u64(head), what);
    *count = bytes_get_u64(head);
    return true;
}

// Reads one large part.
static bool read_part(ByteSource *source, uint64_t offset, void *to, uint64_t length, Error *error)
{
    StreamTarget target = {offset, length, to};

    return length == 0 || byte_source_scatter(source, &target, 1, NULL, error);
}

// ---- page runs ----

// Runs ascend, are disjoint, not empty, and lie where addresses can be.
static bool check_run_table(const ByteSource *source, const Section *section,
                            const HeapLayout *layout, RunTable *table, Error *error)
{
    uint64_t limit = HEAP_ADDRESS_LIMIT / layout->page_size;
    uint64_t next_page = 1; // page 0 is nobody's

    for (uint64_t i = 0; i < table->count; i++) {
        const PageRun *run = &table->runs[i];
        uint64_t page = run->address / layout->page_size;
        if (run->address % layout->page_size != 0 || page < next_page || page >= limit ||
            run->page_count == 0 || run->page_count > limit - page)
            return byte_source_fault(source, section->offset + TABLE_HEAD_BYTES + i * RUN_BYTES,
                                     error, "page run %llu (0x%llx, %llu pages) is not possible",
                                     (unsigned long long)i, (unsigned long long)run->address,
                                     (unsigned long long)run->page_count);
        next_page = page + run->page_count;
        table->page_count += run->page_count;
    }
    return true;
}

// Reads the run table at the start of `section`; on false there is nothing to free.
static bool read_run_table(ByteSource *source, const Section *section, const HeapLayout *layout,
                           RunTable *table, Error *error)
{
    *table = (RunTable){0};
    if (!heap_sections_table_count(source, section, RUN_BYTES, "page runs", &table->count, error))
        return false;
    table->runs = malloc((table->count + 1) * sizeof *table->runs);
    if (table->runs == NULL)
        return error_set_memory(error, table->count * sizeof *table->runs, "the page runs");
    if (read_part(source, section->offset + TABLE_HEAD_BYTES, table->runs, table->count * RUN_BYTES,
                  error) &&
        check_run_table(source, section, layout, table, error))
        return true;
    free(table->runs);
    *table = (RunTable){0};
    return false;
}

static int compare_runs(const void *left, const void *right)
{
    const PageRun *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

static uint64_t run_end(const PageRun *run, uint32_t page_size)
{
    return run->address + run->page_count * page_size;
}

// Is each page of `table` in one of `covers` (which may overlap, and are sorted here)?
static bool is_covered(const RunTable *table, RunTable *covers, uint32_t page_size,
                       uint64_t *uncovered)
{
    uint64_t next = 0;

    if (covers->count > 0)
        qsort(covers->runs, covers->count, sizeof *covers->runs, compare_runs);
    for (uint64_t i = 0; i < table->count; i++) {
        uint64_t at = table->runs[i].address;
        uint64_t end = at + table->runs[i].page_count * page_size;
        // Covers may overlap each other, but what ends below `at` is of no more use.
        while (at < end) {
            while (next < covers->count && run_end(&covers->runs[next], page_size) <= at)
                next++;
            if (next == covers->count || covers->runs[next].address > at) {
                *uncovered = at;
                return false;
            }
            at = run_end(&covers->runs[next], page_size);
        }
    }
    return true;
}

static bool add_covers(RunTable *covers, uint64_t *capacity, const RunTable *table, Error *error)
{
    if (covers->count + table->count > *capacity) {
        uint64_t wanted = (covers->count + table->count) * 2;
        PageRun *grown = realloc(covers->runs, wanted * sizeof *grown);
        if (grown == NULL)
            return error_set_memory(error, wanted * sizeof *grown, "the page runs");
        covers->runs = grown;
        *capacity = wanted;
    }
    if (table->count > 0)
        memcpy(covers->runs + covers->count, table->runs, table->count * sizeof *table->runs);
    covers->count += table->count;
    return true;
}

// Collects the run tables of all PAGE sections, each of which must be as long as it says.
static bool read_covers(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                        RunTable *covers, Error *error)
{
    uint64_t capacity = 0;

    for (uint64_t i = 0; i < map->pages_count; i++) {
        const Section *section = &map->pages[i];
        RunTable table;
        if (!read_run_table(source, section, layout, &table, error))
            return false;
        uint64_t page_bytes = section->length - TABLE_HEAD_BYTES - table.count * RUN_BYTES;
        bool ok = page_bytes % layout->page_size == 0 &&
                  page_bytes / layout->page_size == table.page_count;
        if (ok)
            ok = add_covers(covers, &capacity, &table, error);
        else
            byte_source_fault(source, section->offset, error,
                              "%llu pages do not fill the section that holds them",
                              (unsigned long long)table.page_count);
        free(table.runs);
        if (!ok)
            return false;
    }
    return true;
}

bool heap_sections_read_runs(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                             RunTable *table, Error *error)
{
    const Section *section = section_map_find(map, SECTION_RUNS);
    RunTable covers = {0};
    uint64_t uncovered = 0;
    bool ok = read_run_table(source, section, layout, table, error);

    if (ok && section->length != TABLE_HEAD_BYTES + table->count * RUN_BYTES)
        ok = byte_source_fault(source, section->offset, error,
                               "%llu page runs do not fill their section",
                               (unsigned long long)table->count);
    ok = ok && read_covers(source, map, layout, &covers, error);
    if (ok && !is_covered(table, &covers, layout->page_size, &uncovered))
        ok = byte_source_fault(source, section->offset, error,
                               "no section has the bytes of page 0x%llx",
                               (unsigned long long)uncovered);
    free(covers.runs);
    if (!ok) {
        free(table->runs);
        *table = (RunTable){0};
    }
    return ok;
}

// ---- page bytes ----

static void look(void *builder, const uint8_t *bytes, uint64_t length)
{
    heap_image_builder_fill_records(builder, bytes, length);
}

static bool read_pages_section(ByteSource *source, const Section *section, const HeapLayout *layout,
                               HeapImageBuilder *builder, Error *error)
{
    StreamListener listener = {look, builder};
    StreamTarget *targets = NULL;
    RunTable table;
    uint64_t target_count = 0, offset;
    bool ok = read_run_table(source, section, layout, &table, error);

    if (ok) {
        targets = malloc((table.count + 1) * sizeof *targets);
        if (targets == NULL)
            ok = error_set_memory(error, table.count * sizeof *targets, "the page runs");
    }
    offset = section->offset + TABLE_HEAD_BYTES + table.count * RUN_BYTES;
    for (uint64_t i = 0; ok && i < table.count; i++) {
        uint64_t length = table.runs[i].page_count * layout->page_size;
        uint8_t *to = heap_image_builder_bytes(builder, table.runs[i].address, length);
        StreamTarget *last = target_count > 0 ? &targets[target_count - 1] : NULL;
        if (to == NULL)
            ok = byte_source_fault(source, section->offset + TABLE_HEAD_BYTES + i * RUN_BYTES,
                                   error, "pages at 0x%llx belong to no page run",
                                   (unsigned long long)table.runs[i].address);
        else if (last != NULL && last->to + last->length == to)
            last->length += length;
        else
            targets[target_count++] = (StreamTarget){offset, length, to};
        offset += length;
    }
    ok = ok && byte_source_scatter(source, targets, target_count, &listener, error);
    free(targets);
    free(table.runs);
    return ok;
}

bool heap_sections_read_pages(ByteSource *source, const SectionMap *map, const HeapLayout *layout,
                              HeapImageBuilder *builder, Error *error)
{
    for (uint64_t i = 0; i < map->pages_count; i++)
        if (!read_pages_section(source, &map->pages[i], layout, builder, error))
            return false;
    return true;
}

uint64_t heap_sections_find_page(ByteSource *source, const SectionMap *map,
                                 const HeapLayout *layout, uint64_t address)
{
    uint64_t found = 0;
    Error ignored;

    for (uint64_t i = map->pages_count; i > 0 && found == 0; i--) {
        const Section *section = &map->pages[i - 1];
        RunTable table;
        if (read_run_table(source, section, layout, &table, &ignored)) {
            uint64_t offset = section->offset + TABLE_HEAD_BYTES + table.count * RUN_BYTES;
            for (uint64_t r = 0; r < table.count && found == 0; r++) {
                uint64_t length = table.runs[r].page_count * layout->page_size;
                if (address - table.runs[r].address < length)
                    found = offset + (address - table.runs[r].address);
                offset += length;
            }
        }
        free(table.runs);
    }
    return found;
}

// ---- roots ----

static bool check_root(const Root *root, uint32_t thread_count)
{
    return root->kind < ROOT_KIND_COUNT && root->is_exact <= 1 && root->reserved == 0 &&
           (root->thread < thread_count || root->thread == NO_INDEX);
}

bool heap_sections_read_roots(ByteSource *source, const SectionMap *map, uint32_t thread_count,
                              HeapImageBuilder *builder, Error *error)
{
    const Section *section = section_map_find(map, SECTION_ROOTS);
    uint64_t offset = section->offset + TABLE_HEAD_BYTES;
    uint64_t count, i = 0;
    Root *roots;

    if (!heap_sections_table_count(source, section, ROOT_BYTES, "roots", &count, error))
        return false;
    if (section->offset == 0)
        return true;
    if (section->length != TABLE_HEAD_BYTES + count * ROOT_BYTES)
        return byte_source_fault(source, section->offset, error,
                                 "%llu roots do not fill their section", (unsigned long long)count);
    roots = malloc((count + 1) * sizeof *roots);
    if (roots == NULL)
        return error_set_memory(error, count * sizeof *roots, "the roots");
    if (!read_part(source, offset, roots, count * ROOT_BYTES, error)) {
        free(roots);
        return false;
    }
    while (i < count && check_root(&roots[i], thread_count))
        i++;
    if (i < count) {
        free(roots);
        return byte_source_fault(source, offset + i * ROOT_BYTES, error,
                                 "root %llu is not possible", (unsigned long long)i);
    }
    heap_image_builder_take_roots(builder, roots, count);
    return true;
}

// ---- foreign blocks ----

// Reads the block table. Offsets of the bytes follow from the lengths, each rounded up.
static bool read_block_table(ByteSource *source, const Section *section, ForeignBlock *blocks,
                             uint64_t count, uint64_t *foreign_bytes, Error *error)
{
    uint64_t at = section->offset + TABLE_HEAD_BYTES;
    uint64_t previous_end = 0;

    *foreign_bytes = 0;
    for (uint64_t i = 0; i < count; i++, at += BLOCK_BYTES) {
        uint8_t entry[BLOCK_BYTES];
        if (!byte_source_read(source, at, entry, sizeof entry, error))
            return false;
        blocks[i] = (ForeignBlock){bytes_get_u64(entry), bytes_get_u64(entry + 8), *foreign_bytes};
        if (blocks[i].address < previous_end || blocks[i].address >= HEAP_ADDRESS_LIMIT ||
            blocks[i].bytes == 0 || blocks[i].bytes > HEAP_ADDRESS_LIMIT - blocks[i].address ||
            blocks[i].bytes > section->length - *foreign_bytes)
            return byte_source_fault(source, at, error,
                                     "foreign block %llu (0x%llx, %llu bytes) is not possible",
                                     (unsigned long long)i, (unsigned long long)blocks[i].address,
                                     (unsigned long long)blocks[i].bytes);
        previous_end = blocks[i].address + blocks[i].bytes;
        *foreign_bytes += (blocks[i].bytes + 7) / 8 * 8;
        if (*foreign_bytes > section->length)
            return byte_source_fault(source, at, error, "foreign block %llu leaves its section",
                                     (unsigned long long)i);
    }
    return true;
}

bool heap_sections_read_blocks(ByteSource *source, const SectionMap *map, HeapImageBuilder *builder,
                               Error *error)
{
    const Section *section = section_map_find(map, SECTION_BLOCKS);
    ForeignBlock *blocks = NULL;
    uint8_t *bytes = NULL;
    uint64_t count, foreign_bytes = 0, table_bytes;
    bool ok = false;

    if (!heap_sections_table_count(source, section, BLOCK_BYTES, "foreign blocks", &count, error))
        return false;
    if (section->offset == 0)
        return true;
    if (count >= NO_INDEX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu foreign blocks are more than a heap image holds",
                         (unsigned long long)count);
    blocks = malloc((count + 1) * sizeof *blocks);
    if (blocks == NULL) {
        error_set_memory(error, count * sizeof *blocks, "the foreign blocks");
        goto done;
    }
    if (!read_block_table(source, section, blocks, count, &foreign_bytes, error))
        goto done;
    table_bytes = TABLE_HEAD_BYTES + count * BLOCK_BYTES;
    if (section->length - table_bytes != foreign_bytes) {
        byte_source_fault(source, section->offset, error,
                          "%llu foreign blocks do not fill their section",
                          (unsigned long long)count);
        goto done;
    }
    bytes = malloc(foreign_bytes + 1);
    if (bytes == NULL) {
        error_set_memory(error, foreign_bytes, "the foreign blocks");
        goto done;
    }
    if (!read_part(source, section->offset + table_bytes, bytes, foreign_bytes, error))
        goto done;
    heap_image_builder_take_blocks(builder, blocks, (uint32_t)count, bytes, foreign_bytes);
    blocks = NULL;
    bytes = NULL;
    ok = true;

done:
    free(blocks);
    free(bytes);
    return ok;
}
