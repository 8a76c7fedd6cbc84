// LeakFindings: see analysis/check/leak_findings.h.

#include "analysis/check/leak_findings.h"

#include <stdlib.h>

void leak_findings_release(LeakFindings *findings)
{
    for (uint32_t i = 0; i < findings->count; i++)
        free(findings->findings[i].path);
    findings->count = 0;
}

bool leak_findings_make(const HeapReport *report, LeakFindings *out, Error *error)
{
    const ObjectGraph *graph = report->tree->graph;

    out->count = 0;
    if (!leak_suspects_find(report->routes, heap_report_program_bytes(report),
                            report->older != NULL ? report->older->routes : NULL,
                            report->older != NULL ? report->older->count : 0, MOST_SUSPECTS,
                            &out->suspects, error))
        return false;
    while (out->count < out->suspects.count) {
        const LeakSuspect *suspect = &out->suspects.suspects[out->count];
        LeakFinding *finding = &out->findings[out->count++];

        *finding = (LeakFinding){.suspect = suspect,
                                 .path = route_label(report->routes, suspect->route),
                                 .type = node_types_label(report->types, suspect->type),
                                 .example = object_graph_address(graph, suspect->example)};
        if (finding->path == NULL)
            return error_set_memory(error, 64, "the path of a suspect");
        if (!route_fingerprint(finding->path, finding->type,
                               report->routes->routes[suspect->route].variable,
                               finding->fingerprint, error))
            return false;
    }
    return true;
}
