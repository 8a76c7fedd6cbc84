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

#define ROUTE_FINGERPRINT_CHARS 9u

// "9f31c2aa": what is accumulated where, by the label of a route and that of its type. The same in
// every run and every build of a program in which the fields on the way have the same names.
void route_fingerprint(const char *label, const char *type, char text[ROUTE_FINGERPRINT_CHARS]);

#endif
