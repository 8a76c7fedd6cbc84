// Fuzz target: the decompressed stream of a snapshot, through the whole reader behind the
// container. An accepted stream must give a heap whose every page and root can be read.

#include <stdint.h>
#include <stdlib.h>

#include "snapshot/file/snapshot_file.h"

// Fuzzing is about parsing; nothing here needs more.
#define MAX_BYTES (UINT64_C(64) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum_of(const uint8_t *bytes, uint64_t length)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < length; i++)
        sum += bytes[i];
    return sum;
}

// Touches all that the image promises to be there, for the sanitizers to watch.
static uint64_t look_at_everything(const HeapImage *image)
{
    uint64_t sum = 0;

    for (uint32_t page = 0; page < image->page_count; page++) {
        const HeapPage *record = &image->pages[page];
        sum += heap_image_generation(image, page);
        for (uint32_t slot = 0; slot < record->slot_count; slot++) {
            uint64_t address = heap_image_object_address(image, page, slot);
            if (heap_image_find_page(image, address) != page ||
                heap_image_slot_at(image, page, address) != slot)
                abort();
            sum += sum_of(heap_image_object_bytes(image, page, slot), record->block_size);
            sum += heap_image_type_word(image, page, slot);
            sum += heap_image_is_live(image, page, slot);
            sum += heap_image_is_under_construction(image, page, slot);
        }
    }
    for (uint64_t i = 0; i < image->root_count; i++)
        sum += (uint64_t)heap_image_resolve(image, image->roots[i].value,
                                            root_allows_interior(&image->roots[i]))
                   .kind;
    for (uint32_t i = 0; i < image->block_count; i++) {
        const ForeignBlock *block = &image->blocks[i];
        if (heap_image_find_block(image, block->address + block->bytes - 1) != i)
            abort();
        sum += sum_of(image->foreign_bytes + block->offset, block->bytes);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SnapshotReadOptions options = {.max_stream_bytes = MAX_BYTES, .threads = 1};
    HeapImage *image = NULL;
    Error error = {0};

    if (snapshot_read_stream(data, size, &options, &image, &error)) {
        if (image == NULL)
            abort();
        // A sum that nothing could have, so that the looking is not optimised away.
        if (look_at_everything(image) == UINT64_MAX)
            abort();
        heap_image_free(image);
    } else if (image != NULL || error.code == ERROR_NONE || error.message[0] == '\0') {
        abort();
    }
    return 0;
}
