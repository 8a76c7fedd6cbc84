// Prints what a snapshot calls things, for tests that know the truth:
//
//     print_names FILE types      "objects<TAB>bytes<TAB>label" of each type with live objects
//     print_names FILE roots      "kind<TAB>label" of each root word
//     print_names FILE functions  "trace<TAB>symbol", "drop<TAB>symbol" of each function
//     print_names FILE places     "thread<TAB>frame<TAB>level<TAB>function<TAB>file:line"
//     print_names FILE note       which names could not be found out

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/root_label.h"
#include "analysis/reachability_report.h"
#include "snapshot/file/snapshot_file.h"

static void must(bool is_ok, const Error *error)
{
    if (is_ok)
        return;
    fprintf(stderr, "print_names: %s\n", error->message);
    exit(3);
}

static void print_types(const HeapImage *image)
{
    ReachabilityReport *report = NULL;
    MarkResult *mark = NULL;
    const TypeTable *table;
    uint64_t *objects, *bytes;
    Error error;

    must(mark_reachable_serial(image, MARK_MAJOR, &mark, &error), &error);
    must(reachability_report_new(image, mark, &report, &error), &error);
    table = report->type_table;
    objects = calloc(table->type_count + 1, sizeof *objects);
    bytes = calloc(table->type_count + 1, sizeof *bytes);
    if (objects == NULL || bytes == NULL)
        abort();
    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++)
            if (heap_image_is_live(image, page, slot)) {
                uint32_t type = type_table_find(table, image, page, slot);
                objects[type]++;
                bytes[type] += image->pages[page].block_size;
            }
    for (uint32_t i = 0; i < table->type_count; i++)
        if (objects[i] > 0)
            printf("%llu\t%llu\t%s\n", (unsigned long long)objects[i], (unsigned long long)bytes[i],
                   table->types[i].label);
    free(objects);
    free(bytes);
    reachability_report_free(report);
    mark_result_free(mark);
}

static void print_roots(const HeapImage *image)
{
    for (uint64_t i = 0; i < image->root_count; i++) {
        char *label = root_label(image->details, &image->roots[i]);

        if (label == NULL)
            abort();
        printf("%s\t%s\n", root_kind_name((RootKind)image->roots[i].kind), label);
        free(label);
    }
}

static void print_functions(const char *which, const SnapshotType *functions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t s = 0; s < functions[i].symbol_count; s++)
            printf("%s\t%s\n", which, functions[i].symbols[s]);
}

static void print_places(const SnapshotDetails *details)
{
    for (uint32_t i = 0; i < details->place_count; i++) {
        const SnapshotPlace *place = &details->places[i];

        printf("%s\t%u\t%u\t%s\t%s:%u\n", details->threads[place->thread].name, place->frame,
               place->level, place->function, place->file, place->line);
    }
}

int main(int argc, char **argv)
{
    HeapImage *image = NULL;
    Error error;

    if (argc != 3)
        return 2;
    must(snapshot_read(argv[1], NULL, &image, &error), &error);
    if (strcmp(argv[2], "types") == 0) {
        print_types(image);
    } else if (strcmp(argv[2], "roots") == 0) {
        print_roots(image);
    } else if (strcmp(argv[2], "functions") == 0) {
        print_functions("trace", image->details->types, image->details->type_count);
        print_functions("drop", image->details->drops, image->details->drop_count);
    } else if (strcmp(argv[2], "places") == 0) {
        print_places(image->details);
    } else {
        printf("%s\n", snapshot_names_note(&image->details->metadata));
    }
    heap_image_free(image);
    return 0;
}
