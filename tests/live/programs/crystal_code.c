// A program on the Boehm collector whose allocating functions look as those of a debug build of
// Crystal do: by name and by code. Prints "ready" and waits for the end of its input.

#include <gc.h>
#include <stdint.h>
#include <stdio.h>

void *__crystal_malloc64(uint64_t bytes);
void *__crystal_malloc64(uint64_t bytes)
{
    return GC_malloc(bytes);
}

// As in Crystal 1.6: the bytes are added to rdi, and behind the call the number of the type is
// stored.
#define MAKER(name, symbol, bytes, id)                                                             \
    void *name(void);                                                                              \
    __asm__(".text\n"                                                                              \
            ".globl \"" symbol "\"\n.type \"" symbol "\", @function\n"                             \
            ".globl " #name "\n"                                                                   \
            "\"" symbol "\":\n" #name ":\n"                                                        \
            "  sub $8, %rsp\n"                                                                     \
            "  xor %edi, %edi\n"                                                                   \
            "  add $" #bytes ", %rdi\n"                                                            \
            "  call __crystal_malloc64\n"                                                          \
            "  mov %rax, %rdi\n"                                                                   \
            "  movl $" #id ", (%rdi)\n"                                                            \
            "  add $8, %rsp\n"                                                                     \
            "  ret\n"                                                                              \
            ".size \"" symbol "\", . - \"" symbol "\"\n")

MAKER(new_order, "*Order::new<Int32, (Order | Nil)>:Order", 0x18, 7);
MAKER(new_array, "*Array(Shop::Order)@Array(T)::new:Array(Shop::Order)", 0x28, 300);
// A function that stores Nil's number names nothing.
MAKER(new_nothing, "*Reader::new:Reader", 0x18, 0);

static void *kept[400];

int main(void)
{
    uint32_t count = 0;

    GC_INIT();
    for (int i = 0; i < 300; i++)
        kept[count++] = new_order();
    for (int i = 0; i < 20; i++)
        kept[count++] = new_array();
    for (int i = 0; i < 5; i++)
        kept[count++] = new_nothing();
    for (int i = 0; i < 40; i++) {
        uint32_t *string = GC_malloc_atomic(40);

        string[0] = 1;  // the number of String
        string[1] = 25; // bytes
        kept[count++] = string;
    }
    puts("ready");
    (void)fflush(stdout);
    (void)getchar();
    return kept[0] == NULL;
}
