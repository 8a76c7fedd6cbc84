// The smallest heap that has a little of everything: see tests/support/example_heap.h.

#include "tests/support/example_heap.h"

#include <string.h>

#include "tests/support/snapshot_streams.h"

#define MODULE_ADDRESS UINT64_C(0x555555554000)
#define TYPE_WORD (MODULE_ADDRESS + 0x1230)
#define DROP_WORD (MODULE_ADDRESS + 0x1210)
#define BLOCK_ADDRESS UINT64_C(0x5555555592a0)
#define STACK_ADDRESS UINT64_C(0x7ffffffde000)
#define CLASS 64u
#define FIRST_SLOT 1600u

static uint8_t page[4096];
static SnapshotPages runs[1] = {{EXAMPLE_PAGE_ADDRESS, 1, page}};
static PageRecords records;
static uint8_t block_data[16];
static SnapshotBlock blocks[1] = {{BLOCK_ADDRESS, sizeof block_data, block_data}};
static Root roots[2] = {
    {STACK_ADDRESS + 0xf08, EXAMPLE_PAGE_ADDRESS + FIRST_SLOT, 0, ROOT_STACK, 0, 0},
    {0, BLOCK_ADDRESS, 0, ROOT_REGISTER, 0, 0}, // in r15
};

static void put(uint32_t offset, LayoutField field, uint64_t value)
{
    heap_layout_write(page + offset, field, value);
}

static void make_object(const HeapLayout *layout, uint32_t slot, uint64_t reference_count)
{
    uint32_t at = FIRST_SLOT + slot * CLASS;

    put(at, layout->reference_count, reference_count);
    put(at, layout->weak_count, 0);
    put(at, layout->drop_function, DROP_WORD);
    put(at, layout->type_word, TYPE_WORD);
    put(at, layout->object_generation, 1);
}

static void make_page(const HeapLayout *layout)
{
    static const LayoutField word = {0, 8};

    memset(page, 0, sizeof page);
    put(0, layout->magic, layout->magic_value);
    put(0, layout->block_size, CLASS);
    put(0, layout->object_count, 39);
    put(0, layout->header_size, FIRST_SLOT);
    put(0, layout->owner_thread, 1);
    put(0, layout->free_list_head, 2);
    put(layout->allocated_bitmap, word, 3);
    make_object(layout, 0, 1);
    make_object(layout, 1, 1);
    // The first object refers to the second, which the block does, too.
    put(FIRST_SLOT + 48, word, EXAMPLE_PAGE_ADDRESS + FIRST_SLOT + CLASS);
    put(FIRST_SLOT + CLASS + 48, word, UINT64_C(0x1122334455667788));
    heap_layout_write(block_data + 8, word, EXAMPLE_PAGE_ADDRESS + FIRST_SLOT + CLASS);
    // Slot 2 is free, the last of the free list; its value is stale.
    put(FIRST_SLOT + 2 * CLASS + 48, word, UINT64_C(0xdeaddeaddeaddead));
}

void example_heap(SnapshotContents *contents)
{
    static char module_name[] = "example", build_id[] = "c0ffee", symbol[] = "example::Node";
    static char mapping_name[] = "[stack]";
    static char drop_symbol[] = "example::drop";
    static char *symbols[] = {symbol}, *drop_symbols[] = {drop_symbol};
    static SnapshotThread threads[1] = {{.tid = 4242,
                                         .name = "main",
                                         .stack_pointer = STACK_ADDRESS + 0xf00,
                                         .program_counter = MODULE_ADDRESS + 0x1180,
                                         .control_block = UINT64_C(0x7ffff7d8a740)}};
    static SnapshotModule modules[1] = {
        {module_name, build_id, MODULE_ADDRESS, MODULE_ADDRESS + 0x4000}};
    static SnapshotType types[1] = {{TYPE_WORD, 0, 0x1230, 1, symbols}};
    static SnapshotType drops[1] = {{DROP_WORD, 0, 0x1210, 1, drop_symbols}};
    static char function[] = "example::walk";
    static SnapshotFrame frames[2] = {
        {MODULE_ADDRESS + 0x1180, true, STACK_ADDRESS + 0xe80, STACK_ADDRESS + 0xf40, 0x24,
         function},
        {MODULE_ADDRESS + 0x1090, false, STACK_ADDRESS + 0xf40, STACK_ADDRESS + 0x21000, 0, NULL}};
    static SnapshotStack stacks[1] = {{0, STACK_END_WHOLE, 2, frames}};
    static char variable_name[] = "example::LIST";
    static SnapshotVariable variables[1] = {{MODULE_ADDRESS + 0x3010, 8, 0, false, variable_name}};
    static SnapshotMapping mappings[1] = {
        {STACK_ADDRESS, STACK_ADDRESS + 0x21000, 0, "rw-p", mapping_name}};
    static SnapshotDetails details = {
        .metadata = {.tool_version = "0.1.0",
                     .pid = 4242,
                     .executable = "example",
                     .build_id = "c0ffee",
                     .captured_at_ns = INT64_C(1764000000000000000),
                     .pause_ns = 1200000,
                     .method = "stop",
                     .is_complete = true,
                     .resident_bytes = 4096},
        .thread_count = 1,
        .threads = threads,
        .module_count = 1,
        .modules = modules,
        .type_count = 1,
        .types = types,
        .drop_count = 1,
        .drops = drops,
        .stack_count = 1,
        .stacks = stacks,
        .variable_count = 1,
        .variables = variables,
        .mapping_count = 1,
        .mappings = mappings,
    };

    make_page(heap_layout_rudo_gc_0_8());
    *contents = (SnapshotContents){
        .layout = *heap_layout_rudo_gc_0_8(),
        .run_count = 1,
        .runs = runs,
        .root_count = 2,
        .roots = roots,
        .block_count = 1,
        .blocks = blocks,
        .details = &details,
    };
    page_records_release(&records);
    records = records_of(contents);
    contents->pages = &records;
}

void example_told_heap(SnapshotContents *contents)
{
    static char root_name[] = "list of all", lost_pages[] = "damaged", lost_names[] = "not found";
    static uint32_t offsets[] = {48};
    static SnapshotRootName root_names[1];
    static SnapshotTypeLayout type_layouts[1] = {{TYPE_WORD, UINT32_MAX, 1, offsets}};
    static SnapshotLoss losses[2] = {
        {EXAMPLE_PAGE_ADDRESS + 4096, 8192, LOSS_PAGES, lost_pages},
        {0, 0, LOSS_NAMES, lost_names},
    };
    static char type_name[] = "example::Node", next_name[] = "next", state_name[] = "state";
    static char some_name[] = "Some", none_name[] = "None", state_type[] = "Option";
    static char items_name[] = "items", no_name[] = "", gc_name[] = "Gc", vec_name[] = "Vec";
    static uint64_t type_words[1] = {TYPE_WORD}, drop_words[1] = {DROP_WORD};
    static SnapshotField fields[3] = {
        {.offset = 0,
         .bytes = 8,
         .kind = FIELD_ENUM,
         .target = NO_DATA,
         .variant = NO_DATA,
         .length_at = NO_DATA,
         .capacity_at = NO_DATA,
         .head_at = NO_DATA,
         .name = state_name,
         .type_name = state_type},
        {.offset = 0,
         .bytes = 8,
         .kind = FIELD_STRONG,
         .target = 0,
         .variant = 1,
         .length_at = NO_DATA,
         .capacity_at = NO_DATA,
         .head_at = NO_DATA,
         .name = next_name,
         .type_name = gc_name},
        {.offset = 8,
         .bytes = 8,
         .kind = FIELD_BLOCK,
         .shape = BLOCK_MANY,
         .is_text = true,
         .is_shared = true,
         .target = 1,
         .variant = NO_DATA,
         .first_at = 16,
         .length_at = 0,
         .capacity_at = 8,
         .head_at = NO_DATA,
         .name = items_name,
         .type_name = vec_name},
    };
    static SnapshotField element = {.bytes = 8,
                                    .kind = FIELD_WEAK,
                                    .target = 0,
                                    .variant = NO_DATA,
                                    .length_at = NO_DATA,
                                    .capacity_at = NO_DATA,
                                    .head_at = NO_DATA,
                                    .name = no_name,
                                    .type_name = no_name};
    static SnapshotVariant variants[2] = {
        {.field = 0, .discriminant_at = 0, .discriminant_bytes = 8, .name = none_name},
        {.field = 0, .is_default = true, .discriminant_bytes = 8, .name = some_name},
    };
    static char inner_name[] = "example::step", outer_name[] = "example::walk";
    static char file_name[] = "src/walk.c";
    static SnapshotPlace places[2] = {
        {0, 0, 0, 12, inner_name, file_name},
        {0, 0, 1, 7, outer_name, file_name},
    };
    static SnapshotDataType data_types[2] = {
        {.name = type_name,
         .bytes = 16,
         .value_at = 48,
         .object_bytes = 64,
         .type_word_count = 1,
         .drop_count = 1,
         .type_words = type_words,
         .drops = drop_words,
         .field_count = 3,
         .fields = fields,
         .variant_count = 2,
         .variants = variants},
        {.name = gc_name, .bytes = 8, .is_partial = true, .field_count = 1, .fields = &element},
    };
    // Two blocks side by side and a shared one far away; the first refers to the second.
    static SizedBlock sized_blocks[3] = {
        {0x555500001010, 24}, {0x555500001030, 108008}, {0x7fff00000010, 16 | SIZED_BLOCK_SHARED}};
    static SizedLink sized_links[1] = {{0, 1}};
    // A heap with page headers has no use for them, but they are read and written alike.
    static PageBits more[2] = {{3, 1}, {1, 0}};
    static SnapshotPage pages[2] = {
        {.address = EXAMPLE_PAGE_ADDRESS,
         .block_size = 64,
         .read_bytes = 56,
         .slot_count = 64,
         .kind = 1,
         .bits = {7, 4}},
        {.address = EXAMPLE_PAGE_ADDRESS + 4096,
         .block_size = 32,
         .slot_count = 128,
         .kind = 2,
         .flags = SNAPSHOT_PAGE_POINTER_FREE | SNAPSHOT_PAGE_UNCOLLECTABLE,
         .more = more},
    };
    static SnapshotObjectType object_types[2] = {{0, 0, 3, 0, 24}, {1, 64, 1, 0, 0}};
    static SnapshotDetails details;

    example_heap(contents);
    root_names[0] =
        (SnapshotRootName){contents->roots[0].address, contents->roots[0].value, root_name};
    details = *contents->details;
    details.metadata.is_complete = false;
    details.root_name_count = 1;
    details.root_names = root_names;
    details.type_layout_count = 1;
    details.type_layouts = type_layouts;
    details.data_type_count = 2;
    details.data_types = data_types;
    details.place_count = 2;
    details.places = places;
    details.loss_count = 2;
    details.losses = losses;
    details.metadata.sized_blocks_recorded = true;
    details.sized_block_count = 3;
    details.sized_blocks = sized_blocks;
    details.sized_link_count = 1;
    details.sized_links = sized_links;
    details.page_count = 2;
    details.pages = pages;
    details.object_type_count = 2;
    details.object_types = object_types;
    contents->details = &details;
}
