/* Elementwise kernels. SPDX-License-Identifier: Apache-2.0
 * Threads take 4 or 16 neighbouring elements; the last one ends element by element. */
#ifndef NNRT_CUDA_KERNELS_ELEMENTWISE_CUH
#define NNRT_CUDA_KERNELS_ELEMENTWISE_CUH

#include "nnrt.h"
#include "runtime_int8/cuda/args_elementwise.h"
#include "runtime_int8/cuda/kernels/memory.cuh"
#include "runtime_int8/cuda/kernels/requant.cuh"
#include "runtime_int8/cuda/simt.cuh"
#include "runtime_int8/kernels/pointwise_f32.h"

SIMT_FN int32_t quantize_one(const nnrt_cuda_quantize_args &a, float x)
{
    return nnc_quantize(x, a.scale, a.lo, a.hi, a.zero_point);
}

SIMT_FN void quantize(const nnrt_cuda_quantize_args &a)
{
    const uint32_t at = 4 * grid_thread();
    if (at >= a.pixels)
        return;
    if (a.pixels - at < 4) {
        for (uint32_t i = at; i < a.pixels; i++)
            a.y[i] = (uint8_t)quantize_one(a, a.x[i]);
        return;
    }
    const floats4 x = get<floats4>(a.x + at);
    int32_t q[4];
    for (uint32_t k = 0; k < 4; k++)
        q[k] = quantize_one(a, x.v[k]);
    put<uint32_t>(a.y + at, bytes_word(q));
}

/* Planes are read by neighbouring threads side by side. */
SIMT_FN void quantize_pixels(const nnrt_cuda_quantize_args &a)
{
    const uint32_t thread = grid_thread();
    if (thread >= a.count)
        return;
    const uint32_t plane = divide(thread, a.by_pixels), image = divide(plane, a.by_groups);
    const uint32_t pixel = thread - plane * a.pixels, c = 4 * (plane - image * a.by_groups.d);
    const float *x = a.x + ((size_t)image * a.channels + c) * a.pixels + pixel;
    const uint32_t n = least(a.channels - c, 4);
    int32_t q[4] = {0, 0, 0, 0};
#pragma unroll
    for (uint32_t k = 0; k < 4; k++) {
        if (k < n)
            q[k] = quantize_one(a, x[(size_t)k * a.pixels]);
    }
    uint8_t *y = a.y + ((size_t)image * a.pixels + pixel) * a.channels + c;
    if (a.channels % 4 == 0)
        put<uint32_t>(y, bytes_word(q));
    else
        put_four<false>(y, bytes_word(q), n);
}

/* Three planes to pixels: a thread takes 4 pixels, whose 12 bytes are three words. The planes are multiples of 4. */
SIMT_FN void quantize_rgb(const nnrt_cuda_quantize_args &a)
{
    const uint32_t thread = grid_thread();
    if (thread >= a.count)
        return;
    const uint32_t image = divide(thread, a.by_pixels), pixel = 4 * (thread - image * a.by_pixels.d);
    const float *x = a.x + (size_t)image * 3 * a.pixels + pixel;
    int32_t q[12];
#pragma unroll
    for (uint32_t c = 0; c < 3; c++) {
        const floats4 v = get<floats4>(x + (size_t)c * a.pixels);
        for (uint32_t k = 0; k < 4; k++)
            q[3 * k + c] = quantize_one(a, v.v[k]);
    }
    uint8_t *y = a.y + ((size_t)image * a.pixels + pixel) * 3;
#pragma unroll
    for (uint32_t k = 0; k < 3; k++) {
        const int32_t bytes[4] = {q[4 * k], q[4 * k + 1], q[4 * k + 2], q[4 * k + 3]};
        put<uint32_t>(y + 4 * k, bytes_word(bytes));
    }
}

/* The difference wraps. */
SIMT_FN float dequantize_one(int32_t q, int32_t zero, float scale)
{
    return (float)(int32_t)((uint32_t)q - (uint32_t)zero) * scale;
}

/* Bytes on one grid. */
SIMT_FN void dequantize_u8(const nnrt_cuda_dequantize_args &a)
{
    const uint32_t at = 4 * grid_thread();
    if (at >= a.count)
        return;
    const uint8_t *x = static_cast<const uint8_t *>(a.x) + at;
    const float scale = a.scale[0];
    const int32_t zero = a.zero[0];
    if (a.count - at < 4) {
        for (uint32_t i = 0; i < a.count - at; i++)
            a.y[at + i] = dequantize_one(x[i], zero, scale);
        return;
    }
    const uint32_t word = get<uint32_t>(x);
    floats4 y;
    for (uint32_t k = 0; k < 4; k++)
        y.v[k] = dequantize_one((int32_t)byte_of(word, k), zero, scale);
    put<floats4>(a.y + at, y);
}

/* Entry of scale and zero point of element i. */
SIMT_FN uint32_t channel_of(uint32_t i, const nnrt_cuda_divider &inner, const nnrt_cuda_divider &channels)
{
    const uint32_t outer = divide(i, inner);
    return outer - divide(outer, channels) * channels.d;
}

SIMT_FN void dequantize_any(const nnrt_cuda_dequantize_args &a)
{
    const uint32_t i = grid_thread();
    if (i >= a.count)
        return;
    const uint32_t c = channel_of(i, a.inner, a.channels);
    const int32_t q = a.dtype == NNRT_U8   ? static_cast<const uint8_t *>(a.x)[i]
                      : a.dtype == NNRT_I8 ? static_cast<const int8_t *>(a.x)[i]
                                           : static_cast<const int32_t *>(a.x)[i];
    a.y[i] = dequantize_one(q, a.zero[c], a.scale[c]);
}

/* In double after the float division, so that the bounds of 32 bits are exact. */
SIMT_FN void quantize_axis(const nnrt_cuda_quantize_axis_args &a)
{
    const uint32_t i = grid_thread();
    if (i >= a.count)
        return;
    const uint32_t c = channel_of(i, a.inner, a.channels);
    const double lo = (double)a.qmin - a.zero[c], hi = (double)a.qmax - a.zero[c];
    double t = (double)(a.x[i] / a.scale[c]);
    t = t < hi ? t : hi;
    t = t > lo ? t : lo;
    const int32_t q = (int32_t)(llrint(t) + a.zero[c]);
    if (a.dtype == NNRT_I32)
        static_cast<int32_t *>(a.y)[i] = q;
    else
        static_cast<uint8_t *>(a.y)[i] = (uint8_t)q;
}

/* The elements are read before the barrier, while the table is on its way. */
SIMT_FN void lut_u8(const nnrt_cuda_lut_args &a)
{
    uint8_t *table = simt::shared(), *y = static_cast<uint8_t *>(a.y);
    const uint32_t at = 16 * grid_thread(), left = at < a.count ? a.count - at : 0;
    words4 v = {{0, 0, 0, 0}};
    if (left >= 16)
        v = get<words4>(a.x + at);
    for (uint32_t i = simt::thread(); i < 64; i += simt::threads())
        put<uint32_t>(table + 4 * i, get<uint32_t>(static_cast<const uint8_t *>(a.table) + 4 * i));
    simt::sync();
    if (left < 16) {
        for (uint32_t i = 0; i < left; i++)
            y[at + i] = table[a.x[at + i]];
        return;
    }
    for (uint32_t k = 0; k < 4; k++) {
        const int32_t b[4] = {table[byte_of(v.w[k], 0)], table[byte_of(v.w[k], 1)], table[byte_of(v.w[k], 2)],
                              table[byte_of(v.w[k], 3)]};
        v.w[k] = bytes_word(b);
    }
    put<words4>(y + at, v);
}

SIMT_FN void lut_f32(const nnrt_cuda_lut_args &a)
{
    float *table = reinterpret_cast<float *>(simt::shared());
    for (uint32_t i = simt::thread(); i < 256; i += simt::threads())
        table[i] = static_cast<const float *>(a.table)[i];
    simt::sync();
    const uint32_t at = 4 * grid_thread();
    if (at >= a.count)
        return;
    float *y = static_cast<float *>(a.y) + at;
    if (a.count - at < 4) {
        for (uint32_t i = 0; i < a.count - at; i++)
            y[i] = table[a.x[at + i]];
        return;
    }
    const uint32_t word = get<uint32_t>(a.x + at);
    floats4 v;
    for (uint32_t k = 0; k < 4; k++)
        v.v[k] = table[byte_of(word, k)];
    put<floats4>(y, v);
}

/* Offsets of a group of a walk. */
struct walk_place {
    uint32_t a, b;
};

SIMT_FN walk_place walk_place_of(const nnrt_cuda_walk &w, uint32_t group)
{
    walk_place p = {0, 0};
    uint32_t rest = group;
    for (uint32_t i = w.rank; i-- > 1;) {
        const uint32_t outer = divide(rest, w.dim[i]), k = rest - outer * w.dim[i].d;
        p.a += k * w.stride_a[i];
        p.b += k * w.stride_b[i];
        rest = outer;
    }
    p.a += rest * w.stride_a[0];
    p.b += rest * w.stride_b[0];
    return p;
}

SIMT_FN int32_t combine_bytes(const nnrt_add_q8_params &p, uint32_t a, uint32_t b)
{
    return nnc_requant_add((int32_t)a - p.za, p.ma, (int32_t)b - p.zb, p.mb, p.lo, p.hi, p.zy);
}

SIMT_FN int32_t combine_bytes(const nnrt_mul_q8_params &p, uint32_t a, uint32_t b)
{
    return nnc_requant(((int32_t)a - p.za) * ((int32_t)b - p.zb), p.m, p.lo, p.hi, p.zy);
}

template <class P> SIMT_FN uint32_t combine_words(const P &p, uint32_t a, uint32_t b)
{
    int32_t q[4];
    for (uint32_t k = 0; k < 4; k++)
        q[k] = combine_bytes(p, byte_of(a, k), byte_of(b, k));
    return bytes_word(q);
}

/* Equal shapes. */
template <class A> SIMT_FN void combine_flat(const A &a)
{
    const uint32_t at = 16 * grid_thread(), count = a.walk.count;
    if (at >= count)
        return;
    if (count - at < 16) {
        for (uint32_t i = at; i < count; i++)
            a.y[i] = (uint8_t)combine_bytes(a.p, a.a[i], a.b[i]);
        return;
    }
    words4 x = get<words4>(a.a + at);
    const words4 r = get<words4>(a.b + at);
    for (uint32_t k = 0; k < 4; k++)
        x.w[k] = combine_words(a.p, x.w[k], r.w[k]);
    put<words4>(a.y + at, x);
}

/* Four neighbours, or one byte four times. */
SIMT_FN uint32_t walk_bytes(const uint8_t *p, uint32_t step)
{
    if (step == 0)
        return *p * 0x01010101u;
    return ((uint32_t)(uintptr_t)p & 3u) == 0 ? get<uint32_t>(p) : get_bytes(p);
}

template <class A> SIMT_FN void combine_walk(const A &a)
{
    const uint32_t group = grid_thread(), at = group * a.walk.wide;
    if (at >= a.walk.count)
        return;
    const walk_place p = walk_place_of(a.walk, group);
    if (a.walk.wide == 1)
        a.y[at] = (uint8_t)combine_bytes(a.p, a.a[p.a], a.b[p.b]);
    else
        put<uint32_t>(a.y + at, combine_words(a.p, walk_bytes(a.a + p.a, a.walk.step_a),
                                              walk_bytes(a.b + p.b, a.walk.step_b)));
}

SIMT_FN void add_q8(const nnrt_cuda_add_args &a) { combine_flat(a); }
SIMT_FN void add_q8_walk(const nnrt_cuda_add_args &a) { combine_walk(a); }
SIMT_FN void mul_q8(const nnrt_cuda_mul_args &a) { combine_flat(a); }
SIMT_FN void mul_q8_walk(const nnrt_cuda_mul_args &a) { combine_walk(a); }

/* Applies `each` to 1 or 4 elements: the switch is outside of the loop. */
#define UNARY_CASE(OP)                                                                                                 \
    case OP:                                                                                                           \
        for (uint32_t k = 0; k < N; k++)                                                                               \
            v[k] = nnrt_unary_one(OP, v[k], p.a, p.b);                                                                 \
        break;

template <uint32_t N> SIMT_FN void unary_cheap(float (&v)[N], const nnrt_unary_params &p)
{
    switch (p.op) {
        UNARY_CASE(NNRT_UNARY_ABS)
        UNARY_CASE(NNRT_UNARY_NEG)
        UNARY_CASE(NNRT_UNARY_FLOOR)
        UNARY_CASE(NNRT_UNARY_CEIL)
        UNARY_CASE(NNRT_UNARY_ROUND)
        UNARY_CASE(NNRT_UNARY_SIGN)
        UNARY_CASE(NNRT_UNARY_SQRT)
        UNARY_CASE(NNRT_UNARY_RECIPROCAL)
        UNARY_CASE(NNRT_UNARY_RELU)
        UNARY_CASE(NNRT_UNARY_CLIP)
        UNARY_CASE(NNRT_UNARY_LEAKY_RELU)
        UNARY_CASE(NNRT_UNARY_SOFTSIGN)
        UNARY_CASE(NNRT_UNARY_HARD_SIGMOID)
        UNARY_CASE(NNRT_UNARY_HARD_SWISH)
        UNARY_CASE(NNRT_UNARY_THRESHOLDED_RELU)
    default:
        break;
    }
}

template <uint32_t N> SIMT_FN void unary_costly(float (&v)[N], const nnrt_unary_params &p)
{
    switch (p.op) {
        UNARY_CASE(NNRT_UNARY_EXP)
        UNARY_CASE(NNRT_UNARY_LOG)
        UNARY_CASE(NNRT_UNARY_SIN)
        UNARY_CASE(NNRT_UNARY_COS)
        UNARY_CASE(NNRT_UNARY_TANH)
        UNARY_CASE(NNRT_UNARY_SIGMOID)
        UNARY_CASE(NNRT_UNARY_ERF)
        UNARY_CASE(NNRT_UNARY_ELU)
        UNARY_CASE(NNRT_UNARY_SELU)
        UNARY_CASE(NNRT_UNARY_CELU)
        UNARY_CASE(NNRT_UNARY_SOFTPLUS)
        UNARY_CASE(NNRT_UNARY_GELU)
        UNARY_CASE(NNRT_UNARY_GELU_TANH)
        UNARY_CASE(NNRT_UNARY_SILU)
        UNARY_CASE(NNRT_UNARY_MISH)
    default:
        break;
    }
}
#undef UNARY_CASE

SIMT_FN void unary_f32(const nnrt_cuda_unary_args &a)
{
    const uint32_t at = 4 * grid_thread();
    if (at >= a.count)
        return;
    if (a.count - at < 4) {
        for (uint32_t i = at; i < a.count; i++) {
            float v[1] = {a.x[i]};
            unary_cheap(v, a.p);
            a.y[i] = v[0];
        }
        return;
    }
    floats4 x = get<floats4>(a.x + at);
    unary_cheap(x.v, a.p);
    put<floats4>(a.y + at, x);
}

SIMT_FN void unary_f32_costly(const nnrt_cuda_unary_args &a)
{
    const uint32_t i = grid_thread();
    if (i >= a.count)
        return;
    float v[1] = {a.x[i]};
    unary_costly(v, a.p);
    a.y[i] = v[0];
}

#define BINARY_CASE(OP)                                                                                                \
    case OP:                                                                                                           \
        for (uint32_t k = 0; k < N; k++)                                                                               \
            a[k] = nnrt_bound(nnrt_binary_one(OP, a[k], b[k]), p.clamp.lo, p.clamp.hi);                                \
        break;

template <uint32_t N>
SIMT_FN void binary_cheap(float (&a)[N], const float (&b)[N], const nnrt_binary_params &p)
{
    switch (p.op) {
        BINARY_CASE(NNRT_BINARY_ADD)
        BINARY_CASE(NNRT_BINARY_SUB)
        BINARY_CASE(NNRT_BINARY_MUL)
        BINARY_CASE(NNRT_BINARY_DIV)
        BINARY_CASE(NNRT_BINARY_MIN)
        BINARY_CASE(NNRT_BINARY_MAX)
        BINARY_CASE(NNRT_BINARY_PRELU)
    default:
        break;
    }
}

template <uint32_t N>
SIMT_FN void binary_costly(float (&a)[N], const float (&b)[N], const nnrt_binary_params &p)
{
    switch (p.op) {
        BINARY_CASE(NNRT_BINARY_POW)
        BINARY_CASE(NNRT_BINARY_MOD)
        BINARY_CASE(NNRT_BINARY_FMOD)
    default:
        break;
    }
}
#undef BINARY_CASE

SIMT_FN floats4 walk_floats(const float *p, uint32_t step, bool aligned)
{
    floats4 v;
    if (aligned)
        return get<floats4>(p);
    for (uint32_t k = 0; k < 4; k++)
        v.v[k] = p[k * step];
    return v;
}

SIMT_FN bool aligned16(const void *p)
{
    return ((uint32_t)(uintptr_t)p & 15u) == 0;
}

SIMT_FN void binary_f32(const nnrt_cuda_binary_args &a)
{
    const nnrt_cuda_walk &w = a.walk;
    const uint32_t group = grid_thread(), at = group * w.wide;
    if (at >= w.count)
        return;
    const walk_place p = walk_place_of(w, group);
    const float *x = a.a + p.a, *r = a.b + p.b;
    if (w.wide == 1) {
        float v[1] = {*x};
        const float u[1] = {*r};
        binary_cheap(v, u, a.p);
        a.y[at] = v[0];
        return;
    }
    floats4 v = walk_floats(x, w.step_a, w.step_a != 0 && aligned16(x));
    const floats4 u = walk_floats(r, w.step_b, w.step_b != 0 && aligned16(r));
    binary_cheap(v.v, u.v, a.p);
    put<floats4>(a.y + at, v);
}

/* Groups of 1. */
SIMT_FN void binary_f32_costly(const nnrt_cuda_binary_args &a)
{
    const uint32_t i = grid_thread();
    if (i >= a.walk.count)
        return;
    const walk_place p = walk_place_of(a.walk, i);
    float v[1] = {a.a[p.a]};
    const float u[1] = {a.b[p.b]};
    binary_costly(v, u, a.p);
    a.y[i] = v[0];
}

/* Half precision is 1, 5 and 10 bits; subnormals by a float subtraction, which is exact. */
SIMT_FN float half_to_float(uint32_t h)
{
    const uint32_t sign = (h & 0x8000u) << 16, rest = h & 0x7fffu;
    if (rest >= 0x7c00u) /* infinity, NaN */
        return nnrt_bits_float((int32_t)(sign | 0x7f800000u | (rest & 0x3ffu) << 13));
    if (rest >= 0x0400u)
        return nnrt_bits_float((int32_t)(sign | ((rest << 13) + 0x38000000u)));
    const float v = nnrt_bits_float((int32_t)(rest | 0x3f000000u)) - 0.5f; /* rest * 2^-24 */
    return nnrt_bits_float((int32_t)(sign | (uint32_t)nnrt_float_bits(v)));
}

/* To nearest, ties to even. */
SIMT_FN uint32_t half_from_float(float x)
{
    const uint32_t bits = (uint32_t)nnrt_float_bits(x), sign = bits >> 16 & 0x8000u, rest = bits & 0x7fffffffu;
    if (rest > 0x7f800000u)
        return sign | 0x7e00u;
    if (rest >= 0x477ff000u) /* rounds to 65536 or more */
        return sign | 0x7c00u;
    if (rest < 0x38800000u) { /* below 2^-14: the float sum with 0.5 rounds to multiples of 2^-24 */
        const float v = nnrt_bits_float((int32_t)rest) + 0.5f;
        return sign | ((uint32_t)nnrt_float_bits(v) - 0x3f000000u);
    }
    return sign | ((rest - 0x38000000u + 0xfffu + (rest >> 13 & 1u)) >> 13);
}

SIMT_FN void cast_f16_f32(const nnrt_cuda_half_args &a)
{
    const uint32_t i = grid_thread();
    if (i < a.count)
        static_cast<float *>(a.y)[i] = half_to_float(static_cast<const uint16_t *>(a.x)[i]);
}

SIMT_FN void cast_f32_f16(const nnrt_cuda_half_args &a)
{
    const uint32_t i = grid_thread();
    if (i < a.count)
        static_cast<uint16_t *>(a.y)[i] = (uint16_t)half_from_float(static_cast<const float *>(a.x)[i]);
}

#endif
