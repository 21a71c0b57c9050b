/* Quantizes a model with libnncompress, on samples that this program makes. SPDX-License-Identifier: Apache-2.0
 * cc compress.c $(pkg-config --cflags --libs nncompress)
 * Usage: compress MODEL.onnx SAMPLES.raw OUTPUT.onnx|OUTPUT.nncp
 * SAMPLES.raw: float32 numbers of all samples behind each other, each as large as the model's only input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nncompress/nncompress.h>

typedef struct samples {
    nnc_array shape; /* of one sample */
    char *data;
    size_t count;
} samples;

static int fail(const char *what, nnc_status status)
{
    fprintf(stderr, "%s: %s (%s)\n", what, nnc_last_error(), nnc_status_text(status));
    return (int)status;
}

/* The library asks for sample i, perhaps several times. */
static int get(void *user, size_t i, nnc_array *inputs, size_t input_count)
{
    const samples *s = user;
    if (input_count != 1)
        return 1;
    inputs[0] = s->shape;
    inputs[0].data = s->data + i * s->shape.bytes;
    return 0;
}

static void on_message(void *user, int level, const char *text)
{
    (void)user;
    if (level > 0)
        fprintf(stderr, "%s%s\n", level == 2 ? "warning: " : "", text);
}

/* The shape of one sample: the model's, with 1 for the batch and other free sizes. */
static nnc_status one_sample(nnc_array *out, const char *path)
{
    nnc_model *model;
    nnc_io_info info = {0};
    nnc_status status = nnc_model_load(&model, path, NULL);
    if (status != NNC_OK)
        return status;
    if (nnc_model_input_count(model) == 1)
        status = nnc_model_input(model, 0, &info);
    memset(out, 0, sizeof(*out));
    out->dtype = info.dtype;
    out->rank = info.rank;
    out->bytes = sizeof(float);
    for (uint32_t d = 0; d < info.rank; d++) {
        out->dims[d] = d == 0 || info.dims[d] < 0 ? 1 : info.dims[d];
        out->bytes *= (size_t)out->dims[d];
    }
    nnc_model_destroy(model);
    return status;
}

static int read_samples(samples *s, const char *path)
{
    FILE *file = fopen(path, "rb");
    long bytes = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    s->count = bytes > 0 ? (size_t)bytes / s->shape.bytes : 0;
    s->data = s->count ? malloc((size_t)bytes) : NULL;
    int good = s->data && fseek(file, 0, SEEK_SET) == 0 && fread(s->data, 1, (size_t)bytes, file) == (size_t)bytes;
    if (file)
        fclose(file);
    return good;
}

static nnc_status compress(nnc_job *job, const nnc_samples *calib, const char *output)
{
    const char *const options[][2] = {{"int8", "1"}, {"bench-seconds", "0.2"}, {"write-report", "0"}};
    const nnc_callbacks callbacks = {.size = sizeof(callbacks), .message = on_message};
    nnc_status status = nnc_job_set_samples(job, "calib", calib);
    if (status == NNC_OK)
        status = nnc_job_set(job, "output", output);
    for (size_t i = 0; status == NNC_OK && i < sizeof(options) / sizeof(options[0]); i++)
        status = nnc_job_set(job, options[i][0], options[i][1]);
    return status == NNC_OK ? nnc_job_run(job, &callbacks) : status;
}

int main(int argc, char **argv)
{
    samples s;
    nnc_job *job = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL.onnx SAMPLES.raw OUTPUT.onnx\n", argv[0]);
        return 2;
    }
    nnc_status status = one_sample(&s.shape, argv[1]);
    if (status != NNC_OK)
        return fail("model", status);
    if (s.shape.dtype != 1 || !read_samples(&s, argv[2])) {
        fprintf(stderr, "%s: the model has one float32 input and the file holds samples of %zu bytes\n", argv[2],
                s.shape.bytes);
        return 5;
    }
    const nnc_samples calib = {.size = sizeof(calib), .count = s.count, .get = get, .user = &s};
    status = nnc_job_create(&job, argv[1]);
    if (status == NNC_OK)
        status = compress(job, &calib, argv[3]);
    int code = status == NNC_OK ? 0 : fail("compress", status);
    if (status == NNC_OK)
        fputs(nnc_job_report(job, "terminal"), stdout);
    nnc_job_destroy(job);
    free(s.data);
    return code;
}
