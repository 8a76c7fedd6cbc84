// The account of the resident memory, for people: see cli/account_output.h.

#include "cli/account_output.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/terminal.h"

static void print_part(const char *name, uint64_t bytes, const MemoryAccount *account)
{
    char text[NUMBER_CHARS], share[NUMBER_CHARS];

    printf("  %-19s %10s  %7s", name, format_bytes(text, bytes),
           format_share(share, bytes, account->resident));
}

static void print_simple(const char *name, uint64_t bytes, const MemoryAccount *account,
                         const char *what)
{
    if (bytes == 0)
        return;
    print_part(name, bytes, account);
    printf("%s%s\n", what[0] != '\0' ? "   " : "", what);
}

static void print_pages(const MemoryAccount *account)
{
    const struct {
        const char *name;
        uint64_t bytes;
    } parts[] = {
        {"objects", account->objects},
        {"zombies", account->zombies},
        {"free slots", account->free_slots},
        {"headers", account->page_headers},
    };
    char text[NUMBER_CHARS];
    const char *separator = "   ";

    print_part("GC pages",
               account->objects + account->zombies + account->free_slots + account->page_headers,
               account);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].bytes > 0) {
            printf("%s%s %s", separator, parts[i].name, format_bytes(text, parts[i].bytes));
            separator = ", ";
        }
    printf("\n");
}

// The type of object that owns most bytes of blocks without content; NO_INDEX: none does.
static uint32_t find_owner(const NodeTypes *types, uint64_t *most)
{
    const ObjectGraph *graph = types->graph;
    const SnapshotDetails *details = graph->image->details;
    uint64_t *bytes = calloc((size_t)types->type_count + 1, sizeof *bytes);
    uint32_t owner = NO_INDEX;

    *most = 0;
    for (uint32_t block = 0; bytes != NULL && block < details->sized_block_count; block++) {
        uint32_t node = object_graph_sized_node(graph, block);

        if (node < graph->object_count)
            bytes[types->by_node[node]] += sized_block_bytes(&details->sized_blocks[block]);
    }
    for (uint32_t type = 0; bytes != NULL && type < types->type_count; type++)
        if (bytes[type] > *most) {
            *most = bytes[type];
            owner = type;
        }
    free(bytes);
    return owner;
}

static void print_owned(const MemoryAccount *account, const NodeTypes *types)
{
    char text[NUMBER_CHARS];
    uint64_t most = 0;
    uint32_t owner = types != NULL ? find_owner(types, &most) : NO_INDEX;

    if (account->owned_blocks == 0)
        return;
    print_part("malloc, of objects", account->owned_blocks, account);
    if (owner != NO_INDEX) {
        printf("   strings and buffers of ");
        print_text(stdout, node_types_label(types, owner));
        printf(" %s", format_bytes(text, most));
    }
    printf("\n");
}

void account_output_print(const MemoryAccount *account, const NodeTypes *types,
                          uint64_t collector_bytes)
{
    // A block may be larger than its resident part.
    uint64_t collector =
        collector_bytes < account->rooted_blocks ? collector_bytes : account->rooted_blocks;
    uint64_t explained = memory_account_explained(account);
    char text[NUMBER_CHARS];

    if (!account->is_recorded) {
        printf("memory       not recorded\n");
        return;
    }
    printf("memory       resident %s = 100 %%\n", format_bytes(text, account->resident));
    print_pages(account);
    print_owned(account, types);
    print_simple("malloc, shared", account->shared_blocks, account,
                 "of objects, and kept by other memory as well");
    print_simple("collector itself", collector, account, "tables, queues and buffers");
    print_simple("malloc, of roots", account->rooted_blocks - collector, account,
                 "leads to objects, but no object refers to it");
    print_simple("malloc, others", account->other_blocks, account, "not referred to by any object");
    print_simple("malloc, free", account->free_blocks, account,
                 "freed, not returned to the system; headers of blocks");
    print_simple("stacks", account->stacks, account, "");
    print_simple("variables", account->variables, account, "");
    print_simple("code and files", account->files, account, "");
    print_simple("other", account->other, account, "private memory of unknown use");
    if (explained <= account->resident)
        print_simple("unexplained", account->resident - explained, account, "");
    else
        print_simple("not resident", explained - account->resident, account,
                     "of these: swapped out, or written meanwhile");
}
