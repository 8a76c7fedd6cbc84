// Which objects are of one type, the labels of types, and their order.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/type_table.h"

#define MODULE UINT64_C(0x550000000000)

static char order_trace[] = "<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for";
static char cart_trace[] = "<rudo_gc::ptr::GcBox<shop::Cart>>::trace_fn_for";
static char order_drop[] = "<rudo_gc::ptr::GcBox<shop::Order>>::drop_fn_for";
static char cart_drop[] = "<rudo_gc::ptr::GcBox<shop::Cart>>::drop_fn_for";
static char no_op_trace[] = "<rudo_gc::ptr::GcBox<()>>::no_op_trace";
static char no_op_drop[] = "<rudo_gc::ptr::GcBox<()>>::no_op_drop";

static char *merged_symbols[] = {cart_trace, order_trace};
static char *order_symbols[] = {order_trace};
static char *order_drop_symbols[] = {order_drop};
static char *cart_drop_symbols[] = {cart_drop};
static char *no_op_symbols[] = {no_op_trace};
static char *no_op_drop_symbols[] = {no_op_drop};
static char shop[] = "shop", plugin[] = "plugin.so";

// The plugin lies below the program, but its name comes first as well; "shop" has the merged
// function, and one without symbols.
static SnapshotModule modules[] = {{.name = plugin, .base = MODULE, .end = MODULE + 0x10000},
                                   {.name = shop, .base = MODULE + 0x20000}};
#define IN_PLUGIN(offset) (MODULE + (offset))
#define IN_SHOP(offset) (MODULE + 0x20000 + (offset))
static SnapshotType types[] = {
    {IN_PLUGIN(0x100), 0, 0x100, 1, order_symbols},
    {IN_SHOP(0x100), 1, 0x100, 2, merged_symbols},
    {IN_SHOP(0x200), 1, 0x200, 0, NULL},
    {IN_SHOP(0x300), 1, 0x300, 1, no_op_symbols},
};
static SnapshotType drops[] = {
    {IN_PLUGIN(0x180), 0, 0x180, 1, order_drop_symbols},
    {IN_SHOP(0x180), 1, 0x180, 1, order_drop_symbols},
    {IN_SHOP(0x190), 1, 0x190, 1, cart_drop_symbols},
    {IN_SHOP(0x380), 1, 0x380, 1, no_op_drop_symbols},
};
static const SnapshotDetails details = {
    .module_count = 2,
    .modules = modules,
    .type_count = sizeof types / sizeof types[0],
    .types = types,
    .drop_count = sizeof drops / sizeof drops[0],
    .drops = drops,
};

static TypeTable *table_of(const TypeKey *keys, uint32_t count)
{
    TypeTable *table = NULL;
    Error error;

    cr_assert(type_table_new(&table, &error));
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(type_table_add(table, &keys[i], &error), i);
    cr_assert(type_table_finish(table, &details, &error));
    return table;
}

static const HeapType *type_of(const TypeTable *table, uint32_t key)
{
    return &table->types[table->keys[key].type];
}

Test(type_table, the_drop_function_tells_merged_types_apart)
{
    const TypeKey keys[] = {
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x190), .block_size = 64},
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x180), .block_size = 64},
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 64},
    };
    TypeTable *table = table_of(keys, 3);

    cr_expect_eq(table->type_count, 3u);
    cr_expect_str_eq(type_of(table, 0)->label, "shop::Cart");
    cr_expect_str_eq(type_of(table, 1)->label, "shop::Order");
    cr_expect_str_eq(type_of(table, 2)->label, "shop::Cart | shop::Order");
    type_table_free(table);
}

Test(type_table, a_type_whose_functions_were_made_twice_is_one)
{
    const TypeKey keys[] = {
        {.trace = IN_PLUGIN(0x100), .drop = IN_PLUGIN(0x180), .block_size = 64},
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x180), .block_size = 64},
    };
    TypeTable *table = table_of(keys, 2);

    cr_expect_eq(table->type_count, 1u);
    type_table_free(table);
}

Test(type_table, sizes_tell_types_apart_while_there_are_as_many_names)
{
    const TypeKey keys[] = {
        // Cart | Order
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 64},
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 64, .is_dead = true},
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 128},
        // Order
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x180), .block_size = 64},
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x180), .block_size = 9000},
        // Without a name
        {.trace = IN_SHOP(0x200), .drop = 0x7100, .block_size = 64},
        {.trace = IN_SHOP(0x200), .drop = 0x7100, .block_size = 128},
    };
    const TypeKey more[] = {
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 64},
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 128},
        {.trace = IN_SHOP(0x100), .drop = 0, .block_size = 256},
    };
    TypeTable *table = table_of(keys, 7);

    cr_expect_eq(table->keys[0].type, table->keys[1].type);
    cr_expect_neq(table->keys[0].type, table->keys[2].type);
    cr_expect_str_eq(type_of(table, 2)->label, "shop::Cart | shop::Order");
    cr_expect_eq(table->keys[3].type, table->keys[4].type);
    cr_expect_eq(table->keys[5].type, table->keys[6].type);
    cr_expect_eq(table->type_count, 4u);
    type_table_free(table);
    // Three sizes of two types: sizes say nothing.
    table = table_of(more, 3);
    cr_expect_eq(table->type_count, 1u);
    type_table_free(table);
}

Test(type_table, types_without_a_name_are_numbered_in_an_order_that_runs_share)
{
    const TypeKey keys[] = {
        {.trace = 0x7000, .drop = 0x7100, .block_size = 64},
        {.trace = IN_SHOP(0x200), .drop = 0x7100, .block_size = 64},
        {.trace = IN_SHOP(0x200), .drop = IN_SHOP(0x190), .block_size = 64},
        {.trace = IN_PLUGIN(0x100), .drop = IN_PLUGIN(0x180), .block_size = 64},
    };
    TypeTable *table = table_of(keys, 4);

    cr_expect_str_eq(table->types[0].label, "shop::Order");
    // A drop function that has a name names the type.
    cr_expect_str_eq(table->types[1].label, "shop::Cart");
    cr_expect_str_eq(table->types[2].label, "type #3 (trace shop+0x200)");
    cr_expect_str_eq(table->types[3].label, "type #4 (trace 0x7000)");
    cr_expect_null(table->types[2].name);
    for (uint32_t i = 0; i < table->key_count; i++)
        cr_expect_eq(table->keys[table->shown_keys[i]].type, i);
    type_table_free(table);
}

Test(type_table, dropped_objects_have_lost_their_type)
{
    const TypeKey keys[] = {
        {.trace = IN_SHOP(0x300), .drop = IN_SHOP(0x380), .block_size = 64, .is_dead = true},
        {.trace = IN_SHOP(0x300), .drop = IN_SHOP(0x380), .block_size = 128, .is_dead = true},
        {.trace = IN_SHOP(0x300), .drop = IN_SHOP(0x380), .block_size = 64},
        // The empty trace function was merged with that of types that refer to nothing.
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x380), .block_size = 64, .is_dead = true},
        {.trace = IN_SHOP(0x100), .drop = IN_SHOP(0x380), .block_size = 64},
        // In other heaps they keep it.
        {.trace = IN_SHOP(0x200), .drop = 0x7100, .block_size = 64, .is_dead = true},
        {.trace = IN_SHOP(0x200), .drop = 0x7100, .block_size = 64},
    };
    TypeTable *table = table_of(keys, 7);

    for (uint32_t i = 0; i < 4; i++) {
        cr_expect_eq(type_of(table, i)->kind, HEAP_TYPE_NONE, "key %u", i);
        cr_expect_eq(table->keys[i].type, table->keys[0].type);
        cr_expect_str_eq(type_of(table, i)->label, "no type");
    }
    cr_expect_str_eq(type_of(table, 4)->label, "shop::Cart | shop::Order");
    cr_expect_eq(table->keys[5].type, table->keys[6].type);
    cr_expect_str_eq(type_of(table, 5)->label, "type #3 (trace shop+0x200)");
    type_table_free(table);
}

Test(type_table, objects_without_a_header_come_last)
{
    const TypeKey keys[] = {
        {.trace = 0}, {.trace = 0, .block_size = 64}, {.trace = 0x7000, .block_size = 64}};
    TypeTable *table = table_of(keys, 3);

    cr_expect_eq(table->type_count, 3u);
    cr_expect_eq(type_of(table, 0)->kind, HEAP_TYPE_HEADERLESS);
    cr_expect_eq(table->keys[0].type, 2u);
    cr_expect_str_eq(table->types[2].label, "no object header");
    cr_expect_str_eq(table->types[0].label, "type #1 (trace 0x0)");
    type_table_free(table);
}

Test(type_table, many_keys_are_found_again)
{
    TypeTable *table = NULL;
    Error error;

    cr_assert(type_table_new(&table, &error));
    for (uint32_t i = 0; i < 5000; i++) {
        TypeKey key = {.trace = 0x1000 + i / 7 * 16, .drop = i % 7 * 8, .block_size = 64};
        cr_assert_eq(type_table_add(table, &key, &error), i);
        cr_assert_eq(type_table_add(table, &key, &error), i);
    }
    cr_assert(type_table_finish(table, &details, &error));
    for (uint32_t i = 0; i < 5000; i++) {
        TypeKey key = {.trace = 0x1000 + i / 7 * 16, .drop = i % 7 * 8, .block_size = 64};
        cr_assert_eq(type_table_find_key(table, &key), i);
    }
    cr_expect_eq(type_table_find_key(table, &(TypeKey){.trace = 1, .block_size = 64}), NO_INDEX);
    cr_expect_eq(table->type_count, 5000u);
    type_table_free(table);
    type_table_free(NULL);
}

Test(type_table, an_empty_table_has_no_types)
{
    TypeTable *table = table_of(NULL, 0);

    cr_expect_eq(table->type_count, 0u);
    cr_expect_eq(type_table_find_key(table, &(TypeKey){.trace = 0}), NO_INDEX);
    type_table_free(table);
}
