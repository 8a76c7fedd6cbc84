// Names of files in a redacted snapshot.
//
// The executable and its libraries have the names that their builders gave them, and keep them
// without folders. A program can also map code under a name that it makes up while it runs: from
// memory (memfd_create), from a file that it has deleted, or from a file that is not a library at
// all. Such names stay out, wherever they stand: modules, mappings, the metadata, and notes about
// them.

#include <stdio.h>
#include <string.h>

#include "base/search.h"
#include "snapshot/file/sections/section_fields_internal.h"

#define MEMFD "memfd:"
#define DELETED " (deleted)"
// A note may have been cut inside a name: this much of it counts as the name.
#define LEAST_CUT 3u

static bool is_memfd(const char *name)
{
    return strncmp(name, MEMFD, strlen(MEMFD)) == 0;
}

// By the name of its last mapping.
static bool is_deleted(const SnapshotDetails *details, const SnapshotModule *module)
{
    uint64_t next = search_above(details->mappings, details->mapping_count, start,
                                 module->end > 0 ? module->end - 1 : 0);
    const char *name = next > 0 ? details->mappings[next - 1].name : "";
    size_t length = strlen(name);

    return length > strlen(DELETED) && strcmp(name + length - strlen(DELETED), DELETED) == 0;
}

bool redaction_hides_module(const SnapshotDetails *details, const SnapshotModule *module)
{
    const char *name = without_folders(module->name);

    if (is_memfd(name))
        return true;
    // A program may be deleted while it runs, as when it is upgraded.
    if (strcmp(name, without_folders(details->metadata.executable)) == 0)
        return false;
    if (is_deleted(details, module))
        return true;
    return module->build_id[0] == '\0' && strstr(name, ".so") == NULL &&
           details->metadata.executable[0] != '\0';
}

// Numbered: types without names are named by their modules, and must stay apart.
bool redaction_copy_module_name(const SnapshotDetails *details, const SnapshotModule *module,
                                char **out, Error *error)
{
    const char *name = without_folders(module->name);
    char number[32];

    if (redaction_hides_module(details, module)) {
        bool is_program = strcmp(name, without_folders(details->metadata.executable)) == 0;

        (void)snprintf(number, sizeof number, "[module %zu]",
                       (size_t)(module - details->modules) + 1);
        name = is_program ? REDACTED_PROGRAM : number;
    }
    return section_copy_text(out, name, error);
}

// Where the executable has no name, a capture takes that of its thread, which the program gave.
static bool is_thread_name(const SnapshotDetails *details, const char *name)
{
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(without_folders(details->modules[i].name), name) == 0)
            return false;
    for (uint32_t i = 0; i < details->thread_count; i++)
        if (strcmp(details->threads[i].name, name) == 0)
            return true;
    return false;
}

bool redaction_hides_executable(const SnapshotDetails *details)
{
    const char *name = without_folders(details->metadata.executable);

    return is_memfd(name) || is_thread_name(details, name);
}

// Replaces `name` in `text` by '*'.
static void hide_name(char *text, const char *name)
{
    size_t length = strlen(name);
    char *to = text;

    while (*text != '\0') {
        size_t same = 0;

        while (same < length && text[same] == name[same])
            same++;
        if (same > 0 && (same == length || (same >= LEAST_CUT && text[same] == '\0'))) {
            *to++ = '*';
            text += same;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

void redact_note(const SnapshotDetails *details, char *text)
{
    redact_paths(text);
    for (uint32_t i = 0; i < details->module_count; i++)
        if (redaction_hides_module(details, &details->modules[i]))
            hide_name(text, without_folders(details->modules[i].name));
    if (redaction_hides_executable(details))
        hide_name(text, without_folders(details->metadata.executable));
}
