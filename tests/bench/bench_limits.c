// What the machine's memory allows: see bench_limits.h.

#include "tests/bench/bench_limits.h"

#include <sys/mman.h>
#include <time.h>

#include "tests/bench/bench_edges.h"

#define PREFETCH_DISTANCE 24u
#define DEPENDENT_OBJECTS (UINT64_C(1) << 20)
#define HUGE_PAGE_BYTES (UINT64_C(1) << 21)
#define SHUFFLE_SEED 1u

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_thread_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_process_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

const char *bench_limit_name(BenchLimit limit)
{
    static const char *const names[BENCH_LIMIT_COUNT] = {"sequential", "random", "dependent",
                                                         "payloads"};

    return names[limit];
}

// Huge pages for the addresses too, or their own page walks would slow the limit down.
static void *map_addresses(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

void bench_limits_release(BenchLimits *limits)
{
    if (limits->ordered != NULL)
        (void)munmap((void *)limits->ordered, limits->mapped_bytes);
    if (limits->shuffled != NULL)
        (void)munmap((void *)limits->shuffled, limits->mapped_bytes);
    if (limits->payloads != NULL)
        (void)munmap(limits->payloads, limits->payload_mapped_bytes);
    limits->ordered = NULL;
    limits->shuffled = NULL;
    limits->payloads = NULL;
}

static uint64_t count_bits(const uint64_t *words, uint64_t word_count)
{
    uint64_t count = 0;

    for (uint64_t word = 0; word < word_count; word++)
        count += (uint64_t)__builtin_popcountll(words[word]);
    return count;
}

static void collect_marked(BenchLimits *limits, const HeapImage *image, const MarkResult *result)
{
    uint64_t count = 0;

    for (uint32_t page = 0; page < image->page_count; page++) {
        uint32_t offset = heap_image_payload_offset(image, image->pages[page].block_size);
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++) {
            uint64_t bits = result->marked[heap_image_first_word(image, page) + word];
            for (; bits != 0; bits &= bits - 1) {
                uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(bits);
                const uint8_t *bytes = heap_image_object_bytes(image, page, slot) + offset;
                limits->payloads[count] =
                    (BenchPayload){bytes, (image->pages[page].block_size - offset) / 8};
                limits->ordered[count++] = bytes;
            }
        }
    }
}

static void shuffle(BenchLimits *limits)
{
    uint64_t random = SHUFFLE_SEED;

    memcpy(limits->shuffled, limits->ordered, limits->count * sizeof *limits->shuffled);
    for (uint64_t left = limits->count; left > 1; left--) {
        uint64_t other = bench_random_below(&random, left);
        const uint8_t *last = limits->shuffled[left - 1];
        limits->shuffled[left - 1] = limits->shuffled[other];
        limits->shuffled[other] = last;
    }
}

static void collect_blocks(BenchLimits *limits, const HeapImage *image, const MarkResult *result)
{
    for (uint64_t word = 0; word < result->block_word_count; word++) {
        uint64_t bits = result->marked_blocks[word];
        for (; bits != 0; bits &= bits - 1) {
            const ForeignBlock *block = &image->blocks[word * 64 + (uint64_t)__builtin_ctzll(bits)];
            limits->payloads[limits->payload_count++] =
                (BenchPayload){image->foreign_bytes + block->offset, block->bytes / 8};
        }
    }
}

static void shuffle_payloads(BenchLimits *limits)
{
    uint64_t random = SHUFFLE_SEED;

    for (uint64_t left = limits->payload_count; left > 1; left--) {
        uint64_t other = bench_random_below(&random, left);
        BenchPayload last = limits->payloads[left - 1];
        limits->payloads[left - 1] = limits->payloads[other];
        limits->payloads[other] = last;
    }
}

bool bench_limits_init(BenchLimits *limits, const HeapImage *image, const MarkResult *result,
                       Error *error)
{
    *limits = (BenchLimits){.count = count_bits(result->marked, result->word_count)};
    if (limits->count == 0)
        return error_set(error, ERROR_USAGE, "nothing is marked, so there is nothing to measure");
    limits->mapped_bytes =
        (limits->count * sizeof *limits->ordered + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
    limits->ordered = map_addresses(limits->mapped_bytes);
    limits->shuffled = map_addresses(limits->mapped_bytes);
    limits->payload_mapped_bytes =
        (limits->count + count_bits(result->marked_blocks, result->block_word_count)) *
        sizeof *limits->payloads;
    limits->payloads = map_addresses(limits->payload_mapped_bytes);
    if (limits->ordered == NULL || limits->shuffled == NULL || limits->payloads == NULL) {
        bench_limits_release(limits);
        return error_set_memory(error, limits->mapped_bytes, "the order of the objects");
    }
    collect_marked(limits, image, result);
    limits->payload_count = limits->count;
    collect_blocks(limits, image, result);
    shuffle(limits);
    shuffle_payloads(limits);
    return true;
}

// The compiler must not find out that the sum is unused.
static void use(uint64_t value)
{
    __asm__ volatile("" : : "r"(value));
}

static uint64_t read_two_words(const uint8_t *payload)
{
    return load_u64(payload) + load_u64(payload + 8);
}

static void read_ordered(const uint8_t *const *objects, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += read_two_words(objects[i]);
    use(sum);
}

static void read_prefetched(const uint8_t *const *objects, uint64_t count)
{
    uint64_t ahead = count < PREFETCH_DISTANCE ? count : PREFETCH_DISTANCE;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < ahead; i++)
        __builtin_prefetch(objects[i]);
    for (uint64_t i = 0; i + ahead < count; i++) {
        __builtin_prefetch(objects[i + ahead]);
        sum += read_two_words(objects[i]);
    }
    for (uint64_t i = count - ahead; i < count; i++)
        sum += read_two_words(objects[i]);
    use(sum);
}

static void read_dependent(const uint8_t *const *objects, uint64_t count)
{
    uint64_t zero = 0, sum = 0;

    // A zero that the compiler does not know: `sum & zero` makes each address wait for the
    // words before it, as if they held the address, without writing a chain into the image.
    __asm__ volatile("" : "+r"(zero));
    for (uint64_t i = 0; i < count; i++)
        sum += read_two_words(objects[i] + (sum & zero));
    use(sum);
}

static void read_payloads(const BenchPayload *payloads, uint64_t count)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        const BenchPayload *payload = &payloads[i];
        if (i + PREFETCH_DISTANCE < count) {
            const BenchPayload *next = &payloads[i + PREFETCH_DISTANCE];
            __builtin_prefetch(next->bytes);
            if (next->words > 4)
                __builtin_prefetch(next->bytes + 64);
        }
        for (uint64_t word = 0; word < payload->words; word++)
            sum += load_u64(payload->bytes + 8 * word);
    }
    use(sum);
}

double bench_limits_measure(const BenchLimits *limits, BenchLimit limit)
{
    uint64_t count = limits->count;
    uint64_t start = bench_thread_cpu_ns();

    switch (limit) {
    case BENCH_LIMIT_SEQUENTIAL:
        read_ordered(limits->ordered, count);
        break;
    case BENCH_LIMIT_RANDOM:
        read_prefetched(limits->shuffled, count);
        break;
    case BENCH_LIMIT_DEPENDENT:
        if (count > DEPENDENT_OBJECTS)
            count = DEPENDENT_OBJECTS;
        read_dependent(limits->shuffled, count);
        break;
    case BENCH_LIMIT_PAYLOADS:
        read_payloads(limits->payloads, limits->payload_count);
        break;
    case BENCH_LIMIT_COUNT:
        break;
    }
    uint64_t elapsed = bench_thread_cpu_ns() - start;
    return (double)count * 1e9 / (double)(elapsed > 0 ? elapsed : 1);
}
