// Replays a corpus through a fuzz target without libFuzzer, so that it runs in every variant:
//
//     replay_snapshot_stream tests/fuzz/corpus/snapshot_stream [FILE...]
//
// One test per file; a crash names its file, which is printed before it is run.

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *bytes;

    if (file == NULL || fstat(fileno(file), &status) != 0) {
        tap_ok(false, "%s: %s", path, strerror(errno));
        return;
    }
    // Exactly as large as the input, so that sanitizers see a read behind its end.
    bytes = malloc((size_t)status.st_size + (status.st_size == 0));
    if (bytes == NULL || fread(bytes, 1, (size_t)status.st_size, file) != (size_t)status.st_size)
        tap_bail("cannot read %s", path);
    (void)fclose(file);
    tap_note("%s", path);
    fflush(stdout);
    tap_ok(LLVMFuzzerTestOneInput(bytes, (size_t)status.st_size) == 0, "%s", path);
    free(bytes);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_visible, alphasort);

    if (count < 0)
        tap_bail("cannot read folder %s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            tap_bail("out of memory");
        replay_file(path);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    struct stat status;

    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
            replay_folder(argv[i]);
        else
            replay_file(argv[i]);
    }
    return tap_finish();
}
