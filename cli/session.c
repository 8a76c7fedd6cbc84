// Session: see cli/session.h.

#include "cli/session.h"

#include <string.h>
#include <sys/stat.h>

void session_begin(Session *session, const Command *command, const SessionSettings *settings,
                   char *const *inputs, int input_count)
{
    *session = (Session){.command = command,
                         .is_quiet = settings->is_quiet,
                         .inputs = inputs,
                         .input_count = input_count};
    progress_init(&session->progress, (ProgressMode)settings->progress);
}

// Do both paths lead to one regular file? Writing to one would replace the other.
static bool is_same_file(const char *left, const char *right)
{
    struct stat a, b;

    return stat(left, &a) == 0 && stat(right, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool session_open_result(Session *session, const char *option, const char *path, ResultFile **file,
                         Error *error)
{
    ResultFile *result = &session->results[session->result_count];

    *file = NULL;
    if (path == NULL)
        return true;
    for (uint32_t i = 0; i < session->result_count; i++)
        if (strcmp(session->results[i].shown, path) == 0)
            return error_set(error, ERROR_USAGE, "%s and %s cannot both write to '%s'",
                             session->result_options[i], option, path);
    for (int i = 0; i < session->input_count; i++)
        if (is_same_file(path, session->inputs[i]))
            return error_set(error, ERROR_USAGE, "%s would overwrite the input '%s'", option,
                             session->inputs[i]);
    if (!result_file_open(result, path, error))
        return false;
    session->result_options[session->result_count++] = option;
    *file = result;
    return true;
}

bool session_prints(Session *session)
{
    bool is_free = true;

    progress_end(&session->progress);
    for (uint32_t i = 0; i < session->result_count; i++)
        is_free = is_free && strcmp(session->results[i].shown, "-") != 0;
    return is_free && !session->is_quiet;
}

ExitStatus session_end(Session *session, bool ok, const Error *error)
{
    progress_end(&session->progress);
    for (uint32_t i = 0; i < session->result_count; i++)
        result_file_release(&session->results[i]);
    session->result_count = 0;
    if (ok)
        return EXIT_STATUS_DONE;
    return error->code == ERROR_USAGE ? report_usage_error(session->command, error)
                                      : report_error(error);
}
