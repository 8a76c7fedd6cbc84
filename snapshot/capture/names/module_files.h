// The files of mapped modules: the executable and its libraries, opened as the process sees them.
//
// A file is used only if it is the one that is mapped, by its inode or its build-id: its path may
// belong to another file by now, or in our mount namespace.

#ifndef SNAPSHOT_CAPTURE_NAMES_MODULE_FILES_H
#define SNAPSHOT_CAPTURE_NAMES_MODULE_FILES_H

#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/debug/elf_file.h"

// A module: one loading of a file with code. The mappings of the copy that it spans.
typedef struct MappedModule {
    uint32_t first_mapping;
    uint32_t last_mapping;
} MappedModule;

// The folder in which the paths of the process are resolved: "/proc/4242/root", of a core "/".
#define MODULE_ROOT_CHARS 32
void module_files_root(const ProcessCopy *copy, char root[MODULE_ROOT_CHARS]);

// All that follows reads files that the target chooses: for a GuardedChild only. Paths are resolved
// and looked at as checked_file.h says.

// A descriptor of the file that a module was loaded from, or -1. The caller closes it.
int module_file_descriptor(const ProcessCopy *copy, const MappedModule *module);

// The module's file, or NULL when it cannot be opened. Of a core file it may be the ELF header
// alone that the core holds. The caller frees it.
ElfFile *module_file_open(const ProcessCopy *copy, const MappedModule *module);

// The same with the file mapped (elf_file_open_mapped()): for a GuardedChild only.
ElfFile *module_file_open_mapped(const ProcessCopy *copy, const MappedModule *module);

// A descriptor of the module's separate debug file, or -1. `own` is the module's own file.
// *is_other_build (or NULL): there is one, of another build.
int module_file_open_debug(const ProcessCopy *copy, const MappedModule *module, ElfFile *own,
                           bool *is_other_build);

// A module's own file, and its debug file where the own one lacks symbols or debug information.
typedef struct ModuleFiles {
    ElfFile *own;     // NULL when it cannot be opened
    ElfFile *debug;   // or NULL
    ElfFile *package; // its .dwp file, or NULL
    // Why they are not there. Of a core, `own` is then the header that the core holds, or NULL.
    bool is_missing;                       // no file at its path can be read
    bool is_other_build;                   // the file at its path is not the one that was mapped
    bool is_debug_other_build;             // a debug file was found, and is not of this build
    char debug_name[ELF_DEBUG_LINK_CHARS]; // the debug file that the module asks for; ""
} ModuleFiles;

// For a GuardedChild only: the files are mapped.
ModuleFiles module_files_open(const ProcessCopy *copy, const MappedModule *module);
void module_files_close(ModuleFiles *files);
// The one of both that has debug information; `own`, which is not NULL, if none has.
ElfFile *module_files_with_debug_info(const ModuleFiles *files);

#endif
