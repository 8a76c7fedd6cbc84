// Data types for images that tests make: a program's types without debug information.

#ifndef TESTS_SUPPORT_TYPED_HEAP_H
#define TESTS_SUPPORT_TYPED_HEAP_H

#include "snapshot/heap/heap_image.h"

// Gives copies of the types to the image, which has none so far.
void typed_heap_take(HeapImage *image, const SnapshotDataType *types, uint32_t count);

// A field of no variant, without target and words.
SnapshotField typed_heap_field(const char *name, uint32_t offset, uint32_t bytes, FieldKind kind);

#endif
