/* random:N, synthetic inputs for timing and smoke tests: floats standard normal, 8-bit integers
 * over their range, other integers and bool 0 or 1. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "datasets/source.h"

#define RANDOM_STREAM 0x72616e64u /* "rand" */

static bool random_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    return strncmp(spec->path, "random:", 7) == 0;
}

static nnc_status input_shape(nnc_shape *out, const nnc_dataset_input *input)
{
    *out = input->shape;
    if (out->rank > 0 && out->dims[0] < 0)
        out->dims[0] = 1;
    if (!nnc_shape_is_static(out)) {
        char text[256];
        NNC_FAIL(NNC_ERR_DATA,
                 "input '%s' of shape %s has free dims, random data needs numbers. "
                 "Hint: --shape %s=...",
                 input->name, nnc_shape_format(text, sizeof(text), &input->shape), input->name);
    }
    return NNC_OK;
}

static nnc_status random_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    uint64_t n;
    if (!nnc_parse_u64(spec->path + 7, &n) || n == 0 || n > 10000000)
        NNC_FAIL(NNC_ERR_USAGE, "'%s': expected random:N with N from 1 to 10000000", spec->path);
    for (size_t i = 0; i < d->options.input_count; i++) {
        nnc_shape shape;
        NNC_TRY(input_shape(&shape, &d->options.inputs[i]));
    }
    d->total = (size_t)n;
    nnc_str_append(&d->format_text, "random numbers");
    nnc_str_append(&d->warnings, "random data says nothing about accuracy, and ranges measured on "
                                 "it are not those of real data\n");
    return nnc_str_status(&d->warnings);
}

static void fill(nnc_tensor *x, nnc_dtype dtype, nnc_rng *rng)
{
    const size_t n = nnc_tensor_count(x);
    float *v = nnc_tensor_data(x);
    const bool is_float = nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_FLOAT;
    for (size_t i = 0; i < n; i++) {
        if (is_float)
            v[i] = nnc_rng_normal(rng);
        else if (dtype == NNC_DTYPE_UINT8)
            v[i] = (float)nnc_rng_below(rng, 256);
        else if (dtype == NNC_DTYPE_INT8)
            v[i] = (float)nnc_rng_below(rng, 256) - 128.0f;
        else
            v[i] = (float)nnc_rng_below(rng, 2);
    }
}

static nnc_status random_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    nnc_rng rng;
    nnc_rng_init(&rng, d->options.seed, ((uint64_t)RANDOM_STREAM << 32) + raw);
    for (size_t i = 0; i < out->input_count; i++) {
        const nnc_dataset_input *input = &d->options.inputs[i];
        nnc_shape shape;
        NNC_TRY(input_shape(&shape, input));
        nnc_tensor x = {0};
        NNC_TRY(nnc_tensor_create(&x, NNC_DTYPE_FLOAT, &shape));
        fill(&x, input->dtype, &rng);
        const nnc_status status = nnc_tensor_convert(&out->inputs[i], &x, input->dtype);
        nnc_tensor_deinit(&x);
        NNC_TRY(status);
        out->hash = nnc_hash64(nnc_tensor_data(&out->inputs[i]), nnc_tensor_bytes(&out->inputs[i]),
                               out->hash);
    }
    return NNC_OK;
}

static void random_close(nnc_dataset *d)
{
    (void)d;
}

const nnc_data_format nnc_data_format_random = {
    .name = "random",
    .sniff = random_sniff,
    .open = random_open,
    .get = random_get,
    .close = random_close,
};
