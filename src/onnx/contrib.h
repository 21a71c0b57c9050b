/* Operators of ONNX Runtime (domain com.microsoft, and those that its optimizer puts into ai.onnx)
 * as standard ones. SPDX-License-Identifier: Apache-2.0 A row of contrib.def names the function
 * that writes an operator anew; it emits nodes through the helpers below. */
#ifndef NNC_ONNX_CONTRIB_H
#define NNC_ONNX_CONTRIB_H

#include "onnx/reader.h"

enum { NNC_CONTRIB_INPUTS = 16, NNC_CONTRIB_OUTPUTS = 8 };
/* Output slot of an emitted node: a value of its own. */
#define NNC_CONTRIB_TEMP UINT32_MAX

/* A node that is written anew. */
typedef struct nnc_contrib {
    nnc_graph *graph;
    nnc_node old; /* attributes and name; its inputs and outputs are here: */
    nnc_value_id in[NNC_CONTRIB_INPUTS], out[NNC_CONTRIB_OUTPUTS]; /* NNC_ID_NONE where omitted */
    nnc_node_id last; /* the node emitted last, for its attributes */
    char base[260];   /* names of values begin with this */
} nnc_contrib;

typedef nnc_status nnc_contrib_fn(nnc_contrib *c);

/* ---- for the functions of the table ---- */
bool nnc_contrib_has(const nnc_contrib *c, uint32_t input);
/* Shape of a value, NULL if its rank is unknown. */
const nnc_shape *nnc_contrib_shape(const nnc_contrib *c, nnc_value_id value);
/* Known number of dims, -1 if unknown. */
int nnc_contrib_rank(const nnc_contrib *c, nnc_value_id value);
/* One-output node `op` of ai.onnx; its output is the old node's output `to`, or a new value. */
nnc_status nnc_contrib_emit(nnc_value_id *out, nnc_contrib *c, uint32_t to, const char *op,
                            const nnc_value_id *in, uint32_t count);
nnc_status nnc_contrib_emit1(nnc_value_id *out, nnc_contrib *c, uint32_t to, const char *op,
                             nnc_value_id x);
nnc_status nnc_contrib_emit2(nnc_value_id *out, nnc_contrib *c, uint32_t to, const char *op,
                             nnc_value_id a, nnc_value_id b);
/* Node with several outputs; to: output slots or NNC_CONTRIB_TEMP. */
nnc_status nnc_contrib_emit_many(nnc_value_id *out, nnc_contrib *c, const uint32_t *to,
                                 uint32_t outs, const char *op, const nnc_value_id *in,
                                 uint32_t count);
nnc_status nnc_contrib_ints(nnc_value_id *out, nnc_contrib *c, const int64_t *data,
                            size_t n); /* 1-D constant */
nnc_status nnc_contrib_scalar_int(nnc_value_id *out, nnc_contrib *c, int64_t value);
nnc_status nnc_contrib_scalar(nnc_value_id *out, nnc_contrib *c, float value);
/* x + input i, or x where it is omitted. */
nnc_status nnc_contrib_add_input(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, uint32_t i);
/* Copies an attribute of the old node to the last emitted one, if it is there. */
nnc_status nnc_contrib_copy(nnc_contrib *c, const char *const *names);
/* Reshape, Transpose, Unsqueeze, Cast. */
nnc_status nnc_contrib_reshape(nnc_value_id *out, nnc_contrib *c, uint32_t to, nnc_value_id x,
                               const int64_t *dims, size_t n);
nnc_status nnc_contrib_transpose(nnc_value_id *out, nnc_contrib *c, uint32_t to, nnc_value_id x,
                                 const int64_t *perm, size_t n);
nnc_status nnc_contrib_unsqueeze(nnc_value_id *out, nnc_contrib *c, nnc_value_id x,
                                 const int64_t *axes, size_t n);
nnc_status nnc_contrib_cast(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, nnc_dtype dtype);
/* Split along an axis into `n` equal parts, or by sizes. */
nnc_status nnc_contrib_split(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, int64_t axis,
                             const int64_t *sizes, uint32_t n);
/* Dim `axis` of a value as an int64 scalar. */
nnc_status nnc_contrib_dim(nnc_value_id *out, nnc_contrib *c, nnc_value_id x, int64_t axis);
/* 0, 1, ... n-1 for an int64 scalar. */
nnc_status nnc_contrib_range(nnc_value_id *out, nnc_contrib *c, nnc_value_id n);
/* Fails when output i is read by name. */
nnc_status nnc_contrib_refuse_output(const nnc_contrib *c, uint32_t i);
/* The activation that the attributes of a fused operator name: attr holds its name, the numbers
 * come from `params` (a list) or from <attr>_alpha, _beta, _gamma. */
nnc_status nnc_contrib_activation(nnc_contrib *c, uint32_t to, nnc_value_id x, const char *attr,
                                  const char *params);

#define CONTRIB(domain, op, fn, ranks) nnc_contrib_fn nnc_contrib_##fn;
#include "onnx/contrib.def"
#undef CONTRIB

#endif
