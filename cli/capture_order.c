// The order of snapshots: see cli/capture_order.h.

#include "cli/capture_order.h"

#include <stdio.h>
#include <string.h>

#include "cli/terminal.h"

void print_capture_order(const OrderedCapture *older, const OrderedCapture *newer)
{
    bool is_same = older->pid == newer->pid && older->captured_at_ns == newer->captured_at_ns &&
                   strcmp(older->digest, newer->digest) == 0;

    if (!is_same && (older->captured_at_ns <= newer->captured_at_ns || newer->captured_at_ns == 0))
        return;
    printf("note: ");
    print_text(stdout, older->path);
    if (is_same) {
        printf(" and ");
        print_text(stdout, newer->path);
        printf(" are the same snapshot\n");
    } else {
        printf(" is the later capture, but is taken as older than ");
        print_text(stdout, newer->path);
        printf("\n");
    }
}
