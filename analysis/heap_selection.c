// HeapSelection: see analysis/heap_selection.h.

#include "analysis/heap_selection.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near_names.h"
#include "base/search.h"
#include "analysis/names/type_fit.h"

void heap_selection_release(HeapSelection *selection)
{
    free(selection->is_type);
    free(selection->roots);
    selection->is_type = NULL;
    selection->roots = NULL;
}

// ---- addresses ----

bool heap_selection_parse_address(const char *text, uint64_t *address)
{
    char *end;

    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X') || !isxdigit((unsigned char)text[2]))
        return false;
    errno = 0;
    *address = strtoull(text, &end, 16);
    return errno == 0 && *end == '\0';
}

// Finds the nearest live object below (step -1) or above (step 1) a page's slot. False: none.
static bool nearest_object(const HeapImage *image, uint32_t page, int64_t slot, int step,
                           uint64_t *address)
{
    for (;;) {
        for (; slot >= 0 && slot < image->pages[page].slot_count; slot += step)
            if (heap_image_is_live(image, page, (uint32_t)slot)) {
                *address = heap_image_object_address(image, page, (uint32_t)slot);
                return true;
            }
        if (step < 0 ? page == 0 : page + 1 == image->page_count)
            return false;
        page = step < 0 ? page - 1 : page + 1;
        slot = step < 0 ? image->pages[page].slot_count - 1 : 0;
    }
}

static void add_object_hint(const HeapImage *image, const TypeTable *table, uint64_t address,
                            const char *where, Error *error)
{
    uint32_t page = heap_image_find_page(image, address);
    uint32_t slot = heap_image_slot_at(image, page, address);

    (void)error_add_hint(error, "the nearest object %s is at 0x%" PRIx64 ": %s", where, address,
                         table->types[type_table_find(table, image, page, slot)].label);
}

static bool no_such_address(const HeapImage *image, const TypeTable *table, uint64_t address,
                            Error *error)
{
    // The first page that begins above `address`; page_count: none.
    uint32_t above = (uint32_t)search_above(image->pages, image->page_count, address, address);
    uint32_t page = above;
    uint64_t near;
    int64_t slot = -1;

    (void)error_set(error, ERROR_USAGE, "there is no object and no foreign block at 0x%" PRIx64,
                    address);
    if (above > 0) {
        const HeapPage *record = &image->pages[above - 1];
        uint64_t offset = address - record->address;

        page = above - 1;
        slot = offset < record->header_size
                   ? -1
                   : (int64_t)((offset - record->header_size) / record->block_size);
        if (slot >= record->slot_count)
            slot = record->slot_count - 1;
    }
    if (page < image->page_count && above > 0 &&
        (slot >= 0 ? nearest_object(image, page, slot, -1, &near)
                   : page > 0 && nearest_object(image, page - 1,
                                                image->pages[page - 1].slot_count - 1, -1, &near)))
        add_object_hint(image, table, near, "below", error);
    if (page < image->page_count && nearest_object(image, page, above > 0 ? slot + 1 : 0, 1, &near))
        add_object_hint(image, table, near, "above", error);
    return false;
}

static bool add_root(HeapSelection *out, const HeapImage *image, uint64_t root, Error *error)
{
    // Room for all roots: there are few, and selections are rare.
    if (out->roots == NULL)
        out->roots = malloc(image->root_count * sizeof *out->roots);
    if (out->roots == NULL)
        return error_set_memory(error, image->root_count * sizeof *out->roots, "roots");
    out->roots[out->root_count++] = root;
    return true;
}

static bool select_address(const HeapImage *image, const TypeTable *table, SelectionScope scope,
                           uint64_t address, HeapSelection *out, Error *error)
{
    Reference reference = heap_image_resolve(image, address, true);

    switch (reference.kind) {
    case REFERENCE_OBJECT:
        out->kind = SELECTION_OBJECT;
        out->page = reference.page;
        out->slot = reference.slot;
        out->address = heap_image_object_address(image, reference.page, reference.slot);
        out->offset = address - out->address;
        return true;
    case REFERENCE_BLOCK:
        out->kind = SELECTION_BLOCK;
        out->block = reference.block;
        out->address = image->blocks[reference.block].address;
        out->offset = address - out->address;
        return true;
    case REFERENCE_DEAD:
        (void)no_such_address(image, table, address, error);
        (void)error_set(error, ERROR_USAGE, "the object at 0x%" PRIx64 " is a zombie", address);
        return error_add_hint(error,
                              "the program has dropped it, and the collector has not swept it yet");
    case REFERENCE_NONE:
        if (heap_image_find_sized_block(image, address) == NO_INDEX)
            break;
        (void)error_set(error, ERROR_USAGE,
                        "of the malloc'd block at 0x%" PRIx64 " the size alone is recorded",
                        address);
        return error_add_hint(error, "`rudo-snap show` says which objects refer to it");
    case REFERENCE_INVALID:
        break;
    }
    out->kind = SELECTION_ROOTS;
    for (uint64_t i = 0; scope == SELECT_HEAP_AND_ROOTS && i < image->root_count; i++)
        if (image->roots[i].address == address && image->roots[i].kind != ROOT_REGISTER &&
            !add_root(out, image, i, error))
            return false;
    return out->root_count > 0 || no_such_address(image, table, address, error);
}

// ---- roots ----

static bool is_root_of_thread(const HeapImage *image, const Root *root, const char *thread)
{
    const SnapshotThread *record;
    char number[16];

    if (root->thread >= image->details->thread_count)
        return false;
    record = &image->details->threads[root->thread];
    (void)snprintf(number, sizeof number, "%" PRIu32, record->tid);
    return strcmp(record->name, thread) == 0 || strcmp(number, thread) == 0;
}

static bool is_interior(const HeapImage *image, const Root *root)
{
    Reference reference = heap_image_resolve(image, root->value, root_allows_interior(root));

    return reference.kind == REFERENCE_OBJECT &&
           heap_image_object_address(image, reference.page, reference.slot) != root->value;
}

static bool is_in_group(const HeapImage *image, const Root *root, const char *text)
{
    if (strncmp(text, "thread:", 7) == 0)
        return is_root_of_thread(image, root, text + 7);
    if (strcmp(text, "conservative") == 0)
        return !root->is_exact;
    if (strcmp(text, "exact") == 0)
        return root->is_exact;
    if (strcmp(text, "interior") == 0)
        return is_interior(image, root);
    return strcmp(text, root_kind_name((RootKind)root->kind)) == 0;
}

static bool is_group_of_roots(const char *text)
{
    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++)
        if (strcmp(text, root_kind_name((RootKind)kind)) == 0)
            return true;
    return strncmp(text, "thread:", 7) == 0 || strcmp(text, "conservative") == 0 ||
           strcmp(text, "exact") == 0 || strcmp(text, "interior") == 0;
}

static bool no_such_roots(const HeapImage *image, const char *text, Error *error)
{
    (void)error_set(error, ERROR_USAGE, "no roots match '%s'", text);
    if (strncmp(text, "thread:", 7) != 0)
        return false;
    for (uint32_t i = 0; i < image->details->thread_count && i < 5; i++)
        (void)error_add_hint(error, "a thread is 'thread:%s' (%" PRIu32 ")",
                             image->details->threads[i].name, image->details->threads[i].tid);
    return false;
}

static bool select_roots(const HeapImage *image, const char *text, HeapSelection *out, Error *error)
{
    out->kind = SELECTION_ROOTS;
    for (uint64_t i = 0; i < image->root_count; i++)
        if (is_in_group(image, &image->roots[i], text) && !add_root(out, image, i, error))
            return false;
    return out->root_count > 0 || no_such_roots(image, text, error);
}

// ---- types ----

static const char *label_of(const TypeTable *table, uint32_t type)
{
    return type < table->type_count ? table->types[type].label : "foreign block";
}

static const char *table_label(const void *context, uint64_t index)
{
    return label_of(context, (uint32_t)index);
}

static bool no_such_type(const TypeTable *table, const char *text, Error *error)
{
    const char *near[3];
    unsigned count = near_names_find(
        (NameList){.count = table->type_count + UINT64_C(1), .name = table_label, .context = table},
        text, near, 3);

    (void)error_set(error, ERROR_USAGE, "there is no type '%s'", text);
    for (unsigned i = 0; i < count; i++)
        (void)error_add_hint(error, "a similar name is '%s'", near[i]);
    return false;
}

static bool select_types(const TypeTable *table, const char *text, HeapSelection *out, Error *error)
{
    TypeFit best = TYPE_FIT_NONE;

    out->kind = SELECTION_TYPES;
    out->type = NO_INDEX;
    out->is_type = calloc((size_t)table->type_count + 1, sizeof *out->is_type);
    if (out->is_type == NULL)
        return error_set_memory(error, table->type_count, "a selection of types");
    for (uint32_t type = 0; type <= table->type_count; type++) {
        TypeFit fit = type_fit(label_of(table, type), text);

        best = fit > best ? fit : best;
    }
    if (best == TYPE_FIT_NONE)
        return no_such_type(table, text, error);
    for (uint32_t type = 0; type <= table->type_count; type++) {
        if (type_fit(label_of(table, type), text) != best)
            continue;
        // An abbreviation must not fit different types.
        if (best == TYPE_FIT_END && out->type != NO_INDEX &&
            strcmp(label_of(table, out->type), label_of(table, type)) != 0) {
            (void)error_set(error, ERROR_USAGE, "'%s' is the end of several types", text);
            (void)error_add_hint(error, "one is '%s'", label_of(table, out->type));
            return error_add_hint(error, "one is '%s'", label_of(table, type));
        }
        out->is_type[type] = true;
        out->type = out->type == NO_INDEX ? type : out->type;
    }
    return true;
}

bool heap_selection_make(const HeapImage *image, const TypeTable *table, SelectionScope scope,
                         const char *text, HeapSelection *out, Error *error)
{
    uint64_t address;
    bool ok;

    *out = (HeapSelection){.page = NO_INDEX, .block = NO_INDEX, .type = NO_INDEX};
    if (heap_selection_parse_address(text, &address))
        ok = select_address(image, table, scope, address, out, error);
    else if (strncmp(text, "type:", 5) == 0)
        ok = select_types(table, text + 5, out, error);
    else if (scope == SELECT_HEAP_AND_ROOTS && is_group_of_roots(text))
        ok = select_roots(image, text, out, error);
    else
        ok = select_types(table, text, out, error);
    if (!ok)
        heap_selection_release(out);
    return ok;
}
