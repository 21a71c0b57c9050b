/* Option groups that several verbs share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_OPTIONS_H
#define NNC_PIPELINE_OPTIONS_H

#include "base/option.h"
#include "datasets/dataset.h"
#include "datasets/limits.h"
#include "nnrt.h"

/* Specs of samples that the calling program gives. */
#define NNC_CALLER_CALIB "caller:calib"
#define NNC_CALLER_EVAL "caller:eval"

/* Members of OPT_DATA and OPT_TASK rows. */
struct nnc_samples;
typedef struct nnc_data_flags {
    const struct nnc_samples *calib_samples, *eval_samples; /* no flags: what NNC_CALLER_* specs stand for */
    const char *labels, *classes, *preset, *resize, *crop, *interpolation, *color, *scale, *mean, *std;
    int64_t label_offset;
    int layout, data_layout;
    int task, head; /* OPT_TASK rows: indices into nnc_task_choices and nnc_head_choices */
    double box_score, box_overlap; /* 0: not given */
    double max_bad;
} nnc_data_flags;
#define NNC_DATA_DEFAULTS {.max_bad = NNC_MAX_BAD_PERCENT / 100.0}

/* Members of OPT_RUN and OPT_DEVICE rows. */
typedef struct nnc_run_flags {
    int64_t threads;
    int isa; /* index into nnc_isa_choices */
    int device; /* nnrt_device_kind, index into nnc_device_choices */
    int64_t device_index;
    nnc_option_list shapes;
    int nan_weights;         /* nnc_onnx_nan_weights */
    const char *external_dir;
    bool allow_hardlinks;
    bool json, quiet, verbose;
    const char *log_file;    /* opened by the tool before the verb runs */
    const char *alias_from, *alias_to; /* no flag: nnc_onnx_load_options of an unpublished file */
} nnc_run_flags;

extern const char *const nnc_layout_choices[];
extern const char *const nnc_isa_choices[];
extern const char *const nnc_nan_choices[];
extern const char *const nnc_device_choices[];
extern const char *const nnc_task_choices[]; /* "classify", then the rows of tasks.def */
extern const char *const nnc_head_choices[]; /* "auto", then the rows of heads.def */

/* The task that the flags ask for; output: of the class scores, or of the task. */
struct nnc_task_options nnc_data_task(const nnc_data_flags *flags, size_t output);

/* nnrt_isa of the flag. */
uint32_t nnc_run_isa(const nnc_run_flags *flags);

/* One row of an option table: field `member` of struct `type`. */
#define NNC_OPT(type, name, shorthand, kind, member, metavar, help, group, min, max, choices)      \
    {name, shorthand, NNC_OPTION_##kind, offsetof(type, member), metavar, help, group, min, max, choices}

#endif
