/* Antialiased separable resampling with the arithmetic of Pillow: taps in double, weights rounded
 * to 22-bit fixed point, one pass per axis with 8 bits in between. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/image.h"

#define WEIGHT_BITS 22 /* 32 - 8 bits of pixel - 2 bits of headroom for sums above one */

/* Weighted source range of each output position. */
typedef struct taps {
    uint32_t *first; /* [n] */
    uint32_t *count; /* [n] */
    int32_t *weight; /* [n][stride] */
    size_t stride;
} taps;

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic with a = -0.5; the order of operations is part of the result. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static void taps_deinit(taps *t)
{
    nnc_free(t->first);
    nnc_free(t->count);
    nnc_free(t->weight);
}

static int32_t to_fixed(double w)
{
    const double scaled = w * (1 << WEIGHT_BITS);
    return (int32_t)(w < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* Taps of output positions [at, at + n) of an axis resized from `from` to `to` pixels. */
static nnc_status taps_init(taps *out, uint32_t from, uint64_t to, const uint64_t at[2],
                            nnc_resample resample)
{
    const size_t n = (size_t)at[1];
    double (*filter)(double) = resample == NNC_RESAMPLE_BICUBIC ? cubic : triangle;
    const double scale = (double)from / (double)to;
    const double stretch = scale < 1.0 ? 1.0 : scale;
    const double support = (resample == NNC_RESAMPLE_BICUBIC ? 2.0 : 1.0) * stretch;
    out->stride = (size_t)ceil(support) * 2 + 1;
    out->first = nnc_calloc(n, sizeof(*out->first));
    out->count = nnc_calloc(n, sizeof(*out->count));
    out->weight = nnc_calloc(n, out->stride * sizeof(*out->weight));
    double *w = nnc_calloc(out->stride, sizeof(*w));
    if (!out->first || !out->count || !out->weight || !w) {
        nnc_free(w);
        return NNC_ERR_LIMIT;
    }
    const double inverse = 1.0 / stretch;
    for (size_t i = 0; i < n; i++) {
        const double center = ((double)(at[0] + i) + 0.5) * scale;
        const double low = center - support + 0.5;
        const double high = center + support + 0.5;
        const uint32_t first = low < 0 ? 0 : (uint32_t)low;
        const uint32_t end = high > from ? from : (uint32_t)high;
        double sum = 0.0;
        for (uint32_t k = first; k < end; k++) {
            w[k - first] = filter((k - center + 0.5) * inverse);
            sum += w[k - first];
        }
        for (uint32_t k = first; k < end; k++)
            out->weight[i * out->stride + k - first] =
                to_fixed(sum != 0.0 ? w[k - first] / sum : w[k - first]);
        out->first[i] = first;
        out->count[i] = end - first;
    }
    nnc_free(w);
    return NNC_OK;
}

static uint8_t clip(int32_t sum)
{
    sum >>= WEIGHT_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void pass_horizontal(nnc_image *out, const nnc_image *in, uint32_t first_row, const taps *t)
{
    const uint32_t channels = in->channels;
    for (uint32_t y = 0; y < out->height; y++) {
        const uint8_t *from = in->data + (size_t)(first_row + y) * in->width * channels;
        uint8_t *to = out->data + (size_t)y * out->width * channels;
        for (uint32_t x = 0; x < out->width; x++) {
            const int32_t *w = t->weight + x * t->stride;
            const uint8_t *p = from + (size_t)t->first[x] * channels;
            for (uint32_t c = 0; c < channels; c++) {
                int32_t sum = 1 << (WEIGHT_BITS - 1);
                for (uint32_t k = 0; k < t->count[x]; k++)
                    sum += w[k] * p[k * channels + c];
                to[x * channels + c] = clip(sum);
            }
        }
    }
}

/* first_row: row of the whole image that stands first in `in`. */
static nnc_status pass_vertical(nnc_image *out, const nnc_image *in, uint32_t first_row,
                                const taps *t)
{
    const size_t row = (size_t)out->width * out->channels;
    int32_t *sums = nnc_calloc(row, sizeof(*sums));
    if (!sums)
        return NNC_ERR_LIMIT;
    for (uint32_t y = 0; y < out->height; y++) {
        const int32_t *w = t->weight + y * t->stride;
        for (size_t i = 0; i < row; i++)
            sums[i] = 1 << (WEIGHT_BITS - 1);
        for (uint32_t k = 0; k < t->count[y]; k++) {
            const uint8_t *from = in->data + row * (t->first[y] - first_row + k);
            for (size_t i = 0; i < row; i++)
                sums[i] += w[k] * from[i];
        }
        for (size_t i = 0; i < row; i++)
            out->data[row * y + i] = clip(sums[i]);
    }
    nnc_free(sums);
    return NNC_OK;
}

/* Source index of output positions [at, at + n): the centre's pixel, by repeated addition as
 * Pillow. */
static nnc_status nearest_index(uint32_t **out, uint32_t from, uint64_t to, uint64_t at, uint32_t n)
{
    const double step = (double)from / (double)to;
    *out = nnc_calloc(n, sizeof(**out));
    if (!*out)
        return NNC_ERR_LIMIT;
    double x = step * 0.5;
    for (uint64_t i = 0; i < at + n; i++, x += step)
        if (i >= at)
            (*out)[i - at] = x < from ? (uint32_t)x : from - 1;
    return NNC_OK;
}

static nnc_status resize_nearest(nnc_image *out, const nnc_image *image, const nnc_image_region *r)
{
    uint32_t *xs = NULL, *ys = NULL;
    nnc_status status = nearest_index(&xs, image->width, r->full_width, r->x, r->width);
    if (status == NNC_OK)
        status = nearest_index(&ys, image->height, r->full_height, r->y, r->height);
    const uint32_t channels = image->channels;
    for (uint32_t y = 0; status == NNC_OK && y < r->height; y++)
        for (uint32_t x = 0; x < r->width; x++)
            memcpy(out->data + ((size_t)y * r->width + x) * channels,
                   image->data + ((size_t)ys[y] * image->width + xs[x]) * channels, channels);
    nnc_free(xs);
    nnc_free(ys);
    return status;
}

/* Rows of the source that the vertical taps touch. */
static void row_range(uint32_t *first, uint32_t *count, const taps *t, uint32_t n)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (uint32_t i = 0; i < n; i++) {
        low = t->first[i] < low ? t->first[i] : low;
        high = t->first[i] + t->count[i] > high ? t->first[i] + t->count[i] : high;
    }
    *first = low;
    *count = high - low;
}

/* Pillow 13 begins with the rows when many more of them go than columns (measured: the two orders
 * round differently); Pillow before 13 always begins with the columns. */
static bool rows_first(const nnc_image *image, const nnc_image_region *r)
{
    const int64_t fewer_rows = (int64_t)image->height - (int64_t)r->full_height;
    const int64_t fewer_columns = (int64_t)image->width - (int64_t)r->full_width;
    return fewer_rows > 0 && fewer_rows > 2 * fewer_columns;
}

static nnc_status two_passes(nnc_image *out, const nnc_image *image, const nnc_image_region *r,
                             const taps *across, const taps *down)
{
    nnc_image middle = {0};
    nnc_status status;
    if (rows_first(image, r)) {
        status = nnc_image_create(&middle, image->width, r->height, image->channels);
        if (status == NNC_OK)
            status = pass_vertical(&middle, image, 0, down);
        if (status == NNC_OK)
            pass_horizontal(out, &middle, 0, across);
    } else {
        uint32_t first, rows;
        row_range(&first, &rows, down, r->height);
        status = nnc_image_create(&middle, r->width, rows, image->channels);
        if (status == NNC_OK) {
            pass_horizontal(&middle, image, first, across);
            status = pass_vertical(out, &middle, first, down);
        }
    }
    nnc_image_deinit(&middle);
    return status;
}

/* An axis that keeps its size has taps of exactly one whole pixel: no case of its own. */
static nnc_status resize_filtered(nnc_image *out, const nnc_image *image, const nnc_image_region *r,
                                  nnc_resample resample)
{
    taps across = {0}, down = {0};
    nnc_status status =
        taps_init(&across, image->width, r->full_width, (uint64_t[]){r->x, r->width}, resample);
    if (status == NNC_OK)
        status = taps_init(&down, image->height, r->full_height, (uint64_t[]){r->y, r->height},
                           resample);
    if (status == NNC_OK)
        status = two_passes(out, image, r, &across, &down);
    taps_deinit(&across);
    taps_deinit(&down);
    return status;
}

static void copy_region(nnc_image *out, const nnc_image *image, const nnc_image_region *r)
{
    const size_t row = (size_t)r->width * image->channels;
    for (uint32_t y = 0; y < r->height; y++)
        memcpy(out->data + row * y,
               image->data + ((size_t)(r->y + y) * image->width + r->x) * image->channels, row);
}

nnc_status nnc_image_resize(nnc_image *out, const nnc_image *image, const nnc_image_region *region,
                            nnc_resample resample)
{
    memset(out, 0, sizeof(*out));
    if (region->full_width == 0 || region->full_height == 0 ||
        region->x + region->width > region->full_width ||
        region->y + region->height > region->full_height)
        NNC_FAIL(NNC_ERR_DATA, "cannot cut %ux%u from an image of %llux%llu", region->width,
                 region->height, (unsigned long long)region->full_width,
                 (unsigned long long)region->full_height);
    NNC_TRY(nnc_image_create(out, region->width, region->height, image->channels));
    nnc_status status = NNC_OK;
    if (region->full_width == image->width && region->full_height == image->height)
        copy_region(out, image, region);
    else if (resample == NNC_RESAMPLE_NEAREST)
        status = resize_nearest(out, image, region);
    else
        status = resize_filtered(out, image, region, resample);
    if (status != NNC_OK)
        nnc_image_deinit(out);
    return status;
}
