/* Holds the device (the simulator in CI) to the reference tier. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_CUDA_DEVICE_CASE_H
#define NNC_TESTS_CUDA_DEVICE_CASE_H

#include "kernels/q8_model.h"
#include "kernels/rop_case.h"

/* A device is needed: these tests are nothing without one. */
static inline int device_setup(void **state)
{
    (void)state;
    if (getenv("NNRT_CUDA_PLUGIN") != NULL)
        return 0;
    printf("skipped: no CUDA simulator (NNRT_CUDA_PLUGIN is not set)\n");
    exit(77);
}

/* Name of the kernel that the device takes for the case. */
static inline void device_kernel(char *out, size_t size, const rop_case *c, nnrt_model *model)
{
    const nnrt_session_options o = {.size = sizeof o, .threads = 1, .device = NNRT_DEVICE_CUDA};
    nnrt_session *session;
    nnrt_node_info info;
    nnrt_shape shapes[ROP_INPUTS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->in_count; i++) {
        if (!c->in[i].constant)
            shapes[n++] = c->in[i].shape;
    }
    assert_int_equal(nnrt_session_create(&session, model, &o), NNRT_OK);
    if (nnrt_session_reshape(session, shapes, n) != NNRT_OK)
        fail_msg("%s", nnrt_error_message());
    assert_int_equal(nnrt_session_node(session, 0, &info), NNRT_OK);
    snprintf(out, size, "%s", info.kernel);
    nnrt_session_destroy(session);
}

/* The case on the device, held to the reference tier. It must run there, by `kernel` (NULL: any). */
static inline void device_run(const rop_case *c, const char *kernel)
{
    char name[64];
    nnrt_model *model;
    void *image;
    size_t bytes, other_bytes;
    rop_build(c, &model, &image);
    void *y = rop_run_on(c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CPU, NULL, &bytes);
    void *other = rop_run_on(c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CUDA, NULL, &other_bytes);
    if (other == NULL)
        fail_msg("%s", nnrt_error_message());
    assert_int_equal(other_bytes, bytes);
    device_kernel(name, sizeof name, c, model);
    if (kernel != NULL && strcmp(name, kernel) != 0)
        fail_msg("%s runs as %s, expected %s", nnrt_rop_find(c->id)->name, name, kernel);
    const size_t at = rop_difference(c->out_dtype, other, y, bytes);
    if (at != bytes)
        fail_msg("%s (%s) on the device differs from ref at byte %zu of %zu",
                 nnrt_rop_find(c->id)->name, name, at, bytes);
    free(other);
    free(y);
    nnrt_model_destroy(model);
    nnc_free(image);
}

#endif
