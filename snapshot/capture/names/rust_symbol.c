// Readable names for symbols: see snapshot/capture/names/rust_symbol.h.

#include "snapshot/capture/names/rust_symbol.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"

// A few hundred bytes of v0 mangling can describe a name of gigabytes (back references), and
// symbols come from untrusted files.
#define MAX_NAME_BYTES 16384u

// The output of the demangler.
typedef struct Demangling {
    jmp_buf too_long;
    size_t length;
    char text[MAX_NAME_BYTES];
} Demangling;

static void collect(const char *text, size_t length, void *context)
{
    Demangling *demangling = context;

    // The demangler cannot be stopped otherwise. It may lose a little memory by that.
    if (length >= MAX_NAME_BYTES - demangling->length)
        longjmp(demangling->too_long, 1);
    memcpy(demangling->text + demangling->length, text, length);
    demangling->length += length;
}

// Cuts ".llvm.DIGITS" (or hex, in older compilers) off the end.
static void strip_llvm_suffix(char *symbol)
{
    char *suffix = strstr(symbol, ".llvm.");

    if (suffix == NULL || suffix == symbol)
        return;
    if (strspn(suffix + strlen(".llvm."), "0123456789abcdefABCDEF@") ==
        strlen(suffix) - strlen(".llvm."))
        *suffix = '\0';
}

// False when `mangled` is neither a Rust nor a C++ symbol, or its name is too long. (A Rust program
// may be linked with C++.) C++ functions are named without their parameters.
static bool demangle(Demangling *demangling, const char *mangled)
{
    demangling->length = 0;
    if (setjmp(demangling->too_long) != 0 ||
        (rust_demangle_callback(mangled, DMGL_RUST, collect, demangling) == 0 &&
         cplus_demangle_v3_callback(mangled, DMGL_ANSI, collect, demangling) == 0))
        return false;
    demangling->text[demangling->length] = '\0';
    return true;
}

char *rust_symbol_demangle(const char *symbol)
{
    Demangling *demangling;
    char *name = strdup(symbol);
    char *readable;

    if (name == NULL)
        return NULL;
    strip_llvm_suffix(name);
    demangling = strlen(name) < MAX_NAME_BYTES ? malloc(sizeof *demangling) : NULL;
    if (demangling != NULL && demangle(demangling, name)) {
        readable = strdup(demangling->text);
        free(name);
    } else {
        readable = name;
    }
    free(demangling);
    if (readable != NULL)
        text_clean(readable, strlen(readable), TEXT_ONE_LINE);
    return readable;
}
