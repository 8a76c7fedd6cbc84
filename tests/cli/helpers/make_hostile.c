// Makes snapshots that take much time or memory where an algorithm is careless, of any size:
//
//     make_hostile KIND N FILE
//     make_hostile kinds              lists the kinds
//
// Each has N of something: docs/benchmarks.md says of what. For tests/cli/growth.sh.

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "snapshot/heap/rudo_gc_layouts.h"
#include "tests/support/snapshot_streams.h"

#define FIRST_PAGE UINT64_C(0x600000000000)
#define CLASS 64u
#define TRACE UINT64_C(0x555500001000)
#define DROP UINT64_C(0x7ffff0002000)
#define STACK UINT64_C(0x700000000000)

typedef struct Making {
    uint32_t count;
    SnapshotContents contents;
    SnapshotDetails details;
    SnapshotPages run;
    uint8_t *pages;
    uint32_t per_page;
    uint32_t header_size;
    Root *roots;
} Making;

static void *many(uint64_t count, size_t bytes)
{
    void *memory = calloc(count + 1, bytes);

    if (memory == NULL)
        abort();
    return memory;
}

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
    va_list arguments;
    char *out;

    va_start(arguments, format);
    if (vasprintf(&out, format, arguments) < 0)
        abort();
    va_end(arguments);
    return out;
}

static char *long_text(char letter, uint32_t length, const char *end)
{
    char *out = many(length + strlen(end), 1);

    memset(out, letter, length);
    strcpy(out + length, end);
    return out;
}

// ---- objects ----

static uint64_t object_address(const Making *making, uint32_t index)
{
    return FIRST_PAGE + index / making->per_page * UINT64_C(4096) + making->header_size +
           index % making->per_page * (uint64_t)CLASS;
}

static uint8_t *object_at(const Making *making, uint32_t index)
{
    return making->pages + (object_address(making, index) - FIRST_PAGE);
}

static void set_functions(Making *making, uint32_t index, uint64_t trace, uint64_t drop)
{
    uint8_t *object = object_at(making, index);

    heap_layout_write(object, making->contents.layout.type_word, trace);
    heap_layout_write(object, making->contents.layout.drop_function, drop);
}

static void set_word(Making *making, uint32_t index, uint32_t word, uint64_t value)
{
    bytes_put_u64(object_at(making, index) + making->contents.layout.object_header_bytes + 8 * word,
                  value);
}

static void make_page(const HeapLayout *layout, uint32_t objects, uint8_t *page)
{
    uint32_t header_size = heap_layout_small_header_size(layout, CLASS);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, CLASS);
    heap_layout_write(page, layout->object_count, (layout->page_size - header_size) / CLASS);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    for (uint32_t i = 0; i < objects; i++)
        page[layout->allocated_bitmap + i / 8] |= (uint8_t)(1u << i % 8);
}

// `count` objects of one type.
static void make_objects(Making *making, uint32_t count)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint64_t pages;

    making->header_size = heap_layout_small_header_size(layout, CLASS);
    making->per_page = (layout->page_size - making->header_size) / CLASS;
    pages = (count + (uint64_t)making->per_page - 1) / making->per_page;
    making->pages = many(pages, 4096);
    making->contents.layout = *layout;
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t left = count - i * making->per_page;

        make_page(layout, left < making->per_page ? (uint32_t)left : making->per_page,
                  making->pages + i * 4096);
    }
    making->run = (SnapshotPages){FIRST_PAGE, pages, making->pages};
    making->contents.runs = &making->run;
    making->contents.run_count = 1;
    for (uint32_t i = 0; i < count; i++)
        set_functions(making, i, TRACE, DROP);
}

// A root for each of the first `count` objects; addresses ascend by `step`.
static void make_roots(Making *making, uint32_t count, RootKind kind, uint32_t thread,
                       uint64_t step)
{
    making->roots = many(count, sizeof *making->roots);
    for (uint32_t i = 0; i < count; i++)
        making->roots[i] = (Root){.address = STACK + i * step,
                                  .value = object_address(making, i),
                                  .thread = thread,
                                  .kind = (uint8_t)kind,
                                  .is_exact = kind == ROOT_EXPLICIT};
    making->contents.roots = making->roots;
    making->contents.root_count = count;
}

static void make_modules(Making *making, uint32_t count, uint64_t first, uint64_t step)
{
    making->details.modules = many(count, sizeof *making->details.modules);
    making->details.module_count = count;
    for (uint32_t i = 0; i < count; i++)
        making->details.modules[i] = (SnapshotModule){text("m%" PRIx32, i), text("%s", ""),
                                                      first + i * step, first + (i + 1) * step};
}

// ---- functions ----

static SnapshotType *make_types(Making *making, uint32_t count)
{
    making->details.types = many(count, sizeof *making->details.types);
    making->details.type_count = count;
    for (uint32_t i = 0; i < count; i++)
        making->details.types[i] =
            (SnapshotType){.type_word = TRACE + 16 * (uint64_t)i, .module = UINT32_MAX};
    return making->details.types;
}

static SnapshotType *make_drops(Making *making, uint32_t count)
{
    making->details.drops = many(count, sizeof *making->details.drops);
    making->details.drop_count = count;
    for (uint32_t i = 0; i < count; i++)
        making->details.drops[i] =
            (SnapshotType){.type_word = DROP + 16 * (uint64_t)i, .module = UINT32_MAX};
    return making->details.drops;
}

static void name_function(SnapshotType *function, uint32_t count, const char *format)
{
    function->symbols = many(count, sizeof *function->symbols);
    for (uint32_t i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        if (asprintf(&function->symbols[i], format, i) < 0)
            abort();
#pragma GCC diagnostic pop
    }
    function->symbol_count = count;
}

// ---- kinds ----

// N names of one function, and N others of the other.
static void symbols(Making *making)
{
    make_objects(making, 2);
    make_roots(making, 1, ROOT_GLOBAL, NO_INDEX, 8);
    name_function(make_types(making, 1), making->count,
                  "<rudo_gc::ptr::GcBox<a::T%08x>>::trace_fn_for");
    name_function(make_drops(making, 1), making->count,
                  "<rudo_gc::ptr::GcBox<b::T%08x>>::drop_fn_for");
}

// N types that share a function with N names, each with a drop function of one of them.
static void shared(Making *making)
{
    SnapshotType *drops;

    make_objects(making, making->count);
    make_roots(making, 1, ROOT_GLOBAL, NO_INDEX, 8);
    name_function(make_types(making, 1), making->count,
                  "<rudo_gc::ptr::GcBox<a::T%08x>>::trace_fn_for");
    drops = make_drops(making, making->count);
    for (uint32_t i = 0; i < making->count; i++) {
        drops[i].symbols = many(1, sizeof *drops[i].symbols);
        drops[i].symbols[0] = text("<rudo_gc::ptr::GcBox<a::T%08x>>::drop_fn_for", i);
        drops[i].symbol_count = 1;
        set_functions(making, i, TRACE, drops[i].type_word);
    }
}

// N types whose words share a hash without a seed.
static void hashes(Making *making)
{
    make_objects(making, making->count);
    make_roots(making, 1, ROOT_GLOBAL, NO_INDEX, 8);
    for (uint64_t j = 1; j <= making->count; j++)
        set_functions(making, (uint32_t)j - 1, j << 44 | j << 12,
                      (j * UINT64_C(0x9e3779b97f4a7c15) & 0xfffff) << 44);
}

// N types with long names that begin alike.
static void long_names(Making *making)
{
    SnapshotType *types;

    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_GLOBAL, NO_INDEX, 8);
    types = make_types(making, making->count);
    for (uint32_t i = 0; i < making->count; i++) {
        char end[16];

        (void)snprintf(end, sizeof end, "%08x", i);
        types[i].symbols = many(1, sizeof *types[i].symbols);
        types[i].symbols[0] = long_text('a', 60000, end);
        types[i].symbol_count = 1;
        set_functions(making, i, types[i].type_word, DROP);
    }
}

// N types, roots and a program whose names are markup, are hidden, or look like members of objects.
static void markup(Making *making)
{
    static const char *const names[] = {
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<img src=x onerror=alert(1)>",
        "a\xe2\x80\xae.b\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xe2\x80\x8b\xf3\xa0\x81\x81",
        "__proto__",
        "constructor",
        "&lt;b&gt;&quot;'`${1}\\u003c",
        "]]>\"',{};//",
    };
    SnapshotType *types;

    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_GLOBAL, NO_INDEX, 8);
    types = make_types(making, making->count);
    making->details.root_names = many(making->count, sizeof *making->details.root_names);
    making->details.root_name_count = making->count;
    for (uint32_t i = 0; i < making->count; i++) {
        const char *name = names[i % (sizeof names / sizeof names[0])];

        types[i].symbols = many(1, sizeof *types[i].symbols);
        types[i].symbols[0] = text("<rudo_gc::ptr::GcBox<%s>>::trace_fn_for", name);
        types[i].symbol_count = 1;
        set_functions(making, i, types[i].type_word, DROP);
        making->details.root_names[i] = (SnapshotRootName){.address = STACK + 8 * (uint64_t)i,
                                                           .value = object_address(making, i)};
        making->details.root_names[i].name = text("%s", name);
    }
    (void)snprintf(making->details.metadata.executable, sizeof making->details.metadata.executable,
                   "%s", names[0]);
    (void)snprintf(making->details.metadata.foreign_note,
                   sizeof making->details.metadata.foreign_note, "%s", names[2]);
}

// N roots, each with a name.
static void root_names(Making *making)
{
    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_EXPLICIT, NO_INDEX, 8);
    making->details.root_names = many(making->count, sizeof *making->details.root_names);
    making->details.root_name_count = making->count;
    for (uint32_t i = 0; i < making->count; i++)
        making->details.root_names[i] = (SnapshotRootName){
            making->roots[i].address, making->roots[i].value, text("r%" PRIx32, i)};
}

static void make_thread(Making *making, uint32_t count)
{
    making->details.threads = many(count, sizeof *making->details.threads);
    making->details.thread_count = count;
    for (uint32_t i = 0; i < count; i++) {
        making->details.threads[i].tid = i + 1;
        strcpy(making->details.threads[i].name, "a worker with a rather long name, as all of them");
    }
}

// N words on a stack of N frames, which all have them.
static void frames(Making *making)
{
    SnapshotFrame *stack;

    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_STACK, 0, 8);
    make_thread(making, 1);
    making->details.stacks = many(1, sizeof *making->details.stacks);
    making->details.stack_count = 1;
    making->details.stacks[0].frames = stack = many(making->count, sizeof *stack);
    making->details.stacks[0].frame_count = making->count;
    for (uint32_t i = 0; i < making->count; i++)
        stack[i] = (SnapshotFrame){.start = STACK + i * UINT64_C(8),
                                   .end = STACK + making->count * UINT64_C(8)};
}

// N words in one frame, at whose code N functions were inlined.
static void places(Making *making)
{
    SnapshotPlace *place;

    frames(making);
    making->details.stacks[0].frame_count = 1;
    making->details.stacks[0].frames[0].function = text("shop::serve");
    making->details.places = place = many(making->count, sizeof *place);
    making->details.place_count = making->count;
    for (uint32_t i = 0; i < making->count; i++)
        place[i] = (SnapshotPlace){0, 0, i, 1, text("std::f"), text("%s", "f.rs")};
}

// N variables in N modules.
static void modules(Making *making)
{
    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_GLOBAL, NO_INDEX, 4096);
    make_modules(making, making->count, STACK, 4096);
}

// N words on the stacks of N threads of one name.
static void threads(Making *making)
{
    make_objects(making, making->count);
    make_thread(making, making->count);
    make_roots(making, making->count, ROOT_STACK, 0, 8);
    for (uint32_t i = 0; i < making->count; i++)
        making->roots[i].thread = i;
}

// N words in one variable with a long name.
static void variable(Making *making)
{
    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_GLOBAL, NO_INDEX, 8);
    make_modules(making, 1, STACK, making->count * UINT64_C(8));
    making->details.variables = many(1, sizeof *making->details.variables);
    making->details.variable_count = 1;
    making->details.variables[0] = (SnapshotVariable){
        .address = STACK, .bytes = making->count * UINT64_C(8), .name = long_text('&', 60000, "X")};
}

// A list of N objects, which also refer back.
static void list(Making *making)
{
    make_objects(making, making->count);
    make_roots(making, 1, ROOT_GLOBAL, NO_INDEX, 8);
    for (uint32_t i = 0; i + 1 < making->count; i++) {
        set_word(making, i, 0, object_address(making, i + 1));
        set_word(making, i + 1, 1, object_address(making, i));
    }
}

// Two rows of N / 2 objects, each of which refers to both of the next rung: 2^(N / 2) paths.
static void ladder(Making *making)
{
    make_objects(making, making->count);
    make_roots(making, 2, ROOT_GLOBAL, NO_INDEX, 8);
    for (uint32_t i = 0; i + 3 < making->count; i++) {
        set_functions(making, i, TRACE + 16 * (uint64_t)i, DROP);
        set_word(making, i, 0, object_address(making, i / 2 * 2 + 2));
        set_word(making, i, 1, object_address(making, i / 2 * 2 + 3));
    }
}

// N data types of one type word, and N objects of that.
static void data_types(Making *making)
{
    SnapshotDataType *types;

    make_objects(making, making->count);
    make_roots(making, making->count, ROOT_GLOBAL, NO_INDEX, 8);
    making->details.data_types = types = many(making->count, sizeof *types);
    making->details.data_type_count = making->count;
    for (uint32_t i = 0; i < making->count; i++) {
        uint64_t *words = many(2, sizeof *words);

        words[0] = TRACE;
        words[1] = DROP + 16 * (uint64_t)i + 16;
        types[i] = (SnapshotDataType){.name = text("T%" PRIx32, i),
                                      .bytes = 8,
                                      .object_bytes = CLASS,
                                      .value_at = CLASS - 8,
                                      .type_word_count = 1,
                                      .type_words = words,
                                      .drop_count = 1,
                                      .drops = words + 1};
    }
}

// ---- streams that our writer does not make ----

static void save(Making *making, const char *path)
{
    SnapshotWriteOptions options = {.replaces = true, .level = 9};
    PageRecords records = records_of(&making->contents);
    Error error;

    making->contents.pages = &records;
    if (!snapshot_write(path, &making->contents, &options, NULL, &error)) {
        fprintf(stderr, "make_hostile: %s\n", error.message);
        exit(1);
    }
    page_records_release(&records);
}

// N sections of pages behind the one of the heap: each again has its first page, or none.
static void save_sections(Making *making, const char *path, uint64_t page_count)
{
    PageRecords records;
    SectionMap map;
    ByteBuffer out = {0};
    uint64_t metadata;
    Bytes stream;

    make_objects(making, 1);
    make_roots(making, 1, ROOT_GLOBAL, NO_INDEX, 8);
    records = records_of(&making->contents);
    making->contents.pages = &records;
    stream = snapshot_stream(&making->contents, NULL);
    map = sections_of(stream.bytes, stream.length);
    metadata = section_map_find(&map, SECTION_METADATA)->offset - SECTION_HEADER_BYTES;
    byte_buffer_add(&out, stream.bytes, metadata);
    for (uint32_t i = 0; i < making->count; i++) {
        byte_buffer_add_u32(&out, SECTION_PAGES);
        byte_buffer_add_u32(&out, 0);
        byte_buffer_add_u64(&out, 8 + page_count * (RUN_BYTES + 4096));
        byte_buffer_add_u64(&out, page_count);
        if (page_count > 0)
            byte_buffer_add(&out, stream.bytes + map.pages[0].offset + 8, RUN_BYTES + 4096);
    }
    byte_buffer_add(&out, stream.bytes + metadata, stream.length - metadata);
    write_snapshot_file(path, out.bytes, out.length);
    section_map_release(&map);
    page_records_release(&records);
    byte_buffer_release(&out);
    free(stream.bytes);
}

static const struct {
    const char *name;
    void (*make)(Making *making); // NULL: sections of pages
    uint64_t pages;
} kinds[] = {
    {"symbols", symbols, 0},       {"shared", shared, 0},       {"hashes", hashes, 0},
    {"root-names", root_names, 0}, {"frames", frames, 0},       {"places", places, 0},
    {"modules", modules, 0},       {"threads", threads, 0},     {"variable", variable, 0},
    {"long-names", long_names, 0}, {"list", list, 0},           {"ladder", ladder, 0},
    {"data-types", data_types, 0}, {"empty-sections", NULL, 0}, {"same-page", NULL, 1},
    {"markup", markup, 0},
};

// Its memory is the kernel's to free; a leak would be memory that nothing refers to.
static Making *making;

int main(int argc, char **argv)
{
    making = many(1, sizeof *making);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (argc == 2 && strcmp(argv[1], "kinds") == 0)
            printf("%s\n", kinds[i].name);
        if (argc != 4 || strcmp(argv[1], kinds[i].name) != 0)
            continue;
        making->count = (uint32_t)strtoul(argv[2], NULL, 10);
        making->details.metadata = (SnapshotMetadata){.tool_version = "0.1.0",
                                                      .executable = "hostile",
                                                      .method = "stop",
                                                      .is_complete = true};
        making->contents.details = &making->details;
        if (kinds[i].make == NULL) {
            save_sections(making, argv[3], kinds[i].pages);
        } else {
            kinds[i].make(making);
            save(making, argv[3]);
        }
        return 0;
    }
    if (argc == 2)
        return 0;
    fprintf(stderr, "usage: make_hostile KIND N FILE | kinds\n");
    return 2;
}
