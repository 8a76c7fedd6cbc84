// Tables of a session's heap: see cli/commands/ask/heap_tables_session.h.

#include "cli/commands/ask/heap_tables_session.h"

#include <stdio.h>

#include "cli/capture_notes.h"

static bool need(void *context, HeapTables *tables, TableNeed what, Error *error)
{
    HeapSession *session = context;
    bool ok = what == NEED_TREE ? heap_session_need_tree(session, error)
                                : heap_session_need_program(session, error);

    tables->graph = session->graph;
    tables->types = session->types;
    tables->tree = session->tree;
    return ok;
}

bool heap_tables_open(HeapTables *tables, HeapSession *session, Error *error)
{
    *tables = (HeapTables){
        .image = session->image,
        .mark = session->mark,
        .report = session->report,
        .graph = session->graph,
        .types = session->types,
        .tree = session->tree,
        .need = need,
        .context = session,
    };
    return heap_tables_init(tables, error);
}

void heap_tables_print_notes(const HeapSession *session)
{
    const SnapshotMetadata *metadata = &session->image->details->metadata;

    if (!metadata->is_complete)
        print_capture_notes(stderr, metadata, true);
}
