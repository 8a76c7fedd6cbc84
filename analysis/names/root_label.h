// The place of a root as text: the line that explains why an object is alive.
//
//     thread 'worker-3', frame #4 shop::handle_order+0x5c, stack 0x7fcb3e1ff8a0
//     register rbx of thread 'main'
//     global shop::CACHE+0x10 (shop)
//     tls shop::CURRENT+0x8 of thread 'main'
//     root symbol table
//
// A label has only the parts that the snapshot knows: one without frames gives "thread 'worker-3',
// stack 0x7fcb3e1ff8a0".

#ifndef ANALYSIS_NAMES_ROOT_LABEL_H
#define ANALYSIS_NAMES_ROOT_LABEL_H

#include "snapshot/heap/heap_image.h"

// Frames are counted from the innermost. Where unwinding could not go on, words further up belong
// to "frame #7 plugin.so+0x1f40 or a caller". Type parameters of functions are left out. Names of
// more than 1024 bytes are cut.
//
// The caller frees it; NULL when memory is short. root: any root whose thread is one of `details`,
// or NO_INDEX. `details` are those of a heap image (snapshot_details_index()).
char *root_label(const SnapshotDetails *details, const Root *root);

// "thread 'worker-3'"; with its number where another thread has the same name:
// "thread 'worker' (4711)"; "thread 4711" where it has no name. The caller frees it; NULL when
// memory is short.
char *thread_label(const SnapshotDetails *details, uint32_t thread);

// A function's name without type parameters: "<shop::Cart as shop::Sum>::total" of
// "<shop::Cart<u8> as shop::Sum>::total::<shop::Order>". Functions of the standard library keep
// their outermost parameters, which show their purpose. Names with unbalanced brackets stay as they
// are. The caller frees it; NULL when memory is short.
char *function_label(const char *function);

#endif
