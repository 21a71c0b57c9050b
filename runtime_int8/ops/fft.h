/* Discrete Fourier transforms of any length in double. SPDX-License-Identifier: Apache-2.0
 * Lengths of small factors go radix by radix; others are a convolution of a length that is a power
 * of two (Bluestein). */
#ifndef NNRT_OPS_FFT_H
#define NNRT_OPS_FFT_H

#include <stddef.h>
#include <stdint.h>

#define NNRT_FFT_RADIX 13u /* largest factor done directly */
#define NNRT_FFT_STAGES 32u

typedef struct nnrt_complex {
    double re, im;
} nnrt_complex;

typedef struct nnrt_fft {
    size_t n; /* length */
    size_t m; /* length of the stages: n, or of the convolution */
    uint32_t stages;
    uint8_t radix[NNRT_FFT_STAGES];
    nnrt_complex *roots;  /* [m]: exp(-2 pi i k / m) */
    nnrt_complex *chirp;  /* [n]: exp(-pi i k^2 / n), or NULL */
    nnrt_complex *filter; /* [m]: transform of the chirp's conjugate, divided by m */
} nnrt_fft;

/* Numbers that nnrt_fft_init wants behind a plan for length n >= 1; 0 when that is too large. */
size_t nnrt_fft_table(size_t n);
/* Numbers of scratch that one transform of length n wants. */
size_t nnrt_fft_scratch(size_t n);
/* table: nnrt_fft_table(n) numbers; scratch: nnrt_fft_scratch(n). */
void nnrt_fft_init(nnrt_fft *plan, size_t n, nnrt_complex *table, nnrt_complex *scratch);
/* x [n] becomes its transform, unscaled; inverse: with the conjugate roots. */
void nnrt_fft_run(const nnrt_fft *plan, nnrt_complex *x, int inverse, nnrt_complex *scratch);

#endif
