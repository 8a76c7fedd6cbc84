// The explanation of pages: see cli/commands/page_explanation_output.h.

#include "cli/commands/page_explanation_output.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/terminal.h"
#include "cli/text_table.h"

// Groups that are printed, of valid pages and of others.
#define SHOWN_GROUPS 20u

static void print_heading(const PageExplanation *explanation)
{
    const HeapLayout *layout = &explanation->layout;
    char count[2][NUMBER_CHARS];

    print_text(stdout, explanation->executable);
    printf(" (pid %d), layout ", explanation->pid);
    print_text(stdout, layout->name);
    printf(": %s valid page%s", format_count(count[0], explanation->valid_pages),
           plural(explanation->valid_pages));
    if (explanation->page_count > explanation->valid_pages)
        printf(", %s not valid",
               format_count(count[1], explanation->page_count - explanation->valid_pages));
    printf("\n  searched     %s place%s where a page of %" PRIu32 " bytes may begin, in private "
           "writable memory\n",
           format_count(count[0], explanation->searched_pages), plural(explanation->searched_pages),
           layout->page_size);
    printf("  begin with   magic 0x%" PRIx64 " at offset %u: %s of them\n", layout->magic_value,
           layout->magic.offset, format_count(count[0], explanation->page_count));
}

// The way out where no page begins with the magic.
static void print_strays(const PageExplanation *explanation)
{
    const HeapLayout *layout = &explanation->layout;
    char count[2][NUMBER_CHARS];

    if (explanation->page_count > 0 || layout->magic.width < 4)
        return;
    if (explanation->stray_count == 0) {
        printf(
            "\nThe magic lies nowhere in private writable memory. Is its value, read as %u bytes, "
            "lowest first, right?\n",
            layout->magic.width);
        return;
    }
    printf("\nThe magic lies at %s other place%s, the first at 0x%" PRIx64 "; %s of them at offset "
           "%" PRIu32 " of a page.\n",
           format_count(count[0], explanation->stray_count), plural(explanation->stray_count),
           explanation->stray_first, format_count(count[1], explanation->stray_at_offset),
           explanation->stray_offset);
    if (explanation->stray_offset % LAYOUT_MIN_PAGE_SIZE == layout->magic.offset)
        printf("Are pages aligned to less than page_size, %" PRIu32 "?\n", layout->page_size);
    else
        printf("Is the offset of 'magic' %" PRIu32 "?\n", explanation->stray_offset);
}

static void add_row(TextTable *table, const char *state, uint64_t address, uint64_t pages,
                    const char *text)
{
    char where[32], count[NUMBER_CHARS];

    (void)snprintf(where, sizeof where, "0x%" PRIx64, address);
    text_table_add(table, (const char *[]){state, format_count(count, pages), where, text});
}

// Groups with valid pages, or those with others.
static void print_groups(const PageExplanation *explanation, bool is_valid)
{
    uint64_t shown = 0, left_groups = 0, left_pages = 0;
    char count[2][NUMBER_CHARS];
    TextTable table;

    text_table_init(&table, "lrll");
    for (uint32_t i = 0; i < explanation->group_count; i++) {
        const ExplainedGroup *group = &explanation->groups[i];

        if (group->is_valid != is_valid)
            continue;
        if (shown == 0)
            text_table_add(&table,
                           (const char *[]){"", "pages", "the first", is_valid ? "" : "why"});
        if (shown < SHOWN_GROUPS) {
            add_row(&table, is_valid ? "valid" : "not valid", group->first_address,
                    group->page_count, group->text);
            shown++;
        } else {
            left_groups++;
            left_pages += group->page_count;
        }
    }
    if (shown > 0)
        printf("\n");
    text_table_print(&table, stdout);
    if (left_groups > 0)
        printf("and %s page%s of %s further kind%s; --verbose shows all\n",
               format_count(count[0], left_pages), plural(left_pages),
               format_count(count[1], left_groups), plural(left_groups));
}

static void print_pages(const PageExplanation *explanation)
{
    if (explanation->page_count > 0)
        printf("\n");
    for (uint64_t i = 0; i < explanation->page_count; i++) {
        const ExplainedPage *page = &explanation->pages[i];
        const ExplainedGroup *group = &explanation->groups[page->group];

        printf("0x%" PRIx64 "  %-9s  ", page->address, group->is_valid ? "valid" : "not valid");
        print_text(stdout, group->text);
        printf("\n");
    }
}

void print_page_explanation(const PageExplanation *explanation, bool has_all)
{
    print_heading(explanation);
    if (has_all) {
        print_pages(explanation);
    } else {
        print_groups(explanation, true);
        print_groups(explanation, false);
    }
    print_strays(explanation);
}
