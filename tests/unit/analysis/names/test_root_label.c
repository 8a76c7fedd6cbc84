// Where roots lie, in words.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/register_name.h"
#include "snapshot/heap/snapshot_machine.h"
#include "analysis/names/root_label.h"
#include "snapshot/heap/snapshot_lookup.h"

static SnapshotThread threads[] = {
    {.tid = 100, .name = "shop", .control_block = 0x7f31c9a4e700},
    {.tid = 101, .name = "worker"},
    {.tid = 102, .name = "worker"},
    {.tid = 103},
};
static char shop[] = "shop", libc[] = "libc.so.6", anonymous[] = "", heap[] = "[heap]";
static char shop_path[] = "/srv/bin/shop", data_path[] = "/srv/prices.bin";
static SnapshotModule modules[] = {
    {.name = shop, .base = 0x10000, .end = 0x14000},
    {.name = libc, .base = 0x80000, .end = 0x90000},
};
static SnapshotMapping mappings[] = {
    {0x10000, 0x14000, 0, "rw-p", shop_path}, {0x14000, 0x15000, 0, "rw-p", anonymous},
    {0x20000, 0x30000, 0, "rw-p", heap},      {0x40000, 0x41000, 0, "rw-p", data_path},
    {0xa0000, 0xb0000, 0, "rw-p", anonymous},
};
static char shop_cache[] = "shop::CACHE", cache_lock[] = "shop::CACHE_LOCK";
static char current[] = "shop::CURRENT::{K#0}::{closure#0}::__RUST_STD_INTERNAL_VAL";
static SnapshotVariable variables[] = {
    {.address = 0x12100, .bytes = 0x40, .module = 0, .name = shop_cache},
    {.address = 0x12110, .bytes = 0x8, .module = 0, .name = cache_lock},
    {.address = (uint64_t)-0x40, .bytes = 0x10, .is_thread_local = true, .name = current},
};
static char handle_order[] = "shop::handle_order", serve[] = "shop::serve::<shop::Order>";
static SnapshotFrame worker_frames[] = {
    {0x10500, true, 0x7000f80, 0x7001020, 0x5c, handle_order},
    {0x80500, false, 0x7001020, 0x7001080, 0, NULL},
    {0x10700, false, 0x7001080, 0x7001100, 0x200, serve},
    {0xc0700, false, 0x7001100, 0x7002000, 0, NULL},
};
static SnapshotFrame lost_frames[] = {
    {0x10500, true, 0x8000f80, 0x8001020, 0x5c, handle_order},
    {0xc0500, false, 0x8001020, 0x8001020, 0, NULL},
};
static SnapshotStack stacks[] = {
    {.thread = 1, .end = STACK_END_WHOLE, .frame_count = 4, .frames = worker_frames},
    {.thread = 2, .end = STACK_END_BROKEN, .frame_count = 2, .frames = lost_frames},
};
static SnapshotDetails details = {
    .thread_count = 4,
    .threads = threads,
    .module_count = 2,
    .modules = modules,
    .mapping_count = sizeof mappings / sizeof mappings[0],
    .mappings = mappings,
    .stack_count = 2,
    .stacks = stacks,
    .variable_count = sizeof variables / sizeof variables[0],
    .variables = variables,
};

// The label by these details, which get their lookups for it.
static char *label_of(SnapshotDetails *of, const Root *root)
{
    char *label;
    Error error;

    cr_assert(snapshot_details_index(of, &error));
    label = root_label(of, root);
    snapshot_lookup_free(of->lookup);
    of->lookup = NULL;
    return label;
}

static void expect_label(RootKind kind, uint32_t thread, uint64_t address, const char *expected)
{
    Root root = {.kind = (uint8_t)kind, .thread = thread, .address = address};
    char *label = label_of(&details, &root);

    cr_assert_not_null(label);
    cr_expect_str_eq(label, expected);
    free(label);
}

Test(root_label, stack_words_belong_to_a_thread)
{
    expect_label(ROOT_STACK, 0, 0x7fcb3e1ff8a0, "thread 'shop', stack 0x7fcb3e1ff8a0");
    expect_label(ROOT_STACK, NO_INDEX, 0x7fcb3e1ff8a0, "stack 0x7fcb3e1ff8a0");
}

Test(root_label, stack_words_belong_to_the_frame_that_holds_them)
{
    expect_label(ROOT_STACK, 1, 0x7001018,
                 "thread 'worker' (101), frame #0 shop::handle_order+0x5c, stack 0x7001018");
    expect_label(ROOT_STACK, 1, 0x7000f80,
                 "thread 'worker' (101), frame #0 shop::handle_order+0x5c, stack 0x7000f80");
    expect_label(ROOT_STACK, 1, 0x7001020,
                 "thread 'worker' (101), frame #1 libc.so.6+0x500, stack 0x7001020");
    expect_label(ROOT_STACK, 1, 0x70010f8,
                 "thread 'worker' (101), frame #2 shop::serve+0x200, stack 0x70010f8");
    expect_label(ROOT_STACK, 1, 0x7001ff8,
                 "thread 'worker' (101), frame #3 0xc0700, stack 0x7001ff8");
    // Below them all, and on another stack.
    expect_label(ROOT_STACK, 1, 0x7000f78, "thread 'worker' (101), stack 0x7000f78");
    // Not even the last frame's end is known.
    expect_label(ROOT_STACK, 2, 0x8001020,
                 "thread 'worker' (102), frame #1 0xc0500 or a caller, stack 0x8001020");
    expect_label(ROOT_STACK, 2, 0x8001f00,
                 "thread 'worker' (102), frame #1 0xc0500 or a caller, stack 0x8001f00");
}

typedef struct FunctionCase {
    const char *function;
    const char *label;
} FunctionCase;

Test(root_label, frames_have_their_place_in_the_source)
{
    static char sleep[] = "std::thread::sleep", handle[] = "shop::handle_order";
    static char audit[] = "shop::audit::<shop::Order>", main_rs[] = "src/main.rs",
                std_rs[] = "s.rs",
                crate_rs[] = "/cargo/registry/src/index.crates.io-1949/tokio-1.54.1/src/park.rs";
    static SnapshotPlace places[] = {
        {1, 0, 0, 88, handle, main_rs},
        {1, 2, 0, 553, sleep, std_rs},
        {1, 2, 1, 41, audit, main_rs},
        {1, 2, 2, 12, serve, main_rs},
    };
    SnapshotDetails with_places = details;
    Root root = {.kind = ROOT_STACK, .thread = 1, .address = 0x7001018};
    char *label;

    with_places.place_count = 4;
    with_places.places = places;
    label = label_of(&with_places, &root);
    cr_expect_str_eq(label, "thread 'worker' (101), frame #0 shop::handle_order+0x5c "
                            "(src/main.rs:88), stack 0x7001018");
    free(label);
    // The innermost function of the program's own that was inlined there.
    root.address = 0x70010f8;
    label = label_of(&with_places, &root);
    cr_expect_str_eq(label, "thread 'worker' (101), frame #2 shop::serve+0x200 (in shop::audit, "
                            "src/main.rs:41), stack 0x70010f8");
    free(label);
    // Of a crate from a registry, without cargo's folders.
    places[2].file = crate_rs;
    label = label_of(&with_places, &root);
    cr_expect_str_eq(label, "thread 'worker' (101), frame #2 shop::serve+0x200 (in shop::audit, "
                            "tokio-1.54.1/src/park.rs:41), stack 0x70010f8");
    free(label);
}

Test(root_label, functions_are_shown_without_type_parameters)
{
    static const FunctionCase cases[] = {
        {"main", "main"},
        {"shop::serve::<shop::Order>", "shop::serve"},
        {"<shop::Cart<u8> as shop::Sum>::total::<a::B<c::D>>", "<shop::Cart as shop::Sum>::total"},
        {"<rudo_gc::ptr::GcBox<()>>::no_op_drop", "<rudo_gc::ptr::GcBox>::no_op_drop"},
        {"a::run::<fn(u8) -> b::C<u8>>::{closure#0}", "a::run::{closure#0}"},
        {"std::sys::backtrace::__rust_begin_short_backtrace::<shop::serve<a::B>::{closure#0}, ()>",
         "std::sys::backtrace::__rust_begin_short_backtrace::<shop::serve::{closure#0}, ()>"},
        {"core::ops::call_once::<fn(&u8) -> b::C<u8>>", "core::ops::call_once::<fn(&u8) -> b::C>"},
        {"std::operator<", "std::operator<"},
        {"rocksdb::Cache<int, char>::get", "rocksdb::Cache::get"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *label = function_label(cases[i].function);

        cr_assert_not_null(label);
        cr_expect_str_eq(label, cases[i].label);
        free(label);
    }
}

Test(root_label, threads_of_one_name_have_their_numbers)
{
    expect_label(ROOT_STACK, 1, 0x1008, "thread 'worker' (101), stack 0x1008");
    expect_label(ROOT_STACK, 2, 0x1008, "thread 'worker' (102), stack 0x1008");
    expect_label(ROOT_STACK, 3, 0x1008, "thread 103, stack 0x1008");
}

Test(root_label, registers_have_their_names)
{
    expect_label(ROOT_REGISTER, 0, 5, "register rbx of thread 'shop'");
    expect_label(ROOT_REGISTER, 1, 0x1000 + (160 + 3 * 16) / 8,
                 "register xmm3 of thread 'worker' (101)");
    expect_label(ROOT_REGISTER, NO_INDEX, 0, "register r15 of an unknown thread");
}

Test(root_label, thread_local_storage_belongs_to_a_thread)
{
    expect_label(ROOT_TLS, 0, 0x7f31c9a4e6f8, "tls of thread 'shop', 0x7f31c9a4e6f8");
}

Test(root_label, variables_have_their_names)
{
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x12100, "global shop::CACHE (shop)");
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x12138, "global shop::CACHE+0x38 (shop)");
    // The innermost, and behind its end the one around it.
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x12110, "global shop::CACHE_LOCK (shop)");
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x12118, "global shop::CACHE+0x18 (shop)");
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x12140, "global shop+0x2140");
    expect_label(ROOT_TLS, 0, 0x7f31c9a4e6c0, "tls shop::CURRENT of thread 'shop'");
    expect_label(ROOT_TLS, 0, 0x7f31c9a4e6c8, "tls shop::CURRENT+0x8 of thread 'shop'");
    // At the end of a stack.
    expect_label(ROOT_STACK, 0, 0x7f31c9a4e6c8, "tls shop::CURRENT+0x8 of thread 'shop'");
    // Another thread's is at another place.
    expect_label(ROOT_TLS, 1, 0x7f31c9a4e6c8, "tls of thread 'worker' (101), 0x7f31c9a4e6c8");
}

Test(root_label, globals_belong_to_a_module)
{
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x12010, "global shop+0x2010");
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x14ff8, "global shop+0x4ff8"); // its .bss
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x40008, "global 0x40008 (prices.bin)");
    expect_label(ROOT_GLOBAL, NO_INDEX, 0x8, "global 0x8");
}

Test(root_label, other_memory_is_named_where_its_mapping_is)
{
    expect_label(ROOT_FOREIGN, NO_INDEX, 0x20010, "memory 0x20010 ([heap])");
    expect_label(ROOT_FOREIGN, NO_INDEX, 0xa0010, "memory 0xa0010");
    expect_label(ROOT_HANDLE, NO_INDEX, 0x20010, "handle 0x20010");
    expect_label(ROOT_EXPLICIT, NO_INDEX, 0x20010, "explicit 0x20010");
}

typedef struct RegisterCase {
    uint64_t number;
    const char *name;
} RegisterCase;

Test(register_name, numbers_are_those_of_the_format)
{
    static const RegisterCase cases[] = {
        {0, "r15"},
        {4, "rbp"},
        {10, "rax"},
        {16, "rip"},
        {26, "gs"},
        {27, "register 27"},
        {0x1000 + 32 / 8, "st0"},
        {0x1000 + 152 / 8, "st7"},
        {0x1000 + 160 / 8, "xmm0"},
        {0x1000 + 408 / 8, "xmm15"},
        {0x1000 + 576 / 8, "ymm0"},
        {0x1000 + 824 / 8, "ymm15"},
        {0x1000 + 832 / 8, "vector state +0x340"},
        {0x1000, "vector state +0x0"},
        {UINT64_MAX, "register 18446744073709551615"},
    };
    char name[REGISTER_NAME_CHARS];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(register_name(0, cases[i].number, name), cases[i].name);
}

Test(register_name, numbers_of_aarch64_are_those_of_the_format)
{
    static const RegisterCase cases[] = {
        {0, "x0"},
        {30, "x30"},
        {31, "sp"},
        {32, "pc"},
        {33, "pstate"},
        {34, "tpidr_el0"},
        {35, "register 35"},
        {0x1000, "v0"},
        {0x1000 + 63, "v31"},
        {0x1000 + 64, "vector state +0x200"},
        {0x10000, "register 65536"},
    };
    char name[REGISTER_NAME_CHARS];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(register_name(SNAPSHOT_MACHINE_AARCH64, cases[i].number, name),
                         cases[i].name);
    cr_expect_str_eq(register_name(243, 0, name), "register 0");
}

Test(root_label, long_names_are_cut)
{
    static char name[5000];
    static SnapshotModule long_module[] = {{.name = name, .base = 0x10000, .end = 0x14000}};
    SnapshotDetails with_long = {.module_count = 1, .modules = long_module};
    Root root = {.kind = ROOT_GLOBAL, .thread = NO_INDEX, .address = 0x10100};
    char *label;

    memset(name, 'a', sizeof name - 1);
    label = label_of(&with_long, &root);
    cr_expect_eq(strlen(label), strlen("global ") + 1024 + strlen("...+0x100"));
    cr_expect_str_eq(label + strlen(label) - 9, "...+0x100");
    free(label);
}
