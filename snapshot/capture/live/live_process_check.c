// Whether a process can be captured, asked before anything is prepared: it exists, it is not this
// process, a thread, a zombie or a kernel thread, it runs 64-bit code, and the kernel lets us read
// its memory. Nothing of the process changes. A ptrace() or open() that
// fails later is explained by copy/capture_refusal.c.

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/thread_registers.h"
#include "snapshot/capture/live/live_process_internal.h"

#define MAX_START_WORDS 128

// A process that /proc does not show.
static bool explain_absence(int pid, Error *error)
{
    if (access("/proc/self/status", R_OK) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot look at processes: '/proc' is not mounted");
    if (pid > 0 && kill(pid, 0) != 0 && errno == EPERM) {
        error_set(error, ERROR_SYSTEM, "cannot trace pid %d: '/proc' hides it", pid);
        return error_add_hint(error, "it belongs to another user; run as that user or with sudo");
    }
    error_set(error, ERROR_SYSTEM, "no such process: pid %d", pid);
    return error_add_hint(error, "`pgrep -a NAME` lists processes by name");
}

// Refuses a 32-bit program, by the words that the kernel gave it at its start: its executable,
// which may be any file, is not opened. (A 64-bit program may still run 32-bit code:
// traced_threads.c.)
static bool check_word_size(int pid, int tid, Error *error)
{
    Elf32_auxv_t words[MAX_START_WORDS];
    char path[PROC_PATH_BYTES];
    ssize_t got;
    int fd;

    proc_task_path(path, pid, tid, "auxv");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true; // unknown here; the size of the registers will show it
    got = read(fd, words, sizeof words);
    (void)close(fd);
    // In pairs of 64-bit words the second half of a key is 0, and no such pair is met.
    for (ssize_t i = 0; (i + 1) * (ssize_t)sizeof *words <= got; i++)
        if (words[i].a_type == AT_PHENT && words[i].a_un.a_val == sizeof(Elf32_Phdr))
            return error_set(
                error, ERROR_NOT_64_BIT,
                "cannot capture pid %d: it is a 32-bit program, only 64-bit ones can be "
                "captured",
                pid);
    return true;
}

// Reading one byte of its memory needs the same permission as tracing, and changes nothing.
static bool check_permission(int pid, const ProcessMapping *mapping, Error *error)
{
    char byte;
    struct iovec local = {.iov_base = &byte, .iov_len = 1};
    struct iovec remote = {.iov_len = 1};

    memcpy(&remote.iov_base, &mapping->start, sizeof remote.iov_base);
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 && (errno == EPERM || errno == ENOSYS))
        return capture_refusal_explain(pid, errno, error);
    return true;
}

static bool check_zombie(int pid, Error *error)
{
    if (proc_status_number(pid, pid, "Threads", 1) <= 1)
        return error_set(error, ERROR_SYSTEM,
                         "cannot capture pid %d: it has ended already and only waits for its "
                         "parent (a zombie)",
                         pid);
    return check_word_size(pid, proc_live_task(pid), error); // its other threads run on
}

bool live_process_check(int pid, Error *error)
{
    char state = pid > 0 ? proc_task_state(pid, pid) : 0;
    long group = proc_status_number(pid, pid, "Tgid", 0);
    ProcessMapping *mappings = NULL;
    uint32_t count = 0;
    bool is_ok;

    if (!thread_registers_are_supported())
        return error_set(error, ERROR_UNSUPPORTED,
                         "cannot capture pid %d: capturing processes needs x86-64", pid);
    if (state == 0)
        return explain_absence(pid, error);
    if (pid == getpid())
        return error_set(error, ERROR_SYSTEM, "cannot capture pid %d: that is this program itself",
                         pid);
    if (group != 0 && group != pid) {
        error_set(error, ERROR_SYSTEM, "cannot capture pid %d: it is a thread of process %ld", pid,
                  group);
        return error_add_hint(error, "--pid %ld captures it with all its threads", group);
    }
    if (state == 'Z' || state == 'X')
        return check_zombie(pid, error);
    if (proc_is_kernel_thread(pid))
        return error_set(error, ERROR_SYSTEM,
                         "cannot capture pid %d: it is a kernel thread without memory of its own",
                         pid);
    if (proc_status_number(pid, pid, "TracerPid", 0) != 0)
        return capture_refusal_explain(pid, EPERM, error);
    if (!proc_mappings_read(pid, pid, &mappings, &count))
        return capture_refusal_explain(pid, errno, error);
    is_ok = check_permission(pid, &mappings[0], error) && check_word_size(pid, pid, error);
    proc_mappings_free(mappings, count);
    return is_ok;
}
