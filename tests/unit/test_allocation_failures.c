// Memory that runs out: each allocation of writing, reading and reporting on a snapshot is made
// to fail, one after the other. Every time there must be a clean error and nothing left behind,
// which the address sanitizer watches; without the failure all must work again.
//
// Linked with --wrap for the functions below (tests/tests.mk), so that calls from our code, and
// from it alone, come here first.

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "analysis/heap_diff.h"
#include "analysis/heap_report.h"
#include "formats/html/html_report.h"
#include "analysis/heap_selection.h"
#include "analysis/graph/merged_paths.h"
#include "analysis/reachability_report.h"
#include "analysis/retained_report.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

// Calls that still succeed; negative: all do. Tests that set it use one thread.
static long calls_left = -1;

static bool fails_now(void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

#define WRAPPED(type, name, parameters, arguments, failure)                                        \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (fails_now()) {                                                                         \
            errno = ENOMEM;                                                                        \
            return failure;                                                                        \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;
struct cJSON;
WRAPPED(void *, malloc, (size_t size), (size), NULL)
WRAPPED(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAPPED(void *, realloc, (void *memory, size_t size), (memory, size), NULL)
WRAPPED(char *, strdup, (const char *text), (text), NULL)
WRAPPED(char *, strndup, (const char *text, size_t length), (text, length), NULL)
WRAPPED(void *, reallocarray, (void *memory, size_t count, size_t size), (memory, count, size),
        NULL)
WRAPPED(FILE *, open_memstream, (char **bytes, size_t *size), (bytes, size), NULL)
WRAPPED(char *, realpath, (const char *path, char *resolved), (path, resolved), NULL)
WRAPPED(void *, mmap,
        (void *address, size_t length, int protection, int flags, int file, off_t offset),
        (address, length, protection, flags, file, offset), MAP_FAILED)
WRAPPED(struct ZSTD_CCtx_s *, ZSTD_createCCtx, (void), (), NULL)
WRAPPED(struct ZSTD_DCtx_s *, ZSTD_createDCtx, (void), (), NULL)
WRAPPED(struct cJSON *, cJSON_CreateObject, (void), (), NULL)
WRAPPED(struct cJSON *, cJSON_AddStringToObject,
        (struct cJSON * object, const char *name, const char *text), (object, name, text), NULL)
WRAPPED(char *, cJSON_Print, (const struct cJSON *object), (object), NULL)

int __wrap_asprintf(char **out, const char *format, ...) PRINTF_LIKE(2, 3);
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    int length = -1;

    *out = NULL;
    va_start(arguments, format);
    if (!fails_now())
        length = vasprintf(out, format, arguments);
    va_end(arguments);
    return length;
}

// Threads that cannot be started are done without.
static bool has_threads = true;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    return has_threads ? __real_pthread_create(thread, attributes, start, argument) : EAGAIN;
}

static RandomHeap *heap_with_everything(void)
{
    RandomHeapOptions options = random_heap_options(12, 1000);

    options.objects = 1000;
    options.roots = 50;
    options.blocks = 10;
    options.classes = 0;
    return random_heap_new(&options);
}

static size_t count_files(const TestFolder *folder)
{
    DIR *entries = opendir(folder->path);
    size_t count = 0;

    cr_assert_not_null(entries);
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count - 2;
}

Test(allocation_failures, writing_fails_cleanly_at_each)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    RandomHeap *heap = heap_with_everything();

    for (int replaces = 0; replaces <= 1; replaces++) {
        SnapshotWriteOptions options = {.threads = 1, .replaces = replaces != 0};
        size_t files_before = count_files(&folder);
        bool was_reached = true;
        long failed;
        for (failed = 0; was_reached; failed++) {
            Error error = {0};
            calls_left = failed;
            bool ok = snapshot_write(path, random_heap_contents(heap), &options, NULL, &error);
            was_reached = calls_left < 0;
            calls_left = -1;
            cr_assert(ok || (was_reached && error.code == ERROR_MEMORY), "%ld: %s", failed,
                      error.message);
            cr_assert(ok || count_files(&folder) == files_before, "%ld", failed);
        }
        cr_expect_gt(failed, 20);
    }
    calls_left = -1;
    cr_expect_eq(count_files(&folder), 1);
    free(path);
    random_heap_free(heap);
    test_folder_free(&folder);
}

typedef bool (*ReadFunction)(const char *path, Error *error);

static bool read_image(const char *path, Error *error)
{
    SnapshotReadOptions options = {.threads = 1};
    HeapImage *image = NULL;
    bool ok = snapshot_read(path, &options, &image, error);

    cr_assert_eq(ok, image != NULL);
    heap_image_free(image);
    return ok;
}

static bool read_relocated(const char *path, Error *error)
{
    SnapshotReadOptions options = {.threads = 1, .force_relocation = true};
    HeapImage *image = NULL;
    bool ok = snapshot_read(path, &options, &image, error);

    cr_assert_eq(ok, image != NULL);
    heap_image_free(image);
    return ok;
}

static bool read_info(const char *path, Error *error)
{
    SnapshotFileInfo info;
    bool ok = snapshot_read_info(path, &info, error);

    cr_assert_eq(ok, info.details != NULL);
    snapshot_file_info_release(&info);
    return ok;
}

static bool verify(const char *path, Error *error)
{
    SnapshotReadOptions options = {.threads = 1};
    SnapshotVerification verification;

    return snapshot_verify(path, &options, &verification, error);
}

Test(allocation_failures, reading_fails_cleanly_at_each)
{
    static const ReadFunction functions[] = {read_image, read_relocated, read_info, verify};
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    RandomHeap *heap = heap_with_everything();
    Error error = {0};

    cr_assert(snapshot_write(path, random_heap_contents(heap), NULL, NULL, &error), "%s",
              error.message);
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        long failed = 0;
        // A mapping that fails at its address is not a failure: the image is relocated then. So
        // the end is where no call was made to fail.
        for (bool was_reached = true; was_reached; failed++) {
            error = (Error){0};
            calls_left = failed;
            bool ok = functions[f](path, &error);
            was_reached = calls_left < 0;
            calls_left = -1;
            cr_assert(ok || (was_reached && error.code == ERROR_MEMORY), "%zu, %ld: %s", f, failed,
                      error.message);
        }
        cr_expect_gt(failed, 20);
    }
    free(path);
    random_heap_free(heap);
    test_folder_free(&folder);
}

Test(allocation_failures, reporting_fails_cleanly_at_each)
{
    RandomHeap *heap = heap_with_everything();
    HeapImage *image = random_heap_image(heap, true);
    MarkResult *result = NULL;
    Error error = {0};
    bool ok = false;
    long failed;

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error), "%s", error.message);
    for (failed = 0; !ok; failed++) {
        ReachabilityReport *report;

        calls_left = failed;
        ok = reachability_report_new(image, result, &report, &error);
        calls_left = -1;
        cr_assert_eq(ok, report != NULL);
        cr_assert(ok || error.code == ERROR_MEMORY, "%ld: %s", failed, error.message);
        reachability_report_free(report);
    }
    cr_expect_gt(failed, 10);
    mark_result_free(result);
    heap_image_free(image);
    random_heap_free(heap);
}

// What the questions about a marked heap are answered from. In this order, each from those before.
typedef struct Answers {
    ReachabilityReport *report;
    ObjectGraph *graph;
    NodeTypes *types;
    DominatorTree *tree;
    RetainedReport *retained;
    PathTree tree_of_paths;
    MergedPaths *merged;
    RootPaths paths;
    HeapSelection selection;
    HeapGroups groups;
    ResidueWords residue;
    CollectorMemory collector;
    TypeRoutes *routes;
    HeapHistory history;
    LeakSuspects suspects;
    GrownPlaces grown;
    PageFragmentation fragmentation;
    HeapProfile *profiles[2];
    HeapDiff *diff;
    HeapCut *cut;
} Answers;

static bool find_answers(Answers *answers, const HeapImage *image, const MarkResult *result,
                         Error *error)
{
    ObjectGraphOptions options = {.threads = 1};
    PathQuery query = {.context = NULL};

    *answers = (Answers){.report = NULL};
    return reachability_report_new(image, result, &answers->report, error) &&
           object_graph_new(image, result, &options, &answers->graph, error) &&
           node_types_new(answers->graph, answers->report->type_table, &answers->types, error) &&
           dominator_tree_new(answers->graph, NULL, &answers->tree, error) &&
           retained_report_new(answers->tree, answers->types, 10, &answers->retained, error) &&
           path_tree_init(&answers->tree_of_paths, answers->graph, &query, error) &&
           merged_paths_new(&answers->tree_of_paths, answers->types, NULL, NULL, &answers->merged,
                            error) &&
           root_paths_find(answers->graph, answers->graph->node_count / 2, &query, 5,
                           &answers->paths, error) &&
           heap_selection_make(image, answers->report->type_table, SELECT_HEAP, "foreign block",
                               &answers->selection, error) &&
           heap_groups_make(image, result, answers->report, answers->tree, answers->types,
                            &answers->groups, error) &&
           residue_words_find(image, result, &answers->residue, error) &&
           object_graph_flag_residue(answers->graph, &answers->residue, error) &&
           collector_memory_find(answers->graph, &answers->collector, error) &&
           type_routes_new(answers->tree, answers->types, &answers->tree_of_paths, NULL,
                           &answers->routes, error) &&
           heap_history_add(&answers->history, answers->report, &answers->groups, answers->routes,
                            1000, error) &&
           leak_suspects_find(answers->routes, 1000, answers->history.routes, 1, MOST_SUSPECTS,
                              &answers->suspects, error) &&
           grown_places_find(answers->routes, answers->history.routes, 1, &answers->grown, error) &&
           page_fragmentation_find(image, result, answers->tree, answers->types,
                                   &answers->fragmentation, error) &&
           heap_profile_new(image, result, answers->report, answers->merged, answers->types,
                            &answers->profiles[0], error) &&
           heap_profile_new(image, result, answers->report, NULL, answers->types,
                            &answers->profiles[1], error) &&
           heap_diff_new((const HeapProfile *const *)answers->profiles, 2, &answers->diff, error) &&
           heap_cut_new(image, &answers->cut, error);
}

static void release_answers(Answers *answers)
{
    heap_cut_free(answers->cut);
    heap_diff_free(answers->diff);
    heap_profile_free(answers->profiles[0]);
    heap_profile_free(answers->profiles[1]);
    page_fragmentation_release(&answers->fragmentation);
    residue_words_release(&answers->residue);
    collector_memory_release(&answers->collector);
    grown_places_release(&answers->grown);
    heap_history_release(&answers->history);
    type_routes_free(answers->routes);
    heap_groups_release(&answers->groups);
    heap_selection_release(&answers->selection);
    root_paths_release(&answers->paths);
    merged_paths_free(answers->merged);
    if (answers->tree_of_paths.graph != NULL)
        path_tree_release(&answers->tree_of_paths);
    retained_report_free(answers->retained);
    dominator_tree_free(answers->tree);
    node_types_free(answers->types);
    object_graph_free(answers->graph);
    reachability_report_free(answers->report);
}

static bool drop_bytes(void *context, const char *bytes, size_t count, Error *error)
{
    (void)bytes;
    (void)error;
    *(size_t *)context += count;
    return true;
}

// A label for which memory is short is null in JSON, so some failures are none of the page.
Test(allocation_failures, writing_a_page_fails_cleanly_at_each)
{
    RandomHeap *heap = heap_with_everything();
    HeapImage *image = random_heap_image(heap, true);
    MarkResult *result = NULL;
    Answers answers;
    Error error = {0};
    HeapReport report;
    size_t written = 0;
    long failed = 0;

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error), "%s", error.message);
    cr_assert(find_answers(&answers, image, result, &error));
    cr_assert(heap_report_make(image, result, answers.report, answers.tree, answers.types,
                               &answers.collector, &answers.history, 10, &report, &error));
    for (long at = 0; at < 300; at++) {
        bool ok;

        calls_left = at;
        ok = html_report_write((JsonSink){drop_bytes, &written}, &report, NULL, &error);
        calls_left = -1;
        cr_assert(ok || error.code == ERROR_MEMORY);
        failed += !ok;
    }
    cr_expect_gt(failed, 20);
    cr_expect_gt(written, 10000);
    heap_report_release(&report);
    release_answers(&answers);
    mark_result_free(result);
    heap_image_free(image);
    random_heap_free(heap);
}

Test(allocation_failures, answering_fails_cleanly_at_each)
{
    RandomHeap *heap = heap_with_everything();
    HeapImage *image = random_heap_image(heap, true);
    MarkResult *result = NULL;
    Error error = {0};
    bool ok = false;
    long failed;

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error), "%s", error.message);
    for (failed = 0; !ok; failed++) {
        Answers answers;

        calls_left = failed;
        ok = find_answers(&answers, image, result, &error);
        calls_left = -1;
        cr_assert_eq(ok, answers.cut != NULL);
        cr_assert(ok || error.code == ERROR_MEMORY, "%ld: %s", failed, error.message);
        release_answers(&answers);
    }
    cr_expect_gt(failed, 40);
    mark_result_free(result);
    heap_image_free(image);
    random_heap_free(heap);
}

Test(allocation_failures, threads_that_cannot_be_started_are_done_without)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    RandomHeap *heap = heap_with_everything();
    SnapshotWriteOptions options = {.threads = 8};
    SnapshotReadOptions read_options = {.threads = 8};
    HeapImage *image = NULL;
    Error error = {0};

    has_threads = false;
    cr_assert(snapshot_write(path, random_heap_contents(heap), &options, NULL, &error), "%s",
              error.message);
    cr_assert(snapshot_read(path, &read_options, &image, &error), "%s", error.message);
    cr_expect_null(image_differs(image, random_heap_contents(heap), false));
    heap_image_free(image);
    free(path);
    random_heap_free(heap);
    test_folder_free(&folder);
}
