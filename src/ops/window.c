/* Window geometry. SPDX-License-Identifier: Apache-2.0 */
#include "ops/window.h"

#include <string.h>

static uint32_t auto_pad_code(const char *name)
{
    return strcmp(name, "SAME_UPPER") == 0 ? 1 : strcmp(name, "SAME_LOWER") == 0 ? 2 : 0;
}

static nnc_status fill(uint32_t out[2], const nnc_attr *attr, uint32_t spatial, uint32_t fallback)
{
    for (uint32_t d = 0; d < 2; d++) {
        out[d] = d + spatial < 2 ? 1 : fallback;
    }
    for (uint32_t d = 0; attr && d < spatial; d++) {
        if (d >= attr->count || attr->ints[d] < 1 || attr->ints[d] > INT32_MAX) {
            NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' needs %u positive values", attr->name, spatial);
        }
        out[2 - spatial + d] = (uint32_t)attr->ints[d];
    }
    return NNC_OK;
}

nnc_status nnc_window_from_node(nnrt_window *window, const nnc_graph *graph, nnc_node_id id,
                                uint32_t spatial, const int64_t *kernel)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    memset(window, 0, sizeof(*window));
    window->spatial = spatial;
    nnc_attr given = {.name = "kernel_shape", .type = NNC_ATTR_INTS, .count = spatial, .ints = kernel};
    NNC_TRY(fill(window->kernel, kernel ? &given : nnc_node_attr(node, "kernel_shape"), spatial, 1));
    NNC_TRY(fill(window->stride, nnc_node_attr(node, "strides"), spatial, 1));
    NNC_TRY(fill(window->dilation, nnc_node_attr(node, "dilations"), spatial, 1));
    const char *mode = nnc_node_string(node, "auto_pad", "NOTSET");
    window->auto_pad = auto_pad_code(mode);
    window->ceil_mode = nnc_node_int(node, "ceil_mode", 0) != 0;
    const nnc_attr *pads = nnc_node_attr(node, "pads");
    if (!pads || window->auto_pad || strcmp(mode, "VALID") == 0) {
        return NNC_OK;
    }
    for (uint32_t d = 0; d < 2 * spatial; d++) {
        int64_t pad = d < pads->count ? pads->ints[d] : 0;
        if (pad < 0 || pad > INT32_MAX) {
            char label[160];
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: pad %lld, expected 0 or more",
                     nnc_node_label(label, sizeof(label), graph, id), (long long)pad);
        }
        uint32_t end = d >= spatial, axis = 2 - spatial + d % spatial;
        window->pad[end * 2 + axis] = (uint32_t)pad;
    }
    return NNC_OK;
}

static nnc_status fill_nd(uint32_t out[NNRT_SPATIAL_MAX], const nnc_attr *attr, uint32_t spatial)
{
    for (uint32_t d = 0; d < NNRT_SPATIAL_MAX; d++) {
        out[d] = 1;
    }
    for (uint32_t d = 0; attr && d < spatial; d++) {
        if (d >= attr->count || attr->ints[d] < 1 || attr->ints[d] > INT32_MAX) {
            NNC_FAIL(NNC_ERR_MODEL, "attribute '%s' needs %u positive values", attr->name, spatial);
        }
        out[d] = (uint32_t)attr->ints[d];
    }
    return NNC_OK;
}

nnc_status nnc_window_nd_from_node(nnrt_window_nd *window, const nnc_graph *graph, nnc_node_id id,
                                   uint32_t spatial, const int64_t *kernel)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    char label[160];
    nnc_node_label(label, sizeof(label), graph, id);
    memset(window, 0, sizeof(*window));
    if (spatial < 1 || spatial > NNRT_SPATIAL_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: %u spatial dims, 1 to %d are handled", label, spatial,
                 NNRT_SPATIAL_MAX);
    }
    window->spatial = spatial;
    nnc_attr given = {.name = "kernel_shape", .type = NNC_ATTR_INTS, .count = spatial, .ints = kernel};
    NNC_TRY(fill_nd(window->kernel, kernel ? &given : nnc_node_attr(node, "kernel_shape"), spatial));
    NNC_TRY(fill_nd(window->stride, nnc_node_attr(node, "strides"), spatial));
    NNC_TRY(fill_nd(window->dilation, nnc_node_attr(node, "dilations"), spatial));
    const char *mode = nnc_node_string(node, "auto_pad", "NOTSET");
    window->auto_pad = auto_pad_code(mode);
    window->ceil_mode = nnc_node_int(node, "ceil_mode", 0) != 0;
    const nnc_attr *pads = nnc_node_attr(node, "pads");
    for (uint32_t d = 0; pads && !window->auto_pad && strcmp(mode, "VALID") != 0 && d < 2 * spatial;
         d++) {
        int64_t pad = d < pads->count ? pads->ints[d] : 0;
        if (pad < 0 || pad > INT32_MAX) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: pad %lld, expected 0 or more", label, (long long)pad);
        }
        *(d < spatial ? &window->begin[d] : &window->end[d - spatial]) = (uint32_t)pad;
    }
    return NNC_OK;
}
