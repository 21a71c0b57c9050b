/* Weight layouts of the kernels, made at plan time, the same on every x86 tier. SPDX-License-Identifier: Apache-2.0
 *
 * Np = channels per group rounded up to 16; all padding is zero. Weights come as [c_out][c_in/groups][R][S] (ONNX OIHW).
 *   conv_f32, gemm_f32:  [groups][Np/16][R*S][C][16] f32
 *   dwconv_f32:          [ceil(C/16)][R*S][16] f32
 *   recurrent:           [G][Hp/16][K][16] f32: gates padded one by one, Hp = H rounded up to 16
 *   conv_q8 TAPS:        [groups][Np/16][R*S][ceil(C/4)][16][4] s8
 *   conv_q8 ROWS:        [groups][Np/16][R][ceil(S*C/4)][16][4] s8: one kernel row of S*C neighbouring bytes is one tap (few
 *                        input channels, dilation 1 along W, groups 1)
 *   dwconv_q8:           [ceil(C/16)][R][ceil(S/4)][16][4] s8 */
#ifndef NNRT_PACK_H
#define NNRT_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "runtime_int8/ops/params.h"

typedef enum nnrt_conv_pack { NNRT_CONV_PACK_TAPS = 0, NNRT_CONV_PACK_ROWS = 1 } nnrt_conv_pack;

/* Decides from the parameters alone (never from ISA or shape). */
nnrt_conv_pack nnrt_conv_q8_pack_mode(const nnrt_window *window, uint32_t groups, uint32_t c_in,
                                      uint32_t c_out);
/* Sizes in bytes, and packing into zero-initialised memory of that size. For 1-D, R = 1. gemm: R = S = 1, groups = 1. */
size_t nnrt_pack_conv_f32_bytes(uint32_t groups, uint32_t c_in, uint32_t c_out, uint32_t r, uint32_t s);
void nnrt_pack_conv_f32(float *out, const float *w, uint32_t groups, uint32_t c_in, uint32_t c_out,
                        uint32_t r, uint32_t s);
size_t nnrt_pack_dwconv_f32_bytes(uint32_t channels, uint32_t r, uint32_t s);
void nnrt_pack_dwconv_f32(float *out, const float *w, uint32_t channels, uint32_t r, uint32_t s);
size_t nnrt_pack_conv_q8_bytes(nnrt_conv_pack pack, uint32_t groups, uint32_t c_in, uint32_t c_out,
                               uint32_t r, uint32_t s);
void nnrt_pack_conv_q8(int8_t *out, nnrt_conv_pack pack, const int8_t *w, uint32_t groups,
                       uint32_t c_in, uint32_t c_out, uint32_t r, uint32_t s);
size_t nnrt_pack_dwconv_q8_bytes(uint32_t channels, uint32_t r, uint32_t s);
void nnrt_pack_dwconv_q8(int8_t *out, const int8_t *w, uint32_t channels, uint32_t r, uint32_t s);
/* ConvTranspose weights [c_in][c_out/groups][taps], taps row-major, by phase (transpose_geometry.h): per phase
 * [groups][Np/16][taps of the phase][C][16]. The size is nnrt_pack_conv_f32_bytes(groups, c_in, c_out, taps, 1). */
void nnrt_pack_conv_transpose(float *out, const float *w, const nnrt_window_nd *window, uint32_t groups,
                              uint32_t c_in, uint32_t c_out);
/* Depthwise [channels][taps] -> [taps][channels]. */
void nnrt_pack_taps_first(float *out, const float *w, size_t channels, size_t taps);
/* w [gates * hidden][k]: the weights of one direction of a recurrent cell. */
size_t nnrt_pack_recurrent_bytes(uint32_t gates, uint32_t hidden, uint32_t k);
void nnrt_pack_recurrent(float *out, const float *w, uint32_t gates, uint32_t hidden, uint32_t k);

#endif
