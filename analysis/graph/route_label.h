// The place of a route as text: the objects and fields on the way to its nodes.
//
//     shop::App.audit.subscribers
//     shop::App+136 -> shop::Topic+88          where fields have no names

#ifndef ANALYSIS_GRAPH_ROUTE_LABEL_H
#define ANALYSIS_GRAPH_ROUTE_LABEL_H

#include "analysis/graph/type_routes.h"

// The objects above a route; blocks belong to them. "" right below roots and below blocks of roots.
// The caller frees it; NULL when memory is short.
char *route_label(const TypeRoutes *routes, uint32_t route);

#endif
