/* State of one import, shared by the files of this folder. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_ONNX_READER_H
#define NNC_ONNX_READER_H

#include "base/map.h"
#include "onnx.pb-c.h"
#include "onnx/limits.h"
#include "onnx/onnx.h"

/* Longest name after prefixes: longer ones are cut and made unique by the graph. */
#define NNC_NAME_BYTES 8192
/* Attribute of a node with subgraphs: how many of its last inputs are values the subgraphs take
 * from outside. */
#define NNC_ONNX_CAPTURES NNC_CAPTURES

/* One external data file, mapped or read once. */
typedef struct nnc_onnx_file {
    char *location;
    nnc_buffer *buffer;
    char sha1[41]; /* "" until asked for */
} nnc_onnx_file;

typedef struct nnc_onnx_external {
    bool has_dir;         /* false: the model came from memory */
    int dir;              /* folder of the path as given; -1 until first use */
    char *dir_path;       /* that folder as written */
    char *real_dir;       /* resolved */
    char *real_model_dir; /* folder of the resolved model file */
    char *extra_dir;      /* resolved --external-dir or NULL */
    const char *alias_from,
        *alias_to; /* verifying an unpublished export: read alias_to for alias_from */
    nnc_onnx_file *files;
    size_t count, cap;
    uint64_t opened; /* bytes of all files together */
    uint64_t copied; /* bytes of tensors that could not stay in their file */
} nnc_onnx_external;

/* An override of --shape. */
typedef struct nnc_onnx_shape_override {
    char *name;
    nnc_shape shape;
    bool used;
} nnc_onnx_shape_override;

typedef struct nnc_onnx_reader {
    const char *path; /* for messages */
    nnc_onnx_load_options options;
    nnc_onnx_info *info;
    const nnc_log *log;
    nnc_buffer *file; /* the model's bytes */
    bool file_stays;  /* tensors may point into `file` */
    const Onnx__ModelProto *model;
    nnc_onnx_external external;
    nnc_map *functions; /* "domain\x1f name\x1f overload" -> index */
    nnc_onnx_shape_override *shapes;
    size_t shape_count;
    int64_t *symbols; /* [symbol_count] what an override makes of symbol -1-dim; -1: nothing */
    size_t symbol_count, symbol_cap;
    nnc_value_id *wide; /* [wide_count] float32 form of a half value of the main graph, NNC_ID_NONE
                           if not made */
    size_t wide_count, wide_cap;
    uint32_t nodes, tensors;
    uint64_t spent, budget; /* bytes that expanding functions has taken, and may take */
    nnc_str *report;        /* NULL: stop at the first error */
    uint32_t errors;
    nnc_status first;
} nnc_onnx_reader;

/* A list of nodes being imported: the main graph, a subgraph or the body of a function. */
typedef struct nnc_onnx_frame {
    nnc_onnx_reader *reader;
    struct nnc_onnx_frame *outer;  /* where names not found here are looked for */
    struct nnc_onnx_frame *caller; /* frame whose node is being expanded */
    nnc_graph *graph;
    nnc_map *names;     /* name in the file -> value */
    const char *prefix; /* of names in the graph, "" or "call/" */
    Onnx__NodeProto **nodes;
    size_t node_count, next;
    Onnx__OperatorSetIdProto **imports;
    size_t import_count;
    const Onnx__FunctionProto *function;
    const Onnx__AttributeProto *
        *bound; /* of a function call: attributes by position in attr_names */
    const char **bound_names;
    size_t bound_count;
    nnc_map *half_outputs; /* outputs declared float16 or bfloat16 -> dtype; NULL if none */
    nnc_value_id *captured_here, *captured_outside;
    size_t capture_count, capture_cap, capture_cap2;
    uint32_t subgraph_depth, call_depth;
} nnc_onnx_frame;

/* Records a failure while checking. OK to go on with the next object, or the status to stop with.
 */
nnc_status nnc_onnx_note(nnc_onnx_reader *r, nnc_status status);
/* Counts memory that repeated expansion could multiply. Fails: NNC_ERR_LIMIT. */
nnc_status nnc_onnx_spend(nnc_onnx_reader *r, uint64_t bytes);
/* Warning through the log, counted. */
void nnc_onnx_warn(nnc_onnx_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* sniff.c: fails with what the bytes are when they are some other format. */
nnc_status nnc_onnx_sniff(const uint8_t *data, size_t bytes);

/* external.c */
void nnc_onnx_external_deinit(nnc_onnx_external *e);
nnc_status nnc_onnx_external_init(nnc_onnx_external *e, const char *path, const char *extra_dir);
/* Bytes of a tensor with data_location EXTERNAL; need: size by dtype and dims. */
nnc_status nnc_onnx_external_bytes(nnc_buffer **buffer, size_t *offset, nnc_onnx_reader *r,
                                   const Onnx__TensorProto *t, size_t need);
/* True for file systems whose pages can fail after mapping (network, FUSE): those are read. */
bool nnc_onnx_must_read(int fd);
/* The file's bytes, mapped or read. Fails: NNC_ERR_IO, NNC_ERR_LIMIT. */
nnc_status nnc_onnx_file_buffer(nnc_buffer **out, int fd, size_t bytes);
/* SHA-1 (FIPS 180-4) as 40 hexadecimal digits and NUL; external data checksums only. */
void nnc_onnx_sha1_hex(char hex[41], const void *data, size_t bytes);

/* tensor_in.c: any TensorProto. Half types stay. what: "initializer", "attribute", ... Names its
 * tensor in messages. */
nnc_status nnc_onnx_tensor_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__TensorProto *t,
                              const char *what);
nnc_status nnc_onnx_dims_in(nnc_shape *shape, size_t *count, const int64_t *dims, size_t n);
/* float16 and bfloat16 become float32, everything else stays. */
nnc_status nnc_onnx_widen(nnc_tensor *tensor, nnc_onnx_reader *r);
bool nnc_onnx_is_half(int dtype);
/* sparse_in.c: dense form. */
nnc_status nnc_onnx_sparse_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__SparseTensorProto *t,
                              const char *what);

/* types_in.c */
nnc_status nnc_onnx_shapes_init(nnc_onnx_reader *r);
nnc_status nnc_onnx_shapes_finish(nnc_onnx_reader *r);
void nnc_onnx_shapes_deinit(nnc_onnx_reader *r);
/* Element type and shape of a value's declaration; *has_shape false: rank unknown. dtype UNDEFINED:
 * no type given. */
nnc_status nnc_onnx_type_in(nnc_dtype *dtype, bool *has_shape, nnc_shape *shape, nnc_onnx_reader *r,
                            nnc_graph *graph, const Onnx__ValueInfoProto *info, const char *what);
/* Puts the caller's shape in place of an input's declared one; its named dimensions get these
 * values everywhere once nnc_onnx_symbols_apply runs. */
nnc_status nnc_onnx_shape_override_apply(nnc_shape *shape, bool *has_shape, nnc_onnx_reader *r,
                                         const nnc_graph *graph, const char *input);
void nnc_onnx_symbols_apply(const nnc_onnx_reader *r, nnc_graph *graph);

/* attr_in.c: checks and sets all plain attributes of a node. Subgraphs are left to subgraph_in.c.
 */
nnc_status nnc_onnx_attrs_in(nnc_onnx_reader *r, nnc_onnx_frame *f, nnc_node_id node,
                             const Onnx__NodeProto *p);
/* The attribute behind a reference of a function body, NULL if the call does not give it. */
nnc_status nnc_onnx_attr_resolve(const Onnx__AttributeProto **out, const nnc_onnx_frame *f,
                                 const Onnx__AttributeProto *a);
/* Validates name, type and single value. */
nnc_status nnc_onnx_attr_check(const Onnx__AttributeProto *a);
/* Value of a Constant node; *found false: not one with a single constant value. */
nnc_status nnc_onnx_constant_in(nnc_tensor *out, nnc_onnx_reader *r, const nnc_onnx_frame *f,
                                const Onnx__NodeProto *p);

/* subgraph_in.c: converts the GRAPH and GRAPHS attributes of a node and appends its captures. */
bool nnc_onnx_has_subgraphs(const Onnx__NodeProto *p);
nnc_status nnc_onnx_subgraphs_in(nnc_onnx_reader *r, nnc_onnx_frame *f, nnc_node_id node,
                                 const Onnx__NodeProto *p);

/* function_in.c */
nnc_status nnc_onnx_functions_init(nnc_onnx_reader *r);
const Onnx__FunctionProto *nnc_onnx_function_find(const nnc_onnx_reader *r,
                                                  const Onnx__NodeProto *p);
nnc_status nnc_onnx_call_in(nnc_onnx_frame **inner, nnc_onnx_reader *r, nnc_onnx_frame *f,
                            const Onnx__FunctionProto *fn, const Onnx__NodeProto *p);
nnc_status nnc_onnx_call_finish(nnc_onnx_reader *r, nnc_onnx_frame *inner);

/* half.c: what is left of half types once constants are float32: inputs, and outputs that a Cast
 * makes. */
/* Outputs of the main graph declared as half types. */
nnc_status nnc_onnx_half_outputs(nnc_onnx_frame *f, const Onnx__GraphProto *g);
/* Declared type of a half output that still needs its Cast; UNDEFINED for any other name. */
nnc_dtype nnc_onnx_half_output(const nnc_onnx_frame *f, const char *name);
/* Type of the half output that this Cast makes; UNDEFINED for any other node. */
nnc_dtype nnc_onnx_half_cast(const nnc_onnx_frame *f, const Onnx__NodeProto *p);
/* *id: the float32 form of a half value; other values stay. */
nnc_status nnc_onnx_half_widen(nnc_value_id *id, nnc_onnx_reader *r, nnc_graph *graph);
/* *id: the value behind a half output, narrowed under the output's own name. */
nnc_status nnc_onnx_half_narrow(nnc_value_id *id, nnc_onnx_frame *f, const char *name,
                                nnc_dtype dtype);

/* import.c */
nnc_status nnc_onnx_imports_check(Onnx__OperatorSetIdProto *const *imports, size_t n,
                                  const char *whose);
/* Version of a domain, 0 if it is not imported. "" and "ai.onnx" are one. */
int64_t nnc_onnx_opset_of(const nnc_onnx_frame *f, const char *domain);
const char *nnc_onnx_domain(const char *domain); /* "ai.onnx" -> "" ; NULL -> "" */
/* "node #57 'Conv_12' (Conv)" */
char *nnc_onnx_node_text(char *buf, size_t bytes, const Onnx__NodeProto *p, size_t index);
/* Value of a name seen from a frame; captures it when it is found outside. *out NNC_ID_NONE if
 * nowhere. */
nnc_status nnc_onnx_lookup(nnc_value_id *out, nnc_onnx_frame *f, const char *name);
/* Inputs, initializers and value types of a GraphProto, then its nodes, then its outputs. */
nnc_status nnc_onnx_graph_in(nnc_onnx_reader *r, nnc_onnx_frame *f, const Onnx__GraphProto *g);
nnc_status nnc_onnx_frame_init(nnc_onnx_frame *f, nnc_onnx_reader *r, nnc_graph *graph);
void nnc_onnx_frame_deinit(nnc_onnx_frame *f);
nnc_status nnc_onnx_register_outputs(nnc_onnx_reader *r, nnc_onnx_frame *f);
nnc_status nnc_onnx_nodes_in(nnc_onnx_reader *r, nnc_onnx_frame *f);

/* qoperator.c: a quantized operator becomes a float one between DequantizeLinear and
 * QuantizeLinear; other nodes stay. */
nnc_status nnc_onnx_qoperator(nnc_graph *graph, nnc_node_id node);

/* contrib.c: operators of ONNX Runtime become standard ones; see contrib.h. */
nnc_status nnc_onnx_contrib(nnc_onnx_reader *r, nnc_graph *graph);

/* lint.c: every value that is used has a producer; values that neither have one nor are used become
 * dead. */
nnc_status nnc_onnx_check_produced(nnc_onnx_reader *r, nnc_graph *graph);
/* Checks on the finished graph: quantization parameters, weights, what is unused. */
nnc_status nnc_onnx_lint(nnc_onnx_reader *r, nnc_graph *graph);
nnc_status nnc_onnx_unsupported(nnc_onnx_reader *r, const nnc_graph *graph);

#endif
