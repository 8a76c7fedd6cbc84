// Records of names, as the parent reads them: those that are right, and those that a child may have
// written after it went wrong.

#include "snapshot/capture/names/name_records_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static SnapshotDetails *details;
static ProcessCopy copy;
static NameRequest request;
static NameReader reader;
static ByteBuffer records; // of a child
static ByteBuffer body;    // of one record
static Error error;

static void begin(void)
{
    details = snapshot_details_new();
    details->types = calloc(2, sizeof *details->types);
    details->type_count = 2;
    details->threads = calloc(2, sizeof *details->threads);
    details->thread_count = 2;
    details->modules = calloc(1, sizeof *details->modules);
    details->module_count = 1;
    request = (NameRequest){.copy = &copy, .details = details};
    reader = (NameReader){.request = &request};
}

static void end(void)
{
    name_reader_release(&reader);
    snapshot_details_free(details);
    byte_buffer_release(&records);
    byte_buffer_release(&body);
}

TestSuite(name_records, .init = begin, .fini = end);

static void add_string(const char *text)
{
    byte_buffer_add_u32(&body, (uint32_t)strlen(text));
    byte_buffer_add(&body, text, strlen(text));
}

static void add_record(uint32_t kind)
{
    byte_buffer_add_u32(&records, kind);
    byte_buffer_add_u32(&records, (uint32_t)body.length);
    byte_buffer_add(&records, body.bytes, body.length);
    byte_buffer_release(&body);
}

static void add_function(NameTable table, uint32_t index, const char *first, const char *second)
{
    byte_buffer_add_u32(&body, table);
    byte_buffer_add_u32(&body, index);
    add_string(first);
    add_string(second);
    add_record(NAME_OF_FUNCTION);
}

static void add_variable(uint64_t address, uint32_t module, bool is_thread_local, const char *name)
{
    byte_buffer_add_u64(&body, address);
    byte_buffer_add_u64(&body, 8);
    byte_buffer_add_u32(&body, module);
    byte_buffer_add_u32(&body, is_thread_local);
    add_string(name);
    add_record(NAME_OF_VARIABLE);
}

// A stack of one frame, which was interrupted at this program counter.
static void add_stack(uint32_t thread, uint32_t stack_end, uint64_t program_counter)
{
    byte_buffer_add_u32(&body, thread);
    byte_buffer_add_u32(&body, stack_end);
    byte_buffer_add_u64(&body, program_counter);
    byte_buffer_add_u64(&body, 0x7000);
    byte_buffer_add_u64(&body, 0x6000); // before its start
    byte_buffer_add_u64(&body, 1);
    add_record(FRAMES_OF_STACK);
}

static void add_code(uint64_t address, uint64_t function, const char *name)
{
    byte_buffer_add_u64(&body, address);
    byte_buffer_add_u64(&body, function);
    add_string(name);
    add_record(NAME_OF_CODE);
}

static void take(void)
{
    cr_assert(name_reader_take(&reader, &records, &error), "%s", error.message);
    byte_buffer_release(&records);
}

Test(name_records, symbols_of_a_function_are_a_set_and_the_last_record_counts)
{
    add_function(NAME_TABLE_TYPES, 1, "old", "older");
    add_function(NAME_TABLE_TYPES, 1, "b\033[1m", "a");
    add_function(NAME_TABLE_TYPES, 0, "same", "same");
    take();
    cr_assert_eq(details->types[1].symbol_count, 2u);
    cr_expect_str_eq(details->types[1].symbols[0], "a");
    cr_expect_null(strchr(details->types[1].symbols[1], '\033'));
    cr_expect_eq(details->types[0].symbol_count, 1u);
}

Test(name_records, numbers_out_of_range_are_skipped)
{
    add_function(NAME_TABLE_TYPES, 2, "a", "b");
    add_function(NAME_TABLE_DROPS, 0, "a", "b");
    add_variable(0x1000, 1, false, "in no module");
    add_stack(2, STACK_END_WHOLE, 0x400000);
    add_stack(0, STACK_END_COUNT, 0x400000);
    add_record(77);
    add_variable(0x2000, 0, false, "right");
    take();
    cr_expect_eq(details->types[0].symbol_count + details->types[1].symbol_count, 0u);
    cr_expect_eq(details->stack_count, 0u);
    cr_assert_eq(details->variable_count, 1u);
    cr_expect_str_eq(details->variables[0].name, "right");
}

Test(name_records, a_record_that_is_cut_off_ends_the_reading)
{
    add_variable(0x1000, 0, false, "first");
    add_variable(0x2000, 0, false, "second");
    for (size_t cut = 1; cut < records.length; cut++) {
        ByteBuffer part = {.bytes = records.bytes, .length = records.length - cut};

        cr_assert(name_reader_take(&reader, &part, &error));
    }
    name_reader_finish(&reader);
    cr_expect_eq(details->variable_count, 1u);
}

Test(name_records, variables_are_in_order_and_have_one_name_each)
{
    add_variable(0x10, 0, true, "of the thread");
    add_variable(0x3000, 0, false, "b");
    add_variable(0x1000, 0, false, "a");
    add_variable(0x1000, 0, false, "a as well");
    take();
    name_reader_finish(&reader);
    cr_assert_eq(details->variable_count, 3u);
    cr_expect_eq(details->variables[0].address, 0x1000u);
    cr_expect_str_eq(details->variables[1].name, "b");
    cr_expect(details->variables[2].is_thread_local);
}

Test(name_records, stacks_come_in_order_and_once)
{
    add_stack(1, STACK_END_BROKEN, 0x400010);
    add_stack(0, STACK_END_WHOLE, 0x400020);
    add_stack(1, STACK_END_WHOLE, 0x400030);
    take();
    cr_assert_eq(details->stack_count, 1u);
    cr_expect_eq(details->stacks[0].thread, 1u);
    cr_expect_eq(details->stacks[0].end, STACK_END_BROKEN);
    cr_expect_eq(details->stacks[0].frames[0].end, details->stacks[0].frames[0].start);
}

Test(name_records, code_has_a_name_in_every_frame_that_executes_it)
{
    add_stack(0, STACK_END_WHOLE, 0x400010);
    add_stack(1, STACK_END_WHOLE, 0x400010);
    take();
    cr_assert(name_reader_index_frames(&reader, &error));
    add_code(0x400010, 0x400000, "work");
    add_code(0x400011, 0x400000, "elsewhere");
    add_code(0x400010, 0x400020, "begins behind it");
    take();
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_not_null(details->stacks[i].frames[0].function);
        cr_expect_str_eq(details->stacks[i].frames[0].function, "work");
        cr_expect_eq(details->stacks[i].frames[0].function_offset, 0x10u);
    }
}
