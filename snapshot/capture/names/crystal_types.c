// Crystal's types: see snapshot/capture/names/crystal_types.h. The child sends a record for each
// function, of which nothing is trusted: it may have gone wrong.

#include "snapshot/capture/names/crystal_types.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clean_text.h"
#include "snapshot/capture/names/crystal_table.h"
#include "snapshot/capture/names/guarded_child.h"

#define CPU_SECONDS 10u
#define WALL_SECONDS 30u
#define MEMORY_BYTES (UINT64_C(512) << 20)
#define OUTPUT_BYTES (UINT64_C(64) << 20)

#define MOST_ALLOCATORS 8u
#define MOST_CODE_BYTES 4096u
// Of Nil, which has no objects, and of String, where no table says otherwise.
#define NIL_ID 0u
#define STRING_ID 1u

// What a function or the table tells, followed by the name.
typedef struct FunctionRecord {
    uint32_t id;
    uint32_t bytes;
    uint16_t name_chars;
    bool is_allocated; // the name is one that a function has; else one of the table
    bool is_pointer_free;
} FunctionRecord;

// ---- in the child ----

typedef struct CodeSearch {
    GuardedChild *child;
    ElfFile *file;
    int descriptor;
    ElfSegment segments[ELF_MAX_SEGMENTS];
    uint32_t segment_count;
    uint64_t allocators[MOST_ALLOCATORS]; // __crystal_malloc and its like
    bool are_pointer_free[MOST_ALLOCATORS];
    uint32_t allocator_count;
} CodeSearch;

static bool visit_allocator(void *context, const ElfSymbol *symbol)
{
    static const char prefix[] = "__crystal_malloc";
    CodeSearch *search = context;

    if (symbol->kind == ELF_SYMBOL_CODE && strncmp(symbol->name, prefix, strlen(prefix)) == 0) {
        search->are_pointer_free[search->allocator_count] = strstr(symbol->name, "atomic") != NULL;
        search->allocators[search->allocator_count++] = symbol->address;
    }
    return search->allocator_count < MOST_ALLOCATORS;
}

// The type that "*Order::new<Int32, String>:Order" returns; NULL: it allocates nothing.
static const char *returned_type(const char *symbol)
{
    static const char *const makers[] = {"::new", "::allocate"};
    const char *at = NULL;
    int depth = 0;

    for (size_t i = 0; at == NULL && i < sizeof makers / sizeof makers[0]; i++)
        for (const char *found = strstr(symbol, makers[i]); found != NULL;
             found = strstr(found + 1, makers[i])) {
            char next = found[strlen(makers[i])];

            if (next == '<' || (next == ':' && found[strlen(makers[i]) + 1] != ':'))
                at = found + strlen(makers[i]);
        }
    if (symbol[0] != '*' || at == NULL)
        return NULL;
    for (; *at != '\0' && (depth > 0 || *at == '<'); at++) {
        bool is_arrow = *at == '>' && at[-1] == '-';

        depth += (*at == '<') - (*at == '>' && !is_arrow);
    }
    return *at == ':' && at[1] != '\0' ? at + 1 : NULL;
}

static uint32_t load_u32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

// Looks for a call of an allocator, and behind it for the first "mov dword [register], id". The
// bytes that are asked for are added to rdi before the call: "add rdi, bytes".
static bool read_code(const CodeSearch *search, const uint8_t *code, size_t length,
                      uint64_t address, FunctionRecord *out)
{
    bool is_called = false;

    out->bytes = 0;
    for (size_t i = 0; i + 6 <= length; i++) {
        uint64_t target = address + i + 5 + (uint64_t)(int64_t)(int32_t)load_u32(code + i + 1);

        for (uint32_t k = 0; code[i] == 0xe8 && !is_called && k < search->allocator_count; k++)
            if (search->allocators[k] == target) {
                is_called = true;
                out->is_pointer_free = search->are_pointer_free[k];
                for (size_t at = i < 16 ? 0 : i - 16; at + 4 <= i; at++)
                    if (code[at] == 0x48 && code[at + 1] == 0x83 && code[at + 2] == 0xc7)
                        out->bytes = code[at + 3];
            }
        // ModRM: no displacement, and neither a SIB byte (4) nor an address of its own (5).
        if (is_called && code[i] == 0xc7 && (code[i + 1] & 0xf8) == 0 && code[i + 1] != 4 &&
            code[i + 1] != 5) {
            out->id = load_u32(code + i + 2);
            return out->id != NIL_ID;
        }
    }
    return false;
}

static bool visit_function(void *context, const ElfSymbol *symbol)
{
    const CodeSearch *search = context;
    const char *name = symbol->kind == ELF_SYMBOL_CODE ? returned_type(symbol->name) : NULL;
    uint8_t code[MOST_CODE_BYTES];
    FunctionRecord record = {.is_allocated = true};
    ssize_t got = 0;

    if (name == NULL)
        return true;
    for (uint32_t i = 0; got == 0 && i < search->segment_count; i++) {
        const ElfSegment *segment = &search->segments[i];
        uint64_t offset = symbol->address - segment->address;

        if (offset < segment->memory_bytes)
            got = pread(search->descriptor, code,
                        symbol->bytes < sizeof code ? symbol->bytes : sizeof code,
                        (off_t)(segment->file_offset + offset));
    }
    if (got <= 0 || !read_code(search, code, (size_t)got, symbol->address, &record))
        return true;
    record.name_chars = (uint16_t)strnlen(name, CRYSTAL_NAME_CHARS);
    return guarded_child_write(search->child, &record, sizeof record) &&
           guarded_child_write(search->child, name, record.name_chars);
}

static bool visit_name(void *context, uint32_t id, const char *name, uint16_t chars)
{
    FunctionRecord record = {.id = id, .name_chars = chars};

    return guarded_child_write(context, &record, sizeof record) &&
           guarded_child_write(context, name, chars);
}

typedef struct TypesRequest {
    const ProcessCopy *copy;
    const MappedModule *module;
} TypesRequest;

static void read_functions(void *context, GuardedChild *child)
{
    const TypesRequest *request = context;
    CodeSearch search = {.child = child,
                         .file = module_file_open_mapped(request->copy, request->module)};

    if (search.file == NULL)
        return;
    search.descriptor = elf_file_descriptor(search.file);
    search.segment_count = elf_file_segments(search.file, search.segments);
    (void)elf_file_visit_symbols(search.file, visit_allocator, &search);
    if (search.descriptor >= 0 &&
        crystal_table_read(search.file, search.descriptor, visit_name, child) &&
        search.allocator_count > 0)
        (void)elf_file_visit_symbols(search.file, visit_function, &search);
    if (search.descriptor >= 0)
        (void)close(search.descriptor);
    elf_file_free(search.file);
}

// ---- in our process ----

// What the table tells comes first.
static int compare_types(const void *left, const void *right)
{
    const CrystalType *a = left, *b = right;

    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    if (a->is_allocated != b->is_allocated)
        return a->is_allocated ? 1 : -1;
    return strcmp(a->name, b->name);
}

static bool take_functions(const ByteBuffer *output, CrystalTypes *types, Error *error)
{
    uint64_t capacity = 0;

    for (size_t at = 0; output->length - at >= sizeof(FunctionRecord);) {
        FunctionRecord record;
        CrystalType *type;

        memcpy(&record, output->bytes + at, sizeof record);
        at += sizeof record;
        if (record.name_chars == 0 || record.name_chars > CRYSTAL_NAME_CHARS ||
            record.name_chars > output->length - at)
            break;
        if (!array_reserve(&types->types, &capacity, types->count + UINT64_C(1),
                           sizeof *types->types, "types", error))
            return false;
        type = &types->types[types->count];
        *type = (CrystalType){record.id, record.bytes, record.is_allocated, record.is_pointer_free,
                              strndup((const char *)output->bytes + at, record.name_chars)};
        if (type->name == NULL)
            return error_set_memory(error, record.name_chars, "the name of a type");
        text_clean(type->name, strlen(type->name), TEXT_ONE_LINE);
        types->count++;
        at += record.name_chars;
    }
    return true;
}

// The type that most of the equal ones in [first, end) are, of those that are allocated.
static uint32_t most_frequent(const CrystalType *types, uint32_t first, uint32_t end)
{
    uint32_t best = first, most = 0;

    for (uint32_t at = first, run; at < end; at = run) {
        for (run = at; run < end && compare_types(&types[run], &types[at]) == 0;)
            run++;
        if (types[at].is_allocated && run - at > most) {
            most = run - at;
            best = at;
        }
    }
    return best;
}

// Keeps one type for each id: with the name of the table, or the one that most functions give; with
// what the functions allocate.
static void choose_names(CrystalTypes *types)
{
    CrystalType *all = types->types;
    uint32_t kept = 0;

    qsort(all, types->count, sizeof *all, compare_types);
    for (uint32_t first = 0, end; first < types->count; first = end) {
        CrystalType chosen;
        uint32_t named;

        for (end = first; end < types->count && all[end].id == all[first].id;)
            end++;
        chosen = all[most_frequent(all, first, end)];
        named = all[first].is_allocated ? most_frequent(all, first, end) : first;
        chosen.name = all[named].name;
        for (uint32_t i = first; i < end; i++)
            if (i != named)
                free(all[i].name);
        if (!all[first].is_allocated && strcmp(chosen.name, "String") == 0)
            types->string_id = chosen.id;
        all[kept++] = chosen;
    }
    types->count = kept;
}

bool crystal_types_find(const ProcessCopy *copy, const MappedModule *module, const Cancel *cancel,
                        CrystalTypes *out, Error *error)
{
    TypesRequest request = {copy, module};
    char root[MODULE_ROOT_CHARS];
    const GuardedWork work = {
        .run = read_functions,
        .context = &request,
        .root = root,
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = WALL_SECONDS,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = OUTPUT_BYTES,
        .cancel = *cancel,
    };
    ByteBuffer output = {0};
    GuardedEnd end;
    bool ok;

    *out = (CrystalTypes){.string_id = STRING_ID};
    module_files_root(copy, root);
    ok = guarded_child_run(&work, &output, &end, error) && take_functions(&output, out, error);
    byte_buffer_release(&output);
    if (ok && out->count > 0)
        choose_names(out);
    return ok;
}

void crystal_types_release(CrystalTypes *types)
{
    for (uint32_t i = 0; i < types->count; i++)
        free(types->types[i].name);
    free(types->types);
    *types = (CrystalTypes){.count = 0};
}

uint32_t crystal_types_index(const CrystalTypes *types, uint32_t id)
{
    for (uint32_t low = 0, high = types->count; low < high;) {
        uint32_t middle = low + (high - low) / 2;

        if (types->types[middle].id == id)
            return middle;
        if (types->types[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return UINT32_MAX;
}
