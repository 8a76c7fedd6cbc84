// The user's executable: see snapshot/capture/names/executable_check.h. A GuardedChild reads it:
// its size and content may be anything.

#include "snapshot/capture/names/executable_check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/capture/names/guarded_child.h"

#define CPU_SECONDS 5u
#define WALL_SECONDS 20u
#define MEMORY_BYTES (UINT64_C(256) << 20)
#define OUTPUT_BYTES 64u

typedef enum Verdict {
    VERDICT_USABLE = 'u',
    VERDICT_NO_ELF = 'e',
    VERDICT_OTHER_BUILD = 'b',
    VERDICT_NO_SYMBOLS = 's',
} Verdict;

typedef struct Check {
    const ProcessCopy *copy;
    const MappedModule *module;
} Check;

static Verdict judge(const ModuleFiles *files)
{
    if (files->is_missing)
        return VERDICT_NO_ELF;
    if (files->is_other_build)
        return VERDICT_OTHER_BUILD;
    if (!elf_file_has_all_symbols(files->own) && !elf_file_has_section(files->own, ".debug_info") &&
        files->debug == NULL)
        return VERDICT_NO_SYMBOLS;
    return VERDICT_USABLE;
}

// In the child.
static void check_file(void *context, GuardedChild *child)
{
    const Check *check = context;
    ModuleFiles files = module_files_open(check->copy, check->module);
    const char verdict = (char)judge(&files);

    module_files_close(&files);
    (void)guarded_child_write(child, &verdict, sizeof verdict);
}

static bool explain(const char *path, char verdict, Error *error)
{
    switch (verdict) {
    case VERDICT_NO_ELF:
        return error_set(error, ERROR_UNSUPPORTED,
                         "'%s' is not an executable that can be read (a 64-bit ELF file)", path);
    case VERDICT_OTHER_BUILD:
        return error_set(error, ERROR_UNSUPPORTED,
                         "'%s' is not the executable of the core: its build-id differs", path);
    case VERDICT_NO_SYMBOLS:
        return error_set(error, ERROR_UNSUPPORTED,
                         "'%s' has neither symbols nor debug information: name the file as it was "
                         "before it was stripped",
                         path);
    default:
        return true;
    }
}

// Can the file be opened at all?
static bool check_path(const char *path, Error *error)
{
    struct stat status;

    if (stat(path, &status) != 0 || access(path, R_OK) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_UNSUPPORTED, "'%s' is not a regular file", path);
    return true;
}

static const MappedModule *find_executable(const ProcessCopy *copy, const MappedModule *modules,
                                           uint32_t count)
{
    for (uint32_t i = 0; copy->executable_mapping_name != NULL && i < count; i++)
        if (strcmp(copy->mappings[modules[i].first_mapping].name, copy->executable_mapping_name) ==
            0)
            return &modules[i];
    return NULL;
}

bool executable_check(const ProcessCopy *copy, const MappedModule *modules, uint32_t module_count,
                      const Cancel *cancel, Error *error)
{
    Check check = {copy, find_executable(copy, modules, module_count)};
    const GuardedWork work = {
        .run = check_file,
        .context = &check,
        .root = "/",
        .cpu_seconds = CPU_SECONDS,
        .wall_seconds = WALL_SECONDS,
        .memory_bytes = MEMORY_BYTES,
        .output_bytes = OUTPUT_BYTES,
        .cancel = *cancel,
    };
    ByteBuffer output = {0};
    GuardedEnd end;
    bool ok;

    if (copy->executable_path == NULL)
        return true;
    if (!check_path(copy->executable_path, error))
        return false;
    if (check.module == NULL)
        return error_set(error, ERROR_UNSUPPORTED,
                         "'%s' cannot be used: the core does not say which mapping is the "
                         "executable's",
                         copy->executable_path);
    if (!guarded_child_run(&work, &output, &end, error))
        return false;
    ok = output.length > 0 ? explain(copy->executable_path, (char)output.bytes[0], error)
                           : error_set(error, ERROR_UNSUPPORTED, "'%s' cannot be used: %s",
                                       copy->executable_path, guarded_end_text(end));
    byte_buffer_release(&output);
    return ok;
}
