// OutputFile: see base/output_file.h. base/output_target.c finds out where a path leads.

#include "base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/output_target_internal.h"

#define OWNER_MODE 0600
#define SHARED_MODE 0666
#define TEMPORARY_NAME_TRIES 100u
#define GATHERED_BYTES 65536u
// How long a wait for a reader lasts before the caller is asked whether to go on.
#define WAIT_MS 50
// A pipe that can be written to has room for this many bytes (pipe(7)).
#define STREAM_PIECE 4096u

struct OutputFile {
    OutputTarget target;
    OutputOptions options;
    char *shown;     // the path as it was given
    char *temporary; // name in the target's folder while the file grows; NULL: it has none
    int watched;     // number of the temporary name at options.watch
    int descriptor;  // owned
    size_t gathered_bytes;
    uint8_t gathered[GATHERED_BYTES];
};

static bool set_exists(Error *error, const char *path)
{
    error_set(error, ERROR_USAGE, "'%s' exists already", path);
    return error_add_hint(error, "choose another name, or give --force to replace it");
}

static bool set_write_error(const OutputFile *file, int number, Error *error)
{
    if (file->target.kind == OUTPUT_TARGET_STREAM && file->target.stream == STDOUT_FILENO)
        return error_set(error, ERROR_SYSTEM, "cannot write to standard output: %s",
                         strerror(number));
    return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", file->shown, strerror(number));
}

// ---- where a path leads ----

static bool find_target(const char *path, bool replaces, OutputTarget *target, Error *error)
{
    if (!output_target_find(path, target, error))
        return false;
    // A link that leads nowhere takes the name, too; and a disk is not written over by mistake.
    if (!replaces && (target->kind == OUTPUT_TARGET_REGULAR ||
                      (target->kind == OUTPUT_TARGET_NEW && target->is_linked) ||
                      (target->kind == OUTPUT_TARGET_SPECIAL && S_ISBLK(target->status.st_mode))))
        return set_exists(error, path);
    return true;
}

bool output_file_check(const char *path, bool replaces, Error *error)
{
    OutputTarget target;
    bool ok = find_target(path, replaces, &target, error);

    if (ok && target.kind == OUTPUT_TARGET_SPECIAL)
        ok = faccessat(target.folder, target.name, W_OK, AT_EACCESS) == 0 ||
             error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
    else if (ok && target.kind != OUTPUT_TARGET_STREAM)
        ok = faccessat(target.folder, ".", W_OK | X_OK, AT_EACCESS) == 0 ||
             output_target_set_error(error, path, target.folder_path, errno);
    output_target_release(&target);
    return ok;
}

// ---- opening ----

static bool is_nameless(const OutputFile *file)
{
    return file->target.kind == OUTPUT_TARGET_STREAM || file->target.kind == OUTPUT_TARGET_SPECIAL;
}

static mode_t mode_of(const OutputFile *file)
{
    if (!file->options.is_shared)
        return OWNER_MODE;
    return file->target.kind == OUTPUT_TARGET_REGULAR ? file->target.status.st_mode & 0777
                                                      : SHARED_MODE;
}

static bool set_folder_error(const OutputFile *file, int number, Error *error)
{
    return output_target_set_error(error, file->shown, file->target.folder_path, number);
}

// A hidden name that is free: for files that cannot be unnamed, and on the way to replacing another
// file.
static char *temporary_name(const OutputFile *file)
{
    uint64_t number = 0;
    char *name = NULL;

    // Not to be guessed by another user; where the kernel has no numbers yet, O_EXCL is enough.
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number)
        number += (uint64_t)getpid();
    if (asprintf(&name, ".%.200s.%016llx.tmp", file->target.name, (unsigned long long)number) < 0)
        return NULL;
    return name;
}

static void watch_temporary(OutputFile *file, const char *name)
{
    char *folder, *path = NULL;

    file->watched = -1;
    if (file->options.watch == NULL)
        return;
    folder = output_target_folder(&file->target);
    if (folder != NULL && asprintf(&path, "%s/%s", folder, name) >= 0)
        file->watched = file->options.watch->began(path);
    free(folder);
    free(path);
}

static void forget_temporary(OutputFile *file)
{
    if (file->options.watch != NULL && file->watched >= 0)
        file->options.watch->ended(file->watched);
    file->watched = -1;
}

// Tries names until `make` makes one of them, which becomes file->temporary. Leaves errno.
static bool find_temporary(OutputFile *file, bool (*make)(OutputFile *file, const char *name))
{
    for (unsigned attempt = 0; attempt < TEMPORARY_NAME_TRIES; attempt++) {
        char *name = temporary_name(file);
        int number;
        if (name == NULL) {
            errno = ENOMEM;
            return false;
        }
        // Before it exists, since a signal may come in between.
        watch_temporary(file, name);
        if (make(file, name)) {
            file->temporary = name;
            return true;
        }
        number = errno;
        forget_temporary(file);
        free(name);
        errno = number;
        if (number != EEXIST)
            return false;
    }
    return false;
}

static bool create_named(OutputFile *file, const char *name)
{
    file->descriptor = openat(file->target.folder, name,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_of(file));
    return file->descriptor >= 0;
}

static bool open_unnamed(OutputFile *file, Error *error)
{
    // Linking goes through /proc; without it an unnamed file could never get its name.
    if (access("/proc/self/fd", X_OK) == 0) {
        file->descriptor =
            openat(file->target.folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode_of(file));
        if (file->descriptor >= 0)
            return true;
        // EISDIR: a kernel, ENOTSUP: a file system that does not know O_TMPFILE.
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
            return set_folder_error(file, errno, error);
    }
    return find_temporary(file, create_named) || set_folder_error(file, errno, error);
}

// Without blocking, so that a wait for the reader of a FIFO can be ended.
static bool open_special(OutputFile *file, Error *error)
{
    struct stat status;

    for (;;) {
        file->descriptor = openat(file->target.folder, file->target.name,
                                  O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (file->descriptor >= 0)
            break;
        if (errno == EINTR)
            continue;
        if (errno != ENXIO || !S_ISFIFO(file->target.status.st_mode))
            return set_write_error(file, errno, error);
        if (!cancel_check(&file->options.cancel, error))
            return false;
        (void)poll(NULL, 0, WAIT_MS);
    }
    if (fstat(file->descriptor, &status) != 0)
        return set_write_error(file, errno, error);
    if (!output_target_is(&status, &file->target.status))
        return error_set(error, ERROR_SYSTEM, "'%s' was replaced while it was opened", file->shown);
    return true;
}

static bool open_stream(OutputFile *file, Error *error)
{
    file->descriptor = fcntl(file->target.stream, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return file->descriptor >= 0 || set_write_error(file, errno, error);
}

bool output_file_open(const char *path, const OutputOptions *options, OutputFile **out,
                      Error *error)
{
    OutputFile *file = calloc(1, sizeof *file);
    bool ok;

    *out = NULL;
    if (file == NULL)
        return error_set_memory(error, sizeof *file, "an output file");
    file->descriptor = -1;
    file->watched = -1;
    if (options != NULL)
        file->options = *options;
    ok = find_target(path, file->options.replaces, &file->target, error);
    if (ok) {
        file->shown = strdup(path);
        ok = file->shown != NULL || error_set_memory(error, strlen(path) + 1, "a file name");
    }
    if (ok && file->target.kind == OUTPUT_TARGET_STREAM)
        ok = open_stream(file, error);
    else if (ok && file->target.kind == OUTPUT_TARGET_SPECIAL)
        ok = open_special(file, error);
    else if (ok)
        ok = open_unnamed(file, error);
    if (!ok) {
        output_file_free(file);
        return false;
    }
    *out = file;
    return true;
}

// ---- writing ----

// Waits until the reader of a FIFO, pipe or terminal has room.
static bool await_room(const OutputFile *file, Error *error)
{
    struct pollfd wanted = {.fd = file->descriptor, .events = POLLOUT};

    for (;;) {
        int ready = poll(&wanted, 1, WAIT_MS);
        // An error of the other end shows when it is written to.
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return true;
        if (!cancel_check(&file->options.cancel, error))
            return false;
    }
}

static bool write_through(OutputFile *file, const uint8_t *rest, size_t length, Error *error)
{
    bool may_block = is_nameless(file) && !S_ISREG(file->target.status.st_mode);
    bool waits = may_block && file->options.cancel.is_cancelled != NULL;

    while (length > 0) {
        // A stream that others share stays a blocking one: no more is written than there is room.
        size_t piece = waits && length > STREAM_PIECE ? STREAM_PIECE : length;
        ssize_t written;
        if (waits && !await_room(file, error))
            return false;
        written = write(file->descriptor, rest, piece);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN && may_block) {
            if (!await_room(file, error))
                return false;
            continue;
        }
        if (written <= 0)
            return set_write_error(file, written < 0 ? errno : EIO, error);
        rest += written;
        length -= (size_t)written;
    }
    return true;
}

static bool write_gathered(OutputFile *file, Error *error)
{
    size_t length = file->gathered_bytes;

    file->gathered_bytes = 0;
    return write_through(file, file->gathered, length, error);
}

bool output_file_write(OutputFile *file, const void *bytes, size_t length, Error *error)
{
    if (length > sizeof file->gathered - file->gathered_bytes && !write_gathered(file, error))
        return false;
    if (length >= sizeof file->gathered)
        return write_through(file, bytes, length, error);
    memcpy(file->gathered + file->gathered_bytes, bytes, length);
    file->gathered_bytes += length;
    return true;
}

// ---- naming ----

// Links the unnamed file to `name`; leaves errno.
static bool link_unnamed(OutputFile *file, const char *name)
{
    char self[64];

    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", file->descriptor);
    return linkat(AT_FDCWD, self, file->target.folder, name, AT_SYMLINK_FOLLOW) == 0;
}

// Leaves errno. The file's final name never exists before it is whole, and a file that another
// program made meanwhile is not touched unless it may be replaced.
static bool give_name(OutputFile *file)
{
    int folder = file->target.folder;
    const char *name = file->target.name;

    if (file->options.replaces) {
        // Mostly there is nothing to replace, and no second name is needed.
        if (file->temporary == NULL && link_unnamed(file, name))
            return true;
        if (file->temporary == NULL && !find_temporary(file, link_unnamed))
            return false;
        if (renameat(folder, file->temporary, folder, name) != 0)
            return false;
    } else if (file->temporary == NULL) {
        return link_unnamed(file, name);
    } else if (linkat(folder, file->temporary, folder, name, 0) == 0) {
        (void)unlinkat(folder, file->temporary, 0);
    } else if (errno == EEXIST ||
               renameat2(folder, file->temporary, folder, name, RENAME_NOREPLACE) != 0) {
        // The second way is for file systems without hard links.
        return false;
    }
    forget_temporary(file);
    free(file->temporary);
    file->temporary = NULL;
    return true;
}

// The name is safe only when the folder is on disk, too. Some file systems cannot flush a
// folder; the file itself is whole either way.
static void flush_folder(const OutputFile *file)
{
    int folder = openat(file->target.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return;
    (void)fsync(folder);
    (void)close(folder);
}

bool output_file_flush(OutputFile *file, Error *error)
{
    if (!write_gathered(file, error))
        return false;
    if (is_nameless(file))
        return true;
    // The umask does not apply to the mode of a file that is replaced.
    if (file->options.is_shared && file->target.kind == OUTPUT_TARGET_REGULAR)
        (void)fchmod(file->descriptor, mode_of(file));
    return fsync(file->descriptor) == 0 || set_write_error(file, errno, error);
}

bool output_file_commit(OutputFile *file, Error *error)
{
    if (!output_file_flush(file, error))
        return false;
    if (is_nameless(file)) {
        int descriptor = file->descriptor;
        file->descriptor = -1;
        return close(descriptor) == 0 || set_write_error(file, errno, error);
    }
    if (!give_name(file)) {
        if (errno == EEXIST)
            return set_exists(error, file->shown);
        if (errno == ENOMEM)
            return error_set_memory(error, strlen(file->shown), "a file name");
        return set_folder_error(file, errno, error);
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
    if (file->temporary != NULL) {
        (void)unlinkat(file->target.folder, file->temporary, 0);
        forget_temporary(file);
    }
    free(file->temporary);
    free(file->shown);
    output_target_release(&file->target);
    free(file);
}
