/* pool_nd, pool_max_index: windows over any number of spatial dims, in ONNX order.
 * SPDX-License-Identifier: Apache-2.0 A task is some rows of outputs (along the last dim); a row is
 * made tap by tap, so that the inner loop runs along it. */
#include <math.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window_nd.h"

#define TASK_WORK 65536u /* taps times outputs of one task */
#define ROW 128          /* outputs made at once */

typedef struct pool_nd_state {
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    uint32_t spatial;
    size_t plane, out_plane; /* elements of one image and channel */
    size_t row_plane;        /* rows of an output plane */
    size_t rows;             /* over all planes */
    size_t row_tile;
    nnrt_tile_fn *tile;
    nnrt_k_pool_row_f32_fn *row_kernel;
} pool_nd_state;

/* A stretch of an output row and the taps of the outer dims that it takes. */
typedef struct pool_row {
    const nnrt_node_ctx *ctx;
    const pool_nd_state *state;
    int64_t at[NNRT_SPATIAL_MAX];                           /* output position, the last unused */
    int64_t first[NNRT_SPATIAL_MAX], end[NNRT_SPATIAL_MAX]; /* taps inside the input, outer dims */
    size_t outer;                                           /* their number */
    size_t padded; /* taps of the outer dims inside the padded input */
    size_t plane;  /* which image and channel */
    int64_t ow;    /* first output of the stretch */
    int64_t count;
} pool_row;

static void row_init(pool_row *r, const nnrt_node_ctx *ctx, size_t row)
{
    const pool_nd_state *state = ctx->state;
    size_t rest = row % state->row_plane;
    *r = (pool_row){.ctx = ctx, .state = state, .outer = 1, .padded = 1};
    r->plane = row / state->row_plane;
    for (uint32_t i = state->spatial - 1; i-- > 0;) {
        const nnrt_axis_window *a = &state->axis[i];
        int64_t start, first, end;
        r->at[i] = (int64_t)(rest % (size_t)a->out);
        rest /= (size_t)a->out;
        start = r->at[i] * a->stride - a->begin;
        nnrt_axis_taps(a, start, a->in, &r->first[i], &r->end[i]);
        r->outer *= (size_t)(r->end[i] - r->first[i]);
        nnrt_axis_taps(a, start + a->begin, a->in + a->begin + a->end, &first, &end);
        r->padded *= (size_t)(end - first);
    }
}

/* Offset of outer tap t (row-major among those inside) from the plane's start, last dim excluded.
 */
static size_t outer_offset(const pool_row *r, size_t t)
{
    const pool_nd_state *state = r->state;
    size_t step = (size_t)state->axis[state->spatial - 1].in, offset = 0;
    for (uint32_t i = state->spatial - 1; i-- > 0;) {
        const nnrt_axis_window *a = &state->axis[i];
        size_t n = (size_t)(r->end[i] - r->first[i]);
        int64_t tap = r->first[i] + (int64_t)(t % n);
        t /= n;
        offset += (size_t)(r->at[i] * a->stride - a->begin + tap * a->dilation) * step;
        step *= (size_t)a->in;
    }
    return offset;
}

/* Outputs [*j0, *j1) of the stretch whose tap s of the last dim lies inside; *x: its place for
 * output 0. */
static void tap_range(const pool_row *r, int64_t s, int64_t *j0, int64_t *j1, int64_t *x)
{
    const nnrt_axis_window *a = &r->state->axis[r->state->spatial - 1];
    *x = r->ow * a->stride - a->begin + s * a->dilation;
    *j0 = *x < 0 ? (-*x + a->stride - 1) / a->stride : 0;
    *j1 = a->in > *x ? (a->in - 1 - *x) / a->stride + 1 : 0;
    *j1 = *j1 > r->count ? r->count : *j1;
}

/* Lines that one kernel call joins, and outputs made by it. */
#define LINES 64u

/* The lines of all outer taps, in order, from the plane's element `x` on. */
static void outer_lines(const pool_row *r, const float **line, const float *x)
{
    const pool_nd_state *state = r->state;
    const uint32_t outer = state->spatial - 1;
    int64_t tap[NNRT_SPATIAL_MAX] = {0}, count[NNRT_SPATIAL_MAX];
    ptrdiff_t step[NNRT_SPATIAL_MAX], dim = (ptrdiff_t)state->axis[outer].in;
    for (uint32_t i = outer; r->outer > 0 && i-- > 0; dim *= (ptrdiff_t)state->axis[i].in) {
        const nnrt_axis_window *a = &state->axis[i];
        count[i] = r->end[i] - r->first[i];
        step[i] = (ptrdiff_t)a->dilation * dim;
        x += (ptrdiff_t)(r->at[i] * a->stride - a->begin + r->first[i] * a->dilation) * dim;
    }
    for (size_t t = 0; t < r->outer; t++) {
        line[t] = x;
        for (uint32_t i = outer; i-- > 0;) {
            x += step[i];
            if (++tap[i] < count[i])
                break;
            x -= step[i] * (ptrdiff_t)count[i];
            tap[i] = 0;
        }
    }
}

/* Maximum or sum of a stretch of float32 by the kernel; false when its window or lines are too many
 * for it. */
static bool row_f32(const pool_row *r, float *y, bool max)
{
    const pool_nd_state *state = r->state;
    const nnrt_axis_window *a = &state->axis[state->spatial - 1];
    const int64_t first = r->ow * a->stride - a->begin, lo = first < 0 ? 0 : first;
    const int64_t end = first + (r->count - 1) * a->stride + (a->kernel - 1) * a->dilation + 1;
    const int64_t hi = end > a->in ? a->in : end, width = hi > lo ? hi - lo : 0;
    const float *line[LINES];
    if (r->outer > LINES || end - first > NNRT_K_POOL_ROW || a->stride > NNRT_K_POOL_STRIDE)
        return false;
    outer_lines(r, line, (const float *)r->ctx->in[0].data + r->plane * state->plane + lo);
    const nnrt_k_pool_row row = {.lines = r->outer,
                                 .width = (size_t)width,
                                 .count = (size_t)r->count,
                                 .kernel = (size_t)a->kernel,
                                 .stride = (size_t)a->stride,
                                 .dilation = (size_t)a->dilation,
                                 .first = (ptrdiff_t)(first - lo)};
    state->row_kernel(y, line, &row, max);
    return true;
}

/* What output j of the stretch is divided by. */
static double divisor(const pool_row *r, int64_t j, bool include_pad)
{
    const nnrt_axis_window *a = &r->state->axis[r->state->spatial - 1];
    const int64_t start = (r->ow + j) * a->stride - a->begin;
    int64_t first, end;
    if (include_pad)
        nnrt_axis_taps(a, start + a->begin, a->in + a->begin + a->end, &first, &end);
    else
        nnrt_axis_taps(a, start, a->in, &first, &end);
    size_t n = (size_t)(end - first) * (include_pad ? r->padded : r->outer);
    return n == 0 ? 1.0 : (double)n;
}

/* Calls body for all taps of a stretch: v is the input at tap (t, s), j the output it belongs to.
 */
#define FOR_TAPS(T, r, body)                                                                       \
    do {                                                                                           \
        const pool_nd_state *const g = (r)->state;                                                 \
        const nnrt_axis_window *const a = &g->axis[g->spatial - 1];                                \
        const T *const plane = (const T *)(r)->ctx->in[0].data + (r)->plane * g->plane;            \
        for (size_t t = 0; t < (r)->outer; t++) {                                                  \
            const T *const line = plane + outer_offset(r, t);                                      \
            for (int64_t s = 0; s < a->kernel; s++) {                                              \
                int64_t j0, j1, x0;                                                                \
                tap_range(r, s, &j0, &j1, &x0);                                                    \
                for (int64_t j = j0; j < j1; j++) {                                                \
                    const T v = line[x0 + j * a->stride];                                          \
                    body;                                                                          \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#define MAX_ROW(T, least)                                                                          \
    static void max_##T(const pool_row *r, T *y)                                                   \
    {                                                                                              \
        for (int64_t j = 0; j < r->count; j++)                                                     \
            y[j] = (least);                                                                        \
        FOR_TAPS(T, r, y[j] = v > y[j] || v != v ? v : y[j]);                                      \
    }                                                                                              \
    static void max_index_##T(const pool_row *r, T *y, int64_t *index)                             \
    {                                                                                              \
        for (int64_t j = 0; j < r->count; j++) {                                                   \
            y[j] = (least);                                                                        \
            index[j] = -1;                                                                         \
        }                                                                                          \
        FOR_TAPS(                                                                                  \
            T, r, if (index[j] < 0 || v > y[j] || (v != v && y[j] == y[j])) {                      \
                y[j] = v;                                                                          \
                index[j] = &line[x0 + j * a->stride] - plane;                                      \
            });                                                                                    \
    }
MAX_ROW(float, -INFINITY)
MAX_ROW(double, -INFINITY)
MAX_ROW(int8_t, INT8_MIN)
MAX_ROW(uint8_t, 0)

/* Sums, by the kernel where it can. */
static bool sum_row_float(const pool_row *r, float *y)
{
    return row_f32(r, y, false);
}

static bool sum_row_double(const pool_row *r, double *y)
{
    (void)r;
    (void)y;
    return false;
}

static void max_row_f32(const pool_row *r, float *y)
{
    if (!row_f32(r, y, true))
        max_float(r, y);
}

#define MEAN_ROW(T)                                                                                \
    static void mean_##T(const pool_row *r, T *y)                                                  \
    {                                                                                              \
        const nnrt_pool_nd_params *p = r->ctx->params;                                             \
        if (!sum_row_##T(r, y)) {                                                                  \
            for (int64_t j = 0; j < r->count; j++)                                                 \
                y[j] = 0;                                                                          \
            FOR_TAPS(T, r, y[j] += v);                                                             \
        }                                                                                          \
        for (int64_t j = 0; j < r->count; j++) {                                                   \
            T v = y[j] / (T)divisor(r, j, p->count_include_pad != 0);                              \
            v = v < (T)p->clamp.lo ? (T)p->clamp.lo : v;                                           \
            y[j] = v > (T)p->clamp.hi ? (T)p->clamp.hi : v;                                        \
        }                                                                                          \
    }                                                                                              \
    static void norm_##T(const pool_row *r, T *y)                                                  \
    {                                                                                              \
        const nnrt_pool_nd_params *p = r->ctx->params;                                             \
        double sum[ROW] = {0};                                                                     \
        FOR_TAPS(T, r, sum[j] += norm_term((double)v, p->p));                                      \
        for (int64_t j = 0; j < r->count; j++)                                                     \
            y[j] = (T)(p->p == 1   ? sum[j]                                                        \
                       : p->p == 2 ? sqrt(sum[j])                                                  \
                                   : pow(sum[j], 1.0 / (double)p->p));                             \
    }

/* |v| to the power p. */
static inline double norm_term(double v, uint32_t p)
{
    if (p == 2)
        return v * v;
    return p == 1 ? fabs(v) : pow(fabs(v), (double)p);
}
MEAN_ROW(float)
MEAN_ROW(double)

/* Rows [begin, begin + count) in stretches of at most ROW. */
#define TILE(name, T, call)                                                                        \
    static void name(void *user, size_t begin, size_t count)                                       \
    {                                                                                              \
        const nnrt_node_ctx *ctx = user;                                                           \
        const pool_nd_state *state = ctx->state;                                                   \
        const int64_t width = state->axis[state->spatial - 1].out;                                 \
        for (size_t row = begin; row < begin + count; row++) {                                     \
            pool_row r;                                                                            \
            row_init(&r, ctx, row);                                                                \
            for (r.ow = 0; r.ow < width; r.ow += ROW) {                                            \
                r.count = width - r.ow < ROW ? width - r.ow : ROW;                                 \
                const size_t at = row * (size_t)width + (size_t)r.ow;                              \
                T *y = (T *)ctx->out[0].data + at;                                                 \
                call;                                                                              \
            }                                                                                      \
        }                                                                                          \
    }
TILE(max_tile_f32, float, max_row_f32(&r, y))
TILE(max_tile_f64, double, max_double(&r, y))
TILE(max_tile_i8, int8_t, max_int8_t(&r, y))
TILE(max_tile_u8, uint8_t, max_uint8_t(&r, y))
TILE(mean_tile_f32, float, mean_float(&r, y))
TILE(mean_tile_f64, double, mean_double(&r, y))
TILE(norm_tile_f32, float, norm_float(&r, y))
TILE(norm_tile_f64, double, norm_double(&r, y))

/* Flat indices of a stretch, from places in the plane. */
static void finish_index(const pool_row *r, int64_t *index)
{
    const nnrt_pool_nd_params *p = r->ctx->params;
    const pool_nd_state *state = r->state;
    for (int64_t j = 0; j < r->count; j++) {
        int64_t at = index[j] < 0 ? 0 : index[j], flat = at;
        if (p->column_major) {
            int64_t step = (int64_t)state->plane;
            flat = 0;
            for (uint32_t i = state->spatial; i-- > 0;) {
                step /= state->axis[i].in;
                flat += at % state->axis[i].in * step;
                at /= state->axis[i].in;
            }
        }
        index[j] = (int64_t)(r->plane * state->plane) + flat;
    }
}
#define INDEX (int64_t *)ctx->out[1].data + at
TILE(index_tile_f32, float, max_index_float(&r, y, INDEX); finish_index(&r, INDEX))
TILE(index_tile_f64, double, max_index_double(&r, y, INDEX); finish_index(&r, INDEX))
TILE(index_tile_i8, int8_t, max_index_int8_t(&r, y, INDEX); finish_index(&r, INDEX))
TILE(index_tile_u8, uint8_t, max_index_uint8_t(&r, y, INDEX); finish_index(&r, INDEX))

static nnrt_tile_fn *find_tile(uint32_t kind, nnrt_dtype dtype, bool index)
{
    static const struct {
        uint32_t kind;
        nnrt_dtype dtype;
        nnrt_tile_fn *plain, *index;
    } rows[] = {
        {NNRT_POOL_MAX, NNRT_F32, max_tile_f32, index_tile_f32},
        {NNRT_POOL_MAX, NNRT_F64, max_tile_f64, index_tile_f64},
        {NNRT_POOL_MAX, NNRT_I8, max_tile_i8, index_tile_i8},
        {NNRT_POOL_MAX, NNRT_U8, max_tile_u8, index_tile_u8},
        {NNRT_POOL_AVERAGE, NNRT_F32, mean_tile_f32, NULL},
        {NNRT_POOL_AVERAGE, NNRT_F64, mean_tile_f64, NULL},
        {NNRT_POOL_LP, NNRT_F32, norm_tile_f32, NULL},
        {NNRT_POOL_LP, NNRT_F64, norm_tile_f64, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].kind == kind && rows[i].dtype == dtype)
            return index ? rows[i].index : rows[i].plain;
    }
    return NULL;
}

static nnc_status check_pool(const nnrt_node_ctx *ctx, bool index)
{
    const nnrt_pool_nd_params *p = ctx->params;
    NNC_TRY(nnrt_window_nd_check(ctx, &p->window));
    NNC_TRY(nnrt_check_rank(ctx, 0, p->window.spatial + 2));
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    if (p->kind >= NNRT_POOL_COUNT || p->global > 1 || p->count_include_pad > 1 || p->p < 1 ||
        p->column_major > 1)
        NNC_FAIL(NNC_ERR_MODEL,
                 "'%s': kind %u, global %u, count_include_pad %u, p %u, column_major %u", ctx->name,
                 p->kind, p->global, p->count_include_pad, p->p, p->column_major);
    if (find_tile(p->kind, ctx->in[0].dtype, index) == NULL)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': no pooling of kind %u for %s", ctx->name, p->kind,
                 nnrt_dtype_name(ctx->in[0].dtype));
    return NNC_OK;
}

static nnc_status check(const nnrt_node_ctx *ctx)
{
    return check_pool(ctx, false);
}

static nnc_status check_index(const nnrt_node_ctx *ctx)
{
    return check_pool(ctx, true);
}

static nnc_status plan(nnrt_node_ctx *ctx, bool index)
{
    const nnrt_pool_nd_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_window_nd w = p->window;
    for (uint32_t i = 0; p->global && i < w.spatial; i++) {
        w.kernel[i] = (uint32_t)x->dims[i + 2];
        if (w.kernel[i] == 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': global pooling of an empty image", ctx->name);
    }
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(pool_nd_state)));
    pool_nd_state *state = ctx->state;
    NNC_TRY(nnrt_window_nd_resolve(state->axis, ctx, &w, x->dims + 2));
    nnrt_shape y = {.rank = x->rank, .dims = {x->dims[0], x->dims[1]}};
    double taps = 1.0;
    for (uint32_t i = 0; i < w.spatial; i++) {
        y.dims[i + 2] = state->axis[i].out;
        taps *= (double)w.kernel[i];
    }
    NNC_TRY(nnrt_check_shape(ctx, &y, index ? NNRT_I64 : ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    if (index) {
        ctx->out[1].dtype = NNRT_I64;
        ctx->out[1].shape = y;
    }
    state->spatial = w.spatial;
    state->plane = nnrt_shape_span(x, 2, x->rank);
    state->out_plane = nnrt_shape_span(&y, 2, y.rank);
    state->row_plane = nnrt_shape_span(&y, 2, y.rank - 1);
    state->rows = nnrt_shape_span(&y, 0, y.rank - 1);
    double row = taps * (double)y.dims[y.rank - 1];
    state->row_tile = row >= TASK_WORK ? 1 : (size_t)(TASK_WORK / (row + 1.0)) + 1;
    state->tile = find_tile(p->kind, ctx->in[0].dtype, index);
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_pool_row_f32, ctx->isa);
    state->row_kernel = (nnrt_k_pool_row_f32_fn *)kernel->fn;
    if (ctx->in[0].dtype == NNRT_F32 && !index && p->kind != NNRT_POOL_LP)
        ctx->kernel = kernel->name;
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    return plan(ctx, false);
}

static nnc_status reshape_index(nnrt_node_ctx *ctx)
{
    return plan(ctx, true);
}

static void run(const nnrt_node_ctx *ctx)
{
    const pool_nd_state *state = ctx->state;
    if (state->out_plane != 0)
        nnrt_parallel_tiles(ctx->pool, state->tile, (void *)(uintptr_t)ctx, state->rows,
                            state->row_tile);
}

const nnrt_rop nnrt_rop_pool_nd = {
    .name = "pool_nd",
    .params_bytes = sizeof(nnrt_pool_nd_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};

const nnrt_rop nnrt_rop_pool_max_index = {
    .name = "pool_max_index",
    .params_bytes = sizeof(nnrt_pool_nd_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 2,
    .check = check_index,
    .reshape = reshape_index,
    .run = run,
};
