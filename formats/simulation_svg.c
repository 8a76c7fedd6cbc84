// Simulated marks as a plot: see formats/simulation_svg.h. Both axes are logarithmic, so that twice
// as many workers have the same distance everywhere, and perfect scaling is a straight line.

#include "formats/simulation_svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/xml_text.h"

#define WIDTH 640
#define HEIGHT 480
#define LEFT 70
#define RIGHT 30
#define TOP 50
#define BOTTOM 60
#define MOST_WORKERS_LOG2 6 // 64

typedef struct SvgWriter {
    JsonSink sink;
    Error *error;
    bool has_failed;
} SvgWriter;

static void put(SvgWriter *writer, const char *format, ...) PRINTF_LIKE(2, 3);

static void put(SvgWriter *writer, const char *format, ...)
{
    char text[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (writer->has_failed || length < 0)
        return;
    if (!writer->sink.write(writer->sink.context, text, strlen(text), writer->error))
        writer->has_failed = true;
}

static void put_text(SvgWriter *writer, const char *text)
{
    if (!writer->has_failed && !xml_text_write(writer->sink, text, writer->error))
        writer->has_failed = true;
}

// Tenths of a pixel as integers: a decimal point would depend on the locale, and rounding on the
// machine.
static int64_t place(double log2_value, int from, int to)
{
    return llround((from + (to - from) * log2_value / MOST_WORKERS_LOG2) * 10);
}

// A point of a curve, as text.
typedef struct Place {
    char x[32], y[32];
} Place;

static Place place_of(uint32_t workers, uint64_t permille)
{
    double speedup = permille > 1000 ? (double)permille / 1000 : 1;
    int64_t x = place(log2(workers), LEFT, WIDTH - RIGHT);
    int64_t y = place(log2(speedup), HEIGHT - BOTTOM, TOP);
    Place text;

    (void)snprintf(text.x, sizeof text.x, "%" PRId64 ".%" PRId64, x / 10, x % 10);
    (void)snprintf(text.y, sizeof text.y, "%" PRId64 ".%" PRId64, y / 10, y % 10);
    return text;
}

static void put_axes(SvgWriter *writer)
{
    for (int i = 0; i <= MOST_WORKERS_LOG2; i++) {
        int x = (int)(place(i, LEFT, WIDTH - RIGHT) / 10);
        int y = (int)(place(i, HEIGHT - BOTTOM, TOP) / 10);
        put(writer, "<path d=\"M%d %dV%dM%d %dH%d\" stroke=\"#ddd\"/>\n", x, TOP, HEIGHT - BOTTOM,
            LEFT, y, WIDTH - RIGHT);
        put(writer, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", x,
            HEIGHT - BOTTOM + 20, 1 << i);
        put(writer, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%dx</text>\n", LEFT - 8, y + 4,
            1 << i);
    }
    put(writer, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">workers</text>\n",
        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 15);
}

typedef enum Curve { CURVE_PERFECT, CURVE_IDEAL, CURVE_SIMULATED } Curve;

static uint64_t permille_of(const SimulationTable *table, const SimulatedMark *mark, Curve curve)
{
    switch (curve) {
    case CURVE_PERFECT:
        return 1000 * (uint64_t)mark->workers;
    case CURVE_IDEAL:
        return simulation_ideal_speedup(table, mark->workers);
    case CURVE_SIMULATED:
        break;
    }
    return simulation_speedup(table, mark);
}

// NULL: none was simulated.
static const SimulatedMark *mark_with(const SimulationTable *table, uint32_t workers)
{
    for (uint32_t i = 0; i < table->mark_count; i++)
        if (table->marks[i].workers == workers)
            return &table->marks[i];
    return NULL;
}

// From left to right, in whatever order the marks were simulated, and a dot for each: one alone is
// not a line.
static void put_curve(SvgWriter *writer, const SimulationTable *table, Curve curve,
                      const char *style, const char *label)
{
    put(writer, "<g fill=\"none\" %s>\n<polyline points=\"", style);
    for (uint32_t workers = 1, i = 0; workers <= MAX_VIRTUAL_WORKERS; workers++) {
        const SimulatedMark *mark = mark_with(table, workers);
        if (mark == NULL)
            continue;
        Place at = place_of(workers, permille_of(table, mark, curve));
        put(writer, "%s%s,%s", i++ > 0 ? " " : "", at.x, at.y);
    }
    put(writer, "\"/>\n");
    for (uint32_t workers = 1; workers <= MAX_VIRTUAL_WORKERS; workers++) {
        const SimulatedMark *mark = mark_with(table, workers);
        if (mark == NULL)
            continue;
        Place at = place_of(workers, permille_of(table, mark, curve));
        put(writer, "<circle cx=\"%s\" cy=\"%s\" r=\"2\"/>\n", at.x, at.y);
    }
    put(writer, "<path d=\"M%d %dh30\"/>\n</g>\n", LEFT + 20, TOP + 20 + 20 * (int)curve);
    put(writer, "<text x=\"%d\" y=\"%d\">%s</text>\n", LEFT + 60, TOP + 24 + 20 * (int)curve,
        label);
}

bool simulation_svg_write(JsonSink sink, const SimulationTable *table, const char *title,
                          Error *error)
{
    SvgWriter writer = {.sink = sink, .error = error};

    put(&writer,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
        "<text x=\"%d\" y=\"25\" font-size=\"15\">",
        WIDTH, HEIGHT, LEFT);
    put_text(&writer, title);
    put(&writer, "</text>\n<text x=\"%d\" y=\"42\" fill=\"#666\">policy %s, costs %s</text>\n",
        LEFT, mark_policy_name(table->options->policy), table->cost_source);
    put_axes(&writer);
    put_curve(&writer, table, CURVE_PERFECT, "stroke=\"#999\" stroke-dasharray=\"2 3\"",
              "perfect scaling");
    put_curve(&writer, table, CURVE_IDEAL, "stroke=\"#c60\" stroke-dasharray=\"6 3\"",
              "limit of the heap's shape");
    put_curve(&writer, table, CURVE_SIMULATED, "stroke=\"#06c\" stroke-width=\"2\"",
              "this marker, simulated");
    put(&writer, "</svg>\n");
    return !writer.has_failed;
}
