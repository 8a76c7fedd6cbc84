// ModuleSearch: looks through the symbols of one module, in a child, for the functions of types,
// for variables in which root words lie, for the code of frames, and for the collector's flags.
//
// Symbols come from the module's own file or, where that was stripped, from its debug file.
// Compilers merge identical functions, so one address may have several symbols, and they are a set.
// Names that memory is too short for are left out.

#ifndef SNAPSHOT_CAPTURE_NAMES_MODULE_SEARCH_INTERNAL_H
#define SNAPSHOT_CAPTURE_NAMES_MODULE_SEARCH_INTERNAL_H

#include "snapshot/capture/names/name_records_internal.h"

typedef struct FunctionName {
    char *mangled; // owned, like all strings
    char *readable;
} FunctionName;

// All names of one function.
typedef struct FunctionNames {
    uint64_t address; // as the file says
    NameTable table;
    uint32_t index; // in its table
    uint32_t count;
    uint64_t capacity;
    FunctionName *names; // owned
} FunctionNames;

typedef struct Variable {
    uint64_t address; // in the process; thread-local: from the control block
    uint64_t bytes;
    bool is_thread_local;
    bool is_local;
    char *name; // mangled; owned
} Variable;

// Ascending.
typedef struct AddressList {
    uint64_t count;
    uint64_t *items; // owned
} AddressList;

// The function of a code address.
typedef struct CodeName {
    uint64_t function; // its address in the process
    uint64_t bytes;
    bool is_local;
    char *name; // mangled; NULL: none was found; owned
} CodeName;

// The collector's flags: collector_flags.c.
typedef enum CollectorFlag {
    FLAG_THREAD_COLLECTS,
    FLAG_COLLECTION_WANTED,
    FLAG_MARKING,
    COLLECTOR_FLAG_COUNT,
} CollectorFlag;

typedef struct ModuleSearch {
    uint32_t module;
    uint64_t base;
    uint32_t function_count;
    FunctionNames *functions;   // ascending by address; owned
    const AddressList *globals; // of root words in the process; borrowed
    const AddressList *tls;     // likewise, from their threads' control blocks
    const AddressList *code;    // addresses in the functions of frames; borrowed
    CodeName *code_names;       // of each of them; borrowed
    uint64_t code_start;        // of the module's mappings
    uint64_t code_end;
    uint64_t tls_bytes; // elf_file_tls_bytes() of the executable; 0 in other modules
    uint32_t variable_count;
    uint64_t variable_capacity;
    Variable *variables;                  // owned
    uint64_t flags[COLLECTOR_FLAG_COUNT]; // where they are, as in the record; 0: not found
} ModuleSearch;

// Looks for all functions of types that lie in the module; the caller sets the lists of addresses.
// False: memory is short. To be released in any case.
bool module_search_init(const NameRequest *request, uint32_t module, ModuleSearch *search);
void module_search_release(ModuleSearch *search);
// Looks at all symbols, and keeps those that were looked for.
void module_search_visit_symbols(const ModuleFiles *files, ModuleSearch *search);
// Index of the first function at or behind the address, as the file says it.
uint32_t module_search_position(const ModuleSearch *search, uint64_t address);

// Consumes `readable`, which may be NULL.
void function_names_add(FunctionNames *function, const char *mangled, char *readable);
void function_names_write(const FunctionNames *function, ByteBuffer *buffer, GuardedChild *child);

// ---- collector_flags.c ----

// Notes where the flag is, if the symbol is that of one.
void module_search_note_flag(ModuleSearch *search, const ElfSymbol *symbol);
void module_search_write_flags(const ModuleSearch *search, ByteBuffer *buffer, GuardedChild *child);

// ---- module_search_places.c ----

// Is one of the addresses in [start, start + bytes)?
bool address_list_holds(const AddressList *list, uint64_t start, uint64_t bytes);

void module_search_add_variable(ModuleSearch *search, const ElfSymbol *symbol);
void module_search_name_code(ModuleSearch *search, const ElfSymbol *symbol);
void module_search_write_variables(ModuleSearch *search, ByteBuffer *buffer, GuardedChild *child);
void module_search_write_code_names(const ModuleSearch *search, ByteBuffer *buffer,
                                    GuardedChild *child);

#endif
