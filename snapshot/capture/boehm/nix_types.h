// The types of objects on a heap of Nix: values by their tag, and what values refer to.
//
//     if (!nix_types_new(heap, &reader, &types, error)) ...
//     name = types == NULL ? NULL : nix_type_name(types, slot);
//
// A value of Nix 2.8 is a tag and two words. No table says which objects are values, so the
// layout is checked first: of all objects that look like values, the words behind the tag must be
// what the tag says. Where they are not, as in a version with other values, no object is named.
//
// Source: Nix 2.8, src/libexpr/value.hh (Value, InternalType), attr-set.hh (Bindings), eval.hh
// (Env).

#ifndef SNAPSHOT_CAPTURE_BOEHM_NIX_TYPES_H
#define SNAPSHOT_CAPTURE_BOEHM_NIX_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/boehm/boehm_heap.h"
#include "snapshot/capture/copy/memory_reader.h"

// Is this the name of the module that holds the evaluator?
bool nix_is_module(const char *module);

typedef struct NixTypes NixTypes;

// *out is NULL, and the result true, where the objects are not values as they are known. Errors:
// memory. The caller frees *out with nix_types_free().
NODISCARD bool nix_types_new(const BoehmHeap *heap, MemoryReader *reader, NixTypes **out,
                             Error *error);
void nix_types_free(NixTypes *types);

// "attribute set", "thunk", "list elements": of the object in a slot of the heap. NULL: not known.
const char *nix_type_name(const NixTypes *types, uint64_t slot);

#endif
