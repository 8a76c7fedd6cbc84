// Registers as words: see register_words.h.
//
// The first 576 bytes of an XSAVE area are the same on every x86-64 processor: the FXSAVE area and
// the header. Where the parts behind them lie (AVX at 576; AVX-512, AMX, ...) differs between
// processors (CPUID leaf 13): Intel has the three parts of AVX-512 at 1,088, 1,152 and 1,664, AMD
// at 832, 896 and 1,408. No such offset is used here: all words behind the header are kept, by
// their offset.

#include "snapshot/capture/copy/register_words.h"

#include <stdlib.h>

#define XSAVE_WORD_BASE 0x1000u
#define XSAVE_FIRST_REGISTER 32u // before it: control words, last instruction and operand address
// Reserved bytes, bytes for software, and the header of the XSAVE area.
#define XSAVE_GAP_START 416u
#define XSAVE_GAP_END 576u

static void add_word(ProcessThread *out, uint32_t number, uint64_t value)
{
    if (value == 0)
        return;
    out->registers[out->register_count].number = number;
    out->registers[out->register_count].value = value;
    out->register_count++;
}

bool register_words_fill(const GeneralRegisters *general, const uint64_t *area, size_t area_words,
                         ProcessThread *out)
{
    out->registers = calloc(GENERAL_REGISTER_COUNT + area_words, sizeof *out->registers);
    if (out->registers == NULL)
        return false;
    for (uint32_t i = 0; i < GENERAL_REGISTER_COUNT; i++)
        add_word(out, i, general->words[i]);
    for (uint32_t i = XSAVE_FIRST_REGISTER / 8; i < area_words; i++) {
        if (i < XSAVE_GAP_START / 8 || i >= XSAVE_GAP_END / 8)
            add_word(out, XSAVE_WORD_BASE + i, area[i]);
    }
    out->stack_pointer = general->words[REGISTER_RSP];
    out->program_counter = general->words[REGISTER_RIP];
    out->control_block = general->words[REGISTER_FS_BASE];
    return true;
}
