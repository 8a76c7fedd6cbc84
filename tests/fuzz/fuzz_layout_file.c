// Fuzz target: layout files. An accepted file is a layout that can be used.

#include <stdint.h>
#include <stdlib.h>

#include "snapshot/heap/layout_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HeapLayout layout;
    PageHeader header;
    Error error = {0};

    if (layout_file_parse("fuzz", (const char *)data, size, &layout, &error)) {
        uint8_t *page = calloc(1, layout.page_size);

        if (page == NULL || !heap_layout_check(&layout, &error))
            abort();
        heap_layout_write(page, layout.magic, layout.magic_value);
        (void)page_header_read(&layout, page, layout.page_size, &header);
        for (uint32_t i = 0; i < layout.bitmap_words; i++)
            if (heap_layout_bitmap_word(page, layout.dirty_bitmap, i) == 1)
                abort();
        free(page);
    } else if (error.code == ERROR_NONE || error.message[0] == '\0') {
        abort();
    }
    return 0;
}
