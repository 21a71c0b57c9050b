/* Argument structs of the device kernels, by subject. SPDX-License-Identifier: Apache-2.0
 * Plain structs that host C, nvcc and the simulator lay out alike; passed by value, at most
 * NNRT_CUDA_ARGS_MAX bytes. Pointers are device addresses. */
#ifndef NNRT_CUDA_ARGS_H
#define NNRT_CUDA_ARGS_H

#include "runtime_int8/cuda/args_ceiling.h"
#include "runtime_int8/cuda/args_elementwise.h"
#include "runtime_int8/cuda/args_float.h"
#include "runtime_int8/cuda/args_move.h"
#include "runtime_int8/cuda/args_product.h"
#include "runtime_int8/cuda/args_reduce.h"
#include "runtime_int8/cuda/args_window.h"

#endif
