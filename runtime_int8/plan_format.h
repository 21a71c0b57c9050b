/* The runtime plan (.nncp) as bytes; see docs/plan-format.md. SPDX-License-Identifier: Apache-2.0
 * Little-endian, offsets only, mmap-able. Loading never trusts an index. */
#ifndef NNRT_PLAN_FORMAT_H
#define NNRT_PLAN_FORMAT_H

#include <stdint.h>

#define NNRT_PLAN_MAGIC "NNCPLAN\n"
#define NNRT_PLAN_MAJOR 1u
#define NNRT_PLAN_MINOR 0u
#define NNRT_PLAN_ALIGN 64u       /* sections */
#define NNRT_PLAN_PAGE 4096u      /* CNST section */
#define NNRT_NONE UINT32_MAX
#define NNRT_RANK_ANY UINT32_MAX  /* a value whose rank a run tells */
#define NNRT_BLOCK_DEPTH_MAX 32u  /* blocks within blocks */

typedef struct nnrt_plan_header {
    char magic[8];
    uint32_t major, minor;
    uint64_t file_bytes;
    uint32_t section_count;
    uint32_t reserved;
    uint64_t build_id;
    uint64_t hash; /* xxh3 of header (with this field 0) and section table */
    uint64_t pad[2];
} nnrt_plan_header;

#define NNRT_SECTION_REQUIRED 1u
typedef struct nnrt_plan_section {
    char kind[4];   /* "STRS", "DIMS", "VALS", "QPAR", "NODE", "IOLS", "PARM", "BLKS", "SIGN", "CNST", "PROV", ... */
    uint32_t flags; /* NNRT_SECTION_REQUIRED: refuse the plan if the kind is unknown */
    uint64_t offset, bytes;
    uint64_t hash;  /* xxh3 of the bytes */
} nnrt_plan_section;

/* DIMS: one entry per dimension of every value. */
typedef enum nnrt_dim_kind { NNRT_DIM_CONST = 0, NNRT_DIM_SYMBOL = 1, NNRT_DIM_EXPR = 2 } nnrt_dim_kind;
typedef struct nnrt_plan_dim {
    uint32_t kind;
    uint32_t name;  /* SYMBOL: string offset in STRS */
    int64_t value;  /* CONST */
} nnrt_plan_dim;

typedef enum nnrt_value_kind {
    NNRT_VALUE_INPUT = 0,
    NNRT_VALUE_OUTPUT = 1, /* computed, and readable after the run */
    NNRT_VALUE_CONST = 2,
    NNRT_VALUE_VARIABLE = 3,
    NNRT_VALUE_TEMP = 4
} nnrt_value_kind;
typedef struct nnrt_plan_value {
    uint32_t kind, dtype;
    uint32_t name;       /* STRS offset */
    uint32_t layout;     /* 0 logical, 1 channels-last: for tools; the runtime sees physical dims */
    uint32_t rank, dims; /* rank or NNRT_RANK_ANY; index into DIMS */
    uint32_t quant;      /* index into QPAR or NNRT_NONE */
    uint32_t reserved;
    uint64_t data, bytes; /* CONST, VARIABLE (initial): offset in CNST (64-aligned) and size */
} nnrt_plan_value;

typedef struct nnrt_plan_quant {
    float scale;
    int32_t zero_point; /* of the stored integers */
    int32_t qmin, qmax;
    uint32_t shifted; /* 1: the graph's grid is signed, stored +128 */
    uint32_t reserved[3];
} nnrt_plan_quant;

typedef struct nnrt_plan_node {
    uint32_t rop, name;
    uint32_t params, params_bytes; /* PARM offset (8-aligned) */
    uint32_t in_count, out_count;
    uint32_t io;            /* IOLS index: in_count value ids, then out_count */
    uint32_t block, region; /* region: 0 */
    uint32_t reserved[3];
} nnrt_plan_node;

/* BLKS: node ranges, one after the other; block 0 is the graph itself, each other one belongs to one node of a block before it. */
typedef struct nnrt_plan_block {
    uint32_t name;
    uint32_t first_node, node_count;
    uint32_t in_count, out_count;
    uint32_t io; /* IOLS index: in_count value ids, then out_count */
    uint32_t reserved[2];
} nnrt_plan_block;

/* SIGN: this head, output_count u32 STRS offsets (names of block 0's outputs), pair_count pairs. PROV: head with output_count 0
 * and its pairs. */
typedef struct nnrt_plan_sign {
    uint32_t output_count, pair_count;
} nnrt_plan_sign;
typedef struct nnrt_plan_pair {
    uint32_t key, value; /* STRS offsets */
} nnrt_plan_pair;

/* CNST ends in at least this many zero bytes, so that kernels may read past the last constant. */
#define NNRT_PLAN_TAIL 64u

#endif
