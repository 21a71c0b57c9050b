/* nncompress inspect: what is in a model, and what could be compressed. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/common.h"
#include "graph/print.h"
#include "ops/op.h"
#include "passes/pass.h"

typedef struct inspect_options {
    bool nodes, raw;
    nnc_run_flags run;
} inspect_options;

#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(inspect_options, name, sh, kind, run.member, meta, help, "Running", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(inspect_options, "nodes", 0, FLAG, nodes, NULL, "print every node", "Inspecting", 0, 0, NULL),
    NNC_OPT(inspect_options, "raw", 0, FLAG, raw, NULL,
            "the graph as imported, without folding and cleaning", "Inspecting", 0, 0, NULL),
#include "pipeline/options.def"
    {0},
};

/* Totals of one operator type. */
typedef struct op_row {
    const char *domain, *name;
    uint64_t count, macs, params;
    bool supported;
} op_row;

static int by_macs(const void *a, const void *b)
{
    const op_row *x = a, *y = b;
    if (x->macs != y->macs) {
        return x->macs < y->macs ? 1 : -1;
    }
    if (x->count != y->count) {
        return x->count < y->count ? 1 : -1;
    }
    return strcmp(x->name, y->name);
}

static nnc_status count_ops(op_row **rows, size_t *count, const nnc_graph *graph)
{
    size_t cap = 0;
    *rows = NULL;
    *count = 0;
    for (nnc_node_id i = 0; i < nnc_graph_node_count(graph); i++) {
        const nnc_node *node = nnc_graph_node_const(graph, i);
        if (node->dead) {
            continue;
        }
        size_t at = 0;
        while (at < *count && (strcmp((*rows)[at].name, node->op_type) != 0 ||
                               strcmp((*rows)[at].domain, node->domain) != 0)) {
            at++;
        }
        if (at == *count) {
            NNC_TRY(nnc_grow(rows, &cap, *count + 1, sizeof(**rows)));
            (*rows)[(*count)++] = (op_row){.domain = node->domain, .name = node->op_type,
                                           .supported = node->op && node->op->lower};
        }
        nnc_cost cost = node->op ? nnc_node_cost(graph, i) : (nnc_cost){0};
        (*rows)[at].count++;
        (*rows)[at].macs += cost.macs;
        (*rows)[at].params += cost.params;
    }
    qsort(*rows, *count, sizeof(**rows), by_macs);
    return NNC_OK;
}

static void describe_value(nnc_str *out, const nnc_graph *graph, const nnc_value *v)
{
    nnc_str_append_printable(out, v->name, 60);
    nnc_str_appendf(out, ": %s[", nnc_dtype_name((int)v->dtype));
    for (uint32_t d = 0; v->has_shape && d < v->shape.rank; d++) {
        int64_t dim = v->shape.dims[d];
        nnc_str_append(out, d ? "," : "");
        if (dim >= 0) {
            nnc_str_appendf(out, "%lld", (long long)dim);
        } else {
            const char *name = nnc_graph_symbol_name(graph, dim);
            nnc_str_append_printable(out, name[0] ? name : "?", 30);
        }
    }
    nnc_str_append(out, v->has_shape ? "]" : "?]");
}

/* columns: of the terminal; 0: none. */
static void text_report(nnc_str *out, const nnc_source *source, const op_row *rows, size_t count,
                        uint64_t macs, uint64_t params, size_t columns)
{
    const int wide = nnc_cli_name_width(columns, 28, 44);
    const nnc_graph *graph = source->graph;
    const nnc_graph_meta *meta = nnc_graph_get_meta((nnc_graph *)graph);
    char size[32];
    nnc_str_append_printable(out, source->path, 0);
    nnc_str_appendf(out, "\n  %s, opset %lld, IR %lld, from ", nnc_format_size(size, source->bytes),
                    (long long)source->info.opset, (long long)source->info.ir_version);
    nnc_str_append_printable(out, meta->producer_name && meta->producer_name[0] ? meta->producer_name
                                                                                : "unknown producer", 40);
    nnc_str_appendf(out, "\n  %.3f M parameters, %.1f M MACs (unknown dims as 1), %u nodes in the file\n",
                    (double)params / 1e6, (double)macs / 1e6, source->info.nodes);
    if (source->info.quantized) {
        nnc_str_append(out, "  already holds quantized operators\n");
    }
    for (size_t i = 0; i < nnc_graph_input_count(graph); i++) {
        nnc_str_append(out, "  input  ");
        describe_value(out, graph, nnc_graph_value_const(graph, nnc_graph_input(graph, i)));
        nnc_str_append(out, "\n");
    }
    for (size_t i = 0; i < nnc_graph_output_count(graph); i++) {
        nnc_str_append(out, "  output ");
        describe_value(out, graph, nnc_graph_value_const(graph, nnc_graph_output(graph, i)));
        nnc_str_append(out, "\n");
    }
    nnc_str_appendf(out, "\n  %-*s %7s %12s %7s %12s\n", wide, "operator", "count", "MMACs", "share", "parameters");
    for (size_t i = 0; i < count; i++) {
        nnc_str name = {0};
        nnc_str_appendf(&name, "%s%s%s", rows[i].domain, rows[i].domain[0] ? "::" : "", rows[i].name);
        nnc_str_append(out, "  ");
        nnc_str_appendf(out, "%-*.*s %7llu %12.2f %6.1f%% %12llu%s\n", wide, wide, nnc_str_get(&name),
                        (unsigned long long)rows[i].count, (double)rows[i].macs / 1e6,
                        macs ? 100.0 * (double)rows[i].macs / (double)macs : 0.0,
                        (unsigned long long)rows[i].params, rows[i].supported ? "" : "  unsupported");
        nnc_str_deinit(&name);
    }
}

static nnc_status json_report(const nnc_source *source, const op_row *rows, size_t count, uint64_t macs,
                              uint64_t params)
{
    nnc_report *report;
    NNC_TRY(nnc_report_create(&report, "inspect"));
    nnc_report_row *root = nnc_report_root(report);
    nnc_report_string(root, "source.path", source->path);
    nnc_report_string(root, "source.sha256", source->sha256);
    nnc_report_int(root, "source.bytes", (int64_t)source->bytes);
    nnc_report_int(root, "source.opset", source->info.opset);
    nnc_report_int(root, "source.ir_version", source->info.ir_version);
    nnc_report_int(root, "parameters", (int64_t)params);
    nnc_report_int(root, "macs", (int64_t)macs);
    nnc_report_bool(root, "quantized", source->info.quantized);
    for (size_t i = 0; i < count; i++) {
        nnc_report_row *row = nnc_report_append(root, "operators");
        nnc_report_string(row, "domain", rows[i].domain);
        nnc_report_string(row, "name", rows[i].name);
        nnc_report_int(row, "count", (int64_t)rows[i].count);
        nnc_report_int(row, "macs", (int64_t)rows[i].macs);
        nnc_report_int(row, "parameters", (int64_t)rows[i].params);
        nnc_report_bool(row, "supported", rows[i].supported);
    }
    nnc_status status = nnc_cli_print_json(report);
    nnc_report_destroy(report);
    return status;
}

static nnc_status inspect(const inspect_options *o, const nnc_source *source, size_t columns)
{
    op_row *rows;
    size_t count;
    nnc_status status = count_ops(&rows, &count, source->graph);
    uint64_t macs = 0, params = 0;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        macs += rows[i].macs;
        params += rows[i].params;
    }
    if (status == NNC_OK && o->run.json) {
        status = json_report(source, rows, count, macs, params);
    } else if (status == NNC_OK) {
        nnc_str out = {0};
        text_report(&out, source, rows, count, macs, params, columns);
        if (o->nodes) {
            nnc_str_append(&out, "\n");
            status = nnc_graph_print(&out, source->graph);
        }
        status = status == NNC_OK ? nnc_str_status(&out) : status;
        status = status == NNC_OK ? nnc_out(nnc_str_get(&out)) : status;
        nnc_str_deinit(&out);
    }
    nnc_free(rows);
    return status;
}

/* Models with operators this build lacks are shown as imported: cleaning needs to run nodes. */
static nnc_status load(nnc_source *source, const inspect_options *o, const char *path, const nnc_log *log)
{
    NNC_TRY(nnc_source_load(source, path, &o->run, true, log));
    if (source->plan) {
        NNC_FAIL(NNC_ERR_USAGE, "%s is a runtime plan; inspect reads ONNX files", path);
    }
    if (o->raw || source->info.unsupported_nodes) {
        return NNC_OK;
    }
    nnc_pass_ctx ctx = {.log = log, .threads = (uint32_t)o->run.threads, .isa_max = nnc_run_isa(&o->run)};
    return nnc_passes_prepare(source->graph, &ctx);
}

static nnc_status run(const nnc_cli *cli)
{
    inspect_options o = {0};
    nnc_option_list words = {0};
    nnc_source source = {0};
    nnc_status status = nnc_cli_parse(cli, &nnc_verb_inspect, &o, &words, 1, 1);
    if (status == NNC_OK) {
        status = load(&source, &o, words.items[0], cli->log);
    }
    if (status == NNC_OK) {
        status = inspect(&o, &source, cli->columns);
    }
    nnc_source_deinit(&source);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return status;
}

const nnc_verb nnc_verb_inspect = {
    .name = "inspect",
    .summary = "shows operators, sizes, MACs and shapes of a model",
    .usage = "inspect MODEL.onnx [options]",
    .examples = "  nncompress inspect model.onnx\n  nncompress inspect model.onnx --nodes --shape x=1x3x224x224\n",
    .options = options,
    .run = run,
};
