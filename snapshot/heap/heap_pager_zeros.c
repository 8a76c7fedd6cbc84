// HeapPager: words that were zeroed, and stay zero when their chunk comes again.

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/heap/heap_pager_internal.h"

void heap_pager_free_zeros(ChunkZeros *zeros)
{
    if (zeros == NULL)
        return;
    free(zeros->words);
    free(zeros->partials);
    free(zeros);
}

void heap_pager_apply_zeros(const HeapPager *pager, uint64_t chunk, uint8_t *bytes)
{
    const ChunkZeros *zeros = pager->zeros[chunk];
    uint64_t words = pager->chunk_bytes / 8;

    if (zeros == NULL)
        return;
    for (uint64_t i = 0; i < words / 64; i++)
        for (uint64_t left = zeros->words[i]; left != 0; left &= left - 1)
            memset(bytes + 8 * (64 * i + (uint64_t)__builtin_ctzll(left)), 0, 8);
    for (uint64_t i = 0; i < zeros->partial_count; i++) {
        const PartialWord *partial = &zeros->partials[i];
        uint64_t value;

        memcpy(&value, bytes + 8 * partial->word, sizeof value);
        value &= partial->kept;
        memcpy(bytes + 8 * partial->word, &value, sizeof value);
    }
}

static ChunkZeros *zeros_of(HeapPager *pager, uint64_t chunk)
{
    ChunkZeros *zeros = pager->zeros[chunk];

    if (zeros != NULL)
        return zeros;
    zeros = calloc(1, sizeof *zeros);
    if (zeros != NULL)
        zeros->words = calloc(pager->chunk_bytes / 512, sizeof *zeros->words);
    if (zeros == NULL || zeros->words == NULL) {
        heap_pager_free_zeros(zeros);
        return NULL;
    }
    pager->zeros[chunk] = zeros;
    return zeros;
}

// Notes that bytes [from, to) of a word stay zero. With the mutex.
static bool clear_word(HeapPager *pager, uint64_t word, uint32_t from, uint32_t to, Error *error)
{
    uint64_t words = pager->chunk_bytes / 8, mask;
    ChunkZeros *zeros = zeros_of(pager, word / words);

    if (zeros == NULL)
        return error_set_memory(error, words / 8, "the words that stay zero");
    word %= words;
    if (to - from == 8) {
        zeros->words[word / 64] |= UINT64_C(1) << word % 64;
        return true;
    }
    mask = ((UINT64_C(1) << 8 * (to - from)) - 1) << 8 * from;
    if (!array_reserve(&zeros->partials, &zeros->partial_capacity, zeros->partial_count + 1,
                       sizeof *zeros->partials, "the words that stay zero", error))
        return false;
    zeros->partials[zeros->partial_count++] = (PartialWord){word, ~mask};
    return true;
}

bool heap_pager_clear(HeapPager *pager, uint8_t *at, uint64_t bytes, Error *error)
{
    uint64_t offset = (uint64_t)(at - pager->base), stop = offset + bytes;
    bool ok = true;

    (void)pthread_mutex_lock(&pager->mutex);
    while (ok && offset < stop) {
        uint64_t word = offset / 8, word_end = (word + 1) * 8 < stop ? (word + 1) * 8 : stop;

        ok =
            clear_word(pager, word, (uint32_t)(offset % 8), (uint32_t)(word_end - word * 8), error);
        offset = word_end;
    }
    (void)pthread_mutex_unlock(&pager->mutex);
    // Faults where it is not resident; from now on it comes with its zeros.
    if (ok)
        memset(at, 0, bytes);
    return ok;
}

void heap_pager_restore(HeapPager *pager, uint8_t *at, uint64_t value)
{
    uint64_t word = (uint64_t)(at - pager->base) / 8, words = pager->chunk_bytes / 8;

    (void)pthread_mutex_lock(&pager->mutex);
    if (pager->zeros[word / words] != NULL)
        pager->zeros[word / words]->words[word % words / 64] &= ~(UINT64_C(1) << word % 64);
    (void)pthread_mutex_unlock(&pager->mutex);
    memcpy(at, &value, sizeof value);
}
