// Root: see snapshot/heap/root.h.

#include "snapshot/heap/root.h"

const char *root_kind_name(RootKind kind)
{
    static const char *const names[ROOT_KIND_COUNT] = {
        [ROOT_STACK] = "stack",       [ROOT_REGISTER] = "register", [ROOT_GLOBAL] = "global",
        [ROOT_TLS] = "tls",           [ROOT_HANDLE] = "handle",     [ROOT_FOREIGN] = "foreign",
        [ROOT_EXPLICIT] = "explicit",
    };

    return (unsigned)kind < ROOT_KIND_COUNT ? names[kind] : "unknown";
}

int root_compare(const void *left, const void *right)
{
    const Root *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->thread != b->thread)
        return a->thread < b->thread ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->is_exact < b->is_exact ? -1 : a->is_exact > b->is_exact;
}
