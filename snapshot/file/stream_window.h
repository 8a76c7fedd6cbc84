// StreamWindow: a section of a stream that passes by in a window, so that one of any length takes
// little memory.
//
//     StreamWindow window;
//     ByteCursor cursor = stream_window_open(&window, source, section);
//     ... byte_cursor_u64(&cursor) ...
//     if (cursor.is_short && window.error.code != ERROR_NONE) ... // the file could not be read
//     stream_window_close(&window);

#ifndef SNAPSHOT_FILE_STREAM_WINDOW_H
#define SNAPSHOT_FILE_STREAM_WINDOW_H

#include "base/byte_buffer.h"
#include "snapshot/file/byte_source.h"
#include "snapshot/file/section_map.h"

// No single value that is taken is longer.
#define STREAM_WINDOW_BYTES (256u * 1024)

typedef struct StreamWindow {
    ByteSource *source; // borrowed
    Section section;
    uint8_t *bytes; // owned; NULL: not read so far
    uint64_t begin; // of the window in the section
    uint64_t length;
    Error error; // why bytes could not be read; ERROR_NONE: they could
} StreamWindow;

// The cursor borrows `window`, and reads all of the section in order; it may be set to any position
// again.
ByteCursor stream_window_open(StreamWindow *window, ByteSource *source, const Section *section);
void stream_window_close(StreamWindow *window);

#endif
