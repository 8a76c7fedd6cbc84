// Labels of the holders above the objects of a dominator tree.

#ifndef ANALYSIS_GRAPH_HOLDER_LABEL_H
#define ANALYSIS_GRAPH_HOLDER_LABEL_H

#include "analysis/graph/dominator_tree.h"

// "several roots", "several exact roots", "several stack roots", "stack of thread 'worker-3'", or
// the label of a root word. The caller frees it; NULL when memory is short.
char *holder_label(const DominatorTree *tree, const RootHolder *holder);

#endif
