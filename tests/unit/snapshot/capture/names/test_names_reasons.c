// Why names are missing, in sentences.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/capture/names/names_reasons.h"

static char module_name[] = "shop", no_id[] = "";
static char hidden[] = "rudo_gc::ptr::GcBox<T>::trace_fn_for";
static char open_name[] = "<rudo_gc::ptr::GcBox<shop::Order>>::trace_fn_for";

// The note about a program with one type of this symbol; NULL: none.
static void check_note(char *symbol, uint32_t facts, char *file, const char *expected)
{
    char *symbols[1] = {symbol};
    SnapshotModule module = {module_name, no_id, 0x1000, 0x2000};
    SnapshotType type = {.type_word = 0x1100, .symbol_count = symbol != NULL, .symbols = symbols};
    SnapshotDetails details = {
        .module_count = 1, .modules = &module, .type_count = 1, .types = &type};
    const ModuleFacts known = {facts, file};

    names_reasons_add(&details, &known);
    cr_expect_str_eq(snapshot_names_note(&details.metadata), expected);
}

Test(names_reasons, a_stripped_executable)
{
    char link[] = "shop.debug";

    check_note(NULL, 0, NULL,
               "the types of 1 trace function have no names: 'shop' is stripped (it has no "
               ".symtab); build it with "
               "`strip = false`");
    check_note(NULL, 0, link,
               "the types of 1 trace function have no names: 'shop' is stripped, and its debug "
               "file 'shop.debug' was not "
               "found; put it beside 'shop'");
    check_note(NULL, FACT_DEBUG_OTHER_BUILD, link,
               "the types of 1 trace function have no names: 'shop' is stripped, and its debug "
               "file is of another build; "
               "put the one of this build in its place");
}

Test(names_reasons, a_file_that_is_not_the_one_that_ran)
{
    check_note(NULL, FACT_MISSING, NULL,
               "the types of 1 trace function have no names: the file of 'shop' cannot be read; "
               "run as its user or as root");
    check_note(NULL, FACT_MISSING | FACT_IS_CORE, NULL,
               "the types of 1 trace function have no names: the file of 'shop' cannot be read; "
               "--exe FILE names the "
               "executable");
    check_note(NULL, FACT_OTHER_BUILD | FACT_IS_CORE, NULL,
               "the types of 1 trace function have no names: the file of 'shop' is another build "
               "(its build-id differs); "
               "--exe FILE names the right one");
}

Test(names_reasons, symbols_that_hide_types)
{
    char part[] = "shop.dwo";

    check_note(hidden, FACT_SYMBOLS, NULL,
               "the types of 1 trace function have no names: rustc's legacy mangling hides them in "
               "'shop'; build it with "
               "`debug = true`, or with -C symbol-mangling-version=v0");
    check_note(hidden, FACT_SYMBOLS | FACT_DEBUG_INFO | FACT_SPLIT_MISSING, part,
               "the types of 1 trace function have no names: the debug information of 'shop' was "
               "split off, and 'shop.dwo' "
               "was not found; keep .dwo files where they were built, or 'shop.dwp' beside 'shop'");
    check_note(hidden, FACT_SYMBOLS | FACT_DEBUG_INFO | FACT_DEBUG_UNREADABLE, NULL,
               "the types of 1 trace function have no names: the debug information of 'shop' "
               "cannot be read; "
               "`objcopy --decompress-debug-sections` may help");
}

Test(names_reasons, names_without_fields)
{
    check_note(open_name, FACT_SYMBOLS, NULL,
               "fields have no names: 'shop' has no debug information; build it with "
               "`debug = true`");
    check_note(open_name, FACT_SYMBOLS | FACT_DEBUG_INFO, NULL,
               "fields have no names: the debug information of 'shop' describes no types; build "
               "it with `debug = true`");
}

Test(names_reasons, nothing_is_missing_where_types_are_not_of_rust)
{
    char plain[] = "trace_node";

    check_note(plain, FACT_SYMBOLS, NULL, "");
}

Test(names_reasons, lines_that_do_not_fit_are_left_out_whole)
{
    SnapshotMetadata metadata = {0};
    char line[150];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < 10; i++)
        names_reasons_add_line(&metadata, line);
    cr_expect_eq(strlen(metadata.names_note), 149u);
    cr_expect_eq(strlen(metadata.names_reasons), 6 * 149u + 5);
}
