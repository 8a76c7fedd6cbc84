// StackUnwinder: see snapshot/capture/names/stack_unwinder.h.

#include "snapshot/capture/names/stack_unwinder.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Registers of x86-64 by their numbers in DWARF; the last is the return address.
#define REGISTER_COUNT 17u
#define STACK_POINTER 7u
// A walk changes stacks where a signal handler has its own, and where coroutines call each other.
#define MAX_STACK_CHANGES 16u

// A module, as the library hands it back.
typedef struct UnwindModule {
    const UnwindFiles *files;
    uint32_t module;
    struct UnwindModule *next;
} UnwindModule;

struct StackUnwinder {
    const ProcessCopy *copy;
    UnwindFiles files;
    Dwfl *dwfl;
    UnwindModule *modules; // owned list
    bool has_begun;        // all modules are there
    bool can_walk;
    // Of the walk under way.
    ProcessThread *thread; // of the copy; only read
    UnwoundFrame *frames;
    uint32_t frame_count;
    uint32_t stack_changes;
    UnwindEnd end;
};

// ---- files ----

static int find_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                    char **file_name, Elf **elf)
{
    (void)module, (void)user, (void)name, (void)base, (void)file_name, (void)elf;
    return -1; // modules are reported with their files
}

static int find_debug_file(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                           const char *file_name, const char *link, GElf_Word checksum,
                           char **debug_file_name)
{
    const UnwindModule *record = *user;

    (void)module, (void)name, (void)base, (void)file_name, (void)link, (void)checksum;
    (void)debug_file_name;
    return record == NULL ? -1 : record->files->open_debug(record->files->context, record->module);
}

void stack_unwinder_add_module(StackUnwinder *unwinder, uint32_t module, const char *name,
                               uint64_t base)
{
    ElfFile *file = unwinder->files.open(unwinder->files.context, module);
    UnwindModule *record = calloc(1, sizeof *record);
    Dwfl_Module *reported = NULL;
    void **user = NULL;
    int fd = file == NULL ? -1 : elf_file_descriptor(file);

    if (fd >= 0 && record != NULL) {
        reported = dwfl_report_elf(unwinder->dwfl, name, name, fd, base, true);
        // The library owns the descriptor only if it took the module.
        if (reported == NULL)
            (void)close(fd);
    }
    if (reported != NULL &&
        dwfl_module_info(reported, &user, NULL, NULL, NULL, NULL, NULL, NULL) != NULL) {
        *record = (UnwindModule){&unwinder->files, module, unwinder->modules};
        unwinder->modules = record;
        *user = record;
        record = NULL;
    }
    free(record);
    elf_file_free(file);
}

// ---- the copy ----

static pid_t next_thread(Dwfl *dwfl, void *context, void **thread)
{
    (void)dwfl, (void)context, (void)thread;
    return 0; // threads are asked for one by one
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *context, void **thread)
{
    const StackUnwinder *unwinder = context;

    (void)dwfl;
    *thread = unwinder->thread;
    return tid == (pid_t)unwinder->thread->tid;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *result, void *context)
{
    const StackUnwinder *unwinder = context;
    const uint8_t *bytes = process_copy_bytes(unwinder->copy, address, sizeof *result);

    (void)dwfl;
    if (bytes == NULL)
        return false;
    memcpy(result, bytes, sizeof *result);
    return true;
}

// The numbers of general registers in snapshots (docs/format.md), in DWARF's order.
static bool set_registers(Dwfl_Thread *target, void *context)
{
    static const uint32_t numbers[REGISTER_COUNT] = {10, 12, 11, 5, 14, 13, 4, 19, 9,
                                                     8,  7,  6,  3, 2,  1,  0, 16};
    const ProcessThread *thread = context;
    Dwarf_Word words[REGISTER_COUNT] = {0};

    // The copy leaves out registers that are 0.
    for (uint32_t i = 0; i < thread->register_count; i++)
        for (uint32_t r = 0; r < REGISTER_COUNT; r++)
            if (thread->registers[i].number == numbers[r])
                words[r] = thread->registers[i].value;
    return dwfl_thread_state_registers(target, 0, REGISTER_COUNT, words);
}

// ---- walking ----

// Is this frame a caller? A stack grows down, so callers lie above; any other mapping is another
// stack.
static bool is_progress(StackUnwinder *unwinder, uint64_t before, uint64_t now)
{
    const ProcessMapping *from, *to;

    if (now > before)
        return true;
    from = process_copy_find_mapping(unwinder->copy, before);
    to = process_copy_find_mapping(unwinder->copy, now);
    return to != NULL && from != to && unwinder->stack_changes++ < MAX_STACK_CHANGES;
}

static bool is_code(const ProcessCopy *copy, uint64_t address)
{
    const ProcessMapping *mapping = process_copy_find_mapping(copy, address);

    return mapping != NULL && mapping->is_executable;
}

static int take_frame(Dwfl_Frame *state, void *context)
{
    StackUnwinder *unwinder = context;
    uint32_t count = unwinder->frame_count;
    UnwoundFrame frame = {0};
    Dwarf_Word stack_pointer = 0;
    Dwarf_Addr pc = 0;

    if (!dwfl_frame_pc(state, &pc, &frame.is_activation) ||
        dwfl_frame_reg(state, STACK_POINTER, &stack_pointer) != 0)
        return DWARF_CB_ABORT;
    frame.program_counter = pc;
    frame.stack_pointer = stack_pointer;
    // If the register was not a frame pointer, the chain does not lead to code.
    if (!is_code(unwinder->copy, frame.is_activation ? pc : pc - 1))
        return DWARF_CB_ABORT;
    if (count > 0 &&
        !is_progress(unwinder, unwinder->frames[count - 1].stack_pointer, frame.stack_pointer))
        return DWARF_CB_ABORT;
    if (count == MAX_THREAD_FRAMES) {
        unwinder->end = UNWIND_TOO_DEEP;
        return DWARF_CB_ABORT;
    }
    unwinder->frames[unwinder->frame_count++] = frame;
    return DWARF_CB_OK;
}

static void begin(StackUnwinder *unwinder)
{
    static const Dwfl_Thread_Callbacks callbacks = {
        .next_thread = next_thread,
        .get_thread = get_thread,
        .memory_read = read_memory,
        .set_initial_registers = set_registers,
    };

    unwinder->has_begun = true;
    unwinder->can_walk =
        dwfl_report_end(unwinder->dwfl, NULL, NULL) == 0 &&
        dwfl_attach_state(unwinder->dwfl, NULL, unwinder->copy->pid, &callbacks, unwinder);
}

uint32_t stack_unwinder_walk(StackUnwinder *unwinder, uint32_t thread,
                             UnwoundFrame frames[MAX_THREAD_FRAMES], UnwindEnd *end)
{
    ProcessThread *record = &unwinder->copy->threads[thread];

    *end = UNWIND_BROKEN;
    if (!unwinder->has_begun)
        begin(unwinder);
    unwinder->thread = record;
    unwinder->frames = frames;
    unwinder->frame_count = 0;
    unwinder->stack_changes = 0;
    unwinder->end = UNWIND_BROKEN;
    if (unwinder->can_walk &&
        dwfl_getthread_frames(unwinder->dwfl, (pid_t)record->tid, take_frame, unwinder) == 0)
        unwinder->end = UNWIND_WHOLE;
    *end = unwinder->end;
    // The innermost frame needs no file.
    if (unwinder->frame_count == 0) {
        frames[0] = (UnwoundFrame){record->program_counter, record->stack_pointer, true};
        return 1;
    }
    return unwinder->frame_count;
}

// ---- the unwinder ----

StackUnwinder *stack_unwinder_new(const ProcessCopy *copy, const UnwindFiles *files)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = find_elf,
        .find_debuginfo = find_debug_file,
        .section_address = dwfl_offline_section_address,
    };
    StackUnwinder *unwinder = calloc(1, sizeof *unwinder);

    if (unwinder == NULL)
        return NULL;
    unwinder->copy = copy;
    unwinder->files = *files;
    unwinder->dwfl = dwfl_begin(&callbacks);
    if (unwinder->dwfl == NULL) {
        free(unwinder);
        return NULL;
    }
    dwfl_report_begin(unwinder->dwfl);
    return unwinder;
}

void stack_unwinder_free(StackUnwinder *unwinder)
{
    if (unwinder == NULL)
        return;
    dwfl_end(unwinder->dwfl);
    while (unwinder->modules != NULL) {
        UnwindModule *next = unwinder->modules->next;

        free(unwinder->modules);
        unwinder->modules = next;
    }
    free(unwinder);
}
