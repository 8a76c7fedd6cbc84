// A program with secrets in every kind of place, to be captured with --redact.
//
//     keeps_secrets HEARTBEAT SECRET SHORT FOLDER [SNAPSHOT [redact]]
//
// SECRET (at least 8 bytes) is planted whole, SHORT (4 bytes) where it does not fit, and a file of
// FOLDER is mapped. With SNAPSHOT the program captures itself, too. Prints "ready", then runs until
// it is killed.

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "embed/rudo_snap.h"
#include "tests/support/target.h"

#define PAGE 4096u
#define PAGES 6u
#define LARGE_PAGES 3u

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static const char *secret, *brief;
static uint8_t *pages;
static uint8_t *volatile root;
static char in_data[64] = "not yet", in_bss[64];
static __thread char in_tls[64];

static uint8_t *object(unsigned page, unsigned slot)
{
    return pages + (size_t)PAGE * page + 1600 + (size_t)64 * slot;
}

static void plant(uint8_t *to, size_t room)
{
    memcpy(to, room >= strlen(secret) ? secret : brief,
           room >= strlen(secret) ? strlen(secret) : (room < 4 ? room : 4));
}

static void refer(uint8_t *from, uint32_t offset, const void *to)
{
    memcpy(from + offset, &to, sizeof to);
}

// A chain through all objects; every other word of theirs holds secrets.
static void fill_objects(void)
{
    uint8_t *last = NULL;

    for (unsigned page = 0; page < PAGES; page++)
        for (unsigned slot = 0; slot < 39; slot++) {
            uint8_t *here = object(page, slot);
            plant(here + 44, 4); // behind the generation, in the header's last word
            memcpy(here + 56, secret, 8);
            if (slot % 3 == 0) {
                plant(here + 48, 16); // garbage: nothing but text
                continue;
            }
            if (last != NULL)
                refer(last, 48, here);
            last = here;
        }
    root = object(0, 1);
}

static void fill_headers(void)
{
    for (unsigned page = 0; page < PAGES; page++) {
        uint8_t *header = pages + (size_t)PAGE * page;
        plant(header + 14, 2);    // padding
        plant(header + 26, 6);    // padding
        plant(header + 1570, 6);  // padding
        plant(header + 1576, 24); // between header and slots
        plant(header + 40, 504);  // mark bits of slots beyond the last one
        plant(header + 552, 504); // dirty bits
        header[1056 + 4] &= 0x7e; // the last slot is free
        plant(object(page, 38) + 48, 16);
    }
}

// References into a malloc'd block, and one in it to a large object.
static void fill_elsewhere(uint8_t *large)
{
    uint8_t *block = malloc(200);

    if (block == NULL)
        target_fail("malloc");
    memset(block, 0, 200);
    plant(block + 8, 100);
    refer(block, 64, large);
    refer(block, 72, large + 24); // into the heap, but to no object
    refer(object(PAGES - 1, 37), 48, block + 16);
    plant(large + 1584 + 48, 2000);
    plant(large + 2 * PAGE, 1000);
    plant(large + LARGE_PAGES * PAGE - 20, 20); // behind its end
    snprintf(in_data, sizeof in_data, "%s", secret);
    snprintf(in_bss, sizeof in_bss, "%s", secret);
    snprintf(in_tls, sizeof in_tls, "%s", secret);
}

static void make_large(uint8_t *large)
{
    const uint32_t bytes = 9000;

    memset(large, 0, PAGE);
    memcpy(large, pages, 4);
    memcpy(large + 4, &bytes, sizeof bytes);
    large[8] = 1;
    large[10] = 0x30; // 1584
    large[11] = 0x06;
    large[13] = 1; // large
    large[16] = 1;
    large[1056] = 1;
    large[1568] = large[1569] = 0xff;
}

static void map_file(const char *folder)
{
    char path[512];
    int file;
    void *mapped;

    snprintf(path, sizeof path, "%s/%s.data", folder, secret);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, PAGE) != 0)
        target_fail(path);
    mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED)
        target_fail("mmap");
    plant(mapped, 100);
}

static void *sleep_with_a_name(void *context)
{
    char on_stack[64];

    (void)prctl(PR_SET_NAME, secret);
    (void)context;
    snprintf(on_stack, sizeof on_stack, "%s", secret);
    for (;;) {
        // The compiler would drop a variable that is never read.
        __asm__ volatile("" : : "r"(on_stack) : "memory");
        (void)pause();
    }
    return NULL;
}

static void capture_self(const char *path, bool redacts)
{
    rudo_snap_pages told = {pages, (size_t)PAGE * (PAGES + LARGE_PAGES)};
    rudo_snap_root named = {secret, (const void *)(uintptr_t)&root};
    rudo_snap_options options;
    rudo_snap_result result;

    rudo_snap_options_init(&options);
    options.pages = &told;
    options.page_count = 1;
    options.roots = &named;
    options.root_count = 1;
    options.redacts = redacts;
    if (rudo_snap_wait(rudo_snap_capture(path, &options), &result) != RUDO_SNAP_DONE) {
        fprintf(stderr, "%s\n", result.message);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    pthread_t thread;
    uint8_t *large;

    if (argc < 5 || strlen(argv[2]) < 8 || strlen(argv[3]) != 4) {
        fprintf(stderr, "usage: %s HEARTBEAT SECRET SHORT FOLDER [SNAPSHOT [redact]]\n", argv[0]);
        return 2;
    }
    secret = argv[2];
    brief = argv[3];
    pages = target_map_heap(PAGES + LARGE_PAGES);
    large = pages + (size_t)PAGE * PAGES;
    memset(large, 0, (size_t)PAGE * LARGE_PAGES);
    make_large(large);
    fill_objects();
    fill_headers();
    fill_elsewhere(large);
    map_file(argv[4]);
    (void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, pages, (size_t)PAGE, secret);
    (void)setenv("KEEPS", secret, 1);
    if (pthread_create(&thread, NULL, sleep_with_a_name, NULL) != 0)
        target_fail("pthread_create");
    if (argc > 5)
        capture_self(argv[5], argc > 6);
    target_start_heartbeat(argv[1]);
    target_announce();
    for (;;)
        (void)pause();
}
