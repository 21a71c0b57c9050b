/* A compression run: recipe (ordered steps), step table, runner. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_PIPELINE_H
#define NNC_PIPELINE_PIPELINE_H

#include "base/archive.h"
#include "base/log.h"
#include "base/option.h"
#include "eval/eval.h"
#include "graph/graph.h"
#include "pipeline/gates.h"
#include "pipeline/options.h"
#include "pipeline/source.h"
#include "quant/equalize.h"
#include "quant/quant.h"
#include "reports/report.h"

typedef struct nnc_run nnc_run;
typedef struct nnc_state nnc_state;

/* A step: options and a function that edits run->graph and may add to the report. One file, one line in steps.def. */
typedef struct nnc_step {
    const char *name, *help;
    const nnc_option *options; /* one table feeds flags, help and recipes; ended by a row without name */
    nnc_status (*run)(nnc_run *run, const void *options);
    /* Writes what the step found into the report: after run, and after its result was read from a state. */
    void (*report)(nnc_run *run, const void *options);
    /* Writes or reads what the step leaves in the run besides the graph. */
    nnc_status (*archive)(nnc_run *run, const void *options, nnc_archive *a);
} nnc_step;
const nnc_step *nnc_step_find(const char *name); /* NULL if unknown */
const nnc_step *nnc_step_row(size_t i);          /* NULL past the end */

/* Options of step int8 (step_int8.def). */
typedef struct nnc_int8_options {
    const char *method;
    double percentile;
    bool per_channel, bias_correction, equalize;
    nnc_option_list exclude;
    nnc_option_list target; /* none: the first row of targets.def */
    bool requantize;
    const char *cache;
} nnc_int8_options;
/* Target and method by their names. Fails: NNC_ERR_USAGE with the known ones. */
nnc_status nnc_int8_check(const nnc_target **target, const nnc_int8_options *options);
/* The defaults: auto, per channel, target ort. */
nnc_int8_options nnc_int8_defaults(void);

typedef struct nnc_recipe_step {
    const nnc_step *step;
    const void *options;
} nnc_recipe_step;

typedef struct nnc_recipe {
    const struct nnc_config *config; /* all options with their origins (pipeline/config.h) */
    const char *model, *output; /* output ends in .onnx or .nncp; with several targets, the first one's */
    const char *named_output;   /* as asked for, without a target in its name */
    nnc_output_files reports;   /* NULL: not written */
    const char *recipe_out, *lock_out; /* resolved recipe and lock file; NULL: not written */
    const char *cache;          /* a file that a step reads or writes; may be NULL */
    bool force;                 /* replace existing output */
    const nnc_recipe_step *steps;
    size_t step_count;
    const char *calib, *eval;   /* data set specs; eval may be NULL */
    int64_t samples;            /* calibration samples, 0 = 300 */
    int64_t seed;
    double bench_seconds;       /* per model; 0: no latency measurement */
    const char *command;        /* exact command line, for the report */
    const nnc_gates *gates;     /* NULL: none */
    nnc_data_flags data;
    nnc_run_flags run;
} nnc_recipe;

/* State of a run, given to steps. */
struct nnc_run {
    const nnc_recipe *recipe;
    const nnc_log *log;
    nnc_source source;          /* the model as loaded and prepared: the FP32 reference */
    nnc_graph *graph;           /* being compressed */
    nnc_dataset *calib, *eval;
    size_t *calib_indices, *held_indices; /* split of the calibration samples by content hash */
    size_t calib_count, held_count;
    uint64_t calib_hash, eval_hash; /* over the samples' content hashes */
    char calib_sha256[65], eval_sha256[65]; /* of the data sets' manifests; "" without evaluation data */
    char output_sha256[65];     /* of the file as written */
    const nnc_target *target;   /* set by the step that quantizes */
    struct nnc_targets *targets; /* pipeline/targets.h; NULL before that step */
    nnc_equalization equalization; /* what the step did before it quantized */
    nnc_quant_result quant;
    bool quantized;
    struct nnc_state *state;    /* of a run that can be resumed; else NULL (pipeline/state.h) */
    const char *state_cache;    /* file that the running step may keep its statistics in; NULL: none */
    nnc_report *report;
};

/* Runs the recipe: load, steps, write beside the target, reopen, compare, measure, judge, publish, report. *report (also set on a gate failure)
 * is the caller's. Fails with the status of what failed; then the output is what it was before. NNC_ERR_GATE: only the reports are written. */
nnc_status nnc_pipeline_run(nnc_report **report, const nnc_recipe *recipe, const nnc_log *log);

/* Writes environment.* of the report: CPU, kernels, threads, ... */
void nnc_report_environment(nnc_report_row *root, const nnc_run_flags *flags);
/* Writes data.evaluation.content_xxh3. */
void nnc_report_content(nnc_report_row *root, const nnc_accuracy *accuracy);
/* Runs the recipe's steps from number `from` on run->graph. */
nnc_status nnc_run_steps(nnc_run *run, size_t from);

/* What step int8 says of a model that is quantized already; and its graph without grids. */
nnc_status nnc_int8_refuse_quantized(const nnc_run *run);
nnc_status nnc_int8_unquantize(nnc_run *run);
/* A warning that is logged and kept in the report. */
void nnc_run_warn(nnc_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
