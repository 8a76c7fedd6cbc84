// Checked opens of libraries: see guarded_opens.h.
//
// libdw opens files that debug information names: .dwo files, and files that several executables
// share (.gnu_debugaltlink). Their names come from the target, and so may what lies there. A filter
// (seccomp) turns these opens into a signal, whose handler opens the file as checked_file.c does,
// and puts the descriptor in place of the result. The filter carries the root's number to the
// handler, so that it needs no variable.

#include "snapshot/capture/names/guarded_opens.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "snapshot/capture/names/checked_file.h"

#if defined(__x86_64__)

#define MAX_ROOT 0xffff // the bits that the filter can carry

static void handle_open(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    bool has_folder = info->si_syscall == SYS_openat;
    uintptr_t address = (uintptr_t)registers[has_folder ? REG_RSI : REG_RDI];
    greg_t flags = registers[has_folder ? REG_RDX : REG_RSI];
    int saved = errno, fd = -1;
    const char *path;

    (void)number;
    memcpy(&path, &address, sizeof path);
    if ((flags & (O_ACCMODE | O_CREAT)) == O_RDONLY)
        fd = checked_file_open(info->si_errno, path);
    registers[REG_RAX] = fd < 0 ? -ENOENT : fd;
    errno = saved;
}

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)

void guarded_opens_begin(int root)
{
    struct sock_filter filter[] = {
        LOAD(arch),
        IF_EQUAL(AUDIT_ARCH_X86_64, 0, 7),
        LOAD(nr),
        IF_EQUAL(SYS_openat, 3, 0),
        IF_EQUAL(SYS_open, 0, 4),
        LOAD(args[1]), // the flags; the low half comes first
        BPF_STMT(BPF_JMP | BPF_JA, 1),
        LOAD(args[2]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_NONBLOCK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | ((unsigned)root & MAX_ROOT)),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    struct sigaction action = {.sa_sigaction = handle_open, .sa_flags = SA_SIGINFO};
    sigset_t trapped;

    if (root < 0 || root > MAX_ROOT || sigaction(SIGSYS, &action, NULL) != 0)
        return;
    (void)sigemptyset(&trapped);
    (void)sigaddset(&trapped, SIGSYS);
    (void)sigprocmask(SIG_UNBLOCK, &trapped, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

#else

void guarded_opens_begin(int root)
{
    (void)root;
}

#endif
