// MadeCore: see made_core.h.

#include "tests/support/made_core.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/heap/heap_layout.h"

#define PAGE 4096u

static void *must_have(void *memory)
{
    if (memory == NULL) {
        fputs("made core: out of memory\n", stderr);
        abort();
    }
    return memory;
}

MadeCore *made_core_new(void)
{
    MadeCore *core = must_have(calloc(1, sizeof *core));

    core->machine = EM_X86_64;
    core->kind = ET_CORE;
    core->word_size = ELFCLASS64;
    return core;
}

void made_core_free(MadeCore *core)
{
    if (core == NULL)
        return;
    for (uint32_t i = 0; i < core->segment_count; i++)
        free(core->segments[i].data);
    byte_buffer_release(&core->threads);
    byte_buffer_release(&core->process);
    byte_buffer_release(&core->bytes);
    free(core);
}

uint8_t *made_core_segment(MadeCore *core, uint64_t address, uint64_t bytes, uint64_t file_bytes,
                           uint32_t flags)
{
    MadeCoreSegment *segment = &core->segments[core->segment_count++];

    if (core->segment_count > MADE_CORE_MAX_SEGMENTS)
        abort();
    *segment = (MadeCoreSegment){.address = address,
                                 .bytes = bytes,
                                 .file_bytes = file_bytes,
                                 .flags = flags,
                                 .data = must_have(calloc(1, file_bytes + 1))};
    return segment->data;
}

void made_core_file(MadeCore *core, uint64_t start, uint64_t end, uint64_t page_offset,
                    const char *path)
{
    if (core->file_count >= MADE_CORE_MAX_FILES)
        abort();
    core->files[core->file_count++] = (MadeCoreFile){start, end, page_offset, path};
}

static void pad(ByteBuffer *buffer, size_t alignment)
{
    byte_buffer_add_zeros(buffer, (alignment - buffer->length % alignment) % alignment);
}

static void add_note_of(ByteBuffer *buffer, const char *owner, uint32_t type, const void *bytes,
                        size_t length)
{
    byte_buffer_add_u32(buffer, (uint32_t)strlen(owner) + 1);
    byte_buffer_add_u32(buffer, (uint32_t)length);
    byte_buffer_add_u32(buffer, type);
    byte_buffer_add(buffer, owner, strlen(owner) + 1);
    pad(buffer, 4);
    byte_buffer_add(buffer, bytes, length);
    pad(buffer, 4);
}

static void add_note(ByteBuffer *buffer, uint32_t type, const void *bytes, size_t length)
{
    add_note_of(buffer, "CORE", type, bytes, length);
}

void made_core_note(MadeCore *core, uint32_t type, const void *bytes, uint32_t length)
{
    add_note(&core->process, type, bytes, length);
}

void made_core_process(MadeCore *core, uint32_t pid, const char *name)
{
    uint8_t info[136] = {0};

    bytes_put_u32(info + 24, pid);
    memcpy(info + 40, name, strnlen(name, 16));
    add_note(&core->process, NT_PRPSINFO, info, sizeof info);
}

void made_core_thread(MadeCore *core, uint32_t tid, uint64_t stack_pointer, uint64_t control_block,
                      uint64_t r15)
{
    uint8_t status[336] = {0};

    bytes_put_u32(status + 32, tid);
    bytes_put_u64(status + 112, r15);
    bytes_put_u64(status + 112 + 8 * 16, MADE_CORE_PROGRAM + 0x1000); // rip
    bytes_put_u64(status + 112 + 8 * 19, stack_pointer);
    bytes_put_u64(status + 112 + 8 * 21, control_block);
    add_note(&core->threads, NT_PRSTATUS, status, sizeof status);
}

void made_core_vectors(MadeCore *core, uint64_t xcr0, uint64_t parts_in_use, uint32_t length)
{
    uint8_t *area = must_have(calloc(1, length));

    for (uint32_t at = 0; at + 8 <= length; at += 8)
        bytes_put_u64(area + at, at / 8);
    memset(area + 416, 0, 160);
    bytes_put_u64(area + 464, xcr0);
    bytes_put_u64(area + 512, parts_in_use);
    add_note_of(&core->threads, "LINUX", NT_X86_XSTATE, area, length);
    free(area);
}

void made_core_auxiliary(MadeCore *core, uint64_t program_headers, uint64_t random_bytes)
{
    uint8_t vector[48] = {0};

    bytes_put_u64(vector, AT_PHDR);
    bytes_put_u64(vector + 8, program_headers);
    bytes_put_u64(vector + 16, AT_RANDOM);
    bytes_put_u64(vector + 24, random_bytes);
    add_note(&core->process, NT_AUXV, vector, sizeof vector);
}

static void add_file_note(ByteBuffer *notes, const MadeCore *core)
{
    ByteBuffer note = {0};

    byte_buffer_add_u64(&note, core->file_count);
    byte_buffer_add_u64(&note, PAGE);
    for (uint32_t i = 0; i < core->file_count; i++) {
        byte_buffer_add_u64(&note, core->files[i].start);
        byte_buffer_add_u64(&note, core->files[i].end);
        byte_buffer_add_u64(&note, core->files[i].page_offset);
    }
    for (uint32_t i = 0; i < core->file_count; i++)
        byte_buffer_add(&note, core->files[i].path, strlen(core->files[i].path) + 1);
    add_note(notes, NT_FILE, note.bytes, note.length);
    byte_buffer_release(&note);
}

static void add_segment_header(ByteBuffer *out, uint32_t type, uint32_t flags, uint64_t offset,
                               uint64_t address, uint64_t file_bytes, uint64_t bytes)
{
    byte_buffer_add_u32(out, type);
    byte_buffer_add_u32(out, flags);
    byte_buffer_add_u64(out, offset);
    byte_buffer_add_u64(out, address);
    byte_buffer_add_u64(out, 0);
    byte_buffer_add_u64(out, file_bytes);
    byte_buffer_add_u64(out, bytes);
    byte_buffer_add_u64(out, 1);
}

static void add_elf_header(const MadeCore *core, ByteBuffer *out)
{
    const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', core->word_size, ELFDATA2LSB, EV_CURRENT, 0};

    byte_buffer_add(out, ident, sizeof ident);
    byte_buffer_add_u16(out, core->kind);
    byte_buffer_add_u16(out, core->machine);
    byte_buffer_add_u32(out, EV_CURRENT);
    byte_buffer_add_u64(out, 0);
    byte_buffer_add_u64(out, sizeof(Elf64_Ehdr)); // segments follow
    byte_buffer_add_u64(out, 0);
    byte_buffer_add_u32(out, 0);
    byte_buffer_add_u16(out, sizeof(Elf64_Ehdr));
    byte_buffer_add_u16(out, sizeof(Elf64_Phdr));
    byte_buffer_add_u16(out, (uint16_t)(core->segment_count + 1));
    byte_buffer_add_u16(out, sizeof(Elf64_Shdr));
    byte_buffer_add_u16(out, 0);
    byte_buffer_add_u16(out, 0);
}

const uint8_t *made_core_bytes(MadeCore *core, size_t *length)
{
    ByteBuffer notes = {0}, *out = &core->bytes;
    uint64_t offset = sizeof(Elf64_Ehdr) + (core->segment_count + 1) * sizeof(Elf64_Phdr);

    byte_buffer_release(out);
    byte_buffer_add(&notes, core->process.bytes, core->process.length);
    byte_buffer_add(&notes, core->threads.bytes, core->threads.length);
    if (core->file_count > 0)
        add_file_note(&notes, core);
    add_elf_header(core, out);
    add_segment_header(out, PT_NOTE, 0, offset, 0, notes.length, 0);
    offset += notes.length;
    for (uint32_t i = 0; i < core->segment_count; i++) {
        MadeCoreSegment *segment = &core->segments[i];

        segment->file_offset = offset;
        add_segment_header(out, PT_LOAD, segment->flags, offset, segment->address,
                           segment->file_bytes, segment->bytes);
        offset += segment->file_bytes;
    }
    byte_buffer_add(out, notes.bytes, notes.length);
    for (uint32_t i = 0; i < core->segment_count; i++)
        byte_buffer_add(out, core->segments[i].data, core->segments[i].file_bytes);
    byte_buffer_release(&notes);
    if (out->is_short)
        must_have(NULL);
    *length = out->length;
    return out->bytes;
}

static void make_heap_page(uint8_t *page)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint32_t header_size = heap_layout_small_header_size(layout, 64);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, 64);
    heap_layout_write(page, layout->object_count, (layout->page_size - header_size) / 64);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    page[layout->allocated_bitmap] = 3;
}

MadeCore *made_core_example(void)
{
    const uint32_t code = PF_R | PF_X, data = PF_R | PF_W;
    MadeCore *core = made_core_new();
    uint64_t control_block = MADE_CORE_CONTROL_BLOCK;
    uint8_t *bytes;

    (void)made_core_segment(core, MADE_CORE_PROGRAM, PAGE, 0, code);
    bytes = made_core_segment(core, MADE_CORE_PROGRAM + PAGE, PAGE, PAGE, data);
    bytes_put_u64(bytes + 64, MADE_CORE_HEAP + 1600); // a global variable refers to slot 0
    make_heap_page(made_core_segment(core, MADE_CORE_HEAP, PAGE, PAGE, data));
    bytes = made_core_segment(core, control_block & ~UINT64_C(0xfff), 2 * PAGE, 2 * PAGE, data);
    bytes_put_u64(bytes, control_block); // the descriptor points at itself
    bytes_put_u64(bytes + 16, control_block);
    bytes = made_core_segment(core, MADE_CORE_STACK, 4 * PAGE, 4 * PAGE, data);
    bytes_put_u64(bytes + 0x2010, MADE_CORE_HEAP + 1600 + 64); // refers to slot 1
    made_core_file(core, MADE_CORE_PROGRAM, MADE_CORE_PROGRAM + PAGE, 0, "/nowhere/example");
    made_core_file(core, MADE_CORE_PROGRAM + PAGE, MADE_CORE_PROGRAM + 2 * PAGE, 1,
                   "/nowhere/example");
    made_core_process(core, MADE_CORE_PID, "example");
    made_core_thread(core, MADE_CORE_PID, MADE_CORE_STACK_POINTER, control_block, 0);
    made_core_auxiliary(core, MADE_CORE_PROGRAM + 64, MADE_CORE_STACK + 0x3f00);
    return core;
}
