// The verdict of a check, for people and for JUnit: see cli/commands/check/check_output.h.

#include "cli/commands/check/check_output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/capture_notes.h"
#include "cli/limit_text.h"
#include "cli/next_command.h"
#include "cli/terminal.h"

// The width of the verdict in front of a limit.
#define INDENT 10
// Longer limits and figures do not widen their columns.
#define MOST_LIMIT_COLUMNS 48u
#define MOST_FIGURE_COLUMNS 16u
// Types that a line lists.
#define SHOWN_TYPES 4u

static void write_text(FILE *stream, const char *text)
{
    print_safely(stream, text, strlen(text));
}

// "rudo-snap path --precise now.zst shop::Session". NULL: no word.
static void write_command(FILE *stream, const CheckOutput *output, const char *command,
                          const char *older, const char *word)
{
    bool is_precise = output->session->settings->is_precise && strcmp(command, "info") != 0;

    (void)fprintf(stream, "rudo-snap %s%s ", command, is_precise ? " --precise" : "");
    if (older != NULL) {
        print_shell_word(stream, older);
        (void)fputc(' ', stream);
    }
    print_shell_word(stream, output->session->path);
    if (word != NULL) {
        (void)fputc(' ', stream);
        print_shell_word(stream, word);
    }
}

// ---- details below a limit ----

// Which types a pattern has found, where the limit does not say so itself.
static void write_types(FILE *stream, const CheckedLimit *checked, int indent)
{
    const LimitFinding *finding = &checked->finding;
    const HeapLimit *limit = checked->limit;
    char count[NUMBER_CHARS];

    if (finding->type_count == 0 || limit->measure == LIMIT_NO_PATH ||
        (finding->type_count == 1 && strcmp(finding->types[0], limit->type) == 0))
        return;
    (void)fprintf(stream, "%*sof ", indent, "");
    if (finding->type_count > 1)
        (void)fprintf(stream, "%s types together: ", format_count(count, finding->type_count));
    for (uint32_t i = 0; i < finding->type_count && i < SHOWN_TYPES; i++) {
        (void)fputs(i > 0 ? ", " : "", stream);
        write_text(stream, finding->types[i]);
    }
    if (finding->type_count > SHOWN_TYPES)
        (void)fprintf(stream, ", and %s more",
                      format_count(count, finding->type_count - SHOWN_TYPES));
    (void)fputc('\n', stream);
}

static void write_missing(FILE *stream, const CheckedLimit *checked, bool has_baseline, int indent)
{
    const LimitFinding *finding = &checked->finding;

    if (!finding->is_missing)
        return;
    (void)fprintf(stream, "%*sno such type in the heap%s", indent, "",
                  has_baseline ? ", nor in the baseline" : "");
    if (finding->nearest != NULL) {
        (void)fputs("; a similar name is ", stream);
        write_text(stream, finding->nearest);
    }
    (void)fputc('\n', stream);
}

static void write_keeper(FILE *stream, const CheckOutput *output, const LimitFinding *finding,
                         bool is_path, int indent)
{
    char count[NUMBER_CHARS], whole[NUMBER_CHARS];

    if (finding->kept_by == NULL)
        return;
    (void)fprintf(stream, "%*s%s", indent, "", is_path ? "" : "kept by ");
    write_text(stream, finding->kept_by[0] != '\0' ? finding->kept_by : "roots");
    if (!is_path)
        (void)fprintf(stream, " (%s of %s)", format_count(count, finding->kept_objects),
                      format_count(whole, finding->kept_of));
    (void)fputs(": ", stream);
    write_command(stream, output, "path", NULL, finding->example);
    (void)fputc('\n', stream);
}

// Where to look, for limits that are not about types.
static void write_further(FILE *stream, const CheckOutput *output, LimitMeasure measure, int indent)
{
    const char *command = measure == LIMIT_COMPLETE                              ? "info"
                          : measure == LIMIT_PAGES || measure == LIMIT_OCCUPANCY ? "report --full"
                                                                                 : "report";

    (void)fprintf(stream, "%*slook further: ", indent, "");
    write_command(stream, output, command, measure == LIMIT_GROWTH ? output->baseline_path : NULL,
                  NULL);
    (void)fputc('\n', stream);
}

// A leak that no line of the budget lists.
static void write_leak(FILE *stream, const CheckOutput *output, const LeakFinding *leak, int indent)
{
    char objects[NUMBER_CHARS], bytes[NUMBER_CHARS], address[NUMBER_CHARS];

    (void)fprintf(stream, "%*sleak %s: %s x ", indent, "", leak->fingerprint,
                  format_count(objects, leak->suspect->objects));
    write_text(stream, leak->type);
    (void)fprintf(stream, " keep %s, in ", format_bytes(bytes, leak->suspect->retained_bytes));
    write_text(stream, leak->path[0] != '\0' ? leak->path : "roots");
    (void)snprintf(address, sizeof address, "0x%" PRIx64, leak->example);
    (void)fputs(": ", stream);
    write_command(stream, output, "path", NULL, address);
    (void)fputc('\n', stream);
}

static void write_leaks(FILE *stream, const CheckOutput *output, int indent)
{
    const char *fingerprint = NULL;

    for (uint32_t i = 0; i < output->findings->count; i++) {
        if (output->findings->findings[i].is_known)
            continue;
        write_leak(stream, output, &output->findings->findings[i], indent);
        if (fingerprint == NULL)
            fingerprint = output->findings->findings[i].fingerprint;
    }
    if (fingerprint != NULL)
        (void)fprintf(stream, "%*sa line of a budget makes one known: known leak %s  # REASON\n",
                      indent, "", fingerprint);
}

static void write_details(FILE *stream, const CheckOutput *output, const CheckedLimit *checked,
                          int indent)
{
    const LimitFinding *finding = &checked->finding;
    LimitMeasure measure = checked->limit->measure;

    write_types(stream, checked, indent);
    write_missing(stream, checked, output->baseline_path != NULL, indent);
    if (!finding->is_exceeded)
        return;
    if (measure == LIMIT_SUSPECTS)
        write_leaks(stream, output, indent);
    else if (finding->kept_by != NULL)
        write_keeper(stream, output, finding, measure == LIMIT_NO_PATH, indent);
    else if (!finding->is_missing)
        write_further(stream, output, measure, indent);
    if (checked->reason[0] != '\0') {
        (void)fprintf(stream, "%*sreason of the limit: ", indent, "");
        write_text(stream, checked->reason);
        (void)fputc('\n', stream);
    }
}

// ---- on the terminal ----

typedef struct Columns {
    int limit;
    int figure;
} Columns;

static Columns columns_of(const CheckLimits *limits)
{
    size_t limit = 0, figure = 0;

    for (uint32_t i = 0; i < limits->count; i++) {
        char text[LIMIT_TEXT_CHARS];
        size_t width = text_width(limits->limits[i].limit->text);

        if (width > limit && width <= MOST_LIMIT_COLUMNS)
            limit = width;
        width = text_width(
            limit_text_measured(limits->limits[i].limit, &limits->limits[i].finding, text));
        if (width > figure && width <= MOST_FIGURE_COLUMNS)
            figure = width;
    }
    return (Columns){.limit = (int)limit, .figure = (int)figure};
}

// Spaces up to a column, two at least.
static void pad(const char *text, int columns)
{
    size_t width = text_width(text);

    printf("%*s", 2 + (width < (size_t)columns ? columns - (int)width : 0), "");
}

static void print_limit(const CheckOutput *output, const CheckedLimit *checked, Columns columns)
{
    const LimitFinding *finding = &checked->finding;
    char measured[LIMIT_TEXT_CHARS], excess[LIMIT_TEXT_CHARS];

    limit_text_print_verdict(finding->is_exceeded                 ? "EXCEEDED"
                             : heap_doubts_matter(output->doubts) ? "doubtful"
                                                                  : "kept",
                             finding->is_exceeded);
    print_text(stdout, checked->limit->text);
    pad(checked->limit->text, columns.limit);
    printf("%s", limit_text_measured(checked->limit, finding, measured));
    if (limit_text_excess(checked->limit, finding, excess)[0] != '\0') {
        pad(measured, columns.figure);
        printf("%s", excess);
    }
    printf("\n");
    write_details(stdout, output, checked, INDENT);
}

static void print_known(const CheckOutput *output)
{
    const CheckLimits *limits = output->limits;

    for (uint32_t i = 0; output->findings != NULL && i < output->findings->count; i++) {
        const LeakFinding *leak = &output->findings->findings[i];
        const KnownLeak *known = limits->budget.known;

        if (!leak->is_known)
            continue;
        while (strcmp(known->fingerprint, leak->fingerprint) != 0)
            known++;
        limit_text_print_verdict("known", false);
        printf("leak %s (", leak->fingerprint);
        print_text(stdout, leak->path[0] != '\0' ? leak->path : "roots");
        printf(") listed in ");
        print_text(stdout, limits->budget_path);
        printf(" line %" PRIu32 "\n", known->line);
    }
}

// That they are the same is one of the doubts.
static void print_order(const CheckOutput *output)
{
    const HeapIdentity *older = output->baseline, *newer = output->heap;

    if (output->baseline_path == NULL || older->captured_at_ns == newer->captured_at_ns)
        return;
    print_capture_order(&(OrderedCapture){.path = output->baseline_path,
                                          .captured_at_ns = older->captured_at_ns,
                                          .digest = older->digest},
                        &(OrderedCapture){.path = output->session->path,
                                          .captured_at_ns = newer->captured_at_ns,
                                          .digest = newer->digest});
}

static void print_notes(const CheckOutput *output)
{
    const CheckLimits *limits = output->limits;

    if (limits->repeated > 0)
        printf("note: %" PRIu32 " limit%s given twice\n", limits->repeated,
               limits->repeated == 1 ? " is" : "s are");
    for (uint32_t i = 0; i < limits->budget.known_count; i++) {
        const KnownLeak *known = &limits->budget.known[i];

        if (known->is_found)
            continue;
        printf("note: leak %s is not there any more: line %" PRIu32 " of ", known->fingerprint,
               known->line);
        print_text(stdout, limits->budget_path);
        printf(" can go\n");
    }
    print_order(output);
    heap_session_print_notes(output->session);
}

static void print_heading(const CheckOutput *output)
{
    const SnapshotMetadata *metadata = &output->session->image->details->metadata;

    print_text(stdout, output->session->path);
    printf(": ");
    print_text(stdout, metadata->executable);
    printf(" (pid %" PRIu32 ")", metadata->pid);
    if (output->baseline_path != NULL) {
        printf(", against ");
        print_text(stdout, output->baseline_path);
    }
    printf("\n\n");
}

static void print_exceeded_sum(const CheckOutput *output, uint32_t exceeded)
{
    uint32_t all = output->limits->count;
    char count[NUMBER_CHARS], whole[NUMBER_CHARS];

    if (all == 1)
        printf("the limit is exceeded");
    else
        printf("%s of %s limits %s exceeded", format_count(count, exceeded),
               format_count(whole, all), exceeded == 1 ? "is" : "are");
    if (heap_doubts_matter(output->doubts) && exceeded < all)
        printf("; %s doubtful: not measured",
               all - exceeded == 1 ? "the other one is" : "the others are");
}

static void print_sum(const CheckOutput *output)
{
    uint32_t exceeded = 0;
    char all[NUMBER_CHARS];

    for (uint32_t i = 0; i < output->limits->count; i++)
        exceeded += output->limits->limits[i].finding.is_exceeded;
    style_begin(stdout, STYLE_STRONG);
    if (exceeded > 0)
        print_exceeded_sum(output, exceeded);
    else if (heap_doubts_matter(output->doubts))
        printf("not measured, so that no limit counts as kept");
    else
        printf("%s limit%s kept", format_count(all, output->limits->count),
               plural(output->limits->count));
    style_end(stdout);
    printf("\n");
}

void check_output_print(const CheckOutput *output)
{
    Columns columns = columns_of(output->limits);

    print_heading(output);
    limit_text_print_doubts(output->doubts, false);
    for (uint32_t i = 0; i < output->limits->count; i++)
        print_limit(output, &output->limits->limits[i], columns);
    print_known(output);
    printf("\n");
    print_notes(output);
    print_sum(output);
}

void check_output_print_exceeded(const CheckOutput *output)
{
    Columns columns = columns_of(output->limits);

    limit_text_print_doubts(output->doubts, true);
    for (uint32_t i = 0; i < output->limits->count; i++)
        if (output->limits->limits[i].finding.is_exceeded)
            print_limit(output, &output->limits->limits[i], columns);
}

// ---- JUnit ----

typedef struct JUnitTexts {
    const CheckOutput *output;
    char **messages; // by limit; NULL: memory was short; owned
    char **details;  // likewise
} JUnitTexts;

static char *details_text(const CheckOutput *output, const CheckedLimit *checked)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    write_details(stream, output, checked, 0);
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool make_texts(JUnitTexts *texts, Error *error)
{
    const CheckLimits *limits = texts->output->limits;
    bool ok;

    texts->messages = calloc((size_t)limits->count + 1, sizeof(char *));
    texts->details = calloc((size_t)limits->count + 1, sizeof(char *));
    ok = texts->messages != NULL && texts->details != NULL;
    for (uint32_t i = 0; ok && i < limits->count; i++) {
        const CheckedLimit *checked = &limits->limits[i];
        char measured[LIMIT_TEXT_CHARS], excess[LIMIT_TEXT_CHARS];
        const char *comma;

        (void)limit_text_measured(checked->limit, &checked->finding, measured);
        comma = limit_text_excess(checked->limit, &checked->finding, excess)[0] != '\0' ? ", " : "";
        texts->details[i] = details_text(texts->output, checked);
        ok = texts->details[i] != NULL &&
             asprintf(&texts->messages[i], "%s: %s%s%s", checked->limit->text, measured, comma,
                      excess) >= 0;
        if (!ok)
            texts->messages[i] = NULL;
    }
    return ok || error_set(error, ERROR_MEMORY, "cannot allocate memory for JUnit");
}

static JUnitCase case_at(const void *context, uint64_t index)
{
    const JUnitTexts *texts = context;
    const CheckOutput *output = texts->output;
    const CheckedLimit *checked;

    if (index < output->doubts->count)
        return limit_text_doubt_case(&output->doubts->doubts[index]);
    index -= output->doubts->count;
    checked = &output->limits->limits[index];
    return (JUnitCase){.name = checked->limit->text,
                       .outcome = checked->finding.is_exceeded ? JUNIT_FAILURE : JUNIT_PASSED,
                       .type = "exceeded",
                       .message = texts->messages[index],
                       .text = texts->details[index]};
}

bool check_output_write_junit(const CheckOutput *output, JsonSink sink, Error *error)
{
    JUnitTexts texts = {.output = output};
    JUnitSuite suite = {.command = "check",
                        .timestamp_ns = output->session->image->details->metadata.captured_at_ns,
                        .count = output->doubts->count + output->limits->count,
                        .case_at = case_at,
                        .context = &texts};
    bool ok = make_texts(&texts, error) && junit_write(sink, &suite, error);

    for (uint32_t i = 0; i < output->limits->count; i++) {
        if (texts.messages != NULL)
            free(texts.messages[i]);
        if (texts.details != NULL)
            free(texts.details[i]);
    }
    free(texts.messages);
    free(texts.details);
    return ok;
}
