// The table of Crystal's types: see snapshot/capture/names/crystal_table.h. Its words are in the
// file, or, where the program can be loaded anywhere, in the relocations.

#include "snapshot/capture/names/crystal_table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYMBOL "__crystal_type_id_to_class_name_map"
#define MOST_TYPES (UINT64_C(1) << 20)

// A String: its type's number, bytes and characters, then the bytes.
typedef struct StringHeader {
    uint32_t type;
    uint32_t bytes;
    uint32_t characters;
} StringHeader;

// Elf64_Rela, and the kind by which a word becomes the place of the program plus `addend`.
typedef struct Relocation {
    uint64_t address;
    uint64_t kind; // its lower half
    uint64_t addend;
} Relocation;

#define RELATIVE_RELOCATION 8u

typedef struct TableRead {
    int descriptor;
    ElfSegment segments[ELF_MAX_SEGMENTS];
    uint32_t segment_count;
    uint64_t address; // of the table; 0: there is none
    uint64_t count;
    uint64_t *words; // owned
} TableRead;

static bool visit_symbol(void *context, const ElfSymbol *symbol)
{
    TableRead *table = context;

    if (symbol->kind != ELF_SYMBOL_DATA || strcmp(symbol->name, SYMBOL) != 0)
        return true;
    table->address = symbol->address;
    table->count = symbol->bytes / sizeof(uint64_t);
    return false;
}

// The number of bytes that the file has for `address`.
static size_t read_at(const TableRead *table, uint64_t address, void *bytes, size_t length)
{
    for (uint32_t i = 0; i < table->segment_count; i++) {
        const ElfSegment *segment = &table->segments[i];
        uint64_t offset = address - segment->address;
        uint64_t left = offset < segment->memory_bytes ? segment->memory_bytes - offset : 0;

        if (left > 0 && offset <= INT64_MAX - segment->file_offset) {
            ssize_t got = pread(table->descriptor, bytes, left < length ? left : length,
                                (off_t)(segment->file_offset + offset));

            return got < 0 ? 0 : (size_t)got;
        }
    }
    return 0;
}

static bool read_words(TableRead *table, ElfFile *file)
{
    size_t bytes = (size_t)table->count * sizeof *table->words;
    ElfSection relocations;

    table->words = malloc(bytes);
    if (table->words == NULL || read_at(table, table->address, table->words, bytes) != bytes)
        return false;
    if (!elf_file_section(file, ".rela.dyn", &relocations) || relocations.is_compressed)
        return true;
    for (size_t at = 0; relocations.length - at >= sizeof(Relocation); at += sizeof(Relocation)) {
        Relocation relocation;
        uint64_t offset;

        memcpy(&relocation, relocations.bytes + at, sizeof relocation);
        offset = relocation.address - table->address;
        if ((uint32_t)relocation.kind == RELATIVE_RELOCATION && offset < bytes &&
            offset % sizeof *table->words == 0)
            table->words[offset / sizeof *table->words] = relocation.addend;
    }
    return true;
}

// The characters of the String at `address`, of which at most CRYSTAL_NAME_CHARS are read; 0: it is
// none.
static uint16_t read_name(const TableRead *table, uint64_t address, uint32_t *type,
                          char name[CRYSTAL_NAME_CHARS])
{
    struct {
        StringHeader header;
        char name[CRYSTAL_NAME_CHARS];
    } string;
    size_t got = read_at(table, address, &string, sizeof string);
    size_t chars;

    if (got <= sizeof string.header || string.header.bytes == 0 ||
        string.header.characters > string.header.bytes)
        return 0;
    chars = got - sizeof string.header;
    if (string.header.bytes < chars)
        chars = string.header.bytes;
    if (strnlen(string.name, chars) < chars)
        return 0;
    *type = string.header.type;
    memcpy(name, string.name, chars);
    return (uint16_t)chars;
}

// Is each String one by the table itself? Some numbers have no name.
static bool is_right(const TableRead *table)
{
    static const char wanted[] = "String";
    char name[CRYSTAL_NAME_CHARS];
    uint32_t string = 0, type = 0;
    bool has_string = false;

    for (uint64_t i = 0; i < table->count; i++) {
        if (table->words[i] == 0)
            continue;
        if (read_name(table, table->words[i], &type, name) == 0)
            return false;
        if (!has_string)
            string = type;
        has_string = true;
        if (type != string)
            return false;
    }
    return has_string && string < table->count &&
           read_name(table, table->words[string], &type, name) == strlen(wanted) &&
           memcmp(name, wanted, strlen(wanted)) == 0;
}

bool crystal_table_read(ElfFile *file, int descriptor, CrystalTableVisitor *visitor, void *context)
{
    TableRead table = {.descriptor = descriptor};
    bool goes_on = true;

    table.segment_count = elf_file_segments(file, table.segments);
    (void)elf_file_visit_symbols(file, visit_symbol, &table);
    if (table.count > 0 && table.count <= MOST_TYPES && read_words(&table, file) &&
        is_right(&table))
        for (uint64_t i = 0; goes_on && i < table.count; i++) {
            char name[CRYSTAL_NAME_CHARS];
            uint32_t type;
            uint16_t chars =
                table.words[i] == 0 ? 0 : read_name(&table, table.words[i], &type, name);

            goes_on = chars == 0 || visitor(context, (uint32_t)i, name, chars);
        }
    free(table.words);
    return goes_on;
}
