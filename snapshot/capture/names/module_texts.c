// Texts of mapped files: see module_texts.h. The child sends a record for each text, of which
// nothing is trusted: it may have gone wrong.

#include "snapshot/capture/names/module_texts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean_text.h"
#include "snapshot/capture/names/guarded_child.h"

#define CPU_SECONDS 5u
#define WALL_SECONDS 20u
#define MEMORY_BYTES (UINT64_C(64) << 20)
#define OUTPUT_BYTES (UINT64_C(64) << 20)

typedef struct TextsRequest {
    const ProcessCopy *copy;
    const uint64_t *addresses;
    uint32_t count;
} TextsRequest;

// Followed by the text.
typedef struct TextRecord {
    uint32_t number; // of the address
    uint32_t length;
} TextRecord;

static bool write_text(GuardedChild *child, int descriptor, const ProcessMapping *mapping,
                       uint32_t number, uint64_t address)
{
    char text[MODULE_TEXT_CHARS];
    uint64_t left = mapping->end - address;
    ssize_t got = pread(descriptor, text, left < sizeof text ? left : sizeof text,
                        (off_t)(mapping->file_offset + (address - mapping->start)));
    TextRecord record = {.number = number};

    if (got <= 0)
        return true;
    record.length = (uint32_t)strnlen(text, (size_t)got);
    return guarded_child_write(child, &record, sizeof record) &&
           guarded_child_write(child, text, record.length);
}

// In the child.
static void read_texts(void *context, GuardedChild *child)
{
    const TextsRequest *request = context;
    const ProcessCopy *copy = request->copy;
    uint32_t open_mapping = UINT32_MAX;
    int descriptor = -1;

    for (uint32_t i = 0; i < request->count; i++) {
        uint32_t mapping = process_copy_mapping_index(copy, request->addresses[i]);

        if (mapping == UINT32_MAX || !mapping_is_file(&copy->mappings[mapping]))
            continue;
        if (mapping != open_mapping) {
            const MappedModule file = {mapping, mapping};

            if (descriptor >= 0)
                (void)close(descriptor);
            descriptor = module_file_descriptor(copy, &file);
            open_mapping = mapping;
        }
        if (descriptor >= 0 &&
            !write_text(child, descriptor, &copy->mappings[mapping], i, request->addresses[i]))
            break;
    }
    if (descriptor >= 0)
        (void)close(descriptor);
}

static bool take_texts(const ByteBuffer *output, char **texts, uint32_t count, Error *error)
{
    for (size_t at = 0; output->length - at >= sizeof(TextRecord);) {
        TextRecord record;

        memcpy(&record, output->bytes + at, sizeof record);
        at += sizeof record;
        if (record.number >= count || record.length > MODULE_TEXT_CHARS ||
            record.length > output->length - at)
            break;
        if (record.length > 0 && texts[record.number] == NULL) {
            char *text = strndup((const char *)output->bytes + at, record.length);

            if (text == NULL)
                return error_set_memory(error, record.length, "a text");
            text_clean(text, strlen(text), TEXT_ONE_LINE);
            texts[record.number] = text;
        }
        at += record.length;
    }
    return true;
}

bool module_texts_read(const ProcessCopy *copy, const uint64_t *addresses, uint32_t count,
                       const Cancel *cancel, char ***out, Error *error)
{
    TextsRequest request = {copy, addresses, count};
    char root[MODULE_ROOT_CHARS];
    const GuardedWork work = {
        .run = read_texts,
        .context = &request,
        .root = root,
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = WALL_SECONDS,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = OUTPUT_BYTES,
        .cancel = *cancel,
    };
    ByteBuffer output = {0};
    GuardedEnd end;
    bool ok;

    *out = calloc((size_t)count + 1, sizeof **out);
    if (*out == NULL)
        return error_set_memory(error, count * sizeof **out, "texts");
    module_files_root(copy, root);
    ok = count == 0 || (guarded_child_run(&work, &output, &end, error) &&
                        take_texts(&output, *out, count, error));
    byte_buffer_release(&output);
    if (!ok) {
        module_texts_free(*out, count);
        *out = NULL;
    }
    return ok;
}

void module_texts_free(char **texts, uint32_t count)
{
    for (uint32_t i = 0; texts != NULL && i < count; i++)
        free(texts[i]);
    free(texts);
}
