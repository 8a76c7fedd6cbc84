// Cancel: how a caller ends a long call early. The library looks between steps, and gives up with
// ERROR_INTERRUPTED.

#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

// Zeroed: the call cannot be cancelled.
typedef struct Cancel {
    // Called from one thread at a time, which need not be the caller's.
    bool (*is_cancelled)(void *context);
    void *context; // borrowed
} Cancel;

// `cancel` may be NULL.
static inline bool cancel_is_requested(const Cancel *cancel)
{
    return cancel != NULL && cancel->is_cancelled != NULL && cancel->is_cancelled(cancel->context);
}

// False with ERROR_INTERRUPTED when the caller has cancelled. `cancel` may be NULL.
NODISCARD static inline bool cancel_check(const Cancel *cancel, Error *error)
{
    return !cancel_is_requested(cancel) || error_set(error, ERROR_INTERRUPTED, "interrupted");
}

#endif
