// The child that reads the layouts of types: those of objects are the T of each GcBox<T> whose
// functions object headers point to, by the mangled names that debug information and symbols share.
// It records all of them at once, as the section of a snapshot has them.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/search.h"
#include "snapshot/capture/debug/data_type_reader.h"
#include "snapshot/capture/debug/dwarf_file.h"
#include "snapshot/capture/names/module_search_internal.h"
#include "snapshot/capture/names/names_reasons.h"
#include "snapshot/file/sections/sections.h"

// Of the time that the child has, so that what it found until then is recorded.
#define READ_NS UINT64_C(10000000000)
#define MAX_BOXES 65536u

static const char box_name[] = "GcBox<";

// A symbol of a function, without the suffix that LLVM appends to make it unique.
typedef struct NamedFunction {
    char *symbol; // owned
    const FunctionNames *function;
} NamedFunction;

// The functions of one module.
typedef struct BoxSearch {
    const NameRequest *request;
    DataTypeReader *reader;
    uint32_t name_count;
    NamedFunction *names; // ascending by symbol; owned
    // By the name of the type, where the symbol has it: a function that was merged into another is
    // not in debug information.
    uint32_t type_count;
    NamedFunction *types; // ascending by that name, which is in `symbol`; owned
    uint32_t address_count;
    uint64_t *addresses; // ascending; owned
    uint32_t box_count;
} BoxSearch;

static int compare_named(const void *left, const void *right)
{
    return strcmp(((const NamedFunction *)left)->symbol, ((const NamedFunction *)right)->symbol);
}

// The T of "<rudo_gc::ptr::GcBox<T>>::trace_fn_for"; NULL: it has none. The caller frees it.
static char *type_in(const char *readable)
{
    static const char end[] = ">>::";
    const char *begin = strstr(readable, "::GcBox<"), *last = NULL;

    if (strncmp(readable, "<rudo_gc", 8) != 0 || begin == NULL)
        return NULL;
    begin += strlen("::GcBox<");
    for (const char *next = begin; (next = strstr(next, end)) != NULL; next++)
        last = next;
    return last == NULL ? NULL : strndup(begin, (size_t)(last - begin));
}

static bool box_search_init(BoxSearch *boxes, const ModuleSearch *search)
{
    size_t names = 0;

    for (uint32_t i = 0; i < search->function_count; i++)
        names += search->functions[i].count;
    boxes->names = calloc(names + 1, sizeof *boxes->names);
    boxes->addresses = calloc((size_t)search->function_count + 1, sizeof *boxes->addresses);
    boxes->types = calloc(names + 1, sizeof *boxes->types);
    if (boxes->names == NULL || boxes->types == NULL || boxes->addresses == NULL)
        return false;
    for (uint32_t i = 0; i < search->function_count; i++) {
        const FunctionNames *function = &search->functions[i];

        boxes->addresses[boxes->address_count++] = function->address;
        for (uint32_t n = 0; n < function->count; n++) {
            const char *mangled = function->names[n].mangled;
            char *symbol = strndup(mangled, strcspn(mangled, "."));
            if (symbol == NULL)
                return false;
            boxes->names[boxes->name_count++] = (NamedFunction){symbol, function};
            symbol = type_in(function->names[n].readable);
            if (symbol != NULL)
                boxes->types[boxes->type_count++] = (NamedFunction){symbol, function};
        }
    }
    qsort(boxes->names, boxes->name_count, sizeof *boxes->names, compare_named);
    qsort(boxes->types, boxes->type_count, sizeof *boxes->types, compare_named);
    return true;
}

static void box_search_release(BoxSearch *boxes)
{
    for (uint32_t i = 0; i < boxes->name_count; i++)
        free(boxes->names[i].symbol);
    for (uint32_t i = 0; i < boxes->type_count; i++)
        free(boxes->types[i].symbol);
    free(boxes->names);
    free(boxes->types);
    free(boxes->addresses);
}

static bool is_before(const void *names, uint64_t index, const void *symbol)
{
    return strcmp(((const NamedFunction *)names)[index].symbol, symbol) < 0;
}

// ---- boxes ----

// Adds a word to an ascending list, once.
static void add_word(uint64_t **words, uint32_t *count, uint64_t word)
{
    uint64_t i = search_from_u64(*words, *count, word);
    uint64_t *longer;

    if ((i < *count && (*words)[i] == word) || *count == MAX_FUNCTION_NAMES)
        return;
    longer = realloc(*words, (*count + 1) * sizeof **words);
    if (longer == NULL)
        return;
    memmove(&longer[i + 1], &longer[i], (*count - i) * sizeof *longer);
    longer[i] = word;
    *words = longer;
    ++*count;
}

static void add_function(const BoxSearch *boxes, SnapshotDataType *type,
                         const FunctionNames *function)
{
    const SnapshotDetails *details = boxes->request->details;

    if (function->table == NAME_TABLE_TYPES)
        add_word(&type->type_words, &type->type_word_count,
                 details->types[function->index].type_word);
    else
        add_word(&type->drops, &type->drop_count, details->drops[function->index].type_word);
}

// The value in a box: the last member, which is called so.
static bool find_value(DwarfEntry *box, uint64_t *offset, DwarfEntry *type)
{
    DwarfEntry child;

    if (!dwarf_entry_child(box, &child))
        return false;
    do
        if (dwarf_entry_is_member(&child, offset) && strcmp(dwarf_entry_name(&child), "value") == 0)
            return dwarf_entry_type(&child, type);
    while (dwarf_entry_next(&child));
    return false;
}

// A box, and its data type once one of its functions was found.
typedef struct FoundBox {
    BoxSearch *boxes;
    DwarfEntry value; // its type
    uint64_t offset;  // of the value
    uint64_t bytes;   // of the box
    SnapshotDataType *type;
} FoundBox;

// Adds the functions of this name to the type. False: the table is full.
static bool add_named(FoundBox *box, const NamedFunction *names, uint32_t count, const char *name)
{
    DataTypeReader *reader = box->boxes->reader;

    for (uint64_t i = search_first(names, count, is_before, name);
         i < count && strcmp(names[i].symbol, name) == 0; i++) {
        if (box->type == NULL) {
            uint32_t index = data_type_reader_add(reader, &box->value);
            if (index == NO_DATA)
                return false;
            box->type = &reader->types[index];
            box->type->value_at = (uint32_t)box->offset;
            box->type->object_bytes = box->bytes;
        }
        add_function(box->boxes, box->type, names[i].function);
    }
    return true;
}

static void take_box(BoxSearch *boxes, DwarfEntry *entry)
{
    FoundBox box = {.boxes = boxes, .bytes = dwarf_entry_bytes(entry)};
    char name[MAX_TYPE_NAME_CHARS];
    DwarfEntry child;

    if (!find_value(entry, &box.offset, &box.value) || box.offset > UINT32_MAX ||
        dwarf_entry_bytes(&box.value) > box.bytes ||
        box.offset > box.bytes - dwarf_entry_bytes(&box.value) || !dwarf_entry_child(entry, &child))
        return;
    do {
        const char *linkage_name;

        if (dwarf_tag(&child) != DW_TAG_subprogram)
            continue;
        linkage_name = dwarf_entry_linkage_name(&child);
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(linkage_name, "."), linkage_name);
        if (!add_named(&box, boxes->names, boxes->name_count, name))
            return;
    } while (dwarf_entry_next(&child));
    if (boxes->type_count == 0)
        return;
    data_type_reader_name(boxes->reader, &box.value, name);
    (void)add_named(&box, boxes->types, boxes->type_count, name);
}

// Functions hold no boxes.
static bool visit_entry(void *context, DwarfEntry *entry, uint32_t depth)
{
    BoxSearch *boxes = context;
    bool is_structure = dwarf_entry_is_structure(entry);

    (void)depth;
    if (is_structure && boxes->box_count < MAX_BOXES &&
        strncmp(dwarf_entry_name(entry), box_name, strlen(box_name)) == 0) {
        boxes->box_count++;
        take_box(boxes, entry);
    }
    return is_structure || dwarf_tag(entry) == DW_TAG_namespace;
}

static void visit_unit(void *context, DwarfEntry *unit, bool is_transient)
{
    BoxSearch *boxes = context;

    dwarf_entry_walk(unit, visit_entry, boxes);
    if (is_transient) {
        data_type_reader_fill(boxes->reader);
        data_type_reader_leave_file(boxes->reader);
    }
}

// ---- modules ----

// This child looks for neither variables nor code.
static const AddressList no_addresses;

static void write_facts(uint32_t module, uint32_t facts, const char *file, GuardedChild *child)
{
    ByteBuffer buffer = {0};

    name_record_begin(&buffer, FACTS_OF_MODULE);
    byte_buffer_add_u32(&buffer, module);
    byte_buffer_add_u32(&buffer, facts);
    if (file[0] != '\0')
        name_record_add_string(&buffer, file);
    (void)name_record_end(&buffer, child);
    byte_buffer_release(&buffer);
}

static uint32_t facts_of(const NameRequest *request, const ModuleFiles *files)
{
    ElfFile *const both[] = {files->own, files->debug};
    uint32_t facts = request->copy->is_core ? FACT_IS_CORE : 0;

    facts |= files->is_missing ? FACT_MISSING : 0;
    facts |= files->is_other_build ? FACT_OTHER_BUILD : 0;
    facts |= files->is_debug_other_build ? FACT_DEBUG_OTHER_BUILD : 0;
    for (int i = 0; i < 2; i++) {
        if (both[i] == NULL)
            continue;
        facts |= elf_file_has_all_symbols(both[i]) ? FACT_SYMBOLS : 0;
        facts |= elf_file_has_section(both[i], ".debug_info") ? FACT_DEBUG_INFO : 0;
    }
    return facts;
}

static void read_module(const NameRequest *request, ModuleSearch *search, DataTypeReader *reader,
                        GuardedChild *child)
{
    ModuleFiles files = module_files_open(request->copy, &request->modules[search->module]);
    BoxSearch boxes = {.request = request, .reader = reader};
    uint32_t facts = facts_of(request, &files);
    DwarfFile *dwarf = NULL;

    // Before debug information is read, which may fail.
    write_facts(search->module, facts, files.debug == NULL ? files.debug_name : "", child);
    if (files.own == NULL)
        return;
    search->globals = search->tls = search->code = &no_addresses;
    module_search_visit_symbols(&files, search);
    if (box_search_init(&boxes, search) && boxes.name_count > 0) {
        dwarf = dwarf_file_open(module_files_with_debug_info(&files), files.package);
    }
    if (dwarf != NULL) {
        dwarf_file_visit_units(dwarf, boxes.addresses, boxes.address_count, visit_unit, &boxes);
        // Before the file is closed.
        data_type_reader_fill(reader);
        data_type_reader_leave_file(reader);
        if (dwarf_file_missing_part(dwarf)[0] != '\0')
            write_facts(search->module, FACT_SPLIT_MISSING, dwarf_file_missing_part(dwarf), child);
    } else if ((facts & FACT_DEBUG_INFO) != 0 && boxes.name_count > 0) {
        write_facts(search->module, FACT_DEBUG_UNREADABLE, "", child);
    }
    if (reader->is_limited)
        write_facts(search->module, FACT_LIMIT, "", child);
    box_search_release(&boxes);
    dwarf_file_close(dwarf);
    module_files_close(&files);
}

static void write_types(const DataTypeReader *reader, GuardedChild *child)
{
    const SectionTable *table = sections_find(SECTION_TYPE('F', 'L', 'D', 'S'))->table;
    SnapshotDetails details = {.data_type_count = reader->count, .data_types = reader->types};
    ByteBuffer buffer = {0};

    if (reader->count == 0)
        return;
    name_record_begin(&buffer, LAYOUTS_OF_TYPES);
    section_table_encode(table, &buffer, &details);
    (void)name_record_end(&buffer, child);
    byte_buffer_release(&buffer);
}

void data_types_write(void *context, GuardedChild *child)
{
    const NameRequest *request = context;
    DataTypeReader reader;

    if (!data_type_reader_init(&reader))
        return;
    reader.deadline_ns = clock_monotonic_ns() + READ_NS;
    for (uint32_t module = 0; module < request->details->module_count; module++) {
        ModuleSearch search;

        if (module_search_init(request, module, &search) && search.function_count > 0)
            read_module(request, &search, &reader, child);
        module_search_release(&search);
    }
    write_types(&reader, child);
    data_type_reader_release(&reader);
}
