// The memory models of the exploring build, by litmus tests: of every way that a small program can
// go, does any end like this? Known answers for sequential consistency, x86 and C11, and for what
// the last leaves out.

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "marker/explore/sim/sim_run.h"
#include "tests/support/dose.h"

#define THREADS 4u
#define OPERATIONS 3u
#define REGISTERS 4u
#define MAX_DEPTH 64u

enum { X, Y, CELLS };

typedef struct Operation {
    SimKind kind; // SIM_BEGIN: none
    uint32_t cell;
    SimOrder order;
    uint64_t value;  // stored, or added
    uint32_t target; // register that gets what was found, from 1; 0: none
} Operation;

typedef struct Litmus {
    const char *name;
    Operation threads[THREADS][OPERATIONS];
    uint64_t outcome[REGISTERS]; // is this to be seen?
    bool is_seen[SIM_MODEL_COUNT];
} Litmus;

#define LOAD(from, with, into)                                                                     \
    {                                                                                              \
        SIM_LOAD, from, with, 0, into                                                              \
    }
#define STORE(to, what, with)                                                                      \
    {                                                                                              \
        SIM_STORE, to, with, what, 0                                                               \
    }
#define ADD(to, with, into)                                                                        \
    {                                                                                              \
        SIM_ADD, to, with, 1, into                                                                 \
    }
#define RLX SIM_RELAXED
#define ACQ SIM_ACQUIRE
#define REL SIM_RELEASE
#define SEQ SIM_SEQ_CST

// Outcomes of registers 1, 2, ...; then: seen under sc, tso, c11?
static const Litmus tests[] = {
    {"store buffering",
     {{STORE(X, 1, RLX), LOAD(Y, RLX, 1)}, {STORE(Y, 1, RLX), LOAD(X, RLX, 2)}},
     {0, 0},
     {false, true, true}},
    {"store buffering, release and acquire",
     {{STORE(X, 1, REL), LOAD(Y, ACQ, 1)}, {STORE(Y, 1, REL), LOAD(X, ACQ, 2)}},
     {0, 0},
     {false, true, true}},
    {"store buffering, seq_cst",
     {{STORE(X, 1, SEQ), LOAD(Y, SEQ, 1)}, {STORE(Y, 1, SEQ), LOAD(X, SEQ, 2)}},
     {0, 0},
     {false, false, false}},
    {"store buffering, seq_cst stores alone",
     {{STORE(X, 1, SEQ), LOAD(Y, RLX, 1)}, {STORE(Y, 1, SEQ), LOAD(X, RLX, 2)}},
     {0, 0},
     {false, false, true}},
    {"store buffering, read-modify-writes",
     {{ADD(X, RLX, 0), LOAD(Y, RLX, 1)}, {ADD(Y, RLX, 0), LOAD(X, RLX, 2)}},
     {0, 0},
     {false, false, true}},
    {"message passing",
     {{STORE(X, 1, RLX), STORE(Y, 1, RLX)}, {LOAD(Y, RLX, 1), LOAD(X, RLX, 2)}},
     {1, 0},
     {false, false, true}},
    {"message passing, release and acquire",
     {{STORE(X, 1, RLX), STORE(Y, 1, REL)}, {LOAD(Y, ACQ, 1), LOAD(X, RLX, 2)}},
     {1, 0},
     {false, false, false}},
    {"message passing, release alone",
     {{STORE(X, 1, RLX), STORE(Y, 1, REL)}, {LOAD(Y, RLX, 1), LOAD(X, RLX, 2)}},
     {1, 0},
     {false, false, true}},
    {"message passing, acquire alone",
     {{STORE(X, 1, RLX), STORE(Y, 1, RLX)}, {LOAD(Y, ACQ, 1), LOAD(X, RLX, 2)}},
     {1, 0},
     {false, false, true}},
    {"message passing, and it gets there",
     {{STORE(X, 1, RLX), STORE(Y, 1, REL)}, {LOAD(Y, ACQ, 1), LOAD(X, RLX, 2)}},
     {1, 1},
     {true, true, true}},
    {"a release sequence of another's addition",
     {{STORE(X, 1, RLX), STORE(Y, 1, REL)}, {ADD(Y, RLX, 3)}, {LOAD(Y, ACQ, 1), LOAD(X, RLX, 2)}},
     {2, 0, 1},
     {false, false, false}},
    {"an addition that begins none",
     {{STORE(X, 1, RLX), STORE(Y, 1, RLX)}, {ADD(Y, RLX, 3)}, {LOAD(Y, ACQ, 1), LOAD(X, RLX, 2)}},
     {2, 0, 1},
     {false, false, true}},
    {"a store of one's own ends the sequence (C++20)",
     {{STORE(X, 1, RLX), STORE(Y, 1, REL), STORE(Y, 2, RLX)}, {LOAD(Y, ACQ, 1), LOAD(X, RLX, 2)}},
     {2, 0},
     {false, false, true}},
    {"load buffering, which is left out",
     {{LOAD(X, RLX, 1), STORE(Y, 1, RLX)}, {LOAD(Y, RLX, 2), STORE(X, 1, RLX)}},
     {1, 1},
     {false, false, false}},
    // Why changes of `outstanding` are acq_rel: Note [Termination]. Relaxed, C11 allows it.
    {"load buffering of a count, relaxed, which is left out",
     {{LOAD(X, RLX, 1), ADD(Y, RLX, 2)}, {ADD(Y, RLX, 3), STORE(X, 1, RLX)}},
     {1, 0, 1},
     {false, false, false}},
    {"load buffering of a count, acquire and release",
     {{LOAD(X, RLX, 1), ADD(Y, SEQ, 2)}, {ADD(Y, SEQ, 3), STORE(X, 1, RLX)}},
     {1, 0, 1},
     {false, false, false}},
    // Why a thief's load of top is seq_cst: Note [Last item]. C++20 allows it.
    {"Z6.U, a seq_cst addition between others, which is left out",
     {{STORE(X, 1, SEQ), STORE(Y, 1, REL)},
      {ADD(Y, SEQ, 2), LOAD(Y, RLX, 3)},
      {STORE(Y, 3, SEQ), LOAD(X, SEQ, 1)}},
     {0, 1, 3},
     {false, false, false}},
    {"coherence of two loads",
     {{STORE(X, 1, RLX)}, {LOAD(X, RLX, 1), LOAD(X, RLX, 2)}},
     {1, 0},
     {false, false, false}},
    {"coherence of a store and a load",
     {{STORE(X, 1, RLX), LOAD(X, RLX, 1)}, {STORE(X, 2, RLX)}},
     {0},
     {false, false, false}},
    {"two additions are atomic",
     {{ADD(X, RLX, 1)}, {ADD(X, RLX, 2)}},
     {0, 0},
     {false, false, false}},
    {"independent readers, acquire",
     {{STORE(X, 1, REL)},
      {STORE(Y, 1, REL)},
      {LOAD(X, ACQ, 1), LOAD(Y, ACQ, 2)},
      {LOAD(Y, ACQ, 3), LOAD(X, ACQ, 4)}},
     {1, 0, 1, 0},
     {false, false, true}},
    {"independent readers, seq_cst",
     {{STORE(X, 1, SEQ)},
      {STORE(Y, 1, SEQ)},
      {LOAD(X, SEQ, 1), LOAD(Y, SEQ, 2)},
      {LOAD(Y, SEQ, 3), LOAD(X, SEQ, 4)}},
     {1, 0, 1, 0},
     {false, false, false}},
    {"causality",
     {{STORE(X, 1, RLX)}, {LOAD(X, RLX, 1), STORE(Y, 1, REL)}, {LOAD(Y, ACQ, 2), LOAD(X, RLX, 3)}},
     {1, 1, 0},
     {false, false, false}},
};

// ---- one run ----

typedef struct Program Program;

typedef struct Thread {
    Program *program;
    uint32_t number;
} Thread;

struct Program {
    const Litmus *litmus;
    SimCell *cells;
    uint64_t registers[REGISTERS + 1];
    Thread threads[THREADS]; // these outlive the one that starts them
};

static void *run_thread(void *argument)
{
    const Thread *thread = argument;
    Program *program = thread->program;

    for (uint32_t i = 0; i < OPERATIONS; i++) {
        const Operation *step = &program->litmus->threads[thread->number][i];
        SimOperation operation = {.kind = step->kind,
                                  .order = step->order,
                                  .operand = step->value,
                                  .function = "",
                                  .text = ""};
        if (step->kind != SIM_BEGIN)
            program->registers[step->target] =
                sim_operation(&program->cells[step->cell], operation, NULL);
    }
    return NULL;
}

static void run_program(void *context)
{
    Program *program = context;
    Thread *threads = program->threads;
    uint32_t worker;

    program->cells = sim_calloc(CELLS, sizeof *program->cells);
    for (uint32_t i = 1; i < THREADS; i++) {
        threads[i] = (Thread){program, i};
        if (program->litmus->threads[i][0].kind != SIM_BEGIN)
            (void)sim_start(run_thread, &threads[i], &worker);
    }
    threads[0] = (Thread){program, 0};
    (void)run_thread(&threads[0]);
}

// ---- all runs ----

// The choices of a run as digits: at each place, one of N options.
typedef struct Odometer {
    uint32_t depth;
    uint32_t digits[MAX_DEPTH];
    uint32_t counts[MAX_DEPTH];
} Odometer;

static SimChoice choose(void *context, const SimRun *run, const SimView *view)
{
    Odometer *ways = context;
    SimChoice choices[SIM_ENTITIES * SIM_HISTORY];
    uint32_t count = 0;

    for (uint32_t entity = 0; entity < SIM_ENTITIES; entity++)
        for (uint32_t option = 0;
             (view->enabled_mask >> entity & 1) != 0 && option < sim_option_count(run, entity);
             option++)
            choices[count++] = (SimChoice){(uint8_t)entity, (uint8_t)option};
    cr_assert_lt(ways->depth, MAX_DEPTH);
    ways->counts[ways->depth] = count;
    return choices[ways->digits[ways->depth++]];
}

// False: that was the last way.
static bool turn(Odometer *ways)
{
    while (ways->depth > 0 && ways->digits[ways->depth - 1] + 1 == ways->counts[ways->depth - 1])
        ways->digits[--ways->depth] = 0;
    if (ways->depth == 0)
        return false;
    ways->digits[ways->depth - 1]++;
    ways->depth = 0;
    return true;
}

static bool is_ever_seen(const Litmus *litmus, SimModel model, uint64_t *runs)
{
    static Odometer ways;
    SimRun *run = sim_run_new();
    SimOptions options = {
        .model = model, .max_steps = MAX_DEPTH, .choose = choose, .choose_context = &ways};
    bool is_seen = false;

    cr_assert_not_null(run);
    memset(&ways, 0, sizeof ways);
    *runs = 0;
    do {
        Program program = {.litmus = litmus};
        cr_assert_eq(sim_run(run, &options, run_program, &program), SIM_FINISHED);
        is_seen =
            is_seen || memcmp(program.registers + 1, litmus->outcome, sizeof litmus->outcome) == 0;
        ++*runs;
    } while (turn(&ways));
    sim_run_free(run);
    return is_seen;
}

Test(sim_memory, every_model_shows_what_it_should)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        // Every new stack is an effort there.
        if (test_is_sanitized() && tests[i].threads[2][0].kind != SIM_BEGIN)
            continue;
        for (int model = 0; model < SIM_MODEL_COUNT; model++) {
            uint64_t runs;
            bool is_seen = is_ever_seen(&tests[i], (SimModel)model, &runs);
            cr_expect_eq(is_seen, tests[i].is_seen[model], "%s, %s: %s in %llu runs", tests[i].name,
                         sim_model_name((SimModel)model), is_seen ? "seen" : "not seen",
                         (unsigned long long)runs);
        }
    }
}
