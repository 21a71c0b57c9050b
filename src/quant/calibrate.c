/* Calibration: for one scheme or for those of several targets. SPDX-License-Identifier: Apache-2.0 */
#include "quant/calibrate.h"

#include <string.h>

#include "quant/internal.h"

/* Back to float: annotations go, stored integers become numbers again. */
nnc_status nnc_quant_strip(nnc_graph *graph)
{
    for (nnc_node_id id = 0; id < nnc_graph_node_count(graph); id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (!node->dead && strcmp(node->domain, "nnc") == 0 && strcmp(node->op_type, "Quant") == 0) {
            nnc_value_id x = node->inputs[0], y = node->outputs[0];
            NNC_TRY(nnc_graph_replace_uses(graph, y, x));
            nnc_graph_remove_node(graph, id);
        }
    }
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        if (value->dead || !value->qparams) {
            continue;
        }
        if (value->kind == NNC_VALUE_CONST && value->tensor.dtype != NNC_DTYPE_FLOAT) {
            nnc_tensor real = {0};
            NNC_TRY(nnc_dequantize_tensor(&real, &value->tensor, value->qparams));
            nnc_value_set_tensor(value, &real);
        }
        nnc_value_set_qparams(value, NULL);
    }
    return NNC_OK;
}

/* A range that a few numbers stretch: the grid would hold the rest in a handful of steps. */
static void warn_outliers(const nnc_calib *calib, const nnc_graph *graph, const nnc_value_id *values, size_t count,
                          const nnc_log *log)
{
    for (size_t i = 0; i < count; i++) {
        const nnc_value_stats *s = nnc_calib_stats(calib, values[i]);
        float lo, hi;
        if (s->count < 1000 || nnc_calibrator_find("percentile")->solve(&lo, &hi, s, false, 256, 99.9) != NNC_OK) {
            continue;
        }
        double all = (double)s->hist_hi - (double)s->hist_lo, most = (double)(hi > 0 ? hi : 0) - (double)(lo < 0 ? lo : 0);
        if (all > 0 && most < all / 100) {
            nnc_log_warn(log, "value '%s': 0.1 %% of its numbers take %.1f %% of its range [%g, %g]; percentile, mse or auto clip them",
                         nnc_graph_value_const(graph, s->value)->name, 100 * (1 - most / all), (double)s->min,
                         (double)s->max);
        }
    }
}

nnc_status nnc_quant_observe(nnc_calib **out, const nnc_graph *graph, const nnc_value_id *values, size_t count,
                             const nnc_dataset *data, const nnc_quant_options *o, const nnc_log *log)
{
    nnc_calib_options calib = {.threads = o->threads, .isa_max = o->isa_max, .indices = o->calib_indices,
                               .index_count = o->calib_count, .cache_path = o->cache_path,
                               .cache_key = o->cache_key, .cache_optional = o->cache_optional};
    NNC_TRY(nnc_calib_run(out, graph, values, count, data, &calib, log));
    warn_outliers(*out, graph, values, count, log);
    return NNC_OK;
}

/* Marks the values that the target's scheme wants statistics of. */
static nnc_status mark(bool *wanted, const nnc_graph *graph, const nnc_target *target, const nnc_quant_options *options)
{
    nnc_scheme scheme = {0};
    nnc_quant_options own = *options;
    own.target = target;
    nnc_status status = nnc_scheme_decide(&scheme, graph, &own);
    status = status == NNC_OK ? nnc_weights_check(graph, &scheme) : status;
    for (uint32_t g = 0; status == NNC_OK && g < scheme.group_count; g++) {
        wanted[scheme.source[g]] = true;
    }
    nnc_scheme_deinit(&scheme);
    return status;
}

static nnc_status observe_all(nnc_calib **out, nnc_graph *graph, const nnc_target *const *targets, size_t count,
                              const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log)
{
    NNC_TRY(nnc_quant_strip(graph));
    uint32_t n = nnc_graph_value_count(graph);
    size_t used = 0;
    bool *wanted = nnc_calloc(n + 1, sizeof(*wanted));
    nnc_value_id *values = nnc_calloc(n + 1, sizeof(*values));
    nnc_status status = wanted && values ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        status = mark(wanted, graph, targets[i], options);
    }
    for (nnc_value_id v = 0; status == NNC_OK && v < n; v++) {
        if (wanted[v]) {
            values[used++] = v;
        }
    }
    if (status == NNC_OK) {
        status = nnc_quant_observe(out, graph, values, used, data, options, log);
    }
    nnc_free(wanted);
    nnc_free(values);
    return status;
}

nnc_status nnc_quant_calibrate(nnc_calib **out, const nnc_graph *graph, const nnc_target *const *targets, size_t count,
                               const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log)
{
    nnc_graph *copy;
    NNC_TRY(nnc_graph_clone(&copy, graph));
    nnc_status status = observe_all(out, copy, targets, count, data, options, log);
    nnc_graph_destroy(copy);
    return status;
}
