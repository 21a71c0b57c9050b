/* Gates against an earlier report of this tool. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "pipeline/gates.h"

#define MAX_BYTES ((uint64_t)256 << 20)
#define ROUNDING 1e-12 /* of a sum of shares that are whole counts over the same number */

/* Where the reports of a verb keep what is compared; drop NULL: top1 is compared instead. */
typedef struct places {
    const char *kind, *samples, *drop, *top1, *bytes, *p50, *source;
} places;

static const places known[] = {
    {"compress", "accuracy.samples", "accuracy.drop", NULL, "size.output_bytes", "latency.int8.p50_ms",
     "source.sha256"},
    {"compare", "samples", "drop", NULL, "b.bytes", "latency.b.p50_ms", "a.sha256"},
    {"eval", "samples", NULL, "top1", "bytes", "latency.model.p50_ms", NULL},
};

static const places *places_of(const char *kind)
{
    for (size_t i = 0; kind && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].kind, kind) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static nnc_status check_baseline(nnc_report *report, const char *kind)
{
    const nnc_report_row *root = nnc_report_root(report);
    const places *at = places_of(kind);
    const char *other = nnc_report_get_string(root, "kind");
    double bytes;
    if (!other || strcmp(other, kind) != 0) {
        NNC_FAIL(NNC_ERR_DATA, "a report of '%s', expected one of '%s'", other ? other : "nothing", kind);
    }
    if (!nnc_report_get_double(root, at->bytes, &bytes) || bytes <= 0) {
        NNC_FAIL(NNC_ERR_DATA, "the report has no '%s': stale, make a new one", at->bytes);
    }
    return NNC_OK;
}

nnc_status nnc_baseline_load(nnc_report **out, const char *path, const char *kind)
{
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, path, MAX_BYTES));
    nnc_status status = nnc_report_parse(out, (const char *)map.data, map.bytes);
    nnc_file_map_close(&map);
    if (status == NNC_OK) {
        status = check_baseline(*out, kind);
        if (status != NNC_OK) {
            nnc_report_destroy(*out);
            *out = NULL;
        }
    }
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "--baseline %s", path);
}

nnc_status nnc_gates_check_source(const nnc_gates *g, const char *sha256)
{
    if (!g || !g->baseline) {
        return NNC_OK;
    }
    const nnc_report_row *old = nnc_report_root(g->baseline);
    const places *at = places_of(nnc_report_get_string(old, "kind"));
    const char *other = at->source ? nnc_report_get_string(old, at->source) : sha256;
    if (!other || strcmp(other, sha256) != 0) {
        NNC_FAIL(NNC_ERR_DATA, "--baseline %s: stale, made from another original (sha256 %.12s, this one is %.12s)",
                 g->baseline_path, other ? other : "missing", sha256);
    }
    return NNC_OK;
}

static bool same_text(const nnc_report_row *a, const nnc_report_row *b, const char *path)
{
    const char *x = nnc_report_get_string(a, path), *y = nnc_report_get_string(b, path);
    return x && y && strcmp(x, y) == 0;
}

static bool same_data(const nnc_report_row *old, const nnc_report_row *now, const places *at)
{
    int64_t x, y;
    return same_text(old, now, "data.evaluation.content_xxh3") && nnc_report_get_int(old, at->samples, &x) &&
           nnc_report_get_int(now, at->samples, &y) && x == y;
}

/* On the same samples the measured numbers are compared as they are; on others the bounds decide. */
static void judge_accuracy(nnc_report_row *now, const nnc_report_row *old, const places *at, const nnc_gates *g,
                           const nnc_measured *m)
{
    static const char *const same = "baseline on the same samples: measured values compared",
                            *other = "baseline on other samples";
    const nnc_accuracy *a = m->accuracy;
    const bool equal = same_data(old, now, at);
    double before;
    if (!nnc_report_get_double(old, at->drop ? at->drop : at->top1, &before)) {
        nnc_gate_without(now, "baseline-drop", "SKIPPED", "the baseline has no measured accuracy");
    } else if (!a->labelled) {
        nnc_gate_without(now, "baseline-drop", "UNDECIDED",
                         "the baseline has an accuracy, this run has none: evaluate on labelled samples");
    } else if (at->drop) {
        const double limit = before + g->baseline_drop + (equal ? ROUNDING : 0);
        const nnc_estimate e = equal ? nnc_estimate_exact(a->drop) : nnc_estimate_drop(a, limit);
        nnc_gate_decide(now, "baseline-drop", NNC_UNIT_POINTS, true, limit, &e, equal ? same : other);
    } else {
        const double limit = fmax(before - g->baseline_drop - (equal ? ROUNDING : 0), 0), n = (double)a->samples;
        const nnc_estimate e = equal ? nnc_estimate_exact((double)a->top1_a / n)
                                     : nnc_estimate_share(a->top1_a, a->samples, limit);
        nnc_gate_decide(now, "baseline-drop", NNC_UNIT_SHARE, false, limit, &e, equal ? same : other);
    }
}

static void decide_against(nnc_report_row *now, const char *name, nnc_unit unit, double limit,
                           const nnc_estimate *estimate, double before)
{
    nnc_str note = {0};
    nnc_str_append(&note, "baseline ");
    nnc_unit_number(&note, unit, before, 0, false);
    nnc_gate_decide(now, name, unit, true, limit, estimate, nnc_str_get(&note));
    nnc_str_deinit(&note);
}

static nnc_status judge_latency(nnc_report_row *now, const nnc_report_row *old, const places *at,
                                const nnc_gates *g, const nnc_measured *m)
{
    double before;
    int64_t threads_old = -1, threads_now = -1;
    const char *why = NULL;
    nnc_report_get_int(old, "environment.threads", &threads_old);
    nnc_report_get_int(now, "environment.threads", &threads_now);
    if (!nnc_report_get_double(old, at->p50, &before) || before <= 0) {
        why = "not compared: the baseline has no latency";
    } else if (!m->latency) {
        why = "not compared: latency was not measured";
    } else if (!same_text(old, now, "environment.cpu")) {
        why = "not compared: the baseline is of another CPU";
    } else if (!same_text(old, now, "environment.isa")) {
        why = "not compared: the baseline is of other kernels (isa)";
    } else if (threads_old != threads_now) {
        why = "not compared: the baseline is of another number of threads";
    }
    if (why) {
        nnc_gate_without(now, "baseline-latency", "SKIPPED", why);
        return NNC_OK;
    }
    const double limit = before * (1 + g->baseline_latency);
    nnc_estimate e;
    NNC_TRY(nnc_estimate_median(&e, m->latency->samples_ms, m->latency->runs, limit));
    decide_against(now, "baseline-latency", NNC_UNIT_MS, limit, &e, before);
    return NNC_OK;
}

nnc_status nnc_baseline_judge(nnc_report *report, const nnc_gates *g, const nnc_measured *m)
{
    if (!g->baseline) {
        return NNC_OK;
    }
    nnc_report_row *now = nnc_report_root(report);
    const nnc_report_row *old = nnc_report_root(g->baseline);
    const places *at = places_of(nnc_report_get_string(old, "kind"));
    double before = 0;
    judge_accuracy(now, old, at, g, m);
    nnc_report_get_double(old, at->bytes, &before);
    const nnc_estimate size = nnc_estimate_exact((double)m->bytes);
    decide_against(now, "baseline-size", NNC_UNIT_BYTES, floor(before * (1 + g->baseline_size)), &size, before);
    return judge_latency(now, old, at, g, m);
}
