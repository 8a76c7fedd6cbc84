// Why names are missing: what children found about the files of modules, and the sentences that say
// so, each with the way out.

#ifndef SNAPSHOT_CAPTURE_NAMES_NAMES_REASONS_H
#define SNAPSHOT_CAPTURE_NAMES_NAMES_REASONS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/heap/snapshot_details.h"

// About the file of one module.
typedef enum ModuleFact {
    FACT_IS_CORE = 1 << 0,           // the process is one of a core file
    FACT_MISSING = 1 << 1,           // no file at its path can be read
    FACT_OTHER_BUILD = 1 << 2,       // the file at its path is another build
    FACT_SYMBOLS = 1 << 3,           // there is a .symtab, its own or that of a debug file
    FACT_DEBUG_INFO = 1 << 4,        // likewise debug information
    FACT_DEBUG_OTHER_BUILD = 1 << 5, // a debug file was found, of another build
    FACT_DEBUG_UNREADABLE = 1 << 6,  // the debug information is damaged, or packed in a way that
                                     // cannot be undone
    FACT_SPLIT_MISSING = 1 << 7,     // debug information was split off, and is not where it was put
    FACT_LIMIT = 1 << 8,             // layouts of types were left out
} ModuleFact;

typedef struct ModuleFacts {
    uint32_t facts; // of ModuleFact
    char *file;     // the file that is missing, if it has a name; owned
} ModuleFacts;

// Adds a line for each reason why types or their fields have no names. `facts` are those of the
// modules in `details`. To be called when all names were read.
void names_reasons_add(SnapshotDetails *details, const ModuleFacts *facts);

// Adds a line; one that does not fit is left out as a whole.
void names_reasons_add_line(SnapshotMetadata *metadata, const char *line);

#endif
