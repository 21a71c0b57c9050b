/* INT8 products on a CUDA device: ours beside cuBLASLt's, taking turns, and our tiles beside each other.
 *
 * cuda_gemm            squares and the pointwise layers of ResNet-50: s32 and s8 results of cuBLASLt, ours requantizes
 * cuda_gemm --tiles    every layer of ResNet-50 with every tile: what the choice of tiles leaves on the table
 * ... --layer N,SIDE,C_IN,C_OUT,KERNEL,STRIDE   that layer alone
 * A plan holds the layer several times over, so that starting it does not count. SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "bench/clock.h"
#include "bench/cuda_cublaslt.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/pack.h"

#define ROUNDS 15
#define ZERO_POINT 128

/* A convolution on n pictures of side x side; a GEMM of n rows with side 1. */
typedef struct layer {
    const char *name;
    uint32_t n, side, c_in, c_out, kernel, stride;
} layer;

static uint32_t out_side(const layer *l)
{
    return (l->side + 2 * (l->kernel / 2) - l->kernel) / l->stride + 1;
}

static double macs(const layer *l)
{
    const double side = out_side(l);
    return l->n * side * side * l->c_out * l->kernel * l->kernel * (double)l->c_in;
}

/* One layer as a plan of `repeats` equal nodes and its session. */
typedef struct ours {
    void *image;
    nnrt_model *model;
    nnrt_session *session;
    uint32_t repeats;
} ours;

static void constants(nnrt_builder *b, const layer *l, uint32_t pack, uint32_t in[4])
{
    const uint32_t r = l->kernel, np = (l->c_out + 15) / 16 * 16;
    const size_t count = (size_t)l->c_out * l->c_in * r * r;
    const size_t bytes = nnrt_pack_conv_q8_bytes((nnrt_conv_pack)pack, 1, l->c_in, l->c_out, r, r);
    int8_t *w = nnc_alloc_aligned(count), *packed = nnc_alloc_aligned(bytes);
    int32_t *acc0 = nnc_calloc(np, sizeof *acc0);
    float *mult = nnc_calloc(np, sizeof *mult);
    nnc_rng rng;
    nnc_rng_init(&rng, 7, 0);
    for (size_t i = 0; i < count; i++)
        w[i] = (int8_t)((int32_t)nnc_rng_below(&rng, 255) - 127);
    for (uint32_t o = 0; o < l->c_out; o++) {
        for (size_t k = 0; k < count / l->c_out; k++)
            acc0[o] -= ZERO_POINT * w[o * (count / l->c_out) + k];
        mult[o] = 0.001f;
    }
    nnrt_pack_conv_q8(packed, (nnrt_conv_pack)pack, w, 1, l->c_in, l->c_out, r, r);
    const nnrt_shape w_shape = {1, {(int64_t)bytes}}, c_shape = {1, {np}};
    in[1] = nnrt_builder_const(b, "w", NNRT_I8, &w_shape, packed, bytes);
    in[2] = nnrt_builder_const(b, "acc0", NNRT_I32, &c_shape, acc0, np * sizeof *acc0);
    in[3] = nnrt_builder_const(b, "mult", NNRT_F32, &c_shape, mult, np * sizeof *mult);
    nnc_free(w);
    nnc_free(packed);
    nnc_free(acc0);
    nnc_free(mult);
}

static bool ours_build(ours *o, const layer *l)
{
    const uint32_t r = l->kernel, side = out_side(l);
    nnrt_conv_q8_params p = {
        .window = {.spatial = 2, .kernel = {r, r}, .stride = {l->stride, l->stride}, .dilation = {1, 1},
                   .pad = {r / 2, r / 2, r / 2, r / 2}},
        .groups = 1, .c_in = l->c_in, .c_out = l->c_out,
        .epilogue = {.zx = ZERO_POINT, .zy = ZERO_POINT, .lo = -ZERO_POINT, .hi = 255 - ZERO_POINT}};
    const nnrt_shape x = {4, {l->n, l->side, l->side, l->c_in}}, y = {4, {l->n, side, side, l->c_out}};
    uint32_t in[4], out = 0;
    size_t bytes = 0;
    p.pack = nnrt_conv_q8_pack_mode(&p.window, 1, l->c_in, l->c_out);
    nnrt_builder *b = nnrt_builder_create();
    in[0] = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_U8, &x, 0, NULL);
    nnrt_builder_input(b, in[0]);
    constants(b, l, p.pack, in);
    for (uint32_t i = 0; i < o->repeats; i++) {
        const bool last = i + 1 == o->repeats;
        out = nnrt_builder_value(b, last ? NNRT_VALUE_OUTPUT : NNRT_VALUE_TEMP, last ? "y" : "t", NNRT_U8, &y, 0,
                                 NULL);
        nnrt_builder_node(b, NNRT_ROP_ID_CONV_Q8, l->name, &p, sizeof p, in, 4, &out, 1);
    }
    nnrt_builder_output(b, out, "y");
    const bool built = nnrt_builder_finish(b, &o->image, &bytes) == NNC_OK &&
                       nnrt_model_load_memory(&o->model, o->image, bytes, 0) == NNRT_OK;
    nnrt_builder_destroy(b);
    return built;
}

/* The session's kernels are chosen here: by NNRT_CUDA_PRODUCT, if that is set. */
static bool ours_open(ours *o)
{
    const nnrt_session_options options = {.size = sizeof options, .device = NNRT_DEVICE_CUDA};
    nnrt_view view;
    nnrt_session_destroy(o->session);
    o->session = NULL;
    if (nnrt_session_create(&o->session, o->model, &options) != NNRT_OK ||
        nnrt_session_input(o->session, 0, &view) != NNRT_OK)
        return false;
    nnc_rng rng;
    nnc_rng_init(&rng, 3, 0);
    for (size_t i = 0; i < view.bytes; i++)
        ((uint8_t *)view.data)[i] = (uint8_t)nnc_rng_u32(&rng);
    return nnrt_session_run(o->session) == NNRT_OK && nnrt_session_rerun(o->session) == NNRT_OK;
}

static void ours_close(ours *o)
{
    nnrt_session_destroy(o->session);
    nnrt_model_destroy(o->model);
    nnc_free(o->image);
    *o = (ours){0};
}

/* Microseconds of one layer. */
static double ours_time(ours *o)
{
    const double start = bench_now();
    if (nnrt_session_rerun(o->session) != NNRT_OK)
        return 0;
    return (bench_now() - start) * 1e6 / o->repeats;
}

static double peer_time(cublaslt_product *peer, uint32_t repeats)
{
    const double start = bench_now();
    if (!peer || !cublaslt_run(peer))
        return 0;
    return (bench_now() - start) * 1e6 / repeats;
}

/* Enough for half a millisecond at a fifth of what a large device reaches, within 64 nodes. */
static uint32_t repeats_of(const layer *l)
{
    const double us = macs(l) / 100e6;
    return us > 250 ? 2 : us < 8 ? 64 : (uint32_t)(500 / us);
}

static const char *kernel_of(const ours *o)
{
    static char text[64];
    nnrt_node_info info = {.kernel = "?"};
    nnrt_session_node(o->session, 0, &info);
    snprintf(text, sizeof text, "%s", info.kernel);
    return text;
}

static bool fail(const layer *l, const char *what)
{
    fprintf(stderr, "cuda_gemm: %s, %u pictures: %s\n", l->name, l->n, what);
    return false;
}

/* One line: medians of runs that take turns. rate: the device's, GMAC/s. */
static bool compare(const layer *l, double rate)
{
    const uint32_t rows = l->n * out_side(l) * out_side(l);
    ours o = {.repeats = repeats_of(l)};
    double times[3][ROUNDS];
    char why[2][160] = {"", ""};
    if (!ours_build(&o, l) || !ours_open(&o)) {
        ours_close(&o);
        return fail(l, nnrt_error_message());
    }
    cublaslt_product *wide = cublaslt_create(rows, l->c_out, l->c_in, false, o.repeats, why[0]);
    cublaslt_product *narrow = cublaslt_create(rows, l->c_out, l->c_in, true, o.repeats, why[1]);
    for (int i = -3; i < ROUNDS; i++) {
        const double t[3] = {ours_time(&o), peer_time(wide, o.repeats), peer_time(narrow, o.repeats)};
        for (int k = 0; i >= 0 && k < 3; k++)
            times[k][i] = t[k];
    }
    for (int k = 0; k < 3; k++)
        bench_sort(times[k], ROUNDS);
    const double mine = times[0][ROUNDS / 2], s32 = times[1][ROUNDS / 2], s8 = times[2][ROUNDS / 2];
    printf("%-18s %3u %7u %5u %5u %10.2f %10.2f %10.2f %6.2f %6.2f %6.1f  %s%s%s\n", l->name, l->n, rows, l->c_out,
           l->c_in, mine, s32, s8, s32 / mine, s8 / mine, macs(l) / mine * 1e-3 / rate * 100, kernel_of(&o),
           wide && narrow ? "" : "; ", wide ? narrow ? "" : why[1] : why[0]);
    fflush(stdout);
    cublaslt_destroy(wide);
    cublaslt_destroy(narrow);
    ours_close(&o);
    return mine > 0;
}

static const layer squares[] = {{"2048", 2048, 1, 2048, 2048, 1, 1},
                                {"4096", 4096, 1, 4096, 4096, 1, 1},
                                {"8192", 8192, 1, 8192, 8192, 1, 1}};

/* Layers of ResNet-50 v1.5 that differ. */
static const layer resnet50[] = {
    {"conv1 7x7/2", 1, 224, 3, 64, 7, 2},      {"conv2 1x1", 1, 56, 64, 64, 1, 1},
    {"conv2 3x3", 1, 56, 64, 64, 3, 1},        {"conv2 1x1 out", 1, 56, 64, 256, 1, 1},
    {"conv2 1x1 in", 1, 56, 256, 64, 1, 1},    {"conv3 1x1 first", 1, 56, 256, 128, 1, 1},
    {"conv3 3x3/2", 1, 56, 128, 128, 3, 2},    {"conv3 1x1/2", 1, 56, 256, 512, 1, 2},
    {"conv3 1x1 out", 1, 28, 128, 512, 1, 1},  {"conv3 1x1 in", 1, 28, 512, 128, 1, 1},
    {"conv3 3x3", 1, 28, 128, 128, 3, 1},      {"conv4 1x1 first", 1, 28, 512, 256, 1, 1},
    {"conv4 3x3/2", 1, 28, 256, 256, 3, 2},    {"conv4 1x1/2", 1, 28, 512, 1024, 1, 2},
    {"conv4 1x1 out", 1, 14, 256, 1024, 1, 1}, {"conv4 1x1 in", 1, 14, 1024, 256, 1, 1},
    {"conv4 3x3", 1, 14, 256, 256, 3, 1},      {"conv5 1x1 first", 1, 14, 1024, 512, 1, 1},
    {"conv5 3x3/2", 1, 14, 512, 512, 3, 2},    {"conv5 1x1/2", 1, 14, 1024, 2048, 1, 2},
    {"conv5 1x1 out", 1, 7, 512, 2048, 1, 1},  {"conv5 1x1 in", 1, 7, 2048, 512, 1, 1},
    {"conv5 3x3", 1, 7, 512, 512, 3, 1},       {"fc", 1, 1, 2048, 1000, 1, 1},
};
#define LAYERS (sizeof resnet50 / sizeof *resnet50)
static const uint32_t batches[] = {1, 8, 64};
#define BATCHES (sizeof batches / sizeof *batches)

static bool compare_all(double rate)
{
    bool good = true;
    printf("microseconds, medians of %d rounds in turn; ratios above 1: ours is faster; share: of the measured ceiling\n",
           ROUNDS);
    printf("%-18s %3s %7s %5s %5s %10s %10s %10s %6s %6s %6s  %s\n", "layer", "n", "rows", "cols", "K", "ours",
           "Lt s32", "Lt s8", "s32/o", "s8/o", "share%", "our kernel");
    for (size_t i = 0; i < sizeof squares / sizeof *squares; i++)
        good &= compare(&squares[i], rate);
    for (size_t b = 0; b < BATCHES; b++)
        for (size_t i = 0; i < LAYERS; i++) {
            layer l = resnet50[i];
            l.n = batches[b];
            if (l.kernel == 1 && l.stride == 1)
                good &= compare(&l, rate);
        }
    return good;
}

static const char *const tiles[] = {
#define NNRT_CUDA_PRODUCT(name, rows, cols, warps_m, warps_n, stages, blocks, fine) #name,
#include "runtime_int8/cuda/product_tiles.def"
#undef NNRT_CUDA_PRODUCT
};
static const uint32_t splits[] = {1, 2, 3, 4, 6, 8, 16, 32};

/* Least of a few; 0 when the tile cannot run it. */
static double best_time(ours *o, const char *forced)
{
    double best = 0;
    if (forced)
        setenv("NNRT_CUDA_PRODUCT", forced, 1);
    else
        unsetenv("NNRT_CUDA_PRODUCT");
    if (!ours_open(o))
        return 0;
    for (int i = 0; i < 7; i++) {
        const double t = ours_time(o);
        best = best == 0 || t < best ? t : best;
    }
    return best;
}

static bool sweep(const layer *l)
{
    ours o = {.repeats = repeats_of(l)};
    char chosen[64] = "", forced[64], best_name[64] = "-";
    double best = 0, runs[2] = {0, 0};
    if (!ours_build(&o, l) || (runs[0] = best_time(&o, NULL)) == 0) {
        ours_close(&o);
        return fail(l, nnrt_error_message());
    }
    snprintf(chosen, sizeof chosen, "%s", kernel_of(&o));
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
        for (size_t s = 0; s < sizeof splits / sizeof *splits; s++) {
            snprintf(forced, sizeof forced, "%s/%u", tiles[t], splits[s]);
            const double time = best_time(&o, forced);
            if (time > 0 && (best == 0 || time < best)) {
                best = time;
                snprintf(best_name, sizeof best_name, "%s", forced);
            }
        }
    runs[1] = best_time(&o, NULL);
    const double mine = runs[1] > 0 && runs[1] < runs[0] ? runs[1] : runs[0];
    printf("%-18s %3u %10.2f  %-26s %10.2f  %-26s %6.2f\n", l->name, l->n, mine, chosen, best, best_name,
           best > 0 ? mine / best : 0);
    fflush(stdout);
    ours_close(&o);
    return true;
}

static bool sweep_all(void)
{
    bool good = true;
    printf("%-18s %3s %10s  %-26s %10s  %-26s %6s\n", "layer", "n", "chosen us", "", "best us", "", "ratio");
    for (size_t b = 0; b < BATCHES; b++)
        for (size_t i = 0; i < LAYERS; i++) {
            layer l = resnet50[i];
            l.n = batches[b];
            good &= sweep(&l);
        }
    return good;
}

/* "1,56,64,256,1,1" */
static bool parse_layer(layer *l, const char *text)
{
    char rest;
    *l = (layer){.name = "layer"};
    return sscanf(text, "%u,%u,%u,%u,%u,%u%c", &l->n, &l->side, &l->c_in, &l->c_out, &l->kernel, &l->stride, &rest) ==
               6 &&
           l->n > 0 && l->c_in > 0 && l->c_out > 0 && l->kernel > 0 && l->stride > 0 && l->side >= l->kernel / 2;
}

int main(int argc, char **argv)
{
    bool by_tile = false, one = false, good = true;
    layer single;
    nnrt_device_facts facts;
    for (int i = 1; i < argc && good; i++) {
        if (strcmp(argv[i], "--tiles") == 0)
            by_tile = true;
        else
            good = one = strcmp(argv[i], "--layer") == 0 && i + 1 < argc && parse_layer(&single, argv[++i]);
    }
    if (!good || (one && !by_tile && (single.kernel != 1 || single.stride != 1))) {
        fprintf(stderr, "usage: cuda_gemm [--tiles] [--layer N,SIDE,C_IN,C_OUT,KERNEL,STRIDE]\n"
                        "cuBLASLt has layers with kernel and stride 1 alone\n");
        return 2;
    }
    if (nnrt_device_measure(&facts, 0) != NNRT_OK) {
        fprintf(stderr, "cuda_gemm: %s\n", nnrt_error_message());
        return 8;
    }
    printf("%s: %.0f GMAC/s (%.1f TOPS) of INT8 products, %.0f GB/s of copies in memory, %.0f GB/s in L2\n", facts.name,
           facts.int8_gmacs, 2e-3 * facts.int8_gmacs, facts.memory_gbps, facts.l2_gbps);
    if (one)
        good = by_tile ? sweep(&single) : compare(&single, facts.int8_gmacs);
    else
        good = by_tile ? sweep_all() : compare_all(facts.int8_gmacs);
    return good ? 0 : 1;
}
