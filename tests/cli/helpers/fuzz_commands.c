// Runs every command on snapshots that are wrong in their structure (tests/support/
// mutated_snapshot.h), for tests/cli/hostile_snapshots.sh and `make fuzz-commands`:
//
//     fuzz_commands PROGRAM FIRST_SEED RUNS FOLDER SNAPSHOT...
//
// One run is one command on one file. A command may refuse the file; it must not crash, take more
// than CPU_SECONDS or MEGABYTES, or end with a status that no command has; and what it salvages
// must verify. A finding is printed with its seed and its command, and its file is kept in FOLDER.
// The same seeds make the same runs. FUZZ_ONLY=check in the environment runs that command alone.
// The exit status is 1 if there are findings.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/byte_buffer.h"
#include "snapshot/file/frames/seekable_reader.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/mutated_snapshot.h"

#define CPU_SECONDS 20u
#define MEGABYTES 2048u
#define MOST_BASES 64
#define PATH_CHARS 4096
#define MOST_WORDS 12

extern char **environ;

typedef struct Fuzzing {
    const char *program;
    const char *folder;
    Bytes bases[MOST_BASES];
    uint32_t base_count;
    char heap[PATH_CHARS];  // the file at hand
    char other[PATH_CHARS]; // the one before
    char saved[PATH_CHARS]; // what is salvaged
    char errors[PATH_CHARS];
    char budget[PATH_CHARS];
    uint64_t findings;
} Fuzzing;

// A limit of every kind, by names that no heap has, globs, and the types of the samples.
static const char budget[] = "# limits of all kinds\n"
                             "count(*) <= 10  # by glob\n"
                             "count(service::*) <= 1000\n"
                             "count(\"type #1\") <= 1\n"
                             "retained(*) <= 10% of reachable\n"
                             "retained(service::Cache*) <= 5MiB\n"
                             "malloc(*) <= 64KiB\n"
                             "growth(*) <= 10%\n"
                             "growth(total) <= 1KiB\n"
                             "unreachable <= 20%\n"
                             "occupancy >= 70%\n"
                             "pages <= 4\n"
                             "no path service::* -> *\n"
                             "suspects = 0\n"
                             "complete\n"
                             "known leak 0123abcd  # one of before\n";

// FILE, OTHER, SAVED, BUDGET and ADDRESS stand for what they say.
static const char *const commands[][MOST_WORDS] = {
    {"info", "FILE"},
    {"info", "--json", "FILE"},
    {"verify", "FILE"},
    {"verify", "--salvage", "FILE", "-o", "SAVED", "--force"},
    {"mark", "FILE"},
    {"mark", "--relocate", "--json", "-", "--objects", "/dev/null", "FILE"},
    {"mark", "--precise", "--kind", "minor", "FILE"},
    {"report", "FILE"},
    {"report", "--full", "FILE"},
    {"report", "-q", "--json", "-", "FILE"},
    {"report", "OTHER", "FILE"},
    {"report", "-q", "--html", "/dev/null", "OTHER", "FILE"},
    {"path", "FILE", "ADDRESS"},
    {"path", "--merge", "FILE", "type #1"},
    {"path", "-k", "5", "-q", "--json", "-", "FILE", "ADDRESS"},
    {"path", "--avoid", "stack", "FILE", "foreign block"},
    {"show", "FILE", "ADDRESS"},
    {"show", "-q", "--json", "-", "FILE", "ADDRESS"},
    {"retained", "--prove", "5", "FILE"},
    {"retained", "--by", "type", "--top", "3", "-q", "--json", "-", "FILE"},
    {"what-if", "--cut", "stack", "FILE"},
    {"what-if", "--cut", "type #1", "-q", "--json", "-", "FILE"},
    {"diff", "OTHER", "FILE"},
    {"diff", "-q", "--json", "-", "OTHER", "FILE"},
    {"check", "--limit", "unreachable <= 20%", "FILE"},
    {"check", "--budget", "BUDGET", "FILE"},
    {"check", "--budget", "BUDGET", "--baseline", "OTHER", "--json", "-", "FILE"},
    {"check", "--limit", "growth(*) <= 1%", "--baseline", "OTHER", "--junit", "-", "FILE"},
    {"check", "--known", "--precise", "--limit", "count(Order) <= 1", "--limit", "suspects = 0",
     "FILE"},
    {"check", "--limit", "no path * -> *", "--limit", "retained(*) <= 1%", "-q", "FILE"},
    {"diff", "--fail-on", "any+1%", "OTHER", "FILE"},
    {"query", "FILE", "SELECT count(*), sum(bytes) FROM objects; SELECT count(*) FROM edges"},
    {"query", "--format", "jsonl", "FILE", "SELECT * FROM dominators; SELECT * FROM roots"},
    {"export", "-q", "--to", "heapsnapshot", "-o", "/dev/null", "FILE"},
    {"export", "-q", "--to", "pprof", "-o", "/dev/null", "FILE"},
    {"export", "-q", "--to", "csv", "--table", "objects", "-o", "/dev/null", "FILE"},
    {"export", "-q", "--to", "dot", "--of", "ADDRESS", "-o", "/dev/null", "FILE"},
    {"replay", "--workers", "1,2", "--seeds", "1..2", "FILE"},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void fail(const char *what)
{
    fprintf(stderr, "fuzz_commands: %s: %s\n", what, strerror(errno));
    exit(2);
}

static Bytes stream_of(const char *path)
{
    SeekableReader *reader;
    Bytes stream;
    Error error;

    if (!seekable_reader_open(path, SNAPSHOT_FORMAT_MAJOR, 0, &reader, &error)) {
        fprintf(stderr, "fuzz_commands: %s\n", error.message);
        exit(2);
    }
    stream.length = seekable_reader_info(reader)->stream_bytes;
    stream.bytes = malloc(stream.length + 1);
    if (stream.bytes == NULL ||
        !seekable_reader_read(reader, 0, stream.bytes, stream.length, &error))
        fail(path);
    seekable_reader_free(reader);
    return stream;
}

// An address that is likely in the heap.
static uint64_t some_address(const Bytes *stream, Xorshift *random)
{
    for (uint64_t at = STREAM_HEADER_BYTES; at + 40 <= stream->length;) {
        uint64_t length = bytes_get_u64(stream->bytes + at + 8);

        if (bytes_get_u32(stream->bytes + at) == SECTION_RUNS)
            return bytes_get_u64(stream->bytes + at + 24) + xorshift_below(random, 1024) * 8;
        if (length > stream->length)
            break;
        at += SECTION_HEADER_BYTES + (length + 7) / 8 * 8;
    }
    return UINT64_C(0x600000000640);
}

// Waits for the command. Returns its status, or -1 and says why.
static int run_words(const Fuzzing *fuzzing, char *const *words, const char **why)
{
    posix_spawn_file_actions_t actions;
    struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS + 5};
    struct rusage usage;
    int status;
    pid_t child;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, fuzzing->errors, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    if (posix_spawn(&child, fuzzing->program, &actions, NULL, words, environ) != 0)
        fail(fuzzing->program);
    posix_spawn_file_actions_destroy(&actions);
    (void)prlimit(child, RLIMIT_CPU, &cpu, NULL);
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            fail("wait4");
    *why = NULL;
    if (WIFSIGNALED(status))
        *why = WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? "it takes too much time"
                                                                          : "a signal ended it";
    else if (WEXITSTATUS(status) > 4)
        *why = "a sanitizer ended it";
    else if (usage.ru_maxrss > (long)MEGABYTES * 1024)
        *why = "it takes too much memory";
    return *why != NULL ? -1 : WEXITSTATUS(status);
}

static void print_finding(Fuzzing *fuzzing, uint64_t seed, char *const *words, const char *why)
{
    char kept[PATH_CHARS + 32];
    Bytes bytes = file_bytes(fuzzing->heap), said = file_bytes(fuzzing->errors);

    fuzzing->findings++;
    (void)snprintf(kept, sizeof kept, "%s/seed-%" PRIu64 ".zst", fuzzing->folder, seed);
    write_bytes(kept, bytes.bytes, bytes.length);
    printf("seed %" PRIu64 ": %s:", seed, why);
    for (int i = 1; words[i] != NULL; i++)
        printf(" '%s'", strcmp(words[i], fuzzing->heap) == 0 ? kept : words[i]);
    printf("\n%.*s\n", (int)(said.length < 3000 ? said.length : 3000), (const char *)said.bytes);
    fflush(stdout);
    free(bytes.bytes);
    free(said.bytes);
}

static void run_command(Fuzzing *fuzzing, uint64_t seed, size_t command, const char *address)
{
    char *words[MOST_WORDS + 2] = {(char *)(uintptr_t) "rudo-snap"};
    bool is_salvage = false;
    const char *why;
    int status;

    for (int i = 0; i < MOST_WORDS && commands[command][i] != NULL; i++) {
        const char *word = commands[command][i];

        is_salvage = is_salvage || strcmp(word, "--salvage") == 0;
        word = strcmp(word, "FILE") == 0      ? fuzzing->heap
               : strcmp(word, "OTHER") == 0   ? fuzzing->other
               : strcmp(word, "SAVED") == 0   ? fuzzing->saved
               : strcmp(word, "BUDGET") == 0  ? fuzzing->budget
               : strcmp(word, "ADDRESS") == 0 ? address
                                              : word;
        words[i + 1] = (char *)(uintptr_t)word;
    }
    (void)unlink(fuzzing->saved);
    status = run_words(fuzzing, words, &why);
    if (why == NULL && is_salvage && status <= 1 && access(fuzzing->saved, F_OK) == 0) {
        char *verify[] = {words[0], (char *)(uintptr_t) "verify", fuzzing->saved, NULL};

        if (run_words(fuzzing, verify, &why) != 0 && why == NULL)
            why = "what it salvages does not verify";
    }
    if (why != NULL)
        print_finding(fuzzing, seed, words, why);
}

// All commands on the file of one seed, `most` of them at most; returns the number of runs.
static uint64_t run_seed(Fuzzing *fuzzing, uint64_t seed, uint64_t most)
{
    Xorshift random = xorshift_seeded(seed);
    const Bytes *base = &fuzzing->bases[xorshift_below(&random, fuzzing->base_count)];
    Bytes stream = mutated_stream(base, &random);
    const char *only = getenv("FUZZ_ONLY");
    char address[32];
    uint64_t runs = 0;

    (void)snprintf(address, sizeof address, "0x%" PRIx64, some_address(&stream, &random));
    if (rename(fuzzing->heap, fuzzing->other) != 0)
        write_snapshot_file(fuzzing->other, base->bytes, base->length);
    write_snapshot_file(fuzzing->heap, stream.bytes, stream.length);
    if (xorshift_below(&random, 8) == 0) {
        Bytes file = file_bytes(fuzzing->heap);

        damage_file_bytes(&file, &random);
        write_bytes(fuzzing->heap, file.bytes, file.length);
        free(file.bytes);
    }
    free(stream.bytes);
    for (size_t i = 0; i < COMMAND_COUNT && runs < most; i++)
        if (only == NULL || strcmp(commands[i][0], only) == 0) {
            run_command(fuzzing, seed, i, address);
            runs++;
        }
    return runs;
}

int main(int argc, char **argv)
{
    struct rlimit core = {0, 0};
    Fuzzing *fuzzing = calloc(1, sizeof *fuzzing);
    uint64_t seed, runs, done = 0;

    if (argc < 6 || fuzzing == NULL) {
        fprintf(stderr, "usage: fuzz_commands PROGRAM FIRST_SEED RUNS FOLDER SNAPSHOT...\n");
        return 2;
    }
    fuzzing->program = argv[1];
    seed = strtoull(argv[2], NULL, 10);
    runs = strtoull(argv[3], NULL, 10);
    fuzzing->folder = argv[4];
    (void)mkdir(fuzzing->folder, 0700);
    (void)snprintf(fuzzing->heap, PATH_CHARS, "%s/heap.zst", fuzzing->folder);
    (void)snprintf(fuzzing->other, PATH_CHARS, "%s/other.zst", fuzzing->folder);
    (void)snprintf(fuzzing->saved, PATH_CHARS, "%s/saved.zst", fuzzing->folder);
    (void)snprintf(fuzzing->errors, PATH_CHARS, "%s/errors", fuzzing->folder);
    (void)snprintf(fuzzing->budget, PATH_CHARS, "%s/heap.budget", fuzzing->folder);
    write_bytes(fuzzing->budget, (const uint8_t *)budget, sizeof budget - 1);
    (void)unlink(fuzzing->heap);
    for (int i = 5; i < argc && fuzzing->base_count < MOST_BASES; i++)
        fuzzing->bases[fuzzing->base_count++] = stream_of(argv[i]);
    (void)setenv("UBSAN_OPTIONS", "halt_on_error=1:exitcode=99:print_stacktrace=1", 1);
    (void)setenv("ASAN_OPTIONS", "exitcode=99:detect_leaks=1:allocator_may_return_null=1", 1);
    if (setrlimit(RLIMIT_CORE, &core) != 0)
        fail("setrlimit");
    for (; done < runs; seed++) {
        done += run_seed(fuzzing, seed, runs - done);
        if (fuzzing->findings >= 20)
            break;
    }
    printf("%" PRIu64 " runs, %" PRIu64 " findings, next seed %" PRIu64 "\n", done,
           fuzzing->findings, seed);
    for (uint32_t i = 0; i < fuzzing->base_count; i++)
        free(fuzzing->bases[i].bytes);
    seed = fuzzing->findings;
    free(fuzzing);
    return seed > 0 ? 1 : 0;
}
