/* Runs a plan with libnnrt, as an application would. SPDX-License-Identifier: Apache-2.0
 * cc run.c $(pkg-config --cflags --libs nnrt)
 * Usage: run PLAN.nncp INPUT.raw
 * INPUT.raw: float32 numbers of one sample. Prints the index and value of the largest element of output 0. */
#include <stdio.h>

#include <nnrt.h>

static int fail(const char *what, nnrt_status status)
{
    fprintf(stderr, "%s: %s\n", what, nnrt_error_message());
    return (int)status;
}

static int read_input(const nnrt_view *input, const char *path)
{
    FILE *file = fopen(path, "rb");
    int good = file && fread(input->data, 1, input->bytes, file) == input->bytes && fgetc(file) == EOF;
    if (file)
        fclose(file);
    return good;
}

static int run(nnrt_session *session, const char *path)
{
    nnrt_view input, output;
    nnrt_status status = nnrt_session_input(session, 0, &input);
    if (status != NNRT_OK)
        return fail("input", status);
    if (!read_input(&input, path)) {
        fprintf(stderr, "%s: cannot be read, or has not the %zu bytes of the input\n", path, input.bytes);
        return 5;
    }
    status = nnrt_session_run(session);
    if (status == NNRT_OK)
        status = nnrt_session_output(session, 0, &output);
    if (status != NNRT_OK)
        return fail("run", status);
    if (output.dtype != NNRT_F32) {
        fprintf(stderr, "output 0 is not float32\n");
        return 4;
    }
    const float *y = output.data;
    size_t best = 0;
    for (size_t i = 1; i < output.bytes / sizeof(float); i++)
        best = y[i] > y[best] ? i : best;
    printf("%zu %.6f\n", best, y[best]);
    return 0;
}

int main(int argc, char **argv)
{
    nnrt_model *model;
    nnrt_session *session;
    if (argc != 3) {
        fprintf(stderr, "usage: %s PLAN.nncp INPUT.raw\n", argv[0]);
        return 2;
    }
    /* NNRT_VERIFY checks every byte against its hash: for files that come from elsewhere. */
    nnrt_status status = nnrt_model_load(&model, argv[1], NNRT_VERIFY);
    if (status != NNRT_OK)
        return fail("load", status);
    const nnrt_session_options options = {.size = sizeof(options), .threads = 1, .isa_max = NNRT_ISA_BEST};
    status = nnrt_session_create(&session, model, &options);
    int code = status == NNRT_OK ? run(session, argv[2]) : fail("session", status);
    if (status == NNRT_OK)
        nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    return code;
}
