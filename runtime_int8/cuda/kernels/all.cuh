/* All device kernels. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/kernels/ceiling.cuh"
#include "runtime_int8/cuda/kernels/elementwise.cuh"
#include "runtime_int8/cuda/kernels/move.cuh"
#include "runtime_int8/cuda/kernels/pool.cuh"
#include "runtime_int8/cuda/kernels/product.cuh"
#include "runtime_int8/cuda/kernels/product_rows.cuh"
#include "runtime_int8/cuda/kernels/reduce.cuh"
#include "runtime_int8/cuda/kernels/window.cuh"
