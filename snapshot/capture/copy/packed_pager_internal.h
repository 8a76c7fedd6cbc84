// PackedPager: memory of this process whose pages are unpacked when they are read, from compressed
// frames, and dropped again when the cache is full.

#ifndef SNAPSHOT_CAPTURE_COPY_PACKED_PAGER_INTERNAL_H
#define SNAPSHOT_CAPTURE_COPY_PACKED_PAGER_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/packed_frame_internal.h"
#include "snapshot/capture/copy/spool_file_internal.h"

#define PACKED_PAGER_MAX_AREAS 64u
#define PACKED_PAGER_MAX_THREADS 4u

// A mapping whose pages are supplied on demand.
typedef struct PackedArea {
    uint8_t *base; // mapping
    uint64_t bytes;
    uint64_t frame_count;
    PackedFrame *frames; // owned; constant from packed_pager_publish() on
    uint8_t *states;     // FrameState of each frame, private to the pager; owned
} PackedArea;

typedef struct PackedPager PackedPager;

typedef struct PagerThread {
    PackedPager *pager;
    FrameUnpacker *unpacker; // owned
    pthread_t thread;
    bool is_running;
} PagerThread;

// A frame that is present.
typedef struct PresentFrame {
    uint32_t area;
    uint64_t frame;
} PresentFrame;

struct PackedPager {
    const SpoolFile *spool; // borrowed
    int userfault;
    int end; // an eventfd that ends the threads
    PagerThread threads[PACKED_PAGER_MAX_THREADS];
    pthread_mutex_t mutex; // guards all below, and the states of areas
    PackedArea areas[PACKED_PAGER_MAX_AREAS];
    uint32_t area_count;
    PresentFrame *present; // a ring: the oldest first; owned
    uint64_t present_capacity;
    uint64_t present_first;
    uint64_t present_count;
    bool has_failed;
    Error failure; // the first one
};

// About `cache_bytes` are unpacked at a time. Call packed_pager_release() whatever it returns.
// Errors: system (no userfaultfd, no thread), memory.
NODISCARD bool packed_pager_init(PackedPager *pager, const SpoolFile *spool, uint64_t cache_bytes,
                                 Error *error);
void packed_pager_release(PackedPager *pager);

// Maps an area; the caller fills in its frames. NULL: `error` is set. Errors: memory, system.
PackedArea *packed_pager_new_area(PackedPager *pager, uint64_t bytes, Error *error);

// Makes the new area readable, once its frames are filled in; or gives it up.
void packed_pager_publish(PackedPager *pager);
void packed_pager_drop_area(PackedPager *pager);

// Fails if any frame could not be unpacked so far; zeros, or damaged bytes, were read instead.
// Errors: system.
NODISCARD bool packed_pager_check(PackedPager *pager, Error *error);

#endif
