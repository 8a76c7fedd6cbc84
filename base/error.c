// Error: see base/error.h.

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(Error *error, ErrorCode code, const char *format, ...)
{
    va_list arguments;

    error->code = code;
    error->hint[0] = '\0';
    va_start(arguments, format);
    // A message that is too long is cut: better than no message.
    (void)vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool error_add_hint(Error *error, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(error->hint);

    if (used > 0 && used + 1 < sizeof error->hint)
        error->hint[used++] = '\n';
    va_start(arguments, format);
    (void)vsnprintf(error->hint + used, sizeof error->hint - used, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_memory(Error *error, unsigned long long bytes, const char *what)
{
    return error_set(error, ERROR_MEMORY, "cannot allocate %llu bytes for %s", bytes, what);
}
