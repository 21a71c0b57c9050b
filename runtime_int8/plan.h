/* A plan image with every index, offset and size checked. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_PLAN_H
#define NNRT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "nnrt.h"
#include "runtime_int8/plan_format.h"

/* Largest dim of any tensor: keeps sums and products of two dims within int64. */
#define NNRT_DIM_MAX INT32_MAX

/* Views into the image; counts are of elements. */
typedef struct nnrt_plan {
    const uint8_t *image;
    const char *strings; /* ends in NUL */
    const nnrt_plan_dim *dims;
    const nnrt_plan_value *values;
    const nnrt_plan_quant *quants;
    const nnrt_plan_node *nodes;
    const nnrt_plan_block *blocks;
    const uint32_t *io;
    const uint8_t *params;
    const uint8_t *constants;
    const uint32_t *output_names; /* [blocks[0].out_count] STRS offsets */
    const nnrt_plan_pair *sign, *prov;
    size_t string_bytes, dim_count, value_count, quant_count, node_count, block_count, io_count,
        param_bytes, constant_bytes, sign_count, prov_count;
} nnrt_plan;

/* Checks header, table, section hashes (the constants' only with NNRT_VERIFY) and all indices; then
 * every value is produced once, before it is used, and each operator's own check passes. image:
 * 64-byte aligned. Fails: NNC_ERR_MODEL (corrupt), NNC_ERR_UNSUPPORTED (newer format, unknown
 * section or operator). */
nnc_status nnrt_plan_parse(nnrt_plan *plan, const void *image, size_t bytes, uint32_t flags);

/* STRS entry; any offset of a checked plan. */
const char *nnrt_plan_string(const nnrt_plan *plan, uint32_t offset);
/* Declared shape of a value; symbols and unknown dims are -1. Rank 0 where the rank is unknown. */
nnrt_shape nnrt_plan_shape(const nnrt_plan *plan, uint32_t value);
/* Checks of values and nodes; called by nnrt_plan_parse. */
nnc_status nnrt_plan_check_graph(const nnrt_plan *plan);
/* in_count + out_count value ids from io on exist. */
nnc_status nnrt_plan_check_io(const nnrt_plan *plan, const char *what, size_t index, uint32_t io,
                              uint32_t in_count, uint32_t out_count);
/* plan_blocks.c: node ranges and lists of all blocks; after the nodes were checked: each block but the first belongs to
 * one node of a block before it, whose inputs and outputs fit. */
nnc_status nnrt_plan_check_blocks(const nnrt_plan *plan);
nnc_status nnrt_plan_check_owners(const nnrt_plan *plan);

#endif
