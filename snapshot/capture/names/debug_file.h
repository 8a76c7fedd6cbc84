// Separate debug files: symbols and debug information that were split off an executable.
//
// They are found as gdb finds them: by build-id in /usr/lib/debug/.build-id, and by the name in
// .gnu_debuglink beside the executable, in .debug beside it, and under /usr/lib/debug. Nothing is
// downloaded.

#ifndef SNAPSHOT_CAPTURE_NAMES_DEBUG_FILE_H
#define SNAPSHOT_CAPTURE_NAMES_DEBUG_FILE_H

#include "snapshot/capture/debug/elf_file.h"

// A descriptor of the debug file of `module`, or -1. It has the same build-id, or, where `module`
// has none, the checksum that `module` asks for. module_path: its path as the process sees it.
// root: the folder in which all paths are resolved, "/proc/4242/root" or "/", since a process may
// have a file system of its own. *is_other_build (or NULL) is set when a file was found that does
// not belong to `module`.
int debug_file_find(ElfFile *module, const char *module_path, const char *root,
                    bool *is_other_build);

#endif
