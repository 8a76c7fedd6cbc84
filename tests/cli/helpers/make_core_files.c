// Makes core files for tests of the command line, and the corpus of the fuzz target for them.
//
//     make_core_files example FILE
//     make_core_files vectors FILE    the example, with vector registers that no CPU lays out so
//     make_core_files corpus FOLDER

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/made_core.h"

#define PAGE UINT64_C(4096)

static const char *folder;

static void write_file(const char *path, const uint8_t *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_sample(const char *name, const uint8_t *bytes, size_t length)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    write_file(path, bytes, length);
}

// Consumes the core.
static void write_core(const char *name, MadeCore *core)
{
    size_t length;
    const uint8_t *bytes = made_core_bytes(core, &length);

    write_sample(name, bytes, length);
    made_core_free(core);
}

// The example with a few bytes changed.
static void write_changed(const char *name, size_t offset, uint64_t word)
{
    MadeCore *core = made_core_example();
    size_t length;
    uint8_t *copy;

    (void)made_core_bytes(core, &length);
    copy = core->bytes.bytes;
    bytes_put_u64(copy + offset, word);
    write_sample(name, copy, length);
    made_core_free(core);
}

static void write_cut(const char *name, size_t length)
{
    MadeCore *core = made_core_example();
    size_t whole;
    const uint8_t *bytes = made_core_bytes(core, &whole);

    write_sample(name, bytes, length < whole ? length : whole - 1);
    made_core_free(core);
}

static void write_corpus(void)
{
    const size_t first = sizeof(Elf64_Ehdr), second = first + sizeof(Elf64_Phdr);
    uint8_t files[64] = {0};
    MadeCore *core;

    write_core("example", made_core_example());
    core = made_core_example();
    made_core_thread(core, 5000, MADE_CORE_CONTROL_BLOCK - 256, MADE_CORE_CONTROL_BLOCK, 0x1234);
    (void)made_core_segment(core, UINT64_C(0x7fff80000000), 8 * PAGE, 2 * PAGE, PF_R | PF_W);
    write_core("two-threads-missing-memory", core);
    core = made_core_example();
    core->kind = ET_EXEC;
    write_core("executable", core);
    core = made_core_example();
    byte_buffer_release(&core->threads);
    write_core("no-thread", core);
    core = made_core_example();
    core->file_count = 0;
    bytes_put_u64(files, 1);
    bytes_put_u64(files + 8, PAGE);
    made_core_note(core, NT_FILE, files, sizeof files);
    write_core("file-without-name", core);
    write_cut("cut-in-header", 40);
    write_cut("cut-in-segments", 100);
    write_cut("cut-in-notes", 700);
    write_cut("cut-at-end", SIZE_MAX);
    write_changed("segment-offset-huge", second + 8, UINT64_MAX - 100);
    write_changed("segment-address-huge", second + 16, UINT64_MAX - 0xfff);
    write_changed("segment-bytes-huge", second + 40, UINT64_MAX);
    write_changed("notes-huge", first + 32, UINT64_MAX / 2);
    write_changed("segment-count-huge", 56, UINT64_C(0x0040ffff00380040));
    write_sample("zstandard", (const uint8_t *)"\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00", 9);
    write_sample("lz4", (const uint8_t *)"\x04\x22\x4d\x18lz4 lz4 lz4 lz4 ", 20);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "corpus") == 0) {
        folder = argv[2];
        write_corpus();
        return 0;
    }
    if (argc == 3 && (strcmp(argv[1], "example") == 0 || strcmp(argv[1], "vectors") == 0)) {
        MadeCore *core = made_core_example();
        size_t length;
        const uint8_t *bytes;

        // A size that no CPU has for these parts.
        if (strcmp(argv[1], "vectors") == 0)
            made_core_vectors(core, 0xe7, 0x7, 2560);
        bytes = made_core_bytes(core, &length);
        write_file(argv[2], bytes, length);
        made_core_free(core);
        return 0;
    }
    fputs("usage: make_core_files example FILE | vectors FILE | corpus FOLDER\n", stderr);
    return 2;
}
