// Writes the snapshot of a small shop, always the same, for the tests of the command line:
//
//     write_shop_heap shop.zst            whole, malloc blocks traced
//     write_shop_heap fallback.zst roots  malloc'd memory had to be taken as roots
//     write_shop_heap partial.zst missing not complete
//     write_shop_heap grown.zst grown     a minute later, with more orders in a cart
//     write_shop_heap later.zst later     another minute later, with still more
//     write_shop_heap typed.zst typed     with the types of tables and carts, as debug information
//                                         has them: a weak reference, a None, a cart behind a
//                                         length
//
// In it: 2 owner threads, 5 size classes (one without object headers), a large object with
// tail pages, orders in carts in a session, a Vec's buffer, a cycle that nothing refers to,
// dropped orders, a reference to a free slot, types with one, two and no names.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/snapshot_file.h"
#include "tests/support/snapshot_streams.h"

#define PAGE 4096u
#define HEAP UINT64_C(0x600000000000)
#define BUFFER UINT64_C(0x555580001010)
#define MODULE UINT64_C(0x555550000000)
#define LARGE_BYTES 9000u

enum {
    ORDERS_PAGE, // class 64, owner 1
    CARTS_PAGE,  // class 128, owner 1
    BYTES_PAGE,  // class 32, owner 1: no object headers
    OTHERS_PAGE, // class 64, owner 2, old
    TABLE_PAGE,  // large, owner 2, 3 pages
    PAGE_COUNT = TABLE_PAGE + 3,
};

#define ORDER_TYPE (MODULE + 0x1f40)
#define CART_TYPE (MODULE + 0x2080)
#define NUMBER_TYPE (MODULE + 0x2100)
#define TABLE_TYPE UINT64_C(0x7f0000001000)

static uint8_t heap[PAGE_COUNT * PAGE];
static uint8_t buffer[64];

static void put_u64(uint8_t *bytes, uint64_t value)
{
    memcpy(bytes, &value, sizeof value);
}

static void make_page(unsigned page, uint32_t block_size, uint64_t owner, unsigned generation)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    bool is_large = block_size > layout->max_block_size;
    uint32_t header_size = is_large ? 1584 : heap_layout_small_header_size(layout, block_size);
    uint8_t *bytes = heap + page * PAGE;

    heap_layout_write(bytes, layout->magic, layout->magic_value);
    heap_layout_write(bytes, layout->block_size, block_size);
    heap_layout_write(bytes, layout->object_count,
                      is_large ? 1 : (PAGE - header_size) / block_size);
    heap_layout_write(bytes, layout->header_size, header_size);
    heap_layout_write(bytes, layout->generation, generation);
    heap_layout_write(bytes, layout->flags, is_large ? layout->flag_large : 0);
    heap_layout_write(bytes, layout->owner_thread, owner);
    heap_layout_write(bytes, layout->free_list_head, layout->free_list_none);
}

static uint32_t slot_offset(unsigned page, unsigned slot)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *bytes = heap + page * PAGE;

    return page * PAGE + (uint32_t)heap_layout_read(bytes, layout->header_size) +
           slot * (uint32_t)heap_layout_read(bytes, layout->block_size);
}

static uint64_t address_of(unsigned page, unsigned slot)
{
    return HEAP + slot_offset(page, slot);
}

static void allocate(unsigned page, unsigned slot, uint64_t type)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *object = heap + slot_offset(page, slot);

    heap[page * PAGE + layout->allocated_bitmap + slot / 8] |= (uint8_t)(1u << slot % 8);
    if (type == 0)
        return;
    heap_layout_write(object, layout->type_word, type);
}

static void drop(unsigned page, unsigned slot)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    heap_layout_write(heap + slot_offset(page, slot), layout->weak_count, layout->dead_bit);
}

// The object at `target` has one more reference.
static void count_reference(uint64_t target)
{
    const LayoutField field = heap_layout_rudo_gc_0_8()->reference_count;
    uint8_t *object = heap + (target - HEAP);

    heap_layout_write(object, field, heap_layout_read(object, field) + 1);
}

// Payload word `word` of one object is `target`.
static void set_word(unsigned page, unsigned slot, unsigned word, uint64_t target)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    put_u64(heap + slot_offset(page, slot) + layout->object_header_bytes + 8 * word, target);
}

// And refers to an object.
static void refer(unsigned page, unsigned slot, unsigned word, uint64_t target)
{
    set_word(page, slot, word, target);
    count_reference(target);
}

static void make_heap(void)
{
    make_page(ORDERS_PAGE, 64, 1, 0);
    make_page(CARTS_PAGE, 128, 1, 0);
    make_page(BYTES_PAGE, 32, 1, 0);
    make_page(OTHERS_PAGE, 64, 2, 1);
    make_page(TABLE_PAGE, LARGE_BYTES, 2, 0);

    for (unsigned i = 0; i < 30; i++)
        allocate(ORDERS_PAGE, i, ORDER_TYPE);
    for (unsigned i = 25; i < 30; i++)
        drop(ORDERS_PAGE, i);
    for (unsigned i = 0; i < 6; i++)
        allocate(CARTS_PAGE, i, CART_TYPE);
    for (unsigned i = 0; i < 3; i++)
        allocate(BYTES_PAGE, i, 0);
    for (unsigned i = 0; i < 10; i++)
        allocate(OTHERS_PAGE, i, NUMBER_TYPE);
    allocate(TABLE_PAGE, 0, TABLE_TYPE);

    // Carts 0 to 3 hold five orders each; 4 and 5 hold each other.
    for (unsigned cart = 0; cart < 4; cart++)
        for (unsigned i = 0; i < 5; i++)
            refer(CARTS_PAGE, cart, i, address_of(ORDERS_PAGE, 5 * cart + i));
    refer(CARTS_PAGE, 4, 0, address_of(CARTS_PAGE, 5));
    refer(CARTS_PAGE, 5, 0, address_of(CARTS_PAGE, 4));
    // Cart 0 was left with a reference to a free slot.
    set_word(CARTS_PAGE, 0, 6, address_of(ORDERS_PAGE, 35));
    // The table refers to numbers and to a Vec, whose buffer holds the carts.
    for (unsigned i = 0; i < 8; i++)
        refer(TABLE_PAGE, 0, 100 * i, address_of(OTHERS_PAGE, i));
    set_word(TABLE_PAGE, 0, 1, BUFFER);
    for (unsigned cart = 0; cart < 4; cart++)
        put_u64(buffer + 8 * cart, address_of(CARTS_PAGE, cart));
    for (unsigned cart = 0; cart < 4; cart++)
        count_reference(address_of(CARTS_PAGE, cart));
    // A root refers to it.
    count_reference(address_of(TABLE_PAGE, 0));
}

// Cart 1 gets orders in slots that were free.
static unsigned make_growth(const char *variant)
{
    unsigned orders = strcmp(variant, "grown") == 0 ? 2 : strcmp(variant, "later") == 0 ? 4 : 0;

    for (unsigned i = 0; i < orders; i++) {
        allocate(ORDERS_PAGE, 30 + i, ORDER_TYPE);
        refer(CARTS_PAGE, 1, 5 + i, address_of(ORDERS_PAGE, 30 + i));
    }
    return orders / 2;
}

// A weak reference, a discount that became None, and a length that leaves out the last cart.
static void make_types_matter(void)
{
    set_word(TABLE_PAGE, 0, 2, 3);
    set_word(TABLE_PAGE, 0, 3, 8);
    set_word(CARTS_PAGE, 0, 8, address_of(ORDERS_PAGE, 21));
    set_word(CARTS_PAGE, 1, 6, address_of(ORDERS_PAGE, 22));
}

static char *copy_of(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        abort();
    return memory;
}

static void add_type(SnapshotDetails *details, uint64_t word, const char *first, const char *second)
{
    SnapshotType *type = &details->types[details->type_count++];

    type->type_word = word;
    type->module = UINT32_MAX;
    if (word != TABLE_TYPE) {
        type->module = 0;
        type->module_offset = word - MODULE;
    }
    type->symbols = zeroed(2, sizeof *type->symbols);
    if (first != NULL)
        type->symbols[type->symbol_count++] = copy_of(first);
    if (second != NULL)
        type->symbols[type->symbol_count++] = copy_of(second);
}

static SnapshotDetails *make_details(const char *variant)
{
    SnapshotDetails *details = snapshot_details_new();
    SnapshotMetadata *metadata;

    if (details == NULL)
        abort();
    metadata = &details->metadata;
    metadata->pid = 4242;
    (void)snprintf(metadata->tool_version, sizeof metadata->tool_version, "0.1.0");
    (void)snprintf(metadata->executable, sizeof metadata->executable, "shop");
    (void)snprintf(metadata->build_id, sizeof metadata->build_id, "0123456789abcdef");
    (void)snprintf(metadata->method, sizeof metadata->method, "stop");
    metadata->captured_at_ns = INT64_C(1795356191000000000);
    metadata->pause_ns = 1234567;
    metadata->resident_bytes = 1 << 20;
    if (strcmp(variant, "roots") == 0) {
        metadata->foreign_mode = FOREIGN_ROOTS;
        metadata->foreign_root_bytes = 655360;
        (void)snprintf(metadata->foreign_note, sizeof metadata->foreign_note,
                       "no glibc malloc chunks were found");
        metadata->roots_measured = true;
        metadata->outside_bytes = 1070000;
        metadata->shared_root_bytes = 4096;
        metadata->shared_skipped_bytes = 3 << 20;
        (void)snprintf(metadata->shared_note, sizeof metadata->shared_note,
                       "3.0 MiB at 0x7f0000000000: orders.db");
    } else if (strcmp(variant, "missing") == 0) {
        metadata->is_complete = false;
        (void)snprintf(metadata->missing, sizeof metadata->missing,
                       "4096 bytes at 0x7ffd00000000 could not be read");
    }
    details->threads = zeroed(2, sizeof *details->threads);
    details->thread_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        details->threads[i].tid = 4242 + i;
        (void)snprintf(details->threads[i].name, sizeof details->threads[i].name, "%s",
                       i == 0 ? "shop" : "worker");
    }
    details->modules = zeroed(1, sizeof *details->modules);
    details->module_count = 1;
    details->modules[0] = (SnapshotModule){.name = copy_of("shop"),
                                           .build_id = copy_of("0123456789abcdef"),
                                           .base = MODULE,
                                           .end = MODULE + 0x10000};
    details->types = zeroed(4, sizeof *details->types);
    add_type(details, ORDER_TYPE, "<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for", NULL);
    add_type(details, CART_TYPE, "<rudo_gc::ptr::GcBox<shop::Cart>>::trace_fn_for", NULL);
    add_type(details, NUMBER_TYPE, "<rudo_gc::ptr::GcBox<i64>>::trace_fn_for",
             "<rudo_gc::ptr::GcBox<u64>>::trace_fn_for");
    add_type(details, TABLE_TYPE, NULL, NULL);
    return details;
}

static SnapshotField *add_field(SnapshotDataType *type, const char *name, uint32_t offset,
                                uint32_t bytes, FieldKind kind)
{
    SnapshotField *field = &type->fields[type->field_count++];

    *field = (SnapshotField){.offset = offset,
                             .bytes = bytes,
                             .kind = (uint8_t)kind,
                             .target = NO_DATA,
                             .variant = NO_DATA,
                             .length_at = NO_DATA,
                             .capacity_at = NO_DATA,
                             .head_at = NO_DATA,
                             .name = copy_of(name),
                             .type_name = copy_of("")};
    return field;
}

static SnapshotDataType *add_data_type(SnapshotDetails *details, const char *name, uint64_t bytes,
                                       uint64_t type_word)
{
    SnapshotDataType *type = &details->data_types[details->data_type_count++];

    type->name = copy_of(name);
    type->bytes = bytes;
    type->fields = zeroed(4, sizeof *type->fields);
    type->variants = zeroed(2, sizeof *type->variants);
    type->type_words = zeroed(1, sizeof *type->type_words);
    if (type_word != 0) {
        type->value_at = heap_layout_rudo_gc_0_8()->object_header_bytes;
        type->object_bytes = bytes + type->value_at;
        type->type_words[type->type_word_count++] = type_word;
    }
    return type;
}

static void add_data_types(SnapshotDetails *details)
{
    SnapshotDataType *table, *cart;
    SnapshotField *field;

    details->data_types = zeroed(3, sizeof *details->data_types);
    table = add_data_type(details, "shop::Table", LARGE_BYTES - 48, TABLE_TYPE);
    table->is_partial = true;
    (void)add_field(table, "first", 0, 8, FIELD_STRONG);
    field = add_field(table, "carts", 8, 8, FIELD_BLOCK);
    field->shape = BLOCK_MANY;
    field->target = 1;
    field->length_at = 16;
    field->capacity_at = 24;
    free(field->type_name);
    field->type_name = copy_of("Vec");
    (void)add_field(add_data_type(details, "rudo_gc::Gc", 8, 0), "", 0, 8, FIELD_STRONG);
    cart = add_data_type(details, "shop::Cart", 80, CART_TYPE);
    add_field(cart, "orders", 0, 40, FIELD_ARRAY)->target = 1;
    (void)add_field(cart, "last", 48, 8, FIELD_WEAK);
    (void)add_field(cart, "discount", 56, 16, FIELD_ENUM);
    add_field(cart, "discount", 64, 8, FIELD_STRONG)->variant = 1;
    cart->variants[cart->variant_count++] = (SnapshotVariant){
        .field = 2, .discriminant_at = 56, .discriminant_bytes = 8, .name = copy_of("None")};
    cart->variants[cart->variant_count++] = (SnapshotVariant){.field = 2,
                                                              .discriminant_at = 56,
                                                              .discriminant_bytes = 8,
                                                              .low = 1,
                                                              .high = 1,
                                                              .name = copy_of("Some")};
}

int main(int argument_count, char **arguments)
{
    const char *variant = argument_count > 2 ? arguments[2] : "";
    SnapshotPages pages = {.address = HEAP, .page_count = PAGE_COUNT, .bytes = heap};
    SnapshotBlock block = {.address = BUFFER, .bytes = sizeof buffer, .data = buffer};
    SnapshotWriteOptions options = {.replaces = true};
    SnapshotContents contents = {
        .layout = *heap_layout_rudo_gc_0_8(), .run_count = 1, .runs = &pages};
    SnapshotWriteResult result;
    SnapshotDetails *details;
    PageRecords records;
    Error error;
    unsigned minutes;
    bool ok;

    if (argument_count < 2)
        return 2;
    make_heap();
    minutes = make_growth(variant);
    if (strcmp(variant, "typed") == 0)
        make_types_matter();
    // In the order of the file: the table from a stack, an order from the middle by a register,
    // a dead order and a byte string from a global, and a word that means nothing.
    Root roots[] = {
        {.address = 0x7ffd00001000, .value = address_of(TABLE_PAGE, 0), .kind = ROOT_STACK},
        {.address = 0x7ffd00001008, .value = 42, .kind = ROOT_STACK},
        {.address = 3, .value = address_of(ORDERS_PAGE, 20) + 50, .kind = ROOT_REGISTER},
        {.address = MODULE + 0x8000,
         .value = address_of(ORDERS_PAGE, 25),
         .thread = NO_INDEX,
         .kind = ROOT_GLOBAL},
        {.address = MODULE + 0x8008,
         .value = address_of(BYTES_PAGE, 0),
         .thread = NO_INDEX,
         .kind = ROOT_GLOBAL},
    };

    contents.roots = roots;
    contents.root_count = sizeof roots / sizeof roots[0];
    if (strcmp(variant, "roots") != 0) {
        contents.blocks = &block;
        contents.block_count = 1;
    }
    details = make_details(variant);
    if (strcmp(variant, "typed") == 0)
        add_data_types(details);
    details->metadata.captured_at_ns += minutes * INT64_C(60000000000);
    contents.details = details;
    records = records_of(&contents);
    contents.pages = &records;
    ok = snapshot_write(arguments[1], &contents, &options, &result, &error);
    if (!ok)
        (void)fprintf(stderr, "write_shop_heap: %s\n", error.message);
    page_records_release(&records);
    snapshot_details_free(details);
    return ok ? 0 : 4;
}
