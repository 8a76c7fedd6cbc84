// A made process whose one module is an executable of the test's choice, for tests of names: its
// heap holds objects of types whose functions lie in that file, a stack holds addresses of its
// code, and a global refers to the heap.

#ifndef TESTS_SUPPORT_MADE_EXECUTABLE_H
#define TESTS_SUPPORT_MADE_EXECUTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "snapshot/capture/find/heap_search.h"
#include "tests/support/made_process.h"

#define MADE_EXECUTABLE_BASE UINT64_C(0x550000000000)
#define MADE_EXECUTABLE_OBJECTS 39u

typedef struct MadeExecutable {
    MadeProcess *process; // owned
    ProcessCopy copy;     // borrows from it
    int file;             // owned
    HeapSearch *search;   // or NULL; owned
    HeapSearchCounts counts;
} MadeExecutable;

// Where the file's functions are; ascending or not.
typedef struct MadeFunctions {
    const uint64_t *addresses; // virtual, as the file says
    uint32_t count;            // at least 1
} MadeFunctions;

// Captures a process that runs the file with these bytes. Object i has the trace function
// 2 i and the drop function 2 i + 1, modulo their number. False: the capture failed, which nothing
// in the file is a reason for (then `error` is set). Released in any case.
bool made_executable_capture(MadeExecutable *made, const uint8_t *bytes, size_t length,
                             const MadeFunctions *functions, Error *error);
void made_executable_release(MadeExecutable *made);

#endif
