// MadeCore: an ELF core file of x86-64, put together byte by byte as docs of the kernel and gdb
// say, with nothing of the reader's own code.
//
//     MadeCore *core = made_core_example();
//     made_core_thread(core, 4243, 0x7f0000001000, 0x7f0000002000);
//     const uint8_t *bytes = made_core_bytes(core, &length);
//     made_core_free(core);
//
// Running out of memory or room aborts: test code.

#ifndef TESTS_SUPPORT_MADE_CORE_H
#define TESTS_SUPPORT_MADE_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/byte_buffer.h"

#define MADE_CORE_MAX_SEGMENTS 16u
#define MADE_CORE_MAX_FILES 8u

// Where the example has what.
#define MADE_CORE_PID 4242u
#define MADE_CORE_HEAP UINT64_C(0x600000000000)  // one page of class 64, slots 0 and 1 allocated
#define MADE_CORE_STACK UINT64_C(0x7fff00000000) // 4 pages; a root word 16 above SP
#define MADE_CORE_STACK_POINTER (MADE_CORE_STACK + 0x2000)
#define MADE_CORE_CONTROL_BLOCK UINT64_C(0x7f0000010000) // in 2 pages of anonymous memory
#define MADE_CORE_PROGRAM UINT64_C(0x555500000000)       // "/nowhere/example", 2 mappings

typedef struct MadeCoreSegment {
    uint64_t address;
    uint64_t bytes;
    uint64_t file_bytes;
    uint64_t file_offset; // filled in when the core is put together
    uint32_t flags;       // PF_R | PF_W | PF_X
    uint8_t *data;        // file_bytes of them; owned
} MadeCoreSegment;

typedef struct MadeCoreFile {
    uint64_t start;
    uint64_t end;
    uint64_t page_offset;
    const char *path; // static
} MadeCoreFile;

typedef struct MadeCore {
    uint16_t machine;
    uint16_t kind;
    uint8_t word_size; // ELFCLASS*
    uint32_t segment_count;
    MadeCoreSegment segments[MADE_CORE_MAX_SEGMENTS]; // in the order of the file
    uint32_t file_count;
    MadeCoreFile files[MADE_CORE_MAX_FILES];
    ByteBuffer threads; // notes
    ByteBuffer process; // notes
    ByteBuffer bytes;   // the whole, when it was put together
} MadeCore;

MadeCore *made_core_new(void);
void made_core_free(MadeCore *core);

// Returns where the bytes of the segment are to be written; they are zero.
uint8_t *made_core_segment(MadeCore *core, uint64_t address, uint64_t bytes, uint64_t file_bytes,
                           uint32_t flags);
void made_core_file(MadeCore *core, uint64_t start, uint64_t end, uint64_t page_offset,
                    const char *path);
void made_core_process(MadeCore *core, uint32_t pid, const char *name);
// r15 holds `r15`.
void made_core_thread(MadeCore *core, uint32_t tid, uint64_t stack_pointer, uint64_t control_block,
                      uint64_t r15);
// The vector registers of the thread that was added last: an XSAVE area of `length` bytes, at least
// 576, whose words have their own number in it. The header says which parts the CPU has (`xcr0`),
// and which are in use.
void made_core_vectors(MadeCore *core, uint64_t xcr0, uint64_t parts_in_use, uint32_t length);
void made_core_auxiliary(MadeCore *core, uint64_t program_headers, uint64_t random_bytes);
// Any other note, of owner "CORE".
void made_core_note(MadeCore *core, uint32_t type, const void *bytes, uint32_t length);

// Puts it together; borrowed, valid until the next call.
const uint8_t *made_core_bytes(MadeCore *core, size_t *length);

// A process with one heap page, one thread, a program, and little else.
MadeCore *made_core_example(void);

#endif
