// Guile's types: see snapshot/capture/boehm/guile_types.h.

#include "snapshot/capture/boehm/guile_types.h"

#include <stdio.h>
#include <string.h>

#include "base/clean_text.h"

enum {
    TC3_STRUCT = 1,
    TC7_SYMBOL = 0x05,
    TC7_STRINGBUF = 0x27,
    STRINGBUF_IS_WIDE = 0x400,
    STRINGBUF_TEXT = 16, // behind its tag and length
    // Words of a struct: its vtable, then its fields; of a vtable, the fifth is its name.
    VTABLE_NAME = 1 + 4,
};

typedef struct GuileTag {
    uint8_t tag; // the lowest seven bits
    const char *name;
} GuileTag;

static const GuileTag tags[] = {
    {0x05, "symbol"},    {0x07, "variable"},      {0x0d, "vector"},        {0x0f, "weak vector"},
    {0x15, "string"},    {0x17, "number"},        {0x1d, "hash table"},    {0x1f, "pointer"},
    {0x25, "fluid"},     {0x27, "string buffer"}, {0x2d, "dynamic state"}, {0x2f, "frame"},
    {0x35, "keyword"},   {0x37, "atomic box"},    {0x3d, "syntax"},        {0x3f, "values"},
    {0x45, "procedure"}, {0x47, "continuation"},  {0x4d, "bytevector"},    {0x4f, "array"},
    {0x55, "weak set"},  {0x57, "weak table"},    {0x5d, "array"},         {0x5f, "bitvector"},
    {0x77, "smob"},      {0x7d, "port"},
};

bool guile_is_module(const char *module)
{
    return strncmp(module, "libguile-3.", strlen("libguile-3.")) == 0;
}

static const char *tag_name(uint64_t word)
{
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (tags[i].tag == (word & 0x7f))
            return tags[i].name;
    return NULL;
}

// Is an object of at least `words` words there?
static bool is_object(const BoehmHeap *heap, uint64_t address, uint64_t words)
{
    uint64_t slot = boehm_heap_resolve(heap, address, true);
    const BoehmBlock *block = slot == BOEHM_NO_SLOT ? NULL : boehm_heap_block_at(heap, address);

    return block != NULL && boehm_block_slot_address(block, slot) == address &&
           block->bytes >= 8 * words;
}

// The text of a symbol: of fewer than `chars` characters in `text`, or at *place outside of the
// heap. False: it is none, or it is wide.
static bool symbol_text(const BoehmHeap *heap, MemoryReader *reader, uint64_t symbol, char *text,
                        size_t chars, uint64_t *place)
{
    uint64_t buffer, length;

    *place = 0;
    if (!is_object(heap, symbol, 2) || (memory_word(reader, symbol) & 0x7f) != TC7_SYMBOL)
        return false;
    buffer = memory_word(reader, symbol + 8);
    // The data of a .go file is not copied as long as nothing has written to it.
    if (boehm_heap_block_at(heap, buffer) == NULL) {
        *place = buffer + STRINGBUF_TEXT;
        return buffer != 0 && buffer % 8 == 0;
    }
    if (!is_object(heap, buffer, 2) || (memory_word(reader, buffer) & 0x7f) != TC7_STRINGBUF ||
        (memory_word(reader, buffer) & STRINGBUF_IS_WIDE) != 0)
        return false;
    length = memory_word(reader, buffer + 8);
    if (length == 0 || length >= chars || !is_object(heap, buffer, 2 + (length + 7) / 8))
        return false;
    buffer += STRINGBUF_TEXT;
    for (uint64_t i = 0; i < length; i++)
        text[i] = (char)(memory_word(reader, (buffer + i) & ~UINT64_C(7)) >> i % 8 * 8);
    text[length] = '\0';
    text_clean(text, length, TEXT_ONE_LINE);
    return true;
}

static void find_struct(const BoehmHeap *heap, MemoryReader *reader, uint64_t vtable,
                        GuileType *out)
{
    char name[GUILE_TYPE_CHARS - 16];

    if (!is_object(heap, vtable, VTABLE_NAME + 1))
        return;
    out->name = "struct";
    if (!symbol_text(heap, reader, memory_word(reader, vtable + 8 * VTABLE_NAME), name, sizeof name,
                     &out->record_name) ||
        out->record_name != 0)
        return;
    (void)snprintf(out->text, sizeof out->text, "record %s", name);
    out->name = out->text;
}

void guile_type_find(const BoehmHeap *heap, MemoryReader *reader, const BoehmBlock *block,
                     uint64_t address, GuileType *out)
{
    uint64_t word = memory_word(reader, address);
    const char *name = tag_name(word);

    out->name = NULL;
    out->record_name = 0;
    // Most buffers hold no tag; an object without pointers that begins like one would be a mistake
    // for any other tag than those that such objects have.
    if (boehm_block_is_pointer_free(block))
        out->name = (word & 7) >= 5 ? name : NULL;
    else if ((word & 7) == TC3_STRUCT)
        find_struct(heap, reader, word - TC3_STRUCT, out);
    else if ((word & 7) == 5 || (word & 7) == 7)
        out->name = name;
    else if (block->bytes == 2 * 8)
        out->name = "pair";
}
