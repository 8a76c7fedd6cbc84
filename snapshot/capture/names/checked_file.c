// Files that are looked at before they are opened: see checked_file.h.
//
// openat2() resolves a path inside a folder (Linux 5.6); where the kernel lacks it,
// checked_file_walk() does, step by step. Each open() here has O_NONBLOCK, by which guarded_opens.c
// tells them.

#include "snapshot/capture/names/checked_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
// O_NONBLOCK means nothing beside O_PATH.
#define LOOK_FLAGS (O_PATH | O_CLOEXEC | O_NONBLOCK)
#define MAX_DEPTH 64
#define MAX_LINKS 40

// ---- what may be opened ----

// File systems whose regular files are doors to the kernel: reading one may block or act.
static bool is_of_kernel(int fd)
{
    static const unsigned long magics[] = {
        0x9fa0,     // proc
        0x62656572, // sysfs
        0x64626720, // debugfs
        0x74726163, // tracefs
        0x73636673, // securityfs
        0x27e0eb,   // cgroup
        0x63677270, // cgroup2
        0x62656570, // configfs
        0xcafe4a11, // bpf
        0x6165676c, // pstore
        0xde5e81e4, // efivarfs
        0xf97cff8c, // selinuxfs
        0x43415d53, // smackfs
    };
    struct statfs status;

    if (fstatfs(fd, &status) != 0)
        return true;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if ((unsigned long)status.f_type == magics[i])
            return true;
    return false;
}

// Opens what `place`, which is consumed, refers to.
static int open_place(int place)
{
    char path[64];
    struct stat status;
    int fd = -1;

    if (place < 0)
        return -1;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    if (fstat(place, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        !is_of_kernel(place))
        fd = open(path, OPEN_FLAGS);
    (void)close(place);
    return fd;
}

// ---- resolving, where the kernel does not ----

typedef struct Walk {
    int folders[MAX_DEPTH]; // from the root, which is borrowed, to where it is
    int depth;              // of the last one
    char rest[PATH_MAX];    // of the path
    int links;
} Walk;

static void leave(Walk *walk, int depth)
{
    while (walk->depth > depth)
        (void)close(walk->folders[walk->depth--]);
}

// Puts the target of a link in front of the rest.
static bool follow(Walk *walk, int link)
{
    char target[PATH_MAX], joined[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);

    if (length <= 0 || ++walk->links > MAX_LINKS)
        return false;
    target[length] = '\0';
    if (target[0] == '/')
        leave(walk, 0);
    if (snprintf(joined, sizeof joined, "%s/%s", target, walk->rest) >= (int)sizeof joined)
        return false;
    memcpy(walk->rest, joined, sizeof joined);
    return true;
}

// Takes the next name off the rest. False: there is none.
static bool next_name(Walk *walk, char name[NAME_MAX + 1])
{
    size_t start = strspn(walk->rest, "/"), length = strcspn(walk->rest + start, "/");

    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, walk->rest + start, length);
    name[length] = '\0';
    memmove(walk->rest, walk->rest + start + length, strlen(walk->rest + start + length) + 1);
    return true;
}

// Goes one step. False: it cannot go on; `*found` is what the path names, or -1.
static bool step(Walk *walk, int *found)
{
    char name[NAME_MAX + 1];
    struct stat status;
    int place;

    if (!next_name(walk, name))
        return false;
    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") == 0) {
        leave(walk, walk->depth > 0 ? walk->depth - 1 : 0);
        return true;
    }
    place = openat(walk->folders[walk->depth], name, LOOK_FLAGS | O_NOFOLLOW);
    if (place < 0 || fstat(place, &status) != 0)
        goto fail;
    if (S_ISLNK(status.st_mode)) {
        bool is_followed = follow(walk, place);

        (void)close(place);
        return is_followed;
    }
    if (!S_ISDIR(status.st_mode)) {
        if (walk->rest[strspn(walk->rest, "/")] != '\0')
            goto fail;
        *found = place;
        return false;
    }
    if (walk->depth + 1 == MAX_DEPTH)
        goto fail;
    walk->folders[++walk->depth] = place;
    return true;

fail:
    if (place >= 0)
        (void)close(place);
    return false;
}

int checked_file_walk(int root, const char *path)
{
    Walk walk = {.folders = {root}};
    int found = -1;

    if (snprintf(walk.rest, sizeof walk.rest, "%s", path) >= (int)sizeof walk.rest)
        return -1;
    while (step(&walk, &found))
        continue;
    leave(&walk, 0);
    return found;
}

// ---- opening ----

int checked_root_open(const char *path)
{
    return open(path, LOOK_FLAGS | O_DIRECTORY);
}

int checked_file_open(int root, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int place;

    if (root < 0 || path[0] != '/')
        return -1;
    place = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    // EPERM: a container's filter that does not know the call. EAGAIN: folders were moved
    // meanwhile.
    if (place < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN))
        place = checked_file_walk(root, path);
    return open_place(place);
}

int checked_path_open(const char *path)
{
    return open_place(open(path, LOOK_FLAGS));
}
