/* Runs a plan once on zeros with the installed runtime. SPDX-License-Identifier: Apache-2.0
 * Usage: nnrt_example PLAN */
#include <stdio.h>
#include <string.h>

#include <nnrt.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, nnrt_error_message());
    return 1;
}

int main(int argc, char **argv)
{
    nnrt_model *model;
    nnrt_session *session;
    nnrt_view view;
    printf("nnrt %s, %s kernels\n", nnrt_version(), nnrt_isa_name(nnrt_isa_best()));
    if (argc != 2) {
        fprintf(stderr, "usage: %s PLAN\n", argv[0]);
        return 2;
    }
    if (nnrt_model_load(&model, argv[1], NNRT_VERIFY) != NNRT_OK)
        return fail("load");
    if (nnrt_session_create(&session, model, NULL) != NNRT_OK)
        return fail("session");
    for (uint32_t i = 0; i < nnrt_model_input_count(model); i++) {
        if (nnrt_session_input(session, i, &view) != NNRT_OK)
            return fail("input");
        memset(view.data, 0, view.bytes);
    }
    if (nnrt_session_run(session) != NNRT_OK)
        return fail("run");
    for (uint32_t i = 0; i < nnrt_model_output_count(model); i++) {
        if (nnrt_session_output(session, i, &view) != NNRT_OK)
            return fail("output");
        printf("output %u: %zu bytes\n", (unsigned)i, view.bytes);
    }
    nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    return 0;
}
