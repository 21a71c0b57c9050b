/* Names of kernels whose tiers share one source. SPDX-License-Identifier: Apache-2.0
 * A tier's file defines NNRT_IMPL (its suffix) and includes body/<contract>.h under its folder's
 * compiler flags. */
#ifndef NNRT_KERNELS_BODY_H
#define NNRT_KERNELS_BODY_H

#include "runtime_int8/kernels/contracts.h"

#define NNRT_BODY_JOIN(contract, impl) nnrt_k_##contract##__##impl
#define NNRT_BODY_NAME(contract, impl) NNRT_BODY_JOIN(contract, impl)
#define NNRT_BODY(contract) NNRT_BODY_NAME(contract, NNRT_IMPL)

/* Before a loop whose output may be exactly one of its inputs: no dependence between iterations. */
#if defined(__clang__)
#define NNRT_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define NNRT_IVDEP _Pragma("GCC ivdep")
#endif

#endif
