/* What builder.c collects and builder_image.c writes. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_BUILDER_IMPL_H
#define NNRT_BUILDER_IMPL_H

#include "base/map.h"
#include "runtime_int8/builder.h"

/* In file order; CNST last of the required ones, so that the metadata of a mapped file is read in
 * one go. */
typedef enum builder_section {
    BUILDER_STRS,
    BUILDER_DIMS,
    BUILDER_VALS,
    BUILDER_QPAR,
    BUILDER_NODE,
    BUILDER_IOLS,
    BUILDER_PARM,
    BUILDER_BLKS,
    BUILDER_SIGN,
    BUILDER_PROV,
    BUILDER_CNST,
    BUILDER_SECTIONS
} builder_section;

typedef struct builder_bytes {
    uint8_t *data;
    size_t bytes, cap;
} builder_bytes;

/* A block: the graph or one that a node runs. */
typedef struct builder_block {
    uint32_t name, parent;
    builder_bytes nodes, inputs, outputs; /* nnrt_plan_node; u32 each */
} builder_block;

struct nnrt_builder {
    nnc_status status;
    char message[512];
    nnc_map *string_map; /* string -> STRS offset */
    nnc_map *const_map;  /* hash:size -> CNST offset / 64 */
    builder_bytes section[BUILDER_SECTIONS];
    builder_bytes output_names, sign_pairs; /* u32 each */
    builder_block *blocks;
    size_t block_cap;
    uint32_t block_count, open; /* open: the block that grows */
    uint32_t value_count;
};

#endif
