// What the Boehm collector itself says of its heap: a library that is loaded in front of a program
// (LD_PRELOAD). At the signal SIGRTMAX - 5 the program collects, writes "heap BYTES", "free BYTES"
// and the address of each object that the collector marked to the file COLLECTED_MARKS names, a
// line each, and stops. Its buffer is not a root, and nothing is allocated by malloc().

#define _GNU_SOURCE
#include <fcntl.h>
#include <gc.h>
#include <gc_mark.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFER_BYTES (1 << 16)

typedef struct Output {
    int file;
    size_t used;
    char *bytes;
} Output;

static void flush(Output *output)
{
    size_t done = 0;

    while (done < output->used) {
        ssize_t written = write(output->file, output->bytes + done, output->used - done);

        if (written <= 0)
            _exit(9);
        done += (size_t)written;
    }
    output->used = 0;
}

static void put(Output *output, const char *word, unsigned long value)
{
    output->used += (size_t)sprintf(output->bytes + output->used, "%s%lx\n", word, value);
    if (output->used > BUFFER_BYTES - 100)
        flush(output);
}

static void GC_CALLBACK put_object(void *object, size_t bytes, void *output)
{
    (void)bytes;
    put(output, "", (unsigned long)object);
}

static void *GC_CALLBACK put_objects(void *output)
{
    GC_enumerate_reachable_objects_inner(put_object, output);
    return NULL;
}

static char path[4096];

static void write_collected_marks(int signal)
{
    Output output = {.file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)};

    output.bytes =
        mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)signal;
    while (GC_is_disabled())
        GC_enable();
    GC_gcollect();
    put(&output, "heap ", GC_get_heap_size());
    put(&output, "free ", GC_get_free_bytes());
    GC_call_with_alloc_lock(put_objects, &output);
    flush(&output);
    munmap(output.bytes, BUFFER_BYTES);
    close(output.file);
    (void)kill(getpid(), SIGSTOP);
}

static __attribute__((constructor)) void wait_for_signal(void)
{
    const char *given = getenv("COLLECTED_MARKS");
    struct sigaction action = {.sa_handler = write_collected_marks, .sa_flags = SA_RESTART};

    if (given == NULL || strlen(given) >= sizeof path)
        return;
    strcpy(path, given);
    (void)sigaction(SIGRTMAX - 5, &action, NULL);
}
