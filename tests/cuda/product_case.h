/* One INT8 product on the device, held to the bytes of the reference tier. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef NNC_TESTS_PRODUCT_CASE_H
#define NNC_TESTS_PRODUCT_CASE_H

#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/q8_model.h"

/* The output of two runs (the second is a captured graph where there are graphs), with the kernel's
 * name. */
static inline nnrt_session *product_session(const q8_model *m, uint32_t device)
{
    const nnrt_session_options options = {
        .size = sizeof options, .threads = 1, .isa_max = NNRT_ISA_REF, .device = device};
    nnrt_session *session = NULL;
    nnrt_view view;
    if (nnrt_session_create(&session, m->model, &options) != NNRT_OK ||
        nnrt_session_input(session, 0, &view) != NNRT_OK) {
        nnrt_session_destroy(session);
        return NULL;
    }
    memcpy(view.data, m->x, m->x_count);
    if (m->epilogue.residual) {
        assert_int_equal(nnrt_session_input(session, 1, &view), NNRT_OK);
        memcpy(view.data, m->residual, m->y_count);
    }
    for (int run = 0; run < (device == NNRT_DEVICE_CUDA ? 2 : 1); run++) {
        if (nnrt_session_run(session) != NNRT_OK)
            fail_msg("run: %s", nnrt_error_message());
    }
    return session;
}

static inline void product_text(char out[200], const q8_layer *l)
{
    snprintf(out, 200,
             "n %u, %ux%ux%u to %u in %u groups, window %ux%u, stride %u,%u, dilation %u,%u, pads "
             "%u,%u,%u,%u, auto_pad %u",
             l->n, l->h, l->w, l->c_in, l->c_out, l->groups, l->r, l->s, l->sh, l->sw, l->dh, l->dw,
             l->pad[0], l->pad[1], l->pad[2], l->pad[3], l->auto_pad);
}

/* `force` (may be NULL) is put into NNRT_CUDA_PRODUCT; `want` (may be NULL) is what the kernel's
 * name must start with. */
static inline void product_hold(const q8_layer *layer, unsigned epilogue, q8_fill fill,
                                const char *force, const char *want)
{
    q8_model m;
    char text[200];
    nnrt_view ref, y;
    product_text(text, layer);
    q8_model_create(&m, layer, q8_epilogue(epilogue, epilogue % 3 ? 93 : 0), fill,
                    layer->c_in * 131 + layer->c_out + epilogue);
    if (!m.model)
        fail_msg("%s: %s", text, nnrt_error_message());
    nnrt_session *cpu = product_session(&m, NNRT_DEVICE_CPU);
    if (force)
        assert_int_equal(setenv("NNRT_CUDA_PRODUCT", force, 1), 0);
    nnrt_session *cuda = product_session(&m, NNRT_DEVICE_CUDA);
    assert_int_equal(unsetenv("NNRT_CUDA_PRODUCT"), 0);
    if (!cpu || !cuda)
        fail_msg("%s, %s: %s", text, force ? force : "", nnrt_error_message());
    assert_int_equal(nnrt_session_output(cpu, 0, &ref), NNRT_OK);
    assert_int_equal(nnrt_session_output(cuda, 0, &y), NNRT_OK);
    assert_int_equal(y.bytes, ref.bytes);
    if (memcmp(y.data, ref.data, ref.bytes) != 0) {
        size_t at = 0;
        while (((const uint8_t *)y.data)[at] == ((const uint8_t *)ref.data)[at])
            at++;
        fail_msg("%s, epilogue %u, %s: byte %zu of %zu", text, epilogue, force ? force : "chosen",
                 at, ref.bytes);
    }
    nnrt_node_info node;
    if (want && nnrt_session_node(cuda, 0, &node) == NNRT_OK &&
        strncmp(node.kernel, want, strlen(want)) != 0)
        fail_msg("%s: ran as %s, expected %s", text, node.kernel, want);
    nnrt_session_destroy(cpu);
    nnrt_session_destroy(cuda);
    q8_model_destroy(&m);
}

#endif
