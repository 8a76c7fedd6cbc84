// A process with a heap and the flags by which rudo-gc says that it collects garbage, under the
// names that Rust's compiler gives them.
//
//     collecting HEARTBEAT none|thread|wanted|marking
//
// The argument names the flag that is set; `thread`: that of a thread which is not the first.

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/target.h"

static _Thread_local volatile bool in_collect __asm__(
    "_RNvNCNKNvNtNtCsggaqUlHrHLd_7rudo_gc2gc2gc10IN_COLLECT0s_023___RUST_STD_INTERNAL_VAL");
volatile bool gc_requested __asm__("_RNvNtCsggaqUlHrHLd_7rudo_gc4heap12GC_REQUESTED");
// In legacy mangling.
volatile bool
    mark_in_progress __asm__("_ZN7rudo_gc2gc4sync19GC_MARK_IN_PROGRESS17h0123456789abcdefE");

static void *wait_for_ever(void *how)
{
    in_collect = strcmp(how, "thread") == 0;
    target_announce();
    for (;;)
        (void)pause();
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    if (argc != 3) {
        fprintf(stderr, "usage: %s HEARTBEAT none|thread|wanted|marking\n", argv[0]);
        return 2;
    }
    (void)target_map_heap(16);
    target_start_heartbeat(argv[1]);
    gc_requested = strcmp(argv[2], "wanted") == 0;
    mark_in_progress = strcmp(argv[2], "marking") == 0;
    if (pthread_create(&thread, NULL, wait_for_ever, argv[2]) != 0)
        target_fail("pthread_create");
    for (;;)
        (void)pause();
}
