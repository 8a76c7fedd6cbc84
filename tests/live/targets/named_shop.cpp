// A process whose types, variables and functions have the names of a Rust program, as rustc
// writes them: both manglings, merged functions, dropped objects. tests/live/names_of_things.sh builds it in
// several ways and compares what a capture calls things with what it prints:
//
//     type NAMING COUNT NAME        COUNT live objects are of type NAME; NAMING says what it takes
//                                   to know: "symbols", "debug" information, or "plain" C symbols
//     root KIND WHERE LABEL         what the label of a root must contain; WHERE is its address
//
// then "ready". In C++, because its debug information names templates as Rust's names generics.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NO_INLINE __attribute__((noinline))
#define USED __attribute__((used))

namespace {

// ---- functions of types ----

// How often each is called tells the compiler that they are different; none ever is.
volatile int calls[16];

} // namespace

// The new mangling tells the type.
#define V0(kind_length, kind, type)                                                                \
    "_RNvMs_NtCsggaqUlHrHLd_7rudo_gc3ptrINtB4_5GcBoxNtCsa0RjEd4nGPX_4shop" type "E" kind_length    \
    kind "BK_.llvm.1001288052460052925"
// The old one hides it; hashes tell functions apart.
#define LEGACY(kind_length, kind, hash)                                                            \
    "_ZN7rudo_gc3ptr14GcBox$LT$T$GT$" kind_length kind "17h" hash "E.llvm.18059028650218122763"

// A second name for a function, as a compiler leaves it that merges identical ones.
#define MERGED(symbol) extern __attribute__((nothrow, alias(symbol)))

extern "C" {
USED void order_trace(void *) __asm__(V0("12", "trace_fn_for", "5Order"));
USED void order_drop(void *) __asm__(V0("11", "drop_fn_for", "5Order"));
USED void order_trace(void *) { calls[0]++; }
USED void order_drop(void *) { calls[1]++; }

// Two types share a trace function; their drop functions tell them apart.
USED void leaf_trace(void *) __asm__(V0("12", "trace_fn_for", "5Price"));
USED void price_drop(void *) __asm__(V0("11", "drop_fn_for", "5Price"));
USED void label_drop(void *) __asm__(V0("11", "drop_fn_for", "5Label"));
USED void leaf_trace(void *) { calls[2]++; }
USED void price_drop(void *) { calls[3]++; }
USED void label_drop(void *) { calls[4]++; }
MERGED(V0("12", "trace_fn_for", "5Price")) void label_trace(void *)
    __asm__(V0("12", "trace_fn_for", "5Label"));

// Two that share both: nothing tells them apart.
USED void flag_trace(void *) __asm__(V0("12", "trace_fn_for", "4Flag"));
USED void flag_drop(void *) __asm__(V0("11", "drop_fn_for", "4Flag"));
USED void flag_trace(void *) { calls[5]++; }
USED void flag_drop(void *) { calls[6]++; }
MERGED(V0("12", "trace_fn_for", "4Flag")) void tag_trace(void *)
    __asm__(V0("12", "trace_fn_for", "3Tag"));
MERGED(V0("11", "drop_fn_for", "4Flag")) void tag_drop(void *)
    __asm__(V0("11", "drop_fn_for", "3Tag"));

// What dropped objects get.
USED void no_op_trace(void *)
    __asm__("_RNvMs0_NtCsggaqUlHrHLd_7rudo_gc3ptrINtB5_5GcBoxuE11no_op_trace");
USED void no_op_drop(void *)
    __asm__("_RNvMs0_NtCsggaqUlHrHLd_7rudo_gc3ptrINtB5_5GcBoxuE10no_op_drop");
USED void no_op_trace(void *) { calls[7]++; }
USED void no_op_drop(void *) { calls[8]++; }

// Programs in C.
USED void trace_node(void *) { calls[9]++; }
USED void drop_node(void *) { calls[10]++; }
}

namespace shop {
struct Cart {
    char bytes[8];
};
struct Item {
    char bytes[8];
};
struct Unit {
    char bytes[8];
};
} // namespace shop

// Old mangling: only debug information knows the T.
template <typename T> NO_INLINE void trace_fn_for(void *);
template <typename T> NO_INLINE void drop_fn_for(void *);
template <>
USED void trace_fn_for<shop::Cart>(void *) __asm__(LEGACY("12", "trace_fn_for", "0419ef896b47b4ad"));
template <>
USED void drop_fn_for<shop::Cart>(void *) __asm__(LEGACY("11", "drop_fn_for", "226f2b44f3405689"));
template <> USED void trace_fn_for<shop::Cart>(void *) { calls[11]++; }
template <> USED void drop_fn_for<shop::Cart>(void *) { calls[12]++; }
// Merged with another whose debug information is gone: the set is open.
template <>
USED void trace_fn_for<shop::Item>(void *) __asm__(LEGACY("12", "trace_fn_for", "5cf068bf831b0074"));
template <> USED void trace_fn_for<shop::Item>(void *) { calls[13]++; }
extern "C" {
MERGED(LEGACY("12", "trace_fn_for", "5cf068bf831b0074"))
void unknown_trace(void *) __asm__(LEGACY("12", "trace_fn_for", "774005102cfece6d"));
}

// ---- variables ----

extern "C" {
void *volatile cache[8] __asm__("_ZN4shop5CACHE17h0123456789abcdefE");
void *volatile catalogue __asm__("_RNvCsa0RjEd4nGPX_4shop9CATALOGUE");
void *volatile plain_list;
__thread void *volatile current[4] __asm__(
    "_RNvNCNKNvCsa0RjEd4nGPX_4shop7CURRENT0023___RUST_STD_INTERNAL_VAL");
}

// ---- the heap ----

#define PAGE 4096u
#define HEADER_BYTES 1600u
#define SLOT_BYTES 64u
#define SLOTS 39u

namespace {

struct Object {
    uint64_t reference_count;
    uint64_t weak_count;
    void (*drop)(void *);
    void (*trace)(void *);
    uint64_t is_dropping;
    uint32_t generation;
    uint32_t padding;
    uint64_t payload[2];
};
static_assert(sizeof(Object) == SLOT_BYTES, "the object header of rudo-gc");

uint8_t *heap;
unsigned used;

void *allocate(void (*trace)(void *), void (*drop)(void *), bool is_dead)
{
    Object *object = reinterpret_cast<Object *>(heap + HEADER_BYTES + used * SLOT_BYTES);

    if (used == SLOTS)
        abort();
    heap[1056 + used / 8] |= static_cast<uint8_t>(1u << used % 8);
    used++;
    object->reference_count = 1;
    object->weak_count = is_dead ? UINT64_C(1) << 63 : 0;
    object->drop = drop;
    object->trace = trace;
    return object;
}

void make_heap()
{
    uint32_t magic = 0x52554447, block_size = SLOT_BYTES;
    uint16_t count = SLOTS, header = HEADER_BYTES, none = 0xffff;
    uint64_t owner = 1;

    heap = static_cast<uint8_t *>(
        mmap(nullptr, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (heap == MAP_FAILED)
        abort();
    memcpy(heap, &magic, 4);
    memcpy(heap + 4, &block_size, 4);
    memcpy(heap + 8, &count, 2);
    memcpy(heap + 10, &header, 2);
    memcpy(heap + 16, &owner, 8);
    memcpy(heap + 1568, &none, 2);
}

void *allocate_types(const char *naming, unsigned number, const char *name, void (*trace)(void *),
                     void (*drop)(void *))
{
    void *last = nullptr;

    for (unsigned i = 0; i < number; i++)
        last = allocate(trace, drop, false);
    printf("type %s %u %s\n", naming, number, name);
    return last;
}

void print_root(const char *kind, const volatile void *where, const char *label)
{
    printf("root %s %p %s\n", kind, const_cast<const void *>(where), label);
}

// ---- threads ----

sem_t ready;
void *held;

// Waits at the end of a chain of calls; the words that it holds are in the frames of all three.
NO_INLINE void wait_for_ever(const char *how)
{
    sem_post(&ready);
    for (;;)
        pause();
    (void)how;
}

} // namespace

extern "C" {
// Rust names, so that frames are demangled: shop::handle_order, shop::serve.
NO_INLINE USED void handle_order(const char *thread)
    __asm__("_ZN4shop12handle_order17h0123456789abcdefE");
NO_INLINE USED void serve(const char *thread) __asm__("_RINvCsa0RjEd4nGPX_4shop5servelEB2_");

void handle_order(const char *thread)
{
    void *volatile word = held;
    char label[100];

    (void)snprintf(label, sizeof label, "thread '%s', frame #? shop::handle_order+0x", thread);
    print_root("stack", &word, label);
    wait_for_ever(thread);
    __asm__ volatile("" : : "r"(&word) : "memory");
}

void serve(const char *thread)
{
    void *volatile words[3] = {held, nullptr, held};
    char label[100];

    (void)snprintf(label, sizeof label, "thread '%s', frame #? shop::serve+0x", thread);
    print_root("stack", &words[0], label);
    print_root("stack", &words[2], label);
    handle_order(thread);
    __asm__ volatile("" : : "r"(&words[0]) : "memory");
}

static void *run_worker(void *name)
{
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    current[2] = held;
    printf("root tls %p tls shop::CURRENT+0x10 of thread '%s'\n",
           const_cast<void *>(static_cast<const volatile void *>(&current[2])),
           static_cast<const char *>(name));
    serve(static_cast<const char *>(name));
    return nullptr;
}

// A signal handler on a stack of its own, above the frames that it interrupted.
static void handle_signal(int)
{
    handle_order("signalled");
}

static void *run_signalled(void *name)
{
    void *volatile word = held;
    stack_t stack = {};
    struct sigaction action = {};

    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    stack.ss_sp = mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack.ss_size = 1 << 16;
    if (sigaltstack(&stack, nullptr) != 0)
        abort();
    action.sa_handler = handle_signal;
    action.sa_flags = SA_ONSTACK;
    (void)sigaction(SIGUSR2, &action, nullptr);
    print_root("stack", &word, "thread 'signalled', frame #? run_signalled+0x");
    (void)pthread_kill(pthread_self(), SIGUSR2);
    __asm__ volatile("" : : "r"(&word) : "memory");
    return nullptr;
}
}

static void start(void *(*run)(void *), const char *name)
{
    pthread_t thread;

    if (pthread_create(&thread, nullptr, run, const_cast<char *>(name)) != 0)
        abort();
    while (sem_wait(&ready) != 0)
        continue;
}

int main()
{
    (void)setvbuf(stdout, nullptr, _IOLBF, 0);
    (void)sem_init(&ready, 0, 0);
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    make_heap();
    held = allocate_types("symbols", 5, "shop::Order", order_trace, order_drop);
    cache[2] = allocate_types("symbols", 2, "shop::Price", leaf_trace, price_drop);
    catalogue = allocate_types("symbols", 3, "shop::Label", label_trace, label_drop);
    plain_list = allocate_types("symbols", 1, "shop::Flag | shop::Tag", tag_trace, flag_drop);
    allocate_types("debug", 4, "shop::Cart", trace_fn_for<shop::Cart>, drop_fn_for<shop::Cart>);
    allocate_types("debug", 6, "shop::Item | ...", trace_fn_for<shop::Item>, nullptr);
    allocate_types("plain", 7, "trace_node", trace_node, drop_node);
    allocate(no_op_trace, no_op_drop, true);
    allocate(no_op_trace, no_op_drop, true);
    print_root("global", &cache[2], "global shop::CACHE+0x10 (");
    print_root("global", &catalogue, "global shop::CATALOGUE (");
    print_root("global", &plain_list, "global plain_list (");
    start(run_worker, "worker-1");
    start(run_worker, "worker-2");
    start(run_signalled, "signalled");
    printf("ready\n");
    for (;;)
        pause();
}
