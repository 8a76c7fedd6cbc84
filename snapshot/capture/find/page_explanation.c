// PageExplanation: see snapshot/capture/find/page_explanation.h. Pages are found as gc_pages.c
// finds them; all that differs is what is kept of them.

#include "snapshot/capture/find/page_explanation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash_index.h"
#include "snapshot/capture/find/heap_search_internal.h"
#include "snapshot/heap/page_header_check.h"

#define TEXT_CHARS (PAGE_HEADER_CHECKS * (PAGE_HEADER_CHECK_CHARS + 2))

typedef struct Explaining {
    const HeapSearch *search;
    PageExplanation *out;
    HashIndex index;        // of out->groups, by their texts
    uint64_t *stray_counts; // by the place in a page, in widths of the magic; owned
} Explaining;

// ---- texts ----

static void describe_valid(const PageHeader *header, char *text)
{
    if (header->is_large)
        (void)snprintf(text, TEXT_CHARS, "a large object");
    else
        (void)snprintf(text, TEXT_CHARS,
                       "%" PRIu32 " slots of %" PRIu32 " bytes, the first at +%" PRIu32,
                       header->slot_count, header->block_size, header->header_size);
}

// All checks that fail.
static void describe_faults(const HeapLayout *layout, const uint8_t *page, uint64_t available_bytes,
                            char *text)
{
    PageHeaderCheck checks[PAGE_HEADER_CHECKS];
    uint32_t count = page_header_check_all(layout, page, available_bytes, checks);
    size_t length = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        if (checks[i].is_right)
            continue;
        if (length > 0)
            length += (size_t)snprintf(text + length, TEXT_CHARS - length, "; ");
        length += page_header_check_text(&checks[i], text + length, TEXT_CHARS - length);
    }
}

// ---- groups ----

static uint64_t hash_of_group(const HashIndex *index, const void *items, uint32_t position)
{
    const char *text = ((const ExplainedGroup *)items)[position].text;

    return hash_index_text(index, text, strlen(text));
}

static bool is_group(const void *items, uint32_t position, const void *key)
{
    return strcmp(((const ExplainedGroup *)items)[position].text, key) == 0;
}

// The group with this text, which is made where there is none.
static bool find_group(Explaining *all, const char *text, bool is_valid, uint64_t address,
                       uint32_t *number, Error *error)
{
    PageExplanation *out = all->out;
    ExplainedGroup *group;
    uint32_t *slot;

    if (!array_reserve(&out->groups, &out->group_capacity, out->group_count + UINT64_C(1),
                       sizeof *out->groups, "pages", error) ||
        !hash_index_reserve(&all->index, out->groups, out->group_count + UINT64_C(1), hash_of_group,
                            "pages", error))
        return false;
    slot = hash_index_find(&all->index, out->groups,
                           hash_index_text(&all->index, text, strlen(text)), is_group, text);
    if (*slot == 0) {
        group = &out->groups[out->group_count];
        *group = (ExplainedGroup){strdup(text), 0, address, is_valid};
        if (group->text == NULL)
            return error_set_memory(error, strlen(text) + 1, "pages");
        *slot = ++out->group_count;
    }
    *number = *slot - 1;
    return true;
}

static bool add_page(Explaining *all, uint64_t address, const char *text, bool is_valid,
                     Error *error)
{
    PageExplanation *out = all->out;
    uint32_t number = 0;

    if (out->group_count >= EXPLAINED_GROUPS_MAX)
        text = is_valid ? "others, of further sizes" : "others, whose faults differ from all above";
    if (!find_group(all, text, is_valid, address, &number, error) ||
        !array_reserve(&out->pages, &out->page_capacity, out->page_count + 1, sizeof *out->pages,
                       "pages", error))
        return false;
    out->groups[number].page_count++;
    out->pages[out->page_count++] = (ExplainedPage){address, number};
    out->valid_pages += is_valid;
    return true;
}

// ---- pages ----

static bool explain_piece(Explaining *all, const MemoryPiece *piece, const ProcessMapping *mapping,
                          uint64_t *position, Error *error)
{
    const HeapLayout *layout = &all->search->layout;
    uint64_t end = piece->address + piece->bytes;
    uint64_t address = round_up(piece->address, layout->page_size);
    char text[TEXT_CHARS];

    while (address < end && end - address >= layout->page_header_bytes &&
           mapping->end - address >= layout->page_size) {
        const uint8_t *page = piece->data + (address - piece->address);
        uint64_t available = mapping->end - address, pages = 1;
        PageHeader header;
        PageHeaderFault fault = page_header_read(layout, page, available, &header);

        all->out->searched_pages++;
        if (fault == PAGE_HEADER_VALID) {
            describe_valid(&header, text);
            pages = header.page_count;
        } else if (fault != PAGE_HEADER_NO_MAGIC) {
            describe_faults(layout, page, available, text);
        }
        if (fault != PAGE_HEADER_NO_MAGIC &&
            !add_page(all, address, text, fault == PAGE_HEADER_VALID, error))
            return false;
        address += pages * layout->page_size;
    }
    if (address > *position)
        *position = address;
    return true;
}

typedef bool (*VisitPiece)(Explaining *all, const MemoryPiece *piece, const ProcessMapping *mapping,
                           uint64_t *position, Error *error);

static bool visit_memory(Explaining *all, VisitPiece visit, Error *error)
{
    const ProcessCopy *copy = all->search->copy;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        MemoryReader reader = memory_reader(copy);
        uint64_t position = mapping->start;
        MemoryPiece piece;

        if (!mapping_is_private_writable(mapping))
            continue;
        while (memory_next_piece(&reader, &position, mapping->end, &piece))
            if (!visit(all, &piece, mapping, &position, error))
                return false;
        if (!cancel_check(&all->search->options.cancel, error))
            return false;
    }
    return true;
}

// ---- magic elsewhere ----

// Counts where in a page the magic lies, at multiples of its width.
static bool count_strays(Explaining *all, const MemoryPiece *piece, const ProcessMapping *mapping,
                         uint64_t *position, Error *error)
{
    const HeapLayout *layout = &all->search->layout;
    uint32_t width = layout->magic.width;
    uint64_t address = round_up(piece->address, width);
    const LayoutField field = {0, (uint16_t)width};
    PageExplanation *out = all->out;

    (void)mapping;
    (void)position;
    (void)error;
    for (; address + width <= piece->address + piece->bytes; address += width) {
        if (heap_layout_read(piece->data + (address - piece->address), field) !=
            layout->magic_value)
            continue;
        if (out->stray_count++ == 0)
            out->stray_first = address;
        all->stray_counts[address % layout->page_size / width]++;
    }
    return true;
}

// A magic of one or two bytes occurs everywhere.
static bool find_strays(Explaining *all, Error *error)
{
    const HeapLayout *layout = &all->search->layout;
    PageExplanation *out = all->out;
    uint32_t places;

    if (out->page_count > 0 || layout->magic.width < 4)
        return true;
    places = layout->page_size / layout->magic.width;
    all->stray_counts = calloc(places, sizeof *all->stray_counts);
    if (all->stray_counts == NULL)
        return error_set_memory(error, places * sizeof *all->stray_counts, "pages");
    if (!visit_memory(all, count_strays, error))
        return false;
    for (uint32_t i = 0; i < places; i++)
        if (all->stray_counts[i] > out->stray_at_offset) {
            out->stray_at_offset = all->stray_counts[i];
            out->stray_offset = i * layout->magic.width;
        }
    return true;
}

// ---- all ----

static bool explain_all(HeapSearch *search, PageExplanation *out, Error *error)
{
    Explaining all = {.search = search, .out = out};
    bool ok = heap_search_find_modules(search, error) && heap_search_choose_layout(search, error);

    if (!ok)
        return false;
    out->layout = search->layout;
    out->pid = search->copy->pid;
    (void)snprintf(out->executable, sizeof out->executable, "%s", search->copy->executable);
    ok = visit_memory(&all, explain_piece, error) && find_strays(&all, error);
    hash_index_release(&all.index);
    free(all.stray_counts);
    return ok;
}

bool page_explanation_new(const ProcessCopy *copy, const HeapSearchOptions *options,
                          PageExplanation **out, Error *error)
{
    HeapSearch *search;
    bool ok;

    *out = NULL;
    if (!heap_search_begin(copy, options, &search, error))
        return false;
    *out = calloc(1, sizeof **out);
    ok = *out != NULL ? explain_all(search, *out, error)
                      : error_set_memory(error, sizeof **out, "pages");
    heap_search_free(search);
    if (!ok) {
        page_explanation_free(*out);
        *out = NULL;
    }
    return ok;
}

void page_explanation_free(PageExplanation *explanation)
{
    if (explanation == NULL)
        return;
    for (uint32_t i = 0; i < explanation->group_count; i++)
        free(explanation->groups[i].text);
    free(explanation->groups);
    free(explanation->pages);
    free(explanation);
}
