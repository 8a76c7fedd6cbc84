// Finalizers and weak links: hash tables of the collector, whose keys are complemented so that they
// keep nothing. Only builds from 8.2 on have them in GC_arrays.

#include "base/array.h"
#include "snapshot/capture/boehm/boehm_search_internal.h"

#define MOST_LOG 30u
enum {
    RECORD_KEY = 0, // complemented
    RECORD_NEXT = 8,
    LINK_OBJECT = 16, // complemented
    FINALIZER_FUNCTION = 16,
    FINALIZER_DATA = 24,
    TABLE_BYTES = 24, // head, count, log2 of the size
};

// Called for each record of a table. Errors: unsupported, memory.
typedef bool VisitRecord(BoehmSearch *search, uint64_t record, uint64_t *capacity, Error *error);

static bool add_finalizer(BoehmSearch *search, uint64_t record, uint64_t *capacity, Error *error)
{
    BoehmHeap *heap = search->heap;
    BoehmFinalizer finalizer = {
        .object = ~memory_word(&search->reader, record + RECORD_KEY),
        .record = record,
        .function = memory_word(&search->reader, record + FINALIZER_FUNCTION),
        .data = memory_word(&search->reader, record + FINALIZER_DATA),
    };

    if (boehm_heap_resolve(heap, finalizer.object, true) == BOEHM_NO_SLOT)
        return boehm_refuse(error, "the table of finalizers names no object");
    if (!array_reserve(&heap->finalizers, capacity, heap->finalizer_count + 1,
                       sizeof *heap->finalizers, "finalizers", error))
        return false;
    heap->finalizers[heap->finalizer_count++] = finalizer;
    return true;
}

static bool add_link(BoehmSearch *search, uint64_t record, uint64_t *capacity, Error *error)
{
    BoehmHeap *heap = search->heap;

    if (!array_reserve(&heap->links, capacity, heap->link_count + 1, sizeof *heap->links,
                       "weak links", error))
        return false;
    heap->links[heap->link_count++] = (BoehmLink){
        .word = ~memory_word(&search->reader, record + RECORD_KEY),
        .object = ~memory_word(&search->reader, record + LINK_OBJECT),
    };
    return true;
}

// Goes through a hash table; it must have `count` records.
static bool visit_table(BoehmSearch *search, uint64_t head, uint32_t log, uint64_t count,
                        const char *what, VisitRecord *visit, uint64_t *capacity, Error *error)
{
    uint64_t left = count;

    if (head == 0 && count == 0)
        return true;
    if (log > MOST_LOG || head % 8 != 0)
        return boehm_refuse(error, "the table of %s is none", what);
    for (uint64_t i = 0; i < UINT64_C(1) << log && left > 0; i++) {
        uint64_t record = memory_word(&search->reader, head + 8 * i);

        for (; record != 0; record = memory_word(&search->reader, record + RECORD_NEXT)) {
            if (left-- == 0 || record % 8 != 0)
                return boehm_refuse(error, "the table of %s has more than %llu entries", what,
                                    (unsigned long long)count);
            if (!visit(search, record, capacity, error))
                return false;
        }
    }
    return left == 0 || boehm_refuse(error, "the table of %s has %llu entries, not %llu", what,
                                     (unsigned long long)(count - left), (unsigned long long)count);
}

bool boehm_search_tables(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    const BoehmLayout *layout = heap->layout;
    MemoryReader *reader = &search->reader;
    uint64_t finalizers = 0, links = 0;

    if (layout->finalizers == 0)
        return true;
    heap->knows_finalizers = true;
    if (!visit_table(search, memory_word(reader, heap->arrays + layout->finalizers),
                     boehm_read_u32(reader, heap->arrays + layout->finalizer_log),
                     memory_word(reader, heap->arrays + layout->finalizer_count), "finalizers",
                     add_finalizer, &finalizers, error))
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t table = heap->arrays + layout->links + (uint64_t)i * TABLE_BYTES;

        if (!visit_table(search, memory_word(reader, table), boehm_read_u32(reader, table + 16),
                         memory_word(reader, table + 8), "weak links", add_link, &links, error))
            return false;
    }
    return true;
}
