// TextFile: see base/text_file.h.

#include "base/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_stream(FILE *stream, const char *path, const char *what, char *text,
                        size_t *length, Error *error)
{
    errno = 0;
    *length = fread(text, 1, TEXT_FILE_MAX_BYTES + 1, stream);
    if (ferror(stream) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
    if (*length > TEXT_FILE_MAX_BYTES)
        return error_set(error, ERROR_CORRUPT, "'%s' is not %s: it is larger than %u MiB", path,
                         what, TEXT_FILE_MAX_BYTES >> 20);
    text[*length] = '\0';
    if (memchr(text, '\0', *length) != NULL)
        return error_set(error, ERROR_CORRUPT, "'%s' is not %s: it has a zero byte at offset %zu",
                         path, what, strlen(text));
    return true;
}

bool text_file_read(const char *path, bool takes_input, const char *what, char **text,
                    size_t *length, Error *error)
{
    FILE *stream = takes_input && strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    bool ok;

    *text = NULL;
    *length = 0;
    if (stream == NULL)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    *text = malloc(TEXT_FILE_MAX_BYTES + 1);
    ok = *text == NULL ? error_set_memory(error, TEXT_FILE_MAX_BYTES, what)
                       : read_stream(stream, path, what, *text, length, error);
    if (!ok) {
        free(*text);
        *text = NULL;
    }
    if (stream != stdin)
        (void)fclose(stream);
    return ok;
}
