/* Opening, sampling and closing of data sets; formats do the rest. SPDX-License-Identifier:
 * Apache-2.0 */
#include "datasets/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"

#define SUBSET_STREAM 0x64617461u /* "data": separates this use of the seed */
#define FEW_SAMPLES 16
#define PROBES 16

static const nnc_data_format *const formats[] = {
#define X(id) &nnc_data_format_##id,
#include "datasets/formats.def"
#include "datasets/limits.h"
#undef X
};

void nnc_sample_deinit(nnc_sample *sample)
{
    for (size_t i = 0; i < sample->input_count; i++)
        nnc_tensor_deinit(&sample->inputs[i]);
    nnc_free(sample->inputs);
    nnc_free(sample->name);
    memset(sample, 0, sizeof(*sample));
}

nnc_dataset *nnc_dataset_ref(const nnc_dataset *dataset)
{
    nnc_dataset *d = (nnc_dataset *)dataset; /* the count is no part of the value */
    atomic_fetch_add_explicit(&d->owners, 1, memory_order_relaxed);
    return d;
}

void nnc_dataset_destroy(nnc_dataset *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->owners, 1, memory_order_acq_rel) != 1)
        return;
    if (d->format)
        d->format->close(d);
    nnc_free(d->labels);
    nnc_free(d->boxes);
    nnc_free(d->box_start);
    nnc_free(d->subset);
    nnc_str_deinit(&d->format_text);
    nnc_str_deinit(&d->preprocessing);
    nnc_str_deinit(&d->notes);
    nnc_str_deinit(&d->warnings);
    nnc_arena_destroy(d->arena);
    nnc_free(d);
}

static const char *keep(nnc_dataset *d, const char *text, bool *good)
{
    if (!text)
        return NULL;
    const char *copy = nnc_arena_strdup(d->arena, text);
    if (!copy)
        *good = false;
    return copy;
}

static nnc_status copy_inputs(nnc_dataset *d, const nnc_dataset_options *from)
{
    nnc_dataset_input *inputs = nnc_arena_alloc(d->arena, from->input_count, sizeof(*inputs));
    if (!inputs)
        return NNC_ERR_LIMIT;
    bool good = true;
    for (size_t i = 0; i < from->input_count; i++) {
        inputs[i] = from->inputs[i];
        inputs[i].name = keep(d, from->inputs[i].name ? from->inputs[i].name : "", &good);
        if (inputs[i].shape.rank > NNC_RANK_MAX)
            NNC_FAIL(NNC_ERR_USAGE, "input '%s' has %u dims", inputs[i].name, inputs[i].shape.rank);
    }
    d->options.inputs = inputs;
    return good ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status copy_options(nnc_dataset *d, const nnc_dataset_options *from)
{
    if (from->input_count == 0 || !from->inputs)
        NNC_FAIL(NNC_ERR_USAGE, "the model has no inputs that data could feed");
    d->options = *from;
    nnc_dataset_options *o = &d->options;
    const char **texts[] = {&o->preset,        &o->model_preset, &o->resize, &o->crop,
                            &o->interpolation, &o->color,        &o->scale,  &o->mean,
                            &o->std,           &o->labels,       &o->classes};
    bool good = true;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = keep(d, *texts[i], &good);
    if (!good)
        return NNC_ERR_LIMIT;
    if (!(o->max_bad <= 1))
        NNC_FAIL(NNC_ERR_USAGE, "--max-bad: %g is not a fraction up to 1", o->max_bad);
    o->max_bad = o->max_bad == 0 ? NNC_MAX_BAD_PERCENT / 100.0 : o->max_bad < 0 ? 0 : o->max_bad;
    return copy_inputs(d, from);
}

size_t nnc_dataset_path_length(const char *spec)
{
    const char *mark = strrchr(spec, '#');
    return mark && !nnc_file_exists(spec) ? (size_t)(mark - spec) : strlen(spec);
}

/* Splits "file.h5#a,b". */
static nnc_status parse_spec(nnc_data_spec *out, nnc_dataset *d, const char *spec)
{
    memset(out, 0, sizeof(*out));
    char *path = nnc_arena_strdup(d->arena, spec);
    if (!path)
        return NNC_ERR_LIMIT;
    const size_t length = nnc_dataset_path_length(path);
    if (path[length] == '#') {
        path[length] = '\0';
        out->fragment = path + length + 1;
    }
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    d->path = path;
    out->path = path;
    /* What is not read from a path. */
    if (formats[0]->sniff(out, &d->options) || formats[1]->sniff(out, &d->options))
        return NNC_OK;
    out->is_dir = nnc_file_is_dir(path);
    if (out->is_dir)
        return NNC_OK;
    int fd;
    uint64_t bytes;
    NNC_TRY(nnc_file_open(&fd, &bytes, path));
    const ssize_t n = pread(fd, out->head, sizeof(out->head), 0);
    close(fd);
    if (n < 0)
        NNC_FAIL(NNC_ERR_IO, "%s: cannot be read", path);
    out->head_bytes = (size_t)n;
    if (n == 0)
        NNC_FAIL(NNC_ERR_DATA, "%s: empty file", path);
    return NNC_OK;
}

static nnc_status find_format(nnc_dataset *d, const nnc_data_spec *spec)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (formats[i]->sniff(spec, &d->options)) {
            d->format = formats[i];
            return NNC_OK;
        }
    const uint8_t *h = spec->head;
    if (h[0] == 0x80 && h[1] >= 2 && h[1] <= 5)
        NNC_FAIL(NNC_ERR_DATA,
                 "%s: this is a Python pickle, which is never opened. Hint: the binary version "
                 "of the data set, or numpy.save",
                 spec->path);
    NNC_FAIL(NNC_ERR_DATA,
             "%s: not a data set (expected a folder of images or class folders, image list, HDF5, "
             ".npy, .npz, IDX, CIFAR binary, test_data_set folder, or random:N)",
             spec->path);
}

/* max_samples of them, chosen by the seed, in order. */
static nnc_status choose_subset(nnc_dataset *d)
{
    const size_t want = d->options.max_samples;
    d->count = d->total;
    if (want == 0 || want >= d->total)
        return NNC_OK;
    d->subset = nnc_calloc(want, sizeof(*d->subset));
    if (!d->subset)
        return NNC_ERR_LIMIT;
    nnc_rng rng;
    nnc_rng_init(&rng, d->options.seed, SUBSET_STREAM);
    /* Selection sampling (Knuth, TAOCP 2, 3.4.2 S): keeps order, needs no second array. */
    size_t chosen = 0;
    for (size_t i = 0; chosen < want; i++)
        if (nnc_rng_below(&rng, (uint32_t)(d->total - i)) < want - chosen)
            d->subset[chosen++] = i;
    d->count = want;
    return NNC_OK;
}

/* The settings must fit the first readable sample; unreadable ones are the reader's affair. */
static nnc_status probe(nnc_dataset *d)
{
    nnc_status status = NNC_OK;
    for (size_t i = 0; i < d->count && i < PROBES; i++) {
        nnc_sample sample;
        status = nnc_dataset_get(&sample, d, i);
        if (status == NNC_OK) {
            for (size_t k = 0; k < sample.input_count; k++)
                d->sample_bytes += nnc_tensor_bytes(&sample.inputs[k]);
            nnc_sample_deinit(&sample);
        }
        if (status != NNC_ERR_DATA && status != NNC_ERR_IO)
            return status;
    }
    return status;
}

static void tell(const nnc_log *log, const nnc_str *lines, bool warn)
{
    const char *at = nnc_str_get(lines);
    while (*at) {
        const int n = (int)strcspn(at, "\n");
        if (warn)
            nnc_log_warn(log, "%.*s", n, at);
        else
            nnc_log_info(log, "%.*s", n, at);
        at += n + (at[n] == '\n');
    }
}

static nnc_status open_parts(nnc_dataset *d, const char *text, const nnc_dataset_options *options)
{
    NNC_TRY(copy_options(d, options));
    nnc_data_spec spec;
    NNC_TRY(parse_spec(&spec, d, text));
    NNC_TRY(find_format(d, &spec));
    NNC_TRY(d->format->open(d, &spec));
    if (d->total == 0)
        NNC_FAIL(NNC_ERR_DATA, "%s: no samples", d->path);
    if (d->total > UINT32_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "%s: %zu samples, the limit is 2^32", d->path, d->total);
    NNC_TRY(nnc_labels_check(d));
    NNC_TRY(choose_subset(d));
    if (d->has_image)
        nnc_preprocess_format(&d->preprocessing, &d->image);
    if (d->preprocessing.len == 0)
        nnc_str_append(&d->preprocessing, "values as they are");
    if (d->count < FEW_SAMPLES)
        nnc_str_appendf(&d->warnings, "%s: %s%zu sample%s; ranges need at least %d\n", d->path,
                        d->count == 1 ? "only " : "", d->count, d->count == 1 ? "" : "s",
                        FEW_SAMPLES);
    NNC_TRY(probe(d));
    NNC_TRY(nnc_str_status(&d->preprocessing));
    NNC_TRY(nnc_str_status(&d->notes));
    return nnc_str_status(&d->warnings);
}

nnc_status nnc_dataset_open(nnc_dataset **out, const char *spec, const nnc_dataset_options *options,
                            const nnc_log *log)
{
    *out = NULL;
    nnc_dataset *d = nnc_calloc(1, sizeof(*d));
    if (!d)
        return NNC_ERR_LIMIT;
    atomic_init(&d->owners, 1);
    d->arena = nnc_arena_create(0);
    const nnc_status status = d->arena ? open_parts(d, spec, options) : NNC_ERR_LIMIT;
    if (status != NNC_OK) {
        nnc_dataset_destroy(d);
        return status;
    }
    nnc_log_info(log, "%s: %s, %zu sample%s%s, %s", d->path, nnc_dataset_format(d), d->count,
                 d->count == 1 ? "" : "s", d->labels ? " with labels" : d->boxes ? " with boxes" : "",
                 nnc_dataset_preprocessing(d));
    tell(log, &d->notes, false);
    tell(log, &d->warnings, true);
    *out = d;
    return NNC_OK;
}

size_t nnc_dataset_count(const nnc_dataset *d)
{
    return d->count;
}

bool nnc_dataset_has_labels(const nnc_dataset *d)
{
    return d->labels != NULL;
}

int64_t nnc_dataset_label(const nnc_dataset *d, size_t i)
{
    return d->labels && i < d->count ? d->labels[nnc_dataset_raw(d, i)] : -1;
}

const char *nnc_dataset_format(const nnc_dataset *d)
{
    return d->format_text.len ? nnc_str_get(&d->format_text) : d->format->name;
}

const char *nnc_dataset_preprocessing(const nnc_dataset *d)
{
    return nnc_str_get(&d->preprocessing);
}

bool nnc_dataset_is_random(const nnc_dataset *d)
{
    return d->format == &nnc_data_format_random;
}

double nnc_dataset_max_bad(const nnc_dataset *d)
{
    return d->options.max_bad;
}

const char *nnc_dataset_class_name(const nnc_dataset *d, size_t i)
{
    return i < d->class_name_count ? d->class_names[i] : NULL;
}

static char *name_of(const nnc_dataset *d, size_t raw)
{
    nnc_str s = {0};
    if (d->format->name_of) {
        d->format->name_of(&s, d, raw);
    } else {
        nnc_str_append_printable(&s, d->path, 0);
        nnc_str_appendf(&s, "#%zu", raw);
    }
    if (nnc_str_status(&s) != NNC_OK || !s.data) {
        nnc_str_deinit(&s);
        return nnc_calloc(1, 1);
    }
    return s.data;
}

nnc_status nnc_dataset_get(nnc_sample *out, const nnc_dataset *d, size_t i)
{
    memset(out, 0, sizeof(*out));
    if (i >= d->count)
        NNC_FAIL(NNC_ERR_USAGE, "%s: sample %zu of %zu", d->path, i, d->count);
    const size_t raw = nnc_dataset_raw(d, i);
    out->inputs = nnc_calloc(d->options.input_count, sizeof(*out->inputs));
    out->name = name_of(d, raw);
    if (!out->inputs || !out->name) {
        nnc_sample_deinit(out);
        return NNC_ERR_LIMIT;
    }
    out->input_count = d->options.input_count;
    out->index = i;
    out->label = nnc_dataset_label(d, i);
    const nnc_status status = d->format->get(out, d, raw);
    if (status != NNC_OK) {
        nnc_error_prepend(status, "%s", out->name);
        nnc_sample_deinit(out);
    }
    return status;
}

nnc_status nnc_dataset_get_expected(nnc_tensor **out, size_t *count, const nnc_dataset *d, size_t i)
{
    *out = NULL;
    *count = 0;
    if (i >= d->count)
        NNC_FAIL(NNC_ERR_USAGE, "%s: sample %zu of %zu", d->path, i, d->count);
    if (!d->format->expected)
        return NNC_OK;
    return d->format->expected(out, count, d, nnc_dataset_raw(d, i));
}

/* Data for one input; the model must have no other. */
static nnc_status check_single(const nnc_dataset *d, const char *what)
{
    const nnc_dataset_options *o = &d->options;
    if (o->input_count == 1)
        return NNC_OK;
    nnc_str rest = {0};
    for (size_t i = 1; i < o->input_count; i++)
        nnc_str_appendf(&rest, "%s'%s'", i > 1 ? ", " : "", o->inputs[i].name);
    nnc_error_set(NNC_ERR_DATA,
                  "%s: %s feeds one input, the model has %zu: nothing for %s. Hint: .npz with "
                  "one array per input name, or test_data_set folders",
                  d->path, what, o->input_count, nnc_str_get(&rest));
    nnc_str_deinit(&rest);
    return NNC_ERR_DATA;
}

nnc_status nnc_dataset_use_images(nnc_dataset *d, const char *what)
{
    const nnc_dataset_options *o = &d->options;
    NNC_TRY(check_single(d, what));
    nnc_image_target target;
    NNC_TRY(nnc_image_target_find(&target, &o->inputs[0], o->layout));
    if (!nnc_preprocess_is_given(o) && !o->model_preset && target.dtype != NNC_DTYPE_UINT8)
        return nnc_preprocess_missing(what, o->inputs[0].name);
    NNC_TRY(nnc_preprocess_resolve(&d->image, o, &target));
    d->has_image = true;
    d->image_input = 0;
    return NNC_OK;
}

nnc_status nnc_dataset_check_bytes(nnc_dataset *d)
{
    NNC_TRY(check_single(d, "folder of files"));
    nnc_tensor x = {0};
    NNC_TRY(nnc_preprocess_file(&x, &d->options.inputs[0], (const uint8_t *)"", 0));
    nnc_str_appendf(&d->preprocessing, "bytes: first and last %zu of each file, padded with %d",
                    nnc_tensor_count(&x) / 2, NNC_FILE_PAD);
    nnc_tensor_deinit(&x);
    return NNC_OK;
}
