// The child that unwinds stacks: it records which stretch of a thread's stack each frame has.
//
// The stacks were copied while the process was stopped; walking them costs it nothing.

#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/copy/register_words.h"
#include "snapshot/capture/names/name_records_internal.h"
#include "snapshot/capture/names/stack_unwinder.h"

static ElfFile *open_module(void *context, uint32_t module)
{
    const NameRequest *request = context;

    return module_file_open_mapped(request->copy, &request->modules[module]);
}

static int open_debug_file(void *context, uint32_t module)
{
    const NameRequest *request = context;
    const MappedModule *mapped = &request->modules[module];
    ElfFile *own = module_file_open_mapped(request->copy, mapped);
    int fd = own == NULL ? -1 : module_file_open_debug(request->copy, mapped, own, NULL);

    elf_file_free(own);
    return fd;
}

// The end of the stack that holds `address`: the thread's control block, which lies above a
// thread's own stack, or the end of the mapping.
static uint64_t stack_limit(const ProcessCopy *copy, const ProcessThread *thread, uint64_t address)
{
    const ProcessMapping *mapping = process_copy_find_mapping(copy, address);

    if (mapping == NULL)
        return address;
    return thread->control_block > address && thread->control_block < mapping->end
               ? thread->control_block
               : mapping->end;
}

// The end of the words of frame `index`.
static uint64_t frame_end(const ProcessCopy *copy, const ProcessThread *thread,
                          const UnwoundFrame *frames, uint32_t count, uint32_t index, UnwindEnd end)
{
    uint64_t here = frames[index].stack_pointer;
    uint64_t limit = stack_limit(copy, thread, here);

    if (index + 1 == count)
        return end == UNWIND_WHOLE ? limit : here;
    return frames[index + 1].stack_pointer > here && frames[index + 1].stack_pointer <= limit
               ? frames[index + 1].stack_pointer
               : limit;
}

// The innermost function may use memory below its stack pointer.
static uint64_t frame_start(const ProcessCopy *copy, const UnwoundFrame *frames, uint32_t index)
{
    uint64_t here = frames[index].stack_pointer;
    const ProcessMapping *mapping = index == 0 ? process_copy_find_mapping(copy, here) : NULL;

    return mapping != NULL && here - mapping->start >= RED_ZONE_BYTES ? here - RED_ZONE_BYTES
                                                                      : here;
}

static StackEnd stack_end_of(UnwindEnd end)
{
    switch (end) {
    case UNWIND_WHOLE:
        return STACK_END_WHOLE;
    case UNWIND_TOO_DEEP:
        return STACK_END_TOO_DEEP;
    case UNWIND_BROKEN:
        break;
    }
    return STACK_END_BROKEN;
}

static bool write_stack(const ProcessCopy *copy, uint32_t thread, const UnwoundFrame *frames,
                        uint32_t count, UnwindEnd end, ByteBuffer *buffer, GuardedChild *child)
{
    name_record_begin(buffer, FRAMES_OF_STACK);
    byte_buffer_add_u32(buffer, thread);
    byte_buffer_add_u32(buffer, stack_end_of(end));
    for (uint32_t i = 0; i < count; i++) {
        byte_buffer_add_u64(buffer, frames[i].program_counter);
        byte_buffer_add_u64(buffer, frame_start(copy, frames, i));
        byte_buffer_add_u64(buffer, frame_end(copy, &copy->threads[thread], frames, count, i, end));
        byte_buffer_add_u64(buffer, frames[i].is_activation);
    }
    return name_record_end(buffer, child);
}

void stack_frames_write(void *context, GuardedChild *child)
{
    const NameRequest *request = context;
    const SnapshotDetails *details = request->details;
    const ProcessCopy *copy = request->copy;
    UnwindFiles files = {open_module, open_debug_file, context};
    StackUnwinder *unwinder = stack_unwinder_new(copy, &files);
    UnwoundFrame *frames = calloc(MAX_THREAD_FRAMES, sizeof *frames);
    ByteBuffer buffer = {0};
    bool ok = unwinder != NULL && frames != NULL;

    for (uint32_t module = 0; ok && module < details->module_count; module++)
        stack_unwinder_add_module(unwinder, module, details->modules[module].name,
                                  details->modules[module].base);
    for (uint32_t thread = 0; ok && thread < copy->thread_count; thread++) {
        UnwindEnd end;
        uint32_t count = stack_unwinder_walk(unwinder, thread, frames, &end);

        ok = write_stack(copy, thread, frames, count, end, &buffer, child);
    }
    byte_buffer_release(&buffer);
    free(frames);
    stack_unwinder_free(unwinder);
}
