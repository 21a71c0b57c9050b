/* How often the gates err when the true value is exactly their limit, by simulated evaluations that go
 * through the gates as they are. The exact rates of the bounds on a drop: test_bounds.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "cmocka_all.h"
#include "eval/statistics.h"
#include "pipeline/gates.h"

#define RUNS 2000
#define LEVEL 0.05
/* Rates of RUNS trials scatter by chance; three standard deviations of a rate of 5 %. */
#define CHANCE (3 * 0.004873)

typedef enum verdict { PASSED, FAILED, UNDECIDED } verdict;

/* Of the first gate of a report. */
static verdict verdict_of(const nnc_report *report)
{
    const nnc_report_row *gate = nnc_report_at(nnc_report_root((nnc_report *)report), "gates", 0);
    const char *text = nnc_report_get_string(gate, "verdict");
    assert_non_null(text);
    return strcmp(text, "PASSED") == 0 ? PASSED : strcmp(text, "FAILED") == 0 ? FAILED : UNDECIDED;
}

static verdict judge(const nnc_gates *gates, const nnc_measured *measured)
{
    nnc_report *report;
    assert_int_equal(nnc_report_create(&report, "compare"), NNC_OK);
    assert_int_equal(nnc_gates_judge(report, gates, measured), NNC_OK);
    const verdict got = verdict_of(report);
    nnc_report_destroy(report);
    return got;
}

static void read_gates(nnc_gates *out, const nnc_gate_flags *flags)
{
    assert_int_equal(nnc_gates_init(out, flags, "compare"), NNC_OK);
}

static double uniform(nnc_rng *rng)
{
    return (double)nnc_rng_u32(rng) * 0x1p-32;
}

/* ---- accuracy: a drop of exactly the limit ---- */

typedef struct drop_case {
    const char *limit;
    unsigned n;
    double accuracy, drop, differ; /* of the original; true drop; share that one model alone has right */
} drop_case;

/* Relative limits are shares of the accuracy that the same samples measured, so they move with it. */
static const drop_case drops[] = {
    {"0%", 200, 0.9, 0, 0.03},       {"1%", 200, 0.6, 0.01, 0.05},     {"1%", 500, 0.76, 0.01, 0.02},
    {"2%", 500, 0.95, 0.02, 0.06},   {"5%", 200, 0.5, 0.05, 0.2},      {"1%rel", 500, 0.76, 0.0076, 0.03},
    {"5%rel", 300, 0.9, 0.045, 0.1}, {"30%rel", 200, 0.6, 0.18, 0.25}, {"2%rel", 1000, 0.3, 0.006, 0.02}};

#define SIDE 128
static struct {
    bool known;
    nnc_estimate estimate;
} bounds[SIDE][SIDE];

/* The bounds of a table, kept: they depend on the discordant counts alone. */
static const nnc_estimate *bounds_of(const nnc_accuracy *a)
{
    assert_true(a->only_a < SIDE && a->only_b < SIDE);
    if (!bounds[a->only_a][a->only_b].known) {
        bounds[a->only_a][a->only_b].known = true;
        bounds[a->only_a][a->only_b].estimate = nnc_estimate_drop(a, 0);
    }
    return &bounds[a->only_a][a->only_b].estimate;
}

static void draw(nnc_accuracy *a, const drop_case *c, nnc_rng *rng)
{
    const double q = (c->differ - c->drop) / 2, p = q + c->drop;
    *a = (nnc_accuracy){.samples = c->n, .labelled = true, .classes = 10};
    for (unsigned i = 0; i < c->n; i++) {
        const double u = uniform(rng);
        const bool only_a = u < p, only_b = u >= p && u < p + q, both = u >= p + q && u < c->accuracy + q;
        a->only_a += only_a;
        a->only_b += only_b;
        a->top1_a += only_a || both;
        a->top1_b += only_b || both;
    }
    a->drop = ((double)a->top1_a - (double)a->top1_b) / (double)c->n;
}

static void test_drop(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 2, 0);
    print_message("max-drop, true drop = limit: false PASSED, false FAILED of %d\n", RUNS);
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
        const drop_case *c = &drops[i];
        unsigned wrong[3] = {0};
        nnc_gates gates;
        read_gates(&gates, &(nnc_gate_flags){.max_drop = c->limit});
        memset(bounds, 0, sizeof(bounds));
        for (int run = 0; run < RUNS; run++) {
            nnc_accuracy a;
            draw(&a, c, &rng);
            const double limit = gates.max_drop.value * (gates.max_drop.relative ? (double)a.top1_a / (double)c->n : 1);
            const nnc_estimate *e = bounds_of(&a);
            const verdict got = e->high <= limit ? PASSED : e->low > limit ? FAILED : UNDECIDED;
            /* The gate itself says the same. */
            if (run % 200 == 0) {
                assert_int_equal(judge(&gates, &(nnc_measured){.accuracy = &a, .pair = true}), got);
            }
            wrong[got]++;
        }
        print_message("  %-6s n %4u accuracy %2.0f %% differ %4.1f %%: %.2f %% %.2f %%\n", c->limit, c->n,
                      100 * c->accuracy, 100 * c->differ, 100.0 * wrong[PASSED] / RUNS, 100.0 * wrong[FAILED] / RUNS);
        assert_true(wrong[PASSED] <= (LEVEL + CHANCE) * RUNS && wrong[FAILED] <= (LEVEL + CHANCE) * RUNS);
        nnc_gates_deinit(&gates);
    }
}

/* ---- shares: agreement and accuracy of exactly the limit ---- */

static void test_share(void **state)
{
    (void)state;
    static const struct {
        const char *limit;
        double share;
        unsigned n;
    } cases[] = {{"50%", 0.5, 100},   {"80%", 0.8, 50},     {"90%", 0.9, 250},     {"95%", 0.95, 1000},
                 {"98%", 0.98, 250},  {"98%", 0.98, 5000},  {"99.5%", 0.995, 1000}, {"99.9%", 0.999, 5000}};
    nnc_rng rng;
    nnc_rng_init(&rng, 3, 0);
    print_message("min-agreement (min-accuracy alike), true share = limit: false PASSED, false FAILED of %d\n", RUNS);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned wrong[3] = {0};
        nnc_gates agreement, accuracy;
        read_gates(&agreement, &(nnc_gate_flags){.min_agreement = cases[i].limit});
        read_gates(&accuracy, &(nnc_gate_flags){.min_accuracy = cases[i].limit});
        for (int run = 0; run < RUNS; run++) {
            nnc_accuracy a = {.samples = cases[i].n, .labelled = true, .classes = 10};
            for (unsigned k = 0; k < cases[i].n; k++) {
                a.agree += uniform(&rng) < cases[i].share;
            }
            a.top1_b = a.agree;
            const nnc_measured m = {.accuracy = &a, .pair = true};
            const verdict got = judge(&agreement, &m);
            wrong[got]++;
            assert_true(run % 50 || judge(&accuracy, &m) == got);
        }
        print_message("  %-5s n %4u: %.2f %% %.2f %%\n", cases[i].limit, cases[i].n, 100.0 * wrong[PASSED] / RUNS,
                      100.0 * wrong[FAILED] / RUNS);
        assert_true(wrong[PASSED] <= (LEVEL + CHANCE) * RUNS && wrong[FAILED] <= (LEVEL + CHANCE) * RUNS);
        nnc_gates_deinit(&agreement);
        nnc_gates_deinit(&accuracy);
    }
}

/* ---- latency: a median of exactly the limit ---- */

/* Times as measured on a machine: log-normal noise that may depend on that of the run before (`memory`),
 * seldom a run that was interrupted, and load that comes and goes (`slow`: share of the runs). */
typedef struct machine {
    const char *name;
    double memory, interrupted, slow;
    unsigned enough; /* runs from which on a measurement sees more than one state of the load */
} machine;

static const machine machines[] = {{"independent", 0, 0, 0, 0},
                                   {"interrupted", 0, 0.05, 0, 0},
                                   {"memory 0.6", 0.6, 0, 0, 0},
                                   {"memory 0.9", 0.9, 0.02, 0, 0},
                                   {"load of 20 runs", 0, 0.02, 0.3, 1000}};
#define NOISE 0.05
#define LOADED 0.5 /* logarithm of how much slower a run is under load */
#define LENGTH 20  /* runs that load lasts on average */

static double below(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* P(time <= exp(x)); interrupted runs take twice the time. */
static double share_below(const machine *m, double x)
{
    double sum = 0;
    for (int slow = 0; slow < 2; slow++) {
        const double at = (x - slow * LOADED) / NOISE, weight = slow ? m->slow : 1 - m->slow;
        sum += weight * ((1 - m->interrupted) * below(at) + m->interrupted * below(at - log(2) / NOISE));
    }
    return sum;
}

static double true_median(const machine *m)
{
    double lo = -1, hi = 2;
    for (int i = 0; i < 60; i++) {
        const double x = (lo + hi) / 2;
        *(share_below(m, x) < 0.5 ? &lo : &hi) = x;
    }
    return exp(lo);
}


/* Runs of two models in turn, the second `speedup` times faster. */
static void measure(double *a, double *b, unsigned n, const machine *m, double speedup, nnc_rng *rng)
{
    double noise = nnc_rng_normal(rng);
    bool loaded = uniform(rng) < m->slow;
    for (unsigned i = 0; i < 2 * n; i++) {
        noise = m->memory * noise + sqrt(1 - m->memory * m->memory) * nnc_rng_normal(rng);
        const double end = 1.0 / LENGTH, begin = m->slow < 1 ? end * m->slow / (1 - m->slow) : 1;
        loaded = uniform(rng) < (loaded ? end : begin) ? !loaded : loaded;
        const double time = exp(NOISE * noise + loaded * LOADED) * (uniform(rng) < m->interrupted ? 2 : 1);
        if (i % 2) {
            b[i / 2] = time / speedup;
        } else {
            a[i / 2] = time;
        }
    }
}

static void test_latency(void **state)
{
    (void)state;
    static double times[2][1000];
    const unsigned counts[] = {NNC_GATE_RUNS, 100, 1000};
    nnc_rng rng;
    nnc_rng_init(&rng, 4, 0);
    print_message("max-latency and min-speedup, true median = limit: false PASSED, false FAILED, UNDECIDED of %d\n", RUNS);
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        nnc_gates latency = {.max_latency = {true, false, true_median(&machines[i])}}, speedup;
        read_gates(&speedup, &(nnc_gate_flags){.min_speedup = "1.5x"});
        for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
            unsigned slow[3] = {0}, fast[3] = {0};
            const unsigned n = counts[k];
            for (int run = 0; run < RUNS; run++) {
                measure(times[0], times[1], n, &machines[i], 1.5, &rng);
                nnc_latency a = {.runs = n, .samples_ms = times[0]}, b = {.runs = n, .samples_ms = times[1]};
                nnc_accuracy none = {.samples = 1};
                nnc_measured m = {.accuracy = &none, .pair = true, .original_latency = &a, .latency = &b};
                fast[judge(&speedup, &m)]++;
                m.latency = &a;
                slow[judge(&latency, &m)]++;
            }
            print_message("  %-16s n %4u: %.2f %% %.2f %% %.0f %%   %.2f %% %.2f %% %.0f %%\n", machines[i].name, n,
                          100.0 * slow[PASSED] / RUNS, 100.0 * slow[FAILED] / RUNS, 100.0 * slow[UNDECIDED] / RUNS,
                          100.0 * fast[PASSED] / RUNS, 100.0 * fast[FAILED] / RUNS, 100.0 * fast[UNDECIDED] / RUNS);
            assert_true(fast[PASSED] <= LEVEL * RUNS && fast[FAILED] <= LEVEL * RUNS);
            assert_true(n < machines[i].enough || (slow[PASSED] <= LEVEL * RUNS && slow[FAILED] <= LEVEL * RUNS));
        }
        nnc_gates_deinit(&speedup);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drop), cmocka_unit_test(test_share),
                                       cmocka_unit_test(test_latency)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
