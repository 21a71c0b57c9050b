/* Every contract's function type and the prototypes of all rows. SPDX-License-Identifier: Apache-2.0
 * A kernel file includes this, so its definition is checked against the contract's type. */
#ifndef NNRT_KERNELS_CONTRACTS_H
#define NNRT_KERNELS_CONTRACTS_H

#include "runtime_int8/kernels/contracts_ew.h"
#include "runtime_int8/kernels/contracts_f32.h"
#include "runtime_int8/kernels/contracts_move.h"
#include "runtime_int8/kernels/contracts_pool.h"
#include "runtime_int8/kernels/contracts_q8.h"
#include "runtime_int8/kernels/contracts_reduce.h"

#define NNRT_KERNEL(contract, impl, isa, ...) nnrt_k_##contract##_fn nnrt_k_##contract##__##impl;
#include "runtime_int8/kernels/avx2/kernels.def"
#include "runtime_int8/kernels/avx512vnni/kernels.def"
#include "runtime_int8/kernels/avxvnni/kernels.def"
#include "runtime_int8/kernels/ref/kernels.def"
#undef NNRT_KERNEL

#endif
