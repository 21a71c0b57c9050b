/* All device kernels. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/kernels/elementwise.cuh"
