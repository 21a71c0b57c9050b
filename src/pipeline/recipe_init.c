/* A first recipe for a model and its data. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recipe_init.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ops/op.h"
#include "passes/pass.h"
#include "pipeline/sizes.h"
#include "plan/plan.h"
#include "quant/target_check.h"

typedef struct writer {
    nnc_str *out;
    const nnc_config *config;
    const nnc_source *source;
    const nnc_dataset *data; /* NULL: none given */
    char folder[PATH_MAX];   /* of the recipe */
} writer;

static void comment(const writer *w, int indent, const char *text)
{
    nnc_str_appendf(w->out, "%*s# ", indent, "");
    nnc_str_append_printable(w->out, text, 400);
    nnc_str_append(w->out, "\n");
}

static void describe_values(const writer *w, const char *what, size_t n, nnc_value_id (*get)(const nnc_graph *, size_t))
{
    const nnc_graph *graph = w->source->graph;
    for (size_t i = 0; i < n && i < 8; i++) {
        const nnc_value *v = nnc_graph_value_const(graph, get(graph, i));
        nnc_str line = {0};
        nnc_str_appendf(&line, "%s '%s': %s [", what, v->name, nnc_dtype_name((int)v->dtype));
        for (uint32_t d = 0; v->has_shape && d < v->shape.rank; d++) {
            const int64_t dim = v->shape.dims[d];
            const char *name = dim < 0 ? nnc_graph_symbol_name(graph, dim) : "";
            if (dim >= 0) {
                nnc_str_appendf(&line, "%s%lld", d ? "," : "", (long long)dim);
            } else {
                nnc_str_appendf(&line, "%s%s", d ? "," : "", name[0] ? name : "?");
            }
        }
        nnc_str_append(&line, v->has_shape ? "]" : "any shape]");
        comment(w, 0, nnc_str_get(&line));
        nnc_str_deinit(&line);
    }
}

static void describe_model(const writer *w)
{
    const nnc_graph *graph = w->source->graph;
    char size[32], line[256];
    snprintf(line, sizeof(line), "The model: %u nodes, opset %lld, %s.", w->source->info.nodes,
             (long long)w->source->info.opset, nnc_format_size(size, w->source->bytes));
    nnc_str_append(w->out, "\n");
    comment(w, 0, line);
    describe_values(w, "input", nnc_graph_input_count(graph), nnc_graph_input);
    describe_values(w, "output", nnc_graph_output_count(graph), nnc_graph_output);
}

/* One line: the setting, or a comment with what it could be. */
static void put_option(const writer *w, const nnc_option *o, int indent, bool active)
{
    nnc_str value = {0};
    const bool has = nnc_config_value(&value, w->config, o, w->folder);
    const nnc_origin *origin = &w->config->origins[o - nnc_compress_table];
    active = has && (active || origin->layer == NNC_LAYER_FLAG);
    nnc_str_appendf(w->out, "%*s%s%s: %s", indent, "", active ? "" : "# ", o->name,
                    has ? nnc_str_get(&value) : o->metavar ? o->metavar : "");
    nnc_str_appendf(w->out, "  # %s\n", o->help);
    nnc_str_deinit(&value);
}

static void put_section(const writer *w, const char *section)
{
    static const char *const shown[] = {"samples", "seed", "bench-seconds"};
    char buf[32];
    if (*section) {
        nnc_str_appendf(w->out, "\n%s:\n", section);
    }
    for (size_t i = 0; nnc_compress_table[i].name; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        bool active = false;
        for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++) {
            active = active || strcmp(shown[k], o->name) == 0;
        }
        if (nnc_config_in_recipe(o) && strcmp(nnc_config_section(buf, o), section) == 0) {
            put_option(w, o, *section ? 2 : 0, active);
        }
    }
}

static nnc_status put_data(const writer *w, const nnc_log *log)
{
    nnc_dataset_summary summary = {0};
    if (!w->data) {
        put_section(w, "data");
        return NNC_OK;
    }
    NNC_TRY(nnc_dataset_describe(&summary, w->data, 16, log));
    put_section(w, "data");
    nnc_str line = {0};
    nnc_str_appendf(&line, "The samples: %s, %zu in use; %s.", nnc_dataset_format(w->data), nnc_dataset_count(w->data),
                    nnc_dataset_preprocessing(w->data));
    comment(w, 2, nnc_str_get(&line));
    nnc_str_deinit(&line);
    for (char *text = summary.lines.data; text && *text;) {
        char *end = strchr(text, '\n');
        if (end) {
            *end = 0;
        }
        nnc_str seen = {0};
        nnc_str_appendf(&seen, "The model sees %s", text);
        comment(w, 2, nnc_str_get(&seen));
        nnc_str_deinit(&seen);
        text = end ? end + 1 : NULL;
    }
    nnc_dataset_summary_deinit(&summary);
    return NNC_OK;
}

/* How much of the model int8 would cover, by its form alone. */
static nnc_status describe_int8(const writer *w)
{
    const nnc_int8_options *o = &w->config->options.step_int8;
    nnc_graph *graph;
    nnc_legal *legal = NULL;
    uint64_t macs = 0, integer = 0, layers = 0, integer_layers = 0;
    const nnc_target *target;
    char line[160];
    NNC_TRY(nnc_int8_check(&target, o));
    if (nnc_graph_is_quantized(w->source->graph)) {
        comment(w, 6, "The model is quantized already: requantize: true would quantize it again.");
        return NNC_OK;
    }
    NNC_TRY(nnc_graph_clone(&graph, w->source->graph));
    nnc_quant_options quant = {.target = target, .method = "minmax", .per_channel = o->per_channel};
    nnc_status status = nnc_quantize_preview(graph, &quant);
    status = status == NNC_OK ? nnc_legalize(&legal, graph) : status;
    for (nnc_node_id i = 0; status == NNC_OK && i < nnc_graph_node_count(graph); i++) {
        const nnc_node *node = nnc_graph_node_const(graph, i);
        const uint64_t m = node->dead || !node->op ? 0 : nnc_node_cost(graph, i).macs;
        macs += m;
        integer += legal[i].integer ? m : 0;
        layers += m > 0;
        integer_layers += m > 0 && legal[i].integer;
    }
    nnc_free(legal);
    nnc_graph_destroy(graph);
    NNC_TRY(status);
    snprintf(line, sizeof(line), "%llu of %llu layers and %.1f %% of multiply-accumulates can run in INT8.",
             (unsigned long long)integer_layers, (unsigned long long)layers,
             macs ? 100.0 * (double)integer / (double)macs : 0.0);
    comment(w, 6, line);
    return NNC_OK;
}

static nnc_status put_steps(const writer *w)
{
    nnc_str_append(w->out, "\nsteps:\n");
    for (size_t i = 0; nnc_step_row(i); i++) {
        const nnc_step *step = nnc_step_row(i);
        const bool on = strcmp(step->name, "int8") == 0;
        nnc_str_appendf(w->out, "  %s- %s:  # %s\n", on ? "" : "# ", step->name, step->help);
        if (on) {
            NNC_TRY(describe_int8(w));
        }
        for (size_t k = 0; on && step->options[k].name; k++) {
            put_option(w, nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), step->options[k].name),
                       6, strcmp(step->options[k].name, "method") == 0);
        }
    }
    return NNC_OK;
}

static nnc_status write_recipe(const writer *w, const nnc_log *log)
{
    static const nnc_option model = {.name = "model", .type = NNC_OPTION_STRING, .metavar = "FILE"};
    char buf[32];
    nnc_str_appendf(w->out, "# A recipe of nncompress %s. Keys are the long options of the command line; a flag overrides its line here.\n"
                            "# Lines behind # are options at their defaults. Paths are relative to this file.\nversion: 1\n", NNC_VERSION);
    describe_model(w);
    nnc_str path = {0};
    nnc_config_put_path(&path, &model, w->config->model, w->folder);
    nnc_str_appendf(w->out, "model: %s\n", nnc_str_get(&path));
    nnc_str_deinit(&path);
    for (size_t i = 0; nnc_config_section_row(buf, i); i++) {
        const char *section = nnc_config_section_row(buf, i);
        if (strcmp(section, "steps") == 0) {
            NNC_TRY(put_steps(w));
        } else if (strcmp(section, "data") == 0) {
            NNC_TRY(put_data(w, log));
        } else {
            put_section(w, section);
        }
    }
    return nnc_str_status(w->out);
}

nnc_status nnc_recipe_init(nnc_str *out, const nnc_config *config, const char *path, const nnc_log *log)
{
    const nnc_compress_options *o = &config->options;
    writer w = {.out = out, .config = config};
    nnc_source source = {0};
    nnc_dataset *data = NULL;
    const char *slash = strrchr(path, '/');
    snprintf(w.folder, sizeof(w.folder), "%.*s", slash ? (int)(slash - path) + 1 : 0, path);
    if (!nnc_config_can_hold(config, config->model, path)) {
        NNC_FAIL(NNC_ERR_USAGE, "a path or text is not UTF-8 text without control characters, which a recipe needs");
    }
    NNC_TRY(nnc_source_load(&source, config->model, &o->run, false, log));
    nnc_status status = NNC_OK;
    if (source.plan) {
        status = nnc_error_set(NNC_ERR_USAGE, "%s: a runtime plan cannot be compressed; give the ONNX model", config->model);
    }
    if (status == NNC_OK && o->calib) {
        status = nnc_source_data(&data, o->calib, &source, NULL, &o->data, (uint32_t)o->run.threads, false, (size_t)o->samples,
                                 (uint64_t)o->seed, log);
    }
    w.source = &source;
    w.data = data;
    status = status == NNC_OK ? write_recipe(&w, log) : status;
    nnc_dataset_destroy(data);
    nnc_source_deinit(&source);
    return status;
}
