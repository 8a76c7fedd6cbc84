// The place of a route as text: the objects and fields on the way to its nodes.
//
//     shop::App.audit.subscribers
//     shop::App+136 -> shop::Topic+88          where fields have no names

#ifndef ANALYSIS_ROUTES_ROUTE_LABEL_H
#define ANALYSIS_ROUTES_ROUTE_LABEL_H

#include "analysis/routes/type_routes.h"

// The objects above a route; blocks belong to them. "" right below roots and below blocks of roots.
// The caller frees it; NULL when memory is short.
char *route_label(const TypeRoutes *routes, uint32_t route);

// ".subscribers", "+88": the field by which the place of a route refers to its nodes. False: not
// known, or the place is a block or a root.
bool route_field_label(const TypeRoutes *routes, uint32_t route, EdgeLabel *label);

// "memory of thread 'main', frame #2 shop::serve+0x40": the root word that explains best why a node
// is alive, without its address. NULL: no root refers to it, or memory is short. The caller frees
// it.
char *route_root_text(const ObjectGraph *graph, uint32_t node);

// The label of a route, or of the roots above it where it has none: never "". The caller frees it;
// NULL when memory is short.
char *route_place_text(const TypeRoutes *routes, uint32_t route);

#define ROUTE_FINGERPRINT_CHARS 9u

// "9f31c2aa": what is accumulated where, by the label of a route and that of its type; and of
// objects that roots refer to, by the name of the variable, if there is one (variable:
// TypeRoute.variable). The same in every run of a program, whatever addresses, threads and counts
// are, and in every build in which the fields on the way have the same names. Errors: memory.
NODISCARD bool route_fingerprint(const char *label, const char *type, uint64_t variable,
                                 char out[ROUTE_FINGERPRINT_CHARS], Error *error);

// Is the text a fingerprint? Capital letters are taken, too.
bool route_fingerprint_is_valid(const char *text);

#endif
