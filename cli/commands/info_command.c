// `rudo-snap info`: the origin and the contents of a snapshot.

#include <inttypes.h>
#include <stdio.h>

#include "cli/capture_notes.h"
#include "cli/command_list.h"
#include "cli/next_command.h"
#include "cli/result_file.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "formats/json/info_json.h"
#include "snapshot/file/snapshot_file.h"
#include "snapshot/heap/snapshot_machine.h"

typedef struct InfoSettings {
    bool is_json;
    int64_t mem_limit; // bytes; 0: none
} InfoSettings;

static const Option options[] = {
    {.name = "json",
     .type = OPTION_FLAG,
     .help = "print JSON, schema rudo-snap/info/1",
     .setting = offsetof(InfoSettings, is_json)},
    MEM_LIMIT_OPTION_AT(offsetof(InfoSettings, mem_limit)),
    {.name = NULL},
};

const CommandUsage info_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Shows the origin of the snapshot FILE, how long the program was stopped for it,\n"
               "and its contents, without reading the pages of the heap.\n",
    .examples = "  rudo-snap info shop.zst\n"
                "  rudo-snap info --json shop.zst\n",
};

static void print_line(const char *label)
{
    printf("  %-12s", label);
}

static void print_heap(const SnapshotFileInfo *info)
{
    char text[NUMBER_CHARS];
    uint64_t pages = info->page_bytes / info->layout.page_size;

    print_line("heap");
    printf("%s, %s page%s", info->layout.name, format_count(text, pages), plural(pages));
    printf(" of %s", format_bytes(text, info->layout.page_size));
    printf(" (%s)", format_bytes(text, info->page_bytes));
    printf(" in %s run%s\n", format_count(text, info->run_count), plural(info->run_count));
    print_line("machine");
    printf("%s\n", snapshot_machine_name(info->details->machine, text));
    print_line("roots");
    printf("%s word%s", format_count(text, info->root_count), plural(info->root_count));
    printf(" of %s thread%s\n", format_count(text, info->details->thread_count),
           plural(info->details->thread_count));
}

static void print_sized_blocks(const SnapshotFileInfo *info)
{
    char text[NUMBER_CHARS];

    if (!info->details->metadata.sized_blocks_recorded)
        return;
    printf("; %s without content", format_count(text, info->details->sized_block_count));
    printf(" (%s)", format_bytes(text, info->sized_bytes));
}

static void print_foreign(const SnapshotFileInfo *info)
{
    const SnapshotMetadata *metadata = &info->details->metadata;
    char text[NUMBER_CHARS];

    print_line("foreign");
    switch (metadata->foreign_mode) {
    case FOREIGN_BLOCKS:
        printf("%s block%s", format_count(text, info->block_count), plural(info->block_count));
        printf(" (%s), traced like objects", format_bytes(text, info->foreign_bytes));
        print_sized_blocks(info);
        if (metadata->foreign_root_bytes > 0)
            printf("; %s of other memory treated as roots",
                   format_bytes(text, metadata->foreign_root_bytes));
        break;
    case FOREIGN_ROOTS:
        printf("%s treated as roots", format_bytes(text, metadata->foreign_root_bytes));
        break;
    case FOREIGN_NONE:
        printf("malloc'd memory ignored");
        break;
    }
    printf("\n");
}

static void print_file(const SnapshotFileInfo *info)
{
    const SnapshotMetadata *metadata = &info->details->metadata;
    char text[NUMBER_CHARS];

    print_line("types");
    printf("%s", format_count(text, info->details->type_count));
    printf(" in %s module%s\n", format_count(text, info->details->module_count),
           plural(info->details->module_count));
    print_line("file");
    printf("%s", format_bytes(text, info->file_bytes));
    printf(", %s decompressed", format_bytes(text, info->stream_bytes));
    printf(", %" PRIu32 " frame%s, format %" PRIu32 ".%" PRIu32 ", written by rudo-snap ",
           info->frame_count, plural(info->frame_count), info->format_major, info->format_minor);
    print_text(stdout, metadata->tool_version);
    printf("\n");
    print_line("free slots");
    printf("%s\n", metadata->keeps_free_slots ? "values kept" : "values zeroed");
    if (metadata->is_redacted) {
        print_line("redacted");
        printf("yes: no data, and no names that were given at run time\n");
    }
    print_line("complete");
    printf("%s\n", metadata->is_complete ? "yes" : "no");
}

static void print_info(const char *path, const SnapshotFileInfo *info)
{
    print_text(stdout, path);
    printf(": ");
    print_capture(stdout, &info->details->metadata);
    if (!capture_is_from_core(&info->details->metadata))
        printf(" (%s)", info->details->metadata.method);
    printf("\n");
    print_layout_warning(stdout, info->details->metadata.references_overlooked, info->layout.name);
    print_root_warning(stdout, &info->details->metadata);
    printf("\n");
    print_heap(info);
    print_foreign(info);
    print_file(info);
    print_pause_certificate(stdout, &info->details->metadata.certificate);
    print_capture_notes(stdout, &info->details->metadata, false);
    print_next(stdout, "report", (const char *[]){path, NULL});
}

ExitStatus info_run(const Command *command, int argument_count, char **arguments)
{
    InfoSettings settings = {.is_json = false};
    SnapshotFileInfo info;
    OutputFile *output = NULL;
    Operands operands;
    Error error;
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);
    bool ok = true;

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    if (!snapshot_read_info(operands.values[0], &info, &error))
        return report_error(&error);
    if (settings.is_json)
        ok = result_file_open("--json", "-", false, &output, &error) &&
             info_json_write(result_file_sink(output), &info, &error) &&
             output_file_commit(output, &error);
    else
        print_info(operands.values[0], &info);
    output_file_free(output);
    snapshot_file_info_release(&info);
    return ok ? EXIT_STATUS_DONE : report_error(&error);
}
