// The glossary: see cli/glossary.h.

#include "cli/glossary.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LINE_COLUMNS 78
#define INDENT 4

const GlossaryTerm glossary_terms[] = {
    {"account", "Where the resident memory of a process was at its capture: the line \"memory\" of "
                "a report and the lines below it. Their sum is the kernel's count, as far as the "
                "use of the memory is known."},
    {"baseline", "An older heap of a program, from which its growth is measured: that of the last "
                 "release, after the same load."},
    {"block without content", "A block of malloc'd memory that holds no reference to the heap, and "
                              "to which an object or a foreign block leads: the bytes of a string. "
                              "Its place and size are recorded, and count with its owner."},
    {"budget", "A file of limits for a heap, with their reasons, and of leaks that are known. "
               "`rudo-snap check` compares a heap with it."},
    {"collector's memory", "Malloc'd blocks that the collector keeps for itself: control blocks of "
                           "threads, lists of pages, queues, buffers of writes. They are neither "
                           "suspects nor counted in shares, and where the program reaches an "
                           "object, their words do not count as other ways to it. Marking follows "
                           "them like all words."},
    {"conservative root", "A root that looks like a reference, but may be another value. The "
                          "marker treats it as a reference."},
    {"data type", "A type of the program with its fields, as debug information describes it. "
                  "By it the words of objects and blocks have names, and --precise "
                  "tells weak references and what is left over."},
    {"DEAD", "The flag in an object header that says that the program has dropped the object. See "
             "zombie."},
    {"digest",
     "A hash of the set of objects that a mark has marked. Two marks with the same digest "
     "marked the same objects."},
    {"dominator", "An object, block or root that lies on every path from the roots to another "
                  "object. Reports name the nearest dominator of an object under \"kept by\"."},
    {"exact root", "A root that the program has declared to be a reference."},
    {"field", "A named part of an object or block, by debug information. Fields of fields have "
              "dotted names."},
    {"fingerprint", "A hash of the pages, live objects, roots and blocks of a heap. Goldens and "
                    "schedules name their heap by it. The fingerprint of a suspect is one of the "
                    "path to the place where it accumulates, and of its type: a budget lists known "
                    "leaks by it."},
    {"foreign block", "A block of malloc'd memory that refers to the heap, such as the buffer of a "
                      "Vec. It is traced like an object."},
    {"foreign root", "A word of malloc'd memory that is treated as a root, because the blocks of "
                     "that memory are not known; or a word of shared memory."},
    {"frame", "A part of a snapshot file that is compressed by itself and has its own checksum."},
    {"garbage",
     "Objects that no root reaches, \"unreachable\" in JSON. A collection would free them."},
    {"generation", "The age of a page: 0 is young, anything above is old. A minor collection marks "
                   "only objects in young pages."},
    {"golden", "A file with the expected result of marking a heap, which `rudo-snap replay` "
               "compares with."},
    {"image", "The heap as loaded from a snapshot."},
    {"interior pointer", "A pointer to a place inside an object instead of its start. It counts as "
                         "a reference to the object."},
    {"invalid reference", "A word that points into a GC page, but not to an allocated object. The "
                          "marker skips it."},
    {"large object",
     "An object that does not fit into a slot of any size class. It has one or more "
     "pages to itself."},
    {"layout", "A description of where the page headers and object headers of a collector have "
               "their fields."},
    {"live object", "An object that is not a zombie. It is reachable or garbage."},
    {"mark", "To find all objects that the roots reach, as the first half of a collection does."},
    {"mark result", "The set of objects that a mark has marked."},
    {"object", "An allocated slot, or a large object. Counts of objects do not include zombies."},
    {"object header", "The first bytes of an object, with its type word and flags. Objects of the "
                      "smallest size classes have none."},
    {"owner thread", "The thread that allocated a page, by the number that the collector gave it."},
    {"page", "The unit in which the collector manages memory: a header and slots of one size, or "
             "one large object."},
    {"page header",
     "The first bytes of a page, with its slot size, owner thread, generation and bitmaps."},
    {"pause", "The time for which the threads of a process are stopped during a capture."},
    {"reachable", "Referred to by a root, directly or through other objects and foreign blocks."},
    {"redacted", "Said of a snapshot that has all counts and references, but no data of the "
                 "program."},
    {"residue",
     "Stale words that can be told as such: their place says that the value there is gone, "
     "and their object does not need them, by its reference count. A second figure "
     "says what is reachable without them."},
    {"retained size", "The size of everything that would become garbage if nothing referred to an "
                      "object any more, the object included."},
    {"retainer",
     "An object, a field of it, or a root that keeps other objects alive. A report that is "
     "compared with older heaps tells growth by retainer: where objects became more."},
    {"root",
     "A word outside of the heap that may refer to an object: on a stack, in a register, in "
     "a global or thread-local variable, or in other memory."},
    {"round", "One pass over the pages that a process has changed while it is copied. In the final "
              "round the process is stopped."},
    {"schedule", "The order in which the workers of a mark make their steps. A seed or a schedule "
                 "file reproduces it."},
    {"size class", "The size of the slots of a page, in bytes. An object is allocated in the "
                   "smallest size class that fits."},
    {"slot", "A cell of a page. It holds one object, or is free."},
    {"stale word", "A reference that remains in memory after its last use, such as in an "
                   "Option<Gc<T>> that became None. It counts as a reference."},
    {"suspect", "Many objects of one type that the program reaches in the same way, which together "
                "keep much memory alive: a possible leak, or a cache."},
    {"type word", "The word in an object header that tells the type of the object, such as the "
                  "address of its trace function."},
    {"weak reference", "A reference that does not keep its object alive. Without data types it "
                       "cannot be told from a strong one, and counts as one."},
    {"worker", "A thread that marks. With a schedule, workers are virtual: they take turns on one "
               "thread."},
    {"zombie", "An object that the program has dropped, but the collector has not swept yet. It is "
               "neither traced nor counted as an object."},
    {NULL, NULL},
};

const GlossaryTerm *glossary_find(const char *term)
{
    for (const GlossaryTerm *known = glossary_terms; known->term != NULL; known++)
        if (strcasecmp(known->term, term) == 0)
            return known;
    return NULL;
}

void glossary_print(const GlossaryTerm *term)
{
    const char *word = term->definition;
    int column = INDENT;

    printf("%s\n%*s", term->term, INDENT, "");
    while (*word != '\0') {
        int length = (int)strcspn(word, " ");

        if (column > INDENT && column + 1 + length > LINE_COLUMNS) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            printf(" ");
            column++;
        }
        printf("%.*s", length, word);
        column += length;
        word += length;
        word += strspn(word, " ");
    }
    printf("\n");
}
