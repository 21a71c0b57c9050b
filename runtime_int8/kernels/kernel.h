/* Kernel rows: contract x tier, from the kernels.def of each folder. SPDX-License-Identifier: Apache-2.0
 * A contract is a function type (contracts.h); the ref row is its specification. Within a contract the first row whose
 * tier is allowed is the default; all rows of a contract are bit-equal. Kernels are leaves: raw pointers, sizes, a const
 * params struct; they cannot fail, allocate, log or read globals. */
#ifndef NNRT_KERNELS_KERNEL_H
#define NNRT_KERNELS_KERNEL_H

#include <stdint.h>

#include "nnrt.h"

typedef enum nnrt_contract {
#define CONTRACT(name) NNRT_K_##name,
#include "runtime_int8/kernels/contracts.def"
#undef CONTRACT
    NNRT_CONTRACT_COUNT
} nnrt_contract;

typedef void nnrt_kernel_fn(void);

typedef struct nnrt_kernel {
    nnrt_contract contract;
    nnrt_isa isa;
    const char *name;    /* "gemm_q8__avx512vnni_6x64" */
    nnrt_kernel_fn *fn;  /* cast back to nnrt_k_<contract>_fn before calling */
    uint16_t tile[4];    /* mr, nr, kr, ... as the contract defines */
} nnrt_kernel;

/* Row i of the master list (newest tier first, ref last); NULL past the end. Includes rows this CPU cannot run. */
const nnrt_kernel *nnrt_kernel_row(uint32_t i);
/* Default row of a contract for a tier cap; never NULL (ref always runs). */
const nnrt_kernel *nnrt_kernel_find(nnrt_contract contract, nnrt_isa cap);
/* True if this CPU (cpuid leaf 7.1 and XCR0) can run rows of the tier. */
int nnrt_isa_supported(nnrt_isa isa);

#endif
