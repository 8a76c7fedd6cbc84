// StreamWindow: see snapshot/file/stream_window.h.

#include "snapshot/file/stream_window.h"

#include <stdlib.h>

static bool fill(StreamWindow *window, uint64_t position)
{
    uint64_t left = window->section.length - position;

    if (window->bytes == NULL)
        window->bytes = malloc(STREAM_WINDOW_BYTES);
    if (window->bytes == NULL)
        return error_set_memory(&window->error, STREAM_WINDOW_BYTES, "a section");
    window->begin = position;
    window->length = left < STREAM_WINDOW_BYTES ? left : STREAM_WINDOW_BYTES;
    if (byte_source_read(window->source, window->section.offset + position, window->bytes,
                         window->length, &window->error))
        return true;
    window->length = 0;
    return false;
}

static const uint8_t *fetch(void *context, size_t position, size_t length)
{
    StreamWindow *window = context;
    uint64_t inside = position - window->begin;

    if (length > STREAM_WINDOW_BYTES || window->error.code != ERROR_NONE)
        return NULL;
    if (window->bytes == NULL || position < window->begin || inside > window->length ||
        length > window->length - inside) {
        if (!fill(window, position))
            return NULL;
        inside = 0;
    }
    return window->bytes + inside;
}

ByteCursor stream_window_open(StreamWindow *window, ByteSource *source, const Section *section)
{
    *window = (StreamWindow){.source = source, .section = *section, .error = {.code = ERROR_NONE}};
    return (ByteCursor){.length = section->length, .fetch = fetch, .context = window};
}

void stream_window_close(StreamWindow *window)
{
    free(window->bytes);
    window->bytes = NULL;
}
