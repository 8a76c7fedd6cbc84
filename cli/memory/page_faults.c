// Page faults: see cli/memory/page_faults.h.
//
// The handler runs in the thread that faulted, in the middle of a load from a heap's pages. Such
// loads are made in our own code only, never while a lock is held or memory is allocated, so the
// handler may do both, unlike one of a signal that comes at any time.

#include "cli/memory/page_faults.h"

#include <signal.h>
#include <stddef.h>

#define MOST_PAGERS 16

// Written when pagers come and go, read by the handler.
static HeapPager *pagers[MOST_PAGERS];

static void handle_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    for (int i = 0; i < MOST_PAGERS; i++) {
        // Acquire: pairs with the release in add_pager().
        HeapPager *pager = __atomic_load_n(&pagers[i], __ATOMIC_ACQUIRE);

        if (pager != NULL && heap_pager_catch(pager, info->si_addr))
            return;
    }
    // The access is repeated, and ends the process.
    (void)signal(signal_number, SIG_DFL);
}

static bool add_pager(HeapPager *pager, Error *error)
{
    struct sigaction action = {.sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO};

    if (sigaction(SIGSEGV, &action, NULL) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot handle page faults");
    for (int i = 0; i < MOST_PAGERS; i++) {
        HeapPager *none = NULL;

        if (__atomic_compare_exchange_n(&pagers[i], &none, pager, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return error_set(error, ERROR_UNSUPPORTED, "too many heaps are read in parts");
}

static void remove_pager(HeapPager *pager)
{
    for (int i = 0; i < MOST_PAGERS; i++) {
        HeapPager *mine = pager;

        if (__atomic_compare_exchange_n(&pagers[i], &mine, NULL, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return;
    }
}

const FaultCatcher page_faults = {add_pager, remove_pager};
