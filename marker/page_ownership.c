// PageOwnership: see marker/page_ownership.h.

#include "marker/page_ownership.h"

#include <stdlib.h>

// Heaps with more allocating threads than this are cut in address order alone.
#define MAX_OWNER_THREADS 4096u

// One thread of the captured program.
typedef struct OwnerThread {
    uint32_t owner_thread;
    uint64_t weight; // live objects in its pages; later: those in front of its next page
} OwnerThread;

typedef struct OwnerThreads {
    OwnerThread *threads; // ascending by owner_thread
    uint32_t count;
    uint32_t last; // found last: neighbours mostly have one owner
    bool are_too_many;
} OwnerThreads;

static int compare_owner_threads(const void *left, const void *right)
{
    const OwnerThread *a = left, *b = right;

    return a->owner_thread < b->owner_thread ? -1 : a->owner_thread > b->owner_thread;
}

// The entry of this owner thread; a new one when there is room; NULL when there is none.
static OwnerThread *find_or_add(OwnerThreads *owners, uint32_t owner_thread)
{
    OwnerThread key = {.owner_thread = owner_thread};
    OwnerThread *found;

    if (owners->count > 0 && owners->threads[owners->last].owner_thread == owner_thread)
        return &owners->threads[owners->last];
    found = owners->count == 0
                ? NULL
                : bsearch(&key, owners->threads, owners->count, sizeof key, compare_owner_threads);
    if (found == NULL) {
        uint32_t place = owners->count;
        if (owners->count == MAX_OWNER_THREADS)
            return NULL;
        for (; place > 0 && owners->threads[place - 1].owner_thread > owner_thread; place--)
            owners->threads[place] = owners->threads[place - 1];
        owners->threads[place] = key;
        owners->count++;
        found = &owners->threads[place];
    }
    owners->last = (uint32_t)(found - owners->threads);
    return found;
}

// One more than its live objects: empty pages weigh something too.
static uint64_t page_weight(const HeapImage *image, uint32_t page)
{
    const uint64_t *live = image->live + heap_image_first_word(image, page);
    uint64_t weight = 1;

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
        weight += (uint64_t)__builtin_popcountll(live[word]);
    return weight;
}

// Weighs the pages of every owner thread. Returns the weight of all.
static uint64_t weigh(OwnerThreads *owners, const HeapImage *image)
{
    uint64_t total = 0;

    for (uint32_t page = 0; page < image->page_count; page++) {
        OwnerThread *owner = find_or_add(owners, image->pages[page].owner_thread);
        uint64_t weight = page_weight(image, page);
        if (owner == NULL)
            owners->are_too_many = true;
        else
            owner->weight += weight;
        total += weight;
    }
    return total;
}

static void cut(PageOwnership *ownership, OwnerThreads *owners, const HeapImage *image,
                uint64_t total, uint32_t worker_count)
{
    OwnerThread everybody = {0};
    uint64_t before = 0;

    for (uint32_t i = 0; i < owners->count; i++) {
        uint64_t weight = owners->threads[i].weight;
        owners->threads[i].weight = before;
        before += weight;
    }
    for (uint32_t page = 0; page < image->page_count; page++) {
        OwnerThread *owner = owners->are_too_many
                                 ? &everybody
                                 : find_or_add(owners, image->pages[page].owner_thread);
        uint64_t first = heap_image_first_word(image, page);
        uint64_t weight = page_weight(image, page);
        // The middle of the page decides. A weight is below 2^45, so nothing overflows.
        uint64_t place = owner->weight + weight / 2;
        uint8_t worker = (uint8_t)(place * worker_count / total);
        owner->weight += weight;
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            ownership->workers[first + word] = worker;
    }
}

bool page_ownership_init(PageOwnership *ownership, const HeapImage *image, uint32_t worker_count,
                         Error *error)
{
    OwnerThreads owners = {0};

    ownership->workers = calloc(image->word_count + 1, 1);
    owners.threads = malloc(MAX_OWNER_THREADS * sizeof *owners.threads);
    if (ownership->workers == NULL || owners.threads == NULL) {
        free(owners.threads);
        free(ownership->workers);
        ownership->workers = NULL;
        return error_set_memory(error, image->word_count, "the page owners");
    }
    if (worker_count > 1 && image->page_count > 0)
        cut(ownership, &owners, image, weigh(&owners, image), worker_count);
    free(owners.threads);
    return true;
}

void page_ownership_release(PageOwnership *ownership)
{
    free(ownership->workers);
    ownership->workers = NULL;
}
