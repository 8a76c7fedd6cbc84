// The small sections of a snapshot: encoded into a ByteBuffer, decoded from a ByteCursor.
//
// Encoding cannot fail but for memory, which the buffer remembers. Decoding trusts nothing;
// on false the error (corrupt or memory) says what is wrong in this section, without a file
// name: the caller, who knows where the section lies, adds that and the offset, which is the
// cursor's position.

#ifndef SNAPSHOT_FILE_SECTION_CODECS_H
#define SNAPSHOT_FILE_SECTION_CODECS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/heap/snapshot_details.h"

// section_layout.c
void section_encode_layout(ByteBuffer *buffer, const HeapLayout *layout);
// The layout has passed heap_layout_check().
NODISCARD bool section_decode_layout(ByteCursor *cursor, HeapLayout *layout, Error *error);

// Do the tables keep to the limits that readers set? Errors: unsupported.
NODISCARD bool section_check_details(const SnapshotDetails *details, Error *error);

// section_tables.c; decoders fill the empty tables of `details`, which keeps what was decoded
// even when they fail.
void section_encode_threads(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_modules(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_types(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_drops(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_frames(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_variables(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_mappings(ByteBuffer *buffer, const SnapshotDetails *details);
NODISCARD bool section_decode_threads(ByteCursor *cursor, SnapshotDetails *details, Error *error);
NODISCARD bool section_decode_modules(ByteCursor *cursor, SnapshotDetails *details, Error *error);
NODISCARD bool section_decode_types(ByteCursor *cursor, SnapshotDetails *details, Error *error);
NODISCARD bool section_decode_drops(ByteCursor *cursor, SnapshotDetails *details, Error *error);
NODISCARD bool section_decode_frames(ByteCursor *cursor, SnapshotDetails *details, Error *error);
NODISCARD bool section_decode_variables(ByteCursor *cursor, SnapshotDetails *details, Error *error);
NODISCARD bool section_decode_mappings(ByteCursor *cursor, SnapshotDetails *details, Error *error);

// section_program.c; the same.
void section_encode_root_names(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_type_layouts(ByteBuffer *buffer, const SnapshotDetails *details);
void section_encode_losses(ByteBuffer *buffer, const SnapshotDetails *details);
NODISCARD bool section_decode_root_names(ByteCursor *cursor, SnapshotDetails *details,
                                         Error *error);
NODISCARD bool section_decode_type_layouts(ByteCursor *cursor, SnapshotDetails *details,
                                           Error *error);
NODISCARD bool section_decode_losses(ByteCursor *cursor, SnapshotDetails *details, Error *error);

// section_metadata.c: JSON
void section_encode_metadata(ByteBuffer *buffer, const SnapshotMetadata *metadata);
NODISCARD bool section_decode_metadata(ByteCursor *cursor, SnapshotMetadata *metadata,
                                       Error *error);

#endif
