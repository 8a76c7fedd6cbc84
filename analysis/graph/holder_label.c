// Naming holders: see analysis/graph/holder_label.h.

#include "analysis/graph/holder_label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/root_label.h"

static char *thread_words_label(const SnapshotDetails *details, const RootHolder *holder)
{
    char *thread = thread_label(details, holder->thread), *label = NULL;

    if (thread == NULL || asprintf(&label, "%s%s of %s", root_kind_name((RootKind)holder->kind),
                                   holder->kind == ROOT_REGISTER ? "s" : "", thread) < 0)
        label = NULL;
    free(thread);
    return label;
}

char *holder_label(const DominatorTree *tree, const RootHolder *holder)
{
    const HeapImage *image = tree->graph->image;
    char *label = NULL;

    switch ((HolderLevel)holder->level) {
    case HOLDER_ALL:
        return strdup("several roots");
    case HOLDER_CERTAINTY:
        return strdup(holder->is_exact ? "several exact roots" : "several roots");
    case HOLDER_KIND:
        return asprintf(&label, "several %s roots", root_kind_name((RootKind)holder->kind)) < 0
                   ? NULL
                   : label;
    case HOLDER_THREAD:
        return thread_words_label(image->details, holder);
    case HOLDER_WORD:
        return root_label(image->details,
                          &image->roots[tree->graph->roots[holder->graph_root].root]);
    }
    return NULL;
}
