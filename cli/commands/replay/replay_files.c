// The files of a replay: see cli/commands/replay/replay_files.h.

#include "cli/commands/replay/replay_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/checksum.h"

#define SNAPSHOT_ENDING ".zst"
// A deeper nesting is a loop of mounts.
#define MAX_FOLDER_DEPTH 64u

static void release_file(ReplayFile *file)
{
    free(file->path);
    free(file->relative);
    free(file->golden);
}

void replay_files_release(ReplayFiles *files)
{
    for (uint64_t i = 0; i < files->count; i++)
        release_file(&files->files[i]);
    free(files->files);
    *files = (ReplayFiles){.count = 0};
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), wanted = strlen(ending);

    return length > wanted && strcmp(text + length - wanted, ending) == 0;
}

static char *text_of(const char *left, const char *between, const char *right, Error *error)
{
    char *text;

    if (asprintf(&text, "%s%s%s", left, between, right) >= 0)
        return text;
    (void)error_set_memory(error, strlen(left) + strlen(right), "a path");
    return NULL;
}

// "old/cart.zst" in "golden": "golden/old/cart.golden".
static char *golden_of(GoldenPlace golden, const char *relative, Error *error)
{
    size_t length = strlen(relative);
    char *text;

    if (ends_with(relative, SNAPSHOT_ENDING))
        length -= strlen(SNAPSHOT_ENDING);
    if (asprintf(&text, "%s/%.*s%s", golden.folder, (int)length, relative,
                 golden.is_precise ? GOLDEN_ENDING_PRECISE : GOLDEN_ENDING) >= 0)
        return text;
    (void)error_set_memory(error, length, "a path");
    return NULL;
}

// Adds a file. Takes ownership of `path` and `relative` in any case; if one is NULL, `error` is set
// already.
static bool add_file(ReplayFiles *files, char *path, char *relative, GoldenPlace golden,
                     Error *error)
{
    ReplayFile file = {.path = path, .relative = relative};
    bool ok = path != NULL && relative != NULL;

    if (ok && golden.folder != NULL) {
        file.golden = golden_of(golden, relative, error);
        ok = file.golden != NULL;
    }
    ok = ok && array_reserve(&files->files, &files->capacity, files->count + 1, sizeof file,
                             "a list of files", error);
    if (!ok) {
        release_file(&file);
        return false;
    }
    files->files[files->count++] = file;
    return true;
}

typedef struct Walk {
    ReplayFiles *files;
    const char *root;
    const char *ending;
    GoldenPlace golden; // of the files found
} Walk;

// A folder on the way down, so that a link to one of them is noticed.
typedef struct Ancestor {
    const struct Ancestor *parent;
    dev_t device;
    ino_t inode;
} Ancestor;

static bool is_among(const Ancestor *ancestor, const struct stat *folder)
{
    for (; ancestor != NULL; ancestor = ancestor->parent)
        if (ancestor->device == folder->st_dev && ancestor->inode == folder->st_ino)
            return true;
    return false;
}

static bool walk_folder(const Walk *walk, const char *relative, const Ancestor *parent,
                        unsigned depth, Error *error);

static bool visit(const Walk *walk, const char *relative, const Ancestor *parent, unsigned depth,
                  Error *error)
{
    char *path = text_of(walk->root, "/", relative, error);
    struct stat state;
    bool ok = true;

    if (path == NULL)
        return false;
    // Files that were removed meanwhile are skipped. A link that leads nowhere is a heap that
    // cannot be read: its verdict says so.
    bool is_there = stat(path, &state) == 0, is_link = !is_there && lstat(path, &state) == 0;
    if (is_there && S_ISDIR(state.st_mode)) {
        if (!is_among(parent, &state))
            ok = walk_folder(walk, relative, parent, depth + 1, error);
    } else if (ends_with(relative, walk->ending) &&
               (is_link || (is_there && S_ISREG(state.st_mode)))) {
        char *copy = text_of(relative, "", "", error);
        return add_file(walk->files, path, copy, walk->golden, error);
    }
    free(path);
    return ok;
}

static bool walk_folder(const Walk *walk, const char *relative, const Ancestor *parent,
                        unsigned depth, Error *error)
{
    char *path = text_of(walk->root, relative[0] != '\0' ? "/" : "", relative, error);
    Ancestor here = {.parent = parent};
    struct dirent *entry;
    struct stat state;
    DIR *folder;
    bool ok = true;

    if (path == NULL)
        return false;
    folder = depth < MAX_FOLDER_DEPTH ? opendir(path) : NULL;
    if (folder == NULL)
        ok =
            error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path,
                      depth < MAX_FOLDER_DEPTH ? strerror(errno) : "folders are nested too deeply");
    if (ok && fstat(dirfd(folder), &state) == 0) {
        here.device = state.st_dev;
        here.inode = state.st_ino;
    }
    while (ok && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *inner = text_of(relative, relative[0] != '\0' ? "/" : "", entry->d_name, error);
        ok = inner != NULL && visit(walk, inner, &here, depth, error);
        free(inner);
    }
    if (folder != NULL)
        (void)closedir(folder);
    free(path);
    return ok;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(((const ReplayFile *)left)->path, ((const ReplayFile *)right)->path);
}

static int compare_goldens(const void *left, const void *right)
{
    return strcmp(((const ReplayFile *)left)->golden, ((const ReplayFile *)right)->golden);
}

static void sort_files(ReplayFiles *files, int (*compare)(const void *left, const void *right))
{
    if (files->count > 0)
        qsort(files->files, files->count, sizeof *files->files, compare);
}

// Adds one operand: a folder, or a file of any name.
static bool collect_path(ReplayFiles *files, const char *path, GoldenPlace golden, Error *error)
{
    uint64_t before = files->count;
    size_t length = strlen(path);
    struct stat state;
    char *root;
    bool ok;

    // A link that leads nowhere is a heap that cannot be read.
    if (stat(path, &state) != 0 && lstat(path, &state) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISDIR(state.st_mode)) {
        files->has_named_files = true;
        return add_file(files, text_of(path, "", "", error),
                        text_of(last_part(path), "", "", error), golden, error);
    }
    while (length > 1 && path[length - 1] == '/')
        length--;
    root = strndup(path, length);
    if (root == NULL)
        return error_set_memory(error, length, "a path");
    ok = walk_folder(&(Walk){files, root, SNAPSHOT_ENDING, golden}, "", NULL, 0, error);
    if (ok && files->count == before)
        ok = error_set(error, ERROR_USAGE, "no snapshot (*.zst) in folder '%s'", root);
    free(root);
    return ok;
}

// Two heaps must not share a golden.
static bool check_goldens(ReplayFiles *files, Error *error)
{
    sort_files(files, compare_goldens);
    for (uint64_t i = 1; i < files->count; i++)
        if (strcmp(files->files[i - 1].golden, files->files[i].golden) == 0)
            return error_set(error, ERROR_USAGE, "'%s' and '%s' would share the golden '%s'",
                             files->files[i - 1].path, files->files[i].path,
                             files->files[i].golden);
    return true;
}

bool replay_files_collect(char *const *paths, int path_count, GoldenPlace golden, ReplayFiles *out,
                          Error *error)
{
    bool ok = true;

    *out = (ReplayFiles){.count = 0};
    for (int i = 0; ok && i < path_count; i++)
        ok = collect_path(out, paths[i], golden, error);
    sort_files(out, compare_paths);
    for (uint64_t i = 1; ok && i < out->count; i++)
        if (strcmp(out->files[i - 1].path, out->files[i].path) == 0)
            ok = error_set(error, ERROR_USAGE, "'%s' is given twice", out->files[i].path);
    if (ok && golden.folder != NULL) {
        ok = check_goldens(out, error);
        sort_files(out, compare_paths);
    }
    if (!ok)
        replay_files_release(out);
    return ok;
}

void replay_files_keep_shard(ReplayFiles *files, uint32_t shard, uint32_t shards)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < files->count; i++) {
        const char *relative = files->files[i].relative;
        if (checksum_xxh64(relative, strlen(relative)) % shards == shard - 1)
            files->files[kept++] = files->files[i];
        else
            release_file(&files->files[i]);
    }
    files->count = kept;
}

static bool has_golden(const ReplayFiles *files, const char *golden)
{
    for (uint64_t i = 0; i < files->count; i++)
        if (strcmp(files->files[i].golden, golden) == 0)
            return true;
    return false;
}

bool replay_files_find_orphans(const ReplayFiles *files, GoldenPlace golden, ReplayFiles *out,
                               Error *error)
{
    const char *ending = golden.is_precise ? GOLDEN_ENDING_PRECISE : GOLDEN_ENDING;
    uint64_t kept = 0;
    struct stat state;

    *out = (ReplayFiles){.count = 0};
    if (stat(golden.folder, &state) != 0)
        return true; // none was written yet
    if (!walk_folder(&(Walk){.files = out, .root = golden.folder, .ending = ending}, "", NULL, 0,
                     error)) {
        replay_files_release(out);
        return false;
    }
    sort_files(out, compare_paths);
    for (uint64_t i = 0; i < out->count; i++) {
        // Those of the other rule belong to other replays.
        if (has_golden(files, out->files[i].path) ||
            (!golden.is_precise && ends_with(out->files[i].path, GOLDEN_ENDING_PRECISE)))
            release_file(&out->files[i]);
        else
            out->files[kept++] = out->files[i];
    }
    out->count = kept;
    return true;
}
