// Control groups: the folders in which the kernel shows the limits that this process runs under, as
// those of a container.

#ifndef BASE_MACHINE_CONTROL_GROUPS_H
#define BASE_MACHINE_CONTROL_GROUPS_H

#include <stdbool.h>

// Where the kernel shows them; tests have others.
typedef struct ControlGroups {
    const char *own_groups; // /proc/self/cgroup
    const char *root;       // where the groups are mounted; NULL: nowhere
    const char *controller; // of version 1, such as "memory"; NULL: version 2
} ControlGroups;

// Takes the folder of one group.
typedef void (*ControlGroupVisit)(void *context, const char *folder);

// Calls `visit` for the group of this process and for each group above it: the limits of all apply.
// In a container the named groups may not exist; its own group is the root then, which is always
// visited.
void control_groups_visit(const ControlGroups *groups, ControlGroupVisit visit, void *context);

// The start of a group's file as a string; longer files are cut. False: it cannot be read.
#define CONTROL_GROUP_TEXT_BYTES 16384u
bool control_group_read(const char *folder, const char *name, char text[CONTROL_GROUP_TEXT_BYTES]);

#endif
