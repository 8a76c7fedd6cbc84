// The LAYO section: a HeapLayout.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_LAYOUT_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_LAYOUT_H

#include <stdbool.h>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "snapshot/heap/heap_layout.h"

void section_encode_layout(ByteBuffer *buffer, const HeapLayout *layout);
// The layout has passed heap_layout_check(). Errors: as section_table_decode(); unsupported.
NODISCARD bool section_decode_layout(ByteCursor *cursor, HeapLayout *layout, Error *error);

#endif
