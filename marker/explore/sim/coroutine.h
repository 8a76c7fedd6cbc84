// Coroutines: stacks that one thread switches between, for the exploring build.
//
// A switch by assembly code (x86-64, aarch64) takes about 10 ns; swapcontext(), for other machines,
// makes a system call each time. A stack is aligned to its size and holds a pointer to its owner
// and a number at its upper end, so that code which runs on it finds both without a global.

#ifndef MARKER_EXPLORE_SIM_COROUTINE_H
#define MARKER_EXPLORE_SIM_COROUTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COROUTINE_STACK_BYTES ((size_t)1 << 18)

typedef struct Coroutine {
    void *context;  // where the coroutine was left: a stack pointer, or a ucontext_t
    uint8_t *stack; // the lowest byte; the first page is a guard; NULL: the thread's own stack
    void (*run)(void *argument);
    void *argument;
} Coroutine;

// Maps a stack whose code finds `owner` and `number`. False: memory is short.
bool coroutine_init(Coroutine *coroutine, void *owner, uint32_t number);
void coroutine_release(Coroutine *coroutine);

// The next switch to it calls run(argument), which must never return.
void coroutine_prepare(Coroutine *coroutine, void (*run)(void *argument), void *argument);

// Leaves `from` (which may be on the thread's own stack) and goes on in `to`.
void coroutine_switch(Coroutine *from, Coroutine *to);

// At the upper end of each stack.
typedef struct CoroutineTop {
    void *owner;
    uint64_t number;
} CoroutineTop;

// Of the stack that this code runs on, which must be a coroutine's.
static inline const CoroutineTop *coroutine_top(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return (const CoroutineTop *)((here | (COROUTINE_STACK_BYTES - 1)) + 1 - sizeof(CoroutineTop));
}

// The bytes of the stack in use; only of a coroutine that was left. Copying them out and back in
// later returns the coroutine to the same place. Only where COROUTINES_CAN_BE_COPIED.
static inline uint8_t *coroutine_used(const Coroutine *coroutine, size_t *bytes)
{
    *bytes = (size_t)(coroutine->stack + COROUTINE_STACK_BYTES - (uint8_t *)coroutine->context);
    return coroutine->context;
}

// Copies of stacks work only with the assembly code above, not with ucontext.
#if defined(__x86_64__) || defined(__aarch64__)
#define COROUTINES_CAN_BE_COPIED 1
#else
#define COROUTINES_CAN_BE_COPIED 0
#endif

#endif
