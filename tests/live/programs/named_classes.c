// A program on the Boehm collector with the table of types that compilers of Crystal from 1.16.2 on
// make: an array of Strings, by the number of the type. Prints "ready" and waits for the end of its
// input.

#include <gc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct String {
    int32_t type;
    int32_t bytes;
    int32_t characters;
    char text[32];
} String;

#define STRING_TYPE 2
#define STRING(text)                                                                               \
    &(const String)                                                                                \
    {                                                                                              \
        STRING_TYPE, sizeof(text) - 1, sizeof(text) - 1, text                                      \
    }

extern const String *const __crystal_type_id_to_class_name_map[8];
const String *const __crystal_type_id_to_class_name_map[8] = {
    STRING("Nil"),
    STRING("Int32"),
    STRING("String"),
    STRING("Order"),
    STRING("Array(Order)"),
    STRING("Hash(Int32, String)"),
    NULL,
    STRING("Point"),
};

static void *kept[1000];
static uint32_t count;

static void keep(uint32_t type, size_t bytes, int times)
{
    for (int i = 0; i < times; i++) {
        uint32_t *object = GC_malloc(bytes);

        object[0] = type;
        kept[count++] = object;
    }
}

int main(void)
{
    GC_INIT();
    keep(3, 40, 300);
    keep(4, 24, 20);
    keep(7, 24, 10);
    keep(1, 24, 30); // integers have no number
    keep(3, 200, 3); // buffers that begin with such a number
    keep(900, 24, 5);
    for (int i = 0; i < 40; i++) {
        String *string = GC_malloc_atomic(i == 0 ? 100013 : sizeof *string);

        *string = (String){.type = STRING_TYPE, .bytes = i == 0 ? 100000 : 24};
        kept[count++] = string;
    }
    for (int i = 0; i < 7; i++) {
        uint32_t *numbers = GC_malloc_atomic(64); // of which the first is the number of String

        memset(numbers, 0x11, 64);
        numbers[0] = STRING_TYPE;
        kept[count++] = numbers;
    }
    puts("ready");
    (void)fflush(stdout);
    (void)getchar();
    return kept[0] == NULL;
}
