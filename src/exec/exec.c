/* Runs a graph through plan, model and session. SPDX-License-Identifier: Apache-2.0 */
#include "exec/exec.h"

#include <string.h>

#include "plan/plan.h"
#include "tensor/small.h"

struct nnc_exec {
    void *image; /* NULL when the plan came from a file */
    nnrt_model *model;
    bool shared; /* the model is another handle's */
    nnrt_session *session;
    nnrt_session_options how; /* of the session */
    nnc_tap_fn *tap;
    void *user;
};

static void on_callback(void *user, uint32_t tag, const nnrt_view *view)
{
    nnc_exec *exec = user;
    exec->tap(exec->user, tag, view);
}

static nnc_status start_session(nnc_exec *exec, const nnc_exec_options *options)
{
    exec->how = (nnrt_session_options){.size = sizeof(exec->how),
                                       .threads = options ? options->threads : 0,
                                       .isa_max = options ? options->isa_max : NNRT_ISA_BEST,
                                       .profile = options && options->profile,
                                       .device = options ? options->device : NNRT_DEVICE_CPU,
                                       .device_index = options ? options->device_index : 0};
    NNC_TRY(nnrt_session_create(&exec->session, exec->model, &exec->how));
    if (options && options->tap) {
        exec->tap = options->tap;
        exec->user = options->user;
        nnrt_session_set_callback(exec->session, on_callback, exec);
    }
    return NNC_OK;
}

nnc_status nnc_exec_create(nnc_exec **out, const nnc_graph *graph, const nnc_exec_options *options)
{
    nnc_exec *exec = nnc_calloc(1, sizeof(*exec));
    if (!exec) {
        return NNC_ERR_LIMIT;
    }
    nnc_plan_options plan = {0};
    if (options) {
        plan.unfused = options->unfused;
        plan.taps = options->taps;
        plan.tap_count = options->tap_count;
    }
    size_t bytes = 0;
    nnc_status status = nnc_plan_build(&exec->image, &bytes, graph, &plan);
    if (status == NNC_OK) {
        status = (nnc_status)nnrt_model_load_memory(&exec->model, exec->image, bytes, 0);
    }
    if (status == NNC_OK) {
        status = start_session(exec, options);
    }
    if (status != NNC_OK) {
        nnc_exec_destroy(exec);
        return status;
    }
    *out = exec;
    return NNC_OK;
}

nnc_status nnc_exec_share(nnc_exec **out, const nnc_exec *owner, const nnc_exec_options *options)
{
    nnc_exec *exec = nnc_calloc(1, sizeof(*exec));
    if (!exec) {
        return NNC_ERR_LIMIT;
    }
    exec->model = owner->model;
    exec->shared = true;
    nnc_status status = start_session(exec, options);
    if (status != NNC_OK) {
        nnc_exec_destroy(exec);
        return status;
    }
    *out = exec;
    return NNC_OK;
}

nnc_status nnc_exec_renew(nnc_exec *exec)
{
    nnrt_session *fresh;
    NNC_TRY(nnrt_session_create(&fresh, exec->model, &exec->how));
    nnrt_session_destroy(exec->session);
    exec->session = fresh;
    if (exec->tap) {
        nnrt_session_set_callback(fresh, on_callback, exec);
    }
    return NNC_OK;
}

nnc_status nnc_exec_load(nnc_exec **out, const char *plan_path, const nnc_exec_options *options)
{
    nnc_exec *exec = nnc_calloc(1, sizeof(*exec));
    if (!exec) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = (nnc_status)nnrt_model_load(&exec->model, plan_path, NNRT_VERIFY);
    if (status == NNC_OK) {
        status = start_session(exec, options);
    }
    if (status != NNC_OK) {
        nnc_exec_destroy(exec);
        return status;
    }
    *out = exec;
    return NNC_OK;
}

void nnc_exec_destroy(nnc_exec *exec)
{
    if (!exec) {
        return;
    }
    nnrt_session_destroy(exec->session);
    if (!exec->shared) {
        nnrt_model_destroy(exec->model);
    }
    nnc_free(exec->image);
    nnc_free(exec);
}

static nnc_status to_runtime_shape(nnrt_shape *out, const nnc_tensor *tensor, const char *name)
{
    if (tensor->shape.rank > NNRT_RANK_MAX) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "input '%s': rank %u, the runtime handles up to %d", name,
                 tensor->shape.rank, NNRT_RANK_MAX);
    }
    *out = (nnrt_shape){.rank = tensor->shape.rank};
    memcpy(out->dims, tensor->shape.dims, tensor->shape.rank * sizeof(out->dims[0]));
    return NNC_OK;
}

void nnc_exec_fill(const nnrt_view *view, const nnc_tensor *tensor)
{
    if (nnc_dtype_bits((int)tensor->dtype) < 8) {
        nnc_small_unpack(view->data, (int)tensor->dtype, nnc_tensor_data(tensor), view->bytes);
    } else if (view->bytes > 0) {
        memcpy(view->data, nnc_tensor_data(tensor), view->bytes);
    }
}

nnc_status nnc_exec_tensor(nnc_tensor *out, const nnrt_view *view)
{
    nnc_shape shape = nnc_shape_make(view->shape.rank, view->shape.dims);
    if (nnc_dtype_bits((int)view->dtype) >= 8) {
        return nnc_tensor_create_from(out, (nnc_dtype)view->dtype, &shape, view->data);
    }
    NNC_TRY(nnc_tensor_create(out, (nnc_dtype)view->dtype, &shape));
    nnc_small_pack(nnc_tensor_data(out), (int)view->dtype, view->data, view->bytes);
    return NNC_OK;
}

nnc_status nnc_exec_run(nnc_exec *exec, const nnc_tensor *inputs, size_t input_count)
{
    uint32_t n = nnrt_model_input_count(exec->model);
    if (input_count != n) {
        NNC_FAIL(NNC_ERR_DATA, "%zu inputs given, the model has %u", input_count, n);
    }
    nnrt_shape *shapes = nnc_calloc(n ? n : 1, sizeof(*shapes));
    if (!shapes) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = NNC_OK;
    for (uint32_t i = 0; i < n && status == NNC_OK; i++) {
        nnrt_io_info info;
        status = (nnc_status)nnrt_model_input(exec->model, i, &info);
        if (status == NNC_OK && (int)info.dtype != (int)inputs[i].dtype) {
            status = nnc_error_set(NNC_ERR_DATA, "input '%s': data is %s, the model wants %s", info.name,
                                   nnc_dtype_name((int)inputs[i].dtype),
                                   nnc_dtype_name((int)info.dtype));
        }
        if (status == NNC_OK) {
            status = to_runtime_shape(&shapes[i], &inputs[i], info.name);
        }
    }
    if (status == NNC_OK) {
        status = (nnc_status)nnrt_session_reshape(exec->session, shapes, n);
    }
    nnc_free(shapes);
    NNC_TRY(status);
    for (uint32_t i = 0; i < n; i++) {
        nnrt_view view;
        NNC_TRY(nnrt_session_input(exec->session, i, &view));
        nnc_exec_fill(&view, &inputs[i]);
    }
    return (nnc_status)nnrt_session_run(exec->session);
}

nnc_status nnc_exec_output(nnc_tensor *out, nnc_exec *exec, size_t i)
{
    nnrt_view view;
    NNC_TRY(nnrt_session_output(exec->session, (uint32_t)i, &view));
    return nnc_exec_tensor(out, &view);
}

nnrt_session *nnc_exec_session(nnc_exec *exec)
{
    return exec->session;
}

const nnrt_model *nnc_exec_model(const nnc_exec *exec)
{
    return exec->model;
}
