// Random data types for the objects of a heap, which need not make sense, but could come from a
// file.

#ifndef TESTS_SUPPORT_RANDOM_TYPES_H
#define TESTS_SUPPORT_RANDOM_TYPES_H

#include "snapshot/heap/heap_image.h"
#include "tests/support/xorshift.h"

#define RANDOM_TYPES 24u
#define RANDOM_TYPE_PARTS 12u

typedef struct RandomType {
    uint64_t word;
    SnapshotField fields[RANDOM_TYPE_PARTS];
    SnapshotVariant variants[RANDOM_TYPE_PARTS];
} RandomType;

typedef struct RandomTypes {
    uint32_t count;
    SnapshotDataType types[RANDOM_TYPES];
    RandomType parts[RANDOM_TYPES];
} RandomTypes;

// Types of some of the image's objects, and of values in blocks and arrays. The types refer to
// `made` itself, which must stay where it is.
void random_types_make(RandomTypes *made, const HeapImage *image, Xorshift *random);

#endif
