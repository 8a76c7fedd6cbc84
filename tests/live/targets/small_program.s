# A 32-bit program without a library. Once a millisecond it counts on pages of .bss, on pages that
# it mapped, and on its stack, and compares what it finds there.
#
#     small_program HEARTBEAT [ended]
#
# `ended`: its first thread has ended; another one does all this. Prints "ready". It ends, with
# status 9, when its memory or a system call is not as it should be. small_programs.sh assembles it.

    .set EXIT, 1
    .set WRITE, 4
    .set OPEN, 5
    .set CLONE, 120
    .set NANOSLEEP, 162
    .set MMAP2, 192
    .set FTRUNCATE64, 194
    .set EXIT_GROUP, 252

    .set PAGE_BYTES, 4096
    .set BSS_PAGES, 64
    .set MAPPED_PAGES, 256

    .globl _start
    .text
_start:
    movl (%esp), %ebp           # argc
    movl $OPEN, %eax
    movl 8(%esp), %ebx          # HEARTBEAT
    movl $0102, %ecx            # O_RDWR | O_CREAT
    movl $0644, %edx
    int $0x80
    testl %eax, %eax
    js wrong
    movl %eax, %edi
    movl $FTRUNCATE64, %eax
    movl %edi, %ebx
    movl $8, %ecx
    xorl %edx, %edx
    int $0x80
    movl $PAGE_BYTES, %ecx
    movl $1, %esi               # MAP_SHARED
    call map
    movl %eax, heartbeat
    movl $-1, %edi
    movl $(MAPPED_PAGES * PAGE_BYTES), %ecx
    movl $0x22, %esi            # MAP_PRIVATE | MAP_ANONYMOUS
    call map
    movl %eax, mapped
    cmpl $3, %ebp
    jne announce
    movl $CLONE, %eax
    movl $0x10f00, %ebx         # VM, FS, FILES, SIGHAND, THREAD
    movl $(stack + PAGE_BYTES), %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    int $0x80
    testl %eax, %eax
    jz announce
    js wrong
    movl $EXIT, %eax
    xorl %ebx, %ebx
    int $0x80

announce:
    movl $WRITE, %eax
    movl $1, %ebx
    movl $ready, %ecx
    movl $6, %edx
    int $0x80
    pushl $0
count:
    movl (%esp), %edi           # how often so far
    movl $(BSS_PAGES - 1), %ecx
next_of_bss:
    movl %ecx, %ebx
    shll $12, %ebx
    cmpl %edi, pages(%ebx)
    jne wrong
    incl pages(%ebx)
    decl %ecx
    jns next_of_bss
    movl $(MAPPED_PAGES - 1), %ecx
next_mapped:
    movl %ecx, %ebx
    shll $12, %ebx
    addl mapped, %ebx
    cmpl %edi, (%ebx)
    jne wrong
    incl (%ebx)
    decl %ecx
    jns next_mapped
    movl heartbeat, %ebx
    incl (%ebx)
    incl (%esp)
    movl $NANOSLEEP, %eax
    movl $millisecond, %ebx
    xorl %ecx, %ecx
    int $0x80
    testl %eax, %eax
    jz count
wrong:
    movl $EXIT_GROUP, %eax
    movl $9, %ebx
    int $0x80

# Maps %ecx bytes of the file %edi (-1: of none), with the flags %esi: %eax.
map:
    pushl %ebp
    movl $MMAP2, %eax
    xorl %ebx, %ebx
    movl $3, %edx               # PROT_READ | PROT_WRITE
    xorl %ebp, %ebp
    int $0x80
    popl %ebp
    cmpl $-4096, %eax
    ja wrong
    ret

    .section .rodata
ready:
    .ascii "ready\n"
    .balign 4
millisecond:
    .long 0, 1000000

    .bss
    .balign 4096
pages:
    .skip BSS_PAGES * PAGE_BYTES
stack:
    .skip PAGE_BYTES
heartbeat:
    .skip 4
mapped:
    .skip 4
    .section .note.GNU-stack, "", @progbits
