// Session: see cli/session.h.

#include "cli/session.h"

#include <assert.h>
#include <unistd.h>

#include "base/output_path.h"

void session_begin(Session *session, const Command *command, const SessionSettings *settings,
                   char *const *inputs, int input_count)
{
    *session = (Session){.command = command,
                         .is_quiet = settings->is_quiet,
                         .replaces = settings->replaces,
                         .inputs = inputs,
                         .input_count = input_count};
    progress_init(&session->progress, (ProgressMode)settings->progress);
}

static bool set_overwrites(const char *option, const char *input, Error *error)
{
    return error_set(error, ERROR_USAGE, "%s would overwrite the input '%s'", option, input);
}

bool session_check_input(const Session *session, const char *path, Error *error)
{
    for (uint32_t i = 0; i < session->result_count; i++)
        if (output_path_hits(session->result_paths[i], path))
            return set_overwrites(session->result_options[i], path, error);
    return true;
}

bool session_add_input(Session *session, const char *path, Error *error)
{
    if (!session_check_input(session, path, error))
        return false;
    if (session->option_input_count < SESSION_MAX_OPTION_INPUTS)
        session->option_inputs[session->option_input_count++] = path;
    return true;
}

bool session_open_result(Session *session, const char *option, const char *path, OutputFile **file,
                         Error *error)
{
    uint32_t number = session->result_count;

    *file = NULL;
    if (path == NULL)
        return true;
    assert(number < SESSION_MAX_RESULTS);
    for (uint32_t i = 0; i < session->result_count; i++)
        if (output_paths_collide(session->result_paths[i], path))
            return error_set(error, ERROR_USAGE, "%s and %s cannot both write to '%s'",
                             session->result_options[i], option, path);
    for (int i = 0; i < session->input_count; i++)
        if (output_path_hits(path, session->inputs[i]))
            return set_overwrites(option, session->inputs[i], error);
    for (uint32_t i = 0; i < session->option_input_count; i++)
        if (output_path_hits(path, session->option_inputs[i]))
            return set_overwrites(option, session->option_inputs[i], error);
    if (!result_file_open(option, path, session->replaces, file, error))
        return false;
    session->result_options[number] = option;
    session->result_paths[number] = path;
    session->results[number] = *file;
    session->result_count++;
    return true;
}

bool session_has_output(Session *session)
{
    bool is_free = true;

    progress_end(&session->progress);
    for (uint32_t i = 0; i < session->result_count; i++)
        is_free = is_free && !output_path_is_stream(session->result_paths[i], STDOUT_FILENO);
    return is_free;
}

bool session_prints(Session *session)
{
    return session_has_output(session) && !session->is_quiet;
}

ExitStatus session_end(Session *session, bool ok, const Error *error)
{
    progress_end(&session->progress);
    for (uint32_t i = 0; i < session->result_count; i++)
        output_file_free(session->results[i]);
    session->result_count = 0;
    if (ok)
        return EXIT_STATUS_DONE;
    return error->code == ERROR_USAGE ? report_usage_error(session->command, error)
                                      : report_error(error);
}
