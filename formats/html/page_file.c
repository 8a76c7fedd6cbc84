// The page before and behind its JSON block: files that the build puts together from the sources in
// this folder and from d3-hierarchy (formats/html/page.mk), which names them by PAGE_FOLDER.

#include "formats/html/page_parts_internal.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n"                                                                   \
            ".global " #name ", " #name "_end\n" #name ":\n"                                       \
            ".incbin \"" PAGE_FOLDER "/" file "\"\n" #name "_end:\n"                               \
            ".byte 0\n"                                                                            \
            ".previous\n")

EMBED(page_head, "head.html");
EMBED(page_tail, "tail.html");
