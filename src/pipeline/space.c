/* Space for all outputs, asked before any work. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/space.h"

#include "base/file.h"

#define REPORT_BYTES ((uint64_t)1 << 20)  /* most of any report of a small model */
#define REPORT_BYTES_PER_NODE 4096u

nnc_status nnc_check_space(const nnc_recipe *recipe, const nnc_source *source)
{
    const char *paths[1 + NNC_OUTPUT_COUNT] = {recipe->output};
    uint64_t bytes[1 + NNC_OUTPUT_COUNT] = {source->bytes + source->bytes / 10};
    for (size_t i = 0; i < NNC_OUTPUT_COUNT; i++) {
        paths[i + 1] = recipe->reports.path[i];
        bytes[i + 1] = REPORT_BYTES + (uint64_t)nnc_graph_node_count(source->graph) * REPORT_BYTES_PER_NODE;
    }
    return nnc_file_check_space(paths, bytes, 1 + NNC_OUTPUT_COUNT);
}
