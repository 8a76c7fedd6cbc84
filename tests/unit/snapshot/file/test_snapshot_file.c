// Snapshot files: overriding page sections, sections of the future, what free slots keep, and
// where a file may be written.

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/example_heap.h"
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

static Error must_refuse_stream(Bytes stream)
{
    HeapImage *image = NULL;
    Error error = {0};

    cr_assert_not(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error));
    cr_expect_null(image);
    return error;
}

// ---- the stream ----

// A PAGE section with one page: the first of `contents`, changed by one byte in a bitmap.
static Bytes override_of(const SnapshotContents *contents, uint64_t address, uint8_t mark)
{
    uint32_t page_size = contents->layout.page_size;
    ByteBuffer body = {0};

    byte_buffer_add_u64(&body, 1);
    byte_buffer_add_u64(&body, address);
    byte_buffer_add_u64(&body, 1);
    byte_buffer_add(&body, contents->runs[0].bytes, page_size);
    cr_assert_not(body.is_short);
    body.bytes[24 + contents->layout.mark_bitmap] = mark;
    return (Bytes){body.bytes, body.length};
}

Test(snapshot_stream, a_later_page_section_overrides_an_earlier_one)
{
    RandomHeap *heap = small_heap(1);
    const SnapshotContents *contents = random_heap_contents(heap);
    uint64_t address = contents->runs[0].address;
    Bytes stream = snapshot_stream(contents, NULL);
    HeapImage *image;

    // Two overrides, the later of which counts, before the last section.
    for (uint8_t mark = 0x11; mark <= 0x22; mark = (uint8_t)(mark + 0x11)) {
        SectionMap map = sections_of(stream.bytes, stream.length);
        Bytes body = override_of(contents, address, mark);
        stream = insert_section(stream, section_map_find(&map, SECTION_METADATA)->offset,
                                SECTION_PAGES, 0, body.bytes, body.length);
        section_map_release(&map);
        free(body.bytes);
    }
    image = must_read_stream(stream);
    uint32_t page = heap_image_find_page(image, address);
    cr_expect_eq(heap_image_page_bytes(image, page)[contents->layout.mark_bitmap], 0x22);
    heap_image_free(image);

    // The same through a file, whose frames end elsewhere.
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    Error error = {0};
    write_snapshot_file(path, stream.bytes, stream.length);
    cr_assert(snapshot_read(path, NULL, &image, &error), "%s", error.message);
    page = heap_image_find_page(image, address);
    cr_expect_eq(heap_image_page_bytes(image, page)[contents->layout.mark_bitmap], 0x22);
    heap_image_free(image);
    free(path);
    test_folder_free(&folder);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_stream, pages_outside_the_page_runs_are_refused)
{
    RandomHeap *heap = small_heap(2);
    const SnapshotContents *contents = random_heap_contents(heap);
    Bytes stream = snapshot_stream(contents, NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);
    Bytes body = override_of(contents, UINT64_C(0x700000000000), 1);

    stream = insert_section(stream, section_map_find(&map, SECTION_METADATA)->offset, SECTION_PAGES,
                            0, body.bytes, body.length);
    Error error = must_refuse_stream(stream);
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "belong to no page run") != NULL, "%s", error.message);
    section_map_release(&map);
    free(body.bytes);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_stream, unknown_sections_are_skipped)
{
    RandomHeap *heap = small_heap(3);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);
    HeapImage *image;
    const char *found;

    stream = insert_section(stream, section_map_find(&map, SECTION_ROOTS)->offset,
                            SECTION_TYPE('N', 'E', 'W', '1'), 0, "from the future", 15);
    image = must_read_stream(stream);
    found = image_differs(image, random_heap_contents(heap), false);
    cr_expect_null(found, "%s", found);
    heap_image_free(image);
    section_map_release(&map);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_stream, unknown_sections_that_are_needed_are_unsupported)
{
    RandomHeap *heap = small_heap(4);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);

    stream = insert_section(stream, section_map_find(&map, SECTION_ROOTS)->offset,
                            SECTION_TYPE('N', 'E', 'W', '1'), SECTION_FLAG_NEEDED, "x", 1);
    Error error = must_refuse_stream(stream);
    cr_expect_eq(error.code, ERROR_UNSUPPORTED, "%s", error.message);
    section_map_release(&map);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_stream, newer_major_versions_are_unsupported_and_newer_minor_ones_are_not)
{
    RandomHeap *heap = small_heap(5);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);

    stream.bytes[10] = 7;
    heap_image_free(must_read_stream(stream));
    stream.bytes[8] = 2;
    Error error = must_refuse_stream(stream);
    cr_expect_eq(error.code, ERROR_UNSUPPORTED, "%s", error.message);
    stream.bytes[8] = 0;
    error = must_refuse_stream(stream);
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", error.message);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_stream, a_type_section_may_not_come_twice)
{
    RandomHeap *heap = small_heap(6);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);

    stream = insert_section(stream, section_map_find(&map, SECTION_METADATA)->offset, SECTION_ROOTS,
                            0, "\0\0\0\0\0\0\0\0", 8);
    Error error = must_refuse_stream(stream);
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "second section 'ROOT'") != NULL, "%s", error.message);
    section_map_release(&map);
    free(stream.bytes);
    random_heap_free(heap);
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

Test(snapshot_file, free_slots_keep_their_header_or_link_and_nothing_else)
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

Test(snapshot_file, an_existing_file_is_replaced_only_when_asked)
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

Test(snapshot_file, replacing_a_link_replaces_the_file_behind_it)
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

Test(snapshot_file, a_link_to_nowhere_is_a_name_that_is_taken)
{
    Target target = target_new();
    Error error;

    cr_assert_eq(symlink("nowhere", target.path), 0);
    cr_expect_not(write_to(&target, target.path, false, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    target_free(&target);
}

Test(snapshot_file, folders_and_missing_folders_say_what_to_do)
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

Test(snapshot_file, a_read_only_folder_is_a_system_error)
{
    Target target = target_new();
    Error error;
    int status = 0;
    pid_t child;

    cr_assert_eq(chmod(target.folder.path, 0555), 0);
    // Root may write everywhere, so somebody else tries.
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

Test(snapshot_file, a_full_device_is_a_system_error)
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

Test(snapshot_file, a_pipe_is_written_straight)
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

Test(snapshot_file, others_may_not_read_it)
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

Test(snapshot_file, cancelling_at_any_time_leaves_nothing)
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

// ---- reading what is not there ----

Test(snapshot_file, what_is_no_snapshot_is_named)
{
    Target target = target_new();
    HeapImage *image = NULL;
    Error error;

    cr_expect_not(snapshot_read(target.path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
    write_bytes(target.path, "", 0);
    cr_expect_not(snapshot_read(target.path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "empty") != NULL, "%s", error.message);
    write_bytes(target.path,
                "\x7f"
                "ELF, or whatever",
                17);
    cr_expect_not(snapshot_read(target.path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "is not a snapshot") != NULL, "%s", error.message);
    cr_expect_not(snapshot_read(target.folder.path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", error.message);
    cr_expect(strstr(error.message, "folder") != NULL, "%s", error.message);
    target_free(&target);
}

Test(snapshot_file, a_snapshot_that_is_too_large_for_this_machine_says_so)
{
    Target target = target_new();
    SnapshotReadOptions options = {.max_stream_bytes = 10000};
    HeapImage *image = NULL;
    Error error;

    cr_assert(write_to(&target, target.path, false, &error), "%s", error.message);
    cr_expect_not(snapshot_read(target.path, &options, &image, &error));
    cr_expect_eq(error.code, ERROR_MEMORY, "%s", error.message);
    cr_expect_neq(error.hint[0], '\0');
    target_free(&target);
}

// ---- what few snapshots have ----

Test(snapshot_file, told_roots_and_types_and_losses_are_read_as_they_were_written)
{
    SnapshotReadOptions options = {.force_relocation = true};
    SnapshotContents contents;
    HeapImage *image;
    Error error;
    Bytes stream;

    example_told_heap(&contents);
    stream = snapshot_stream(&contents, NULL);
    cr_assert(snapshot_read_stream(stream.bytes, stream.length, &options, &image, &error), "%s",
              error.message);
    const SnapshotDetails *read = image->details, *written = contents.details;
    cr_assert_eq(read->root_name_count, 1u);
    cr_expect_eq(read->root_names[0].address, written->root_names[0].address);
    cr_expect_eq(read->root_names[0].value, written->root_names[0].value);
    cr_expect_str_eq(read->root_names[0].name, "list of all");
    cr_assert_eq(read->type_layout_count, 1u);
    cr_expect_eq(read->type_layouts[0].type_word, written->type_layouts[0].type_word);
    cr_expect_eq(read->type_layouts[0].rest_offset, UINT32_MAX);
    cr_assert_eq(read->type_layouts[0].offset_count, 1u);
    cr_expect_eq(read->type_layouts[0].offsets[0], 48u);
    cr_assert_eq(read->loss_count, 2u);
    cr_expect_eq(read->losses[0].kind, LOSS_PAGES);
    cr_expect_eq(read->losses[0].bytes, 8192u);
    cr_expect_str_eq(read->losses[0].why, "damaged");
    cr_expect_eq(read->losses[1].kind, LOSS_NAMES);
    cr_expect_not(read->metadata.is_complete);
    cr_expect(image->has_exact_types);
    heap_image_free(image);
    free(stream.bytes);
}

Test(snapshot_file, told_things_that_cannot_be_are_refused)
{
    static const char *const names[] = {
        "told-root-names-huge", "told-root-name-huge",    "told-layouts-huge",
        "told-offsets-huge",    "told-offset-unaligned",  "told-rest-before-offset",
        "told-losses-huge",     "told-loss-kind-unknown", "told-loss-bytes-huge",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        Bytes stream;

        (void)snprintf(path, sizeof path, "tests/fuzz/corpus/snapshot_stream/%s", names[i]);
        stream = file_bytes(path);
        cr_expect_eq(must_refuse_stream(stream).code, ERROR_CORRUPT, "%s", names[i]);
        free(stream.bytes);
    }
}
