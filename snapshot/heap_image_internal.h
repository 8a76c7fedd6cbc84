// What heap_image.c and heap_image_builder.c share.

#ifndef SNAPSHOT_HEAP_IMAGE_INTERNAL_H
#define SNAPSHOT_HEAP_IMAGE_INTERNAL_H

#include "snapshot/heap_image.h"

// Word `word` of a bitmap in the page header, cut to the page's slots.
uint64_t heap_image_bitmap_word(const HeapImage *image, uint32_t page, uint32_t bitmap,
                                uint32_t word);

// Gives the memory of all runs back.
void heap_image_unmap(HeapImage *image);

#endif
