// Questions about output paths: see base/output_path.h.

#include "base/output_path.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/output_target_internal.h"

// /dev/null
#define NULL_DEVICE makedev(1, 3)

char *output_path_folder(const char *path)
{
    OutputTarget target;
    Error unused;
    char *folder = NULL;

    if (output_target_find(path, &target, &unused) &&
        (target.kind == OUTPUT_TARGET_NEW || target.kind == OUTPUT_TARGET_REGULAR))
        folder = output_target_folder(&target);
    output_target_release(&target);
    return folder;
}

// Do both lead to one file, pipe or device, which does not take any number of results?
static bool is_same(const struct stat *left, const struct stat *right)
{
    return output_target_is(left, right) &&
           !(S_ISCHR(left->st_mode) && left->st_rdev == NULL_DEVICE);
}

bool output_path_is_stream(const char *path, int descriptor)
{
    struct stat status;
    OutputTarget target;
    Error unused;
    bool is_stream = output_target_find(path, &target, &unused) &&
                     (target.kind == OUTPUT_TARGET_STREAM || target.kind == OUTPUT_TARGET_SPECIAL);

    is_stream = is_stream && fstat(descriptor, &status) == 0 && is_same(&target.status, &status);
    output_target_release(&target);
    return is_stream;
}

bool output_paths_collide(const char *left, const char *right)
{
    OutputTarget a, b = {.folder = -1};
    struct stat folders[2];
    Error unused;
    bool collide = output_target_find(left, &a, &unused) && output_target_find(right, &b, &unused);

    if (collide && a.kind != OUTPUT_TARGET_NEW && b.kind != OUTPUT_TARGET_NEW)
        collide = is_same(&a.status, &b.status);
    else if (collide)
        collide = a.kind == b.kind && strcmp(a.name, b.name) == 0 &&
                  fstat(a.folder, &folders[0]) == 0 && fstat(b.folder, &folders[1]) == 0 &&
                  is_same(&folders[0], &folders[1]);
    output_target_release(&a);
    output_target_release(&b);
    return collide;
}

bool output_path_hits(const char *output, const char *input)
{
    OutputTarget target;
    struct stat status;
    Error unused;
    bool hits = output_target_find(output, &target, &unused) && target.kind != OUTPUT_TARGET_NEW &&
                stat(input, &status) == 0 && S_ISREG(status.st_mode) &&
                is_same(&target.status, &status);

    output_target_release(&target);
    return hits;
}
