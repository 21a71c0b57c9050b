/* Errors of values that both graphs compute. SPDX-License-Identifier: Apache-2.0
 * The reference runs first and its values are kept until the other graph has computed the same
 * sample. Values are taken in groups that fit a memory budget. */
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "eval/eval.h"

#define GROUP_BYTES (256u << 20)

typedef struct kept {
    float *data;
    size_t cap; /* floats */
    size_t count;
    nnrt_shape shape;
    bool seen; /* for the current sample */
} kept;

typedef struct group {
    nnc_layer_error *results; /* of its values */
    nnc_value_id *ids_a, *ids_b;
    kept *kept;
    size_t count;
    nnc_status status; /* of a callback */
} group;

static size_t view_count(const nnrt_view *view)
{
    size_t n = 1;
    for (uint32_t d = 0; d < view->shape.rank; d++) {
        n *= (size_t)view->shape.dims[d];
    }
    return n;
}

static void keep(void *user, size_t tap, const nnrt_view *view)
{
    group *g = user;
    kept *k = &g->kept[tap];
    if (view->dtype != NNRT_F32 || g->status != NNC_OK) {
        return;
    }
    k->count = view_count(view);
    g->status = nnc_grow(&k->data, &k->cap, k->count, sizeof(float));
    if (g->status == NNC_OK) {
        if (k->count > 0) {
            memcpy(k->data, view->data, k->count * sizeof(float));
        }
        k->shape = view->shape;
        k->seen = true;
    }
}

static bool same_shape(const nnrt_shape *a, const nnrt_shape *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0])) == 0;
}

static void compare(void *user, size_t tap, const nnrt_view *view)
{
    group *g = user;
    const kept *k = &g->kept[tap];
    if (view->dtype == NNRT_F32 && k->seen && same_shape(&k->shape, &view->shape)) {
        nnc_error_sums_add(&g->results[tap].sums, k->data, view->data, k->count);
    }
}

static nnc_status run_sample(group *g, nnc_exec *a, nnc_exec *b, const nnc_sample *sample)
{
    for (size_t i = 0; i < g->count; i++) {
        g->kept[i].seen = false;
    }
    NNC_TRY(nnc_exec_run(a, sample->inputs, sample->input_count));
    NNC_TRY(g->status);
    return nnc_exec_run(b, sample->inputs, sample->input_count);
}

static nnc_status run_samples(group *g, nnc_exec *a, nnc_exec *b, const nnc_dataset *data,
                              const nnc_eval_options *o, const nnc_log *log)
{
    const size_t total = o->indices ? o->index_count : nnc_dataset_count(data);
    nnc_dataset_reader *reader;
    NNC_TRY(nnc_dataset_reader_create(&reader, data, o->indices, total, log));
    nnc_status status = NNC_OK;
    for (size_t done = 0; status == NNC_OK; done++) {
        bool more = false;
        nnc_sample sample = {0};
        status = nnc_log_poll(log);
        status = status == NNC_OK ? nnc_dataset_reader_next(&sample, &more, reader) : status;
        if (status != NNC_OK || !more) {
            break;
        }
        status = run_sample(g, a, b, &sample);
        nnc_sample_deinit(&sample);
        nnc_log_progress(log, "compare layers", done + 1, total, "samples");
    }
    nnc_dataset_reader_destroy(reader);
    return status;
}

static nnc_status run_group(group *g, const nnc_graph *a, const nnc_graph *b,
                            const nnc_dataset *data, const nnc_eval_options *o, const nnc_log *log)
{
    nnc_exec *exec_a = NULL, *exec_b = NULL;
    nnc_exec_options options = {.threads = o->threads,
                                .isa_max = o->isa_max,
                                .taps = g->ids_a,
                                .tap_count = g->count,
                                .tap = keep,
                                .user = g};
    NNC_TRY(nnc_exec_create(&exec_a, a, &options));
    options.taps = g->ids_b;
    options.tap = compare;
    nnc_status status = nnc_exec_create(&exec_b, b, &options);
    if (status == NNC_OK) {
        status = run_samples(g, exec_a, exec_b, data, o, log);
    }
    nnc_exec_destroy(exec_a);
    nnc_exec_destroy(exec_b);
    return status;
}

static nnc_status name_map(nnc_map **out, const nnc_graph *graph)
{
    *out = nnc_map_create();
    if (!*out) {
        return NNC_ERR_LIMIT;
    }
    for (nnc_value_id i = 0; i < nnc_graph_value_count(graph); i++) {
        const nnc_value *value = nnc_graph_value_const(graph, i);
        if (!value->dead && value->kind == NNC_VALUE_TEMP) {
            NNC_TRY(nnc_map_put(*out, value->name, i, NULL));
        }
    }
    return NNC_OK;
}

/* Bytes one sample of the value takes, unknown dims counted as 1. */
static size_t value_bytes(const nnc_value *value)
{
    size_t n = sizeof(float);
    for (uint32_t d = 0; value->has_shape && d < value->shape.rank; d++) {
        size_t dim = value->shape.dims[d] > 0 ? (size_t)value->shape.dims[d] : 1;
        if (!nnc_size_mul(&n, n, dim)) {
            return SIZE_MAX;
        }
    }
    return n;
}

/* Fills the group with values from *next on, up to the budget, and their counterparts in b. `map`
 * has b's names. */
static void fill_group(group *g, size_t *next, const nnc_value_id *values, size_t value_count,
                       const nnc_graph *a, const nnc_map *map)
{
    size_t bytes = 0;
    g->count = 0;
    for (; *next < value_count; (*next)++) {
        const nnc_value *value = nnc_graph_value_const(a, values[*next]);
        uint32_t id_b;
        if (!nnc_map_get(map, value->name, &id_b)) {
            continue;
        }
        const size_t own = value_bytes(value);
        if (g->count && (own > GROUP_BYTES || bytes + own > GROUP_BYTES)) {
            return;
        }
        bytes += own < GROUP_BYTES ? own : GROUP_BYTES;
        g->ids_a[g->count] = values[*next];
        g->ids_b[g->count] = id_b;
        g->results[g->count++] = (nnc_layer_error){.value = values[*next]};
    }
}

static nnc_status run_groups(group *g, nnc_layer_error *out, const nnc_value_id *values,
                             size_t value_count, const nnc_graph *a, const nnc_graph *b,
                             const nnc_map *map, const nnc_dataset *data,
                             const nnc_eval_options *options, const nnc_log *log)
{
    size_t first = 0;
    for (size_t next = 0; next < value_count; first = next) {
        fill_group(g, &next, values, value_count, a, map);
        if (g->count) {
            NNC_TRY(run_group(g, a, b, data, options, log));
        }
        for (size_t i = first, k = 0; i < next && k < g->count; i++) {
            if (out[i].value == g->results[k].value) {
                out[i].sums = g->results[k++].sums;
            }
        }
        for (size_t k = 0; k < g->count; k++) {
            nnc_free(g->kept[k].data);
            g->kept[k] = (kept){0};
        }
    }
    return NNC_OK;
}

static nnc_status eval_unique(nnc_layer_error *out, const nnc_value_id *values, size_t value_count,
                              const nnc_graph *a, const nnc_graph *b, const nnc_dataset *data,
                              const nnc_eval_options *options, const nnc_log *log)
{
    group g = {.results = nnc_calloc(value_count, sizeof(*g.results)),
               .ids_a = nnc_calloc(value_count, sizeof(*g.ids_a)),
               .ids_b = nnc_calloc(value_count, sizeof(*g.ids_b)),
               .kept = nnc_calloc(value_count, sizeof(*g.kept))};
    nnc_map *map = NULL;
    nnc_status status =
        g.results && g.ids_a && g.ids_b && g.kept ? name_map(&map, b) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        status = run_groups(&g, out, values, value_count, a, b, map, data, options, log);
    }
    for (size_t i = 0; g.kept && i < value_count; i++) {
        nnc_free(g.kept[i].data);
    }
    nnc_map_destroy(map);
    nnc_free(g.results);
    nnc_free(g.ids_a);
    nnc_free(g.ids_b);
    nnc_free(g.kept);
    return status;
}

nnc_status nnc_eval_layers(nnc_layer_error *out, const nnc_value_id *values, size_t value_count,
                           const nnc_graph *a, const nnc_graph *b, const nnc_dataset *data,
                           const nnc_eval_options *options, const nnc_log *log)
{
    const nnc_eval_options none = {.isa_max = NNRT_ISA_BEST};
    /* A value may be asked for several times, but is tapped once: place[id] is 1 + its index in
     * `unique`. */
    size_t *place = nnc_calloc((size_t)nnc_graph_value_count(a) + 1, sizeof(*place));
    nnc_value_id *unique = nnc_calloc(value_count, sizeof(*unique));
    nnc_layer_error *errors = nnc_calloc(value_count, sizeof(*errors));
    nnc_status status = place && unique && errors ? NNC_OK : NNC_ERR_LIMIT;
    size_t count = 0;
    for (size_t i = 0; status == NNC_OK && i < value_count; i++) {
        if (!place[values[i]]) {
            errors[count].value = unique[count] = values[i];
            place[values[i]] = ++count;
        }
    }
    if (status == NNC_OK) {
        status = eval_unique(errors, unique, count, a, b, data, options ? options : &none, log);
    }
    for (size_t i = 0; status == NNC_OK && i < value_count; i++) {
        out[i] = errors[place[values[i]] - 1];
    }
    nnc_free(place);
    nnc_free(unique);
    nnc_free(errors);
    return status;
}
