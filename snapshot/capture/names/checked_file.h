// Files whose paths the target chooses, opened after a look at what is there.
//
// Root may capture the process of a user who puts a pipe, a device, or a link to such a thing where
// an executable or its debug file is expected: opening it would block or act. So a path is resolved
// inside the root folder of the process, links included; what is found is looked at without being
// opened (O_PATH); and only a regular file of a file system that stores data is opened.

#ifndef SNAPSHOT_CAPTURE_NAMES_CHECKED_FILE_H
#define SNAPSHOT_CAPTURE_NAMES_CHECKED_FILE_H

// The folder in which paths are resolved, as "/proc/4242/root" or "/"; -1. The caller closes it.
int checked_root_open(const char *path);

// Opens the file at the absolute path inside `root`, which may be -1, for reading; -1 when there is
// none that may be opened. The caller closes it.
int checked_file_open(int root, const char *path);

// A descriptor of what the path names, whatever it is, without opening it (O_PATH), or -1. For
// kernels without openat2().
int checked_file_walk(int root, const char *path);

// The same for a path of the user's, or of the kernel's (/proc/PID/exe), which is resolved as
// usual.
int checked_path_open(const char *path);

#endif
