/* ONNX files: import into the internal form, export, checking, TensorProto files.
 * SPDX-License-Identifier: Apache-2.0 Protobuf types stay inside src/onnx. What is checked and
 * which status and message each fault gives: docs/reliability.md. */
#ifndef NNC_ONNX_ONNX_H
#define NNC_ONNX_ONNX_H

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/facts.h"
#include "graph/graph.h"

/* Window of versions this build reads. */
#define NNC_ONNX_OPSET_MIN 1
#define NNC_ONNX_OPSET_MAX 28
#define NNC_ONNX_IR_MIN 3
#define NNC_ONNX_IR_MAX 14
/* Oldest opset that is written. */
#define NNC_ONNX_OPSET_WRITE_MIN 7

/* Limits on hostile or oversized files; 0 in a field means its default. */
typedef struct nnc_onnx_limits {
    uint64_t file_bytes;     /* model file; default 2 GiB */
    uint64_t external_bytes; /* all external data together; default 1 TiB */
    uint64_t decode_bytes;   /* heap of the decoded messages; default 16 x file + 64 MiB */
    uint64_t dense_bytes;    /* one sparse initializer made dense; default 1 GiB */
    uint32_t nodes;          /* nodes after inlining functions; default 1 000 000 */
    uint32_t tensors;        /* default 1 000 000 */
} nnc_onnx_limits;

/* What to do with NaN or infinite weights of Conv, ConvTranspose, Gemm, MatMul, BatchNormalization
 * and recurrent layers. */
typedef enum nnc_onnx_nan_weights {
    NNC_ONNX_NAN_ERROR, /* NNC_ERR_MODEL naming tensor, count and first index */
    NNC_ONNX_NAN_ZERO,  /* replaced by 0, warned */
    NNC_ONNX_NAN_KEEP   /* left as they are, warned */
} nnc_onnx_nan_weights;

typedef struct nnc_onnx_load_options {
    const char *const *shapes; /* "name=1x3x224x224" of an input, or "N=4" of a named dimension */
    size_t shape_count;
    const char *alias_from,
        *alias_to; /* external data named alias_from is read from the file alias_to; NULL: none */
    const char
        *external_dir; /* one more folder that external data may lie in; NULL: only the model's */
    bool allow_hardlinks;  /* external data files with several names */
    bool keep_unsupported; /* ops this build does not know stay as nodes with op == NULL instead of
                              failing */
    nnc_onnx_nan_weights nan_weights;
    nnc_onnx_limits limits;
} nnc_onnx_load_options;

/* What was found in the file; zero-initialised by the loader. */
typedef struct nnc_onnx_info {
    uint64_t file_bytes;
    uint64_t external_bytes; /* of external data used, shared ranges counted once per tensor */
    uint64_t hash;           /* nnc_hash64 of the model file, seed 0 */
    int64_t ir_version;
    int64_t opset;  /* of the default domain; 0 if not imported */
    uint32_t nodes; /* in the file's main graph */
    uint32_t initializers;
    uint32_t functions_inlined;
    uint32_t dead_nodes, unused_initializers, unused_inputs; /* of the main graph */
    uint32_t unsupported_nodes; /* nodes without an op in this build (keep_unsupported) */
    uint32_t warnings;
    bool unsorted;  /* nodes were not in topological order */
    bool half;      /* float16 or bfloat16 was widened to float32 */
    bool qoperator; /* holds QLinear* or QGemm nodes */
    bool quantized; /* holds QuantizeLinear, DequantizeLinear, QLinear* or *Integer nodes */
} nnc_onnx_info;

/* Loads a model. path: a file, or "-" for standard input (then external data is an error). Every
 * node is in the internal form (newest opset), bound to its op, shapes are inferred and the graph
 * is verified. Constants map the file where their alignment allows, so the file must not be
 * truncated while the graph lives.
 *
 * float16 and bfloat16 constants and values become float32; inputs and outputs keep their type
 * behind a Cast. Initializers that are also inputs become constants. Functions of the model are
 * inlined. Subgraphs stay GRAPH attributes: values they take from outside are the node's last
 * inputs and the subgraph's last inputs, their number is the node's attribute "nnc_captures".
 *
 * options, info and log may be NULL. Fails: NNC_ERR_MODEL, NNC_ERR_UNSUPPORTED, NNC_ERR_IO,
 * NNC_ERR_LIMIT; NNC_ERR_USAGE for a shape that does not fit. The message starts with the file. */
nnc_status nnc_onnx_load(nnc_graph **out, const char *path, const nnc_onnx_load_options *options,
                         nnc_onnx_info *info, const nnc_log *log);

/* Same from memory; the bytes are copied where needed and may go afterwards. name: for messages. */
nnc_status nnc_onnx_load_memory(nnc_graph **out, const void *data, size_t bytes, const char *name,
                                const nnc_onnx_load_options *options, nnc_onnx_info *info,
                                const nnc_log *log);

/* Loads and throws away, going on after an error: appends up to 10 error lines to `report`, one per
 * line. Returns the status of the first error. options, info and log may be NULL. */
nnc_status nnc_onnx_check(nnc_str *report, const char *path, const nnc_onnx_load_options *options,
                          nnc_onnx_info *info, const nnc_log *log);

/* Reads `path` again and fails with NNC_ERR_IO if it is not what `info` describes. */
nnc_status nnc_onnx_recheck(const char *path, const nnc_onnx_info *info);

/* Reads a file that holds one TensorProto (test_data_set_0/input_0.pb). name (may be NULL) gets its
 * name appended. */
nnc_status nnc_onnx_read_tensor(nnc_tensor *out, nnc_str *name, const char *path);

typedef struct nnc_onnx_save_options {
    nnc_file_mode mode;
    int opset; /* least opset to write; 0: the source's */
    uint64_t
        external_threshold; /* bytes from which weights go to "<path>.data"; 0: 2 GiB - 64 MiB */
    bool strip_metadata;    /* leave out the source's metadata_props and doc strings */
    const char *const *prop_keys; /* further metadata_props ("nncompress.recipe"); replace equal
                                     keys of the source */
    const char *const *prop_values;
    size_t prop_count;
    /* Called with the complete temporary file before it is renamed into place, and the options that
     * load it; NULL: none. */
    nnc_status (*verify)(void *user, const char *temp_path, const nnc_onnx_load_options *load);
    void *user;
} nnc_onnx_save_options;

typedef struct nnc_onnx_save_info {
    uint64_t bytes;          /* of the model file */
    uint64_t external_bytes; /* of "<path>.data" */
    int64_t ir_version, opset;
    bool raised;   /* opset is above the source's */
    char why[160]; /* "Conv 'a': ..." when raised */
} nnc_onnx_save_info;

/* Writes standard ONNX with the lowest opset >= the source's that every node can be expressed in.
 * The graph is not changed and must hold no quantization annotations (nnc_qdq_emit writes them out)
 * and no node of domain "nnc". The file is written beside its target, synced, read back through the
 * loader, offered to options->verify and only then renamed. Bytes depend on the graph alone.
 * options and info may be NULL. Fails: NNC_ERR_UNSUPPORTED for what ONNX cannot say, NNC_ERR_IO,
 * NNC_ERR_LIMIT, NNC_ERR_VERIFY when what was written does not load. */
nnc_status nnc_onnx_save(const nnc_graph *graph, const char *path,
                         const nnc_onnx_save_options *options, nnc_onnx_save_info *info,
                         const nnc_log *log);

/* Limits of model files as rows, and the library that decodes them. */
extern const nnc_limit nnc_onnx_limit_table[];
void nnc_onnx_library(nnc_library *out);

#endif
