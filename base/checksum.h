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
//     char text[DIGEST128_CHARS];
//     digest128_text(&digest, text);
//
// A plain value that owns nothing, so no step can fail.
typedef struct Digest128 {
    _Alignas(64) uint8_t state[576];
} Digest128;

// "xxh3-128:", 32 hex digits, NUL.
#define DIGEST128_CHARS 42

void digest128_init(Digest128 *digest);
void digest128_update(Digest128 *digest, const void *bytes, size_t length);
// The digest of all bytes so far. More may follow.
void digest128_text(const Digest128 *digest, char text[DIGEST128_CHARS]);

#endif
