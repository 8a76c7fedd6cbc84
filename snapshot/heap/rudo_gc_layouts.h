// The layouts of rudo-gc, 0.1.0 to 0.8.19, and which version has which.
//
// | layout | versions | page header | object header |
// | --- | --- | --- | --- |
// | rudo-gc-0.1 | 0.1.0 to 0.2.3 | 1,560 bytes, bitmaps from 16 on, no owner | 32 bytes |
// | rudo-gc-0.3 | 0.3.0 to 0.4.1 | 1,576 bytes, the owner is an address | 40 bytes |
// | rudo-gc-0.5 | 0.5.0 to 0.8.11 | the same, with what lazy sweeping needs | 40 bytes |
// | rudo-gc-0.8.12 | 0.8.12 to 0.8.17 | the same, the owner is a number | 40 bytes |
// | rudo-gc-0.8 | 0.8.18 and 0.8.19 | the same | 48 bytes, with a generation |

#ifndef SNAPSHOT_HEAP_RUDO_GC_LAYOUTS_H
#define SNAPSHOT_HEAP_RUDO_GC_LAYOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/heap/heap_layout.h"

#define RUDO_GC_NEWEST_VERSION "0.8.19" // the newest version whose layout is known

typedef struct RudoGcVersion {
    uint32_t major;
    uint32_t minor;
    uint32_t patch;
} RudoGcVersion;

// All layouts, oldest first: index 0, 1, ... until it returns NULL. Static, immutable.
const HeapLayout *rudo_gc_layout(uint32_t index);

// The layout of that name, or NULL.
const HeapLayout *rudo_gc_layout_named(const char *name);

// The layout of a version, or NULL: the version is not known.
const HeapLayout *rudo_gc_layout_of(RudoGcVersion version);

// Finds the next version that `bytes` name from *position on, and moves *position behind its
// beginning. False, *position at `length`: there is none.
//
// A Rust program holds the file names of its panic locations in read-only data, in which cargo
// has the version of a crate: ".../rudo-gc-0.8.19/src/heap.rs". They survive strip.
bool rudo_gc_version_find(const uint8_t *bytes, size_t length, size_t *position,
                          RudoGcVersion *out);

#endif
