// Snapshots that are wrong in their structure, though each checksum is right: what a hostile file
// may be. For tests that read them.

#ifndef TESTS_SUPPORT_MUTATED_SNAPSHOT_H
#define TESTS_SUPPORT_MUTATED_SNAPSHOT_H

#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"

// A copy of a decompressed stream with one to six changes: numbers, strings and entries of tables,
// lengths, whole sections, page headers, object headers, references, roots. The same random
// numbers make the same changes. The caller frees its bytes.
Bytes mutated_stream(const Bytes *base, Xorshift *random);

// Damages the bytes of a file: flips some, cuts it, or overwrites a stretch.
void damage_file_bytes(Bytes *file, Xorshift *random);

#endif
