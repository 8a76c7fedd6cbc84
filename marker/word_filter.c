// Word filters: see marker/word_filter.h.

#include "marker/word_filter.h"

#include "snapshot/heap/heap_image.h"

uint32_t word_filter_plain(const WordRange *range, const uint8_t *bytes, uint32_t count,
                           uint64_t *out)
{
    const WordRange copy = *range;
    uint32_t kept = 0;

    // Without branches: words of real heaps are hard to predict.
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = load_u64(bytes + 8 * (uint64_t)i);
        out[kept] = word;
        kept += (uint32_t)word_is_in_range(&copy, word);
    }
    return kept;
}

#if defined(__x86_64__)

#include <immintrin.h>

// For each mask of four words, the 32-bit lanes that bring the chosen words to the front.
static const uint32_t avx2_compress[16][8] = {
    {0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 0, 1, 4, 5, 6, 7},
    {0, 1, 2, 3, 4, 5, 6, 7}, {4, 5, 0, 1, 2, 3, 6, 7}, {0, 1, 4, 5, 2, 3, 6, 7},
    {2, 3, 4, 5, 0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {6, 7, 0, 1, 2, 3, 4, 5},
    {0, 1, 6, 7, 2, 3, 4, 5}, {2, 3, 6, 7, 0, 1, 4, 5}, {0, 1, 2, 3, 6, 7, 4, 5},
    {4, 5, 6, 7, 0, 1, 2, 3}, {0, 1, 4, 5, 6, 7, 2, 3}, {2, 3, 4, 5, 6, 7, 0, 1},
    {0, 1, 2, 3, 4, 5, 6, 7},
};

__attribute__((target("avx2"))) static uint32_t
word_filter_avx2(const WordRange *range, const uint8_t *bytes, uint32_t count, uint64_t *out)
{
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    const __m256i first = _mm256_set1_epi64x((long long)range->window_first);
    const __m256i buckets =
        _mm256_xor_si256(_mm256_set1_epi64x((long long)range->window_count), sign);
    const __m256i low = _mm256_set1_epi64x((long long)range->far_low);
    const __m256i span = _mm256_xor_si256(_mm256_set1_epi64x((long long)range->far_span), sign);
    const __m128i shift = _mm_cvtsi32_si128((int)range->page_shift);
    uint32_t kept = 0, i = 0;

    for (; i + 4 <= count; i += 4) {
        __m256i words = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 8 * (size_t)i));
        __m256i bucket = _mm256_sub_epi64(_mm256_srl_epi64(words, shift), first);
        __m256i distance = _mm256_sub_epi64(words, low);
        // AVX2 compares signed numbers only; flipping the sign bits makes it unsigned.
        __m256i hit = _mm256_or_si256(_mm256_cmpgt_epi64(buckets, _mm256_xor_si256(bucket, sign)),
                                      _mm256_cmpgt_epi64(span, _mm256_xor_si256(distance, sign)));
        unsigned mask = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(hit));
        __m256i order = _mm256_loadu_si256((const __m256i *)(const void *)avx2_compress[mask]);
        _mm256_storeu_si256((__m256i *)(void *)(out + kept),
                            _mm256_permutevar8x32_epi32(words, order));
        kept += (uint32_t)__builtin_popcount(mask);
    }
    return kept + word_filter_plain(range, bytes + 8 * (size_t)i, count - i, out + kept);
}

__attribute__((target("avx512f"))) static uint32_t
word_filter_avx512(const WordRange *range, const uint8_t *bytes, uint32_t count, uint64_t *out)
{
    const __m512i first = _mm512_set1_epi64((long long)range->window_first);
    const __m512i buckets = _mm512_set1_epi64((long long)range->window_count);
    const __m512i low = _mm512_set1_epi64((long long)range->far_low);
    const __m512i span = _mm512_set1_epi64((long long)range->far_span);
    const __m128i shift = _mm_cvtsi32_si128((int)range->page_shift);
    uint32_t kept = 0, i = 0;

    for (; i + 8 <= count; i += 8) {
        __m512i words = _mm512_loadu_si512(bytes + 8 * (size_t)i);
        __m512i bucket = _mm512_sub_epi64(_mm512_srl_epi64(words, shift), first);
        __m512i distance = _mm512_sub_epi64(words, low);
        __mmask8 hit = (__mmask8)(_mm512_cmplt_epu64_mask(bucket, buckets) |
                                  _mm512_cmplt_epu64_mask(distance, span));
        // Compressed in a register and stored whole: a compressing store is slow on Zen 4.
        _mm512_storeu_si512(out + kept, _mm512_maskz_compress_epi64(hit, words));
        kept += (uint32_t)__builtin_popcount(hit);
    }
    // Without a masked load, which would touch a line that was not prefetched.
    return kept + word_filter_plain(range, bytes + 8 * (size_t)i, count - i, out + kept);
}

uint32_t word_filter_list(NamedWordFilter filters[WORD_FILTER_MAX])
{
    uint32_t count = 0;

    filters[count++] = (NamedWordFilter){"plain", word_filter_plain};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        filters[count++] = (NamedWordFilter){"avx2", word_filter_avx2};
    if (__builtin_cpu_supports("avx512f"))
        filters[count++] = (NamedWordFilter){"avx512", word_filter_avx512};
    return count;
}

#else

uint32_t word_filter_list(NamedWordFilter filters[WORD_FILTER_MAX])
{
    filters[0] = (NamedWordFilter){"plain", word_filter_plain};
    return 1;
}

#endif

WordFilter *word_filter_best(void)
{
    NamedWordFilter filters[WORD_FILTER_MAX];
    uint32_t count = word_filter_list(filters);

    return filters[count - 1].filter;
}
