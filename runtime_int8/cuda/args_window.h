/* Argument structs of kernels_window.def. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_ARGS_WINDOW_H
#define NNRT_CUDA_ARGS_WINDOW_H

#include <stdint.h>

#include "runtime_int8/ops/params.h"

#endif
