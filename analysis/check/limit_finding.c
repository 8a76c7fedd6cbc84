// LimitFinding: see analysis/check/limit_finding.h.

#include "analysis/check/limit_finding.h"

#include <stdlib.h>

const char *limit_figure_name(LimitFigure figure)
{
    switch (figure) {
    case FIGURE_OBJECTS:
        return "objects";
    case FIGURE_BYTES:
        return "bytes";
    case FIGURE_PAGES:
        return "pages";
    case FIGURE_SLOTS:
        return "slots";
    case FIGURE_SUSPECTS:
        return "suspects";
    case FIGURE_PATHS:
        return "paths";
    case FIGURE_NONE:
        break;
    }
    return "none";
}

void limit_finding_release(LimitFinding *finding)
{
    free(finding->types);
    free(finding->kept_by);
    free(finding->example);
    *finding = (LimitFinding){.is_exceeded = false};
}

// 100 per cent, in the units of HeapLimit.amount.
#define WHOLE ((WideValue)100 * (WideValue)LIMIT_PERCENT_SCALE)

void limit_finding_judge(LimitFinding *finding, const HeapLimit *limit, WideValue value,
                         uint64_t base)
{
    bool is_share = limit->unit == LIMIT_PERCENT;
    // The limit in WHOLEths: at most 2^64 times 2^50.
    WideValue limit_parts = (is_share ? (WideValue)base : WHOLE) * (WideValue)limit->amount;
    WideValue floor = limit_parts / WHOLE, ceiling = floor + (limit_parts % WHOLE != 0);
    // The whole numbers that keep the limit.
    WideValue low = value, high = value, excess = 0;

    switch (limit->comparison) {
    case LIMIT_AT_MOST:
        high = floor;
        break;
    case LIMIT_BELOW:
        high = ceiling - 1;
        break;
    case LIMIT_AT_LEAST:
        low = ceiling;
        break;
    case LIMIT_ABOVE:
        low = floor + 1;
        break;
    case LIMIT_EQUAL:
        low = ceiling;
        high = floor;
        break;
    }
    finding->is_exceeded = value < low || value > high;
    finding->is_too_little = value < low && value <= high;
    if (finding->is_exceeded)
        excess = value > high ? value - high : low - value;
    finding->excess = excess > (WideValue)UINT64_MAX ? UINT64_MAX : (uint64_t)excess;
    finding->base = is_share ? base : 0;
}
