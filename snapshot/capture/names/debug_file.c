// Separate debug files: see snapshot/capture/names/debug_file.h.

#include "snapshot/capture/names/debug_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/capture/names/checked_file.h"

#define DEBUG_FOLDER "/usr/lib/debug"
#define CHECKSUM_BUFFER_BYTES 65536u
// A file without build-id is identified by its checksum, and read in full for that.
#define MAX_CHECKED_BYTES (UINT64_C(4) << 30)

typedef struct Search {
    char build_id[ELF_BUILD_ID_CHARS]; // of the module
    char link_name[ELF_DEBUG_LINK_CHARS];
    uint32_t link_checksum;
    const char *module_path;
    int root;
    bool is_other_build; // a file was found that does not belong to the module
} Search;

// CRC-32 (IEEE 802.3), as .gnu_debuglink has it.
static uint32_t update_checksum(uint32_t checksum, const uint8_t *bytes, size_t count)
{
    checksum = ~checksum;
    for (size_t i = 0; i < count; i++) {
        checksum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            checksum = checksum >> 1 ^ (UINT32_C(0xedb88320) & -(checksum & 1));
    }
    return ~checksum;
}

static bool has_checksum(int fd, uint32_t expected)
{
    uint8_t *buffer = malloc(CHECKSUM_BUFFER_BYTES);
    uint64_t position = 0;
    uint32_t checksum = 0;
    ssize_t count = -1;

    while (buffer != NULL && position < MAX_CHECKED_BYTES &&
           (count = pread(fd, buffer, CHECKSUM_BUFFER_BYTES, (off_t)position)) > 0) {
        checksum = update_checksum(checksum, buffer, (size_t)count);
        position += (uint64_t)count;
    }
    free(buffer);
    return count == 0 && checksum == expected;
}

// Does the file behind `fd` belong to the module, and has it what the module lacks?
static bool belongs(const Search *search, int fd)
{
    char build_id[ELF_BUILD_ID_CHARS];
    // elf_file_free() closes the descriptor that the file was opened with.
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    ElfFile *file = copy < 0 ? NULL : elf_file_open_mapped(copy);
    bool is_useful;

    if (file == NULL)
        return false;
    elf_file_build_id(file, build_id);
    is_useful = elf_file_has_all_symbols(file) || elf_file_has_section(file, ".debug_info");
    elf_file_free(file);
    if (search->build_id[0] != '\0')
        return is_useful && strcmp(build_id, search->build_id) == 0;
    return is_useful && has_checksum(fd, search->link_checksum);
}

static int try_path(Search *search, const char *path)
{
    int fd = checked_file_open(search->root, path);

    if (fd >= 0 && !belongs(search, fd)) {
        (void)close(fd);
        fd = -1;
        search->is_other_build = true;
    }
    return fd;
}

static int try_build_id(Search *search)
{
    char path[PATH_MAX];

    if (strlen(search->build_id) < 3)
        return -1;
    (void)snprintf(path, sizeof path, DEBUG_FOLDER "/.build-id/%.2s/%s.debug", search->build_id,
                   search->build_id + 2);
    return try_path(search, path);
}

static int try_link(Search *search)
{
    static const char *const places[][2] = {{"", "/"}, {"", "/.debug/"}, {DEBUG_FOLDER, "/"}};
    const char *folder_end = strrchr(search->module_path, '/');
    int folder_length = folder_end == NULL ? 0 : (int)(folder_end - search->module_path);
    char path[PATH_MAX];
    int fd = -1;

    if (search->link_name[0] == '\0' || folder_end == NULL)
        return -1;
    for (size_t i = 0; fd < 0 && i < sizeof places / sizeof places[0]; i++)
        if (snprintf(path, sizeof path, "%s%.*s%s%s", places[i][0], folder_length,
                     search->module_path, places[i][1], search->link_name) < (int)sizeof path)
            fd = try_path(search, path);
    return fd;
}

int debug_file_find(ElfFile *module, const char *module_path, const char *root,
                    bool *is_other_build)
{
    Search search = {.module_path = module_path, .root = checked_root_open(root)};
    int fd;

    elf_file_build_id(module, search.build_id);
    if (!elf_file_debug_link(module, search.link_name, &search.link_checksum))
        search.link_name[0] = '\0';
    fd = try_build_id(&search);
    if (fd < 0)
        fd = try_link(&search);
    if (search.root >= 0)
        (void)close(search.root);
    if (is_other_build != NULL && fd < 0 && search.is_other_build)
        *is_other_build = true;
    return fd;
}
