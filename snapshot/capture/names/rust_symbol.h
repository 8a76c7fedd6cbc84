// Readable names for symbols: the only door to a demangler (libiberty's).

#ifndef SNAPSHOT_CAPTURE_NAMES_RUST_SYMBOL_H
#define SNAPSHOT_CAPTURE_NAMES_RUST_SYMBOL_H

// The symbol as a person would write it: without `.llvm.1234` (which keeps the names of
// functions from different compilation units apart), legacy and v0 mangling undone, hashes
// left out; C++ mangling undone, parameters left out. Other names stay as they are, and so does a
// symbol whose readable name would have more than 16 KiB. Always clean text. NULL when memory is
// short; the caller frees it.
char *rust_symbol_demangle(const char *symbol);

#endif
