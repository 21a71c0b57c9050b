/* Runs a graph: plan + model + session in one handle, with taps. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_EXEC_EXEC_H
#define NNC_EXEC_EXEC_H

#include "graph/graph.h"
#include "nnrt.h"

typedef struct nnc_exec nnc_exec;

/* Receives a tapped value during a run: float32 (or the value's own integer type), `count` elements in the physical order of the
 * runtime (channels-last for 4-D activations); shape is physical. A quantized value arrives dequantized. The numbers
 * of a float value without a grid may be changed in place: what runs behind the tap reads them. */
typedef void nnc_tap_fn(void *user, size_t tap, const nnrt_view *view);

typedef struct nnc_exec_options {
    uint32_t threads; /* 0: all usable cores */
    uint32_t isa_max; /* nnrt_isa; 0 is REF: use NNRT_ISA_BEST for the best */
    uint32_t device, device_index; /* nnrt_device_kind */
    bool unfused;
    bool profile;
    const nnc_value_id *taps;
    size_t tap_count;
    nnc_tap_fn *tap;
    void *user;
} nnc_exec_options;

nnc_status nnc_exec_create(nnc_exec **out, const nnc_graph *graph, const nnc_exec_options *options);
/* A further session over the model of `owner`, which must outlive it; options' unfused, taps and tap_count are the owner's. For several
 * threads, each with a session of its own. */
nnc_status nnc_exec_share(nnc_exec **out, const nnc_exec *owner, const nnc_exec_options *options);
/* Replaces the session by a new one with the same options: other memory, other threads, variables as at the start. The old session is
 * kept after a failure. */
nnc_status nnc_exec_renew(nnc_exec *exec);
/* Over a finished plan file. No taps. */
nnc_status nnc_exec_load(nnc_exec **out, const char *plan_path, const nnc_exec_options *options);
void nnc_exec_destroy(nnc_exec *exec);
/* Inputs in signature order, ONNX layout and dtype; reshapes when shapes change. */
nnc_status nnc_exec_run(nnc_exec *exec, const nnc_tensor *inputs, size_t input_count);
/* A tensor's elements as the session holds them: types of 4 and 2 bits one element per byte. The view has the tensor's
 * type and number of elements. */
void nnc_exec_fill(const nnrt_view *view, const nnc_tensor *tensor);
/* The inverse: a new tensor of a view's elements. */
nnc_status nnc_exec_tensor(nnc_tensor *out, const nnrt_view *view);
/* Copies output i of the last run into a new tensor. */
nnc_status nnc_exec_output(nnc_tensor *out, nnc_exec *exec, size_t i);
nnrt_session *nnc_exec_session(nnc_exec *exec);
const nnrt_model *nnc_exec_model(const nnc_exec *exec);

#endif
