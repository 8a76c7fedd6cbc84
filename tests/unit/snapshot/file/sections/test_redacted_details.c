// Redacted details: names that were given at run time go, those of the program's file stay.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/file/sections/sections.h"

Test(redacted_details, names_that_were_given_at_run_time_go)
{
    char module_name[] = "/opt/alice/libx.so", build_id[] = "c0ffee", symbol[] = "shop::Order";
    char path_symbol[] = "_GLOBAL__sub_I_/srv/alice/x.cc";
    char operator_symbol[] = "operator/(Ratio, Ratio)";
    char *symbols[] = {operator_symbol, path_symbol, symbol};
    char names[][64] = {
        "/opt/alice/libx.so",    "/srv/alice/ledger.db", "[heap]", "[anon:alice]", "",
        "/memfd:alice (deleted)"};
    static const char *const expected[] = {"libx.so", "[file]", "[heap]", "[anon]", "", "[file]"};
    SnapshotThread thread = {.tid = 7, .name = "alice's", .stack_pointer = 1};
    SnapshotModule module = {module_name, build_id, 0x1000, 0x2000};
    SnapshotType type = {0x1010, 0, 0x10, 3, symbols};
    SnapshotMapping mappings[6] = {{0}};
    SnapshotDetails details = {
        .metadata = {.executable = "/srv/alice/shop",
                     .missing = "cannot read '/srv/alice/a b'\n3 pages of x",
                     .pause_ns = 5},
        .thread_count = 1,
        .threads = &thread,
        .module_count = 1,
        .modules = &module,
        .type_count = 1,
        .types = &type,
        .mapping_count = 6,
        .mappings = mappings,
    };
    uint32_t offsets[] = {48, 64};
    char function[] = "shop::serve", why[] = "'my srv/o'alice/x y' is unreadable", name[] = "alice";
    SnapshotFrame frame = {.program_counter = 0x1234, .function = function};
    SnapshotStack stack = {.frame_count = 1, .frames = &frame};
    SnapshotRootName roots[] = {{0x8000, 0x4010, name}, {0x8008, 7, name}};
    SnapshotTypeLayout layout = {0x1010, UINT32_MAX, 2, offsets};
    SnapshotLoss loss = {0x9000, 4096, LOSS_MEMORY, why};
    char place_file[] = "/srv/alice/shop/src/main.rs", field_name[] = "sessions";
    char type_path[] = "shop::{closure at /srv/alice/shop/src/main.rs}", no_text[] = "";
    SnapshotPlace place = {.line = 88, .function = function, .file = place_file};
    SnapshotField field = {.bytes = 8, .name = field_name, .type_name = no_text};
    SnapshotDataType data_type = {
        .name = type_path, .bytes = 8, .field_count = 1, .fields = &field};
    SnapshotDetails *redacted = NULL;
    Error error;

    details.stack_count = details.type_layout_count = details.loss_count = 1;
    details.place_count = details.data_type_count = 1;
    details.places = &place;
    details.data_types = &data_type;
    details.root_name_count = 2;
    details.stacks = &stack;
    details.root_names = roots;
    details.type_layouts = &layout;
    details.losses = &loss;
    for (uint32_t i = 0; i < 6; i++)
        mappings[i] = (SnapshotMapping){i * 4096, i * 4096 + 4096, 0, "rw-p", names[i]};
    cr_assert(redacted_details_new(&details, &redacted, &error));
    cr_expect_str_eq(redacted->metadata.executable, "shop");
    cr_expect_str_eq(redacted->metadata.missing, "cannot read *\n3 pages of x");
    cr_expect_eq(redacted->metadata.pause_ns, 5);
    cr_expect(redacted->metadata.is_redacted);
    cr_expect_str_eq(redacted->threads[0].name, "");
    cr_expect_eq(redacted->threads[0].tid, 7);
    cr_expect_str_eq(redacted->modules[0].name, "libx.so");
    cr_expect_str_eq(redacted->types[0].symbols[0], "operator/(Ratio, Ratio)");
    cr_expect_str_eq(redacted->types[0].symbols[1], "[redacted]");
    cr_expect_str_eq(redacted->types[0].symbols[2], "shop::Order");
    for (uint32_t i = 0; i < 6; i++)
        cr_expect_str_eq(redacted->mappings[i].name, expected[i]);
    cr_expect_str_eq(redacted->stacks[0].frames[0].function, "shop::serve");
    cr_expect_eq(redacted->stacks[0].frames[0].program_counter, 0x1234);
    cr_expect_eq(redacted->root_name_count, 0);
    cr_assert_eq(redacted->place_count, 1);
    cr_expect_str_eq(redacted->places[0].file, "main.rs");
    cr_expect_str_eq(redacted->places[0].function, "shop::serve");
    cr_expect_eq(redacted->places[0].line, 88);
    cr_expect_str_eq(redacted->data_types[0].name, "[redacted]");
    cr_expect_str_eq(redacted->data_types[0].fields[0].name, "sessions");
    cr_expect_eq(redacted->type_layouts[0].offsets[1], 64);
    cr_expect_str_eq(redacted->losses[0].why, "*");
    cr_expect_eq(redacted->losses[0].bytes, 4096);
    snapshot_details_free(redacted);
}

// A program that maps code under names that it makes up.
Test(redacted_details, names_of_modules_that_were_made_up_go_from_notes_too)
{
    char names[][40] = {"memfd:alice", "libjit-alice.so", "alice.bin", "libc.so.6", "shop"};
    char paths[][40] = {"/memfd:alice (deleted)", "/tmp/libjit-alice.so (deleted)",
                        "/srv/alice.bin", "/usr/lib/libc.so.6", "/srv/shop (deleted)"};
    static const char *const expected[] = {"[module 1]", "[module 2]", "[module 3]", "libc.so.6",
                                           "shop"};
    char build_id[] = "c0ffee", no_id[] = "", why[] = "'memfd:alice' is gone";
    SnapshotModule modules[5];
    SnapshotMapping mappings[5];
    SnapshotLoss loss = {0x9000, 4096, LOSS_MEMORY, why};
    SnapshotDetails details = {
        .metadata = {.executable = "shop",
                     .names_note = "3 types: 'memfd:alice' is stripped\n1 type: 'libjit-al",
                     .names_reasons = "2 types: 'alice.bin' and 'libc.so.6'",
                     .certificate = {.method_note = "it was stopped: 'alice.bin' at /srv/alice"}},
        .module_count = 5,
        .modules = modules,
        .mapping_count = 5,
        .mappings = mappings,
        .loss_count = 1,
        .losses = &loss,
    };
    SnapshotDetails *redacted = NULL;
    Error error;

    for (uint32_t i = 0; i < 5; i++) {
        uint64_t start = 0x10000 + i * 0x10000;
        modules[i] = (SnapshotModule){names[i], i == 2 ? no_id : build_id, start, start + 0x1000};
        mappings[i] = (SnapshotMapping){start, start + 0x1000, 0, "r-xp", paths[i]};
    }
    cr_assert(redacted_details_new(&details, &redacted, &error));
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_str_eq(redacted->modules[i].name, expected[i]);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_str_eq(redacted->mappings[i].name, i == 3 ? "libc.so.6" : "[file]");
    cr_expect_str_eq(redacted->metadata.executable, "shop");
    cr_expect_str_eq(redacted->metadata.names_note, "3 types: '*' is stripped\n1 type: '*");
    cr_expect_str_eq(redacted->metadata.names_reasons, "2 types: '*' and 'libc.so.6'");
    cr_expect_null(strstr(redacted->metadata.certificate.method_note, "alice"));
    cr_expect_str_eq(redacted->losses[0].why, "'*' is gone");
    snapshot_details_free(redacted);
}

static void expect_program(const char *executable, const char *thread_name, const char *expected)
{
    SnapshotThread thread = {.tid = 7};
    SnapshotDetails details = {.thread_count = 1, .threads = &thread};
    SnapshotDetails *redacted = NULL;
    Error error;

    strcpy(details.metadata.executable, executable);
    strcpy(thread.name, thread_name);
    cr_assert(redacted_details_new(&details, &redacted, &error));
    cr_expect_str_eq(redacted->metadata.executable, expected);
    snapshot_details_free(redacted);
}

Test(redacted_details, a_program_keeps_the_name_of_its_file_alone)
{
    expect_program("/srv/alice/shop", "worker", "shop");
    expect_program("memfd:alice", "worker", "[program]");
    // Where the capture found no file, it took the name of the thread.
    expect_program("alice's", "alice's", "[program]");
}
