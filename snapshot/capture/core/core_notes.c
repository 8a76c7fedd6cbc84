// Notes of core files: see core_notes_internal.h.
//
// Layouts are those of x86-64 Linux: struct elf_prstatus, elf_prpsinfo (linux/elfcore.h), the
// NT_FILE note (fs/binfmt_elf.c, fill_files_note()), Elf64_auxv_t. Kernel, gdb and others write
// the same. Each thread's notes begin with its NT_PRSTATUS.
//
// Note [Vector registers of a core]
//
// NT_X86_XSTATE holds an XSAVE area, and at byte 464 the XCR0 of the CPU: the parts that it has.
// Where they lie depends on the CPU. The kernel writes its CPU's layout. gdb before version 14
// writes (and reads) Intel's on every CPU: on an AMD CPU with AVX-512 it loses 72 words of each
// thread, which may be roots. The area's size tells the layouts apart, when it is compared with
// this CPU's layout for the same XCR0. An area of another size comes from a CPU of another kind,
// which is in order, or from such a gdb. The kernel sets XSTATE_BV (byte 512) to the parts in use,
// gdb sets it to XCR0: where a thread's area shows the kernel, and its size is that of a known CPU,
// nothing is missing. In all other cases words may be missing, and the snapshot is not complete.

#include "snapshot/capture/core/core_notes_internal.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/byte_buffer.h"
#include "base/clean_text.h"
#include "snapshot/capture/copy/register_words.h"

#define MAX_THREADS (1u << 20)
// Of the note of mapped files: a process has at most 65,530 mappings, unless its machine allows
// more.
#define MAX_FILE_NOTE_BYTES (UINT64_C(1) << 26)

// struct elf_prstatus
#define STATUS_PID 32u
#define STATUS_REGISTERS 112u
#define STATUS_BYTES (STATUS_REGISTERS + 8 * GENERAL_REGISTER_COUNT)
// struct elf_prpsinfo
#define INFO_PID 24u
#define INFO_NAME 40u
#define INFO_NAME_BYTES 16u
#define INFO_BYTES (INFO_NAME + INFO_NAME_BYTES)
// The XSAVE area
#define AREA_XCR0 464u
#define AREA_PARTS_IN_USE 512u

typedef struct NoteReader {
    CoreNotes *out;
    const char *path; // for messages
    // The thread whose notes are being read.
    bool has_thread;
    uint32_t tid;
    GeneralRegisters general;
    uint64_t area[XSAVE_MAX_BYTES / 8];
    size_t area_words;
    // See Note [Vector registers of a core].
    const XsaveLayout *cpu;
    uint32_t misfit_count; // threads whose area is not laid out like this CPU's
    uint64_t misfit_bytes; // of the first of them
    uint64_t misfit_xcr0;
    bool is_from_kernel;
} NoteReader;

static bool refuse(const NoteReader *reader, const char *what, Error *error)
{
    return error_set(error, ERROR_CORRUPT, "'%s' is damaged: the note of %s is invalid",
                     reader->path, what);
}

// ---- threads ----

static bool finish_thread(NoteReader *reader, Error *error)
{
    CoreNotes *out = reader->out;
    ProcessThread *thread;

    if (!reader->has_thread)
        return true;
    reader->has_thread = false;
    if (!array_reserve(&out->threads, &out->thread_capacity, out->thread_count + 1u,
                       sizeof *out->threads, "threads", error))
        return false;
    thread = &out->threads[out->thread_count];
    *thread = (ProcessThread){.tid = reader->tid};
    if (!register_words_fill(&reader->general, reader->area, reader->area_words, thread))
        return error_set_memory(error, sizeof reader->area, "registers");
    out->thread_count++;
    return true;
}

static bool begin_thread(NoteReader *reader, const CoreNote *note, Error *error)
{
    if (!finish_thread(reader, error))
        return false;
    if (note->length < STATUS_BYTES)
        return refuse(reader, "a thread's state", error);
    if (reader->out->thread_count == MAX_THREADS)
        return error_set(error, ERROR_CORRUPT, "'%s' is damaged: it has more than %u threads",
                         reader->path, MAX_THREADS);
    reader->tid = bytes_get_u32(note->bytes + STATUS_PID);
    if (reader->tid == 0 || reader->tid > INT32_MAX)
        return refuse(reader, "a thread's state", error);
    for (unsigned i = 0; i < GENERAL_REGISTER_COUNT; i++)
        reader->general.words[i] = bytes_get_u64(note->bytes + STATUS_REGISTERS + 8 * i);
    reader->area_words = 0;
    reader->has_thread = true;
    return true;
}

// NT_FPREGSET has the beginning of the XSAVE area; old tools write no more. The longer one counts.
static void take_vector_registers(NoteReader *reader, const CoreNote *note)
{
    uint64_t words = note->length / 8;

    if (words > sizeof reader->area / sizeof reader->area[0])
        words = sizeof reader->area / sizeof reader->area[0];
    if (words <= reader->area_words)
        return;
    for (uint64_t i = 0; i < words; i++)
        reader->area[i] = bytes_get_u64(note->bytes + 8 * i);
    reader->area_words = (size_t)words;
}

// ---- the layout of vector registers ----

// See Note [Vector registers of a core].
static void check_vector_layout(NoteReader *reader, const CoreNote *note)
{
    uint64_t xcr0, parts_in_use;

    if (note->length <= XSAVE_LEGACY_BYTES)
        return;
    xcr0 = bytes_get_u64(note->bytes + AREA_XCR0);
    parts_in_use = bytes_get_u64(note->bytes + AREA_PARTS_IN_USE);
    // Every CPU has part 0; without it the writer has not said which parts there are.
    if ((xcr0 & 1) == 0)
        return;
    reader->is_from_kernel = reader->is_from_kernel || parts_in_use != xcr0;
    if (note->length == xsave_layout_bytes(reader->cpu, xcr0) && note->length <= XSAVE_MAX_BYTES)
        return;
    if (reader->misfit_count++ > 0)
        return;
    reader->misfit_bytes = note->length;
    reader->misfit_xcr0 = xcr0;
}

static bool is_known_layout(uint64_t xcr0, uint64_t bytes)
{
    for (int i = 0; i < XSAVE_LAYOUTS_KNOWN; i++)
        if (bytes == xsave_layout_bytes(&xsave_layouts_known[i], xcr0))
            return true;
    return false;
}

// See Note [Vector registers of a core].
static void note_vector_layout(const NoteReader *reader, CoreNotes *out)
{
    uint64_t cpu_bytes = xsave_layout_bytes(reader->cpu, reader->misfit_xcr0);
    int used;

    if (reader->misfit_count == 0 ||
        (reader->is_from_kernel && is_known_layout(reader->misfit_xcr0, reader->misfit_bytes)))
        return;
    used =
        snprintf(out->vectors_note, sizeof out->vectors_note,
                 "vector registers of %u thread%s, perhaps in part: %llu bytes with XCR0 0x%llx",
                 reader->misfit_count, reader->misfit_count == 1 ? "" : "s",
                 (unsigned long long)reader->misfit_bytes, (unsigned long long)reader->misfit_xcr0);
    if (cpu_bytes != 0)
        (void)snprintf(out->vectors_note + used, sizeof out->vectors_note - (size_t)used,
                       ", this CPU has %llu (gdb before 14 writes Intel's layout on every CPU)",
                       (unsigned long long)cpu_bytes);
    else
        (void)snprintf(out->vectors_note + used, sizeof out->vectors_note - (size_t)used,
                       ", this CPU has no such parts");
}

// ---- the process ----

static bool take_process(NoteReader *reader, const CoreNote *note, Error *error)
{
    CoreNotes *out = reader->out;

    if (note->length < INFO_BYTES)
        return refuse(reader, "the process's state", error);
    out->pid = bytes_get_u32(note->bytes + INFO_PID);
    if (out->pid > INT32_MAX)
        return refuse(reader, "the process's state", error);
    memcpy(out->name, note->bytes + INFO_NAME, INFO_NAME_BYTES);
    text_clean(out->name, strlen(out->name), TEXT_ONE_LINE);
    return true;
}

static void take_auxiliary_vector(NoteReader *reader, const CoreNote *note)
{
    for (uint64_t at = 0; note->length - at >= 16; at += 16) {
        uint64_t value = bytes_get_u64(note->bytes + at + 8);

        switch (bytes_get_u64(note->bytes + at)) {
        case AT_PHDR:
            reader->out->program_headers = value;
            break;
        case AT_RANDOM:
            reader->out->random_bytes = value;
            break;
        case AT_NULL:
            return;
        default:
            break;
        }
    }
}

// ---- mapped files ----

static int compare_files(const void *left, const void *right)
{
    const CoreMappedFile *a = left, *b = right;

    return a->start < b->start ? -1 : a->start > b->start;
}

// u64 count, u64 unit of offsets; count times u64 start, end, offset; count strings.
static bool take_files(NoteReader *reader, const CoreNote *note, Error *error)
{
    CoreNotes *out = reader->out;
    uint64_t count, unit;
    const char *name, *end;

    if (out->file_note != NULL || note->length < 16 || note->length > MAX_FILE_NOTE_BYTES)
        return refuse(reader, "mapped files", error);
    count = bytes_get_u64(note->bytes);
    unit = bytes_get_u64(note->bytes + 8);
    // Each has 24 bytes and at least a NUL.
    if (count > (note->length - 16) / 25 || unit == 0 || unit > (1u << 30))
        return refuse(reader, "mapped files", error);
    out->file_note = malloc(note->length);
    out->files = calloc(count + 1, sizeof *out->files);
    if (out->file_note == NULL || out->files == NULL)
        return error_set_memory(error, note->length, "the mapped files of a core");
    memcpy(out->file_note, note->bytes, note->length);
    out->file_note_bytes = note->length;
    name = (const char *)out->file_note + 16 + 24 * count;
    end = (const char *)out->file_note + note->length;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *entry = out->file_note + 16 + 24 * i;
        CoreMappedFile *file = &out->files[i];
        size_t length = strnlen(name, (size_t)(end - name));

        *file = (CoreMappedFile){bytes_get_u64(entry), bytes_get_u64(entry + 8),
                                 bytes_get_u64(entry + 16), name};
        if (length == (size_t)(end - name) || file->start >= file->end ||
            file->file_offset > INT64_MAX / unit)
            return refuse(reader, "mapped files", error);
        file->file_offset *= unit;
        name += length + 1;
    }
    out->file_count = (uint32_t)count;
    if (count > 0)
        qsort(out->files, count, sizeof *out->files, compare_files);
    for (uint64_t i = 1; i < count; i++)
        if (out->files[i].start < out->files[i - 1].end)
            return refuse(reader, "mapped files", error);
    return true;
}

// ---- all of them ----

static bool visit_note(void *context, const CoreNote *note, Error *error)
{
    NoteReader *reader = context;

    // Other owners use the same numbers for other notes.
    if (strcmp(note->owner, "LINUX") == 0) {
        if (note->type == NT_X86_XSTATE) {
            check_vector_layout(reader, note);
            take_vector_registers(reader, note);
        }
        return true;
    }
    if (strcmp(note->owner, "CORE") != 0)
        return true;
    switch (note->type) {
    case NT_PRSTATUS:
        return begin_thread(reader, note, error);
    case NT_FPREGSET:
        take_vector_registers(reader, note);
        return true;
    case NT_PRPSINFO:
        return take_process(reader, note, error);
    case NT_AUXV:
        take_auxiliary_vector(reader, note);
        return true;
    case NT_FILE:
        return take_files(reader, note, error);
    default:
        return true;
    }
}

static int compare_threads(const void *left, const void *right, void *context)
{
    const ProcessThread *a = left, *b = right;
    uint32_t pid = *(const uint32_t *)context;

    if ((a->tid == pid) != (b->tid == pid))
        return a->tid == pid ? -1 : 1;
    return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static bool check_threads(const NoteReader *reader, Error *error)
{
    CoreNotes *out = reader->out;

    if (out->thread_count == 0)
        return error_set(error, ERROR_CORRUPT, "'%s' has no thread, and so no registers",
                         reader->path);
    if (out->pid == 0)
        out->pid = out->threads[0].tid;
    qsort_r(out->threads, out->thread_count, sizeof *out->threads, compare_threads, &out->pid);
    for (uint32_t i = 1; i < out->thread_count; i++)
        if (out->threads[i].tid == out->threads[i - 1].tid)
            return refuse(reader, "a thread's state", error);
    if (out->threads[0].tid == out->pid)
        (void)snprintf(out->threads[0].name, sizeof out->threads[0].name, "%s", out->name);
    return true;
}

bool core_notes_read(CoreFile *file, const char *path, const XsaveLayout *cpu, CoreNotes *out,
                     Error *error)
{
    NoteReader *reader = calloc(1, sizeof *reader);
    bool is_ok;

    *out = (CoreNotes){0};
    if (reader == NULL)
        return error_set_memory(error, sizeof *reader, "the notes of a core");
    reader->out = out;
    reader->path = path;
    reader->cpu = cpu;
    is_ok = core_file_visit_notes(file, visit_note, reader, error) &&
            finish_thread(reader, error) && check_threads(reader, error);
    note_vector_layout(reader, out);
    free(reader);
    if (!is_ok)
        core_notes_release(out);
    return is_ok;
}

void core_notes_release(CoreNotes *notes)
{
    for (uint32_t i = 0; i < notes->thread_count; i++)
        free(notes->threads[i].registers);
    free(notes->threads);
    free(notes->file_note);
    free(notes->files);
    *notes = (CoreNotes){0};
}
