/* Samples of the calling program, through its functions. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "datasets/source.h"
#include "nncompress/nncompress.h"

typedef struct calls_state {
    nnc_samples samples;
    pthread_mutex_t lock; /* the program is called by one thread at a time */
} calls_state;

static bool calls_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)spec;
    return options->samples != NULL;
}

static nnc_status read_labels(nnc_dataset *d, const nnc_samples *samples)
{
    if (!samples->label || d->options.no_labels)
        return NNC_OK;
    d->labels = nnc_calloc(d->total, sizeof(*d->labels));
    if (!d->labels)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < d->total; i++)
        d->labels[i] = samples->label(samples->user, i);
    return NNC_OK;
}

static nnc_status calls_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    (void)spec;
    const nnc_samples *samples = d->options.samples;
    if (samples->count == 0 || !samples->get)
        NNC_FAIL(NNC_ERR_DATA, "the caller gives no samples");
    calls_state *state = nnc_calloc(1, sizeof(*state));
    if (!state)
        return NNC_ERR_LIMIT;
    state->samples = *samples;
    pthread_mutex_init(&state->lock, NULL);
    d->state = state;
    d->total = samples->count;
    nnc_str_append(&d->format_text, "samples of the caller");
    return read_labels(d, samples);
}

/* The shape as stored: with the batch dim of 1 in front if the caller left it out. */
static nnc_status array_shape(nnc_shape *out, const nnc_array *array, const nnc_dataset_input *input)
{
    const nnc_shape *want = &input->shape;
    if (array->rank > NNC_RANK_MAX)
        NNC_FAIL(NNC_ERR_DATA, "input '%s': an array of rank %u", input->name, array->rank);
    nnc_shape got = nnc_shape_make(array->rank, array->dims);
    if (array->rank + 1 == want->rank) {
        got.rank++;
        memmove(&got.dims[1], &got.dims[0], array->rank * sizeof(got.dims[0]));
        got.dims[0] = 1;
    }
    bool good = got.rank == want->rank;
    for (uint32_t i = 0; good && i < got.rank; i++)
        good = got.dims[i] > 0 && (want->dims[i] < 0 || got.dims[i] == want->dims[i] || i == 0);
    if (!good || (got.rank > 0 && got.dims[0] != 1 && got.dims[0] != want->dims[0])) {
        char a[256], b[256];
        NNC_FAIL(NNC_ERR_DATA, "input '%s': an array of shape %s, the model takes %s", input->name,
                 nnc_shape_format(a, sizeof(a), &got), nnc_shape_format(b, sizeof(b), want));
    }
    *out = got;
    return NNC_OK;
}

static nnc_status take_array(nnc_tensor *out, const nnc_array *array, const nnc_dataset_input *input)
{
    nnc_shape shape;
    size_t count, bytes;
    NNC_TRY(array_shape(&shape, array, input));
    if (array->dtype != (int)input->dtype)
        NNC_FAIL(NNC_ERR_DATA, "input '%s': an array of type %d, the model takes %d (%s)", input->name,
                 array->dtype, (int)input->dtype, nnc_dtype_name(input->dtype));
    if (!nnc_shape_count(&count, &shape) || !nnc_dtype_bytes(&bytes, input->dtype, count) ||
        bytes != array->bytes || !array->data)
        NNC_FAIL(NNC_ERR_DATA, "input '%s': an array of %zu bytes, which does not fit its shape",
                 input->name, array->bytes);
    return nnc_tensor_create_from(out, input->dtype, &shape, array->data);
}

static nnc_status calls_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    calls_state *state = d->state;
    const size_t n = out->input_count;
    nnc_array *arrays = nnc_calloc(n, sizeof(*arrays));
    if (!arrays)
        return NNC_ERR_LIMIT;
    pthread_mutex_lock(&state->lock);
    const int result = state->samples.get(state->samples.user, raw, arrays, n);
    nnc_status status = NNC_OK;
    if (result != 0)
        status = nnc_error_set(NNC_ERR_DATA, "the caller could not give it (%d)", result);
    for (size_t i = 0; status == NNC_OK && i < n; i++) {
        status = take_array(&out->inputs[i], &arrays[i], &d->options.inputs[i]);
        if (status == NNC_OK)
            out->hash = nnc_hash64(nnc_tensor_data(&out->inputs[i]), nnc_tensor_bytes(&out->inputs[i]),
                                   out->hash);
    }
    pthread_mutex_unlock(&state->lock);
    nnc_free(arrays);
    return status;
}

static void calls_close(nnc_dataset *d)
{
    calls_state *state = d->state;
    if (state)
        pthread_mutex_destroy(&state->lock);
    nnc_free(state);
}

const nnc_data_format nnc_data_format_calls = {
    .name = "calls",
    .sniff = calls_sniff,
    .open = calls_open,
    .get = calls_get,
    .close = calls_close,
};
