// LineReader: see formats/line_reader.h.

#include "formats/line_reader.h"

#include <errno.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

bool line_reader_open(LineReader *reader, const char *path, const char *what, Error *error)
{
    *reader = (LineReader){.path = path, .what = what};
    reader->stream = fopen(path, "re");
    if (reader->stream == NULL)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    return true;
}

void line_reader_close(LineReader *reader)
{
    if (reader->stream != NULL)
        (void)fclose(reader->stream);
    reader->stream = NULL;
}

bool line_reader_is_at_end(LineReader *reader)
{
    int next;

    do {
        next = fgetc(reader->stream);
    } while (next == '\r' || next == '\n');
    return next == EOF;
}

bool line_reader_damaged(const LineReader *reader, const char *how, Error *error)
{
    return error_set(error, ERROR_CORRUPT, "%s '%s' is damaged: line %llu: %s", reader->what,
                     reader->path, reader->line_number, how);
}

bool line_reader_next(LineReader *reader, Error *error)
{
    do {
        size_t length;
        reader->line_number++;
        errno = 0;
        if (fgets(reader->line, sizeof reader->line, reader->stream) == NULL) {
            if (ferror(reader->stream))
                return error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", reader->path,
                                 strerror(errno));
            return line_reader_damaged(reader, "the file ends early", error);
        }
        length = strlen(reader->line);
        if (length > 0 && reader->line[length - 1] == '\n')
            length--;
        else if (length == 0 || !feof(reader->stream))
            return line_reader_damaged(reader, "the line is too long, or cut short", error);
        // As an editor or Git on another system may have left it.
        if (length > 0 && reader->line[length - 1] == '\r')
            length--;
        reader->line[length] = '\0';
        if (reader->line_number == 1 && strncmp(reader->line, BYTE_ORDER_MARK, 3) == 0)
            memmove(reader->line, reader->line + 3, length - 2);
    } while (reader->line[0] == '#');
    return true;
}

bool line_reader_value(LineReader *reader, const char *key, const char **value, Error *error)
{
    size_t length = strlen(key);
    char what[64];

    if (!line_reader_next(reader, error))
        return false;
    if (strncmp(reader->line, key, length) != 0 || reader->line[length] != ' ') {
        (void)snprintf(what, sizeof what, "'%s' is missing", key);
        return line_reader_damaged(reader, what, error);
    }
    *value = reader->line + length + 1;
    return true;
}

bool line_reader_number(LineReader *reader, const char *key, uint64_t low, uint64_t high,
                        uint64_t *number, Error *error)
{
    const char *value;
    int used = 0;
    unsigned long long parsed;

    if (!line_reader_value(reader, key, &value, error))
        return false;
    if (value[0] < '0' || value[0] > '9' || sscanf(value, "%19llu%n", &parsed, &used) != 1 ||
        value[used] != '\0' || parsed < low || parsed > high)
        return line_reader_damaged(reader, "not a valid number", error);
    *number = parsed;
    return true;
}

bool line_reader_power(LineReader *reader, const char *key, uint32_t low, uint32_t high,
                       uint32_t *number, Error *error)
{
    uint64_t read;

    if (!line_reader_number(reader, key, low, high, &read, error))
        return false;
    *number = (uint32_t)read;
    return (read & (read - 1)) == 0 || line_reader_damaged(reader, "not a power of two", error);
}

bool line_reader_name(LineReader *reader, const char *key, const char *const *names, uint32_t count,
                      uint32_t *place, Error *error)
{
    const char *value;
    char what[64];

    if (!line_reader_value(reader, key, &value, error))
        return false;
    for (*place = 0; *place < count; ++*place)
        if (strcmp(value, names[*place]) == 0)
            return true;
    (void)snprintf(what, sizeof what, "unknown %s", key);
    return line_reader_damaged(reader, what, error);
}
