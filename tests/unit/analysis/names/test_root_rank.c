// Which roots explain more than others, by name and by place.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/root_rank.h"

// Names belong to their owners, which here never change them.
#define TEXT(text) ((char *)(uintptr_t)(text))

Test(root_rank, names_of_libraries_are_known_wherever_they_begin)
{
    cr_expect(name_is_of_library("std::thread::functions::sleep", NULL));
    cr_expect(name_is_of_library("<alloc::vec::Vec<shop::Order> as core::ops::Drop>::drop", NULL));
    cr_expect(name_is_of_library("<&mut core::slice::Iter<u8> as Iterator>::next", NULL));
    cr_expect(name_is_of_library("rudo_gc::heap::alloc", "rudo_gc::"));
    cr_expect(name_is_of_library("<rudo_gc::ptr::Gc<shop::Order>>::new", "rudo_gc::"));
    cr_expect_not(name_is_of_library("rudo_gc::heap::alloc", NULL));
    cr_expect_not(name_is_of_library("<shop::Order as core::fmt::Debug>::fmt", "rudo_gc::"));
    cr_expect_not(name_is_of_library("standard::serve", NULL));
    cr_expect_not(name_is_of_library("main", NULL));
}

// A program 'shop' with a library, a thread of three frames, and variables of its own, of the
// standard library and of the collector.
static SnapshotModule modules[] = {
    {.name = TEXT("shop"), .build_id = TEXT(""), .base = 0x10000, .end = 0x20000},
    {.name = TEXT("libc.so.6"), .build_id = TEXT(""), .base = 0x50000, .end = 0x60000},
};
static SnapshotThread threads[] = {{.tid = 1, .control_block = 0x9000}};
static SnapshotFrame frames[] = {
    {.program_counter = 0x50010,
     .start = 0x1000,
     .end = 0x1100,
     .function = TEXT("clock_nanosleep")},
    {.program_counter = 0x10010,
     .start = 0x1100,
     .end = 0x1200,
     .function = TEXT("std::thread::sleep")},
    {.program_counter = 0x10020, .start = 0x1200, .end = 0x1300, .function = TEXT("shop::serve")},
    {.program_counter = 0x10030,
     .start = 0x1300,
     .end = 0x1400,
     .function =
         TEXT("std::sys::backtrace::__rust_begin_short_backtrace::<shop::main::{closure#0}, ()>")},
};
static SnapshotStack stacks[] = {{.thread = 0, .frame_count = 4, .frames = frames}};
static SnapshotVariable variables[] = {
    {.address = 0x11000, .bytes = 8, .module = 0, .name = TEXT("shop::CACHE")},
    {.address = 0x11008, .bytes = 8, .module = 0, .name = TEXT("std::io::stdio::STDOUT")},
    {.address = 0x11010, .bytes = 8, .module = 0, .name = TEXT("rudo_gc::heap::SATB")},
    {.address = 0x51000, .bytes = 8, .module = 1, .name = TEXT("environ")},
    {.address = (uint64_t)-16,
     .bytes = 8,
     .module = 0,
     .is_thread_local = true,
     .name = TEXT("rudo_gc::heap::HEAP")},
};

static HeapImage shop_image(SnapshotDetails *details)
{
    HeapImage image = {.layout = *heap_layout_rudo_gc_0_8(), .details = details};

    *details = (SnapshotDetails){
        .thread_count = 1,
        .threads = threads,
        .module_count = 2,
        .modules = modules,
        .stack_count = 1,
        .stacks = stacks,
        .variable_count = 5,
        .variables = variables,
    };
    strcpy(details->metadata.executable, "shop");
    return image;
}

Test(root_rank, places_have_an_order)
{
    SnapshotDetails details;
    HeapImage image = shop_image(&details);
    RootRanks ranks;
    static const struct {
        RootKind kind;
        uint64_t address;
        bool is_interior;
        RootRank rank;
    } cases[] = {
        {ROOT_HANDLE, 0, false, ROOT_RANK_TOLD},
        {ROOT_GLOBAL, 0x11000, false, ROOT_RANK_VARIABLE},
        {ROOT_GLOBAL, 0x12000, false, ROOT_RANK_VARIABLE}, // unnamed, of the executable
        {ROOT_STACK, 0x1208, false, ROOT_RANK_FRAME},
        {ROOT_STACK, 0x1308, false, ROOT_RANK_FRAME}, // the thread's own code is in it
        {ROOT_STACK, 0x1108, false, ROOT_RANK_OTHER_FRAME},
        {ROOT_STACK, 0x1008, false, ROOT_RANK_OTHER_FRAME},
        {ROOT_STACK, 0x1408, false, ROOT_RANK_OTHER_FRAME}, // beyond the last frame
        {ROOT_REGISTER, 3, false, ROOT_RANK_REGISTER},
        {ROOT_REGISTER, 0x1014, false, ROOT_RANK_VECTOR_REGISTER},
        {ROOT_FOREIGN, 0x7000, false, ROOT_RANK_MEMORY},
        {ROOT_STACK, 0x1208, true, ROOT_RANK_INTERIOR},
        {ROOT_GLOBAL, 0x11008, false, ROOT_RANK_OTHER_VARIABLE},
        {ROOT_GLOBAL, 0x51000, false, ROOT_RANK_OTHER_VARIABLE},
        {ROOT_GLOBAL, 0x11010, false, ROOT_RANK_COLLECTOR},
        {ROOT_TLS, 0x9000 - 16, false, ROOT_RANK_COLLECTOR},
    };

    root_ranks_init(&ranks, &image);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Root root = {.kind = (uint8_t)cases[i].kind, .address = cases[i].address};

        cr_expect_eq(root_ranks_of(&ranks, &root, cases[i].is_interior), cases[i].rank, "case %zu",
                     i);
        cr_expect_eq(root_ranks_is_collector(&ranks, &root), cases[i].rank == ROOT_RANK_COLLECTOR);
    }
    root_ranks_release(&ranks);
    for (unsigned rank = 1; rank < ROOT_RANK_COUNT; rank++)
        cr_expect_leq(root_rank_tier((RootRank)rank - 1), root_rank_tier((RootRank)rank));
}

Test(root_rank, an_inlined_function_of_the_program_makes_a_frame_its_own)
{
    static SnapshotPlace places[] = {
        {.thread = 0, .frame = 1, .function = TEXT("core::ptr::read"), .file = TEXT("")},
        {.thread = 0, .frame = 1, .function = TEXT("shop::wait"), .file = TEXT("")},
        {.thread = 0, .frame = 1, .function = TEXT("std::thread::sleep"), .file = TEXT("")},
    };
    SnapshotDetails details;
    HeapImage image = shop_image(&details);
    Root root = {.kind = ROOT_STACK, .address = 0x1108};
    RootRanks ranks;

    details.places = places;
    details.place_count = 3;
    root_ranks_init(&ranks, &image);
    cr_expect_eq(root_ranks_of(&ranks, &root, false), ROOT_RANK_FRAME);
    root_ranks_release(&ranks);
}

Test(root_rank, an_exact_root_is_the_best_one)
{
    SnapshotDetails details;
    HeapImage image = shop_image(&details);
    Root root = {.kind = ROOT_STACK, .address = 0x1008, .is_exact = 1};
    RootRanks ranks;

    root_ranks_init(&ranks, &image);
    cr_expect_eq(root_ranks_of(&ranks, &root, false), ROOT_RANK_EXACT);
    root_ranks_release(&ranks);
}
