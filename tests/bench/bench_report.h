// What a bench run shows: a table for people, JSON for programs.

#ifndef TESTS_BENCH_BENCH_REPORT_H
#define TESTS_BENCH_BENCH_REPORT_H

#include <stdio.h>

#include "tests/bench/bench_run.h"

void bench_report_print_heading(FILE *out);
void bench_report_print(const BenchReport *report, FILE *out);

// {"results":[...]}, one line a row. False (errno) when the file cannot be written.
bool bench_report_write_json(const BenchReport *reports, uint32_t count, const char *path);

#endif
