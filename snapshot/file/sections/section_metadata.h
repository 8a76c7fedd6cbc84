// The META section: SnapshotMetadata as JSON.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_METADATA_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_METADATA_H

#include <stdbool.h>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "snapshot/heap/snapshot_details.h"

void section_encode_metadata(ByteBuffer *buffer, const SnapshotMetadata *metadata);
// Errors: as section_table_decode().
NODISCARD bool section_decode_metadata(ByteCursor *cursor, SnapshotMetadata *metadata,
                                       Error *error);

#endif
