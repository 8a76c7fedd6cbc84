// Checksums: see base/checksum.h.

#include "base/checksum.h"

#include <stdio.h>

// Compiled in: the streaming state is then ours to embed, whatever library version is installed.
#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(XXH3_state_t) <= sizeof(Digest128), "Digest128 holds the XXH3 state");
_Static_assert(_Alignof(XXH3_state_t) <= _Alignof(Digest128), "and aligns it");

static XXH3_state_t *state_of(Digest128 *digest)
{
    return (XXH3_state_t *)(void *)digest->state;
}

uint64_t checksum_xxh64(const void *bytes, size_t length)
{
    return XXH64(bytes, length, 0);
}

void digest128_init(Digest128 *digest)
{
    XXH3_INITSTATE(state_of(digest));
    (void)XXH3_128bits_reset(state_of(digest)); // fails for NULL only
}

void digest128_update(Digest128 *digest, const void *bytes, size_t length)
{
    if (length > 0)
        (void)XXH3_128bits_update(state_of(digest), bytes, length);
}

void digest128_text(const Digest128 *digest, char text[DIGEST128_CHARS])
{
    XXH128_hash_t hash = XXH3_128bits_digest((const XXH3_state_t *)(const void *)digest->state);

    (void)snprintf(text, DIGEST128_CHARS, "xxh3-128:%016llx%016llx",
                   (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}
