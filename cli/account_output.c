// The account of the resident memory, for people: see cli/account_output.h.

#include "cli/account_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal.h"

// Of the name, the bytes and the share of a part, and the gap behind them.
#define PART_COLUMNS 44u

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
    if (what[0] == '\0') {
        printf("\n");
        return;
    }
    printf("   ");
    print_prose_at(stdout, PART_COLUMNS, PART_COLUMNS, "%s", what);
}

static void print_pages(const MemoryAccount *account, const HeapLayout *layout)
{
    const struct {
        const char *name;
        uint64_t bytes;
    } parts[] = {
        {"objects", account->objects},
        {"zombies", account->zombies},
        {"free slots", account->free_slots},
        {heap_layout_has_page_headers(layout) ? "headers" : "ends of blocks",
         account->page_headers},
    };
    char text[NUMBER_CHARS], all[4 * NUMBER_CHARS] = "";

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].bytes > 0) {
            size_t used = strlen(all);

            (void)snprintf(all + used, sizeof all - used, "%s%s %s", used > 0 ? ", " : "",
                           parts[i].name, format_bytes(text, parts[i].bytes));
        }
    print_simple("GC pages",
                 account->objects + account->zombies + account->free_slots + account->page_headers,
                 account, all);
}

static void print_owned(const MemoryAccount *account, const ForeignOwner *owner, const char *type)
{
    char bytes[NUMBER_CHARS], *text = NULL;

    if (owner == NULL || asprintf(&text, "strings and buffers of %s %s", type,
                                  format_bytes(bytes, owner->bytes + owner->sized_bytes)) < 0)
        text = NULL;
    print_simple("malloc, of objects", account->owned_blocks, account, text != NULL ? text : "");
    free(text);
}

// The type whose objects own most; NULL: none does.
static const ForeignOwner *find_owner(const HeapReport *report)
{
    const HeapGroups *groups = &report->groups;

    for (uint32_t i = 0; i < groups->owner_count; i++)
        if (groups->owners[i].type < report->reachability->type_table->type_count)
            return &groups->owners[i];
    return NULL;
}

void account_output_print(const HeapReport *report)
{
    const MemoryAccount *account = &report->image->details->metadata.account;
    const ForeignOwner *owner = find_owner(report);
    uint64_t collector_bytes = report->collector->block_bytes;
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
    print_pages(account, &report->image->layout);
    print_owned(account, owner,
                owner != NULL ? report->reachability->type_table->types[owner->type].label : "");
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
