// HeapDoubts: see analysis/check/heap_doubts.h.

#include "analysis/check/heap_doubts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/near_names.h"

static const char *const kind_names[DOUBT_KIND_COUNT] = {
    [DOUBT_INCOMPLETE] = "incomplete",
    [DOUBT_OVERLOOKED] = "overlooked",
    [DOUBT_NAMES] = "names",
    [DOUBT_SIZES] = "sizes",
    [DOUBT_FOREIGN_MODE] = "foreign-mode",
    [DOUBT_RULE] = "rule",
    [DOUBT_LAYOUT] = "layout",
    [DOUBT_PROGRAM] = "program",
    [DOUBT_SAME_FILE] = "same-file",
};

const char *doubt_kind_name(DoubtKind kind)
{
    return kind_names[kind];
}

static bool has_named_type(const ReachabilityReport *report)
{
    const TypeTable *table = report->type_table;

    for (uint32_t type = 0; type < table->type_count; type++)
        if (table->types[type].name != NULL)
            return true;
    return report->totals.objects == 0;
}

void heap_identity_make(const HeapImage *image, const ReachabilityReport *report, HeapIdentity *out)
{
    const SnapshotMetadata *metadata = &image->details->metadata;

    *out = (HeapIdentity){.is_complete = metadata->is_complete,
                          .has_references = metadata->references_counted,
                          .references_overlooked = metadata->references_overlooked,
                          .foreign_mode = metadata->foreign_mode,
                          .has_foreign_share = snapshot_metadata_has_foreign_share(metadata),
                          .has_names = has_named_type(report),
                          .knows_sizes = metadata->sized_blocks_recorded,
                          .rule = report->rule,
                          .page_size = image->layout.page_size,
                          .pid = metadata->pid,
                          .captured_at_ns = metadata->captured_at_ns};
    (void)snprintf(out->layout, sizeof out->layout, "%s", image->layout.name);
    (void)snprintf(out->executable, sizeof out->executable, "%s", metadata->executable);
    (void)snprintf(out->digest, sizeof out->digest, "%s", report->digest);
}

// ---- finding ----

static void add(const DoubtQuestion *question, HeapDoubts *out, DoubtKind kind, const char *format,
                ...) PRINTF_LIKE(4, 5);

static void add(const DoubtQuestion *question, HeapDoubts *out, DoubtKind kind, const char *format,
                ...)
{
    HeapDoubt *doubt = &out->doubts[out->count++];
    va_list arguments;

    doubt->kind = kind;
    doubt->is_allowed = (question->allowed >> kind & 1) != 0;
    va_start(arguments, format);
    (void)vsnprintf(doubt->text, sizeof doubt->text, format, arguments);
    va_end(arguments);
}

// Of one heap alone.
static void look_at(const DoubtQuestion *question, const HeapIdentity *heap, const char *name,
                    bool needs_sizes, HeapDoubts *out)
{
    if (!heap->is_complete)
        add(question, out, DOUBT_INCOMPLETE,
            "%s is incomplete: counts cover only the parts that are present", name);
    if (heap->references_overlooked > 0)
        add(question, out, DOUBT_OVERLOOKED,
            "references are overlooked in %s: %" PRIu64
            " object%s fewer than %s own count says, so what is reachable is not known",
            name, heap->references_overlooked, heap->references_overlooked == 1 ? " has" : "s have",
            heap->references_overlooked == 1 ? "its" : "their");
    if (question->misses_names && !heap->has_names)
        add(question, out, DOUBT_NAMES,
            "no type of %s has a name, so a type that a limit names cannot be told from the others",
            name);
    if (needs_sizes && !heap->knows_sizes)
        add(question, out, DOUBT_SIZES,
            "the sizes of malloc'd blocks were not recorded in %s, so they are not counted", name);
}

static const char *share_of(const HeapIdentity *heap)
{
    return heap->has_foreign_share ? ", much of it as roots" : "";
}

static void compare(const DoubtQuestion *question, HeapDoubts *out)
{
    const HeapIdentity *heap = question->heap, *before = question->baseline;
    const char *name = question->heap_name, *before_name = question->baseline_name;

    if (heap->foreign_mode != before->foreign_mode ||
        heap->has_foreign_share != before->has_foreign_share)
        add(question, out, DOUBT_FOREIGN_MODE,
            "malloc'd memory was treated as '%s'%s in %s, as '%s'%s in %s",
            foreign_mode_name(before->foreign_mode), share_of(before), before_name,
            foreign_mode_name(heap->foreign_mode), share_of(heap), name);
    if (strcmp(heap->rule, before->rule) != 0)
        add(question, out, DOUBT_RULE, "%s is marked by the rule %s, %s by %s", before_name,
            before->rule, name, heap->rule);
    if (strcmp(heap->layout, before->layout) != 0 || heap->page_size != before->page_size)
        add(question, out, DOUBT_LAYOUT,
            "%s has the layout %s (pages of %" PRIu32 " bytes), %s has %s (%" PRIu32 ")",
            before_name, before->layout, before->page_size, name, heap->layout, heap->page_size);
    if (strcmp(heap->executable, before->executable) != 0)
        add(question, out, DOUBT_PROGRAM, "%s is of the program '%s', %s of '%s'", before_name,
            before->executable, name, heap->executable);
    if (heap->pid == before->pid && heap->captured_at_ns == before->captured_at_ns &&
        strcmp(heap->digest, before->digest) == 0)
        add(question, out, DOUBT_SAME_FILE, "%s and %s are the same snapshot", before_name, name);
}

void heap_doubts_find(const DoubtQuestion *question, HeapDoubts *out)
{
    out->count = 0;
    look_at(question, question->heap, question->heap_name, question->needs_sizes, out);
    if (question->baseline == NULL)
        return;
    look_at(question, question->baseline, question->baseline_name, question->needs_sizes_before,
            out);
    compare(question, out);
}

bool heap_doubts_matter(const HeapDoubts *doubts)
{
    for (uint32_t i = 0; i < doubts->count; i++)
        if (!doubts->doubts[i].is_allowed)
            return true;
    return false;
}

// ---- names ----

static const char *name_at(const void *context, uint64_t index)
{
    (void)context;
    return kind_names[index];
}

bool doubt_kinds_add(DoubtKinds *kinds, const char *text, Error *error)
{
    const char *near[1];

    for (int kind = 0; kind < DOUBT_KIND_COUNT; kind++)
        if (strcmp(text, kind_names[kind]) == 0) {
            *kinds |= UINT32_C(1) << kind;
            return true;
        }
    (void)error_set(error, ERROR_USAGE, "--allow: there is no reason '%s'", text);
    if (near_names_find((NameList){.count = DOUBT_KIND_COUNT, .name = name_at}, text, near, 1) > 0)
        return error_add_hint(error, "did you mean '%s'?", near[0]);
    return error_add_hint(error,
                          "reasons: incomplete, overlooked, names, sizes, foreign-mode, rule, "
                          "layout, program, same-file");
}
