// Files of /proc, read and parsed: see proc_files.h.

#include "snapshot/capture/copy/proc_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clean_text.h"

// Enough for most files of /proc.
#define FIRST_READ_BYTES 65536u

void proc_task_path(char path[PROC_PATH_BYTES], int pid, int tid, const char *name)
{
    (void)snprintf(path, PROC_PATH_BYTES, "/proc/%d/task/%d/%s", pid, tid, name);
}

char *proc_file_read(const char *path)
{
    uint64_t capacity = 0, used = 0;
    char *text = NULL;
    Error ignored;
    int saved, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    for (;;) {
        ssize_t got;

        // Files in /proc have no size, so this reads until the end; one byte stays for the NUL.
        if (used + 1 >= capacity &&
            !array_reserve(&text, &capacity, used * 4 + FIRST_READ_BYTES, 1, path, &ignored)) {
            errno = ENOMEM;
            break;
        }
        got = read(fd, text + used, capacity - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        if (got == 0) {
            (void)close(fd);
            text[used] = '\0';
            return text;
        }
        used += (uint64_t)got;
    }
    saved = errno;
    free(text);
    (void)close(fd);
    errno = saved;
    return NULL;
}

long proc_status_number(int pid, int tid, const char *key, long fallback)
{
    char path[PROC_PATH_BYTES];
    size_t key_length = strlen(key);
    char *text, *line;
    long value = fallback;

    proc_task_path(path, pid, tid, "status");
    text = proc_file_read(path);
    for (line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, key_length) == 0 && line[key_length] == ':') {
            value = strtol(line + key_length + 1, NULL, 10);
            break;
        }
    }
    free(text);
    return value;
}

// Copies the fields behind the name in /proc/PID/task/TID/stat; false when the task is gone. The
// name is in parentheses and may hold any character, more parentheses included.
static bool read_stat(int pid, int tid, char *fields, size_t bytes)
{
    char path[PROC_PATH_BYTES];
    char *text, *after_name;

    proc_task_path(path, pid, tid, "stat");
    text = proc_file_read(path);
    after_name = text == NULL ? NULL : strrchr(text, ')');
    (void)snprintf(fields, bytes, "%s", after_name == NULL ? "" : after_name + 1);
    free(text);
    return after_name != NULL;
}

char proc_task_state(int pid, int tid)
{
    char fields[64];

    return read_stat(pid, tid, fields, sizeof fields) && fields[0] == ' ' ? fields[1] : 0;
}

// The kernel's PF_* flags of the task; 0 when it is gone.
static unsigned long read_flags(int pid, int tid)
{
    unsigned long flags = 0;
    char fields[256];

    // State, parent, group, session, terminal, its group, flags.
    if (!read_stat(pid, tid, fields, sizeof fields) ||
        sscanf(fields, " %*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
        return 0;
    return flags;
}

bool proc_is_kernel_thread(int pid)
{
    return (read_flags(pid, pid) & 0x00200000) != 0; // PF_KTHREAD
}

bool proc_is_io_worker(int pid, int tid)
{
    return (read_flags(pid, tid) & 0x00000010) != 0; // PF_IO_WORKER
}

// Cuts the name to fit, and removes characters that must not be shown (clean_text.h): its owner
// chooses it.
static void copy_name(char *from, char *name, size_t bytes)
{
    size_t length = strlen(from);

    text_clean(from, length, TEXT_ONE_LINE);
    length = text_cut(from, length, bytes - 1);
    memcpy(name, from, length);
    name[length] = '\0';
}

void proc_task_name(int pid, int tid, char *name, size_t bytes)
{
    char path[PROC_PATH_BYTES];
    char *text;

    name[0] = '\0';
    proc_task_path(path, pid, tid, "comm");
    text = proc_file_read(path);
    if (text == NULL)
        return;
    // The kernel ends it with a line feed.
    text[strcspn(text, "\n")] = '\0';
    copy_name(text, name, bytes);
    free(text);
}

const char *proc_file_name(const char *path, size_t *length)
{
    static const char deleted[] = " (deleted)";
    const char *folder_end = strrchr(path, '/');
    const char *name = folder_end != NULL ? folder_end + 1 : path;

    *length = strlen(name);
    if (*length >= sizeof deleted && strcmp(name + *length - strlen(deleted), deleted) == 0)
        *length -= strlen(deleted);
    return name;
}

void proc_executable_name(int pid, int tid, char *name, size_t bytes)
{
    char path[PROC_PATH_BYTES], target[4096];
    ssize_t length;
    size_t start, name_length;

    proc_task_path(path, pid, tid, "exe");
    length = readlink(path, target, sizeof target - 1);
    if (length <= 0) {
        proc_task_name(pid, tid, name, bytes);
        return;
    }
    target[length] = '\0';
    start = (size_t)(proc_file_name(target, &name_length) - target);
    target[start + name_length] = '\0';
    copy_name(target + start, name, bytes);
}

bool proc_task_list(int pid, int **tids, uint32_t *count)
{
    char path[PROC_PATH_BYTES];
    uint64_t capacity = 0;
    struct dirent *entry;
    DIR *folder;
    Error ignored;

    *tids = NULL;
    *count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task", pid);
    folder = opendir(path);
    if (folder == NULL)
        return false;
    for (errno = 0; (entry = readdir(folder)) != NULL; errno = 0) {
        int tid = (int)strtol(entry->d_name, NULL, 10);

        if (tid <= 0)
            continue;
        if (!array_reserve(tids, &capacity, (uint64_t)*count + 1, sizeof **tids, path, &ignored))
            break;
        (*tids)[(*count)++] = tid;
    }
    if (entry != NULL || errno != 0) {
        int saved = entry != NULL ? ENOMEM : errno;

        free(*tids);
        *tids = NULL;
        *count = 0;
        (void)closedir(folder);
        errno = saved;
        return false;
    }
    (void)closedir(folder);
    return true;
}

int proc_live_task(int pid)
{
    uint32_t count = 0;
    int *tids = NULL;
    int live = pid;

    if (!proc_task_list(pid, &tids, &count))
        return pid;
    for (uint32_t i = 0; i < count; i++) {
        char state = proc_task_state(pid, tids[i]);

        if (state != 0 && state != 'Z' && state != 'X') {
            live = tids[i];
            break;
        }
    }
    free(tids);
    return live;
}

// Parses one line: "START-END PERMISSIONS OFFSET DEVICE INODE      NAME".
static bool parse_mapping(char *line, ProcessMapping *mapping)
{
    char *at = line;

    memset(mapping, 0, sizeof *mapping);
    mapping->start = strtoull(at, &at, 16);
    if (*at != '-') {
        errno = EPROTO;
        return false;
    }
    mapping->end = strtoull(at + 1, &at, 16);
    if (strlen(at) < 6 || mapping->end <= mapping->start) {
        errno = EPROTO;
        return false;
    }
    mapping->is_readable = at[1] == 'r';
    mapping->is_writable = at[2] == 'w';
    mapping->is_executable = at[3] == 'x';
    mapping->is_private = at[4] == 'p';
    mapping->file_offset = strtoull(at + 5, &at, 16);
    at += strspn(at, " ");
    at += strcspn(at, " "); // device
    mapping->inode = strtoull(at, &at, 10);
    at += strspn(at, " ");
    mapping->name = strdup(at);
    return mapping->name != NULL;
}

bool proc_mappings_read(int pid, int tid, ProcessMapping **mappings, uint32_t *count)
{
    char path[PROC_PATH_BYTES];
    uint32_t lines = 0;
    char *text, *line, *next;
    int saved;

    *mappings = NULL;
    *count = 0;
    proc_task_path(path, pid, tid, "maps");
    text = proc_file_read(path);
    if (text == NULL)
        return false;
    for (line = text; (line = strchr(line, '\n')) != NULL; line++)
        lines++;
    if (lines == 0) {
        free(text);
        errno = ENODATA;
        return false;
    }
    *mappings = calloc(lines, sizeof **mappings);
    for (line = text; *mappings != NULL && (next = strchr(line, '\n')) != NULL; line = next + 1) {
        *next = '\0';
        if (!parse_mapping(line, &(*mappings)[*count])) {
            proc_mappings_free(*mappings, *count);
            *mappings = NULL;
            *count = 0;
            break;
        }
        (*count)++;
    }
    process_mappings_choose_shared(*mappings, *count);
    saved = errno; // of calloc() or parse_mapping(), where one failed
    free(text);
    errno = saved;
    return *mappings != NULL;
}

void proc_mappings_free(ProcessMapping *mappings, uint32_t count)
{
    if (mappings == NULL)
        return;
    for (uint32_t i = 0; i < count; i++)
        free(mappings[i].name);
    free(mappings);
}
