// The decompressed stream of a snapshot: what writer and reader must agree on.
// docs/format.md describes it byte by byte.
//
//   stream   = "RUDOHEAP" u16 major, u16 minor, u32 flags; then sections
//   section  = u32 type, u32 flags, u64 length; `length` bytes; zeros to a multiple of 8

#ifndef SNAPSHOT_FILE_SECTIONS_SNAPSHOT_FORMAT_H
#define SNAPSHOT_FILE_SECTIONS_SNAPSHOT_FORMAT_H

#include <stdint.h>

#define SNAPSHOT_FORMAT_MAJOR 1u
#define SNAPSHOT_FORMAT_MINOR 2u

#define STREAM_MAGIC "RUDOHEAP"
#define STREAM_HEADER_BYTES 16u

// Flags of the file header and of the stream header.
#define SNAPSHOT_FLAG_KEEPS_FREE_SLOTS 0x1u
// Sections of pages may follow that override earlier ones: who writes such sections sets it, since
// the rest of a file that was cut short cannot tell.
#define SNAPSHOT_FLAG_OVERRIDES_PAGES 0x2u

#define SECTION_HEADER_BYTES 16u
#define SECTION_ALIGNMENT 8u
// A reader that does not know a section with this flag must not go on without it.
#define SECTION_FLAG_NEEDED 0x1u

#define SECTION_TYPE(a, b, c, d)                                                                   \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
// The sections that code names; sections.c lists all.
#define SECTION_LAYOUT SECTION_TYPE('L', 'A', 'Y', 'O')
#define SECTION_RUNS SECTION_TYPE('R', 'U', 'N', 'S')
#define SECTION_PAGES SECTION_TYPE('P', 'A', 'G', 'E')
#define SECTION_ROOTS SECTION_TYPE('R', 'O', 'O', 'T')
#define SECTION_THREADS SECTION_TYPE('T', 'H', 'R', 'D')
#define SECTION_MODULES SECTION_TYPE('M', 'O', 'D', 'U')
#define SECTION_BLOCKS SECTION_TYPE('B', 'L', 'C', 'K')
#define SECTION_LOSSES SECTION_TYPE('L', 'O', 'S', 'T')
#define SECTION_SIZED_BLOCKS SECTION_TYPE('S', 'B', 'L', 'K')
#define SECTION_METADATA SECTION_TYPE('M', 'E', 'T', 'A')

#define RUN_BYTES 16u       // u64 address, u64 pages
#define ROOT_BYTES 24u      // as struct Root
#define BLOCK_BYTES 16u     // u64 address, u64 bytes
#define TABLE_HEAD_BYTES 8u // u64 number of entries

// Limits that the reader sets, so that a small file cannot claim large tables of names.
#define MAX_STRING_BYTES 65535u
#define MAX_THREADS (1u << 20)
#define MAX_MODULES (1u << 20)
#define MAX_TYPES (1u << 20)   // and as many drop functions
#define MAX_SYMBOLS (1u << 20) // of all types together; and of all drop functions
#define MAX_MAPPINGS (1u << 22)
#define MAX_ROOT_NAMES (1u << 20)
#define MAX_LOSSES (1u << 16)
#define LOSS_ADDRESS_LIMIT (UINT64_C(1) << 56)
#define MAX_VARIABLES (1u << 20)
#define MAX_FRAMES (1u << 20) // of all stacks together
#define MAX_PLACES (1u << 20)
#define MAX_FIELDS (1u << 20) // and variants, of all data types together
#define MAX_FIELDS_OF_TYPE (1u << 16)
#define MAX_LOSS_BYTES (1u << 24) // of the section
#define MAX_PAGE_SECTIONS (1u << 16)
#define MAX_LAYOUT_BYTES (1u << 16)
#define MAX_DESCRIBED_PAGES (1u << 28)
#define MAX_OBJECT_TYPES (UINT32_MAX - 1) // runs of slots

#endif
