// ResultFile: see cli/result_file.h.

#include "cli/result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"

static bool write_error(const ResultFile *file, int cause, Error *error)
{
    if (file->is_standard_output)
        return error_set(error, ERROR_SYSTEM, "cannot write to standard output: %s",
                         strerror(cause));
    return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", file->shown, strerror(cause));
}

// Follows symbolic links: renaming onto a link would replace the link.
static char *resolve(const char *path)
{
    char *resolved = realpath(path, NULL);

    return resolved != NULL ? resolved : strdup(path);
}

static bool open_temporary(ResultFile *file, mode_t mode, Error *error)
{
    int descriptor;

    if (asprintf(&file->temporary, "%s.%ld.tmp", file->path, (long)getpid()) < 0) {
        file->temporary = NULL;
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a file name");
    }
    // Remembered before it exists, since a signal may come in between.
    file->interrupt_number = interrupt_remember_file(file->temporary);
    descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0) {
        int cause = errno;

        interrupt_forget_file(file->interrupt_number);
        free(file->temporary);
        file->temporary = NULL;
        return write_error(file, cause, error);
    }
    file->stream = fdopen(descriptor, "w");
    if (file->stream == NULL) {
        (void)close(descriptor);
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for '%s'", file->shown);
    }
    return true;
}

static bool open_directly(ResultFile *file, Error *error)
{
    int descriptor = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (descriptor < 0)
        return write_error(file, errno, error);
    file->stream = fdopen(descriptor, "w");
    if (file->stream == NULL) {
        (void)close(descriptor);
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for '%s'", file->shown);
    }
    return true;
}

bool result_file_open(ResultFile *file, const char *path, Error *error)
{
    struct stat status;
    bool ok;

    *file = (ResultFile){.shown = path, .interrupt_number = -1};
    if (strcmp(path, "-") == 0) {
        file->is_standard_output = true;
        file->stream = stdout;
        return true;
    }
    file->path = resolve(path);
    if (file->path == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for a file name");
    if (stat(file->path, &status) != 0)
        ok = open_temporary(file, 0666, error);
    else if (S_ISREG(status.st_mode))
        ok = open_temporary(file, status.st_mode & 0777, error);
    else if (S_ISDIR(status.st_mode))
        ok = write_error(file, EISDIR, error);
    else
        ok = open_directly(file, error);
    if (!ok)
        result_file_release(file);
    return ok;
}

static bool sink_write(void *context, const char *bytes, size_t count, Error *error)
{
    ResultFile *file = context;

    if (fwrite(bytes, 1, count, file->stream) != count)
        return write_error(file, errno, error);
    return true;
}

JsonSink result_file_sink(ResultFile *file)
{
    return (JsonSink){.write = sink_write, .context = file};
}

bool result_file_commit(ResultFile *file, Error *error)
{
    bool ok = true;

    if (file->stream == NULL)
        return true;
    if (fflush(file->stream) != 0)
        ok = write_error(file, errno, error);
    if (!file->is_standard_output && fclose(file->stream) != 0 && ok)
        ok = write_error(file, errno, error);
    file->stream = NULL;
    if (ok && file->temporary != NULL) {
        if (rename(file->temporary, file->path) == 0) {
            interrupt_forget_file(file->interrupt_number);
            free(file->temporary);
            file->temporary = NULL;
        } else {
            ok = write_error(file, errno, error);
        }
    }
    return ok;
}

void result_file_release(ResultFile *file)
{
    if (file->stream != NULL && !file->is_standard_output)
        (void)fclose(file->stream);
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
        interrupt_forget_file(file->interrupt_number);
    }
    free(file->temporary);
    free(file->path);
    *file = (ResultFile){.interrupt_number = -1};
}
