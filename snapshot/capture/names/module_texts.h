// Texts in the read-only data of mapped files, such as names of source files. A GuardedChild reads
// them, since a copy of a process holds only what is writable, and files are the target's choice.

#ifndef SNAPSHOT_CAPTURE_NAMES_MODULE_TEXTS_H
#define SNAPSHOT_CAPTURE_NAMES_MODULE_TEXTS_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/names/module_files.h"

// Longer ones are cut.
#define MODULE_TEXT_CHARS 256u

// The texts at `addresses`, `count` of them, in the order of the addresses: the caller frees each
// and *out. NULL: no text begins there, or it could not be read. Errors: memory, interrupted.
NODISCARD bool module_texts_read(const ProcessCopy *copy, const uint64_t *addresses, uint32_t count,
                                 const Cancel *cancel, char ***out, Error *error);
void module_texts_free(char **texts, uint32_t count);

#endif
