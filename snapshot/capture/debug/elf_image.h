// ElfImage: an ELF file in memory that consists of some sections only, so that a library reads
// sections that we put together.

#ifndef SNAPSHOT_CAPTURE_DEBUG_ELF_IMAGE_H
#define SNAPSHOT_CAPTURE_DEBUG_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_IMAGE_PARTS_MAX 24u
// Enough for the headers of that many sections.
#define ELF_IMAGE_HEAD_BYTES 4096u

typedef struct ElfImagePart {
    const char *name;
    size_t place; // of its bytes in the image, from ELF_IMAGE_HEAD_BYTES on
    size_t length;
    bool is_compressed; // as SHF_COMPRESSED says, in a way that the library knows
} ElfImagePart;

// Writes the headers of an image whose parts are at their places already, behind
// ELF_IMAGE_HEAD_BYTES of room. False: there are too many parts.
bool elf_image_finish(uint8_t *image, const ElfImagePart *parts, uint32_t count);

#endif
