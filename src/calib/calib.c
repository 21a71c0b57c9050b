/* Calibration run: two passes over the samples. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "calib/calib_internal.h"
#include "calib/observe.h"
#include "calib/runner.h"

/* Share of NaN and Inf that a value may have (docs/quantization.md). */
#define NONFINITE_SHARE 0.01

typedef struct calib_pass {
    nnc_calib *calib;
    nnc_runner *runner;
    const nnc_graph *graph;
    nnc_range_sums *partial; /* pass 1: [slots][values] */
    uint64_t *hists;         /* pass 2: [slots][values][NNC_CALIB_BINS] */
} calib_pass;

void nnc_calib_destroy(nnc_calib *calib)
{
    if (!calib) {
        return;
    }
    for (size_t i = 0; i < calib->count; i++) {
        nnc_free(calib->stats[i].first_nonfinite);
    }
    nnc_free(calib->stats);
    nnc_free(calib);
}

const nnc_value_stats *nnc_calib_stats(const nnc_calib *calib, nnc_value_id value)
{
    for (size_t i = 0; calib && i < calib->count; i++) {
        if (calib->stats[i].value == value) {
            return &calib->stats[i];
        }
    }
    return NULL;
}

size_t nnc_calib_samples(const nnc_calib *calib)
{
    return calib->samples;
}

void nnc_value_stats_merge(nnc_value_stats *into, const nnc_value_stats *from)
{
    if (from->min > from->max) {
        return;
    }
    bool empty = into->min > into->max;
    nnc_value_stats both = *into;
    both.min = empty || from->min < into->min ? from->min : into->min;
    both.max = empty || from->max > into->max ? from->max : into->max;
    both.ema_min = empty || from->ema_min < into->ema_min ? from->ema_min : into->ema_min;
    both.ema_max = empty || from->ema_max > into->ema_max ? from->ema_max : into->ema_max;
    both.sum += from->sum;
    both.sum_abs += from->sum_abs;
    both.sum_sq += from->sum_sq;
    both.count += from->count;
    both.zeros += from->zeros;
    both.nonfinite += from->nonfinite;
    both.hist_lo = both.min < 0 ? both.min : 0;
    both.hist_hi = both.max > 0 ? both.max : 0;
    memset(both.hist, 0, sizeof(both.hist));
    const nnc_value_stats *parts[2] = {into, from};
    for (size_t p = 0; p < 2; p++) {
        double width = ((double)parts[p]->hist_hi - (double)parts[p]->hist_lo) / NNC_CALIB_BINS;
        for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
            if (parts[p]->hist[b]) {
                float centre = (float)((double)parts[p]->hist_lo + width * ((double)b + 0.5));
                both.hist[nnc_hist_bin(centre, both.hist_lo, both.hist_hi)] += parts[p]->hist[b];
            }
        }
    }
    *into = both;
}

static void range_tap(void *user, size_t slot, size_t model, size_t tap, const nnrt_view *view)
{
    calib_pass *pass = user;
    (void)model;
    nnc_observe_range(&pass->partial[slot * pass->calib->count + tap], view->data,
                      view->bytes / sizeof(float));
}

/* The model's own outputs must be numbers: nothing can be judged against NaN. */
static nnc_status check_outputs(calib_pass *pass, size_t slot, const nnc_sample *sample)
{
    for (size_t i = 0; i < nnc_graph_output_count(pass->graph); i++) {
        nnrt_view view;
        NNC_TRY(nnc_runner_output(&view, pass->runner, slot, 0, i));
        if (view.dtype != NNRT_F32) {
            continue;
        }
        nnc_range_sums sums;
        nnc_observe_range(&sums, view.data, view.bytes / sizeof(float));
        if (sums.nonfinite) {
            NNC_FAIL(NNC_ERR_DATA,
                     "the original model gives %llu NaN or infinite numbers in output '%s' on '%s': "
                     "not a compression problem",
                     (unsigned long long)sums.nonfinite, nnc_graph_output_name(pass->graph, i),
                     sample->name);
        }
    }
    return NNC_OK;
}

static nnc_status range_done(void *user, size_t slot, const nnc_sample *sample)
{
    calib_pass *pass = user;
    NNC_TRY(check_outputs(pass, slot, sample));
    nnc_calib *calib = pass->calib;
    for (size_t i = 0; i < calib->count; i++) {
        nnc_value_stats *stats = &calib->stats[i];
        const nnc_range_sums *sums = &pass->partial[slot * calib->count + i];
        nnc_stats_add(stats, sums, calib->samples == 0);
        if (sums->nonfinite && !stats->first_nonfinite) {
            nnc_str name = {0};
            nnc_str_append(&name, sample->name);
            NNC_TRY(nnc_str_status(&name));
            stats->first_nonfinite = name.data;
        }
    }
    calib->samples++;
    return NNC_OK;
}

static void hist_tap(void *user, size_t slot, size_t model, size_t tap, const nnrt_view *view)
{
    calib_pass *pass = user;
    (void)model;
    const nnc_value_stats *stats = &pass->calib->stats[tap];
    uint64_t *hists = pass->hists + (slot * pass->calib->count + tap) * NNC_CALIB_BINS;
    nnc_observe_hist(hists, view->data, view->bytes / sizeof(float), stats->hist_lo, stats->hist_hi);
}

static nnc_status hist_done(void *user, size_t slot, const nnc_sample *sample)
{
    (void)user;
    (void)slot;
    (void)sample;
    return NNC_OK;
}

/* Between the passes: what pass 1 saw decides the histograms' ranges. */
static nnc_status judge_ranges(nnc_calib *calib, const nnc_graph *graph, const nnc_log *log)
{
    for (size_t i = 0; i < calib->count; i++) {
        nnc_value_stats *s = &calib->stats[i];
        const char *name = nnc_graph_value_const(graph, s->value)->name;
        double all = (double)s->count + (double)s->nonfinite;
        if (all > 0 && (s->count == 0 || (double)s->nonfinite > NONFINITE_SHARE * all)) {
            NNC_FAIL(NNC_ERR_DATA, "value '%s': %llu of %.0f numbers are NaN or infinite, first on '%s'",
                     name, (unsigned long long)s->nonfinite, all, s->first_nonfinite);
        }
        if (s->nonfinite) {
            nnc_log_warn(log, "value '%s': %llu of %.0f numbers are NaN or infinite and left out, first on '%s'",
                         name, (unsigned long long)s->nonfinite, all, s->first_nonfinite);
        }
        if (s->min > s->max) {
            s->min = s->max = s->ema_min = s->ema_max = 0;
        }
        s->hist_lo = s->min < 0 ? s->min : 0;
        s->hist_hi = s->max > 0 ? s->max : 0;
    }
    return NNC_OK;
}

static nnc_status run_passes(calib_pass *pass, const nnc_dataset *data,
                             const nnc_calib_options *options, const nnc_log *log)
{
    nnc_calib *calib = pass->calib;
    nnc_runner_calls range = {.tap = range_tap, .done = range_done, .user = pass};
    nnc_runner_calls hist = {.tap = hist_tap, .done = hist_done, .user = pass};
    size_t cells = NNC_RUNNER_SLOTS * calib->count;
    pass->partial = nnc_calloc(cells, sizeof(*pass->partial));
    if (!pass->partial) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_runner_run(pass->runner, data, options->indices, options->index_count, &range,
                           "calibrate: ranges", log));
    NNC_TRY(judge_ranges(calib, pass->graph, log));
    size_t slots = nnc_runner_slots(pass->runner);
    pass->hists = nnc_calloc(slots * calib->count, NNC_CALIB_BINS * sizeof(uint64_t));
    if (!pass->hists) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_runner_run(pass->runner, data, options->indices, options->index_count, &hist,
                           "calibrate: histograms", log));
    for (size_t s = 0; s < slots; s++) {
        for (size_t i = 0; i < calib->count; i++) {
            const uint64_t *from = pass->hists + (s * calib->count + i) * NNC_CALIB_BINS;
            for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
                calib->stats[i].hist[b] += from[b];
            }
        }
    }
    return NNC_OK;
}

static nnc_status observe(nnc_calib *calib, const nnc_graph *graph, const nnc_value_id *values,
                          const nnc_dataset *data, const nnc_calib_options *options,
                          const nnc_log *log)
{
    calib_pass pass = {.calib = calib, .graph = graph};
    nnc_runner_model model = {.graph = graph, .taps = values, .tap_count = calib->count};
    NNC_TRY(nnc_runner_create(&pass.runner, &model, 1, options->threads, options->isa_max));
    nnc_status status = run_passes(&pass, data, options, log);
    nnc_free(pass.partial);
    nnc_free(pass.hists);
    nnc_runner_destroy(pass.runner);
    return status;
}

nnc_status nnc_calib_run(nnc_calib **out, const nnc_graph *graph, const nnc_value_id *values,
                         size_t value_count, const nnc_dataset *data, const nnc_calib_options *options,
                         const nnc_log *log)
{
    if (options->cache_path && nnc_file_exists(options->cache_path)) {
        nnc_status status = nnc_calib_cache_load(out, options->cache_path, options->cache_key, graph, values,
                                                 value_count);
        if (status == NNC_OK || !options->cache_optional || status == NNC_ERR_LIMIT) {
            return status;
        }
        nnc_log_warn(log, "ignored: %s", nnc_error_message());
    }
    nnc_calib *calib = nnc_calloc(1, sizeof(*calib));
    if (!calib) {
        return NNC_ERR_LIMIT;
    }
    calib->stats = nnc_calloc(value_count ? value_count : 1, sizeof(*calib->stats));
    nnc_status status = calib->stats ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        calib->count = value_count;
        for (size_t i = 0; i < value_count; i++) {
            calib->stats[i].value = values[i];
            calib->stats[i].min = INFINITY;
            calib->stats[i].max = -INFINITY;
        }
        status = observe(calib, graph, values, data, options, log);
    }
    if (status == NNC_OK && options->cache_path) {
        status = nnc_calib_cache_save(calib, options->cache_path, options->cache_key, graph);
    }
    if (status != NNC_OK) {
        nnc_calib_destroy(calib);
        return status;
    }
    *out = calib;
    return NNC_OK;
}

void nnc_calib_archive(nnc_calib **calib, nnc_archive *a)
{
    nnc_calib *c = a->out ? *calib : nnc_calloc(1, sizeof(*c));
    if (!c) {
        a->failed = true;
        return;
    }
    *calib = c;
    uint64_t samples = c->samples;
    NNC_ARCHIVE(a, samples);
    c->samples = (size_t)samples;
    size_t n = nnc_archive_count(a, c->count, sizeof(*c->stats));
    if (!a->out) {
        c->stats = nnc_calloc(n + 1, sizeof(*c->stats));
        a->failed = a->failed || !c->stats;
    }
    for (size_t i = 0; i < n && !a->failed; i++) {
        nnc_value_stats v = c->stats[i];
        const char *first = v.first_nonfinite;
        v.first_nonfinite = NULL;
        NNC_ARCHIVE(a, v);
        nnc_archive_text(a, &first);
        if (!a->out) {
            v.first_nonfinite = first ? nnc_calloc(strlen(first) + 1, 1) : NULL;
            a->failed = a->failed || (first && !v.first_nonfinite);
            if (v.first_nonfinite) {
                memcpy(v.first_nonfinite, first, strlen(first));
            }
            c->stats[i] = v;
            c->count = i + 1;
        }
    }
}
