/* One model with most kinds of messages, as a start for damage. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NNC_TESTS_ONNX_RICH_H
#define NNC_TESTS_ONNX_RICH_H

#include "onnx/wire.h"

/* A model with most kinds of messages: subgraph, function, sparse and typed tensors, attributes,
 * metadata. */
static inline wire rich_model(void)
{
    int64_t index = 2, shape[2] = {1, 4};
    wire g = w_graph(), yes = {0}, no = {0}, s = {0}, f = {0}, meta = {0};
    g_input(&g, w_value("cond", W_BOOL, ""));
    g_init(&g, w_floats("w", "4,4", 16));
    g_init(&g, w_int64s("shape", "2", 2, shape));
    wire_msg(&s, 1, w_floats("sp", "1", 1));
    wire_msg(&s, 2, w_int64s(NULL, "1", 1, &index));
    wire_int(&s, 3, 4);
    wire_msg(&g, 15, s);
    g_info(&g, w_value("p", W_FLOAT, "N,4"));
    g_node(&g, w_node("MatMul", "mm", "x,w", "p"));
    g_node(&g, w_node("Add", "add", "p,sp", "q"));
    g_node(&g, w_node("Reshape", "reshape", "q,shape", "r"));
    wire clip = w_node("Clip", "clip", "r", "t");
    w_attr_float(&clip, "min", 0.0f);
    g_node(&g, clip);
    wire soft = w_node("Softmax", "soft", "t", "u");
    w_attr_int(&soft, "axis", 1);
    g_node(&g, soft);
    g_node(&yes, w_node("Relu", "inner", "u", "yes_out"));
    g_output(&yes, w_value("yes_out", W_FLOAT, NULL));
    g_node(&no, w_node("Neg", "other", "u", "no_out"));
    g_output(&no, w_value("no_out", W_FLOAT, NULL));
    wire branch = w_node("If", "branch", "cond", "v");
    w_attr_graph(&branch, "then_branch", yes);
    w_attr_graph(&branch, "else_branch", no);
    g_node(&g, branch);
    wire call = w_node("F", "call", "v", "y");
    wire_str(&call, 7, "fn");
    g_node(&g, call);
    wire m = w_model(g, 8, 10);
    wire_msg(&m, 8, w_opset("fn", 1));
    wire_str(&f, 1, "F");
    wire_str(&f, 4, "a");
    wire_str(&f, 5, "b");
    wire_msg(&f, 7, w_node("Identity", NULL, "a", "b"));
    wire_msg(&f, 9, w_opset("", 10));
    wire_str(&f, 10, "fn");
    wire_msg(&m, 25, f);
    wire_str(&meta, 1, "key");
    wire_str(&meta, 2, "value");
    wire_msg(&m, 14, meta);
    return m;
}

#endif
