/* Settings of the preprocessing: presets, flags, and their agreement with the model.
 * SPDX-License-Identifier: Apache-2.0 */
#include "datasets/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct preset {
    const char *name;
    nnc_resize_mode resize;
    double size;
    uint32_t crop;
    nnc_resample resample;
    nnc_color color;
    float divisor;
    float mean[3], std[3];
    const char *help;
} preset;

static const preset presets[] = {
#define X(name, resize, size, crop, resample, color, divisor, m0, m1, m2, s0, s1, s2, help)        \
    {name,                                                                                         \
     NNC_RESIZE_##resize,                                                                          \
     size,                                                                                         \
     crop,                                                                                         \
     NNC_RESAMPLE_##resample,                                                                      \
     NNC_COLOR_##color,                                                                            \
     (float)(divisor),                                                                             \
     {(float)(m0), (float)(m1), (float)(m2)},                                                      \
     {(float)(s0), (float)(s1), (float)(s2)},                                                      \
     help},
#include "datasets/presets.def"
#undef X
};
#define PRESETS (sizeof(presets) / sizeof(presets[0]))

size_t nnc_preset_count(void)
{
    return PRESETS;
}

const char *nnc_preset_name(size_t i)
{
    return i < PRESETS ? presets[i].name : NULL;
}

const char *nnc_preset_help(size_t i)
{
    return i < PRESETS ? presets[i].help : NULL;
}

static nnc_status preset_find(const preset **out, const char *name)
{
    const char *names[PRESETS];
    for (size_t i = 0; i < PRESETS; i++) {
        if (strcmp(presets[i].name, name) == 0) {
            *out = &presets[i];
            return NNC_OK;
        }
        names[i] = presets[i].name;
    }
    const char *near = nnc_nearest(name, names, PRESETS);
    if (near)
        NNC_FAIL(NNC_ERR_USAGE, "unknown preprocessing preset '%s'; did you mean '%s'?", name,
                 near);
    NNC_FAIL(NNC_ERR_USAGE, "unknown preprocessing preset '%s'; the first of %zu are '%s', '%s'",
             name, PRESETS, names[0], names[1]);
}

nnc_status nnc_preprocess_missing(const char *what, const char *input)
{
    nnc_str list = {0};
    for (size_t i = 0; i < PRESETS; i++)
        nnc_str_appendf(&list, "%s%s", i ? ", " : "", presets[i].name);
    const nnc_status status = nnc_error_set(NNC_ERR_DATA,
                                            "input '%s': %s cannot be fed without knowing its "
                                            "preprocessing. Hint: --preprocess with one "
                                            "of %s, or --scale/--mean/--std",
                                            input, what, nnc_str_get(&list));
    nnc_str_deinit(&list);
    return status;
}

static bool image_channels(int64_t dim)
{
    return dim == 1 || dim == 3;
}

static nnc_status target_layout(bool *nhwc, const nnc_dataset_input *input, const int64_t *dims,
                                nnc_data_layout layout)
{
    if (layout == NNC_DATA_LAYOUT_AUTO) {
        const bool first = image_channels(dims[0]), last = image_channels(dims[2]);
        if (first == last) {
            char text[256];
            NNC_FAIL(NNC_ERR_DATA,
                     "input '%s' of shape %s %s as an image. Hint: --layout NCHW or NHWC",
                     input->name, nnc_shape_format(text, sizeof(text), &input->shape),
                     first ? "is ambiguous" : "has no side of 1 or 3 channels to be taken");
        }
        *nhwc = last;
    } else {
        *nhwc = layout == NNC_DATA_LAYOUT_NHWC;
    }
    return NNC_OK;
}

static nnc_status target_side(uint32_t *out, const nnc_dataset_input *input, int64_t dim)
{
    if (dim > (int64_t)NNC_IMAGE_SIDE_MAX || dim == 0)
        NNC_FAIL(NNC_ERR_DATA, "input '%s': a side of %lld pixels, images have 1 to %u",
                 input->name, (long long)dim, NNC_IMAGE_SIDE_MAX);
    *out = dim < 0 ? 0 : (uint32_t)dim;
    return NNC_OK;
}

nnc_status nnc_image_target_find(nnc_image_target *out, const nnc_dataset_input *input,
                                 nnc_data_layout layout)
{
    memset(out, 0, sizeof(*out));
    char text[256];
    const nnc_shape *shape = &input->shape;
    if (shape->rank != 4 && shape->rank != 3)
        NNC_FAIL(NNC_ERR_DATA, "input '%s' has %u dims (%s), an image input has 4", input->name,
                 shape->rank, nnc_shape_format(text, sizeof(text), shape));
    const int64_t *dims = shape->dims + (shape->rank - 3);
    NNC_TRY(target_layout(&out->nhwc, input, dims, layout));
    const int64_t channels = out->nhwc ? dims[2] : dims[0];
    if (!image_channels(channels))
        NNC_FAIL(NNC_ERR_DATA, "input '%s' of shape %s as %s has %lld channels, images have 1 or 3",
                 input->name, nnc_shape_format(text, sizeof(text), shape),
                 out->nhwc ? "NHWC" : "NCHW", (long long)channels);
    switch (nnc_dtype_class_of(input->dtype)) {
    case NNC_DTYPE_CLASS_FLOAT:
    case NNC_DTYPE_CLASS_SINT:
    case NNC_DTYPE_CLASS_UINT:
        break;
    default:
        NNC_FAIL(NNC_ERR_DATA, "input '%s' is %s, images are numbers", input->name,
                 nnc_dtype_name(input->dtype));
    }
    out->dtype = input->dtype;
    out->rank = shape->rank;
    out->channels = (uint32_t)channels;
    NNC_TRY(target_side(&out->height, input, out->nhwc ? dims[0] : dims[1]));
    return target_side(&out->width, input, out->nhwc ? dims[1] : dims[2]);
}

/* ---- flags ---- */

static nnc_status parse_pixels(double *out, const char *flag, const char *text, double max)
{
    if (!nnc_parse_double(text, out) || *out < 1 || *out > max || *out != floor(*out))
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not a whole number from 1 to %.0f", flag, text, max);
    return NNC_OK;
}

static nnc_status parse_resize(nnc_preprocess *p, const char *text)
{
    p->size_given = true;
    p->size = 0;
    if (strcmp(text, "none") == 0) {
        p->resize = NNC_RESIZE_NONE;
    } else if (strcmp(text, "exact") == 0) {
        p->resize = NNC_RESIZE_EXACT;
    } else if (strcmp(text, "letterbox") == 0) {
        p->resize = NNC_RESIZE_LETTERBOX;
    } else if (strncmp(text, "shorter:", 8) == 0) {
        p->resize = NNC_RESIZE_SHORTER;
        return parse_pixels(&p->size, "resize", text + 8, NNC_IMAGE_SIDE_MAX);
    } else if (strncmp(text, "central:", 8) == 0) {
        p->resize = NNC_RESIZE_CENTRAL;
        if (!nnc_parse_double(text + 8, &p->size) || !(p->size > 0) || p->size > 1)
            NNC_FAIL(NNC_ERR_USAGE, "--resize: '%s' is not a fraction above 0 and up to 1",
                     text + 8);
        p->size *= 100;
    } else {
        NNC_FAIL(NNC_ERR_USAGE,
                 "--resize: '%s' is none of none, exact, shorter:N, letterbox, central:F", text);
    }
    return NNC_OK;
}

/* "224" or "224x320" (height x width). */
static nnc_status parse_crop(nnc_preprocess *p, const char *text)
{
    if (strcmp(text, "model") == 0)
        return NNC_OK;
    char head[32];
    const char *cross = strchr(text, 'x');
    const size_t n = cross ? (size_t)(cross - text) : strlen(text);
    if (n >= sizeof(head))
        NNC_FAIL(NNC_ERR_USAGE, "--crop: '%s' is not a size", text);
    memcpy(head, text, n);
    head[n] = '\0';
    double height, width;
    NNC_TRY(parse_pixels(&height, "crop", head, NNC_IMAGE_SIDE_MAX));
    width = height;
    if (cross)
        NNC_TRY(parse_pixels(&width, "crop", cross + 1, NNC_IMAGE_SIDE_MAX));
    p->height = (uint32_t)height;
    p->width = (uint32_t)width;
    return NNC_OK;
}

static nnc_status parse_choice(int *out, const char *flag, const char *text,
                               const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return NNC_OK;
        }
    NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is none of %s, %s, %s", flag, text, names[0], names[1],
             names[2]);
}

static nnc_status parse_scale(nnc_preprocess *p, const char *text)
{
    char head[64];
    const char *slash = strchr(text, '/');
    const size_t n = slash ? (size_t)(slash - text) : strlen(text);
    double multiplier = 0, divisor = 1;
    bool good = n < sizeof(head);
    if (good) {
        memcpy(head, text, n);
        head[n] = '\0';
        good = nnc_parse_double(head, &multiplier) &&
               (!slash || nnc_parse_double(slash + 1, &divisor));
    }
    p->multiplier = (float)multiplier;
    p->divisor = (float)divisor;
    if (!good || !(p->divisor != 0) || !(p->multiplier != 0) || !isfinite(p->multiplier) ||
        !isfinite(p->divisor))
        NNC_FAIL(NNC_ERR_USAGE, "--scale: '%s' is not a number or a fraction such as 1/255", text);
    return NNC_OK;
}

/* One number or three, separated by commas. */
static nnc_status parse_numbers(float out[3], uint32_t *count, const char *flag, const char *text)
{
    char copy[256];
    if (strlen(text) >= sizeof(copy))
        NNC_FAIL(NNC_ERR_USAGE, "--%s: too long", flag);
    strcpy(copy, text);
    uint32_t n = 0;
    char *rest = copy;
    for (char *part = strsep(&rest, ","); part; part = strsep(&rest, ",")) {
        double value;
        while (*part == ' ')
            part++;
        if (n == 3 || !nnc_parse_double(part, &value) || !isfinite((float)value))
            NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not one number or three with commas", flag,
                     text);
        out[n++] = (float)value;
    }
    if (n == 2)
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' has 2 numbers, expected 1 or 3", flag, text);
    *count = n;
    if (n == 1)
        out[1] = out[2] = out[0];
    return NNC_OK;
}

static nnc_status apply_value_flags(nnc_preprocess *p, const nnc_dataset_options *o)
{
    uint32_t means = p->values, stds = p->values;
    if (o->scale)
        NNC_TRY(parse_scale(p, o->scale));
    if (o->mean)
        NNC_TRY(parse_numbers(p->mean, &means, "mean", o->mean));
    if (o->std)
        NNC_TRY(parse_numbers(p->std, &stds, "std", o->std));
    for (int c = 0; c < 3; c++)
        if (p->std[c] == 0)
            NNC_FAIL(NNC_ERR_USAGE, "--std: zero would divide by zero");
    p->values = means > stds ? means : stds;
    return NNC_OK;
}

static nnc_status apply_flags(nnc_preprocess *p, const nnc_dataset_options *o)
{
    static const char *const filters[] = {"nearest", "bilinear", "bicubic"};
    static const char *const colors[] = {"rgb", "bgr", "gray"};
    int choice;
    if (o->resize)
        NNC_TRY(parse_resize(p, o->resize));
    if (o->interpolation) {
        NNC_TRY(parse_choice(&choice, "interpolation", o->interpolation, filters, 3));
        p->resample = (nnc_resample)choice;
    }
    if (o->color) {
        NNC_TRY(parse_choice(&choice, "color", o->color, colors, 3));
        p->color = (nnc_color)(choice + 1);
    }
    if (o->crop && strcmp(o->crop, "none") == 0)
        p->no_crop = true;
    else if (o->crop)
        NNC_TRY(parse_crop(p, o->crop));
    if (o->crop && !p->no_crop && p->resize == NNC_RESIZE_FIT)
        p->resize = NNC_RESIZE_NONE;
    return apply_value_flags(p, o);
}

bool nnc_preprocess_is_given(const nnc_dataset_options *o)
{
    return o->preset || o->scale || o->mean || o->std || o->color;
}

static nnc_status from_preset(nnc_preprocess *out, const nnc_dataset_options *o, const preset **row)
{
    memset(out, 0, sizeof(*out));
    out->given = nnc_preprocess_is_given(o);
    out->from_model = !o->preset && o->model_preset;
    out->multiplier = out->divisor = 1;
    out->values = 1;
    out->resample = NNC_RESAMPLE_BILINEAR;
    for (int c = 0; c < 3; c++)
        out->std[c] = 1;
    *row = NULL;
    const char *name = o->preset ? o->preset : o->model_preset;
    if (!name)
        return NNC_OK;
    const preset *r = NULL;
    NNC_TRY(preset_find(&r, name));
    if (strcmp(name, NNC_PRESET_BYTES) == 0)
        NNC_FAIL(NNC_ERR_USAGE, "preset '%s' takes a folder of files, not images or arrays", name);
    out->preset = r->name;
    out->resize = r->resize;
    out->size = r->size;
    out->resample = r->resample;
    out->color = r->color;
    out->divisor = r->divisor;
    memcpy(out->mean, r->mean, sizeof(out->mean));
    memcpy(out->std, r->std, sizeof(out->std));
    const bool same = r->mean[0] == r->mean[1] && r->mean[1] == r->mean[2] &&
                      r->std[0] == r->std[1] && r->std[1] == r->std[2];
    out->values = same ? 1 : 3;
    out->pad = r->resize == NNC_RESIZE_LETTERBOX ? 114 : 0;
    *row = r;
    return NNC_OK;
}

nnc_status nnc_preprocess_resolve_values(nnc_preprocess *out, const nnc_dataset_options *o)
{
    const preset *row;
    NNC_TRY(from_preset(out, o, &row));
    NNC_TRY(apply_value_flags(out, o));
    if (out->values != 1)
        NNC_FAIL(NNC_ERR_USAGE, "mean and std per channel, but the data is no image");
    return NNC_OK;
}

static nnc_status agree_channels(nnc_preprocess *out)
{
    const uint32_t wanted = out->target.channels;
    if (out->color == NNC_COLOR_AUTO)
        out->color = wanted == 1 ? NNC_COLOR_GRAY : NNC_COLOR_RGB;
    if (wanted == 1 && out->values == 3)
        NNC_FAIL(NNC_ERR_DATA,
                 "preprocessing%s%s has 3 channels of mean and std, the model's input has 1",
                 out->preset ? " " : "", out->preset ? out->preset : "");
    if (wanted == 1 && out->color == NNC_COLOR_RGB && out->preset)
        out->color = NNC_COLOR_GRAY;
    if (wanted == 1 && out->color != NNC_COLOR_GRAY)
        NNC_FAIL(NNC_ERR_USAGE, "--color: the model's input has 1 channel, expected gray");
    return NNC_OK;
}

static nnc_status agree_size(nnc_preprocess *out, const preset *row)
{
    const nnc_image_target *t = &out->target;
    if (out->width == 0) { /* no --crop */
        out->height = t->height ? t->height : row ? row->crop : 0;
        out->width = t->width ? t->width : row ? row->crop : 0;
    }
    if (out->width == 0 || out->height == 0)
        NNC_FAIL(NNC_ERR_DATA, "the model's image size is free. Hint: --crop HEIGHTxWIDTH");
    if ((t->height && t->height != out->height) || (t->width && t->width != out->width))
        NNC_FAIL(NNC_ERR_USAGE, "--crop: %ux%u, but the model's input has %ux%u", out->height,
                 out->width, t->height, t->width);
    if (!out->size_given && row && row->resize == NNC_RESIZE_SHORTER) {
        const uint32_t side = out->width > out->height ? out->width : out->height;
        out->size = floor(row->size * side / row->crop + 0.5);
    }
    return NNC_OK;
}

nnc_status nnc_preprocess_resolve(nnc_preprocess *out, const nnc_dataset_options *options,
                                  const nnc_image_target *target)
{
    const preset *row;
    NNC_TRY(from_preset(out, options, &row));
    out->target = *target;
    NNC_TRY(apply_flags(out, options));
    NNC_TRY(agree_channels(out));
    return agree_size(out, row);
}

/* ---- in words ---- */

static void format_values(nnc_str *out, const char *name, const float v[3], uint32_t n)
{
    nnc_str_appendf(out, ", %s", name);
    for (uint32_t c = 0; c < n; c++)
        nnc_str_appendf(out, " %g", v[c]);
}

static void format_size(nnc_str *out, const nnc_preprocess *p)
{
    static const char *const filters[] = {"nearest", "bilinear", "bicubic"};
    const char *filter = filters[p->resample];
    const unsigned h = p->height, w = p->width;
    switch (p->resize) {
    case NNC_RESIZE_FIT:
        nnc_str_appendf(out, "%ux%u as it is", h, w);
        break;
    case NNC_RESIZE_NONE:
        nnc_str_appendf(out, "no resize, centre %ux%u", h, w);
        break;
    case NNC_RESIZE_EXACT:
        nnc_str_appendf(out, "stretched to %ux%u %s", h, w, filter);
        break;
    case NNC_RESIZE_SHORTER:
        nnc_str_appendf(out, "shorter side %.0f %s, centre %ux%u", p->size, filter, h, w);
        break;
    case NNC_RESIZE_LETTERBOX:
        nnc_str_appendf(out, "fitted into %ux%u %s, borders %u", h, w, filter, p->pad);
        break;
    case NNC_RESIZE_CENTRAL:
        nnc_str_appendf(out, "central %g %%, stretched to %ux%u %s", p->size, h, w, filter);
        break;
    }
    if (!p->size_given && p->resize > NNC_RESIZE_NONE)
        nnc_str_appendf(out, " (images of %ux%u as they are)", h, w);
}

void nnc_preprocess_format(nnc_str *out, const nnc_preprocess *p)
{
    static const char *const colors[] = {"", "RGB", "BGR", "gray"};
    if (p->preset)
        nnc_str_appendf(out, "%s: ", p->preset);
    nnc_str_appendf(out, "%s%s", colors[p->color], p->width ? ", " : "");
    if (p->width)
        format_size(out, p);
    if (p->multiplier != 1)
        nnc_str_appendf(out, ", *%g", p->multiplier);
    if (p->divisor != 1)
        nnc_str_appendf(out, ", /%g", p->divisor);
    if (p->mean[0] != 0 || p->mean[1] != 0 || p->mean[2] != 0)
        format_values(out, "mean", p->mean, p->values);
    if (p->std[0] != 1 || p->std[1] != 1 || p->std[2] != 1)
        format_values(out, "std", p->std, p->values);
}
