// OutputTarget: the place that the path of an output file leads to, found without a step at which
// another user could lead the write elsewhere.
//
// A path names a new or a regular file, which gets its name when it is whole; a FIFO or device,
// which is written to; or an open descriptor of this process ("-", /dev/stdout, /dev/stderr,
// /dev/fd/N), which is written to as it is: appending, in the middle of a group, removed.
//
// In a folder that all may write to and that has the sticky bit (/tmp), links and FIFOs that
// another user made are refused, as fs.protected_symlinks and fs.protected_fifos have it, with or
// without those settings. Links are followed here, one at a time: a link that is replaced meanwhile
// leads to an error, never to a file that was not looked at.

#ifndef BASE_OUTPUT_TARGET_INTERNAL_H
#define BASE_OUTPUT_TARGET_INTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"

typedef enum OutputTargetKind {
    OUTPUT_TARGET_NEW,     // no file of that name
    OUTPUT_TARGET_REGULAR, // one that would be replaced
    OUTPUT_TARGET_SPECIAL, // a FIFO or a device
    OUTPUT_TARGET_STREAM,  // an open descriptor
} OutputTargetKind;

typedef struct OutputTarget {
    OutputTargetKind kind;
    int stream;         // OUTPUT_TARGET_STREAM: the descriptor, of the caller; else -1
    int folder;         // owned, O_PATH; -1 for a stream
    char *folder_path;  // owned; NULL for a stream
    char *name;         // in that folder; owned; NULL for a stream
    bool is_linked;     // a link was followed
    struct stat status; // of the file or the stream; not for OUTPUT_TARGET_NEW
} OutputTarget;

// Errors: usage (a folder, a socket, an empty path, a descriptor that is not open for writing),
// system (a folder is missing, a link or FIFO of another user), memory. output_target_release() in
// any case.
NODISCARD bool output_target_find(const char *path, OutputTarget *target, Error *error);

void output_target_release(OutputTarget *target);

// The path of its folder, links followed; NULL: memory is short, or the target is a stream. To be
// freed.
char *output_target_folder(const OutputTarget *target);

// Are both the same file, pipe or device?
bool output_target_is(const struct stat *left, const struct stat *right);

// Would another user's link or FIFO be used, in a folder that all may write to?
bool output_target_is_planted(int folder, const struct stat *status);

// "cannot create 'PATH' in folder 'FOLDER'", with the way out that `number` allows.
bool output_target_set_error(Error *error, const char *path, const char *folder, int number);

#endif
