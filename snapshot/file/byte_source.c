// ByteSource: see snapshot/file/byte_source.h.

#include "snapshot/file/byte_source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool byte_source_fault(const ByteSource *source, uint64_t offset, Error *error, const char *format,
                       ...)
{
    char what[sizeof error->message];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (source->name == NULL)
        return error_set(error, ERROR_CORRUPT, "the snapshot is damaged: %.300s (offset %llu)",
                         what, (unsigned long long)offset);
    return error_set(error, ERROR_CORRUPT,
                     "'%s' is damaged: %.200s (offset %llu of the decompressed stream)",
                     source->name, what, (unsigned long long)offset);
}

bool byte_source_locate(const ByteSource *source, uint64_t offset, Error *error)
{
    char what[sizeof error->message];

    if (error->code != ERROR_CORRUPT)
        return false;
    memcpy(what, error->message, sizeof what);
    return byte_source_fault(source, offset, error, "%s", what);
}

bool byte_source_read(ByteSource *source, uint64_t offset, void *to, uint64_t length, Error *error)
{
    if (offset > source->length || length > source->length - offset)
        return byte_source_fault(source, source->length, error, "the stream ends %llu bytes early",
                                 (unsigned long long)(length - (source->length - offset)));
    if (length == 0)
        return true;
    if (source->memory == NULL)
        return seekable_reader_read(source->reader, offset, to, length, error);
    memcpy(to, source->memory + offset, length);
    return true;
}

bool byte_source_scatter(ByteSource *source, const StreamTarget *targets, uint64_t target_count,
                         const StreamListener *listener, Error *error)
{
    if (source->memory == NULL)
        return seekable_reader_scatter(source->reader, targets, target_count, listener,
                                       source->threads, error);
    for (uint64_t i = 0; i < target_count; i++) {
        memcpy(targets[i].to, source->memory + targets[i].offset, targets[i].length);
        if (listener != NULL)
            listener->arrived(listener->context, targets[i].to, targets[i].length);
    }
    return true;
}

bool byte_source_read_large(ByteSource *source, uint64_t offset, void *to, uint64_t length,
                            Error *error)
{
    StreamTarget target = {offset, length, to};

    return length == 0 || byte_source_scatter(source, &target, 1, NULL, error);
}
