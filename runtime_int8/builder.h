/* Builds plan images: values, constants, nodes -> bytes. SPDX-License-Identifier: Apache-2.0
 * Used by src/plan and by the runtime's own tests. Errors are sticky: after the first failure every call returns NNRT_NONE /
 * does nothing and nnrt_builder_finish reports it. */
#ifndef NNRT_BUILDER_H
#define NNRT_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "nnrt.h"
#include "runtime_int8/plan_format.h"

typedef struct nnrt_builder nnrt_builder;

nnrt_builder *nnrt_builder_create(void); /* NULL with the message set */
void nnrt_builder_destroy(nnrt_builder *b);

/* A symbolic dimension by name ("batch"): returns the code to use in dims (negative). */
int64_t nnrt_builder_symbol(nnrt_builder *b, const char *name);

/* Declares a value of physical dims; shape->dims < 0 are symbols (nnrt_builder_symbol) or NNRT_DIM_UNKNOWN. Temps' dims are
 * informative: the runtime computes them. quant may be NULL. Returns its id. */
#define NNRT_DIM_UNKNOWN INT64_MIN
/* shape->rank == NNRT_RANK_ANY: the rank is known in a run only. */
uint32_t nnrt_builder_value(nnrt_builder *b, nnrt_value_kind kind, const char *name, nnrt_dtype dtype,
                            const nnrt_shape *shape, uint32_t layout, const nnrt_plan_quant *quant);
/* A constant; the bytes are copied (equal constants are stored once). */
uint32_t nnrt_builder_const(nnrt_builder *b, const char *name, nnrt_dtype dtype,
                            const nnrt_shape *shape, const void *data, size_t bytes);
/* A session variable with its initial bytes. */
uint32_t nnrt_builder_variable(nnrt_builder *b, const char *name, nnrt_dtype dtype,
                               const nnrt_shape *shape, const void *data, size_t bytes);
/* Appends a node in execution order. params: the rop's struct or NULL. */
void nnrt_builder_node(nnrt_builder *b, uint32_t rop, const char *name, const void *params,
                       size_t params_bytes, const uint32_t *in, uint32_t in_count,
                       const uint32_t *out, uint32_t out_count);
/* A block for a node that follows (if, loop): nodes, inputs and outputs up to nnrt_builder_block_end are the block's, whose values no
 * other block sees; constants are everybody's. Blocks nest. Returns the block's number. */
uint32_t nnrt_builder_block_begin(nnrt_builder *b, const char *name);
void nnrt_builder_block_end(nnrt_builder *b);
/* Inputs/outputs of the graph, or of the block that is open, in order. */
void nnrt_builder_input(nnrt_builder *b, uint32_t value);
void nnrt_builder_output(nnrt_builder *b, uint32_t value, const char *name);
/* Key/value strings for SIGN (what a user of the plan needs) or PROV (where it came from). */
void nnrt_builder_metadata(nnrt_builder *b, const char *section, const char *key, const char *value);

/* NNC_OK, or the first failure with its message set again. */
nnc_status nnrt_builder_status(const nnrt_builder *b);

/* The finished image, 64-byte aligned, caller frees with nnc_free. Deterministic bytes. */
nnc_status nnrt_builder_finish(nnrt_builder *b, void **image, size_t *bytes);

#endif
