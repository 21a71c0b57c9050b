/* Fitting arrays to model inputs, and reading samples from them. SPDX-License-Identifier:
 * Apache-2.0 */
#include "datasets/array.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

/* A sample with more non-finite values than this fraction counts as bad. */
#define NOT_FINITE_MAX 0.01

void nnc_arrays_close(nnc_arrays *arrays)
{
    for (size_t i = 0; i < arrays->count; i++)
        if (arrays->inputs[i].array.close)
            arrays->inputs[i].array.close(&arrays->inputs[i].array);
    nnc_free(arrays->inputs);
    memset(arrays, 0, sizeof(*arrays));
}

/* dims[at..] of the array against dims[from..] of the input; unknown input dims accept anything. */
static bool dims_match(const nnc_shape *array, uint32_t at, const nnc_shape *input, uint32_t from)
{
    if (array->rank - at != input->rank - from)
        return false;
    for (uint32_t i = 0; at + i < array->rank; i++)
        if (input->dims[from + i] >= 0 && input->dims[from + i] != array->dims[at + i])
            return false;
    return true;
}

static bool is_channels(int64_t dim)
{
    return dim == 1 || dim == 3;
}

/* 8-bit [N,H,W], [N,H,W,C] or [N,C,H,W] for an image input. */
static bool looks_like_image(nnc_array_input *in, const nnc_dataset *d)
{
    const nnc_shape *s = &in->array.shape;
    nnc_image_target target;
    if (in->array.dtype != NNC_DTYPE_UINT8 || (s->rank != 3 && s->rank != 4) ||
        nnc_image_target_find(&target, &d->options.inputs[0], d->options.layout) != NNC_OK) {
        nnc_error_clear();
        return false;
    }
    in->gray = s->rank == 3;
    if (in->gray)
        return true;
    const bool first = is_channels(s->dims[1]), last = is_channels(s->dims[3]);
    if (d->options.data_layout != NNC_DATA_LAYOUT_AUTO)
        in->image_nhwc = d->options.data_layout == NNC_DATA_LAYOUT_NHWC;
    else if (first && last)
        in->image_nhwc = target.nhwc; /* both readings possible: the model's own */
    else
        in->image_nhwc = last;
    return in->image_nhwc ? last : first;
}

static nnc_status fail_shape(const nnc_array_input *in, const nnc_dataset_input *input)
{
    char have[256], want[256];
    const nnc_shape *s = &in->array.shape;
    const nnc_shape *w = &input->shape;
    nnc_shape_format(have, sizeof(have), s);
    nnc_shape_format(want, sizeof(want), w);
    if (s->rank == 4 && w->rank == 4) {
        const nnc_shape to_nchw = {4, {s->dims[0], s->dims[3], s->dims[1], s->dims[2]}};
        const nnc_shape to_nhwc = {4, {s->dims[0], s->dims[2], s->dims[3], s->dims[1]}};
        if (dims_match(&to_nchw, 1, w, 1) || dims_match(&to_nhwc, 1, w, 1))
            NNC_FAIL(NNC_ERR_DATA,
                     "'%s' of shape %s looks transposed for input '%s' of shape %s. Hint: "
                     "--data-layout %s",
                     in->array.name, have, input->name, want,
                     dims_match(&to_nchw, 1, w, 1) ? "NHWC" : "NCHW");
    }
    NNC_FAIL(NNC_ERR_DATA,
             "'%s' of shape %s does not fit input '%s' of shape %s (expected N "
             "samples first)",
             in->array.name, have, input->name, want);
}

/* Whether values of type `from` may stand for `to` without preprocessing. */
static bool dtype_fits(nnc_dtype from, nnc_dtype to)
{
    const nnc_dtype_class a = nnc_dtype_class_of(from), b = nnc_dtype_class_of(to);
    if (from == to)
        return true;
    if (a == NNC_DTYPE_CLASS_OTHER || b == NNC_DTYPE_CLASS_OTHER)
        return false;
    return (a == NNC_DTYPE_CLASS_FLOAT) == (b == NNC_DTYPE_CLASS_FLOAT);
}

static nnc_status check_ready_flags(const nnc_dataset *d, const nnc_array_input *in)
{
    const nnc_dataset_options *o = &d->options;
    const bool none = o->preset && strcmp(o->preset, "none") == 0;
    if (!none && nnc_preprocess_is_given(o))
        NNC_FAIL(
            NNC_ERR_USAGE,
            "'%s' holds ready %s values, which are fed as they are; preprocessing is for 8-bit "
            "images. Hint: --preprocess none",
            in->array.name, nnc_dtype_name(in->array.dtype));
    return NNC_OK;
}

/* Sample shape and mode READY. */
static nnc_status fit_ready(nnc_array_input *in, const nnc_dataset *d,
                            const nnc_dataset_input *input)
{
    const nnc_shape *s = &in->array.shape;
    in->mode = NNC_ARRAY_READY;
    if (!dtype_fits(in->array.dtype, input->dtype))
        NNC_FAIL(NNC_ERR_DATA, "'%s' is %s, input '%s' wants %s", in->array.name,
                 nnc_dtype_name(in->array.dtype), input->name, nnc_dtype_name(input->dtype));
    NNC_TRY(check_ready_flags(d, in));
    nnc_shape moved = *s;
    if (s->rank == 4 && d->options.data_layout == NNC_DATA_LAYOUT_NHWC &&
        d->options.layout != NNC_DATA_LAYOUT_NHWC) {
        moved = (nnc_shape){4, {s->dims[0], s->dims[3], s->dims[1], s->dims[2]}};
        in->to_nchw = true;
    } else if (s->rank == 4 && d->options.data_layout == NNC_DATA_LAYOUT_NCHW &&
               d->options.layout == NNC_DATA_LAYOUT_NHWC) {
        moved = (nnc_shape){4, {s->dims[0], s->dims[2], s->dims[3], s->dims[1]}};
        in->to_nhwc = true;
    }
    if (input->shape.rank == s->rank && dims_match(&moved, 1, &input->shape, 1)) {
        in->shape = *s;
        in->shape.dims[0] = 1;
        return NNC_OK;
    }
    if (!in->to_nchw && !in->to_nhwc && s->rank == input->shape.rank + 1 &&
        dims_match(s, 1, &input->shape, 0)) {
        in->shape = nnc_shape_make(s->rank - 1, s->dims + 1);
        return NNC_OK;
    }
    return fail_shape(in, input);
}

static nnc_status fit_image(nnc_array_input *in, nnc_dataset *d)
{
    const nnc_shape *s = &in->array.shape;
    in->mode = NNC_ARRAY_IMAGE;
    for (uint32_t i = 1; i < s->rank; i++)
        if (s->dims[i] <= 0 || s->dims[i] > (int64_t)NNC_IMAGE_SIDE_MAX)
            NNC_FAIL(NNC_ERR_DATA, "'%s': a side of %lld pixels, images have 1 to %u",
                     in->array.name, (long long)s->dims[i], NNC_IMAGE_SIDE_MAX);
    return nnc_dataset_use_images(d, "8-bit image data");
}

static nnc_status fit_bytes(nnc_array_input *in, nnc_dataset *d, const nnc_dataset_input *input)
{
    if (!nnc_preprocess_is_given(&d->options) && !d->options.model_preset)
        return nnc_preprocess_missing("8-bit data", input->name);
    const nnc_shape *s = &in->array.shape;
    if (input->shape.rank != s->rank || !dims_match(s, 1, &input->shape, 1))
        return fail_shape(in, input);
    NNC_TRY(nnc_preprocess_resolve_values(&d->image, &d->options));
    d->image.target.dtype = input->dtype;
    in->mode = NNC_ARRAY_VALUES;
    in->shape = *s;
    in->shape.dims[0] = 1;
    nnc_str_clear(&d->preprocessing);
    nnc_preprocess_format(&d->preprocessing, &d->image);
    return NNC_OK;
}

/* Decides how array `in` feeds input i, and checks that it can. */
static nnc_status fit(nnc_array_input *in, nnc_dataset *d, size_t i)
{
    const nnc_dataset_input *input = &d->options.inputs[i];
    const nnc_shape *s = &in->array.shape;
    if (s->rank == 0)
        NNC_FAIL(NNC_ERR_DATA, "'%s' is a scalar, expected N samples", in->array.name);
    const nnc_shape one = nnc_shape_make(s->rank - 1, s->dims + 1);
    size_t elements;
    if (!nnc_shape_count(&elements, &one) ||
        !nnc_dtype_bytes(&in->sample_bytes, in->array.dtype, elements) ||
        in->sample_bytes > NNC_ARRAY_SAMPLE_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': one sample is larger than 1 GiB", in->array.name);
    if (in->sample_bytes == 0)
        NNC_FAIL(NNC_ERR_DATA, "'%s' has empty samples", in->array.name);
    const bool is_float = nnc_dtype_class_of(input->dtype) == NNC_DTYPE_CLASS_FLOAT;
    const bool bytes_to_bytes = input->dtype == NNC_DTYPE_UINT8 &&
                                !nnc_preprocess_is_given(&d->options) &&
                                s->rank == input->shape.rank && dims_match(s, 1, &input->shape, 1);
    if (d->options.input_count == 1 && !bytes_to_bytes &&
        (is_float || nnc_dtype_bits(input->dtype) == 8) && looks_like_image(in, d))
        return fit_image(in, d);
    if (in->array.dtype == NNC_DTYPE_UINT8 && is_float)
        return fit_bytes(in, d, input);
    return fit_ready(in, d, input);
}

/* ---- labels ---- */

nnc_status nnc_arrays_read_labels(nnc_dataset *d, const nnc_array *array)
{
    const nnc_shape *s = &array->shape;
    char text[256];
    const bool flat = s->rank == 1 || (s->rank == 2 && s->dims[1] == 1);
    if (!flat || nnc_dtype_class_of(array->dtype) == NNC_DTYPE_CLASS_OTHER ||
        nnc_dtype_bits(array->dtype) < 8)
        NNC_FAIL(NNC_ERR_DATA, "labels '%s' are %s of shape %s, expected one number per sample",
                 array->name, nnc_dtype_name(array->dtype),
                 nnc_shape_format(text, sizeof(text), s));
    if ((uint64_t)s->dims[0] != d->total)
        NNC_FAIL(NNC_ERR_DATA, "%lld labels in '%s' for %zu samples", (long long)s->dims[0],
                 array->name, d->total);
    nnc_tensor x = {0};
    NNC_TRY(nnc_tensor_create(&x, array->dtype, s));
    nnc_status status = array->fetch(array, nnc_tensor_data(&x), 0, d->total);
    nnc_free(d->labels);
    d->labels = nnc_calloc(d->total, sizeof(*d->labels));
    if (status == NNC_OK && !d->labels)
        status = NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < d->total; i++) {
        const double v = nnc_tensor_get_double(&x, i);
        if (v != floor(v) || fabs(v) > 1e12)
            status = nnc_error_set(NNC_ERR_DATA, "labels '%s': entry %zu is %g, no whole number",
                                   array->name, i, v);
        else
            d->labels[i] = (int64_t)v;
    }
    nnc_tensor_deinit(&x);
    return status;
}

/* ---- choice of names ---- */

static bool offers(const nnc_array_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->names[i], name) == 0)
            return true;
    return false;
}

static nnc_status fail_names(const nnc_dataset *d, const nnc_array_file *file, const char *wanted)
{
    nnc_str inputs = {0}, found = {0};
    for (size_t i = 0; i < d->options.input_count; i++)
        nnc_str_appendf(&inputs, "%s'%s'", i ? ", " : "", d->options.inputs[i].name);
    for (size_t i = 0; i < file->count && i < 32; i++)
        nnc_str_appendf(&found, "%s'%s'", i ? ", " : "", file->names[i]);
    if (wanted)
        nnc_error_set(NNC_ERR_DATA, "%s: no array '%s'; the %s has %s", d->path, wanted, file->what,
                      file->count ? nnc_str_get(&found) : "none");
    else
        nnc_error_set(NNC_ERR_DATA,
                      "%s: cannot tell which array feeds which input; the model has %s, the %s has "
                      "%s. Hint: FILE#NAME,...",
                      d->path, nnc_str_get(&inputs), file->what,
                      file->count ? nnc_str_get(&found) : "none");
    nnc_str_deinit(&inputs);
    nnc_str_deinit(&found);
    return NNC_ERR_DATA;
}

static const char *const label_names[] = {"labels", "label", "y", "targets", "target"};
static const char *const data_names[] = {"images", "image",  "x",     "X",
                                         "data",   "inputs", "input", "features"};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_label_name(const char *name)
{
    for (size_t i = 0; i < COUNT(label_names); i++)
        if (strcmp(name, label_names[i]) == 0)
            return true;
    return false;
}

/* "a,b": by input name when they are the input names, else in order. */
static nnc_status names_from_fragment(const char **names, nnc_dataset *d, const char *fragment)
{
    const size_t n = d->options.input_count;
    const char *given[NNC_RANK_MAX * 4];
    size_t count = 0;
    char *rest = nnc_arena_strdup(d->arena, fragment);
    if (!rest)
        return NNC_ERR_LIMIT;
    for (char *part = strsep(&rest, ","); part; part = strsep(&rest, ","))
        if (count < COUNT(given))
            given[count++] = *part == '#' ? part + 1 : part;
    if (count != n)
        NNC_FAIL(NNC_ERR_DATA, "%s#%s: %zu array name%s for %zu model input%s", d->path, fragment,
                 count, count == 1 ? "" : "s", n, n == 1 ? "" : "s");
    size_t matched = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            matched += strcmp(given[k], d->options.inputs[i].name) == 0;
    for (size_t i = 0; i < n; i++)
        names[i] = matched == n ? d->options.inputs[i].name : given[i];
    return NNC_OK;
}

static nnc_status names_by_look(const char **names, const nnc_dataset *d,
                                const nnc_array_file *file)
{
    const size_t n = d->options.input_count;
    size_t matched = 0;
    for (size_t i = 0; i < n; i++) {
        names[i] = d->options.inputs[i].name;
        matched += offers(file, names[i]);
    }
    if (matched == n)
        return NNC_OK;
    if (n > 1)
        return fail_names(d, file, NULL);
    const char *only = NULL;
    size_t candidates = 0;
    for (size_t i = 0; i < COUNT(data_names); i++)
        if (offers(file, data_names[i])) {
            names[0] = data_names[i];
            return NNC_OK;
        }
    for (size_t i = 0; i < file->count; i++)
        if (!is_label_name(file->names[i])) {
            only = file->names[i];
            candidates++;
        }
    if (candidates != 1)
        return fail_names(d, file, NULL);
    names[0] = only;
    return NNC_OK;
}

static nnc_status open_labels(nnc_dataset *d, const nnc_array_file *file, const char **names)
{
    const char *name = NULL;
    const char *option = d->options.labels;
    if (d->options.no_labels)
        return NNC_OK;
    if (option && option[0] != '#')
        return nnc_labels_read_plain(d, option);
    if (option) {
        name = option + 1;
        if (!offers(file, name))
            return fail_names(d, file, name);
    }
    for (size_t i = 0; !name && i < COUNT(label_names); i++) {
        const char *slash = strrchr(names[0], '/'); /* next to the data */
        const char *path = nnc_arena_printf(
            d->arena, "%.*s%s", slash ? (int)(slash + 1 - names[0]) : 0, names[0], label_names[i]);
        if (path && offers(file, path) && strcmp(path, names[0]) != 0)
            name = path;
    }
    if (!name)
        return NNC_OK;
    nnc_array array = {0};
    NNC_TRY(file->open(&array, file->state, name));
    const nnc_status status = nnc_arrays_read_labels(d, &array);
    if (array.close)
        array.close(&array);
    return status;
}

static nnc_status check_counts(nnc_dataset *d, const nnc_arrays *arrays)
{
    for (size_t i = 0; i < arrays->count; i++) {
        const nnc_array *a = &arrays->inputs[i].array;
        if (i > 0 && (uint64_t)a->shape.dims[0] != d->total)
            NNC_FAIL(NNC_ERR_DATA, "%s: '%s' has %lld samples, '%s' has %zu", d->path, a->name,
                     (long long)a->shape.dims[0], arrays->inputs[0].array.name, d->total);
        d->total = (size_t)a->shape.dims[0];
    }
    return NNC_OK;
}

nnc_status nnc_arrays_open(nnc_arrays *out, nnc_dataset *d, const nnc_data_spec *spec,
                           const nnc_array_file *file)
{
    const size_t n = d->options.input_count;
    const char **names = nnc_arena_alloc(d->arena, n, sizeof(*names));
    out->inputs = nnc_calloc(n, sizeof(*out->inputs));
    if (!names || !out->inputs)
        return NNC_ERR_LIMIT;
    if (spec->fragment && *spec->fragment)
        NNC_TRY(names_from_fragment(names, d, spec->fragment));
    else
        NNC_TRY(names_by_look(names, d, file));
    for (size_t i = 0; i < n; i++) {
        if (!offers(file, names[i]))
            return fail_names(d, file, names[i]);
        nnc_status status = file->open(&out->inputs[i].array, file->state, names[i]);
        if (status == NNC_OK) {
            out->count = i + 1;
            status = fit(&out->inputs[i], d, i);
        }
        if (status != NNC_OK)
            return nnc_error_prepend(status, "%s", d->path);
    }
    NNC_TRY(check_counts(d, out));
    const nnc_status status = open_labels(d, file, names);
    return status == NNC_OK ? status : nnc_error_prepend(status, "%s", d->path);
}

nnc_status nnc_arrays_open_single(nnc_arrays *out, nnc_dataset *d, const nnc_array *array)
{
    out->inputs = nnc_calloc(1, sizeof(*out->inputs));
    if (!out->inputs) {
        if (array->close)
            array->close(&(nnc_array){.state = array->state});
        return NNC_ERR_LIMIT;
    }
    out->inputs[0].array = *array;
    out->count = 1;
    if (d->options.input_count > 1)
        NNC_TRY(nnc_dataset_use_images(d, "one array")); /* names the inputs that stay empty */
    d->total = array->shape.rank ? (size_t)array->shape.dims[0] : 0;
    const nnc_status status = fit(&out->inputs[0], d, 0);
    return status == NNC_OK ? status : nnc_error_prepend(status, "%s", d->path);
}

/* ---- samples ---- */

static nnc_status get_image(nnc_tensor *out, const nnc_array_input *in, const nnc_dataset *d,
                            const uint8_t *bytes)
{
    const int64_t *s = in->array.shape.dims + 1;
    const bool nhwc = in->gray || in->image_nhwc;
    const uint32_t channels = in->gray ? 1 : (uint32_t)(nhwc ? s[2] : s[0]);
    nnc_image image;
    NNC_TRY(nnc_image_create(&image, (uint32_t)(nhwc ? s[1] : s[2]), (uint32_t)(nhwc ? s[0] : s[1]),
                             channels));
    const size_t pixels = (size_t)image.width * image.height;
    for (uint32_t c = 0; c < channels; c++)
        for (size_t i = 0; i < pixels; i++)
            image.data[i * channels + c] = nhwc ? bytes[i * channels + c] : bytes[c * pixels + i];
    return nnc_preprocess_apply(out, NULL, &image, &d->image);
}

static nnc_status check_finite(const nnc_tensor *x, const char *name)
{
    if (nnc_dtype_class_of(x->dtype) != NNC_DTYPE_CLASS_FLOAT)
        return NNC_OK;
    const size_t n = nnc_tensor_count(x);
    size_t bad = 0;
    if (x->dtype == NNC_DTYPE_FLOAT) {
        const float *v = nnc_tensor_data(x);
        for (size_t i = 0; i < n; i++)
            bad += !isfinite(v[i]);
    } else {
        for (size_t i = 0; i < n; i++)
            bad += !isfinite(nnc_tensor_get_double(x, i));
    }
    if ((double)bad > NOT_FINITE_MAX * (double)n)
        NNC_FAIL(NNC_ERR_DATA, "'%s': %zu of %zu values are NaN or infinite", name, bad, n);
    return NNC_OK;
}

/* Moves the channel dim of [1,A,B,C]: to the front (nchw) or from the front to the end. */
static nnc_status move_channels(nnc_tensor *x, bool to_nchw)
{
    const int64_t *s = x->shape.dims;
    const nnc_shape shape =
        to_nchw ? (nnc_shape){4, {1, s[3], s[1], s[2]}} : (nnc_shape){4, {1, s[2], s[3], s[1]}};
    nnc_tensor y = {0};
    NNC_TRY(nnc_tensor_create(&y, x->dtype, &shape));
    const size_t size = nnc_dtype_bits(x->dtype) / 8;
    const size_t channels = (size_t)(to_nchw ? s[3] : s[1]);
    const size_t pixels = nnc_tensor_count(x) / channels;
    const uint8_t *from = nnc_tensor_data(x);
    uint8_t *to = nnc_tensor_data(&y);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < pixels; i++) {
            const size_t first = c * pixels + i, last = i * channels + c;
            memcpy(to + size * (to_nchw ? first : last), from + size * (to_nchw ? last : first),
                   size);
        }
    nnc_tensor_deinit(x);
    *x = y;
    return NNC_OK;
}

/* Integers must keep their value in a narrower type. */
static nnc_status check_fits(const nnc_tensor *x, nnc_dtype dtype, const char *name)
{
    if (nnc_dtype_class_of(x->dtype) == NNC_DTYPE_CLASS_FLOAT || x->dtype == dtype)
        return NNC_OK;
    const bool is_signed = nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_SINT;
    const unsigned bits = dtype == NNC_DTYPE_BOOL ? 1 : nnc_dtype_bits(dtype);
    const double high = ldexp(1, (int)(is_signed ? bits - 1 : bits)) - 1;
    const double low = is_signed ? -high - 1 : 0;
    const size_t n = nnc_tensor_count(x);
    for (size_t i = 0; i < n; i++) {
        const double v = nnc_tensor_get_double(x, i);
        if (v < low || v > high)
            NNC_FAIL(NNC_ERR_DATA, "'%s': value %.0f does not fit %s", name, v,
                     nnc_dtype_name(dtype));
    }
    return NNC_OK;
}

static nnc_status get_ready(nnc_tensor *out, const nnc_array_input *in, nnc_dtype dtype,
                            const uint8_t *bytes)
{
    nnc_tensor x = {0}, y = {0};
    NNC_TRY(nnc_tensor_create_from(&x, in->array.dtype, &in->shape, bytes));
    nnc_status status = check_finite(&x, in->array.name);
    if (status == NNC_OK && (in->to_nchw || in->to_nhwc))
        status = move_channels(&x, in->to_nchw);
    if (status == NNC_OK)
        status = check_fits(&x, dtype, in->array.name);
    if (status == NNC_OK)
        status = nnc_tensor_convert(&y, &x, dtype);
    nnc_tensor_deinit(&x);
    if (status == NNC_OK)
        *out = y;
    return status;
}

nnc_status nnc_arrays_get(nnc_sample *out, const nnc_arrays *arrays, const nnc_dataset *d,
                          size_t raw)
{
    for (size_t i = 0; i < arrays->count; i++) {
        const nnc_array_input *in = &arrays->inputs[i];
        uint8_t *bytes = nnc_realloc(NULL, in->sample_bytes, 1);
        if (!bytes)
            return NNC_ERR_LIMIT;
        nnc_status status = in->array.fetch(&in->array, bytes, raw, 1);
        if (status == NNC_OK) {
            out->hash = nnc_hash64(bytes, in->sample_bytes, out->hash);
            if (in->mode == NNC_ARRAY_IMAGE)
                status = get_image(&out->inputs[i], in, d, bytes);
            else if (in->mode == NNC_ARRAY_VALUES)
                status = nnc_preprocess_bytes(&out->inputs[i], bytes, &in->shape, &d->image);
            else
                status = get_ready(&out->inputs[i], in, d->options.inputs[i].dtype, bytes);
        }
        nnc_free(bytes);
        NNC_TRY(status);
    }
    return NNC_OK;
}
