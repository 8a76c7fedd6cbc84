// The limits of a check: see cli/commands/check/check_limits.h.

#include "cli/commands/check/check_limits.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/check/limit_check.h"

void check_limits_release(CheckLimits *limits)
{
    for (uint32_t i = 0; i < limits->count; i++)
        limit_finding_release(&limits->limits[i].finding);
    free(limits->limits);
    for (uint32_t i = 0; i < limits->given_count; i++)
        heap_limit_release(&limits->given[i]);
    budget_release(&limits->budget);
    *limits = (CheckLimits){.count = 0};
}

static int compare_places(const void *left, const void *right)
{
    const CheckedLimit *a = *(const CheckedLimit *const *)left;
    const CheckedLimit *b = *(const CheckedLimit *const *)right;
    int order = strcmp(a->limit->text, b->limit->text);

    return order != 0 ? order : a < b ? -1 : a > b;
}

// Leaves out limits whose text was given before.
static bool drop_repeated(CheckLimits *out, Error *error)
{
    CheckedLimit **order = calloc((size_t)out->count + 1, sizeof(CheckedLimit *));
    uint32_t kept = 0;

    if (order == NULL)
        return error_set_memory(error, out->count * sizeof(CheckedLimit *), "limits");
    for (uint32_t i = 0; i < out->count; i++)
        order[i] = &out->limits[i];
    qsort(order, out->count, sizeof(CheckedLimit *), compare_places);
    for (uint32_t i = 0, first = 0; i < out->count; i++) {
        if (strcmp(order[first]->limit->text, order[i]->limit->text) != 0)
            first = i;
        if (i != first)
            order[i]->limit = NULL;
    }
    // `order` may point to limits that are moved: its texts are not read any more.
    for (uint32_t i = 0; i < out->count; i++)
        if (out->limits[i].limit != NULL)
            out->limits[kept++] = out->limits[i];
    out->repeated = out->count - kept;
    out->count = kept;
    free(order);
    return true;
}

static bool gather(CheckLimits *out, Error *error)
{
    uint32_t all = out->budget.limit_count + out->given_count;

    out->limits = calloc((size_t)all + 1, sizeof *out->limits);
    if (out->limits == NULL)
        return error_set_memory(error, all * sizeof *out->limits, "limits");
    for (uint32_t i = 0; i < out->budget.limit_count; i++) {
        const BudgetLimit *limit = &out->budget.limits[i];

        out->limits[out->count++] =
            (CheckedLimit){.limit = &limit->limit, .line = limit->line, .reason = limit->reason};
    }
    for (uint32_t i = 0; i < out->given_count; i++)
        out->limits[out->count++] = (CheckedLimit){.limit = &out->given[i], .reason = ""};
    return drop_repeated(out, error);
}

static bool check_use(CheckLimits *out, bool has_baseline, Error *error)
{
    if (out->count == 0) {
        (void)error_set(error, ERROR_USAGE,
                        out->budget_path == NULL ? "no limit is given" : "'%s' has no limit",
                        out->budget_path);
        return error_add_hint(error, "such as --limit 'count(shop::Order) <= 1000'; --budget FILE "
                                     "reads limits from a file");
    }
    for (uint32_t i = 0; i < out->count; i++) {
        out->needs |= limit_needs(out->limits[i].limit);
        if (has_baseline || !heap_limit_compares(out->limits[i].limit))
            continue;
        (void)error_set(error, ERROR_USAGE, "'%s' needs an older heap to compare with",
                        out->limits[i].limit->text);
        return error_add_hint(error, "--baseline OLD.zst names it");
    }
    // Leaks that are listed are looked for.
    if (out->budget.known_count > 0)
        out->needs |= LIMIT_NEEDS_GRAPH | LIMIT_NEEDS_TREE | LIMIT_NEEDS_FINDINGS;
    return true;
}

bool check_limits_make(const char *budget_path, const OptionTexts *texts, bool has_baseline,
                       CheckLimits *out, Error *error)
{
    *out = (CheckLimits){.budget_path = budget_path};
    if (budget_path != NULL && !budget_read(budget_path, &out->budget, error))
        return false;
    for (; out->given_count < texts->count; out->given_count++)
        if (!heap_limit_parse(texts->values[out->given_count], "--limit",
                              &out->given[out->given_count], error))
            return false;
    return gather(out, error) && check_use(out, has_baseline, error);
}

void check_limits_match(CheckLimits *limits, LeakFindings *findings)
{
    for (uint32_t i = 0; i < limits->budget.known_count; i++) {
        KnownLeak *known = &limits->budget.known[i];

        for (uint32_t j = 0; j < findings->count; j++)
            if (strcmp(findings->findings[j].fingerprint, known->fingerprint) == 0) {
                findings->findings[j].is_known = true;
                known->is_found = true;
            }
    }
}
