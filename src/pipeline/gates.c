/* Gates: reading the limits, and what can be refused before any work. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/gates.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "eval/statistics.h"

/* A number in front of `suffix`; false if the text is none. */
static bool number_before(double *out, const char *text, const char *suffix)
{
    char number[64];
    const size_t n = strlen(text), m = strlen(suffix);
    if (n <= m || n - m >= sizeof(number) || strcmp(text + n - m, suffix) != 0) {
        return false;
    }
    memcpy(number, text, n - m);
    number[n - m] = 0;
    return nnc_parse_double(number, out);
}

/* "1%" or a fraction below 1: a bare "1" may mean either and is refused. */
static nnc_status read_share(nnc_gate_limit *out, const char *name, const char *text, bool may_be_relative)
{
    double x = 0;
    bool ok = number_before(&x, text, "%");
    if (!ok && may_be_relative && number_before(&x, text, "%rel")) {
        ok = out->relative = true;
    }
    if (ok) {
        x /= 100;
    } else if (nnc_parse_double(text, &x)) {
        if (x >= 1) {
            NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not clear: write %s%% or a fraction below 1", name, text, text);
        }
        ok = true;
    }
    if (!ok) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not a share like 1%% or 0.01%s", name, text,
                 may_be_relative ? ", or 1%rel" : "");
    }
    if (!(x >= 0 && x <= 1)) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is outside 0%% to 100%%", name, text);
    }
    out->given = true;
    out->value = x;
    return NNC_OK;
}

/* A share that samples must prove: 100 % is beyond any number of them. */
static nnc_status read_proven_share(nnc_gate_limit *out, const char *name, const char *text)
{
    NNC_TRY(read_share(out, name, text, false));
    if (out->value == 1) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: no number of samples proves 100%%; 99.9%% needs 2995 of them", name);
    }
    return NNC_OK;
}

static nnc_status read_positive(nnc_gate_limit *out, const char *name, const char *text, const char *suffix,
                                const char *expected)
{
    double x = 0;
    if (!number_before(&x, text, suffix) && !nnc_parse_double(text, &x)) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not %s", name, text, expected);
    }
    if (!(x > 0 && x <= 1e9)) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not above 0", name, text);
    }
    out->given = true;
    out->value = x;
    return NNC_OK;
}

static nnc_status read_size(nnc_gate_limit *out, const char *name, const char *text, bool may_be_relative)
{
    uint64_t bytes = 0;
    double x = 0;
    if (may_be_relative && number_before(&x, text, "%")) {
        if (!(x > 0 && x <= 10000)) {
            NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is outside 0%% to 10000%% of the original", name, text);
        }
        *out = (nnc_gate_limit){true, true, x / 100};
        return NNC_OK;
    }
    if (!nnc_parse_size(text, &bytes) || bytes == 0) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not a size like 26214400 or 25MB%s", name, text,
                 may_be_relative ? ", or 30% of the original's" : "");
    }
    *out = (nnc_gate_limit){true, false, (double)bytes};
    return NNC_OK;
}

static nnc_status read_tolerance(double *out, const char *name, const char *text, const char *baseline)
{
    nnc_gate_limit limit = {0};
    if (!text) {
        return NNC_OK;
    }
    if (!baseline) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s needs --baseline FILE", name);
    }
    NNC_TRY(read_share(&limit, name, text, false));
    *out = limit.value;
    return NNC_OK;
}

nnc_status nnc_gates_init(nnc_gates *out, const nnc_gate_flags *f, const char *kind)
{
    const bool pair = strcmp(kind, "eval") != 0;
    *out = (nnc_gates){.baseline_drop = 0.005, .baseline_size = 0.01, .baseline_latency = 0.1};
    if (f->max_drop) {
        NNC_TRY(read_share(&out->max_drop, "max-drop", f->max_drop, true));
    }
    if (f->min_agreement) {
        NNC_TRY(read_proven_share(&out->min_agreement, "min-agreement", f->min_agreement));
    }
    if (f->min_accuracy) {
        NNC_TRY(read_proven_share(&out->min_accuracy, "min-accuracy", f->min_accuracy));
    }
    if (f->min_fp32) {
        NNC_TRY(read_share(&out->min_fp32, "min-fp32", f->min_fp32, false));
    }
    if (f->min_speedup) {
        NNC_TRY(read_positive(&out->min_speedup, "min-speedup", f->min_speedup, "x", "a factor like 1.3 or 1.3x"));
    }
    if (f->max_latency) {
        NNC_TRY(read_positive(&out->max_latency, "max-latency", f->max_latency, "ms", "a time like 5 or 5ms"));
    }
    if (f->max_size) {
        NNC_TRY(read_size(&out->max_size, "max-size", f->max_size, pair));
    }
    if (f->max_memory) {
        NNC_TRY(read_size(&out->max_memory, "max-memory", f->max_memory, false));
    }
    NNC_TRY(read_tolerance(&out->baseline_drop, "baseline-drop", f->baseline_drop, f->baseline));
    NNC_TRY(read_tolerance(&out->baseline_size, "baseline-size", f->baseline_size, f->baseline));
    NNC_TRY(read_tolerance(&out->baseline_latency, "baseline-latency", f->baseline_latency, f->baseline));
    if (f->baseline) {
        out->baseline_path = f->baseline;
        NNC_TRY(nnc_baseline_load(&out->baseline, f->baseline, kind));
    }
    return NNC_OK;
}

void nnc_gates_deinit(nnc_gates *gates)
{
    nnc_report_destroy(gates->baseline);
    *gates = (nnc_gates){0};
}

bool nnc_gates_any(const nnc_gates *g)
{
    return g->max_drop.given || g->min_agreement.given || g->min_accuracy.given || g->min_speedup.given ||
           g->max_latency.given || g->max_size.given || g->max_memory.given || g->baseline;
}

bool nnc_gates_need_labels(const nnc_gates *g)
{
    return g->max_drop.given || g->min_accuracy.given || g->min_fp32.given;
}

bool nnc_gates_need_latency(const nnc_gates *g)
{
    return g->min_speedup.given || g->max_latency.given || g->baseline;
}

nnc_status nnc_gates_check(const nnc_gates *g, bool has_eval, double bench_seconds)
{
    if (!has_eval && nnc_gates_need_labels(g)) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s needs labelled samples: --eval PATH",
                 g->max_drop.given ? "max-drop" : g->min_accuracy.given ? "min-accuracy" : "min-fp32");
    }
    if (bench_seconds <= 0 && (g->min_speedup.given || g->max_latency.given)) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s needs a latency measurement: --bench-seconds above 0",
                 g->min_speedup.given ? "min-speedup" : "max-latency");
    }
    return NNC_OK;
}

nnc_status nnc_gates_check_fp32(const nnc_gates *g, size_t right, size_t n, bool certain)
{
    const double share = n ? (double)right / (double)n : 1;
    if (!g->min_fp32.given || share >= g->min_fp32.value ||
        (certain && nnc_share_upper(right, n) >= g->min_fp32.value)) {
        return NNC_OK;
    }
    NNC_FAIL(NNC_ERR_DATA,
             "the original is right in %.2f %% of %zu samples, --min-fp32 is %.2f %%: preprocessing is probably wrong "
             "(see --preprocess, --labels, --label-offset)",
             100 * share, n, 100 * g->min_fp32.value);
}

uint64_t nnc_gates_memory(nnc_exec *exec)
{
    return (uint64_t)nnrt_model_constant_bytes(nnc_exec_model(exec)) +
           (uint64_t)nnrt_session_arena_bytes(nnc_exec_session(exec));
}
