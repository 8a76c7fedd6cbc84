// The options of bench_marker.

#include "tests/bench/bench_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/bench/bench_run.h"

#define DEFAULT_ROUNDS 9u
#define NO_TIME_LIMIT 1e9

static bool parse_number(const char *text, double low, double high, double *out)
{
    char *end;

    errno = 0;
    *out = strtod(text, &end);
    return errno == 0 && end != text && *end == '\0' && *out >= low && *out <= high;
}

static bool parse_option(BenchOptions *options, int option, const char *text, Error *error)
{
    BenchGraph graph;
    double number = 0;

    switch (option) {
    case 'g':
        // A captured heap alone: nothing generated.
        if (strcmp(text, BENCH_REAL) == 0)
            return true;
        if (!bench_graph_find(text, &graph))
            return error_set(error, ERROR_USAGE, "there is no graph '%s'", text);
        options->wanted[graph] = true;
        return true;
    case 'i':
        options->real = text;
        return true;
    case 'q':
        options->is_quick = true;
        return true;
    case 'm':
        options->is_simulated = true;
        return true;
    case 'c':
        options->is_scheduled = true;
        return true;
    case 'j':
        options->json = text;
        return true;
    case 'v':
        options->serve = text;
        return true;
    default:
        break;
    }
    double most = option == 'r' ? BENCH_MAX_ROUNDS : option == 'w' ? MAX_WORKERS : NO_TIME_LIMIT;
    if (!parse_number(text, 1, most, &number))
        return error_set(error, ERROR_USAGE, "'%s' is not a possible number", text);
    if (option == 'r')
        options->rounds = (uint32_t)number;
    else if (option == 'w')
        options->workers = (uint32_t)number;
    else if (option == 's')
        options->seconds = number;
    else
        options->divisor = (uint64_t)number;
    return true;
}

bool bench_options_parse(BenchOptions *options, int argc, char **argv, Error *error)
{
    static const struct option known[] = {
        {"graph", required_argument, NULL, 'g'},   {"rounds", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'}, {"divide", required_argument, NULL, 'd'},
        {"workers", required_argument, NULL, 'w'}, {"real", required_argument, NULL, 'i'},
        {"json", required_argument, NULL, 'j'},    {"serve", required_argument, NULL, 'v'},
        {"quick", no_argument, NULL, 'q'},         {"simulate", no_argument, NULL, 'm'},
        {"schedules", no_argument, NULL, 'c'},     {NULL, 0, NULL, 0},
    };
    bool names_graphs = false;
    int option;

    *options = (BenchOptions){.rounds = DEFAULT_ROUNDS,
                              .workers = mark_default_workers(),
                              .seconds = NO_TIME_LIMIT,
                              .divisor = 1};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == '?')
            return error_set(error, ERROR_USAGE, "see tests/bench/bench_main.c for the options");
        if (!parse_option(options, option, optarg, error))
            return false;
        names_graphs = names_graphs || option == 'g';
    }
    if (optind < argc)
        return error_set(error, ERROR_USAGE, "'%s' is not an option", argv[optind]);
    for (unsigned graph = 0; !names_graphs && graph < BENCH_GRAPH_COUNT; graph++)
        options->wanted[graph] = true;
    return true;
}
