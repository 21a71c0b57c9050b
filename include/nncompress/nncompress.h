/* libnncompress: compresses ONNX models and proves what it cost. SPDX-License-Identifier: Apache-2.0
 *
 *   nnc_model      a loaded, checked, cleaned model: inspect it, run it
 *   nnc_job        one compression: set options by the names of the command line, run it, read its report
 *
 * Functions return nnc_status; nnc_last_error() tells why, one line, per thread. Handles belong to one thread at a time; different
 * handles may be used by different threads. The library never prints, never exits and has no global state. */
#ifndef NNCOMPRESS_H
#define NNCOMPRESS_H

#include <stddef.h>
#include <stdint.h>

#include "nncompress/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define NNC_API
#else
#define NNC_API __attribute__((visibility("default")))
#endif

#define NNC_API_RANK_MAX 16

typedef struct nnc_model nnc_model;
typedef struct nnc_job nnc_job;

/* "0.1.0" */
NNC_API const char *nnc_version(void);
/* The calling thread's last error message; "" if none. Valid until the next failing call on this thread. */
NNC_API const char *nnc_last_error(void);
/* "ok", "usage", "model", ... */
NNC_API const char *nnc_status_text(nnc_status status);

/* How the library talks back during long calls. Members may be NULL. Called on the calling thread or on workers, one at a time. */
typedef struct nnc_callbacks {
    size_t size; /* sizeof(nnc_callbacks) */
    /* level: 0 debug, 1 information, 2 warning; text: one line, control bytes escaped. */
    void (*message)(void *user, int level, const char *text);
    /* stage: "calibrate", ...; done of total units ("samples"). */
    void (*progress)(void *user, const char *stage, uint64_t done, uint64_t total, const char *unit);
    /* Polled at least every 200 ms; nonzero stops the call with NNC_ERR_CANCELLED. */
    int (*cancelled)(void *user);
    void *user;
} nnc_callbacks;

/* One input or output of a model. dims[i] < 0: any size. dtype: ONNX number (1 float32, 2 uint8, 3 int8, 6 int32, 7 int64, ...). */
typedef struct nnc_io_info {
    const char *name; /* owned by the model */
    int dtype;
    uint32_t rank;
    int64_t dims[NNC_API_RANK_MAX];
} nnc_io_info;

/* A dense row-major array in ONNX order that the caller owns. */
typedef struct nnc_array {
    void *data;
    size_t bytes;
    int dtype;
    uint32_t rank;
    int64_t dims[NNC_API_RANK_MAX];
} nnc_array;

/* Loads and validates an ONNX file and prepares it to run. Fails: MODEL, UNSUPPORTED, IO, LIMIT. */
NNC_API nnc_status nnc_model_load(nnc_model **out, const char *path, const nnc_callbacks *callbacks);
NNC_API void nnc_model_destroy(nnc_model *model); /* NULL accepted */
NNC_API size_t nnc_model_input_count(const nnc_model *model);
NNC_API size_t nnc_model_output_count(const nnc_model *model);
/* Fails: USAGE (index). */
NNC_API nnc_status nnc_model_input(const nnc_model *model, size_t i, nnc_io_info *info);
NNC_API nnc_status nnc_model_output(const nnc_model *model, size_t i, nnc_io_info *info);
/* Multiply-accumulates of one run with unknown dims as 1, and number of weights. */
NNC_API uint64_t nnc_model_macs(const nnc_model *model);
NNC_API uint64_t nnc_model_parameters(const nnc_model *model);
/* Threads for later runs; 0 = all usable cores. */
NNC_API void nnc_model_set_threads(nnc_model *model, uint32_t threads);
/* Runs on `count` inputs in the model's order. Fails: DATA (count, type, bytes), USAGE (shape), LIMIT. */
NNC_API nnc_status nnc_model_run(nnc_model *model, const nnc_array *inputs, size_t count);
/* Output i of the last run; the data stays the model's and is valid until the next run. Fails: USAGE. */
NNC_API nnc_status nnc_model_result(nnc_model *model, size_t i, nnc_array *out);
/* Writes the model as runtime plan (.nncp) for libnnrt; replace: overwrite an existing file. */
NNC_API nnc_status nnc_model_save_plan(const nnc_model *model, const char *path, int replace);

/* A compression of `model_path`. Options have the names and values of the command line, without dashes: ("int8", "1"),
 * ("calib", "images/"), ("preprocess", "imagenet-torch"), ("o", "small.onnx"), ("eval", "test.h5#images"). */
NNC_API nnc_status nnc_job_create(nnc_job **out, const char *model_path);
NNC_API void nnc_job_destroy(nnc_job *job); /* NULL accepted */
/* Fails: USAGE with a suggestion for a misspelt name. */
NNC_API nnc_status nnc_job_set(nnc_job *job, const char *option, const char *value);
/* Samples that the calling program has in memory or makes. get is called by one thread at a time, on any thread, several times for
 * the same sample, which must be the same each time. */
typedef struct nnc_samples {
    size_t size;  /* sizeof(nnc_samples) */
    size_t count;
    /* Fills inputs[0..input_count), in the model's order: dense arrays of the model's type, one sample each, with or without the batch
     * dim of 1. The memory stays the program's and is valid until the next call. Nonzero: this sample cannot be read. */
    int (*get)(void *user, size_t i, nnc_array *inputs, size_t input_count);
    int64_t (*label)(void *user, size_t i); /* class of sample i; NULL: no labels */
    void *user;
} nnc_samples;
/* Uses these samples instead of a path. option: "calib" or "eval". `samples` is copied, what it points to must live until the job is
 * destroyed. A path set later for the same option counts instead. Fails: USAGE (option, size). */
NNC_API nnc_status nnc_job_set_samples(nnc_job *job, const char *option, const nnc_samples *samples);
/* Runs it to the end: the output file exists afterwards or nothing has changed. NNC_ERR_GATE: a gate refused the result; the reports are written
 * and nnc_job_report has one. */
NNC_API nnc_status nnc_job_run(nnc_job *job, const nnc_callbacks *callbacks);
/* After a run: the report as "json", "html", "terminal", "csv", "junit", "md", "metrics", "sbom" or "card"; NULL before a
 * successful run or for unknown formats. Owned by the job, valid until the next call of this function. */
NNC_API const char *nnc_job_report(nnc_job *job, const char *format);

#ifdef __cplusplus
}
#endif
#endif
