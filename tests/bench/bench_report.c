// What a bench run shows: see bench_report.h.

#include "tests/bench/bench_report.h"

#include <string.h>

#define MILLION 1e6
#define MIB (1024.0 * 1024.0)

// The goals on each graph: a share of the limit with one worker, and how much faster
// two workers are. 0: nothing is promised.
static const struct {
    const char *name;
    double ratio;
    double objects_per_second;
    double speedup;
} goals[] = {
    {"G1", 0.45, 0, 1.6},          {"G2", 0.45, 0, 1.8},         {"G3-ordered", 0.40, 0, 1.0},
    {"G3-shuffled", 0.95, 0, 1.0}, {"G4-ordered", 0.60, 0, 1.8}, {"G4-shuffled", 0.45, 0, 1.8},
    {"G5", 0.60, 0, 1.9},          {"G6", 0, 12 * MILLION, 1.8},
};

static const char *policy_name(MarkPolicy policy)
{
    return policy == MARK_POLICY_OWNER ? "owner" : "steal";
}

void bench_report_print_heading(FILE *out)
{
    (void)fprintf(out, "Mo/s: million objects marked a second of CPU time (of the busiest worker, "
                       "with all that is done\n"
                       "outside of the workers), median and best; wall: by wall time. ratio: to "
                       "the one-thread limit\n"
                       "measured in the same round. speed-up: against one worker.\n\n");
}

static void print_goal(const BenchReport *report, const BenchRow *row, FILE *out)
{
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        if (strcmp(goals[i].name, report->name) != 0)
            continue;
        if (row->workers == 1 && goals[i].ratio > 0)
            (void)fprintf(out, "  ratio %.2f", goals[i].ratio);
        else if (row->workers == 1)
            (void)fprintf(out, "  %.0f Mo/s", goals[i].objects_per_second / MILLION);
        else if (row->workers == 2 && goals[i].speedup > 1)
            (void)fprintf(out, "  speed-up %.1f", goals[i].speedup);
        else if (row->workers == 2)
            (void)fprintf(out, "  no loss");
    }
}

void bench_report_print(const BenchReport *report, FILE *out)
{
    (void)fprintf(out, "%s: %.0f objects marked in %.0f MiB, %u rounds", report->name,
                  (double)report->objects, (double)report->image_bytes / MIB, report->rounds);
    if (report->serial_objects_per_second > 0)
        (void)fprintf(out, "; the serial marker %.1f Mo/s",
                      report->serial_objects_per_second / MILLION);
    (void)fprintf(out,
                  "\nlimits, Mo/s: sequential %.1f, random %.1f, dependent %.2f, "
                  "payloads %.1f\n",
                  report->limits[BENCH_LIMIT_SEQUENTIAL] / MILLION,
                  report->limits[BENCH_LIMIT_RANDOM] / MILLION,
                  report->limits[BENCH_LIMIT_DEPENDENT] / MILLION,
                  report->limits[BENCH_LIMIT_PAYLOADS] / MILLION);
    (void)fprintf(out, "%8s %-6s %8s %8s %8s %8s %8s %8s %-10s  %9s  %s\n", "workers", "policy",
                  "Mo/s", "best", "wall", "Medges/s", "speed-up", "ratio", "to limit", "peak MiB",
                  "goal");
    for (uint32_t i = 0; i < report->row_count; i++) {
        const BenchRow *row = &report->rows[i];
        (void)fprintf(out, "%8u %-6s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f %-10s  %9.1f",
                      row->workers, policy_name(row->policy), row->objects_per_second / MILLION,
                      row->best_objects_per_second / MILLION,
                      row->wall_objects_per_second / MILLION, row->edges_per_second / MILLION,
                      row->speedup, row->ratio, bench_limit_name(report->limit),
                      (double)row->peak_bytes / MIB);
        print_goal(report, row, out);
        (void)fputc('\n', out);
    }
    (void)fputc('\n', out);
    (void)fflush(out);
}

bool bench_report_write_json(const BenchReport *reports, uint32_t count, const char *path)
{
    FILE *out = fopen(path, "w");
    const char *separator = "\n";

    if (out == NULL)
        return false;
    (void)fputs("{\"results\":[", out);
    for (uint32_t i = 0; i < count; i++) {
        const BenchReport *report = &reports[i];
        for (uint32_t k = 0; k < report->row_count; k++) {
            const BenchRow *row = &report->rows[k];
            (void)fprintf(out,
                          "%s{\"graph\":\"%s\",\"workers\":%u,\"policy\":\"%s\","
                          "\"objects_per_second\":%.0f,\"edges_per_second\":%.0f,"
                          "\"limit\":\"%s\",\"ratio\":%.4f,\"peak_bytes\":%llu}",
                          separator, report->name, row->workers, policy_name(row->policy),
                          row->objects_per_second, row->edges_per_second,
                          bench_limit_name(report->limit), row->ratio,
                          (unsigned long long)row->peak_bytes);
            separator = ",\n";
        }
    }
    (void)fputs("\n]}\n", out);
    bool ok = !ferror(out);
    return fclose(out) == 0 && ok;
}
