/* Lowering of plan nodes to kernel launches, on the host. SPDX-License-Identifier: Apache-2.0
 *
 * lower.def names for each runtime op that runs on a device a function that turns one node, at the
 * session's current shapes, into launches. It sees what run() of the CPU sees, but addresses: inputs
 * and outputs are reached with the functions below. It may fail; launching later cannot, except for
 * the device itself. */
#ifndef NNRT_CUDA_LOWER_H
#define NNRT_CUDA_LOWER_H

#include "runtime_int8/cuda/args.h"
#include "runtime_int8/cuda/plugin.h"
#include "runtime_int8/ops/rop.h"

/* uint32_t that are 0 whenever a kernel starts and that it leaves 0. */
#define NNRT_CUDA_COUNTERS (64u << 10)

typedef struct nnrt_cuda_lowering nnrt_cuda_lowering;

/* Emits the launches of ctx; sets ctx->kernel to the chosen variant. Input and output shapes and dtypes are
 * those of the CPU's reshape; data pointers are not to be used. NNC_ERR_UNSUPPORTED with one line when this
 * form of the op has no kernel. */
typedef nnc_status nnrt_cuda_lower_fn(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx);

/* The lowering of a runtime op; NULL if it has none. */
nnrt_cuda_lower_fn *nnrt_cuda_lower_find(uint32_t rop);

/* The device that will run it. */
const nnrt_cuda_info *nnrt_cuda_target(const nnrt_cuda_lowering *low);

/* Device address of input i / output i, bytes as in the plan. Arena tensors start at multiples of 64 bytes, and
 * at least 64 bytes behind every tensor can be read. In-place ops may get an output that is input 0. */
nnc_status nnrt_cuda_input(const void **device, nnrt_cuda_lowering *low, uint32_t i);
void *nnrt_cuda_output(nnrt_cuda_lowering *low, uint32_t i);

/* Writes `bytes` of another layout of constant input i, ctx->in[i].data being its host bytes, to zeroed memory. */
typedef void nnrt_cuda_pack_fn(void *out, const nnrt_node_ctx *ctx, uint32_t i);
/* Device address of constant input i in another layout, made and uploaded once per model; `layout` (not 0) names what
 * pack makes, so that two nodes with one constant share it. NNC_ERR_UNSUPPORTED when the input is no constant. */
nnc_status nnrt_cuda_constant(const void **device, nnrt_cuda_lowering *low, uint32_t i,
                              uint32_t layout, size_t bytes, nnrt_cuda_pack_fn *pack);

/* Device address of a copy of host bytes, this node's own until the next reshape; 16-byte aligned. */
nnc_status nnrt_cuda_table(const void **device, nnrt_cuda_lowering *low, const void *host,
                           size_t bytes);

uint32_t *nnrt_cuda_counters(const nnrt_cuda_lowering *low);

#define NNRT_CUDA_NO_SCRATCH UINT32_MAX
/* Appends a launch; a grid with a zero is left out. scratch_at: offset of a pointer in args that gets the address of
 * scratch_bytes of device memory shared by all nodes, or NNRT_CUDA_NO_SCRATCH. Fails: LIMIT. */
nnc_status nnrt_cuda_emit_scratch(nnrt_cuda_lowering *low, nnrt_cuda_kernel kernel,
                                  const uint32_t grid[3], size_t shared_bytes, const void *args,
                                  size_t args_bytes, uint32_t scratch_at, size_t scratch_bytes);
nnc_status nnrt_cuda_emit(nnrt_cuda_lowering *low, nnrt_cuda_kernel kernel, const uint32_t grid[3],
                          size_t shared_bytes, const void *args, size_t args_bytes);

/* Threads of a kernel's block (kernels.def). */
uint32_t nnrt_cuda_threads(nnrt_cuda_kernel kernel);

#define NNRT_CUDA_ROP(id, name) nnrt_cuda_lower_fn nnrt_cuda_lower_##name;
#include "runtime_int8/cuda/lower.def"
#undef NNRT_CUDA_ROP

#endif
