/* A report against the files and data that it names. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "pipeline/counts.h"
#include "pipeline/provenance.h"
#include "pipeline/source.h"
#include "pipeline/split.h"
#include "pipeline/verify_numbers.h"

#define HELD_SHARE 0.2

typedef struct verifier {
    const nnc_verify_options *options;
    const nnc_log *log;
    const nnc_report_row *report; /* root of the document that is verified */
    nnc_verdicts verdicts;
    nnc_data_flags data;
    nnc_run_flags run;
    nnc_source model, source;
    nnc_exec *exec; /* of a plan: describes its inputs */
} verifier;

/* The file that stands for `path_key` of the report: the one given, else the one named; NULL (and a row) if there is none. */
static const char *find_file(verifier *v, const char *given, const char *path_key, const char *what)
{
    const char *named = nnc_report_get_string(v->report, path_key);
    if (given) {
        return given;
    }
    if (named && nnc_file_exists(named)) {
        return named;
    }
    char note[512];
    snprintf(note, sizeof(note), "'%.400s' is not here", named ? named : "");
    nnc_verdict_skipped(&v->verdicts, what, named ? note : "the report names no file");
    return NULL;
}

static nnc_status check_hash(verifier *v, const char *path, const char *key)
{
    char hex[65];
    const char *expected = nnc_report_get_string(v->report, key);
    if (!expected) {
        nnc_verdict_skipped(&v->verdicts, key, "the report has none");
        return NNC_OK;
    }
    NNC_TRY(nnc_sha256_file(hex, path));
    nnc_verdict_text(&v->verdicts, key, expected, hex);
    return NNC_OK;
}

static nnc_status check_files(verifier *v, const char *model)
{
    NNC_TRY(check_hash(v, model, "output.sha256"));
    const char *source = find_file(v, v->options->source, "source.path", "source.sha256");
    if (source) {
        NNC_TRY(check_hash(v, source, "source.sha256"));
    }
    if (nnc_report_get_string(v->report, "recipe.sha256") || v->options->recipe) {
        const char *recipe = find_file(v, v->options->recipe, "recipe.path", "recipe.sha256");
        if (recipe) {
            NNC_TRY(check_hash(v, recipe, "recipe.sha256"));
        }
    }
    return NNC_OK;
}

/* True for failures that say something about the data, not about the caller or the machine. */
static bool about_data(nnc_status status)
{
    return status == NNC_ERR_DATA || status == NNC_ERR_IO || status == NNC_ERR_USAGE;
}

static nnc_status open_data(nnc_dataset **out, verifier *v, const char *spec, bool evaluation)
{
    int64_t samples = 0, seed = 0;
    nnc_report_get_int(v->report, "options.calibration_samples", &samples);
    nnc_report_get_int(v->report, "options.seed", &seed);
    return nnc_source_data(out, spec, &v->model, v->exec, &v->data, (uint32_t)v->run.threads, evaluation,
                           evaluation || samples < 0 ? 0 : (size_t)samples, evaluation ? 0 : (uint64_t)seed, v->log);
}

static bool spec_exists(const char *spec)
{
    char path[4096];
    const size_t length = nnc_dataset_path_length(spec);
    if (strncmp(spec, "random:", 7) == 0) {
        return true;
    }
    snprintf(path, sizeof(path), "%.*s", (int)(length < sizeof(path) ? length : 0), spec);
    return nnc_file_exists(path);
}

/* The data set that the report calls `kind`, or NULL with a row that says why not. */
static nnc_status find_data(nnc_dataset **out, verifier *v, const char *given, bool evaluation)
{
    const char *key = evaluation ? "data.evaluation.manifest_sha256" : "data.calibration.manifest_sha256";
    const char *named = nnc_report_get_string(v->report, evaluation ? "data.evaluation.spec" : "data.calibration.spec");
    *out = NULL;
    const char *spec = given ? given : named;
    if (!spec || (!given && !spec_exists(spec))) {
        char note[512];
        snprintf(note, sizeof(note), "'%.400s' is not here", spec ? spec : "");
        nnc_verdict_skipped(&v->verdicts, key, spec ? note : "the report names no data");
        return NNC_OK;
    }
    nnc_status status = open_data(out, v, spec, evaluation);
    if (about_data(status)) {
        nnc_verdict_text(&v->verdicts, key, nnc_report_get_string(v->report, key), nnc_error_message());
        return NNC_OK;
    }
    return status;
}

static nnc_status check_manifest(verifier *v, const nnc_dataset *data, const char *kind)
{
    char key[96];
    int64_t samples;
    nnc_dataset_digest digest;
    snprintf(key, sizeof(key), "data.%s.manifest_sha256", kind);
    const char *expected = nnc_report_get_string(v->report, key);
    if (!expected) {
        nnc_verdict_skipped(&v->verdicts, key, "the report has none");
        return NNC_OK;
    }
    nnc_status status = nnc_dataset_digest_make(&digest, data, v->log);
    if (about_data(status)) {
        nnc_verdict_text(&v->verdicts, key, expected, nnc_error_message());
        return NNC_OK;
    }
    NNC_TRY(status);
    nnc_verdict_text(&v->verdicts, key, expected, digest.sha256);
    snprintf(key, sizeof(key), "data.%s.manifest_samples", kind);
    if (nnc_report_get_int(v->report, key, &samples)) {
        nnc_verdict_count(&v->verdicts, key, true, samples, (int64_t)digest.count);
    }
    nnc_dataset_digest_deinit(&digest);
    return NNC_OK;
}

static nnc_status evaluate(verifier *v, const nnc_dataset *data, bool evaluation)
{
    nnc_exec *fp32 = NULL, *int8 = NULL;
    nnc_split split = {0};
    nnc_accuracy accuracy = {0};
    nnc_status status = nnc_source_exec(&fp32, &v->source, &v->run, false, v->log);
    status = status == NNC_OK ? nnc_source_exec(&int8, &v->model, &v->run, false, v->log) : status;
    nnc_eval_options options = {.threads = (uint32_t)v->run.threads, .isa_max = nnc_run_isa(&v->run)};
    if (status == NNC_OK && !evaluation) {
        status = nnc_split_samples(&split, data, HELD_SHARE, v->log);
        options.indices = split.held_count ? split.held : split.used;
        options.index_count = split.held_count ? split.held_count : split.used_count;
    }
    status = status == NNC_OK ? nnc_eval_accuracy(&accuracy, fp32, int8, data, &options, v->log) : status;
    if (status == NNC_OK) {
        nnc_counts_compare(v->report, &accuracy, nnc_verdict_count, &v->verdicts);
    } else if (status == NNC_ERR_DATA) {
        nnc_verdict_text(&v->verdicts, "accuracy", "measured", nnc_error_message());
        status = NNC_OK;
    }
    nnc_accuracy_deinit(&accuracy);
    nnc_split_deinit(&split);
    nnc_exec_destroy(fp32);
    nnc_exec_destroy(int8);
    return status;
}

static nnc_status load_source(verifier *v)
{
    const char *path = v->options->source ? v->options->source : nnc_report_get_string(v->report, "source.path");
    if (!path || !nnc_file_exists(path)) {
        NNC_FAIL(NNC_ERR_USAGE, "--rerun needs the source model: give --source FILE");
    }
    return nnc_source_load(&v->source, path, &v->run, false, v->log);
}

static nnc_status check_data(verifier *v)
{
    const bool has_eval = nnc_report_get_string(v->report, "data.evaluation.spec");
    nnc_dataset *calib = NULL, *eval = NULL;
    const char *given = v->options->calib ? v->options->calib : has_eval ? NULL : v->options->data;
    nnc_status status = find_data(&calib, v, given, false);
    status = status == NNC_OK && calib ? check_manifest(v, calib, "calibration") : status;
    status = status == NNC_OK && has_eval ? find_data(&eval, v, v->options->data, true) : status;
    status = status == NNC_OK && eval ? check_manifest(v, eval, "evaluation") : status;
    if (status == NNC_OK && v->options->rerun) {
        const nnc_dataset *data = has_eval ? eval : calib;
        status = data ? load_source(v)
                      : nnc_error_set(NNC_ERR_USAGE, "--rerun needs the %s data: give --%s PATH",
                                      has_eval ? "evaluation" : "calibration", has_eval ? "data" : "calib");
        status = status == NNC_OK ? evaluate(v, data, has_eval) : status;
    }
    nnc_dataset_destroy(calib);
    nnc_dataset_destroy(eval);
    return status;
}

/* Data sets are opened for the model's inputs. A model that is damaged too far to load is a mismatch already. */
static nnc_status check_with_model(verifier *v, const char *model)
{
    nnc_run_flags flags = v->run;
    flags.shapes = (nnc_option_list){0}; /* the result has those sizes already */
    nnc_status status = nnc_source_load(&v->model, model, &flags, false, v->log);
    if (status == NNC_OK && v->model.plan) {
        status = nnc_source_exec(&v->exec, &v->model, &v->run, false, v->log);
    }
    if (status == NNC_ERR_MODEL || status == NNC_ERR_UNSUPPORTED) {
        nnc_verdict_text(&v->verdicts, "model", "a model that loads", nnc_error_message());
        return NNC_OK;
    }
    NNC_TRY(status);
    int64_t bytes;
    if (nnc_report_get_int(v->report, "output.bytes", &bytes)) {
        nnc_verdict_count(&v->verdicts, "output.bytes", true, bytes, (int64_t)v->model.bytes);
    }
    return check_data(v);
}

static nnc_status verify(verifier *v, const nnc_report *report, const char *model)
{
    v->run = v->options->run;
    v->run.shapes = (nnc_option_list){0};
    NNC_TRY(nnc_provenance_flags(&v->data, &v->run, report));
    v->data.labels = v->options->labels ? v->options->labels : v->data.labels;
    v->data.classes = v->options->classes ? v->options->classes : v->data.classes;
    NNC_TRY(check_files(v, model));
    nnc_verify_numbers(&v->verdicts, v->report);
    return check_with_model(v, model);
}

static nnc_status conclude(const verifier *v)
{
    const nnc_verdicts *d = &v->verdicts;
    const size_t bad = d->different + (v->options->strict ? d->skipped : 0);
    nnc_report_row *root = d->root;
    nnc_report_string(root, "verdict", bad ? "FAILED" : "PASSED");
    NNC_TRY(nnc_report_status(d->report));
    if (bad) {
        NNC_FAIL(NNC_ERR_VERIFY, "%zu of %zu checks failed: %zu differ, %zu could not be made", bad,
                 d->equal + d->different + d->skipped, d->different, d->skipped);
    }
    return NNC_OK;
}

nnc_status nnc_verify(nnc_report **out, const nnc_report *report, const char *model,
                      const nnc_verify_options *options, const nnc_log *log)
{
    NNC_TRY(nnc_report_create(out, "verify"));
    verifier v = {.options = options, .log = log, .data = NNC_DATA_DEFAULTS,
                  .report = nnc_report_root((nnc_report *)(uintptr_t)report),
                  .verdicts = {.report = *out, .root = nnc_report_root(*out)}};
    nnc_status status = verify(&v, report, model);
    status = status == NNC_OK ? conclude(&v) : status;
    nnc_exec_destroy(v.exec);
    nnc_source_deinit(&v.model);
    nnc_source_deinit(&v.source);
    nnc_option_list_deinit(&v.run.shapes);
    if (status != NNC_OK && status != NNC_ERR_VERIFY) {
        nnc_report_destroy(*out);
        *out = NULL;
    }
    return status;
}
