/*
 * rudo_snap.h: a program records its own garbage-collected heap in a snapshot, for rudo-snap to
 * read. C99 and C++; link with `pkg-config --libs rudo-snap-capture`.
 *
 * The program declares the pages of its heap, its roots, and, if it likes, where objects of each
 * type hold references. rudo_snap_capture() forks; the child writes the file, from memory that does
 * not change, while the program goes on:
 *
 *     rudo_snap_options options;
 *     rudo_snap_result result;
 *     rudo_snap_root roots[] = {{"symbol table", &symbol_table}};
 *
 *     rudo_snap_options_init(&options);
 *     options.pages = pages;             // a list, or options.next_pages
 *     options.page_count = page_count;
 *     options.roots = roots;
 *     options.root_count = 1;
 *     rudo_snap_job *job = rudo_snap_capture("heap.zst", &options);   // at a safepoint
 *     ...
 *     if (rudo_snap_wait(job, &result) != RUDO_SNAP_DONE)
 *         complain(result.message);
 *
 * Declared roots are the only ones: stacks, registers and globals are not searched. In objects of
 * a declared type, the declared words alone are references; in others every aligned word may be
 * one. A layout describes what pages look like: that of rudo-gc 0.8, or options.layout
 * (docs/layouts.md of rudo-snap).
 *
 * See rudo_snap(3).
 */

#ifndef EMBED_RUDO_SNAP_H
#define EMBED_RUDO_SNAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RUDO_SNAP_API __attribute__((visibility("default")))
#else
#define RUDO_SNAP_API
#endif

/* How a capture ended. */
typedef enum rudo_snap_status {
    RUDO_SNAP_DONE = 0,
    RUDO_SNAP_USAGE = 1,   /* options that are not possible; a file that exists already */
    RUDO_SNAP_INVALID = 2, /* the layout, a page, root, block or type is not valid */
    RUDO_SNAP_SYSTEM = 3,  /* no folder, no permission, a full disk; the writer was killed */
    RUDO_SNAP_MEMORY = 4,
    RUDO_SNAP_LIMIT = 5 /* the file would be larger than max_file_bytes */
} rudo_snap_status;

/* Contiguous pages of the heap. A large object with all of its pages is in one stretch. */
typedef struct rudo_snap_pages {
    const void *address; /* a multiple of the layout's page size */
    size_t bytes;        /* likewise */
} rudo_snap_pages;

/* A word outside the heap that refers to an object, or is NULL. */
typedef struct rudo_snap_root {
    const char *name;    /* UTF-8; NULL: none */
    const void *address; /* of the word, 8-aligned */
} rudo_snap_root;

/* Memory outside the heap that belongs to objects, such as the buffer of a vector. A word that
 * refers into it reaches the references that its 8-aligned words hold. */
typedef struct rudo_snap_block {
    const void *address;
    size_t bytes;
} rudo_snap_block;

/* Where objects of one type hold references. */
typedef struct rudo_snap_type {
    const char *name;         /* UTF-8 */
    uintptr_t type_word;      /* the word in the object header of each object of this type */
    const uint32_t *offsets;  /* of references, bytes from the object's start: multiples of 8 */
    size_t offset_count;      /* in any order */
    uint32_t elements_offset; /* from here to its end all words are references; 0: no such part */
} rudo_snap_type;

/* Each fills `*out` with the next one and returns 1, or returns 0 when there are no more. They are
 * called in the child, where the caller's thread is the only one, so they must not wait for a
 * lock that another thread may hold. */
typedef int (*rudo_snap_next_pages)(void *context, rudo_snap_pages *out);
typedef int (*rudo_snap_next_root)(void *context, rudo_snap_root *out);
typedef int (*rudo_snap_next_block)(void *context, rudo_snap_block *out);

/* Filled by rudo_snap_options_init(); later versions may add to the end. Everything is borrowed
 * until rudo_snap_capture() returns. Lists and callbacks may be used together. */
typedef struct rudo_snap_options {
    size_t struct_bytes; /* sizeof(rudo_snap_options) */
    const char *layout;  /* JSON text, schema rudo-snap/layout/1; NULL: rudo-gc-0.8 */
    const rudo_snap_pages *pages;
    size_t page_count; /* elements of `pages` */
    rudo_snap_next_pages next_pages;
    void *pages_context;
    const rudo_snap_root *roots;
    size_t root_count;
    rudo_snap_next_root next_root;
    void *roots_context;
    const rudo_snap_block *blocks;
    size_t block_count;
    rudo_snap_next_block next_block;
    void *blocks_context;
    const rudo_snap_type *types;
    size_t type_count;
    int level;               /* of compression, 1 to 19; 0: 1 */
    int replaces;            /* an existing file may be replaced */
    int keeps_free_slots;    /* keep the values of free slots, which are zeroed otherwise */
    uint64_t max_file_bytes; /* no file that would be larger; 0: any */
    int redacts;             /* the graph without the data, and without the names of roots */
} rudo_snap_options;

typedef struct rudo_snap_result {
    rudo_snap_status status;
    uint64_t pause_ns; /* how long rudo_snap_capture() took: the pause of the calling thread */
    uint64_t file_bytes;
    uint64_t page_count; /* page headers */
    uint64_t object_count;
    char message[512]; /* the error; "" with RUDO_SNAP_DONE */
} rudo_snap_result;

typedef struct rudo_snap_job rudo_snap_job;

/* The version of the library, "0.1.0". Static. */
RUDO_SNAP_API const char *rudo_snap_version(void);

RUDO_SNAP_API void rudo_snap_options_init(rudo_snap_options *options);

/* Starts to capture into `path`. To be called at a safepoint of the collector: the heap is
 * consistent, and every reference is where the options declare it. Other threads may run; their
 * later changes are not in the snapshot. The program may exit before the writer is done. Returns a
 * job for rudo_snap_wait(), which also reports every error, or NULL when memory is short. */
RUDO_SNAP_API rudo_snap_job *rudo_snap_capture(const char *path, const rudo_snap_options *options);

/* Has the writer ended, so that rudo_snap_wait() will not wait? */
RUDO_SNAP_API int rudo_snap_is_done(rudo_snap_job *job);

/* Waits for the writer, fills `result` (which may be NULL), and frees `job`. A job of NULL gives
 * RUDO_SNAP_MEMORY. The writer is a child process: the program gets SIGCHLD when it ends, and this
 * reaps it, unless the program's own wait() did. */
RUDO_SNAP_API rudo_snap_status rudo_snap_wait(rudo_snap_job *job, rudo_snap_result *result);

#ifdef __cplusplus
}
#endif

#endif
