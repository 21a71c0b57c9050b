/* The table of renderers. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "reports/render.h"

#define NNC_RENDERER(name) extern const nnc_renderer nnc_renderer_##name;
#include "reports/renderers.def"

#define NNC_RENDERER(name) &nnc_renderer_##name,
static const nnc_renderer *const rows[] = {
#include "reports/renderers.def"
};

const nnc_renderer *nnc_renderer_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? rows[i] : NULL;
}

const nnc_renderer *nnc_renderer_find(const char *name)
{
    for (size_t i = 0; nnc_renderer_row(i); i++) {
        if (strcmp(rows[i]->name, name) == 0) {
            return rows[i];
        }
    }
    return NULL;
}

const nnc_renderer *nnc_output_renderer(nnc_output output)
{
#define NNC_RENDERER(name)
#define NNC_OUTPUT(name, compress, report, help) &nnc_renderer_##name,
    static const nnc_renderer *const outputs[] = {
#include "reports/renderers.def"
    };
    return outputs[output];
}
