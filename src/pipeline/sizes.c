/* Where the bytes of a model are. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/sizes.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

#define REASONS_SHOWN 8

/* Kinds of bytes. */
enum { WEIGHTS, NARROW, BIASES, FLOATS, SCALES, SHAPES, REST, KINDS };

static int kind_of(const nnc_value *v)
{
    switch (v->tensor.dtype) {
    case NNC_DTYPE_INT8:
    case NNC_DTYPE_UINT8:
        return WEIGHTS;
    case NNC_DTYPE_INT32:
        return BIASES;
    case NNC_DTYPE_FLOAT:
    case NNC_DTYPE_DOUBLE:
    case NNC_DTYPE_FLOAT16:
    case NNC_DTYPE_BFLOAT16:
        return FLOATS;
    case NNC_DTYPE_INT64:
    case NNC_DTYPE_BOOL:
        return SHAPES;
    default:
        return NARROW;
    }
}

/* Bytes of scales and zero points as a file holds them. */
static uint64_t scale_bytes(const nnc_qparams *q)
{
    return (uint64_t)q->count * (sizeof(float) + (q->dtype == NNC_DTYPE_INT32 ? 4 : 1));
}

static nnc_status sum(uint64_t *bytes, const nnc_graph *graph)
{
    nnc_uses uses;
    NNC_TRY(nnc_uses_init(&uses, graph));
    for (nnc_value_id i = 0; i < nnc_graph_value_count(graph); i++) {
        const nnc_value *v = nnc_graph_value_const(graph, i);
        if (v->dead) {
            continue;
        }
        if (v->kind == NNC_VALUE_CONST && nnc_uses_count(&uses, i)) {
            bytes[kind_of(v)] += nnc_tensor_bytes(&v->tensor);
        }
        bytes[SCALES] += v->qparams ? scale_bytes(v->qparams) : 0;
    }
    nnc_uses_deinit(&uses);
    return NNC_OK;
}

uint64_t nnc_graph_weight_bytes(const nnc_graph *graph)
{
    uint64_t total = 0;
    nnc_uses uses;
    if (nnc_uses_init(&uses, graph) != NNC_OK) {
        return 0;
    }
    for (nnc_value_id i = 0; i < nnc_graph_value_count(graph); i++) {
        const nnc_value *v = nnc_graph_value_const(graph, i);
        if (!v->dead && v->kind == NNC_VALUE_CONST && nnc_uses_count(&uses, i)) {
            total += nnc_tensor_bytes(&v->tensor);
            total += v->qparams ? v->qparams->count * sizeof(float) : 0;
        }
    }
    nnc_uses_deinit(&uses);
    return total;
}

static void why(nnc_report_row *root, const char *before, uint64_t bytes, uint64_t total, const char *after)
{
    char size[32];
    nnc_str line = {0};
    nnc_str_appendf(&line, "%s %s, %.0f %% of the file%s", before, nnc_format_size(size, bytes),
                    100.0 * (double)bytes / (double)total, after);
    nnc_report_append_string(root, "size.why", nnc_str_get(&line));
    nnc_str_deinit(&line);
}

/* Nodes that stay float, counted by their reason. */
static nnc_status float_reasons(nnc_report_row *root)
{
    const char *reasons[REASONS_SHOWN];
    size_t counts[REASONS_SHOWN] = {0}, known = 0;
    for (size_t i = 0; i < nnc_report_count(root, "coverage.float_nodes"); i++) {
        const nnc_report_row *node = nnc_report_at(root, "coverage.float_nodes", i);
        const char *reason = nnc_report_get_string(node, "reason");
        size_t k = 0;
        while (reason && k < known && strcmp(reasons[k], reason) != 0) {
            k++;
        }
        if (reason && k < REASONS_SHOWN) {
            reasons[k] = reason;
            counts[k]++;
            known += k == known;
        }
    }
    for (size_t k = 0; k < known; k++) {
        nnc_str line = {0};
        nnc_str_appendf(&line, "%zu node%s in float: %s", counts[k], counts[k] == 1 ? " stays" : "s stay", reasons[k]);
        nnc_report_append_string(root, "size.why", nnc_str_get(&line));
        nnc_str_deinit(&line);
    }
    return NNC_OK;
}

nnc_status nnc_report_size_map(nnc_report_row *root, const nnc_graph *graph, uint64_t file_bytes)
{
    static const char *const names[KINDS] = {
        "8-bit weights", "other integers", "32-bit biases", "float constants", "scales and zero points",
        "shapes and indices", "graph: nodes, names, types"};
    uint64_t bytes[KINDS] = {0}, total = 0;
    NNC_TRY(sum(bytes, graph));
    for (size_t i = 0; i < REST; i++) {
        total += bytes[i];
    }
    if (total > file_bytes) {
        return NNC_OK;
    }
    bytes[REST] = file_bytes - total;
    for (size_t i = 0; i < KINDS; i++) {
        if (bytes[i]) {
            nnc_report_row *row = nnc_report_append(root, "size.map");
            nnc_report_string(row, "what", names[i]);
            nnc_report_int(row, "bytes", (int64_t)bytes[i]);
        }
    }
    nnc_report_append_string(root, "size.why", "a weight of 32 bits became one of 8: 4.00x is the most that this "
                                               "step can give");
    if (bytes[FLOATS] * 50 > file_bytes) {
        why(root, "constants that stay float take", bytes[FLOATS], file_bytes, "");
    }
    if (bytes[REST] * 50 > file_bytes) {
        why(root, "nodes, names and types take", bytes[REST], file_bytes,
            "; they do not shrink with the weights, and every Q/DQ pair adds two nodes");
    }
    if (bytes[BIASES] * 50 > file_bytes) {
        why(root, "biases take", bytes[BIASES], file_bytes, "; they stay at 32 bits");
    }
    if (bytes[SCALES] * 50 > file_bytes) {
        why(root, "scales and zero points take", bytes[SCALES], file_bytes, "; one pair per channel or value");
    }
    return float_reasons(root);
}
