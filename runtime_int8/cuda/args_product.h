/* Argument structs of kernels_product.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_PRODUCT_H
#define NNRT_CUDA_ARGS_PRODUCT_H

#include <stdint.h>

#include "runtime_int8/ops/params.h"

#endif
