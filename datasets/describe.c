/* What the model sees: ranges of the first samples and warnings; and shared samples of two sets.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/source.h"

#define DESCRIBE_SAMPLES 16

/* Running statistics of one channel. */
typedef struct channel_sum {
    double min, max, sum;
    uint64_t count;
} channel_sum;

typedef struct input_sum {
    channel_sum channel[NNC_DATASET_CHANNELS];
    uint32_t channels;
    uint64_t not_finite;
    nnc_dtype dtype;
    nnc_shape shape;
} input_sum;

void nnc_dataset_summary_deinit(nnc_dataset_summary *summary)
{
    nnc_str_deinit(&summary->lines);
    nnc_str_deinit(&summary->warnings);
    memset(summary, 0, sizeof(*summary));
}

static void input_start(input_sum *s, uint32_t channels)
{
    memset(s, 0, sizeof(*s));
    s->channels = channels;
    for (uint32_t c = 0; c < channels; c++) {
        s->channel[c].min = DBL_MAX;
        s->channel[c].max = -DBL_MAX;
    }
}

/* Channel of element i: images by layout, everything else is one channel. */
static void input_add(input_sum *s, const nnc_tensor *x, bool channels_last)
{
    const size_t n = nnc_tensor_count(x);
    const size_t plane = s->channels ? n / s->channels : n;
    const float *v = x->dtype == NNC_DTYPE_FLOAT ? nnc_tensor_data(x) : NULL;
    for (size_t i = 0; i < n; i++) {
        const double value = v ? (double)v[i] : nnc_tensor_get_double(x, i);
        if (!isfinite(value)) {
            s->not_finite++;
            continue;
        }
        channel_sum *c = &s->channel[channels_last ? i % s->channels : i / plane];
        c->min = value < c->min ? value : c->min;
        c->max = value > c->max ? value : c->max;
        c->sum += value;
        c->count++;
    }
    s->dtype = x->dtype;
    s->shape = x->shape;
}

static void format_input(nnc_str *out, const nnc_dataset *d, size_t i, const input_sum *s)
{
    static const char *const rgb[] = {"R", "G", "B"}, *const bgr[] = {"B", "G", "R"};
    const bool image = d->has_image && i == d->image_input;
    char text[256];
    nnc_str_append(out, "input '");
    nnc_str_append_printable(out, d->options.inputs[i].name, 120);
    nnc_str_appendf(out, "' %s%s %s:", image ? (d->image.target.nhwc ? "NHWC " : "NCHW ") : "",
                    nnc_shape_format(text, sizeof(text), &s->shape), nnc_dtype_name(s->dtype));
    for (uint32_t c = 0; c < s->channels; c++) {
        const channel_sum *v = &s->channel[c];
        const char *name = s->channels != 3                  ? ""
                           : d->image.color == NNC_COLOR_BGR ? bgr[c]
                                                             : rgb[c];
        if (v->count == 0)
            nnc_str_appendf(out, "%s no finite value", c ? "," : "");
        else
            nnc_str_appendf(out, "%s%s%s %.4g..%.4g mean %.4g", c ? "," : "", *name ? " " : "",
                            name, v->min, v->max, v->sum / (double)v->count);
    }
}

static void warn_units(nnc_dataset_summary *out, const nnc_dataset *d)
{
    const nnc_preprocess *p = &d->image;
    float mean = 0, std = 0;
    for (int c = 0; c < 3; c++) {
        mean = fabsf(p->mean[c]) > mean ? fabsf(p->mean[c]) : mean;
        std = p->std[c] > std ? p->std[c] : std;
    }
    const float top = 255.0f * p->multiplier / p->divisor;
    const bool changed = mean != 0 || std != 1;
    if (changed && top > 100 && mean <= 1 && std <= 1)
        nnc_str_append(&out->warnings,
                       "mean and std look like those of pixels 0..1, but pixels are "
                       "0..255 here; is --scale 1/255 missing?\n");
    if (changed && top <= 2 && mean > 4)
        nnc_str_appendf(&out->warnings,
                        "pixels are scaled to 0..%g before a mean of %g; is that mean "
                        "for pixels 0..255 (--scale 1)?\n",
                        top, mean);
}

/* Float arrays that hold plain pixel values. */
static void warn_raw_pixels(nnc_dataset_summary *out, const nnc_dataset *d, const input_sum *s)
{
    if (d->has_image || s->shape.rank != 4 || s->dtype != NNC_DTYPE_FLOAT || s->channels != 1)
        return;
    const channel_sum *c = &s->channel[0];
    if (c->count && c->min >= 0 && c->max > 64 && c->max <= 255)
        nnc_str_appendf(&out->warnings,
                        "input '%s': values run from %.4g to %.4g like raw pixels; "
                        "was the model trained on normalised ones?\n",
                        d->options.inputs[0].name, c->min, c->max);
}

static void warn_content(nnc_dataset_summary *out, const nnc_dataset *d, const input_sum *sums,
                         size_t equal)
{
    if (out->samples > 1 && equal == out->samples)
        nnc_str_appendf(&out->warnings, "%s: all %zu samples looked at are identical\n", d->path,
                        out->samples);
    for (size_t i = 0; i < d->options.input_count; i++) {
        const input_sum *s = &sums[i];
        bool constant = nnc_dtype_class_of(s->dtype) == NNC_DTYPE_CLASS_FLOAT;
        for (uint32_t c = 0; c < s->channels; c++)
            constant =
                constant && s->channel[c].count > 1 && s->channel[c].min == s->channel[c].max;
        if (constant)
            nnc_str_appendf(&out->warnings, "input '%s': every value is the same (%g)\n",
                            d->options.inputs[i].name, s->channel[0].min);
        if (s->not_finite)
            nnc_str_appendf(&out->warnings, "input '%s': %llu values are NaN or infinite\n",
                            d->options.inputs[i].name, (unsigned long long)s->not_finite);
    }
    if (d->has_image)
        warn_units(out, d);
    warn_raw_pixels(out, d, &sums[0]);
}

static nnc_status look(nnc_dataset_summary *out, const nnc_dataset *d, size_t n, input_sum *sums,
                       const nnc_log *log)
{
    uint64_t first = 0;
    size_t equal = 0;
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < d->count && out->samples < n; i++) {
        nnc_sample sample;
        NNC_TRY(nnc_log_poll(log));
        status = nnc_dataset_get(&sample, d, i);
        if (status == NNC_ERR_DATA || status == NNC_ERR_IO) {
            out->bad++;
            continue;
        }
        NNC_TRY(status);
        for (size_t k = 0; k < sample.input_count; k++)
            input_add(&sums[k], &sample.inputs[k],
                      d->has_image && k == d->image_input && d->image.target.nhwc);
        if (out->samples == 0)
            first = sample.hash;
        equal += sample.hash == first;
        out->samples++;
        nnc_sample_deinit(&sample);
    }
    if (out->samples == 0)
        return status;
    warn_content(out, d, sums, equal);
    return NNC_OK;
}

static nnc_status describe(nnc_dataset_summary *out, const nnc_dataset *d, size_t n,
                           input_sum *sums, const nnc_log *log)
{
    const size_t inputs = d->options.input_count;
    for (size_t i = 0; i < inputs; i++)
        input_start(&sums[i], d->has_image && i == d->image_input ? d->image.target.channels : 1);
    nnc_str_append(&out->warnings, nnc_str_get(&d->warnings));
    NNC_TRY(look(out, d, n, sums, log));
    for (size_t i = 0; i < inputs; i++) {
        if (i)
            nnc_str_append(&out->lines, "\n");
        format_input(&out->lines, d, i, &sums[i]);
        out->not_finite += sums[i].not_finite;
    }
    nnc_str_appendf(&out->lines, " (%zu samples; %s)", out->samples, nnc_dataset_preprocessing(d));
    out->channels = sums[0].channels;
    for (uint32_t c = 0; c < out->channels; c++) {
        const channel_sum *v = &sums[0].channel[c];
        out->channel[c].min = v->count ? v->min : 0;
        out->channel[c].max = v->count ? v->max : 0;
        out->channel[c].mean = v->count ? v->sum / (double)v->count : 0;
    }
    NNC_TRY(nnc_str_status(&out->lines));
    return nnc_str_status(&out->warnings);
}

nnc_status nnc_dataset_describe(nnc_dataset_summary *out, const nnc_dataset *d, size_t n,
                                const nnc_log *log)
{
    memset(out, 0, sizeof(*out));
    input_sum *sums = nnc_calloc(d->options.input_count, sizeof(*sums));
    if (!sums)
        return NNC_ERR_LIMIT;
    const nnc_status status = describe(out, d, n ? n : DESCRIBE_SAMPLES, sums, log);
    nnc_free(sums);
    if (status != NNC_OK)
        nnc_dataset_summary_deinit(out);
    return status;
}

static nnc_status read_hashes(uint64_t **out, size_t *count, const nnc_dataset *d,
                              const nnc_log *log)
{
    *count = 0;
    *out = nnc_calloc(d->count, sizeof(**out));
    nnc_dataset_reader *reader = NULL;
    if (!*out)
        return NNC_ERR_LIMIT;
    NNC_TRY(nnc_dataset_reader_create(&reader, d, NULL, 0, log));
    nnc_status status;
    bool more = true;
    for (;;) {
        nnc_sample sample;
        status = nnc_dataset_reader_next(&sample, &more, reader);
        if (status != NNC_OK || !more)
            break;
        (*out)[(*count)++] = sample.hash;
        nnc_sample_deinit(&sample);
    }
    nnc_dataset_reader_destroy(reader);
    return status;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

nnc_status nnc_dataset_overlap(size_t *out, const nnc_dataset *a, const nnc_dataset *b,
                               const nnc_log *log)
{
    uint64_t *of_a = NULL, *of_b = NULL;
    size_t n = 0, m = 0;
    *out = 0;
    nnc_status status = read_hashes(&of_a, &n, a, log);
    if (status == NNC_OK)
        status = read_hashes(&of_b, &m, b, log);
    if (status == NNC_OK && m > 0) {
        qsort(of_b, m, sizeof(*of_b), by_value);
        for (size_t i = 0; i < n; i++)
            *out += bsearch(&of_a[i], of_b, m, sizeof(*of_b), by_value) != NULL;
    }
    nnc_free(of_a);
    nnc_free(of_b);
    return status;
}
