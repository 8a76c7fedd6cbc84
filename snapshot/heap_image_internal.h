// What heap_image.c and heap_image_builder.c share.

#ifndef SNAPSHOT_HEAP_IMAGE_INTERNAL_H
#define SNAPSHOT_HEAP_IMAGE_INTERNAL_H

#include "snapshot/heap_image.h"

// Addresses end here: 56 bits are user space on 5-level x86-64 and on aarch64.
#define HEAP_ADDRESS_LIMIT (UINT64_C(1) << 56)

// Word `word` of a bitmap in the page header, cut to the page's slots.
uint64_t heap_image_bitmap_word(const HeapImage *image, uint32_t page, uint32_t bitmap,
                                uint32_t word);

// Gives the memory of all runs back.
void heap_image_unmap(HeapImage *image);

#endif
