// OutputTarget: see base/output_target_internal.h.

#include "base/output_target_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

// As many links as the kernel follows in one path.
#define MAX_LINKS 40u

bool output_target_set_error(Error *error, const char *path, const char *folder, int number)
{
    error_set(error, ERROR_SYSTEM, "cannot create '%s' in folder '%s': %s", path, folder,
              strerror(number));
    if (number == ENOENT)
        return error_add_hint(error, "make the folder first, or choose another");
    if (number == EACCES || number == EPERM || number == EROFS)
        return error_add_hint(error, "choose a folder that you may write to");
    return false;
}

// ---- open descriptors ----

static bool is_number(const char *text, int *number)
{
    char *end;
    long value;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    value = strtol(text, &end, 10);
    if (*end != '\0' || errno != 0 || value > INT_MAX)
        return false;
    *number = (int)value;
    return true;
}

// Does `path` name a descriptor of this process?
static bool names_stream(const char *path, int *stream)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"};

    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
        *stream = STDOUT_FILENO;
        return true;
    }
    if (strcmp(path, "/dev/stderr") == 0) {
        *stream = STDERR_FILENO;
        return true;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return is_number(path + strlen(folders[i]), stream);
    return false;
}

static bool take_stream(const char *path, OutputTarget *target, Error *error)
{
    int flags = fcntl(target->stream, F_GETFL);

    if (flags < 0 || fstat(target->stream, &target->status) != 0)
        return error_set(error, ERROR_USAGE, "cannot write '%s': descriptor %d is not open", path,
                         target->stream);
    if ((flags & O_ACCMODE) == O_RDONLY)
        return error_set(error, ERROR_USAGE,
                         "cannot write '%s': descriptor %d is open for reading only", path,
                         target->stream);
    target->kind = OUTPUT_TARGET_STREAM;
    return true;
}

// ---- paths ----

bool output_target_is_planted(int folder, const struct stat *status)
{
    struct stat around;

    if (fstat(folder, &around) != 0)
        return true;
    return (around.st_mode & S_ISVTX) != 0 && (around.st_mode & (S_IWOTH | S_IWGRP)) != 0 &&
           status->st_uid != geteuid() && status->st_uid != around.st_uid;
}

// Links in /proc/PID/fd lead to open files, not to paths.
static bool is_in_proc(int folder)
{
    struct statfs system;

    return fstatfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

// Opens the folder of `path`, which is relative to the folder so far, and sets the name in it.
static bool enter_folder(const char *path, OutputTarget *target, Error *error)
{
    const char *slash = strrchr(path, '/');
    int before = target->folder;

    free(target->name);
    free(target->folder_path);
    target->name = strdup(slash == NULL ? path : slash + 1);
    target->folder_path = slash == NULL   ? strdup(".")
                          : slash == path ? strdup("/")
                                          : strndup(path, (size_t)(slash - path));
    if (target->name == NULL || target->folder_path == NULL)
        return error_set_memory(error, strlen(path) + 1, "a file name");
    target->folder = openat(before < 0 ? AT_FDCWD : before, target->folder_path,
                            O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target->folder < 0)
        output_target_set_error(error, path, target->folder_path, errno);
    if (before >= 0)
        (void)close(before);
    return target->folder >= 0;
}

// Reads where the link leads; `*path` is to be freed.
static bool follow_link(const OutputTarget *target, const char *shown, char **path, Error *error)
{
    char text[PATH_MAX];
    ssize_t length;

    if (output_target_is_planted(target->folder, &target->status)) {
        error_set(error, ERROR_SYSTEM, "'%s' is a link that another user made", shown);
        return error_add_hint(error, "choose a folder that others cannot write to");
    }
    if (is_in_proc(target->folder))
        return error_set(error, ERROR_USAGE, "'%s' is a descriptor of another process", shown);
    length = readlinkat(target->folder, target->name, text, sizeof text - 1);
    if (length <= 0)
        return error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", shown,
                         strerror(length < 0 ? errno : ENOENT));
    text[length] = '\0';
    *path = strdup(text);
    return *path != NULL || error_set_memory(error, (size_t)length + 1, "a file name");
}

static bool judge(const char *shown, OutputTarget *target, Error *error)
{
    if (S_ISDIR(target->status.st_mode))
        return error_set(error, ERROR_USAGE, "'%s' is a folder; a file name is needed", shown);
    if (S_ISSOCK(target->status.st_mode))
        return error_set(error, ERROR_USAGE, "'%s' is a socket; a file name is needed", shown);
    target->kind = S_ISREG(target->status.st_mode) ? OUTPUT_TARGET_REGULAR : OUTPUT_TARGET_SPECIAL;
    if (target->kind == OUTPUT_TARGET_SPECIAL &&
        output_target_is_planted(target->folder, &target->status)) {
        error_set(error, ERROR_SYSTEM, "'%s' is a FIFO or device of another user", shown);
        return error_add_hint(error, "choose a folder that others cannot write to");
    }
    return true;
}

// One step of the walk along links; `*next` is the path of the next one, to be freed.
static bool step(const char *shown, const char *path, OutputTarget *target, char **next,
                 Error *error)
{
    *next = NULL;
    if (names_stream(path, &target->stream))
        return take_stream(shown, target, error);
    target->stream = -1;
    if (!enter_folder(path, target, error))
        return false;
    if (target->name[0] == '\0')
        return error_set(error, ERROR_USAGE, "'%s' is a folder; a file name is needed", shown);
    if (fstatat(target->folder, target->name, &target->status, AT_SYMLINK_NOFOLLOW) != 0) {
        target->kind = OUTPUT_TARGET_NEW;
        return errno == ENOENT ||
               error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", shown, strerror(errno));
    }
    if (S_ISLNK(target->status.st_mode))
        return follow_link(target, shown, next, error);
    return judge(shown, target, error);
}

bool output_target_find(const char *path, OutputTarget *target, Error *error)
{
    char *current = NULL, *next = NULL;
    bool ok;

    *target = (OutputTarget){.stream = -1, .folder = -1};
    if (path[0] == '\0')
        return error_set(error, ERROR_USAGE, "the name of the output file is empty");
    ok = step(path, path, target, &current, error);
    target->is_linked = current != NULL;
    for (unsigned links = 0; ok && current != NULL; links++) {
        ok = links < MAX_LINKS
                 ? step(path, current, target, &next, error)
                 : error_set(error, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(ELOOP));
        free(current);
        current = next;
        next = NULL;
    }
    free(current);
    return ok;
}

char *output_target_folder(const OutputTarget *target)
{
    char self[64], *folder;

    if (target->folder < 0)
        return NULL;
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", target->folder);
    folder = realpath(self, NULL);
    // Without /proc: a path that links led to may be relative to one of them.
    return folder != NULL || target->is_linked ? folder : strdup(target->folder_path);
}

bool output_target_is(const struct stat *left, const struct stat *right)
{
    if (S_ISCHR(left->st_mode) || S_ISCHR(right->st_mode))
        return S_ISCHR(left->st_mode) && S_ISCHR(right->st_mode) && left->st_rdev == right->st_rdev;
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

void output_target_release(OutputTarget *target)
{
    if (target->folder >= 0)
        (void)close(target->folder);
    free(target->folder_path);
    free(target->name);
    *target = (OutputTarget){.stream = -1, .folder = -1};
}
