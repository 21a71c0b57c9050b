/* Several targets from one run: one calibration, one file each. SPDX-License-Identifier: Apache-2.0
 * The first target is the run itself. When its file is written and proven, and before it is renamed, the next target is quantized, written
 * and proven the same way, and so on: either all files appear or none does. */
#ifndef NNC_PIPELINE_TARGETS_H
#define NNC_PIPELINE_TARGETS_H

#include "base/str.h"
#include "pipeline/pipeline.h"

typedef struct nnc_targets {
    const nnc_target *list[NNC_TARGETS_MAX];
    size_t count, at;
    const void *options; /* of the step that quantizes, which finds its place in the recipe */
    nnc_graph *before;   /* the graph that it was given; NULL for one target */
    nnc_calib *calib;    /* statistics for all targets; NULL for one */
    char sha256[NNC_TARGETS_MAX][65]; /* of the files */
    nnc_report *report;  /* of the first target: holds the rows of all */
} nnc_targets;

/* "dir/m.int8.onnx" and "trt10" -> "dir/m.int8.trt10.onnx". */
void nnc_target_output(nnc_str *out, const char *output, const char *target);
/* The model file of `output` and these targets: the first one's. Fails: NNC_ERR_USAGE (unknown target; several for a plan). */
nnc_status nnc_targets_output(nnc_str *out, const char *output, const nnc_option_list *names);
/* The files of the targets behind the first may be written and are no inputs. */
nnc_status nnc_targets_check_paths(const nnc_recipe *recipe);

/* Called by the step that quantizes, with the graph that it was given: sets run->target. quant: its options, for the shared calibration, which is
 * filled in. */
nnc_status nnc_targets_begin(nnc_run *run, const nnc_option_list *names, const void *options, nnc_quant_options *quant);
/* Called when a file is measured: adds its row to the report and holds it to the rules of its target. Fails: NNC_ERR_VERIFY. */
nnc_status nnc_targets_row(nnc_run *run, const nnc_source *shipped);
/* Called when a file may be published: makes the next target's. Its gates join those of the report. */
nnc_status nnc_targets_next(nnc_run *run);
/* Member of a lock file's output that holds the hash of the file at hand: "sha256" for the first target, else the target's name. */
const char *nnc_targets_lock_key(const nnc_run *run);
void nnc_targets_destroy(nnc_targets *targets); /* NULL accepted */

#endif
