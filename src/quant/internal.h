/* Working state of one quantization, shared by the files of src/quant. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_INTERNAL_H
#define NNC_QUANT_INTERNAL_H

#include "ops/op.h"
#include "quant/quant.h"

typedef enum nnc_role {
    NNC_ROLE_FLOAT,
    NNC_ROLE_PRODUCT,     /* Conv, Gemm, MatMul with a constant weight */
    NNC_ROLE_PAIR,        /* MatMul of two activations */
    NNC_ROLE_ELEMENTWISE, /* Add, Sub, Mul */
    NNC_ROLE_AVERAGE,     /* AveragePool, GlobalAveragePool */
    NNC_ROLE_TABLE,       /* activations by table */
    NNC_ROLE_MOVE,        /* output on the input's grid */
    NNC_ROLE_CONCAT,
    NNC_ROLE_CLAMP        /* Relu or Clip that belongs to the node before it (clamp_of) */
} nnc_role;

/* Which nodes are to run in integers and which values therefore need grids. All arrays are owned. */
typedef struct nnc_scheme {
    uint32_t node_count, value_count;
    nnc_role *role;            /* [nodes] NNC_ROLE_FLOAT: stays float */
    const char **reason;       /* [nodes] why it stays float; NULL otherwise */
    nnc_node_id *clamp;        /* [nodes] clamp fused behind this node, or NNC_ID_NONE */
    bool *grid;                /* [values] is on a grid */
    bool *tail;                /* [values] grid that no integer node reads: only the file's reader may want it */
    uint32_t *group;           /* [values] values of one group share one grid; NNC_ID_NONE without grid */
    nnc_value_id *origin;      /* [values] value that the numbers come from, up through movement; itself elsewhere */
    uint32_t group_count;
    nnc_value_id *source;      /* [groups] value whose statistics set the range: the others hold some of its numbers */
} nnc_scheme;

/* Patterns that name no node: NNC_ERR_USAGE. excluded [nodes] */
nnc_status nnc_scheme_exclude(bool *excluded, const nnc_graph *graph, const char *const *patterns,
                              size_t count);
nnc_status nnc_scheme_decide(nnc_scheme *out, const nnc_graph *graph, const nnc_quant_options *options);
void nnc_scheme_deinit(nnc_scheme *scheme);
/* Final value of an integer node: its clamp's output, or its own. */
nnc_value_id nnc_scheme_final(const nnc_scheme *scheme, const nnc_graph *graph, nnc_node_id node);
bool nnc_is_product(const nnc_node *node);
/* Gemm or MatMul: one row (where the input's shape is known) or one column; fewer inputs or outputs than least_side. */
bool nnc_product_is_vector(const nnc_graph *graph, const nnc_node *node);
bool nnc_product_is_small(const nnc_graph *graph, const nnc_node *node, int64_t least_side);
/* Is v the result of a product that exactly one node reads: could an Add there become part of the product? */
bool nnc_adds_into(const nnc_graph *graph, const nnc_uses *uses, nnc_value_id v);
/* Axis of a product weight's output channels. */
int32_t nnc_weight_axis(const nnc_node *node);

/* A chosen or possible range of a group. */
typedef struct nnc_range {
    const char *method; /* calibrator, with its argument */
    float lo, hi;
} nnc_range;
#define NNC_CANDIDATES_MAX 8
typedef struct nnc_group {
    nnc_value_stats *stats; /* of all its sources together */
    nnc_range candidate[NNC_CANDIDATES_MAX];
    size_t candidate_count;
    double error[NNC_CANDIDATES_MAX]; /* relative output error of the consumers, summed */
} nnc_group;

/* Joins the groups around Concat nodes where one grid costs (almost) nothing or the target demands it; where the target demands it
 * and it costs much, the Concat goes float. groups [scheme->group_count]: statistics of joined groups are merged. */
nnc_status nnc_scheme_share_concats(nnc_scheme *scheme, nnc_group *groups, const nnc_graph *graph,
                                    const nnc_target *target);

/* One quantized form of the model. */
typedef struct nnc_choice {
    const nnc_range *range;  /* [groups] */
    bool tails;              /* put tails on grids */
    nnc_dtype weight;        /* INT8, or UINT8 with zero point 128 */
    int weight_max;
} nnc_choice;

/* Quantized weights, ready for a node. */
typedef struct nnc_weight_options {
    nnc_dtype dtype;
    int max;            /* largest |q| */
    bool per_channel;
} nnc_weight_options;
/* Integers for the weight of `node` (float constant), scales widened until bias and accumulators fit 32 bits for an input grid qx. */
nnc_status nnc_weight_quantize(nnc_tensor *q, nnc_qparams **params, const nnc_graph *graph,
                               nnc_node_id node, const nnc_qparams *qx, const nnc_weight_options *options);
/* All product weights and biases that `scheme` wants as integers are finite, or NNC_ERR_MODEL. */
nnc_status nnc_weights_check(const nnc_graph *graph, const nnc_scheme *scheme);
/* Channels whose weights are all zero. */
uint32_t nnc_weight_dead_channels(const nnc_graph *graph, nnc_node_id node);
/* Pairs of neighbours along the reduction that can leave 16 bits (quant.h); the weight of `node` holds integers. */
uint64_t nnc_weight_pair_overflow(const nnc_graph *graph, nnc_node_id node);

/* Back to float: annotations go, stored integers become numbers again. */
nnc_status nnc_quant_strip(nnc_graph *graph);
/* Statistics of some values by the options; warns of stretched ranges. */
nnc_status nnc_quant_observe(nnc_calib **out, const nnc_graph *graph, const nnc_value_id *values, size_t count,
                             const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log);

/* Writes a choice into the graph: annotations, integer weights, constant operands. */
nnc_status nnc_scheme_apply(nnc_graph *graph, const nnc_scheme *scheme, const nnc_choice *choice,
                            const nnc_quant_options *options);

/* Copies all attributes of one node to another of the same graph. */
nnc_status nnc_node_copy_attrs(nnc_graph *graph, nnc_node_id to, nnc_node_id from);
/* At most max of `count` indices, evenly spread. Returns how many. */
size_t nnc_pick(size_t *out, size_t max, const size_t *indices, size_t count);

/* Fills group->error of all candidates from the float graph on some calibration samples. */
nnc_status nnc_score_candidates(nnc_group *groups, const nnc_scheme *scheme, const nnc_graph *graph,
                                const nnc_dataset *data, const nnc_quant_options *options,
                                const nnc_log *log);

/* How near quantized graphs come to the float one on some samples. */
typedef struct nnc_judgement {
    double sqnr;  /* dB; over outputs: from the mean of their relative squared errors */
    double agree; /* share of samples with the same largest element of output 0; NAN if that is no class output */
    size_t changed; /* such samples with another largest element */
} nnc_judgement;
nnc_status nnc_judge(nnc_judgement *out, const nnc_graph *reference, nnc_graph *const *graphs, size_t count,
                     const nnc_dataset *data, const size_t *indices, size_t index_count,
                     const nnc_quant_options *options, const nnc_log *log);

#endif
