// HeapView: see analysis/heap_view.h. Its rows are made in heap_view_rows.c.

#include "analysis/heap_view.h"

#include <stdlib.h>

#include "analysis/heap_view_internal.h"

uint32_t heap_view_type_of(const HeapView *view, const HeapPlace *place)
{
    return type_table_find(view->types, view->image, place->page, place->slot);
}

const char *heap_view_label_of(const HeapView *view, const HeapPlace *place)
{
    if (place->kind == HEAP_PLACE_OBJECT || place->kind == HEAP_PLACE_ZOMBIE)
        return view->types->types[heap_view_type_of(view, place)].label;
    return heap_place_kind_name(place->kind);
}

bool heap_view_owner_of(const HeapView *view, uint32_t block, HeapPlace *owner, EdgeLabel *label)
{
    const BlockOwners *owners = view->labels->owners;
    const BlockOwner *item;
    uint32_t offset;

    if (owners == NULL || heap_image_block_is_sized(view->image, block) ||
        owners->items[block].type == NO_DATA)
        return false;
    item = &owners->items[block];
    offset = data_values_type(view->labels->values, item->type)->fields[item->field].offset;
    *owner = heap_place_at(view->image, item->value_address + offset);
    edge_label_make(view->labels, owner->page, owner->slot, owner->block, owner->offset, label);
    return true;
}

static void take_facts(HeapView *view)
{
    const HeapPlace *place = &view->place;
    const SnapshotObjectType *type;

    view->type = NO_INDEX;
    if (place->kind == HEAP_PLACE_BLOCK && heap_place_has_content(view->image, place))
        view->is_reachable =
            (view->mark->marked_blocks[place->block / 64] >> place->block % 64 & 1) != 0;
    if (!heap_place_is_in_page(place))
        return;
    view->page = page_facts_of(view->image, place->page);
    if (place->slot == NO_INDEX)
        return;
    view->slot = slot_facts_of(view->image, place->page, place->slot);
    if (place->kind == HEAP_PLACE_FREE_SLOT)
        return;
    view->type = heap_view_type_of(view, place);
    type = snapshot_details_find_object_type(view->image->details, place->page, place->slot);
    view->requested_bytes = type == NULL ? 0 : type->requested;
    view->is_reachable = place->kind == HEAP_PLACE_OBJECT &&
                         mark_result_is_marked(view->mark, view->image, place->page, place->slot);
}

bool heap_view_make(const HeapImage *image, const MarkResult *mark, const TypeTable *types,
                    const EdgeLabels *labels, uint64_t address, HeapView *out, Error *error)
{
    *out = (HeapView){.image = image,
                      .mark = mark,
                      .types = types,
                      .labels = labels,
                      .place = heap_place_at(image, address)};
    take_facts(out);
    if (!heap_view_add_rows(out, error) ||
        !referrers_find(image, mark, &out->place, &out->referrers, error))
        return false;
    // Marks do not know blocks without content: they are as reachable as what refers to them.
    if (!heap_place_has_content(image, &out->place))
        out->is_reachable = out->referrers.root_count > 0 ||
                            out->referrers.node_count > out->referrers.garbage_count;
    return true;
}

void heap_view_release(HeapView *view)
{
    free(view->rows);
    referrers_release(&view->referrers);
    view->rows = NULL;
    view->row_count = 0;
}
