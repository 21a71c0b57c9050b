/* Report files: their names, and writing them. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/outputs.h"

#include <string.h>

#include "base/file.h"

/* "x.int8.onnx" -> "x.int8" + extension. */
static void beside(nnc_str *out, const char *output, const char *extension)
{
    const char *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - output) : strlen(output);
    nnc_str_append_n(out, output, n);
    nnc_str_append(out, extension);
}

nnc_status nnc_output_names_init(nnc_output_names *out, const nnc_output_files *asked, const char *reports,
                                 bool defaults, const char *output)
{
    const bool all = reports && strcmp(reports, "all") == 0;
    const char *slash = strrchr(output, '/');
    *out = (nnc_output_names){.files = *asked};
    if (reports && !all && !nnc_file_is_dir(reports)) {
        NNC_FAIL(NNC_ERR_USAGE, "--reports: '%s' is neither a folder nor 'all'", reports);
    }
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        const bool usual = defaults && (i == NNC_OUTPUT_html || i == NNC_OUTPUT_json);
        if (asked->path[i] || !(reports || usual)) {
            continue;
        }
        if (reports && !all) {
            nnc_str_appendf(&out->text[i], "%s/", reports);
            beside(&out->text[i], slash ? slash + 1 : output, nnc_output_renderer((nnc_output)i)->extension);
        } else {
            beside(&out->text[i], output, nnc_output_renderer((nnc_output)i)->extension);
        }
        NNC_TRY(nnc_str_status(&out->text[i]));
        out->files.path[i] = nnc_str_get(&out->text[i]);
    }
    return NNC_OK;
}

void nnc_output_names_deinit(nnc_output_names *names)
{
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        nnc_str_deinit(&names->text[i]);
    }
}

nnc_status nnc_output_write_text(const char *path, const nnc_str *text, bool force)
{
    nnc_file_out *file;
    NNC_TRY(nnc_str_status(text));
    NNC_TRY(nnc_file_out_create(&file, path, force ? NNC_FILE_REPLACE : NNC_FILE_NEW));
    nnc_status status = nnc_file_out_write(file, nnc_str_get(text), text->len);
    if (status != NNC_OK) {
        nnc_file_out_abort(file);
        return status;
    }
    return nnc_file_out_commit(file);
}

nnc_status nnc_output_write(const nnc_report *report, const nnc_renderer *renderer, const char *path, bool force)
{
    nnc_str text = {0};
    const nnc_render_options options = {0};
    nnc_status status = renderer->render(&text, report, &options);
    status = status == NNC_OK ? nnc_output_write_text(path, &text, force) : status;
    nnc_str_deinit(&text);
    return status;
}

nnc_status nnc_outputs_write(const nnc_report *report, const nnc_output_files *files, const char *output,
                             bool force)
{
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        const char *path = files->path[i];
        nnc_status status = path ? nnc_output_write(report, nnc_output_renderer((nnc_output)i), path, force)
                                 : NNC_OK;
        if (status != NNC_OK) {
            return output ? nnc_error_prepend(status, "%s is complete, but its report is not", output) : status;
        }
    }
    return NNC_OK;
}
