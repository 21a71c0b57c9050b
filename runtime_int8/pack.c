/* Weight layouts of the kernels; see pack.h. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/pack.h"

#define LANES 16u
#define ROWS_MAX_CHANNELS 8u

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

nnrt_conv_pack nnrt_conv_q8_pack_mode(const nnrt_window *window, uint32_t groups, uint32_t c_in,
                                      uint32_t c_out)
{
    (void)c_out;
    const int wide = window->kernel[1] > 1 && window->dilation[1] == 1;
    return groups == 1 && wide && c_in <= ROWS_MAX_CHANNELS ? NNRT_CONV_PACK_ROWS
                                                            : NNRT_CONV_PACK_TAPS;
}

size_t nnrt_pack_conv_f32_bytes(uint32_t groups, uint32_t c_in, uint32_t c_out, uint32_t r,
                                uint32_t s)
{
    return groups * ceil_div(c_out / groups, LANES) * r * s * (c_in / groups) * LANES *
           sizeof(float);
}

void nnrt_pack_conv_f32(float *out, const float *w, uint32_t groups, uint32_t c_in, uint32_t c_out,
                        uint32_t r, uint32_t s)
{
    const size_t taps = (size_t)r * s, c_group = c_in / groups, n_group = c_out / groups;
    const size_t panels = ceil_div(n_group, LANES);
    for (size_t o = 0; o < c_out; o++) {
        const size_t g = o / n_group, n = o % n_group;
        float *panel = out + (g * panels + n / LANES) * taps * c_group * LANES + n % LANES;
        for (size_t c = 0; c < c_group; c++)
            for (size_t t = 0; t < taps; t++)
                panel[(t * c_group + c) * LANES] = w[(o * c_group + c) * taps + t];
    }
}

size_t nnrt_pack_dwconv_f32_bytes(uint32_t channels, uint32_t r, uint32_t s)
{
    return ceil_div(channels, LANES) * r * s * LANES * sizeof(float);
}

void nnrt_pack_dwconv_f32(float *out, const float *w, uint32_t channels, uint32_t r, uint32_t s)
{
    const size_t taps = (size_t)r * s;
    for (size_t c = 0; c < channels; c++)
        for (size_t t = 0; t < taps; t++)
            out[(c / LANES * taps + t) * LANES + c % LANES] = w[c * taps + t];
}

size_t nnrt_pack_conv_q8_bytes(nnrt_conv_pack pack, uint32_t groups, uint32_t c_in, uint32_t c_out,
                               uint32_t r, uint32_t s)
{
    const size_t c_group = c_in / groups;
    const size_t quads = pack == NNRT_CONV_PACK_ROWS ? r * ceil_div(s * c_group, 4)
                                                     : (size_t)r * s * ceil_div(c_group, 4);
    return groups * ceil_div(c_out / groups, LANES) * quads * LANES * 4;
}

void nnrt_pack_conv_q8(int8_t *out, nnrt_conv_pack pack, const int8_t *w, uint32_t groups,
                       uint32_t c_in, uint32_t c_out, uint32_t r, uint32_t s)
{
    const size_t taps = (size_t)r * s, c_group = c_in / groups, n_group = c_out / groups;
    const size_t panels = ceil_div(n_group, LANES);
    /* ROWS: byte k of kernel row t is tap column k / c_group, channel k % c_group. */
    const int rows = pack == NNRT_CONV_PACK_ROWS;
    const size_t quads = ceil_div(rows ? s * c_group : c_group, 4);
    for (size_t o = 0; o < c_out; o++) {
        const size_t g = o / n_group, n = o % n_group;
        int8_t *panel = out + (g * panels + n / LANES) * (rows ? r : taps) * quads * LANES * 4;
        for (size_t c = 0; c < c_group; c++) {
            for (size_t t = 0; t < taps; t++) {
                const size_t block = rows ? t / s : t;
                const size_t k = rows ? t % s * c_group + c : c;
                panel[((block * quads + k / 4) * LANES + n % LANES) * 4 + k % 4] =
                    w[(o * c_group + c) * taps + t];
            }
        }
    }
}

size_t nnrt_pack_dwconv_q8_bytes(uint32_t channels, uint32_t r, uint32_t s)
{
    return ceil_div(channels, LANES) * r * ceil_div(s, 4) * LANES * 4;
}

void nnrt_pack_dwconv_q8(int8_t *out, const int8_t *w, uint32_t channels, uint32_t r, uint32_t s)
{
    const size_t quads = ceil_div(s, 4);
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < r; i++)
            for (size_t j = 0; j < s; j++)
                out[(((c / LANES * r + i) * quads + j / 4) * LANES + c % LANES) * 4 + j % 4] =
                    w[(c * r + i) * s + j];
}

size_t nnrt_pack_recurrent_bytes(uint32_t gates, uint32_t hidden, uint32_t k)
{
    return gates * nnrt_pack_conv_f32_bytes(1, k, hidden, 1, 1);
}

void nnrt_pack_recurrent(float *out, const float *w, uint32_t gates, uint32_t hidden, uint32_t k)
{
    const size_t gate = nnrt_pack_conv_f32_bytes(1, k, hidden, 1, 1) / sizeof(float);
    for (size_t g = 0; g < gates; g++)
        nnrt_pack_conv_f32(out + g * gate, w + g * hidden * k, 1, k, hidden, 1, 1);
}
