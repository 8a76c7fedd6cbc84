// Checksums and digests: the one door to xxHash.
//
// XXH64 guards the header of a snapshot file and the frames in it; XXH3-128 is
// the fingerprint of a mark result.

#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

// XXH64 with seed 0.
uint64_t checksum_xxh64(const void *bytes, size_t length);

// XXH3-128 with seed 0, fed piece by piece:
//
//     Digest128 digest;
//     digest128_init(&digest);
//     digest128_update(&digest, bytes, length);
//     Digest128Value value = digest128_value(&digest);
//
// A plain value that owns nothing, so no step can fail.
typedef struct Digest128 {
    _Alignas(64) uint8_t state[576];
} Digest128;

typedef struct Digest128Value {
    uint64_t high; // printed first
    uint64_t low;
} Digest128Value;

void digest128_init(Digest128 *digest);
void digest128_update(Digest128 *digest, const void *bytes, size_t length);
// May be asked at any time; feeding may go on afterwards.
Digest128Value digest128_value(const Digest128 *digest);

#endif
