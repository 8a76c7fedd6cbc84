// Writing snapshots: which bytes of free slots stay, where a file may be written, and cancelling.

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

static RandomHeap *small_heap(uint64_t seed)
{
    RandomHeapOptions options = random_heap_options(seed, 300);

    options.objects = 300;
    options.occupancy = 50;
    options.roots = 20;
    options.blocks = 5;
    return random_heap_new(&options);
}

static HeapImage *must_read_stream(Bytes stream)
{
    HeapImage *image = NULL;
    Error error = {0};

    cr_assert(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error), "%s",
              error.message);
    return image;
}

// ---- free slots ----

static uint64_t bytes_behind(const HeapImage *image, uint32_t page, uint32_t slot, uint32_t kept)
{
    const uint8_t *bytes = heap_image_object_bytes(image, page, slot);
    uint64_t set = 0;

    for (uint32_t i = kept; i < image->pages[page].block_size; i++)
        set += bytes[i] != 0;
    return set;
}

Test(snapshot_write, free_slots_keep_their_header_or_link_and_nothing_else)
{
    RandomHeap *heap = small_heap(7);
    const SnapshotContents *contents = random_heap_contents(heap);
    Bytes stream = snapshot_stream(contents, NULL);
    HeapImage *image = must_read_stream(stream), *raw = random_heap_image(heap, false);
    uint64_t free_slots = 0, values_before = 0;

    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint32_t block_size = image->pages[page].block_size;
            uint32_t kept = block_size < 48 ? 8 : 48;
            if (heap_image_is_allocated(image, page, slot))
                continue;
            free_slots++;
            cr_expect_eq(bytes_behind(image, page, slot, kept), 0);
            values_before += bytes_behind(raw, page, slot, kept);
            cr_expect_arr_eq(heap_image_object_bytes(image, page, slot),
                             heap_image_object_bytes(raw, page, slot), kept);
        }
    cr_expect_gt(free_slots, 100);
    cr_expect_gt(values_before, 1000, "the test heap has nothing to zero");
    heap_image_free(image);
    heap_image_free(raw);
    free(stream.bytes);
    random_heap_free(heap);
}

// ---- where to write ----

typedef struct Target {
    TestFolder folder;
    char *path;
    RandomHeap *heap;
} Target;

static Target target_new(void)
{
    Target target = {.folder = test_folder_new(), .heap = small_heap(8)};

    target.path = test_folder_file(&target.folder, "heap.zst");
    return target;
}

static void target_free(Target *target)
{
    free(target->path);
    random_heap_free(target->heap);
    test_folder_free(&target->folder);
}

static bool write_to(const Target *target, const char *path, bool replaces, Error *error)
{
    SnapshotWriteOptions options = {.replaces = replaces};

    *error = (Error){0};
    return snapshot_write(path, random_heap_contents(target->heap), &options, NULL, error);
}

static uint32_t count_files(const TestFolder *folder)
{
    char command[200];
    uint32_t count = 0;
    FILE *list;

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder->path);
    list = popen(command, "r");
    cr_assert(list != NULL && fscanf(list, "%u", &count) == 1);
    pclose(list);
    return count;
}

Test(snapshot_write, an_existing_file_is_replaced_only_when_asked)
{
    Target target = target_new();
    Error error;

    write_bytes(target.path, "mine", 4);
    cr_expect_not(snapshot_check_output(target.path, false, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_not(write_to(&target, target.path, false, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    Bytes kept = file_bytes(target.path);
    cr_expect_eq(kept.length, 4);
    free(kept.bytes);

    cr_expect(snapshot_check_output(target.path, true, &error));
    cr_expect(write_to(&target, target.path, true, &error), "%s", error.message);
    cr_expect(snapshot_verify(target.path, NULL, &(SnapshotVerification){0}, &error));
    cr_expect_eq(count_files(&target.folder), 1);
    target_free(&target);
}

Test(snapshot_write, replacing_a_link_replaces_the_file_behind_it)
{
    Target target = target_new();
    char *link_path = test_folder_file(&target.folder, "link");
    struct stat status;
    Error error;

    write_bytes(target.path, "mine", 4);
    cr_assert_eq(symlink("heap.zst", link_path), 0);
    cr_expect_not(write_to(&target, link_path, false, &error));
    cr_expect(write_to(&target, link_path, true, &error), "%s", error.message);
    cr_expect(lstat(link_path, &status) == 0 && S_ISLNK(status.st_mode));
    cr_expect(snapshot_verify(target.path, NULL, &(SnapshotVerification){0}, &error));
    free(link_path);
    target_free(&target);
}

Test(snapshot_write, a_link_to_nowhere_is_a_name_that_is_taken)
{
    Target target = target_new();
    Error error;

    cr_assert_eq(symlink("nowhere", target.path), 0);
    cr_expect_not(write_to(&target, target.path, false, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    target_free(&target);
}

Test(snapshot_write, folders_and_missing_folders_say_what_to_do)
{
    Target target = target_new();
    char *inside = test_folder_file(&target.folder, "no-such-folder/heap.zst");
    Error error;

    cr_expect_not(write_to(&target, target.folder.path, true, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    cr_expect_not(snapshot_check_output(inside, false, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
    cr_expect_neq(error.hint[0], '\0');
    cr_expect_not(write_to(&target, inside, false, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
    cr_expect_neq(error.hint[0], '\0');
    cr_expect_not(snapshot_check_output("", false, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    free(inside);
    target_free(&target);
}

Test(snapshot_write, a_read_only_folder_is_a_system_error)
{
    Target target = target_new();
    Error error;
    int status = 0;
    pid_t child;

    cr_assert_eq(chmod(target.folder.path, 0555), 0);
    // Root may write everywhere, so another user tries.
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(9);
        bool is_refused_early = !snapshot_check_output(target.path, false, &error) &&
                                error.code == ERROR_SYSTEM && error.hint[0] != '\0';
        bool is_refused =
            !write_to(&target, target.path, false, &error) && error.code == ERROR_SYSTEM;
        _exit(is_refused_early && is_refused ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    cr_expect_eq(count_files(&target.folder), 0);
    target_free(&target);
}

Test(snapshot_write, a_full_device_is_a_system_error)
{
    Target target = target_new();
    Error error;

    cr_expect(snapshot_check_output("/dev/full", false, &error), "%s", error.message);
    cr_expect_not(write_to(&target, "/dev/full", false, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect(strstr(error.message, strerror(ENOSPC)) != NULL, "%s", error.message);
    cr_expect(write_to(&target, "/dev/null", false, &error), "%s", error.message);
    target_free(&target);
}

Test(snapshot_write, a_pipe_is_written_straight)
{
    Target target = target_new();
    char *fifo = test_folder_file(&target.folder, "fifo"), *copy_command = NULL;
    Error error;

    cr_assert_eq(mkfifo(fifo, 0600), 0);
    cr_assert_gt(asprintf(&copy_command, "cat '%s' > '%s'", fifo, target.path), 0);
    FILE *copying = popen(copy_command, "r");
    cr_assert_not_null(copying);
    cr_expect(write_to(&target, fifo, false, &error), "%s", error.message);
    cr_expect_eq(pclose(copying), 0);
    cr_expect(snapshot_verify(target.path, NULL, &(SnapshotVerification){0}, &error), "%s",
              error.message);
    // And cannot be read as a snapshot itself, without hanging.
    HeapImage *image = NULL;
    cr_expect_not(snapshot_read(fifo, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", error.message);
    free(copy_command);
    free(fifo);
    target_free(&target);
}

Test(snapshot_write, others_may_not_read_it)
{
    Target target = target_new();
    struct stat status;
    Error error;

    cr_assert(write_to(&target, target.path, false, &error), "%s", error.message);
    cr_assert_eq(stat(target.path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0600);
    target_free(&target);
}

// ---- cancelling ----

static bool is_cancelled_at(void *context)
{
    int *calls_left = context;

    return (*calls_left)-- == 0;
}

Test(snapshot_write, cancelling_at_any_time_leaves_nothing)
{
    Target target = target_new();
    uint32_t cancelled = 0;
    Error error;

    for (int at = 0;; at++) {
        int calls_left = at;
        SnapshotWriteOptions options = {.cancel = {is_cancelled_at, &calls_left}};
        if (snapshot_write(target.path, random_heap_contents(target.heap), &options, NULL, &error))
            break;
        cr_assert_eq(error.code, ERROR_INTERRUPTED, "%s", error.message);
        cr_expect_eq(count_files(&target.folder), 0);
        cancelled++;
    }
    cr_expect_geq(cancelled, 4);
    cr_expect(snapshot_verify(target.path, NULL, &(SnapshotVerification){0}, &error));
    target_free(&target);
}
