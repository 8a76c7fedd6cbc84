// A program on the Boehm collector that knows its heap: it prints for each line that allocates how
// many objects of it are reachable and how many are garbage, and then waits for the end of its
// input.
//
//     boehm [NODES]      the length of its lists, 1000
//
// The lines are known because the program is compiled with GC_DEBUG, which makes the collector note
// file and line in front of each object. Reachable are: a list that a global holds, one on the
// stack of each thread, texts without pointers, a large array, uncollectable objects, and an object
// that only a finalizer keeps. Garbage is made by a thread that has ended, so that no stack has a
// word of it.

#define GC_DEBUG
#define GC_THREADS
#include <gc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 3
#define TEXTS 500
#define KEPT 10
#define LARGE_WORDS 4096

typedef struct Node {
    struct Node *next;
    long values[3];
} Node;

// The truth about one line.
typedef struct Line {
    int number;
    long reachable;
    long garbage;
} Line;

static Line node_line, text_line, array_line, kept_line, finalized_line, weak_line;
static Node *global_list;
static char **texts;
static void **weak; // in memory at which the collector does not look
static pthread_barrier_t barrier;
static long nodes = 1000;

static Node *new_node(Node *next)
{
    Node *node = GC_MALLOC(sizeof *node);

    node_line.number = __LINE__ - 2;
    node->next = next;
    return node;
}

static Node *new_list(long length)
{
    Node *list = NULL;

    for (long i = 0; i < length; i++)
        list = new_node(list);
    return list;
}

static void *make_garbage(void *unused)
{
    (void)unused;
    return (void *)(new_list(nodes / 2) == NULL ? 1L : 0L);
}

static void *hold_list(void *unused)
{
    Node *volatile list = new_list(nodes / 10);

    (void)unused;
    pthread_barrier_wait(&barrier); // the lists are there
    pthread_barrier_wait(&barrier); // the end
    return (void *)(list == NULL ? 1L : 0L);
}

static void finalize(void *object, void *data)
{
    (void)object;
    (void)data;
}

// In a thread of its own, whose stack goes away.
static void *make_finalized(void *unused)
{
    Node *node = GC_MALLOC(sizeof *node);

    finalized_line = (Line){__LINE__ - 2, 1, 0};
    (void)unused;
    GC_REGISTER_FINALIZER(node, finalize, NULL, NULL, NULL);
    return NULL;
}

static void make_texts(void)
{
    texts = GC_MALLOC_UNCOLLECTABLE(LARGE_WORDS * sizeof *texts);
    array_line = (Line){__LINE__ - 1, 1, 0};
    for (int i = 0; i < TEXTS; i++) {
        texts[i] = GC_MALLOC_ATOMIC(40);
        text_line = (Line){__LINE__ - 1, TEXTS, 0};
        (void)snprintf(texts[i], 40, "text %d", i);
    }
}

static void keep_some(void)
{
    for (int i = 0; i < KEPT; i++)
        *(long *)GC_MALLOC_UNCOLLECTABLE(100) = i;
    kept_line = (Line){__LINE__ - 1, KEPT, 0};
}

static void run(void *(*work)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, work, NULL) != 0)
        exit(1);
    (void)pthread_join(thread, NULL);
}

static void print_line(const Line *line)
{
    printf("line %d: %ld reachable, %ld garbage\n", line->number, line->reachable, line->garbage);
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];

    GC_INIT();
    GC_set_finalize_on_demand(1);
    if (argc > 1)
        nodes = strtol(argv[1], NULL, 10);
    global_list = new_list(nodes);
    make_texts();
    keep_some();
    run(make_finalized);
    GC_gcollect();
    GC_disable();
    run(make_garbage);
    weak = GC_MALLOC_ATOMIC(sizeof *weak);
    weak_line = (Line){__LINE__ - 1, 1, 0};
    *weak = global_list;
    (void)GC_GENERAL_REGISTER_DISAPPEARING_LINK(weak, global_list);
    (void)pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, hold_list, NULL) != 0)
            return 1;
    pthread_barrier_wait(&barrier);
    node_line.reachable = nodes + THREADS * (nodes / 10);
    node_line.garbage = nodes / 2;
    print_line(&node_line);
    print_line(&text_line);
    print_line(&array_line);
    print_line(&kept_line);
    print_line(&finalized_line);
    print_line(&weak_line);
    printf("ready\n");
    (void)fflush(stdout);
    while (getchar() != EOF)
        continue;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    return 0;
}
