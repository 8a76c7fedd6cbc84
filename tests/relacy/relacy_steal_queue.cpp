// The steal queue under Relacy Race Detector (Debian: relacy-dev).
//
// A transliteration of marker/steal_queue.c, operation by operation and memory order by
// memory order, because Relacy checks C++ programs written against its own atomics. Relacy
// simulates the C11 memory model: stale loads, release/acquire, seq_cst. One owner pushes
// and pops, two thieves steal, on a queue of two slots, so that wrapping round, "full" and
// the fight for the last item all happen. Every item must come out exactly once.
//
// The same program with one mutation each must fail, or this check could not: see `Mutation`.
// Prints TAP. usage: relacy_steal_queue [SCHEDULES]

#include <relacy/relacy.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <streambuf>

namespace
{

enum class Mutation {
    NONE,
    POP_LOADS_TOP_FIRST,   // `top` is read before `bottom` is stored
    POP_STORE_RELEASE,     // seq_cst weakened: the store of `bottom` may pass the load of `top`
    STEAL_READS_AFTER_CAS, // the slot is read when the owner may reuse it
    STEAL_BOTTOM_RELAXED,  // the slot's content is not acquired
    PUSH_RELAXED,          // the slot's content is not released
    PUSH_IGNORES_FULL,     // oldest items are overwritten
    LAST_ITEM_WITHOUT_CAS, // the owner takes the last item without asking
};

constexpr int64_t CAPACITY = 2;
constexpr uint64_t EMPTY_SLOT = 0;

template <Mutation mutation>
struct StealQueue {
    rl::atomic<int64_t> top;
    rl::atomic<int64_t> bottom;
    rl::atomic<uint64_t> slots[CAPACITY];

    StealQueue()
    {
        top($).store(0, rl::mo_relaxed);
        bottom($).store(0, rl::mo_relaxed);
        for (auto &slot : slots)
            slot($).store(EMPTY_SLOT, rl::mo_relaxed);
    }

    rl::atomic<uint64_t> &slot_of(int64_t index)
    {
        // Unsigned: a mutated queue may count below zero, and must not leave the array.
        return slots[static_cast<uint64_t>(index) % CAPACITY];
    }

    bool push(uint64_t item)
    {
        int64_t b = bottom($).load(rl::mo_relaxed);
        int64_t t = top($).load(rl::mo_acquire);
        if (mutation != Mutation::PUSH_IGNORES_FULL && b - t >= CAPACITY)
            return false;
        slot_of(b)($).store(item, rl::mo_relaxed);
        bottom($).store(b + 1,
                        mutation == Mutation::PUSH_RELAXED ? rl::mo_relaxed : rl::mo_release);
        return true;
    }

    bool pop(uint64_t *item)
    {
        int64_t b = bottom($).load(rl::mo_relaxed) - 1;
        int64_t t = 0;
        if (mutation == Mutation::POP_LOADS_TOP_FIRST)
            t = top($).load(rl::mo_seq_cst);
        bottom($).store(b,
                        mutation == Mutation::POP_STORE_RELEASE ? rl::mo_release : rl::mo_seq_cst);
        if (mutation != Mutation::POP_LOADS_TOP_FIRST)
            t = top($).load(mutation == Mutation::POP_STORE_RELEASE ? rl::mo_acquire
                                                                    : rl::mo_seq_cst);
        if (t > b) {
            bottom($).store(b + 1, rl::mo_release);
            return false;
        }
        uint64_t newest = slot_of(b)($).load(rl::mo_relaxed);
        if (t < b) {
            *item = newest;
            return true;
        }
        bool won = mutation == Mutation::LAST_ITEM_WITHOUT_CAS ||
                   top($).compare_exchange_strong(t, t + 1, rl::mo_relaxed, rl::mo_relaxed);
        bottom($).store(b + 1, rl::mo_release);
        if (won)
            *item = newest;
        return won;
    }

    bool steal(uint64_t *item)
    {
        int64_t t = top($).load(rl::mo_seq_cst);
        int64_t b = bottom($).load(mutation == Mutation::STEAL_BOTTOM_RELAXED ? rl::mo_relaxed
                                                                              : rl::mo_seq_cst);
        if (t >= b)
            return false;
        int64_t t_seen = t; // a failed CAS overwrites t
        uint64_t oldest = slot_of(t_seen)($).load(rl::mo_relaxed);
        if (!top($).compare_exchange_strong(t, t + 1, rl::mo_seq_cst, rl::mo_relaxed))
            return false;
        if (mutation == Mutation::STEAL_READS_AFTER_CAS)
            oldest = slot_of(t_seen)($).load(rl::mo_relaxed);
        *item = oldest;
        return true;
    }
};

constexpr unsigned THIEVES = 2;
constexpr unsigned ITEMS = 4;

template <Mutation mutation>
struct OneOwnerTwoThieves : rl::test_suite<OneOwnerTwoThieves<mutation>, 1 + THIEVES> {
    StealQueue<mutation> queue;
    unsigned taken[1 + THIEVES][ITEMS + 1];

    void before()
    {
        for (auto &row : taken)
            for (auto &count : row)
                count = 0;
    }

    void take(unsigned thread, uint64_t item)
    {
        RL_ASSERT(item >= 1 && item <= ITEMS); // else a slot that was never filled
        taken[thread][item]++;
    }

    void thread(unsigned index)
    {
        uint64_t item = 0;
        if (index != 0) {
            for (int i = 0; i < 3; i++)
                if (queue.steal(&item))
                    take(index, item);
            return;
        }
        // The owner keeps items that do not fit, as the marker's overflow segments do.
        for (uint64_t next = 1; next <= ITEMS; next++) {
            if (!queue.push(next))
                take(0, next);
            if (next % 2 == 0 && queue.pop(&item))
                take(0, item);
        }
        while (queue.pop(&item))
            take(0, item);
    }

    void after()
    {
        for (unsigned item = 1; item <= ITEMS; item++) {
            unsigned times = 0;
            for (auto &row : taken)
                times += row[item];
            RL_ASSERT(times == 1);
        }
    }
};

// Relacy prints the history of a violation; a mutation's is of no interest. (Not a
// stringstream: Relacy replaces operator new, and its buffer would cross over.)
struct Discard : std::streambuf {
    int overflow(int character) override
    {
        return character;
    }
};

unsigned test_number = 0;
unsigned failures = 0;

template <Mutation mutation>
void check(const char *name, unsigned schedules, bool must_hold)
{
    rl::test_params parameters;
    Discard discard;
    std::ostream nowhere(&discard);
    parameters.iteration_count = schedules;
    parameters.search_type = rl::random_scheduler_type;
    parameters.progress_stream = &nowhere;
    if (!must_hold)
        parameters.output_stream = &nowhere;
    bool holds = rl::simulate<OneOwnerTwoThieves<mutation>>(parameters);
    bool ok = holds == must_hold;
    if (!ok)
        failures++;
    std::printf("%s %u - %s (%s within %u schedules)\n", ok ? "ok" : "not ok", ++test_number, name,
                holds ? "no violation" : "violation found", schedules);
    std::fflush(stdout);
}

} // namespace

int main(int argc, char **argv)
{
    unsigned schedules =
        argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 200000;

    check<Mutation::NONE>("every item comes out exactly once", schedules, true);
    check<Mutation::POP_LOADS_TOP_FIRST>("pop that loads top first is caught", schedules, false);
    check<Mutation::POP_STORE_RELEASE>("pop without seq_cst is caught", schedules, false);
    check<Mutation::STEAL_READS_AFTER_CAS>("steal that reads late is caught", schedules, false);
    check<Mutation::STEAL_BOTTOM_RELAXED>("steal without acquire is caught", schedules, false);
    check<Mutation::PUSH_RELAXED>("push without release is caught", schedules, false);
    check<Mutation::PUSH_IGNORES_FULL>("push that ignores full is caught", schedules, false);
    check<Mutation::LAST_ITEM_WITHOUT_CAS>("taking the last item unasked is caught", schedules,
                                           false);
    std::printf("1..%u\n", test_number);
    return failures == 0 ? 0 : 1;
}
