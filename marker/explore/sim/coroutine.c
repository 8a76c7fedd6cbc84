// Coroutines: see marker/explore/sim/coroutine.h.

#include "marker/explore/sim/coroutine.h"

#include <sys/mman.h>
#include <unistd.h>

// ---- for AddressSanitizer ----

#if defined(__has_feature)
#define HAS_ADDRESS_SANITIZER __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ADDRESS_SANITIZER 1
#else
#define HAS_ADDRESS_SANITIZER 0
#endif

#if HAS_ADDRESS_SANITIZER

#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

// Without a fake stack (the first argument): it could not be copied.
static void sanitizer_before_switch(const Coroutine *to)
{
    void *stack = to->stack;
    size_t bytes = COROUTINE_STACK_BYTES;
    pthread_attr_t attributes;

    if (stack == NULL && pthread_getattr_np(pthread_self(), &attributes) == 0) {
        (void)pthread_attr_getstack(&attributes, &stack, &bytes);
        (void)pthread_attr_destroy(&attributes);
    }
    __sanitizer_start_switch_fiber(NULL, stack, bytes);
}

static void sanitizer_after_switch(void)
{
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
}

// Forgets the frames of functions that were on the stack before and never returned.
static void sanitizer_forget_frames(const Coroutine *coroutine)
{
    __asan_unpoison_memory_region(coroutine->stack, COROUTINE_STACK_BYTES);
}

#else

static void sanitizer_before_switch(const Coroutine *to)
{
    (void)to;
}

static void sanitizer_after_switch(void)
{
}

static void sanitizer_forget_frames(const Coroutine *coroutine)
{
    (void)coroutine;
}

#endif

// The first function on each stack.
static void run_coroutine(void *argument)
{
    Coroutine *coroutine = argument;

    sanitizer_after_switch();
    coroutine->run(coroutine->argument);
}

#if COROUTINES_CAN_BE_COPIED

// coroutine_switch_stacks(save, stack): pushes the callee-saved registers, saves the stack pointer
// in *save, loads the other stack, and pops its registers.
void coroutine_switch_stacks(void **save, void *stack);
void coroutine_begin(void);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl coroutine_switch_stacks\n"
        ".hidden coroutine_switch_stacks\n"
        ".type coroutine_switch_stacks, @function\n"
        "coroutine_switch_stacks:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size coroutine_switch_stacks, .-coroutine_switch_stacks\n"
        // Comes from a switch with the function in rbx and its argument in r12.
        ".globl coroutine_begin\n"
        ".hidden coroutine_begin\n"
        ".type coroutine_begin, @function\n"
        "coroutine_begin:\n"
        "    movq %r12, %rdi\n"
        "    call *%rbx\n"
        "    ud2\n"
        ".size coroutine_begin, .-coroutine_begin\n");

#define SAVED_WORDS 7 // six registers and the return address: the stack is aligned behind them
#define SAVED_FUNCTION 4
#define SAVED_ARGUMENT 3
#define SAVED_RETURN 6

#else
__asm__(".text\n"
        ".globl coroutine_switch_stacks\n"
        ".hidden coroutine_switch_stacks\n"
        ".type coroutine_switch_stacks, %function\n"
        "coroutine_switch_stacks:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size coroutine_switch_stacks, .-coroutine_switch_stacks\n"
        // Comes from a switch with the function in x19 and its argument in x20.
        ".globl coroutine_begin\n"
        ".hidden coroutine_begin\n"
        ".type coroutine_begin, %function\n"
        "coroutine_begin:\n"
        "    mov x0, x20\n"
        "    blr x19\n"
        "    brk #1\n"
        ".size coroutine_begin, .-coroutine_begin\n");

#define SAVED_WORDS 20
#define SAVED_FUNCTION 0
#define SAVED_ARGUMENT 1
#define SAVED_RETURN 11
#endif

void coroutine_prepare(Coroutine *coroutine, void (*run)(void *argument), void *argument)
{
    // Below the top, at a multiple of 16.
    uint64_t *top = (uint64_t *)(void *)(coroutine->stack + COROUTINE_STACK_BYTES - 64);
    uint64_t *saved = top - SAVED_WORDS;

    coroutine->run = run;
    coroutine->argument = argument;
    sanitizer_forget_frames(coroutine);
    for (int i = 0; i < SAVED_WORDS; i++)
        saved[i] = 0;
    saved[SAVED_FUNCTION] = (uint64_t)(uintptr_t)run_coroutine;
    saved[SAVED_ARGUMENT] = (uint64_t)(uintptr_t)coroutine;
    saved[SAVED_RETURN] = (uint64_t)(uintptr_t)coroutine_begin;
    coroutine->context = saved;
}

void coroutine_switch(Coroutine *from, Coroutine *to)
{
    sanitizer_before_switch(to);
    coroutine_switch_stacks(&from->context, to->context);
    sanitizer_after_switch();
}

static bool init_context(Coroutine *coroutine)
{
    coroutine->context = NULL;
    return true;
}

static void release_context(Coroutine *coroutine)
{
    coroutine->context = NULL;
}

#else

#include <stdlib.h>
#include <ucontext.h>

static void begin(unsigned high, unsigned low)
{
    run_coroutine((Coroutine *)(uintptr_t)((uint64_t)high << 32 | low));
}

void coroutine_prepare(Coroutine *coroutine, void (*run)(void *argument), void *argument)
{
    ucontext_t *context = coroutine->context;
    uint64_t address = (uint64_t)(uintptr_t)coroutine;

    coroutine->run = run;
    coroutine->argument = argument;
    sanitizer_forget_frames(coroutine);
    (void)getcontext(context);
    context->uc_stack.ss_sp = coroutine->stack;
    context->uc_stack.ss_size = COROUTINE_STACK_BYTES - 64;
    context->uc_link = NULL;
    makecontext(context, (void (*)(void))begin, 2, (unsigned)(address >> 32), (unsigned)address);
}

void coroutine_switch(Coroutine *from, Coroutine *to)
{
    ucontext_t here, *save = from->context != NULL ? from->context : &here;

    if (from->context == NULL)
        from->context = save;
    sanitizer_before_switch(to);
    (void)swapcontext(save, to->context);
    sanitizer_after_switch();
    if (save == &here)
        from->context = NULL;
}

static bool init_context(Coroutine *coroutine)
{
    coroutine->context = calloc(1, sizeof(ucontext_t));
    return coroutine->context != NULL;
}

static void release_context(Coroutine *coroutine)
{
    free(coroutine->context);
}

#endif

bool coroutine_init(Coroutine *coroutine, void *owner, uint32_t number)
{
    uint8_t *mapping = mmap(NULL, 2 * COROUTINE_STACK_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    coroutine->stack = NULL;
    if (mapping == MAP_FAILED)
        return false;
    size_t before = (COROUTINE_STACK_BYTES - (uintptr_t)mapping % COROUTINE_STACK_BYTES) %
                    COROUTINE_STACK_BYTES;
    uint8_t *stack = mapping + before;
    if (before > 0)
        (void)munmap(mapping, before);
    (void)munmap(stack + COROUTINE_STACK_BYTES, COROUTINE_STACK_BYTES - before);
    // A guard page: code that runs out of stack faults here instead of writing to other memory.
    (void)mprotect(stack, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE);
    coroutine->stack = stack;
    *(CoroutineTop *)(void *)(stack + COROUTINE_STACK_BYTES - sizeof(CoroutineTop)) =
        (CoroutineTop){.owner = owner, .number = number};
    if (init_context(coroutine))
        return true;
    coroutine_release(coroutine);
    return false;
}

void coroutine_release(Coroutine *coroutine)
{
    if (coroutine->stack == NULL)
        return;
    release_context(coroutine);
    // The next mapping at this address will not be a stack.
    sanitizer_forget_frames(coroutine);
    (void)munmap(coroutine->stack, COROUTINE_STACK_BYTES);
    coroutine->stack = NULL;
}
