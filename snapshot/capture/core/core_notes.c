// Notes of core files: see core_notes_internal.h.
//
// Layouts are those of x86-64 Linux: struct elf_prstatus, elf_prpsinfo (linux/elfcore.h), the
// NT_FILE note (fs/binfmt_elf.c, fill_files_note()), Elf64_auxv_t. Kernel, gdb and others write
// the same. Each thread's notes begin with its NT_PRSTATUS.

#include "snapshot/capture/core/core_notes_internal.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "base/clean_text.h"
#include "snapshot/capture/copy/register_words.h"

#define MAX_THREADS (1u << 20)

// struct elf_prstatus
#define STATUS_PID 32u
#define STATUS_REGISTERS 112u
#define STATUS_BYTES (STATUS_REGISTERS + 8 * GENERAL_REGISTER_COUNT)
// struct elf_prpsinfo
#define INFO_PID 24u
#define INFO_NAME 40u
#define INFO_NAME_BYTES 16u
#define INFO_BYTES (INFO_NAME + INFO_NAME_BYTES)

typedef struct NoteReader {
    CoreNotes *out;
    const char *path; // for messages
    // The thread whose notes are being read.
    bool has_thread;
    uint32_t tid;
    GeneralRegisters general;
    uint64_t area[XSAVE_MAX_BYTES / 8];
    size_t area_words;
} NoteReader;

static bool refuse(const NoteReader *reader, const char *what, Error *error)
{
    return error_set(error, ERROR_CORRUPT, "'%s' is damaged: the note with %s is not possible",
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
    if (out->thread_count == out->thread_capacity) {
        uint32_t capacity = out->thread_capacity == 0 ? 64 : 2 * out->thread_capacity;
        ProcessThread *grown = realloc(out->threads, capacity * sizeof *grown);

        if (grown == NULL)
            return error_set_memory(error, capacity * sizeof *grown, "threads");
        out->threads = grown;
        out->thread_capacity = capacity;
    }
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

// NT_FPREGSET is how the XSAVE area begins, and what old tools wrote alone.
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

    if (out->file_note != NULL || note->length < 16)
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

    // Others use the same numbers for other things.
    if (strcmp(note->owner, "LINUX") == 0) {
        if (note->type == NT_X86_XSTATE)
            take_vector_registers(reader, note);
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
        return error_set(error, ERROR_CORRUPT, "'%s' has no thread: nothing tells the registers",
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

bool core_notes_read(CoreFile *file, const char *path, CoreNotes *out, Error *error)
{
    NoteReader *reader = calloc(1, sizeof *reader);
    bool is_ok;

    *out = (CoreNotes){0};
    if (reader == NULL)
        return error_set_memory(error, sizeof *reader, "the notes of a core");
    reader->out = out;
    reader->path = path;
    is_ok = core_file_visit_notes(file, visit_note, reader, error) &&
            finish_thread(reader, error) && check_threads(reader, error);
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
