// Control groups: see base/machine/control_groups.h.

#include "base/machine/control_groups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096u

static bool read_text(const char *path, char text[CONTROL_GROUP_TEXT_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t got = 0;

    if (fd < 0)
        return false;
    while (used + 1 < CONTROL_GROUP_TEXT_BYTES) {
        got = read(fd, text + used, CONTROL_GROUP_TEXT_BYTES - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    (void)close(fd);
    text[used] = '\0';
    return got >= 0;
}

bool control_group_read(const char *folder, const char *name, char text[CONTROL_GROUP_TEXT_BYTES])
{
    char path[PATH_BYTES];

    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
           read_text(path, text);
}

// Does the list of controllers, as in "3:cpu,memory:/", have this one?
static bool has_controller(const char *line, const char *controller)
{
    const char *list = strchr(line, ':');
    size_t length = list == NULL ? 0 : strcspn(list + 1, ":\n"), wanted = strlen(controller);

    for (const char *at = list; at != NULL && at <= list + length; at = strchr(at + 1, ','))
        if (strncmp(at + 1, controller, wanted) == 0 && strchr(",:", at[wanted + 1]) != NULL)
            return true;
    return false;
}

// The path of this process's group, as a line of `text` says, cut off there; "": none does.
static const char *own_group(char *text, const char *controller)
{
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        char *path;

        line += *line == '\n';
        if (controller != NULL ? !has_controller(line, controller) : strncmp(line, "0::/", 4) != 0)
            continue;
        path = strchr(strchr(line, ':') + 1, ':') + 1;
        path[strcspn(path, "\n")] = '\0';
        // "/../other": a group outside of what is mounted here.
        return strncmp(path, "/..", 3) == 0 ? "/" : path;
    }
    return "";
}

void control_groups_visit(const ControlGroups *groups, ControlGroupVisit visit, void *context)
{
    char text[CONTROL_GROUP_TEXT_BYTES], folder[PATH_BYTES];
    const char *own = "";
    size_t length;

    if (groups->root == NULL)
        return;
    if (read_text(groups->own_groups, text))
        own = own_group(text, groups->controller);
    if (own[0] != '/' ||
        snprintf(folder, sizeof folder, "%s%s", groups->root, own) >= (int)sizeof folder)
        return;
    length = strlen(folder);
    while (length > strlen(groups->root) && folder[length - 1] == '/')
        folder[--length] = '\0';
    for (;;) {
        visit(context, folder);
        if (strlen(folder) <= strlen(groups->root))
            return;
        *strrchr(folder, '/') = '\0';
    }
}
