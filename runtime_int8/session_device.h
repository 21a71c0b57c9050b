/* The part of a session that runs on a device. SPDX-License-Identifier: Apache-2.0
 * Shapes, host-known values and arena offsets come from the session's own planning; here they get device addresses,
 * launches, pinned inputs and outputs, and one graph per shape. */
#ifndef NNRT_SESSION_DEVICE_H
#define NNRT_SESSION_DEVICE_H

#include "runtime_int8/cuda/device.h"
#include "runtime_int8/session.h"

/* Fails: DEVICE; UNSUPPORTED when an op of the plan has no device form. */
nnc_status nnrt_session_device_create(nnrt_session *session, nnrt_model *model, uint32_t index);
void nnrt_session_device_destroy(nnrt_session *session);

/* Memory for an arena of `bytes` and its address. */
nnc_status nnrt_session_device_arena(nnrt_session *session, size_t bytes, void **out);
/* Launches of all nodes, and I/O buffers; values have their addresses. */
nnc_status nnrt_session_device_lower(nnrt_session *session);
/* copies: inputs go to the device before and outputs come back after. */
nnc_status nnrt_session_device_run(nnrt_session *session, bool copies);

const nnrt_cuda_info *nnrt_session_device_info(const nnrt_session *session);

/* Host memory of the value of block 0's io number `i`: inputs, then outputs. */
void *nnrt_session_device_host(const nnrt_session *session, uint32_t i);

#endif
