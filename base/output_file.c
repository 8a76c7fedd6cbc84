// OutputFile: see base/output_file.h.

#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define TEMPORARY_NAME_TRIES 100u

struct OutputFile {
    char *path;      // where it shall be; links of a file to be replaced are resolved
    char *folder;    // of `path`
    char *temporary; // name of the file while it grows; NULL: it has none
    int descriptor;
    bool replaces;
    bool is_straight; // a device or pipe
};

static bool set_exists(Error *error, const char *path)
{
    error_set(error, ERROR_USAGE, "'%s' exists already", path);
    return error_add_hint(error, "choose another name, or give --force to replace it");
}

static bool set_folder_error(Error *error, const char *path, const char *folder, int number)
{
    error_set(error, ERROR_SYSTEM, "cannot create '%s' in folder '%s': %s", path, folder,
              strerror(number));
    if (number == ENOENT)
        return error_add_hint(error, "make the folder first, or choose another with -o");
    if (number == EACCES || number == EPERM || number == EROFS)
        return error_add_hint(error, "choose a folder that you may write to, with -o");
    return false;
}

// The folder part of `path`, "." when it has none; NULL when memory is short.
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

typedef enum TargetKind {
    TARGET_NEW,
    TARGET_REPLACED,
    TARGET_STRAIGHT,
} TargetKind;

// Finds out what kind of file is at `path` now, and whether it may be written.
static bool inspect_target(const char *path, bool replaces, TargetKind *kind, Error *error)
{
    struct stat status;

    *kind = TARGET_NEW;
    if (path[0] == '\0')
        return error_set(error, ERROR_USAGE, "the name of the output file is empty");
    if (stat(path, &status) != 0) {
        if (errno != ENOENT)
            return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
        // A link that leads nowhere takes the name, too.
        if (lstat(path, &status) != 0)
            return true;
        if (!replaces)
            return set_exists(error, path);
        *kind = TARGET_REPLACED;
        return true;
    }
    if (S_ISDIR(status.st_mode))
        return error_set(error, ERROR_USAGE, "'%s' is a folder; a file name is needed", path);
    if (!S_ISREG(status.st_mode)) {
        *kind = TARGET_STRAIGHT;
        return true;
    }
    if (!replaces)
        return set_exists(error, path);
    *kind = TARGET_REPLACED;
    return true;
}

bool output_file_check(const char *path, bool replaces, Error *error)
{
    TargetKind kind;
    char *folder;
    bool ok;

    if (!inspect_target(path, replaces, &kind, error))
        return false;
    if (kind == TARGET_STRAIGHT) {
        if (access(path, W_OK) != 0)
            return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
        return true;
    }
    folder = folder_of(path);
    if (folder == NULL)
        return error_set_memory(error, strlen(path) + 1, "a file name");
    ok = access(folder, W_OK | X_OK) == 0 || set_folder_error(error, path, folder, errno);
    free(folder);
    return ok;
}

char *output_file_folder(const char *path)
{
    struct stat status;
    char *real, *folder;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return NULL;
    real = realpath(path, NULL);
    folder = folder_of(real != NULL ? real : path);
    free(real);
    return folder;
}

// A hidden name in the folder of `path` that is free: for files that cannot be unnamed,
// and on the way to replacing another file.
static char *temporary_name(const OutputFile *file, unsigned attempt)
{
    const char *name = strrchr(file->path, '/');
    char *temporary = NULL;

    name = name == NULL ? file->path : name + 1;
    if (asprintf(&temporary, "%s/.%.200s.%ld.%u.tmp", file->folder, name, (long)getpid(), attempt) <
        0)
        return NULL;
    return temporary;
}

static bool open_named(OutputFile *file, Error *error)
{
    for (unsigned attempt = 0; attempt < TEMPORARY_NAME_TRIES; attempt++) {
        char *temporary = temporary_name(file, attempt);
        if (temporary == NULL)
            return error_set_memory(error, strlen(file->path), "a file name");
        file->descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
        if (file->descriptor >= 0) {
            file->temporary = temporary;
            return true;
        }
        free(temporary);
        if (errno != EEXIST)
            break;
    }
    return set_folder_error(error, file->path, file->folder, errno);
}

static bool open_unnamed(OutputFile *file, Error *error)
{
    // Linking goes through /proc; without it an unnamed file could never get its name.
    if (access("/proc/self/fd", X_OK) == 0) {
        file->descriptor = open(file->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
        if (file->descriptor >= 0)
            return true;
        // EISDIR: a kernel, ENOTSUP: a file system that does not know O_TMPFILE.
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
            return set_folder_error(error, file->path, file->folder, errno);
    }
    return open_named(file, error);
}

static bool open_straight(OutputFile *file, Error *error)
{
    file->is_straight = true;
    file->descriptor = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (file->descriptor < 0)
        return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", file->path, strerror(errno));
    return true;
}

// False: memory is short.
static bool set_path(OutputFile *file, const char *path, TargetKind kind)
{
    // Links are followed: the file is replaced, not the link to it.
    if (kind == TARGET_REPLACED) {
        file->path = realpath(path, NULL);
        if (file->path == NULL && errno == ENOMEM)
            return false;
    }
    if (file->path == NULL)
        file->path = strdup(path);
    if (file->path != NULL)
        file->folder = folder_of(file->path);
    return file->folder != NULL;
}

bool output_file_open(const char *path, bool replaces, OutputFile **out, Error *error)
{
    OutputFile *file = NULL;
    TargetKind kind;
    bool ok = false;

    *out = NULL;
    if (!inspect_target(path, replaces, &kind, error))
        return false;
    file = calloc(1, sizeof *file);
    if (file == NULL)
        return error_set_memory(error, sizeof *file, "an output file");
    file->descriptor = -1;
    file->replaces = replaces;
    if (!set_path(file, path, kind))
        error_set_memory(error, strlen(path) + 1, "a file name");
    else
        ok = kind == TARGET_STRAIGHT ? open_straight(file, error) : open_unnamed(file, error);
    if (!ok) {
        output_file_free(file);
        return false;
    }
    *out = file;
    return true;
}

bool output_file_write(OutputFile *file, const void *bytes, size_t length, Error *error)
{
    const char *rest = bytes;

    while (length > 0) {
        ssize_t written = write(file->descriptor, rest, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", file->path,
                             strerror(written < 0 ? errno : EIO));
        rest += written;
        length -= (size_t)written;
    }
    return true;
}

// Links the unnamed file to `name`; leaves errno.
static bool link_unnamed(const OutputFile *file, const char *name)
{
    char self[64];

    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", file->descriptor);
    return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
}

// Gives an unnamed file a hidden name, from which it can be renamed over another file.
static bool name_temporarily(OutputFile *file)
{
    for (unsigned attempt = 0; attempt < TEMPORARY_NAME_TRIES; attempt++) {
        char *temporary = temporary_name(file, attempt);
        if (temporary == NULL) {
            errno = ENOMEM;
            return false;
        }
        if (link_unnamed(file, temporary)) {
            file->temporary = temporary;
            return true;
        }
        free(temporary);
        if (errno != EEXIST)
            return false;
    }
    return false;
}

// Leaves errno. The file's final name never exists before it is whole, and a file that another
// program made meanwhile is not touched unless it may be replaced.
static bool give_name(OutputFile *file)
{
    if (file->replaces) {
        // Mostly there is nothing to replace, and no second name is needed.
        if (file->temporary == NULL && link_unnamed(file, file->path))
            return true;
        if (file->temporary == NULL && !name_temporarily(file))
            return false;
        if (rename(file->temporary, file->path) != 0)
            return false;
    } else if (file->temporary == NULL) {
        return link_unnamed(file, file->path);
    } else if (link(file->temporary, file->path) == 0) {
        (void)unlink(file->temporary);
    } else if (errno == EEXIST ||
               renameat2(AT_FDCWD, file->temporary, AT_FDCWD, file->path, RENAME_NOREPLACE) != 0) {
        // The second way is for file systems without hard links.
        return false;
    }
    free(file->temporary);
    file->temporary = NULL;
    return true;
}

// The name is safe only when the folder is on disk, too. Some file systems cannot flush a
// folder; the file itself is whole either way.
static void flush_folder(const OutputFile *file)
{
    int folder = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return;
    (void)fsync(folder);
    (void)close(folder);
}

bool output_file_commit(OutputFile *file, Error *error)
{
    if (file->is_straight) {
        int descriptor = file->descriptor;
        file->descriptor = -1;
        if (close(descriptor) != 0)
            return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", file->path,
                             strerror(errno));
        return true;
    }
    if (fsync(file->descriptor) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", file->path, strerror(errno));
    if (!give_name(file)) {
        if (errno == EEXIST)
            return set_exists(error, file->path);
        if (errno == ENOMEM)
            return error_set_memory(error, strlen(file->path), "a file name");
        return set_folder_error(error, file->path, file->folder, errno);
    }
    flush_folder(file);
    return true;
}

void output_file_free(OutputFile *file)
{
    if (file == NULL)
        return;
    if (file->descriptor >= 0)
        (void)close(file->descriptor);
    if (file->temporary != NULL)
        (void)unlink(file->temporary);
    free(file->temporary);
    free(file->folder);
    free(file->path);
    free(file);
}
