/* Targets: who reads the written file, as data. SPDX-License-Identifier: Apache-2.0
 * A target is a row of targets.def; what runs in integers there is rows of target_rules.def. Quantization, export and checks read the
 * fields; no code asks for a name. docs/targets.md is generated from both tables. */
#ifndef NNC_GRAPH_TARGET_H
#define NNC_GRAPH_TARGET_H

#include "base/str.h"
#include "tensor/dtype.h"

typedef struct nnc_target {
    const char *name, *help; /* "trt10"; one line */
    const char *reader;      /* "TensorRT 10" */
    const char *proof;       /* what is done with a file before it ships, in the words of the report */
    nnc_dtype activation;    /* UINT8 asymmetric or INT8 */
    bool activation_symmetric; /* zero points of activations are 0 */
    nnc_dtype weight;        /* INT8 */
    int weight_max;          /* 127, or 64 for 7-bit weights (no 16-bit pair overflow) */
    bool bias_int32;         /* int32 bias behind a DequantizeLinear; else float */
    bool concat_one_scale;   /* Concat inputs and output must share one grid in the file */
    bool tail_grids;         /* products that only float nodes read get a grid behind them, where that costs little */
    bool add_in_product;     /* no grid between a product and the Add that alone reads it: the reader adds in its epilogue */
    bool skip_vectors;       /* products with one row or one column stay float */
    int64_t least_side;      /* Gemm and MatMul with a smaller K or N stay float; 0: none */
    int opset_min, opset_max; /* of a file that is read; opset_max 0: not known to end */
    const char *domain;      /* operators of this domain are read too; "" for none */
} nnc_target;

const nnc_target *nnc_target_find(const char *name); /* NULL if unknown */
const nnc_target *nnc_target_row(size_t i);          /* NULL past the end */
/* The row, or NNC_ERR_USAGE with the nearest name and all names. */
nnc_status nnc_target_get(const nnc_target **out, const char *name);
/* Finds all rows; each name once. targets [count], count at most NNC_TARGETS_MAX. Fails: NNC_ERR_USAGE. */
#define NNC_TARGETS_MAX 16
nnc_status nnc_target_list(const nnc_target **targets, const char *const *names, size_t count);

/* What a rule says about a node. */
typedef enum nnc_target_effect {
    NNC_EFFECT_FLOAT,   /* runs in float there */
    NNC_EFFECT_REFUSED, /* the reader refuses the file */
    NNC_EFFECT_UNKNOWN, /* the reader has no such operator that we know of */
    NNC_EFFECT_RISK     /* runs in INT8, with a loss of speed or accuracy */
} nnc_target_effect;

/* A condition of target_rules.def: a question about a node of an annotated graph. */
typedef enum nnc_target_condition {
#define NNC_CONDITION(id, help) NNC_CONDITION_##id,
#include "graph/target_rules.def"
    NNC_CONDITION_COUNT
} nnc_target_condition;
const char *nnc_condition_name(nnc_target_condition condition);
const char *nnc_condition_help(nnc_target_condition condition);

typedef struct nnc_target_rule {
    const char *id;      /* "bias-float" */
    const char *targets; /* names with *, separated by spaces */
    const char *ops;     /* operators separated by spaces, or "*" */
    nnc_target_condition condition;
    nnc_target_effect effect;
    const char *message, *fix;
} nnc_target_rule;
const nnc_target_rule *nnc_target_rule_row(size_t i); /* NULL past the end */
/* Does the rule speak of this target and operator? */
bool nnc_target_rule_applies(const nnc_target_rule *rule, const nnc_target *target, const char *op);

/* How the reader runs an operator in integers. */
typedef enum nnc_target_form {
    NNC_FORM_NONE,    /* it does not */
    NNC_FORM_INTEGER, /* computes */
    NNC_FORM_MOVE     /* only moves or selects: the integers pass */
} nnc_target_form;
typedef struct nnc_target_ops {
    const char *targets, *ops;
    nnc_target_form form;
} nnc_target_ops;
const nnc_target_ops *nnc_target_ops_row(size_t i); /* NULL past the end */
nnc_target_form nnc_target_form_of(const nnc_target *target, const char *op);

#endif
