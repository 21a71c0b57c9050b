/* The main job with its options: what `nncompress MODEL --int8 ...` and the library's jobs run. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_COMPRESS_H
#define NNC_PIPELINE_COMPRESS_H

#include "pipeline/pipeline.h"

#define NNC_STEPS_MAX 16

typedef struct nnc_compress_options {
    const char *output;     /* NULL: derived from the model's name */
    nnc_output_files files; /* reports that were asked for by name */
    const char *reports;    /* "all" or a folder: every format; NULL: HTML and JSON */
    bool force, int8, write_report, write_recipe;
    const char *recipe, *locked;
    bool print_config, dry_run, resume;
    const nnc_step *order[NNC_STEPS_MAX]; /* steps in a recipe's order, no flag; steps that only flags ask for come behind them */
    size_t order_count;
    const char *calib, *eval;
    int64_t samples, seed;
    double bench_seconds;
    nnc_gate_flags gates;
    nnc_int8_options step_int8;
    nnc_data_flags data;
    nnc_run_flags run;
} nnc_compress_options;

/* The option table (flags of the command line, names of nnc_job_set), ended by a row without name. */
extern const nnc_option nnc_compress_table[];

nnc_compress_options nnc_compress_defaults(void);
/* Releases lists that parsing made. */
void nnc_compress_options_deinit(nnc_compress_options *options);
/* The steps that are switched on, in their order; returns their number. */
size_t nnc_compress_steps(const nnc_step *steps[NNC_STEPS_MAX], const nnc_compress_options *options);

typedef struct nnc_config nnc_config; /* pipeline/config.h */

/* Checks the options, builds the recipe and runs it (nnc_pipeline_run) on the config's model. command: for the report. */
nnc_status nnc_compress_run(nnc_report **report, const nnc_config *config, const char *command, const nnc_log *log);

#endif
