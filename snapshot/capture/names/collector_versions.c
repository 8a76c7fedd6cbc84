// Versions of the collector: see snapshot/capture/names/collector_versions.h.
//
// A GuardedChild reads the files: their size and content are the target's choice.

#include "snapshot/capture/names/collector_versions.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/capture/names/guarded_child.h"

#define CPU_SECONDS 5u
#define WALL_SECONDS 20u
#define MEMORY_BYTES (UINT64_C(64) << 20)
#define OUTPUT_BYTES 4096u

// Read at a time; the last bytes of a part are read again, as a version may lie across its end.
#define PART_BYTES (UINT64_C(1) << 20)
#define OVERLAP_BYTES 64u

typedef struct VersionSearch {
    const ProcessCopy *copy;
    const MappedModule *modules;
    uint32_t module_count;
    GuardedChild *child;
    CollectorVersions found;
} VersionSearch;

static bool is_same(RudoGcVersion left, RudoGcVersion right)
{
    return left.major == right.major && left.minor == right.minor && left.patch == right.patch;
}

// False when the version is known already, or the list is full.
static bool add_version(CollectorVersions *versions, RudoGcVersion version)
{
    for (uint32_t i = 0; i < versions->count; i++)
        if (is_same(versions->items[i], version))
            return false;
    if (versions->count == MAX_COLLECTOR_VERSIONS)
        return false;
    versions->items[versions->count++] = version;
    return true;
}

static void search_part(VersionSearch *search, const uint8_t *bytes, size_t length)
{
    RudoGcVersion version;
    size_t position = 0;

    while (rudo_gc_version_find(bytes, length, &position, &version))
        if (add_version(&search->found, version))
            (void)guarded_child_write(search->child, &version, sizeof version);
}

static void search_file(VersionSearch *search, int fd, const ProcessMapping *mapping,
                        uint8_t *buffer)
{
    uint64_t bytes = mapping->end - mapping->start;

    for (uint64_t at = 0; at < bytes; at += PART_BYTES - OVERLAP_BYTES) {
        size_t wanted = (size_t)(bytes - at < PART_BYTES ? bytes - at : PART_BYTES);
        ssize_t length = pread(fd, buffer, wanted, (off_t)(mapping->file_offset + at));

        if (length <= 0)
            return;
        search_part(search, buffer, (size_t)length);
        if ((size_t)length < PART_BYTES)
            return;
    }
}

// In the child.
static void search_modules(void *context, GuardedChild *child)
{
    VersionSearch *search = context;
    uint8_t *buffer = malloc(PART_BYTES);

    search->child = child;
    for (uint32_t i = 0; buffer != NULL && i < search->module_count; i++) {
        const MappedModule *module = &search->modules[i];
        int fd = module_file_descriptor(search->copy, module);

        if (fd < 0)
            continue;
        for (uint32_t m = module->first_mapping; m <= module->last_mapping; m++) {
            const ProcessMapping *mapping = &search->copy->mappings[m];

            if (mapping_is_file(mapping) && mapping->is_readable && !mapping->is_writable)
                search_file(search, fd, mapping, buffer);
        }
        (void)close(fd);
    }
    free(buffer);
}

bool collector_versions_find(const ProcessCopy *copy, const MappedModule *modules,
                             uint32_t module_count, const Cancel *cancel, CollectorVersions *out,
                             Error *error)
{
    VersionSearch search = {.copy = copy, .modules = modules, .module_count = module_count};
    char root[MODULE_ROOT_CHARS];
    const GuardedWork work = {
        .run = search_modules,
        .context = &search,
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

    module_files_root(copy, root);
    ok = guarded_child_run(&work, &output, &end, error);
    *out = (CollectorVersions){0};
    for (size_t at = 0; ok && at + sizeof(RudoGcVersion) <= output.length;
         at += sizeof(RudoGcVersion)) {
        RudoGcVersion version;

        memcpy(&version, output.bytes + at, sizeof version);
        (void)add_version(out, version);
    }
    byte_buffer_release(&output);
    return ok;
}
