// StackUnwinder: the frames of a thread's stack, from a ProcessCopy. The door to libdwfl.
//
// Nothing of the live process is needed: call frame information comes from the mapped files,
// registers and stacks from the copy. Code without such information (generated code) is unwound by
// the chain of frame pointers. A stack may be corrupt and a file hostile: the walk is bounded, but
// the library may fail all the same, so this is for a GuardedChild only.

#ifndef SNAPSHOT_CAPTURE_NAMES_STACK_UNWINDER_H
#define SNAPSHOT_CAPTURE_NAMES_STACK_UNWINDER_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/debug/elf_file.h"
#include "snapshot/capture/copy/process_copy.h"

// More frames of one thread are left out: endless recursion has some hundred thousand.
#define MAX_THREAD_FRAMES 4096u

typedef struct UnwoundFrame {
    uint64_t program_counter;
    uint64_t stack_pointer; // ascending, but where a signal handler has a stack of its own
    // It was interrupted here: program_counter is the next instruction, not a return address.
    bool is_activation;
} UnwoundFrame;

// Why the walk ended.
typedef enum UnwindEnd {
    UNWIND_WHOLE,    // the outermost frame was reached
    UNWIND_BROKEN,   // the caller of the last frame is unknown
    UNWIND_TOO_DEEP, // there are more than MAX_THREAD_FRAMES
} UnwindEnd;

typedef struct StackUnwinder StackUnwinder;

// How files are opened: `open` returns a module's file, or NULL; `open_debug` a descriptor of its
// separate debug file, or -1.
typedef struct UnwindFiles {
    ElfFile *(*open)(void *context, uint32_t module);
    int (*open_debug)(void *context, uint32_t module);
    void *context;
} UnwindFiles;

// `copy` is borrowed. NULL when memory is short. The caller frees it.
StackUnwinder *stack_unwinder_new(const ProcessCopy *copy, const UnwindFiles *files);
void stack_unwinder_free(StackUnwinder *unwinder);

// Adds a module; to be called before the first walk. base: the difference between an address in the
// process and the file's virtual address. A module whose file cannot be read is left out.
void stack_unwinder_add_module(StackUnwinder *unwinder, uint32_t module, const char *name,
                               uint64_t base);

// Fills `frames`, from the innermost on, and returns their number.
uint32_t stack_unwinder_walk(StackUnwinder *unwinder, uint32_t thread,
                             UnwoundFrame frames[MAX_THREAD_FRAMES], UnwindEnd *end);

#endif
