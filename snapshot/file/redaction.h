// Redaction: the graph of a heap without its data, for snapshots that leave the machine.
//
// The graph stays: page headers, the fields of object headers, and every 8-aligned word whose
// value lies in memory that could hold an object or lead to one: a private writable mapping, a
// page run or a foreign block. Of a free slot its free-list link alone stays, whatever else is
// kept of free slots: the rest is left over from an object that is gone. Every other byte is
// zeroed: values, text, padding, and the bytes between and behind objects. So marks, digests and
// counts are those of the unredacted snapshot.
//
// snapshot_write() redacts, so it is the same for every way of capturing. It changes its own copies
// of the bytes, on their way into the file.

#ifndef SNAPSHOT_FILE_REDACTION_H
#define SNAPSHOT_FILE_REDACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/page_record.h"
#include "snapshot/file/snapshot_file.h"

typedef struct AddressRange {
    uint64_t start;
    uint64_t end;
} AddressRange;

typedef struct Redaction {
    const HeapLayout *layout; // borrowed
    AddressRange *ranges;     // where kept words may point: ascending, disjoint; owned
    uint64_t range_count;
    uint8_t *page_mask;   // 0xff for each byte of a page header that is kept; owned
    uint8_t *object_mask; // the same for an object header; owned
} Redaction;

// `contents` is borrowed, its layout for as long as the redaction lives. Errors: memory.
NODISCARD bool redaction_init(Redaction *redaction, const SnapshotContents *contents, Error *error);
void redaction_release(Redaction *redaction);

// May a word with this value stay?
bool redaction_keeps(const Redaction *redaction, uint64_t value);

// May the bytes at `link`, the first layout->free_link_bytes of a free slot, stay? A link is the
// address of a slot, or numbers of 16 bits below the page's number of slots or with all bits set:
// no two letters of text are.
bool redaction_keeps_link(const Redaction *redaction, const uint8_t *link, uint32_t slot_count);

// Redacts a page of a small class in place. `bits` are those of `record`.
void redaction_small_page(const Redaction *redaction, const PageRecord *record,
                          const PageBits *bits, uint8_t *page);

// Redacts `length` bytes of a large object's pages, which begin `offset` bytes (a multiple of 8)
// behind its first page.
void redaction_large_part(const Redaction *redaction, const PageRecord *record, uint64_t offset,
                          uint8_t *bytes, uint64_t length);

// Redacts `length` bytes that begin `offset` bytes behind the start of a block. The block may lie
// at any address; `block` is all of it, unredacted.
void redaction_block_part(const Redaction *redaction, const SnapshotBlock *block, uint64_t offset,
                          uint8_t *bytes, uint64_t length);

// A copy of the roots in which values that may not stay are 0. The caller frees `*out`.
NODISCARD bool redaction_roots(const Redaction *redaction, const Root *roots, uint64_t count,
                               Root **out, Error *error);

#endif
