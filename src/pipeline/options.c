/* Option groups. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/options.h"

const char *const nnc_layout_choices[] = {"auto", "nchw", "nhwc", NULL};
const char *const nnc_isa_choices[] = {"best", "ref", "avx2", "avxvnni", "avx512vnni", NULL};
const char *const nnc_device_choices[] = {"cpu", "cuda", "auto", NULL};
const char *const nnc_nan_choices[] = {"error", "zero", "keep", NULL};

uint32_t nnc_run_isa(const nnc_run_flags *flags)
{
    return flags->isa == 0 ? (uint32_t)NNRT_ISA_BEST : (uint32_t)flags->isa - 1;
}
