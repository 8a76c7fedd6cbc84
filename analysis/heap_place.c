// HeapPlace: see analysis/heap_place.h.

#include "analysis/heap_place.h"

const char *heap_place_kind_name(HeapPlaceKind kind)
{
    switch (kind) {
    case HEAP_PLACE_OBJECT:
        return "object";
    case HEAP_PLACE_ZOMBIE:
        return "zombie";
    case HEAP_PLACE_FREE_SLOT:
        return "free slot";
    case HEAP_PLACE_PAGE_HEADER:
        return "page header";
    case HEAP_PLACE_PAGE_END:
        return "unused end of a page";
    case HEAP_PLACE_BLOCK:
        return "foreign block";
    case HEAP_PLACE_OUTSIDE:
        break;
    }
    return "outside";
}

static HeapPlace place_in_page(const HeapImage *image, uint32_t page, uint64_t address)
{
    const HeapPage *record = &image->pages[page];
    uint64_t end = record->address + (heap_image_run_pages(image, page) << image->page_shift);
    uint32_t slot = heap_image_slot_at(image, page, address);
    HeapPlace place = {.page = page, .slot = slot, .block = NO_INDEX};

    if (slot != NO_INDEX) {
        place.kind = !heap_image_is_allocated(image, page, slot) ? HEAP_PLACE_FREE_SLOT
                     : heap_image_is_live(image, page, slot)     ? HEAP_PLACE_OBJECT
                                                                 : HEAP_PLACE_ZOMBIE;
        place.address = heap_image_object_address(image, page, slot);
        place.bytes = record->block_size;
    } else if (address - record->address < record->header_size) {
        place.kind = HEAP_PLACE_PAGE_HEADER;
        place.address = record->address;
        place.bytes = record->header_size;
    } else {
        place.kind = HEAP_PLACE_PAGE_END;
        place.address = heap_image_object_address(image, page, record->slot_count);
        place.bytes = end - place.address;
    }
    place.offset = address - place.address;
    return place;
}

HeapPlace heap_place_at(const HeapImage *image, uint64_t address)
{
    uint32_t page = heap_image_find_page(image, address), block;

    if (page != NO_INDEX)
        return place_in_page(image, page, address);
    block = heap_image_find_block(image, address);
    if (block == NO_INDEX) {
        block = heap_image_find_sized_block(image, address);
        if (block != NO_INDEX)
            block += image->block_count;
    }
    if (block == NO_INDEX)
        return (HeapPlace){.kind = HEAP_PLACE_OUTSIDE,
                           .address = address,
                           .page = NO_INDEX,
                           .slot = NO_INDEX,
                           .block = NO_INDEX};
    return heap_place_of_block(image, block, address);
}

HeapPlace heap_place_of_block(const HeapImage *image, uint32_t block, uint64_t address)
{
    uint64_t start = heap_image_block_address(image, block);

    return (HeapPlace){.kind = HEAP_PLACE_BLOCK,
                       .address = start,
                       .bytes = heap_image_block_bytes(image, block),
                       .offset = address - start,
                       .page = NO_INDEX,
                       .slot = NO_INDEX,
                       .block = block};
}

// The 8-aligned words among `length` bytes at `address`.
static PlaceWords aligned_words(uint64_t address, const uint8_t *bytes, uint64_t length,
                                uint64_t offset)
{
    uint64_t skipped = (8 - address % 8) % 8;

    if (length < skipped + 8)
        return (PlaceWords){bytes, offset, 0};
    return (PlaceWords){bytes + skipped, offset + skipped, (length - skipped) / 8};
}

PlaceWords heap_place_words(const HeapImage *image, const HeapPlace *place)
{
    uint32_t payload;

    switch (place->kind) {
    case HEAP_PLACE_OBJECT:
    case HEAP_PLACE_ZOMBIE:
        payload = heap_image_payload_offset(image, image->pages[place->page].block_size);
        return aligned_words(place->address + payload,
                             heap_image_object_bytes(image, place->page, place->slot) + payload,
                             place->bytes - payload, payload);
    case HEAP_PLACE_BLOCK:
        if (heap_image_block_is_sized(image, place->block))
            return (PlaceWords){NULL, 0, 0};
        return aligned_words(place->address,
                             image->foreign_bytes + image->blocks[place->block].offset,
                             place->bytes, 0);
    default:
        return (PlaceWords){NULL, 0, 0};
    }
}

PageFacts page_facts_of(const HeapImage *image, uint32_t page)
{
    const HeapPage *record = &image->pages[page];
    const HeapLayout *layout = &image->layout;
    uint64_t flags = heap_layout_read(heap_image_page_bytes(image, page), layout->flags);
    PageFacts facts = {
        .address = record->address,
        .block_size = record->block_size,
        .slot_count = record->slot_count,
        .owner_thread = record->owner_thread,
        .generation = heap_image_generation(image, page),
        .is_large = heap_image_is_large(image, page),
        .is_orphan = (flags & layout->flag_orphan) != 0,
        .needs_sweep = (flags & layout->flag_needs_sweep) != 0,
        .is_all_dead = (flags & layout->flag_all_dead) != 0,
        .is_dirty_listed = (flags & layout->flag_dirty_listed) != 0,
    };

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        uint64_t live = image->live[heap_image_first_word(image, page) + word];

        facts.live_count += (uint32_t)__builtin_popcountll(live);
        facts.dead_count +=
            (uint32_t)__builtin_popcountll(heap_image_allocated_word(image, page, word) & ~live);
    }
    return facts;
}

SlotFacts slot_facts_of(const HeapImage *image, uint32_t page, uint32_t slot)
{
    const HeapLayout *layout = &image->layout;
    const uint8_t *bytes = heap_image_page_bytes(image, page);
    const uint8_t *object = heap_image_object_bytes(image, page, slot);
    uint64_t bit = UINT64_C(1) << slot % 64, weak;
    SlotFacts facts = {
        .is_allocated = heap_image_is_allocated(image, page, slot),
        .is_marked = (heap_layout_bitmap_word(bytes, layout->mark_bitmap, slot / 64) & bit) != 0,
        .is_dirty = (heap_image_dirty_word(image, page, slot / 64) & bit) != 0,
    };

    facts.is_dead = facts.is_allocated && !heap_image_is_live(image, page, slot);
    facts.has_header = facts.is_allocated &&
                       heap_layout_has_object_header(layout, image->pages[page].block_size) &&
                       layout->object_header_bytes > 0;
    if (!facts.has_header)
        return facts;
    weak = heap_layout_read(object, layout->weak_count);
    facts.is_under_construction = !facts.is_dead && (weak & layout->under_construction_bit) != 0;
    facts.counts_uses = layout->reference_count.width != 0;
    facts.references = heap_layout_read(object, layout->reference_count);
    facts.weak_references =
        weak & ~(layout->dead_bit | layout->under_construction_bit | layout->old_bit);
    facts.type_word = heap_layout_read(object, layout->type_word);
    facts.drop_function = heap_layout_read(object, layout->drop_function);
    return facts;
}
