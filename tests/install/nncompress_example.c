/* Quantizes a model with the installed library. SPDX-License-Identifier: Apache-2.0
 * Usage: nncompress_example MODEL.onnx [DATA OUTPUT.onnx] */
#include <stdio.h>

#include <nncompress/nncompress.h>

static int fail(const char *what, nnc_status status)
{
    fprintf(stderr, "%s: %s (%s)\n", what, nnc_last_error(), nnc_status_text(status));
    return (int)status;
}

int main(int argc, char **argv)
{
    nnc_model *model;
    nnc_job *job;
    printf("nncompress %s\n", nnc_version());
    if (argc < 2) {
        fprintf(stderr, "usage: %s MODEL.onnx [DATA OUTPUT.onnx]\n", argv[0]);
        return 2;
    }
    nnc_status status = nnc_model_load(&model, argv[1], NULL);
    if (status != NNC_OK)
        return fail("load", status);
    printf("%.2f M MACs\n", (double)nnc_model_macs(model) / 1e6);
    nnc_model_destroy(model);
    if (argc < 4)
        return 0;
    if ((status = nnc_job_create(&job, argv[1])) != NNC_OK)
        return fail("job", status);
    if ((status = nnc_job_set(job, "int8", "1")) == NNC_OK &&
        (status = nnc_job_set(job, "calib", argv[2])) == NNC_OK &&
        (status = nnc_job_set(job, "output", argv[3])) == NNC_OK &&
        (status = nnc_job_set(job, "bench-seconds", "0.2")) == NNC_OK)
        status = nnc_job_run(job, NULL);
    if (status != NNC_OK)
        return fail("compress", status);
    puts(nnc_job_report(job, "terminal"));
    nnc_job_destroy(job);
    return 0;
}
