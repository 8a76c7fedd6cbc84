// The in-process capture: the snapshot holds what the program declares; a wrong declaration is
// refused with a reason, while the program goes on.

#include "embed/rudo_snap.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "marker/mark.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/dose.h"

#define PAGE 4096u
#define NODE_TYPE UINT64_C(0x1000)
#define LEAF_TYPE UINT64_C(0x2000)
#define ARRAY_TYPE UINT64_C(0x3000)

static const uint32_t node_offsets[] = {56, 48}; // in no order, on purpose
static const rudo_snap_type types[] = {
    {"Node", NODE_TYPE, node_offsets, 2, 0},
    {"Leaf", LEAF_TYPE, NULL, 0, 0},
    {"Array", ARRAY_TYPE, NULL, 0, 64},
};

static uint8_t *pages; // three of class 128
static void *root_a, *root_b;
static void *block[4];
static char path[64];
static rudo_snap_options options;
static rudo_snap_result result;

static void make_page(uint8_t *page)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint32_t header_size = heap_layout_small_header_size(layout, 128);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, 128);
    heap_layout_write(page, layout->object_count, (layout->page_size - header_size) / 128);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    memset(page + layout->allocated_bitmap, 0xff, 2); // 16 of 19 slots
}

static uint8_t *object(unsigned page, unsigned slot)
{
    return pages + (size_t)PAGE * page + 1664 + (size_t)128 * slot;
}

static void set_word(uint8_t *to, uint32_t offset, const void *value)
{
    memcpy(to + offset, &value, sizeof value);
}

static void set_type(uint8_t *to, uint64_t type)
{
    memcpy(to + 24, &type, sizeof type);
}

static void begin(void)
{
    pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(pages != MAP_FAILED);
    for (unsigned i = 0; i < 3; i++)
        make_page(pages + (size_t)PAGE * i);
    root_a = object(0, 0);
    root_b = NULL;
    (void)snprintf(path, sizeof path, "/tmp/rudo-snap-told-%d", (int)getpid());
    (void)unlink(path);
    rudo_snap_options_init(&options);
    static rudo_snap_pages all;
    static rudo_snap_root roots[2];
    all = (rudo_snap_pages){pages, (size_t)3 * PAGE};
    roots[0] = (rudo_snap_root){"first root", &root_a};
    roots[1] = (rudo_snap_root){"second root", &root_b};
    options.pages = &all;
    options.page_count = 1;
    options.roots = roots;
    options.root_count = 2;
    options.types = types;
    options.type_count = 3;
}

static void end(void)
{
    (void)unlink(path);
    (void)munmap(pages, (size_t)3 * PAGE);
}

TestSuite(rudo_snap, .init = begin, .fini = end, .timeout = 60);

static rudo_snap_status capture(void)
{
    return rudo_snap_wait(rudo_snap_capture(path, &options), &result);
}

static void expect_refused(rudo_snap_status status, const char *what)
{
    cr_expect_eq(capture(), status, "status %d: %s", (int)result.status, result.message);
    cr_expect_not_null(strstr(result.message, what), "'%s' does not say: %s", result.message, what);
    cr_expect_neq(access(path, F_OK), 0, "a file was made");
}

// Reads what was written and marks it; the caller frees both.
static HeapImage *read_and_mark(MarkResult **marks)
{
    HeapImage *image = NULL;
    Error error;

    cr_assert(snapshot_read(path, NULL, &image, &error), "%s", error.message);
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, marks, &error));
    return image;
}

static uint64_t count_marked(void)
{
    MarkResult *marks;
    HeapImage *image = read_and_mark(&marks);
    uint64_t count = marks->totals.marked_objects;

    mark_result_free(marks);
    heap_image_free(image);
    return count;
}

Test(rudo_snap, pages_roots_and_names_are_in_the_snapshot)
{
    MarkResult *marks;
    HeapImage *image;

    set_type(object(0, 0), LEAF_TYPE);
    cr_assert_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(result.page_count, 3u);
    cr_expect_eq(result.object_count, 48u);
    cr_expect_gt(result.file_bytes, 0u);
    cr_expect_gt(result.pause_ns, 0u);
    cr_expect_str_eq(result.message, "");
    image = read_and_mark(&marks);
    cr_expect_eq(image->page_count, 3u);
    cr_expect_eq(image->root_count, 2u);
    cr_expect_eq(image->roots[0].kind, ROOT_EXPLICIT);
    cr_expect_eq(image->roots[0].is_exact, 1);
    cr_expect_str_eq(snapshot_details_find_root_name(image->details, (uintptr_t)&root_a,
                                                     (uintptr_t)object(0, 0)),
                     "first root");
    cr_expect_str_eq(snapshot_details_find_type(image->details, LEAF_TYPE)->symbols[0], "Leaf");
    cr_expect_str_eq(image->details->metadata.method, "in-process");
    cr_expect_eq(image->details->metadata.pid, (uint32_t)getpid());
    cr_expect_eq(marks->totals.marked_objects, 1u);
    mark_result_free(marks);
    heap_image_free(image);
}

Test(rudo_snap, declared_words_are_references_and_no_others_are)
{
    set_type(object(0, 0), NODE_TYPE);
    set_word(object(0, 0), 48, object(0, 1)); // declared
    set_word(object(0, 0), 56, object(0, 2)); // declared
    set_word(object(0, 0), 64, object(0, 3)); // a number that looks like a reference
    set_type(object(0, 1), LEAF_TYPE);
    set_word(object(0, 1), 48, object(0, 4)); // leaves have no references
    set_type(object(0, 2), ARRAY_TYPE);
    set_word(object(0, 2), 56, object(0, 5));  // before the elements
    set_word(object(0, 2), 64, object(1, 0));  // the first element
    set_word(object(0, 2), 120, object(1, 1)); // the last
    set_word(object(1, 0), 48, object(1, 2));  // of an undeclared type: may be one
    cr_assert_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(count_marked(), 6u);
    // The same without types is guesswork.
    options.type_count = 0;
    options.replaces = 1;
    cr_assert_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(count_marked(), 9u);
}

Test(rudo_snap, blocks_are_traced_from_wherever_a_reference_points_into_them)
{
    rudo_snap_block told = {block, sizeof block};

    set_type(object(0, 0), NODE_TYPE);
    set_word(object(0, 0), 48, &block[1]);
    block[3] = object(2, 7);
    options.blocks = &told;
    options.block_count = 1;
    cr_assert_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(count_marked(), 2u);
}

static int page_by_page(void *context, rudo_snap_pages *out)
{
    unsigned *next = context;

    if (*next == 3)
        return 0;
    // Descending: the order does not matter.
    *out = (rudo_snap_pages){pages + (size_t)PAGE * (2 - *next), PAGE};
    ++*next;
    return 1;
}

static int root_by_root(void *context, rudo_snap_root *out)
{
    unsigned *next = context;

    *out = (rudo_snap_root){NULL, &root_b};
    return (*next)++ == 0;
}

Test(rudo_snap, callbacks_tell_the_same_as_lists)
{
    unsigned next_page = 0, next_root = 0;

    options.page_count = options.root_count = 0;
    options.next_pages = page_by_page;
    options.pages_context = &next_page;
    options.next_root = root_by_root;
    options.roots_context = &next_root;
    root_b = object(2, 15);
    cr_assert_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(result.page_count, 3u);
    cr_expect_eq(count_marked(), 1u);
    cr_expect_eq(next_page, 0u, "the callbacks run in the child");
}

Test(rudo_snap, the_snapshot_is_of_the_moment_of_the_call)
{
    rudo_snap_job *job = rudo_snap_capture(path, &options);

    // The writer does not see what is done from here on.
    memset(pages, 0, (size_t)3 * PAGE);
    root_a = NULL;
    cr_assert_eq(rudo_snap_wait(job, &result), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(count_marked(), 1u);
}

Test(rudo_snap, a_job_tells_when_it_is_done)
{
    rudo_snap_job *job = rudo_snap_capture(path, &options);

    while (!rudo_snap_is_done(job))
        (void)usleep(1000);
    cr_expect_eq(rudo_snap_wait(job, NULL), RUDO_SNAP_DONE);
    cr_expect_eq(rudo_snap_wait(NULL, &result), RUDO_SNAP_MEMORY);
    cr_expect(rudo_snap_is_done(NULL));
}

Test(rudo_snap, a_program_that_reaps_all_its_children_gets_the_result_nevertheless)
{
    rudo_snap_job *job = rudo_snap_capture(path, &options);

    while (wait(NULL) > 0)
        continue;
    cr_expect_eq(rudo_snap_wait(job, &result), RUDO_SNAP_DONE, "%s", result.message);
}

Test(rudo_snap, pages_that_cannot_be_are_refused)
{
    rudo_snap_pages told[2] = {{pages + 8, PAGE}, {pages, PAGE}};

    options.pages = told;
    expect_refused(RUDO_SNAP_INVALID, "are not pages of 4096 bytes");
    told[0] = (rudo_snap_pages){pages, 100};
    expect_refused(RUDO_SNAP_INVALID, "are not pages of 4096 bytes");
    told[0] = (rudo_snap_pages){pages, PAGE};
    options.page_count = 2;
    expect_refused(RUDO_SNAP_INVALID, "is declared twice");
    options.page_count = 0;
    expect_refused(RUDO_SNAP_INVALID, "there are no pages");
    options.page_count = 1;
    pages[10] ^= 1;
    expect_refused(RUDO_SNAP_INVALID, "is not a page of layout 'rudo-gc-0.8': ");
}

Test(rudo_snap, roots_blocks_and_types_that_cannot_be_are_refused)
{
    rudo_snap_root root = {"odd", (const char *)&root_a + 1};
    rudo_snap_block blocks[2] = {{block, sizeof block}, {&block[1], 8}};
    uint32_t odd_offset = 49, header_offset = 40;
    rudo_snap_type type = {"Odd", 0x4000, &odd_offset, 1, 0};

    options.roots = &root;
    options.root_count = 1;
    expect_refused(RUDO_SNAP_INVALID, "root 'odd'");
    options.root_count = 0;
    options.blocks = blocks;
    options.block_count = 2;
    expect_refused(RUDO_SNAP_INVALID, "overlaps another");
    options.block_count = 0;
    options.types = &type;
    options.type_count = 1;
    expect_refused(RUDO_SNAP_INVALID, "type 'Odd'");
    type.offsets = &header_offset;
    expect_refused(RUDO_SNAP_INVALID, "type 'Odd'");
    type = (rudo_snap_type){NULL, 0x4000, NULL, 0, 0};
    expect_refused(RUDO_SNAP_INVALID, "type ''");
    type = (rudo_snap_type){"Odd", 0x4000, NULL, 0, 8};
    expect_refused(RUDO_SNAP_INVALID, "type 'Odd'");
    rudo_snap_type twins[2] = {{"A", 1, NULL, 0, 0}, {"B", 1, NULL, 0, 0}};
    options.types = twins;
    options.type_count = 2;
    expect_refused(RUDO_SNAP_INVALID, "have the same type word");
}

Test(rudo_snap, options_that_cannot_be_are_refused)
{
    options.layout = "{}";
    expect_refused(RUDO_SNAP_INVALID, "'schema'");
    options.layout = NULL;
    options.level = 20;
    expect_refused(RUDO_SNAP_USAGE, "level 20");
    options.level = 0;
    options.max_file_bytes = 200;
    expect_refused(RUDO_SNAP_LIMIT, "larger than 200 bytes");
    options.struct_bytes = 0;
    expect_refused(RUDO_SNAP_USAGE, "rudo_snap_options_init()");
    cr_expect_eq(rudo_snap_wait(rudo_snap_capture(path, NULL), &result), RUDO_SNAP_USAGE);
    rudo_snap_options_init(&options);
    cr_expect_eq(rudo_snap_wait(rudo_snap_capture(NULL, &options), &result), RUDO_SNAP_USAGE);
    cr_expect_eq(rudo_snap_wait(rudo_snap_capture("/nowhere/heap", &options), &result),
                 RUDO_SNAP_SYSTEM);
}

Test(rudo_snap, options_of_an_older_program_are_understood)
{
    // As if the last members had not been invented yet.
    options.struct_bytes = offsetof(rudo_snap_options, level);
    options.level = 99;
    options.max_file_bytes = 1;
    cr_expect_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
}

Test(rudo_snap, an_existing_file_stays_unless_it_may_be_replaced)
{
    cr_assert_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
    cr_expect_eq(capture(), RUDO_SNAP_USAGE);
    cr_expect_not_null(strstr(result.message, "exists already"));
    options.replaces = 1;
    cr_expect_eq(capture(), RUDO_SNAP_DONE, "%s", result.message);
}

Test(rudo_snap, memory_that_is_not_there_ends_the_writer_not_the_program)
{
    const struct rlimit no_core = {0, 0};
    rudo_snap_pages told = {(const void *)(uintptr_t)0x10000, PAGE};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (test_is_sanitized())
        cr_skip_test("a sanitizer would report what the test is about");
    options.pages = &told;
    expect_refused(RUDO_SNAP_SYSTEM, "ended by signal 11");
}

static volatile sig_atomic_t handled;

static void handle(int number)
{
    handled = number;
}

static int ask_for_term(void *context, rudo_snap_pages *out)
{
    (void)context;
    (void)out;
    (void)raise(SIGTERM);
    return 0;
}

Test(rudo_snap, the_writer_runs_none_of_the_programs_signal_handlers)
{
    (void)signal(SIGTERM, handle);
    options.next_pages = ask_for_term;
    expect_refused(RUDO_SNAP_SYSTEM, "ended by signal 15");
    cr_expect_eq(handled, 0);
    (void)raise(SIGTERM);
    cr_expect_eq(handled, SIGTERM, "the program's own handler is as it was");
}
