/* Preprocessing of one image: geometry on bytes, then values. SPDX-License-Identifier: Apache-2.0
 */
#include "datasets/preprocess.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Half to even, as Python's round(): centre crops of odd margins depend on it. */
static int64_t round_even(double x)
{
    return (int64_t)nearbyint(x);
}

/* Puts the part of the resized image that overlaps the output; the border is `pad`. (left, top) is
 * the output's corner in the resized image and may be negative. */
static nnc_status place(nnc_image *out, nnc_image_view *view, const nnc_image *image,
                        const nnc_preprocess *p, const uint64_t full[2], const int64_t corner[2])
{
    *view = (nnc_image_view){.width = image->width,
                             .height = image->height,
                             .scale_x = (double)full[0] / image->width,
                             .scale_y = (double)full[1] / image->height,
                             .offset_x = -(double)corner[0],
                             .offset_y = -(double)corner[1]};
    if (p->no_crop && (full[0] != p->width || full[1] != p->height))
        NNC_FAIL(NNC_ERR_USAGE,
                 "image is %llux%llu after resizing, the model wants %ux%u (height x "
                 "width), and --crop none forbids to cut",
                 (unsigned long long)full[1], (unsigned long long)full[0], p->height, p->width);
    nnc_image_region region = {.full_width = full[0], .full_height = full[1]};
    const int64_t x0 = corner[0] > 0 ? corner[0] : 0, y0 = corner[1] > 0 ? corner[1] : 0;
    const int64_t x1 =
        corner[0] + p->width < (int64_t)full[0] ? corner[0] + p->width : (int64_t)full[0];
    const int64_t y1 =
        corner[1] + p->height < (int64_t)full[1] ? corner[1] + p->height : (int64_t)full[1];
    region.x = (uint64_t)x0;
    region.y = (uint64_t)y0;
    region.width = (uint32_t)(x1 - x0);
    region.height = (uint32_t)(y1 - y0);
    if (region.width == p->width && region.height == p->height)
        return nnc_image_resize(out, image, &region, p->resample);
    nnc_image part;
    NNC_TRY(nnc_image_resize(&part, image, &region, p->resample));
    nnc_status status = nnc_image_create(out, p->width, p->height, image->channels);
    if (status == NNC_OK) {
        const uint32_t c = image->channels;
        memset(out->data, p->pad, (size_t)p->width * p->height * c);
        for (uint32_t y = 0; y < region.height; y++)
            memcpy(out->data +
                       ((size_t)(y0 - corner[1] + y) * p->width + (size_t)(x0 - corner[0])) * c,
                   part.data + (size_t)y * region.width * c, (size_t)region.width * c);
    }
    nnc_image_deinit(&part);
    return status;
}

/* Corner of a centred cut of `want` from `have`: torchvision's rounding, and its padding (smaller
 * half first) where the image is smaller. */
static int64_t centre(uint64_t have, uint32_t want)
{
    if (have >= want)
        return round_even((double)(have - want) / 2.0);
    return -(int64_t)((want - have) / 2);
}

static nnc_status shorter(nnc_image *out, nnc_image_view *view, const nnc_image *image,
                          const nnc_preprocess *p)
{
    const uint64_t size = (uint64_t)p->size;
    const uint64_t w = image->width, h = image->height;
    uint64_t full[2] = {size, size};
    if (w < h)
        full[1] = (uint64_t)((double)(size * h) / (double)w);
    else
        full[0] = (uint64_t)((double)(size * w) / (double)h);
    const int64_t corner[2] = {centre(full[0], p->width), centre(full[1], p->height)};
    return place(out, view, image, p, full, corner);
}

static nnc_status letterbox(nnc_image *out, nnc_image_view *view, const nnc_image *image,
                            const nnc_preprocess *p)
{
    const double rw = (double)p->width / image->width, rh = (double)p->height / image->height;
    const double r = rw < rh ? rw : rh;
    int64_t w = round_even(image->width * r), h = round_even(image->height * r);
    w = w < 1 ? 1 : w;
    h = h < 1 ? 1 : h;
    const uint64_t full[2] = {(uint64_t)w, (uint64_t)h};
    const int64_t corner[2] = {-((int64_t)(p->width - full[0]) / 2),
                               -((int64_t)(p->height - full[1]) / 2)};
    return place(out, view, image, p, full, corner);
}

/* Cuts the central percentage of both sides, then stretches. */
static nnc_status central(nnc_image *out, nnc_image_view *view, const nnc_image *image,
                          const nnc_preprocess *p)
{
    const double keep = p->size / 100.0;
    const uint32_t left = (uint32_t)(image->width * (1 - keep) / 2);
    const uint32_t top = (uint32_t)(image->height * (1 - keep) / 2);
    nnc_image cut;
    const nnc_image_region middle = {
        image->width, image->height, left, top, image->width - 2 * left, image->height - 2 * top};
    NNC_TRY(nnc_image_resize(&cut, image, &middle, p->resample));
    const uint64_t full[2] = {p->width, p->height};
    const nnc_status status = place(out, view, &cut, p, full, (int64_t[]){0, 0});
    nnc_image_deinit(&cut);
    view->offset_x -= left * view->scale_x;
    view->offset_y -= top * view->scale_y;
    view->width = image->width;
    view->height = image->height;
    return status;
}

static nnc_status resize(nnc_image *out, nnc_image_view *view, const nnc_image *image,
                         const nnc_preprocess *p)
{
    const bool same = image->width == p->width && image->height == p->height;
    const uint64_t own[2] = {image->width, image->height};
    const uint64_t model[2] = {p->width, p->height};
    if (same && !p->size_given)
        return place(out, view, image, p, own, (int64_t[]){0, 0});
    switch (p->resize) {
    case NNC_RESIZE_FIT:
        NNC_FAIL(
            NNC_ERR_USAGE,
            "image is %ux%u, the model wants %ux%u (height x width), and nothing says how to "
            "resize. Hint: --resize shorter:%u (then the centre is cut), exact, letterbox or none",
            image->height, image->width, p->height, p->width,
            (p->height < p->width ? p->width : p->height) * 8 / 7);
    case NNC_RESIZE_NONE:
        break;
    case NNC_RESIZE_EXACT:
        return place(out, view, image, p, model, (int64_t[]){0, 0});
    case NNC_RESIZE_SHORTER:
        return shorter(out, view, image, p);
    case NNC_RESIZE_LETTERBOX:
        return letterbox(out, view, image, p);
    case NNC_RESIZE_CENTRAL:
        return central(out, view, image, p);
    }
    const int64_t corner[2] = {centre(own[0], p->width), centre(own[1], p->height)};
    return place(out, view, image, p, own, corner);
}

static void swap_red_blue(nnc_image *image)
{
    const size_t n = (size_t)image->width * image->height;
    for (size_t i = 0; i < n; i++) {
        const uint8_t red = image->data[3 * i];
        image->data[3 * i] = image->data[3 * i + 2];
        image->data[3 * i + 2] = red;
    }
}

nnc_status nnc_preprocess_geometry(nnc_image *out, nnc_image_view *view, nnc_image *image,
                                   const nnc_preprocess *p)
{
    nnc_image_view unused;
    view = view ? view : &unused;
    memset(out, 0, sizeof(*out));
    nnc_status status = nnc_image_set_channels(image, p->color == NNC_COLOR_GRAY ? 1 : 3);
    if (status == NNC_OK)
        status = resize(out, view, image, p);
    nnc_image_deinit(image);
    NNC_TRY(status);
    if (p->color == NNC_COLOR_BGR)
        swap_red_blue(out);
    status = nnc_image_set_channels(out, p->target.channels);
    if (status != NNC_OK)
        nnc_image_deinit(out);
    return status;
}

/* The 256 values a byte can become, in the order of operations of the float32 frameworks. */
static void value_table(float table[256], const nnc_preprocess *p, uint32_t channel)
{
    for (int i = 0; i < 256; i++) {
        float v = (float)i;
        if (p->multiplier != 1)
            v = v * p->multiplier;
        if (p->divisor != 1)
            v = v / p->divisor;
        table[i] = (v - p->mean[channel]) / p->std[channel];
    }
}

/* Integers: to nearest even, clamped to the type's range. */
static nnc_status round_values(nnc_tensor *x, nnc_dtype dtype)
{
    const unsigned bits = nnc_dtype_bits(dtype);
    const bool is_signed = nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_SINT;
    const double high = ldexp(1, (int)(is_signed ? bits - 1 : bits)) - 1;
    const double low = is_signed ? -high - 1 : 0;
    float *v = nnc_tensor_data(x);
    const size_t n = nnc_tensor_count(x);
    for (size_t i = 0; i < n; i++) {
        const double r = nearbyint(v[i]);
        v[i] = (float)(r < low ? low : r > high ? high : r);
    }
    return NNC_OK;
}

static nnc_status to_dtype(nnc_tensor *x, nnc_dtype dtype)
{
    if (dtype == NNC_DTYPE_FLOAT)
        return NNC_OK;
    if (nnc_dtype_class_of(dtype) != NNC_DTYPE_CLASS_FLOAT)
        NNC_TRY(round_values(x, dtype));
    nnc_tensor y = {0};
    NNC_TRY(nnc_tensor_convert(&y, x, dtype));
    nnc_tensor_deinit(x);
    *x = y;
    return NNC_OK;
}

static void fill(float *to, const nnc_image *image, const nnc_preprocess *p)
{
    const uint32_t channels = image->channels;
    const size_t pixels = (size_t)image->width * image->height;
    for (uint32_t c = 0; c < channels; c++) {
        float table[256];
        value_table(table, p, c);
        const uint8_t *from = image->data + c;
        float *at = p->target.nhwc ? to + c : to + pixels * c;
        const size_t step = p->target.nhwc ? channels : 1;
        for (size_t i = 0; i < pixels; i++)
            at[i * step] = table[from[i * channels]];
    }
}

nnc_status nnc_preprocess_apply(nnc_tensor *out, nnc_image_view *view, nnc_image *image,
                                const nnc_preprocess *p)
{
    nnc_image ready;
    NNC_TRY(nnc_preprocess_geometry(&ready, view, image, p));
    const nnc_image_target *t = &p->target;
    const int64_t nchw[4] = {1, t->channels, p->height, p->width};
    const int64_t nhwc[4] = {1, p->height, p->width, t->channels};
    const nnc_shape shape = nnc_shape_make(t->rank, (t->nhwc ? nhwc : nchw) + (4 - t->rank));
    nnc_status status = nnc_tensor_create(out, NNC_DTYPE_FLOAT, &shape);
    if (status == NNC_OK) {
        fill(nnc_tensor_data(out), &ready, p);
        status = to_dtype(out, t->dtype);
        if (status != NNC_OK)
            nnc_tensor_deinit(out);
    }
    nnc_image_deinit(&ready);
    return status;
}

nnc_status nnc_preprocess_bytes(nnc_tensor *out, const uint8_t *bytes, const nnc_shape *shape,
                                const nnc_preprocess *p)
{
    NNC_TRY(nnc_tensor_create(out, NNC_DTYPE_FLOAT, shape));
    float table[256];
    value_table(table, p, 0);
    float *to = nnc_tensor_data(out);
    const size_t n = nnc_tensor_count(out);
    for (size_t i = 0; i < n; i++)
        to[i] = table[bytes[i]];
    const nnc_status status = to_dtype(out, p->target.dtype);
    if (status != NNC_OK)
        nnc_tensor_deinit(out);
    return status;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

nnc_status nnc_preprocess_file(nnc_tensor *out, const nnc_dataset_input *input,
                               const uint8_t *bytes, size_t n)
{
    const nnc_shape *s = &input->shape;
    char text[256];
    const nnc_dtype_class class = nnc_dtype_class_of(input->dtype);
    if ((class != NNC_DTYPE_CLASS_SINT && class != NNC_DTYPE_CLASS_UINT) ||
        nnc_dtype_bits(input->dtype) < 16 || s->rank != 2 || s->dims[1] < 2 || s->dims[1] % 2)
        NNC_FAIL(NNC_ERR_DATA,
                 "input '%s' is %s %s, bytes need integers above 255 of shape [N,L] with even L",
                 input->name, nnc_dtype_name(input->dtype),
                 nnc_shape_format(text, sizeof(text), s));
    const size_t half = (size_t)s->dims[1] / 2;
    const nnc_shape shape = {2, {1, s->dims[1]}};
    nnc_tensor x = {0};
    NNC_TRY(nnc_tensor_create(&x, NNC_DTYPE_INT32, &shape));
    int32_t *to = nnc_tensor_data(&x);
    for (size_t i = 0; i < 2 * half; i++)
        to[i] = NNC_FILE_PAD;
    const size_t block = n < NNC_FILE_BLOCK ? n : NNC_FILE_BLOCK;
    size_t first = 0, end = n;
    while (first < block && is_blank(bytes[first]))
        first++;
    while (end > n - block && is_blank(bytes[end - 1]))
        end--;
    for (size_t i = 0; i < half && first + i < block; i++)
        to[i] = bytes[first + i];
    for (size_t i = 0; i < half && end > n - block + i; i++)
        to[2 * half - 1 - i] = bytes[end - 1 - i];
    const nnc_status status = nnc_tensor_convert(out, &x, input->dtype);
    nnc_tensor_deinit(&x);
    return status;
}
