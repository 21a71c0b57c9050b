/* ONNX test data: folders test_data_set_N with input_K.pb and output_K.pb. SPDX-License-Identifier:
 * Apache-2.0 Tensors are ready: shape and dtype must be those of the model's inputs, in the model's
 * order. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "datasets/source.h"
#include "datasets/tensorproto.h"
#include "datasets/walk.h"

#define SET_PREFIX "test_data_set_"

typedef struct proto_set {
    char *folder;
    uint64_t number;
} proto_set;

typedef struct proto_state {
    proto_set *sets; /* [total] */
    size_t count, cap;
} proto_state;

static bool nothing(const char *name)
{
    (void)name;
    return false;
}

static bool is_pb(const char *name)
{
    const size_t n = strlen(name);
    return n > 3 && strcmp(name + n - 3, ".pb") == 0;
}

static bool set_number(uint64_t *out, const char *folder)
{
    const size_t n = strlen(SET_PREFIX);
    return strncmp(folder, SET_PREFIX, n) == 0 && nnc_parse_u64(folder + n, out);
}

static bool proto_sniff(const nnc_data_spec *spec, const nnc_dataset_options *options)
{
    (void)options;
    if (!spec->is_dir)
        return false;
    nnc_str path = {0};
    nnc_str_appendf(&path, "%s/input_0.pb", spec->path);
    bool found = nnc_file_exists(nnc_str_get(&path));
    nnc_str_clear(&path);
    nnc_str_appendf(&path, "%s/output_0.pb", spec->path); /* so that the missing input is named */
    found = found || nnc_file_exists(nnc_str_get(&path));
    nnc_str_deinit(&path);
    nnc_walk walk = {0};
    uint64_t number;
    if (!found && nnc_walk_top(&walk, spec->path, nothing) == NNC_OK)
        for (size_t i = 0; i < walk.folder_count; i++)
            found = found || set_number(&number, walk.folders[i]);
    nnc_walk_deinit(&walk);
    nnc_error_clear();
    return found;
}

static int by_number(const void *a, const void *b)
{
    const proto_set *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static nnc_status add_set(proto_state *s, nnc_dataset *d, const char *folder, uint64_t number)
{
    NNC_TRY(nnc_grow(&s->sets, &s->cap, s->count + 1, sizeof(*s->sets)));
    proto_set *set = &s->sets[s->count];
    set->number = number;
    set->folder = folder ? nnc_arena_printf(d->arena, "%s/%s", d->path, folder)
                         : nnc_arena_strdup(d->arena, d->path);
    s->count++;
    return set->folder ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status find_sets(proto_state *s, nnc_dataset *d)
{
    nnc_walk walk = {0};
    nnc_status status = nnc_walk_top(&walk, d->path, is_pb);
    if (status == NNC_OK && walk.count > 0)
        status = add_set(s, d, NULL, 0);
    for (size_t i = 0; status == NNC_OK && walk.count == 0 && i < walk.folder_count; i++) {
        uint64_t number;
        if (set_number(&number, walk.folders[i]))
            status = add_set(s, d, walk.folders[i], number);
    }
    nnc_walk_deinit(&walk);
    if (status == NNC_OK && s->count > 1)
        qsort(s->sets, s->count, sizeof(*s->sets), by_number);
    return status;
}

static nnc_status proto_open(nnc_dataset *d, const nnc_data_spec *spec)
{
    (void)spec;
    proto_state *s = nnc_calloc(1, sizeof(*s));
    if (!s)
        return NNC_ERR_LIMIT;
    d->state = s;
    const nnc_dataset_options *o = &d->options;
    if (nnc_preprocess_is_given(o) && !(o->preset && strcmp(o->preset, "none") == 0))
        NNC_FAIL(NNC_ERR_USAGE,
                 "%s: holds ready tensors, which are fed as they are; preprocessing is "
                 "for 8-bit images. Hint: --preprocess none",
                 d->path);
    NNC_TRY(find_sets(s, d));
    d->total = s->count;
    nnc_str_append(&d->format_text, "ONNX test data");
    if (o->labels && !o->no_labels)
        return nnc_labels_read_plain(d, o->labels);
    return NNC_OK;
}

static nnc_status load(nnc_tensor *out, char *name, const char *folder, const char *kind, size_t k)
{
    nnc_str path = {0};
    nnc_str_appendf(&path, "%s/%s_%zu.pb", folder, kind, k);
    nnc_status status = nnc_str_status(&path);
    if (status == NNC_OK)
        status = nnc_tensorproto_load(out, name, nnc_str_get(&path));
    nnc_str_deinit(&path);
    return status;
}

static bool exists(const char *folder, const char *kind, size_t k)
{
    nnc_str path = {0};
    nnc_str_appendf(&path, "%s/%s_%zu.pb", folder, kind, k);
    const bool found = nnc_file_exists(nnc_str_get(&path));
    nnc_str_deinit(&path);
    return found;
}

static nnc_status check_count(const nnc_dataset *d, const char *folder)
{
    size_t n = 0;
    while (exists(folder, "input", n))
        n++;
    const size_t want = d->options.input_count;
    if (n < want)
        NNC_FAIL(NNC_ERR_DATA, "%s: input_%zu.pb is missing (input '%s'); the model has %zu inputs",
                 folder, n, d->options.inputs[n].name, want);
    if (n > want)
        NNC_FAIL(NNC_ERR_DATA, "%s: %zu input files, the model has %zu inputs", folder, n, want);
    return NNC_OK;
}

static nnc_status check_tensor(const nnc_tensor *x, const nnc_dataset_input *input, size_t k)
{
    char have[256], want[256];
    if (x->dtype != input->dtype)
        NNC_FAIL(NNC_ERR_DATA, "input_%zu.pb is %s, input '%s' wants %s", k,
                 nnc_dtype_name(x->dtype), input->name, nnc_dtype_name(input->dtype));
    bool same = x->shape.rank == input->shape.rank;
    for (uint32_t i = 0; same && i < x->shape.rank; i++)
        same = input->shape.dims[i] < 0 || input->shape.dims[i] == x->shape.dims[i];
    if (!same)
        NNC_FAIL(NNC_ERR_DATA, "input_%zu.pb has shape %s, input '%s' has %s", k,
                 nnc_shape_format(have, sizeof(have), &x->shape), input->name,
                 nnc_shape_format(want, sizeof(want), &input->shape));
    return NNC_OK;
}

/* A tensor that is named like another input of the model is in the wrong place. */
static nnc_status check_name(const nnc_dataset *d, const char *name, size_t k)
{
    if (!*name || strcmp(name, d->options.inputs[k].name) == 0)
        return NNC_OK;
    for (size_t i = 0; i < d->options.input_count; i++)
        if (strcmp(name, d->options.inputs[i].name) == 0)
            NNC_FAIL(NNC_ERR_DATA,
                     "input_%zu.pb is named '%s', which is input %zu of the model; "
                     "files are numbered in the model's order",
                     k, name, i);
    return NNC_OK;
}

static nnc_status proto_get(nnc_sample *out, const nnc_dataset *d, size_t raw)
{
    const proto_state *s = d->state;
    const char *folder = s->sets[raw].folder;
    NNC_TRY(check_count(d, folder));
    for (size_t k = 0; k < out->input_count; k++) {
        char name[NNC_TENSORPROTO_NAME_MAX];
        nnc_tensor *x = &out->inputs[k];
        NNC_TRY(load(x, name, folder, "input", k));
        NNC_TRY(check_name(d, name, k));
        NNC_TRY(check_tensor(x, &d->options.inputs[k], k));
        out->hash = nnc_hash64(nnc_tensor_data(x), nnc_tensor_bytes(x), out->hash);
    }
    return NNC_OK;
}

static nnc_status proto_expected(nnc_tensor **out, size_t *count, const nnc_dataset *d, size_t raw)
{
    const proto_state *s = d->state;
    const char *folder = s->sets[raw].folder;
    size_t n = 0;
    while (exists(folder, "output", n))
        n++;
    nnc_tensor *list = nnc_calloc(n, sizeof(*list));
    nnc_status status = list ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t k = 0; status == NNC_OK && k < n; k++) {
        char name[NNC_TENSORPROTO_NAME_MAX];
        status = load(&list[k], name, folder, "output", k);
    }
    if (status != NNC_OK) {
        for (size_t k = 0; list && k < n; k++)
            nnc_tensor_deinit(&list[k]);
        nnc_free(list);
        return status;
    }
    *out = list;
    *count = n;
    return NNC_OK;
}

static void proto_name(nnc_str *out, const nnc_dataset *d, size_t raw)
{
    const proto_state *s = d->state;
    nnc_str_append_printable(out, s->sets[raw].folder, 0);
}

static void proto_close(nnc_dataset *d)
{
    proto_state *s = d->state;
    if (s)
        nnc_free(s->sets);
    nnc_free(s);
}

const nnc_data_format nnc_data_format_proto = {
    .name = "ONNX test data",
    .sniff = proto_sniff,
    .open = proto_open,
    .get = proto_get,
    .name_of = proto_name,
    .expected = proto_expected,
    .close = proto_close,
};
