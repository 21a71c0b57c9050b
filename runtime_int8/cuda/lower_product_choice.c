/* Which tile, and into how many parts K is cut. SPDX-License-Identifier: Apache-2.0
 *
 * A block's step takes the longest of what the matrix units, shared memory, the L2 cache and the
 * instructions of the copies need; blocks of one multiprocessor share them. A block alone is not
 * faster than its chain of latencies. All figures are cycles of one multiprocessor. The rates are
 * those of data sheets, the latencies estimates; neither changes a result. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime_int8/cuda/lower_product.h"

#define SHARED_RATE 128.0 /* bytes per cycle */
#define L2_RATE 32.0      /* bytes per cycle and multiprocessor with all of them reading */
#define ISSUE_RATE 128.0  /* instructions of single threads per cycle */
#define COPY_WORK 8.0     /* instructions of one asynchronous copy with its address */
#define GATHER_WORK 24.0
#define EPILOGUE_WORK 16.0   /* instructions of one output */
#define START_LATENCY 1500.0 /* of a block: from its start to its first products, and its stores   \
                              */
#define STEP_LATENCY 150.0   /* barrier and fragment loads */
#define FETCH_LATENCY                                                                              \
    700.0 /* from the L2 cache to shared memory, for all stages but the one in use */
#define JOIN_LATENCY 1500.0 /* partial sums to L2 and back, and the ticket */
#define SCRATCH_MAX (64u << 20)
#define SPLITS_MAX 64u

const nnrt_cuda_tile nnrt_cuda_tiles[NNRT_CUDA_TILE_COUNT] = {
#define NNRT_CUDA_PRODUCT(name, rows, cols, warps_m, warps_n, stages, blocks, fine)                \
    {NNRT_CUDA_K_##name, #name, rows, cols, warps_m, warps_n, stages, blocks, fine},
#include "runtime_int8/cuda/product_tiles.def"
#undef NNRT_CUDA_PRODUCT
};

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

size_t nnrt_cuda_tile_shared(const nnrt_cuda_tile *tile, bool residual)
{
    const size_t stages = (size_t)tile->stages * (tile->rows + tile->cols) * NNRT_CUDA_STEP;
    const size_t out = residual ? (size_t)tile->rows * (tile->cols + 16) : 0;
    return stages + out + tile->cols * sizeof(float);
}

uint64_t nnrt_cuda_tile_count(const nnrt_cuda_tile *tile, const nnrt_cuda_problem *problem)
{
    return ceil_div(problem->rows, tile->rows) * ceil_div(problem->cols, tile->cols) *
           problem->groups;
}

/* u8 x s8 products per cycle by mma: half the dense INT8 operations of the data sheets over clock
 * and multiprocessors, on compute capability 9 the 63 % of them that are reached without wgmma. */
static double mma_rate(const nnrt_cuda_info *device)
{
    if (device->major >= 9)
        return 2560;
    return device->major == 8 && device->minor == 0 ? 2048 : 1024;
}

/* Cycles of one step of a block that has the multiprocessor for itself. */
static double step_cycles(const nnrt_cuda_tile *t, const nnrt_cuda_problem *p, double mma)
{
    const double stage = (t->rows + t->cols) * (double)NNRT_CUDA_STEP;
    const double reads = (double)NNRT_CUDA_STEP * (t->rows * t->warps_n + t->cols * t->warps_m);
    const double copies =
        t->rows * (double)(NNRT_CUDA_STEP / p->piece) * (p->gather ? GATHER_WORK : COPY_WORK) +
        t->cols * 4.0 * COPY_WORK / 2;
    return fmax(fmax(mma, (stage + reads) / SHARED_RATE),
                fmax(stage / L2_RATE, copies / ISSUE_RATE));
}

static double estimate(const nnrt_cuda_choice *c, const nnrt_cuda_problem *p,
                       const nnrt_cuda_info *device)
{
    const nnrt_cuda_tile *t = c->tile;
    const double outputs = (double)t->rows * t->cols;
    const double mma = outputs * NNRT_CUDA_STEP / mma_rate(device);
    const uint64_t fit = device->shared_bytes / nnrt_cuda_tile_shared(t, p->residual);
    const uint64_t per_sm = t->blocks < fit ? t->blocks : fit ? fit : 1;
    const uint64_t blocks = nnrt_cuda_tile_count(t, p) * c->splits;
    const uint64_t sms = device->sm_count ? device->sm_count : 1;
    const uint64_t share = ceil_div(blocks, sms);
    const double resident = (double)(share < per_sm ? share : per_sm);
    double work = c->split_steps * step_cycles(t, p, mma);
    double latency =
        START_LATENCY + c->split_steps * fmax(STEP_LATENCY + mma, FETCH_LATENCY / (t->stages - 1));
    work += outputs * EPILOGUE_WORK / ISSUE_RATE / c->splits;
    if (c->splits > 1) {
        /* All write their sums, the last reads those of the others. */
        work += 2 * outputs * sizeof(int32_t) / L2_RATE;
        latency += JOIN_LATENCY + c->splits * outputs * sizeof(int32_t) / L2_RATE;
    }
    return (double)ceil_div(blocks, sms * per_sm) * fmax(resident * work, latency);
}

/* False when the tile cannot run the problem on this device. */
static bool usable(const nnrt_cuda_choice *c, const nnrt_cuda_problem *p,
                   const nnrt_cuda_info *device)
{
    const nnrt_cuda_tile *t = c->tile;
    const uint64_t tiles = nnrt_cuda_tile_count(t, p);
    if (t->fine != (p->piece != 16) || tiles > INT32_MAX ||
        nnrt_cuda_tile_shared(t, p->residual) > device->shared_bytes)
        return false;
    return c->splits == 1 ||
           (tiles <= NNRT_CUDA_COUNTERS &&
            tiles * c->splits <= SCRATCH_MAX / sizeof(int32_t) / (t->rows * t->cols));
}

/* At most `splits` parts of equal size but for the last. */
static void set_splits(nnrt_cuda_choice *c, const nnrt_cuda_problem *p, uint32_t splits)
{
    c->split_steps = (uint32_t)ceil_div(p->steps, splits);
    c->splits = (uint32_t)ceil_div(p->steps, c->split_steps);
}

const char *nnrt_cuda_product_forced(void)
{
    const char *force = getenv("NNRT_CUDA_PRODUCT");
    return force != NULL && force[0] != '\0' ? force : NULL;
}

static nnc_status choose_forced(nnrt_cuda_choice *out, const nnrt_cuda_problem *p,
                                const nnrt_cuda_info *device, const char *force, const char *name)
{
    const size_t length = strcspn(force, "/");
    const unsigned long splits = force[length] == '/' ? strtoul(force + length + 1, NULL, 10) : 1;
    for (size_t i = 0; i < NNRT_CUDA_TILE_COUNT; i++) {
        const nnrt_cuda_tile *tile = &nnrt_cuda_tiles[i];
        if (strlen(tile->name) != length || strncmp(tile->name, force, length) != 0 || splits < 1 ||
            splits > 65535)
            continue;
        out->tile = tile;
        set_splits(out, p, (uint32_t)splits);
        if (usable(out, p, device))
            return NNC_OK;
    }
    NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': cannot run as '%s' (NNRT_CUDA_PRODUCT)", name,
             force);
}

nnc_status nnrt_cuda_product_choose(nnrt_cuda_choice *out, const nnrt_cuda_problem *problem,
                                    const nnrt_cuda_info *device, const char *force,
                                    const char *name)
{
    const nnrt_cuda_problem *p = problem;
    double least = INFINITY;
    *out = (nnrt_cuda_choice){0};
    if (force != NULL)
        return choose_forced(out, p, device, force, name);
    for (size_t i = 0; i < NNRT_CUDA_TILE_COUNT; i++) {
        nnrt_cuda_choice c = {.tile = &nnrt_cuda_tiles[i]};
        for (uint32_t splits = 1; splits <= SPLITS_MAX && splits <= p->steps; splits++) {
            set_splits(&c, p, splits);
            if (c.splits != splits || !usable(&c, p, device))
                continue;
            const double cycles = estimate(&c, p, device);
            if (cycles < least) {
                least = cycles;
                *out = c;
            }
        }
    }
    if (out->tile == NULL)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': no tile for %u rows and %u groups of %u columns",
                 name, p->rows, p->groups, p->cols);
    return NNC_OK;
}
