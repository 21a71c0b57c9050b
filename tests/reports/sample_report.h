/* A made-up report with every field that the pipeline writes, for tests of the renderers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_REPORTS_SAMPLE_REPORT_H
#define NNC_TESTS_REPORTS_SAMPLE_REPORT_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/report.h"

typedef struct sample_options {
    size_t layers;
    bool verified;    /* labelled evaluation data */
    bool review;      /* gates, classes, manifests, checks, size map, steps, candidates */
    const char *name; /* put in front of names; NULL: realistic ones */
} sample_options;

/* Repeatable noise in [0, 1). */
static inline double sample_noise(uint32_t i)
{
    i = (i ^ 61u ^ (i >> 16)) * 9u;
    i = (i ^ (i >> 4)) * 0x27d4eb2du;
    return (double)((i ^ (i >> 15)) & 0xffffu) / 65536.0;
}

static inline void sample_name(char *buf, size_t bytes, const sample_options *o, const char *name)
{
    snprintf(buf, bytes, "%s%s", o->name ? o->name : "", name);
}

static inline void sample_facts(nnc_report_row *root, const sample_options *o)
{
    char name[1024];
    const struct {
        const char *path, *value;
    } texts[] = {
        {"tool.name", "nncompress"},
        {"tool.version", "0.1.0"},
        {"tool.command",
         "nncompress resnet18.onnx --int8 --calib train/ --preprocess imagenet-torch --eval val/"},
        {"environment.cpu", "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"},
        {"environment.isa", "avx512vnni"},
        {"environment.compiler", "gcc 12.2.0"},
        {"environment.os", "Debian GNU/Linux 12 (bookworm), Linux 6.1.0"},
        {"environment.governor", "performance"},
        {"source.path", "models/resnet18.onnx"},
        {"source.sha256", "5f0e7c1a9d3b2c4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6"},
        {"source.producer", "pytorch"},
        {"output.path", "resnet18.int8.onnx"},
        {"output.sha256", "0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eafb"},
        {"data.calibration.spec", "train/"},
        {"data.calibration.format", "class folders of images"},
        {"data.calibration.preprocessing",
         "resize shorter 256 bilinear, crop 224, rgb, 1/255, mean .485/.456/.406"},
        {"data.calibration.model_sees",
         "input 'x' NCHW 1x3x224x224 float32: R -2.118..2.249 mean 0.02, G "
         "-2.036..2.429 mean 0.11, B -1.804..2.64 mean 0.31"},
        {"data.calibration.content_xxh3", "9f86d081884c7d65"},
        {"options.seed", NULL},
        {"quantization.target", "ort"},
        {"quantization.method_asked", "auto"},
        {"quantization.method", "auto"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        sample_name(name, sizeof(name), o, texts[i].value ? texts[i].value : "");
        nnc_report_string(root, texts[i].path, texts[i].value ? name : NULL);
    }
}

static inline void sample_numbers(nnc_report_row *root, const sample_options *o)
{
    nnc_report_int(root, "environment.cores", 2);
    nnc_report_int(root, "environment.threads", 2);
    nnc_report_int(root, "source.bytes", 46832012);
    nnc_report_int(root, "source.opset", 17);
    nnc_report_int(root, "source.ir_version", 8);
    nnc_report_string(root, "output.format", "onnx");
    nnc_report_int(root, "output.bytes", 11794112);
    nnc_report_int(root, "output.opset", 17);
    nnc_report_append_string(root, "options.steps", "int8");
    nnc_report_int(root, "options.calibration_samples", 300);
    nnc_report_int(root, "data.calibration.samples", 300);
    nnc_report_int(root, "data.calibration.used", 240);
    nnc_report_int(root, "data.calibration.held_back", 60);
    nnc_report_bool(root, "data.calibration.random", false);
    nnc_report_bool(root, "quantization.per_channel", true);
    nnc_report_double(root, "quantization.held_sqnr_db.auto", 31.27);
    nnc_report_double(root, "quantization.held_sqnr_db.minmax", 27.95);
    nnc_report_double(root, "quantization.held_agreement.auto", 0.9833);
    nnc_report_double(root, "quantization.held_agreement.minmax", 0.9667);
    nnc_report_int(root, "quantization.pair_overflow_pairs", 1203);
    nnc_report_int(root, "quantization.pair_overflow_layers", 7);
    if (o->verified) {
        nnc_report_string(root, "data.evaluation.spec", "val/");
        nnc_report_string(root, "data.evaluation.format", "class folders of images");
        nnc_report_int(root, "data.evaluation.samples", 10000);
        nnc_report_int(root, "data.overlap", 0);
    }
}

static inline void sample_accuracy(nnc_report_row *root, const sample_options *o)
{
    char name[1024];
    nnc_report_bool(root, "accuracy.verified", o->verified);
    nnc_report_string(root, "accuracy.judged_on",
                      o->verified ? "evaluation data" : "calibration samples held back");
    nnc_report_int(root, "accuracy.samples", o->verified ? 10000 : 60);
    nnc_report_int(root, "accuracy.bad_samples", 0);
    if (o->verified) {
        nnc_report_double(root, "accuracy.top1_fp32", 0.6976);
        nnc_report_double(root, "accuracy.top1_int8", 0.6957);
        nnc_report_double(root, "accuracy.top5_fp32", 0.8908);
        nnc_report_double(root, "accuracy.top5_int8", 0.8899);
        nnc_report_double(root, "accuracy.drop", 0.0019);
        nnc_report_double(root, "accuracy.drop_low", -0.0004);
        nnc_report_double(root, "accuracy.drop_high", 0.0042);
        nnc_report_int(root, "accuracy.only_fp32_right", 79);
        nnc_report_int(root, "accuracy.only_int8_right", 60);
    }
    nnc_report_double(root, "accuracy.agreement", o->verified ? 0.9741 : 0.983333);
    nnc_report_double(root, "accuracy.agreement_low", o->verified ? 0.9708 : 0.9114);
    nnc_report_double(root, "accuracy.agreement_high", o->verified ? 0.977 : 0.9971);
    nnc_report_double(root, "accuracy.output_sqnr_db", 31.02);
    nnc_report_double(root, "accuracy.output_cosine", 0.99961);
    nnc_report_double(root, "accuracy.output_max_abs", 0.813);
    for (uint32_t i = 0; i < 30; i++) {
        char base[64];
        snprintf(base, sizeof(base), "n0144%04u/ILSVRC2012_val_%08u.JPEG", i * 37, i * 977 + 12);
        sample_name(name, sizeof(name), o, base);
        nnc_report_row *row = nnc_report_append(root, "accuracy.changed");
        nnc_report_string(row, "sample", name);
        nnc_report_int(row, "label", o->verified ? (int64_t)(i * 31 % 1000) : -1);
        nnc_report_int(row, "top1_fp32", i % 3 ? i * 31 % 1000 : 17);
        nnc_report_int(row, "top1_int8", i % 3 ? 900 - i : i * 31 % 1000);
    }
}

static inline void sample_latency(nnc_report_row *root)
{
    enum { RUNS = 400 };
    const char *const which[2] = {"fp32", "int8"};
    const double base[2] = {12.41, 3.61};
    for (uint32_t m = 0; m < 2; m++) {
        double samples[RUNS];
        for (uint32_t i = 0; i < RUNS; i++) {
            const double u = sample_noise(i * 2 + m + 11);
            samples[i] = base[m] * (0.985 + 0.03 * u + (u > 0.97 ? 0.3 * sample_noise(i) : 0));
        }
        char path[64];
        const struct {
            const char *name;
            double value;
        } numbers[] = {{"p50_ms", base[m]},
                       {"p90_ms", base[m] * 1.012},
                       {"p99_ms", base[m] * 1.21},
                       {"min_ms", base[m] * 0.985},
                       {"mean_ms", base[m] * 1.005},
                       {"throughput_per_s", 995 / base[m]},
                       {"coefficient_of_variation", 0.031}};
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            snprintf(path, sizeof(path), "latency.%s.%s", which[m], numbers[i].name);
            nnc_report_double(root, path, numbers[i].value);
        }
        snprintf(path, sizeof(path), "latency.%s.runs", which[m]);
        nnc_report_int(root, path, RUNS);
        snprintf(path, sizeof(path), "latency.%s.samples_ms", which[m]);
        nnc_report_doubles(root, path, samples, RUNS);
    }
    nnc_report_bool(root, "latency.measured", true);
    nnc_report_double(root, "latency.speedup", 3.437);
    nnc_report_double(root, "latency.speedup_low", 3.431);
    nnc_report_double(root, "latency.speedup_high", 3.444);
}

static inline void sample_histogram(nnc_report_row *row, uint32_t i)
{
    int64_t bins[64];
    for (uint32_t b = 0; b < 64; b++) {
        const double x = (double)b / 64.0;
        bins[b] = (int64_t)(2e6 * exp(-x * (5.0 + 6.0 * sample_noise(i))) *
                            (0.8 + 0.4 * sample_noise(b + i)));
        bins[b] = b > 50 ? bins[b] / 900 : bins[b];
    }
    nnc_report_double(row, "histogram_low", 0);
    nnc_report_double(row, "histogram_high", 9.0 + i % 5);
    nnc_report_ints(row, "histogram", bins, 64);
}

static inline void sample_layers(nnc_report_row *root, const sample_options *o)
{
    char name[1024], base[96];
    for (uint32_t i = 0; i < o->layers; i++) {
        const bool integer = i % 9 != 8;
        nnc_report_row *row = nnc_report_append(root, "layers");
        snprintf(base, sizeof(base), "/layer%u/layer%u.%u/conv%u/Conv", i / 5 + 1, i / 5 + 1,
                 i % 5 / 2, i % 2 + 1);
        sample_name(name, sizeof(name), o, base);
        nnc_report_string(row, "name", name);
        nnc_report_string(row, "op", integer ? "Conv" : "HardSwish");
        nnc_report_string(row, "output", name);
        nnc_report_string(row, "shape", "[1,64,56,56]");
        nnc_report_int(row, "macs", integer ? 115605504 : 0);
        nnc_report_bool(row, "integer", integer);
        nnc_report_int(row, "bits", integer ? 8 : 32);
        nnc_report_string(row, "reason", integer ? NULL : "no integer contract");
        nnc_report_double(row, "sqnr_db",
                          i == 2 ? INFINITY : 42 - 14 * sample_noise(i + 5) - (i == 7 ? 15 : 0));
        nnc_report_double(row, "cosine", 1 - 0.004 * sample_noise(i));
        nnc_report_double(row, "max_abs", 0.1 + sample_noise(i));
        nnc_report_double(row, "time_fp32_us", 900 * (0.4 + sample_noise(i + 70)));
        nnc_report_double(row, "time_int8_us", 240 * (0.4 + sample_noise(i + 71)));
        nnc_report_int(row, "weight_bytes_fp32", integer ? 147456 : 0);
        nnc_report_int(row, "weight_bytes_int8", integer ? 36864 : 0);
        nnc_report_int(row, "pair_overflow", i % 4 ? 0 : 301);
        nnc_report_int(row, "dead_channels", i == 3 ? 2 : 0);
        if (integer) {
            nnc_report_double(row, "scale", 0.0313725);
            nnc_report_int(row, "zero_point", 0);
            nnc_report_string(row, "method", i % 2 ? "percentile" : "mse");
            nnc_report_double(row, "clip_low", 0);
            nnc_report_double(row, "clip_high", 7.1 + i % 3);
            nnc_report_double(row, "min", 0);
            nnc_report_double(row, "max", 9.0 + i % 5);
            nnc_report_double(row, "clipped_share", 1.7e-4 * sample_noise(i));
            sample_histogram(row, i);
        }
    }
}

static inline void sample_gates(nnc_report_row *root, const sample_options *o)
{
    static const struct {
        const char *name, *verdict, *unit, *relation, *reason;
        double limit, value, low, high;
        int64_t needed;
    } rows[] = {
        {"max-drop", "PASSED", "share", "at most", "below the limit", 0.01, 0.0019, -0.0002, 0.004, 0},
        {"min-speedup", "FAILED", "x", "at least", "too slow", 4, 3.437, 3.431, 3.444, 0},
        {"min-agreement", "UNDECIDED", "share", "at least", "the limit lies between the bounds", 0.975, 0.9741,
         0.9708, 0.977, 21000},
        {"baseline-size", "SKIPPED", NULL, NULL, "no baseline", NAN, NAN, NAN, NAN, 0}};
    char name[1024];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        nnc_report_row *row = nnc_report_append(root, "gates");
        sample_name(name, sizeof(name), o, rows[i].name);
        nnc_report_string(row, "name", name);
        nnc_report_string(row, "verdict", rows[i].verdict);
        sample_name(name, sizeof(name), o, rows[i].reason);
        nnc_report_string(row, "reason", name);
        nnc_report_string(row, "unit", rows[i].unit);
        nnc_report_string(row, "relation", rows[i].relation);
        nnc_report_double(row, "limit", rows[i].limit);
        nnc_report_double(row, "value", rows[i].value);
        nnc_report_double(row, "low", rows[i].low);
        nnc_report_double(row, "high", rows[i].high);
        if (rows[i].needed) {
            nnc_report_int(row, "samples_needed", rows[i].needed);
        }
    }
    nnc_report_string(root, "verdict", "FAILED");
}

static inline void sample_review(nnc_report_row *root, const sample_options *o)
{
    static const char sha[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    static const char *const checks[] = {"reopened", "bits equal", "measured"};
    char name[1024];
    nnc_report_int(root, "tool.created_ms", 1767225600123);
    sample_name(name, sizeof(name), o, "recipe.yaml");
    nnc_report_string(root, "recipe.path", name);
    nnc_report_string(root, "recipe.sha256", sha);
    nnc_report_string(root, "data.calibration.manifest_sha256", sha);
    nnc_report_int(root, "data.calibration.manifest_samples", 300);
    nnc_report_string(root, "options.data.preprocess", "imagenet-torch");
    for (uint32_t i = 0; i < 30; i++) {
        nnc_report_row *row = nnc_report_append(root, "accuracy.classes");
        nnc_report_int(row, "class", i);
        sample_name(name, sizeof(name), o, "tench, Tinca tinca");
        nnc_report_string(row, "name", name);
        nnc_report_int(row, "samples", 50);
        nnc_report_int(row, "right_fp32", 40);
        nnc_report_int(row, "right_int8", 41 - (int64_t)(6 * sample_noise(i)));
    }
    for (size_t i = 0; i < 3; i++) {
        nnc_report_row *row = nnc_report_append(root, "checks");
        nnc_report_string(row, "name", checks[i]);
        nnc_report_bool(row, "passed", true);
        sample_name(name, sizeof(name), o, "on 4 samples");
        nnc_report_string(row, "detail", name);
        row = nnc_report_append(root, "size.map");
        nnc_report_string(row, "what", i ? "graph" : "8-bit weights");
        nnc_report_int(row, "bytes", i ? 50000 : 11000000);
        row = nnc_report_append(root, "trail");
        nnc_report_string(row, "step", i ? "int8" : "source");
        nnc_report_int(row, "nodes", 49);
        nnc_report_int(row, "weight_bytes", i ? 11730000 : 46758048);
        nnc_report_double(row, "seconds", i ? 12.5 : NAN);
        row = nnc_report_append(root, "candidates");
        sample_name(name, sizeof(name), o, i ? "8 bits" : "4 bits");
        nnc_report_string(row, "name", name);
        nnc_report_int(row, "bytes", 6000000 + 3000000 * (int64_t)i);
        nnc_report_double(row, "latency_ms", 3.0 + 0.3 * (double)i);
        nnc_report_double(row, "accuracy", i == 2 ? 0.69 : 0.66 + 0.03 * (double)i);
        nnc_report_bool(row, "chosen", i == 1);
        nnc_report_string(row, "note", i ? NULL : name);
    }
    sample_name(name, sizeof(name), o, "biases stay at 32 bits");
    nnc_report_append_string(root, "size.why", name);
}

static inline nnc_report *sample_report(const sample_options *o)
{
    nnc_report *report;
    char name[1024];
    if (nnc_report_create(&report, "compress") != NNC_OK) {
        return NULL;
    }
    nnc_report_row *root = nnc_report_root(report);
    sample_facts(root, o);
    sample_numbers(root, o);
    sample_accuracy(root, o);
    sample_latency(root);
    sample_layers(root, o);
    nnc_report_int(root, "coverage.macs", 1814073344);
    nnc_report_int(root, "coverage.int8_macs", 1810000000);
    nnc_report_double(root, "coverage.int8_share", 0.998);
    for (size_t i = 0; i < 2; i++) {
        nnc_report_row *row = nnc_report_append(root, "coverage.float_nodes");
        sample_name(name, sizeof(name), o, i ? "/fc/Gemm" : "/act/HardSwish");
        nnc_report_string(row, "name", name);
        nnc_report_string(row, "op", i ? "Gemm" : "HardSwish");
        nnc_report_int(row, "macs", i ? 512000 : 0);
        sample_name(name, sizeof(name), o, i ? "excluded by --exclude" : "no integer contract");
        nnc_report_string(row, "reason", name);
    }
    nnc_report_int(root, "size.source_bytes", 46832012);
    nnc_report_int(root, "size.output_bytes", 11794112);
    nnc_report_double(root, "size.ratio", 3.971);
    nnc_report_int(root, "size.weight_bytes_fp32", 46758048);
    nnc_report_int(root, "size.weight_bytes_int8", 11730000);
    nnc_report_int(root, "memory.arena_fp32_bytes", 6422528);
    nnc_report_int(root, "memory.arena_int8_bytes", 1806336);
    nnc_report_int(root, "memory.plan_constants_int8_bytes", 11900000);
    nnc_report_int(root, "memory.peak_bytes", 402653184);
    for (size_t i = 0; i < 2; i++) {
        static const char *const numbers[] = {"int8", "moved", "float", "refused", "unknown"};
        nnc_report_row *row = nnc_report_append(root, "targets");
        nnc_report_string(row, "name", i ? "trt10" : "ort");
        sample_name(name, sizeof(name), o, i ? "TensorRT 10" : "ONNX Runtime");
        nnc_report_string(row, "reader", name);
        sample_name(name, sizeof(name), o, i ? "out/resnet18.int8.trt10.onnx" : "out/resnet18.int8.ort.onnx");
        nnc_report_string(row, "path", name);
        sample_name(name, sizeof(name), o, i ? "rules checked, engine not built" : "rules checked");
        nnc_report_string(row, "proof", name);
        nnc_report_int(row, "bytes", 11794112);
        nnc_report_double(row, "top1_int8", 0.7375);
        nnc_report_double(row, "drop", 0.0005);
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
            char path[32];
            snprintf(path, sizeof(path), "nodes.%s", numbers[k]);
            nnc_report_int(row, path, k < 3 ? 20 - (int64_t)k : 0);
        }
    }
    sample_name(name, sizeof(name), o,
                "ONNX Runtime on CPUs without VNNI could saturate in 7 layers; for those use "
                "--target ort-avx2");
    nnc_report_append_string(root, "warnings", name);
    sample_name(name, sizeof(name), o,
                "other runtimes: the file follows the target's rules, but was measured on "
                "the bundled runtime only");
    nnc_report_append_string(root, "not_checked", name);
    nnc_report_append_string(root, "not_checked", "GPU: everything was measured on the CPU");
    nnc_report_append_string(root, "not_checked", "labels: taken as given");
    nnc_report_append_string(root, "not_checked", "batch sizes other than 1");
    nnc_report_string(root, "verdict", "DONE");
    if (o->review) {
        sample_review(root, o);
        sample_gates(root, o);
    }
    return report;
}

#endif
