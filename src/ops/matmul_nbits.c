/* com.microsoft.MatMulNBits: x [..., K] times a constant matrix of 2, 4 or 8 bit integers in blocks
 * along K, plus a bias. SPDX-License-Identifier: Apache-2.0
 * B [N, blocks, bytes of a block], low bits first; scales [N * blocks]; zero points packed like B,
 * or floats; g_idx names the block of every k. The matrix is dequantized into the plan. */
#include <inttypes.h>
#include <math.h>

#include "ops/epilogue.h"
#include "ops/op_util.h"
#include "runtime_int8/pack.h"

enum { A, B, SCALES, ZEROS, G_IDX, BIAS };

static const nnc_attr_schema nbits_attrs[] = {
    NNC_A_INT_REQUIRED("K", 1, NNC_DIM_LIMIT),
    NNC_A_INT_REQUIRED("N", 1, NNC_DIM_LIMIT),
    NNC_A_INT("accuracy_level", 0, 4),
    NNC_A_INT("bits", 2, 8),
    NNC_A_INT_REQUIRED("block_size", 16, 1 << 20),
};

typedef struct nbits {
    size_t k, n, block, blocks, bits;
} nbits;

static nbits read_sizes(const nnc_node *node)
{
    nbits s = {.k = (size_t)nnc_node_int(node, "K", 1),
               .n = (size_t)nnc_node_int(node, "N", 1),
               .block = (size_t)nnc_node_int(node, "block_size", 32),
               .bits = (size_t)nnc_node_int(node, "bits", 4)};
    s.blocks = (s.k + s.block - 1) / s.block;
    return s;
}

static nnc_status nbits_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, A);
    nbits s = read_sizes(nnc_infer_node(ctx));
    if ((s.bits != 2 && s.bits != 4 && s.bits != 8) || (s.block & (s.block - 1)) != 0) {
        return nnc_infer_fail(ctx,
                              "has %zu bits in blocks of %zu, known are 2, 4 and 8 bits in "
                              "blocks of a power of 2",
                              s.bits, s.block);
    }
    if (!x) {
        return nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, A), -1);
    }
    nnc_shape y = x->shape;
    if (y.rank < 1 || (y.dims[y.rank - 1] >= 0 && y.dims[y.rank - 1] != (int64_t)s.k)) {
        char text[256];
        return nnc_infer_fail(ctx, "input is %s, expected a last dim of %zu",
                              nnc_shape_format(text, sizeof text, &x->shape), s.k);
    }
    y.dims[y.rank - 1] = (int64_t)s.n;
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

/* Constant input i of exactly this many elements; NULL with *missing when it is left out. */
static nnc_status constant(const nnc_tensor **out, nnc_lower_ctx *ctx, uint32_t i, size_t count)
{
    const nnc_value *v = nnc_lower_in_value(ctx, i);
    *out = NULL;
    if (!v) {
        return NNC_OK;
    }
    if (v->kind != NNC_VALUE_CONST || v->qparams) {
        return nnc_lower_fail(ctx, "'%s' is not constant", v->name);
    }
    if (nnc_tensor_count(&v->tensor) != count) {
        return nnc_lower_fail(ctx, "'%s' has %zu elements, expected %zu", v->name,
                              nnc_tensor_count(&v->tensor), count);
    }
    *out = &v->tensor;
    return NNC_OK;
}

static unsigned packed_at(const uint8_t *data, size_t bits, size_t i)
{
    size_t per_byte = 8 / bits;
    return (unsigned)data[i / per_byte] >> (i % per_byte * bits) & ((1u << bits) - 1);
}

typedef struct nbits_tables {
    const nnc_tensor *b, *scales, *zeros, *groups;
    size_t zero_row; /* bytes of packed zero points per output */
} nbits_tables;

static nnc_status read_tables(nbits_tables *t, nnc_lower_ctx *ctx, const nbits *s)
{
    const nnc_value *zeros = nnc_lower_in_value(ctx, ZEROS);
    const nnc_value *groups = nnc_lower_in_value(ctx, G_IDX);
    bool packed = zeros && zeros->dtype == NNC_DTYPE_UINT8;
    t->zero_row = (s->blocks * s->bits + 7) / 8;
    NNC_TRY(constant(&t->b, ctx, B, s->n * s->blocks * (s->block * s->bits / 8)));
    NNC_TRY(constant(&t->scales, ctx, SCALES, s->n * s->blocks));
    NNC_TRY(constant(&t->zeros, ctx, ZEROS, s->n * (packed ? t->zero_row : s->blocks)));
    bool whole = groups && groups->kind == NNC_VALUE_CONST &&
                 nnc_tensor_count(&groups->tensor) == s->blocks * s->block;
    NNC_TRY(constant(&t->groups, ctx, G_IDX, whole ? s->blocks * s->block : s->k));
    for (size_t k = 0; t->groups && k < s->k; k++) {
        int64_t g = nnc_tensor_get_int(t->groups, k);
        if (g < 0 || g >= (int64_t)s->blocks) {
            return nnc_lower_fail(ctx, "g_idx[%zu] is %" PRId64 " of %zu blocks", k, g, s->blocks);
        }
    }
    return NNC_OK;
}

static float zero_at(const nbits_tables *t, const nbits *s, size_t n, size_t g)
{
    if (!t->zeros) {
        return (float)(1u << (s->bits - 1));
    }
    if (t->zeros->dtype != NNC_DTYPE_UINT8) {
        return (float)nnc_tensor_get_double(t->zeros, n * s->blocks + g);
    }
    return (float)packed_at((const uint8_t *)nnc_tensor_data(t->zeros) + n * t->zero_row, s->bits,
                            g);
}

/* rows [N][K]. */
static void dequantize(float *rows, const nbits_tables *t, const nbits *s)
{
    const uint8_t *b = nnc_tensor_data(t->b);
    for (size_t n = 0; n < s->n; n++) {
        const uint8_t *row = b + n * s->blocks * (s->block * s->bits / 8);
        for (size_t k = 0; k < s->k; k++) {
            size_t g = t->groups ? (size_t)nnc_tensor_get_int(t->groups, k) : k / s->block;
            float scale = (float)nnc_tensor_get_double(t->scales, n * s->blocks + g);
            rows[n * s->k + k] = ((float)packed_at(row, s->bits, k) - zero_at(t, s, n, g)) * scale;
        }
    }
}

static nnc_status weight(uint32_t *out, nnc_lower_ctx *ctx, const nbits *s)
{
    nbits_tables tables;
    size_t elements;
    NNC_TRY(read_tables(&tables, ctx, s));
    if (!tables.b || !tables.scales || !nnc_size_mul(&elements, s->k, s->n)) {
        return nnc_lower_fail(ctx, "lacks its weight or scales");
    }
    size_t bytes = nnrt_pack_conv_f32_bytes(1, (uint32_t)s->k, (uint32_t)s->n, 1, 1);
    float *rows = nnc_calloc(elements, sizeof *rows), *packed = nnc_calloc(bytes, 1);
    nnc_status status = rows && packed ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        int64_t dims[1] = {(int64_t)(bytes / sizeof(float))};
        dequantize(rows, &tables, s);
        nnrt_pack_conv_f32(packed, rows, 1, (uint32_t)s->k, (uint32_t)s->n, 1, 1);
        status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, packed, bytes);
    }
    nnc_free(rows);
    nnc_free(packed);
    return status;
}

static nnc_status nbits_lower(nnc_lower_ctx *ctx)
{
    nbits s = read_sizes(nnc_lower_node(ctx));
    const nnc_tensor *bias;
    nnrt_gemm_f32_params params = {
        .k = (uint32_t)s.k, .n = (uint32_t)s.n, .clamp = {-INFINITY, INFINITY}};
    uint32_t in[3], out, count = 2;
    NNC_TRY(nnc_lower_input(&in[0], ctx, A, NNC_FORM_LOGICAL));
    NNC_TRY(weight(&in[1], ctx, &s));
    NNC_TRY(constant(&bias, ctx, BIAS, s.n));
    if (bias) {
        params.has_bias = 1;
        NNC_TRY(nnc_bias_constant(&in[count++], ctx, nnc_lower_in_value(ctx, BIAS), 1.0f, s.n, 1));
    }
    NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_GEMM_F32, &params, sizeof params, in, count, &out, 1);
}

static void nbits_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_value *y = nnc_node_out(graph, node, 0);
    out->params =
        nnc_cost_mul((uint64_t)nnc_node_int(n, "K", 1), (uint64_t)nnc_node_int(n, "N", 1));
    if (y && y->has_shape) {
        out->macs = nnc_cost_mul(nnc_cost_elements(&y->shape), (uint64_t)nnc_node_int(n, "K", 1));
    }
}

const nnc_op nnc_op_ms_MatMulNBits = {
    .domain = "com.microsoft",
    .name = "MatMulNBits",
    .min_in = 3,
    .max_in = 6,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(nbits_attrs),
    .infer = nbits_infer,
    .lower = nbits_lower,
    .grad = NNC_NO_GRAD,
    .cost = nbits_cost,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
