// Notes about the order of two snapshots of which one is taken for the older.

#ifndef CLI_CAPTURE_ORDER_H
#define CLI_CAPTURE_ORDER_H

#include <stdint.h>

// A snapshot, as far as its capture tells it from others. All borrowed.
typedef struct OrderedCapture {
    const char *path;
    uint32_t pid;
    int64_t captured_at_ns; // 0: not known
    const char *digest;     // of its marked objects
} OrderedCapture;

// Prints a note where `older` was captured after `newer`, or is the same snapshot.
void print_capture_order(const OrderedCapture *older, const OrderedCapture *newer);

#endif
