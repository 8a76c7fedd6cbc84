// HeapProfile: see analysis/heap_profile.h.

#include "analysis/heap_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/type_table.h"
#include "base/side_table.h"

void heap_profile_free(HeapProfile *profile)
{
    if (profile == NULL)
        return;
    for (uint32_t i = 0; profile->types != NULL && i < profile->type_count; i++)
        free(profile->types[i].label);
    for (uint32_t i = 0; profile->paths != NULL && i < profile->path_count; i++)
        free(profile->paths[i].label);
    free(profile->types);
    free(profile->paths);
    free(profile->pages);
    free(profile->live);
    side_table_free(profile->objects, profile->object_count * sizeof *profile->objects);
    free(profile);
}

static void take_process(ProfileProcess *process, const SnapshotDetails *details)
{
    const SnapshotMetadata *metadata = &details->metadata;

    process->pid = metadata->pid;
    process->captured_at_ns = metadata->captured_at_ns;
    memcpy(process->executable, metadata->executable, sizeof process->executable);
    memcpy(process->build_id, metadata->build_id, sizeof process->build_id);
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(details->modules[i].name, metadata->executable) == 0)
            process->base = details->modules[i].base;
}

// ---- types ----

static int compare_types(const void *left, const void *right)
{
    return strcmp(((const ProfileType *)left)->label, ((const ProfileType *)right)->label);
}

// The build of the module that the number of a type without a name stands for; see ProfileType.
static void take_build(const SnapshotDetails *details, const TypeTable *table, uint32_t type,
                       char build[PROFILE_BUILD_CHARS])
{
    const HeapType *record = &table->types[type];
    const SnapshotType *function = NULL;

    build[0] = '\0';
    if (record->kind == HEAP_TYPE_OBJECTS && record->name == NULL)
        function = snapshot_details_find_type(details, table->keys[record->first_key].trace);
    if (function != NULL && function->module < details->module_count)
        (void)snprintf(build, PROFILE_BUILD_CHARS, "%.*s", PROFILE_BUILD_CHARS - 1,
                       details->modules[function->module].build_id);
}

// Types of equal labels become one. `*index_of` gets the profile's number of each type of the
// table.
static bool take_types(HeapProfile *profile, const SnapshotDetails *details,
                       const ReachabilityReport *report, uint32_t **index_of, Error *error)
{
    const TypeTable *table = report->type_table;
    uint32_t *unified;
    bool ok = true;

    *index_of = calloc((size_t)table->type_count + 1, sizeof **index_of);
    profile->types = calloc((size_t)table->type_count + 1, sizeof *profile->types);
    if (*index_of == NULL || profile->types == NULL)
        return error_set_memory(error, table->type_count * sizeof *profile->types, "types");
    if (!node_types_unify(table, &unified, error))
        return false;
    for (uint32_t type = 0; ok && type < table->type_count; type++) {
        if (unified[type] != type)
            continue;
        take_build(details, table, type, profile->types[profile->type_count].build);
        profile->types[profile->type_count].label = strdup(table->types[type].label);
        ok = profile->types[profile->type_count++].label != NULL ||
             error_set(error, ERROR_MEMORY, "cannot allocate memory for a type's label");
    }
    if (ok) {
        qsort(profile->types, profile->type_count, sizeof *profile->types, compare_types);
        for (uint32_t type = 0; type < table->type_count; type++) {
            ProfileType key = {.label = (char *)(uintptr_t)table->types[type].label};
            ProfileType *found =
                bsearch(&key, profile->types, profile->type_count, sizeof key, compare_types);

            (*index_of)[type] = (uint32_t)(found - profile->types);
            reachability_counts_add(&found->counts, &report->heap_type_counts[type]);
        }
    }
    free(unified);
    return ok;
}

// ---- paths ----

static int compare_sizes(const void *left, const void *right, void *context)
{
    const MergedPaths *merged = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    if (merged->steps[a].own_objects != merged->steps[b].own_objects)
        return merged->steps[a].own_objects > merged->steps[b].own_objects ? -1 : 1;
    return (a > b) - (a < b);
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(((const ProfilePath *)left)->label, ((const ProfilePath *)right)->label);
}

// The label of a step. Without a name, a type has the place of its trace function and the build of
// the module, as its number is another one in each heap.
static void put_step(FILE *stream, const MergedPaths *merged, const NodeTypes *types, uint32_t step)
{
    const char *label = merged_step_label(merged, types, step);
    const char *trace = type_label_without_number(label);
    uint32_t type = merged->steps[step].type;
    char build[PROFILE_BUILD_CHARS] = "";

    if (merged->steps[step].parent == NO_INDEX || trace == label ||
        type >= types->table->type_count) {
        (void)fputs(label, stream);
        return;
    }
    take_build(types->graph->image->details, types->table, type, build);
    if (build[0] == '\0')
        (void)fprintf(stream, "type %s", trace);
    else
        (void)fprintf(stream, "type %.*s, build %.8s)", (int)strlen(trace) - 1, trace, build);
}

// The labels of all steps down to one. NULL when memory is short.
static char *path_label(const MergedPaths *merged, const NodeTypes *types, uint32_t step)
{
    uint32_t chain[MERGED_DEPTH + 2], depth = 0;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    for (; step != NO_INDEX; step = merged->steps[step].parent)
        chain[depth++] = step;
    while (depth-- > 0) {
        const char *field = merged_step_field(merged, chain[depth]);

        if (field != NULL)
            (void)fprintf(stream, "%s%c", field, PROFILE_FIELD_END);
        put_step(stream, merged, types, chain[depth]);
        if (depth > 0)
            (void)fputc(PROFILE_PATH_SEPARATOR, stream);
    }
    // A memory stream reports only here that memory was short.
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

// Each path names all types on it, and types of a file may have long names: of such, only the paths
// with most objects are compared.
#define MOST_LABEL_BYTES (UINT64_C(16) << 20)

static bool take_paths(HeapProfile *profile, const MergedPaths *merged, const NodeTypes *types,
                       Error *error)
{
    uint32_t *order = calloc((size_t)merged->step_count + 1, sizeof *order), count = 0;
    uint64_t label_bytes = 0;
    bool ok = order != NULL;

    for (uint32_t step = 0; ok && step < merged->step_count; step++)
        if (merged->steps[step].own_objects > 0)
            order[count++] = step;
    if (ok)
        qsort_r(order, count, sizeof *order, compare_sizes, (void *)(uintptr_t)merged);
    count = count < PROFILE_MAX_PATHS ? count : PROFILE_MAX_PATHS;
    profile->paths = calloc((size_t)count + 1, sizeof *profile->paths);
    ok = ok && profile->paths != NULL;
    for (uint32_t i = 0; ok && i < count && label_bytes < MOST_LABEL_BYTES; i++) {
        ProfilePath *path = &profile->paths[profile->path_count++];

        path->label = path_label(merged, types, order[i]);
        label_bytes += path->label == NULL ? 0 : strlen(path->label);
        path->objects = merged->steps[order[i]].own_objects;
        path->bytes = merged->steps[order[i]].own_bytes;
        path->owned_bytes = merged->steps[order[i]].owned_bytes;
        ok = path->label != NULL;
    }
    free(order);
    if (!ok)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for paths");
    qsort(profile->paths, profile->path_count, sizeof *profile->paths, compare_paths);
    profile->has_paths = true;
    profile->knows_fields = merged->knows_fields;
    return true;
}

static void drop_fields(char *label)
{
    char *to = label, *step = label;

    for (const char *from = label; *from != '\0'; from++) {
        if (*from == PROFILE_FIELD_END) {
            to = step;
            continue;
        }
        *to++ = *from;
        if (*from == PROFILE_PATH_SEPARATOR)
            step = to;
    }
    *to = '\0';
}

void heap_profiles_match(HeapProfile *const *profiles, uint32_t count)
{
    bool know_fields = true;

    for (uint32_t i = 0; i < count; i++)
        know_fields = know_fields && (profiles[i]->knows_fields || !profiles[i]->has_paths);
    for (uint32_t i = 0; !know_fields && i < count; i++) {
        for (uint32_t path = 0; path < profiles[i]->path_count; path++)
            drop_fields(profiles[i]->paths[path].label);
        if (profiles[i]->path_count > 0)
            qsort(profiles[i]->paths, profiles[i]->path_count, sizeof *profiles[i]->paths,
                  compare_paths);
    }
}

// ---- pages and objects ----

static ProfileObject take_object(const HeapImage *image, const MarkResult *mark, uint32_t page,
                                 uint32_t slot, uint32_t type)
{
    const HeapLayout *layout = &image->layout;
    ProfileObject object = {.type = type,
                            .is_reachable = mark_result_is_marked(mark, image, page, slot)};
    const uint8_t *bytes;

    if (!heap_layout_has_object_header(layout, image->pages[page].block_size))
        return object;
    bytes = heap_image_object_bytes(image, page, slot);
    object.generation = heap_layout_read(bytes, layout->object_generation) & 0x3fffffff;
    object.is_old = (heap_layout_read(bytes, layout->weak_count) & layout->old_bit) != 0;
    return object;
}

static void take_page(HeapProfile *profile, const HeapImage *image, const MarkResult *mark,
                      const TypeTable *table, const uint32_t *index_of, uint32_t page,
                      uint64_t *next_word)
{
    const HeapPage *record = &image->pages[page];
    ProfilePage *out = &profile->pages[page];

    *out = (ProfilePage){.address = record->address,
                         .block_size = record->block_size,
                         .owner_thread = record->owner_thread,
                         .generation = heap_image_generation(image, page),
                         .slot_count = record->slot_count,
                         .first_word = *next_word,
                         .first_object = profile->object_count,
                         .is_large = heap_image_is_large(image, page)};
    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
        uint64_t first = heap_image_first_word(image, page);
        uint64_t live = image->live[first + word];

        profile->live[(*next_word)++] = live;
        out->reachable += (uint32_t)__builtin_popcountll(mark->marked[first + word]);
        for (; live != 0; live &= live - 1) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(live);

            profile->objects[profile->object_count++] = take_object(
                image, mark, page, slot, index_of[type_table_find(table, image, page, slot)]);
        }
    }
}

static bool take_pages(HeapProfile *profile, const HeapImage *image, const MarkResult *mark,
                       const ReachabilityReport *report, const uint32_t *index_of, Error *error)
{
    uint64_t words = 0, next_word = 0;

    for (uint32_t page = 0; page < image->page_count; page++)
        words += heap_image_page_words(image, page);
    profile->pages = calloc((size_t)image->page_count + 1, sizeof *profile->pages);
    profile->live = calloc(words + 1, sizeof *profile->live);
    profile->objects = side_table_new(report->totals.objects * sizeof *profile->objects);
    if (profile->pages == NULL || profile->live == NULL || profile->objects == NULL) {
        // heap_profile_free() takes the size of the table from it.
        profile->object_count = report->totals.objects;
        return error_set_memory(error, report->totals.objects * sizeof *profile->objects,
                                "the objects of a heap");
    }
    for (uint32_t page = 0; page < image->page_count; page++)
        take_page(profile, image, mark, report->type_table, index_of, page, &next_word);
    profile->page_count = image->page_count;
    return true;
}

// Blocks without content count with the types of their owners.
static void take_owned(HeapProfile *profile, const NodeTypes *types, const uint32_t *index_of)
{
    const ObjectGraph *graph = types->graph;
    const SnapshotDetails *details = graph->image->details;
    uint64_t blocks;

    profile->knows_owned = details->metadata.sized_blocks_recorded;
    object_graph_count_sized(graph, &blocks, &profile->sized_bytes);
    for (uint32_t block = 0; block < details->sized_block_count; block++) {
        uint32_t node = object_graph_sized_node(graph, block);

        if (node < graph->object_count)
            profile->types[index_of[types->by_node[node]]].owned_bytes +=
                sized_block_bytes(&details->sized_blocks[block]);
    }
}

bool heap_profile_new(const HeapImage *image, const MarkResult *mark,
                      const ReachabilityReport *report, const MergedPaths *merged,
                      const NodeTypes *types, HeapProfile **out, Error *error)
{
    HeapProfile *profile = calloc(1, sizeof *profile);
    uint32_t *index_of = NULL;
    bool ok;

    *out = NULL;
    if (profile == NULL)
        return error_set_memory(error, sizeof *profile, "a heap to compare");
    take_process(&profile->process, image->details);
    memcpy(profile->digest, report->digest, sizeof profile->digest);
    profile->totals = report->totals;
    profile->heap_bytes = report->heap_bytes;
    profile->foreign_blocks = report->reachable_foreign_blocks;
    profile->foreign_bytes = report->reachable_foreign_bytes;
    ok = take_types(profile, image->details, report, &index_of, error) &&
         (merged == NULL || take_paths(profile, merged, types, error)) &&
         take_pages(profile, image, mark, report, index_of, error);
    if (ok && types != NULL)
        take_owned(profile, types, index_of);
    free(index_of);
    if (ok)
        *out = profile;
    else
        heap_profile_free(profile);
    return ok;
}
