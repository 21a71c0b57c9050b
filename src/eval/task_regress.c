/* Numbers, sound and images as outputs: how far they are from the original's. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "eval/task.h"
#include "tensor/metrics.h"

typedef struct regress {
    nnc_error_sums all;
    double peak, worst; /* largest |number| of the original; lowest SQNR of a sample */
    size_t samples;
    bool pair;
} regress;

static void destroy(void *state)
{
    nnc_free(state);
}

static nnc_status create(void **state, const nnc_task_options *options, const nnc_dataset *data)
{
    (void)options;
    (void)data;
    regress *r = nnc_calloc(1, sizeof(*r));
    *state = r;
    if (!r) {
        return NNC_ERR_LIMIT;
    }
    r->worst = INFINITY;
    return NNC_OK;
}

static nnc_status add_sample(void *state, const nnc_eval_output *a, const nnc_eval_output *b, uint32_t count, const nnc_sample *sample)
{
    regress *r = state;
    nnc_error_sums one = {0};
    r->samples++;
    r->pair = b != NULL;
    for (uint32_t i = 0; b && i < count; i++) {
        if (a[i].count != b[i].count) {
            NNC_FAIL(NNC_ERR_DATA, "sample '%s': output '%s' has %zu and %zu numbers", sample->name, a[i].name, a[i].count,
                     b[i].count);
        }
        if (!a[i].real) {
            continue;
        }
        nnc_error_sums_add(&one, a[i].data, b[i].data, a[i].count);
        nnc_error_sums_add(&r->all, a[i].data, b[i].data, a[i].count);
        for (size_t k = 0; k < a[i].count; k++) {
            r->peak = fmax(r->peak, fabs((double)a[i].data[k]));
        }
    }
    if (b && one.count) {
        r->worst = fmin(r->worst, nnc_error_sqnr_db(&one));
    }
    return NNC_OK;
}

static nnc_status finish(nnc_task_result *out, void *state)
{
    regress *r = state;
    snprintf(out->how, sizeof(out->how), "%zu samples, all float outputs together", r->samples);
    if (!r->pair || r->all.count == 0) {
        return NNC_OK;
    }
    double mse = r->all.ee / (double)r->all.count;
    nnc_task_add(out, "sqnr", "signal to error", "dB")->pair = nnc_error_sqnr_db(&r->all);
    nnc_task_add(out, "worst_sqnr", "signal to error, worst sample", "dB")->pair = r->worst;
    nnc_task_add(out, "psnr", "peak to error", "dB")->pair = mse > 0 ? 10 * log10(r->peak * r->peak / mse) : INFINITY;
    nnc_task_add(out, "rmse", "root mean square error", "")->pair = sqrt(mse);
    nnc_task_add(out, "max_error", "largest error", "")->pair = r->all.max_abs;
    return NNC_OK;
}

const nnc_task nnc_task_regress = {
    .name = "regress",
    .help = "numbers, images or sound: SQNR, PSNR and largest error against the original",
    .create = create,
    .sample = add_sample,
    .finish = finish,
    .destroy = destroy,
};
