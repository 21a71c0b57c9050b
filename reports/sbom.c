/* CycloneDX 1.6 bill of materials: the model, its data, the model it came from, the tool, what was
 * measured. SPDX-License-Identifier: Apache-2.0 A JSON tree is a JSON tree: the document's builder
 * makes it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "reports/render.h"

#define TEXTS 16

/* A random-looking but repeatable number: version 8 of RFC 9562, from the hashes that name the run. */
static void serial_number(nnc_report_row *bom, const nnc_report_row *root)
{
    uint8_t d[32];
    char text[64];
    nnc_sha256 hash;
    static const char *const parts[] = {"output.sha256", "source.sha256", "tool.version",
                                        "data.calibration.manifest_sha256",
                                        "data.evaluation.manifest_sha256", "recipe.sha256"};
    int64_t created;
    nnc_report_get_int(root, "tool.created_ms", &created);
    nnc_sha256_init(&hash);
    nnc_sha256_update(&hash, &created, sizeof(created));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char *part = nnc_row_string(root, parts[i]);
        nnc_sha256_update(&hash, part, strlen(part) + 1);
    }
    nnc_sha256_final(&hash, d);
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x80);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    snprintf(text, sizeof(text),
             "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0],
             d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13],
             d[14], d[15]);
    nnc_report_string(bom, "serialNumber", text);
}

static void timestamp(nnc_report_row *bom, const nnc_report_row *root)
{
    nnc_str text = {0};
    if (nnc_text_created(&text, root)) {
        nnc_report_string(bom, "metadata.timestamp", nnc_str_get(&text));
    }
    nnc_str_deinit(&text);
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static void hashes(nnc_report_row *component, const nnc_report_row *root, const char *path)
{
    const char *sha = nnc_row_string(root, path);
    if (is_sha256(sha)) {
        nnc_report_row *row = nnc_report_append(component, "hashes");
        nnc_report_string(row, "alg", "SHA-256");
        nnc_report_string(row, "content", sha);
    }
}

static void property(nnc_report_row *component, const char *name, const char *value)
{
    if (value && *value) {
        nnc_report_row *row = nnc_report_append(component, "properties");
        nnc_report_string(row, "name", name);
        nnc_report_string(row, "value", value);
    }
}

static const char *name_of(const nnc_report_row *root, const char *path, const char *other)
{
    const char *name = nnc_text_basename(nnc_row_string(root, path));
    return *name ? name : other;
}

static void tool(nnc_report_row *bom, const nnc_report_row *root)
{
    nnc_report_row *row = nnc_report_append(bom, "metadata.tools.components");
    nnc_report_string(row, "type", "application");
    nnc_report_string(row, "bom-ref", "tool");
    nnc_report_string(row, "name", name_of(root, "tool.name", "nncompress"));
    if (*nnc_row_string(root, "tool.version")) {
        nnc_report_string(row, "version", nnc_row_string(root, "tool.version"));
    }
}

static void metric(nnc_report_row *card, const nnc_report_row *root, const char *type,
                   const char *slice, const char *path, const char *lo, const char *hi)
{
    const double value = nnc_row_double(root, path), low = lo ? nnc_row_double(root, lo) : NAN,
                 high = hi ? nnc_row_double(root, hi) : NAN;
    if (!isfinite(value)) {
        return;
    }
    nnc_report_row *row = nnc_report_append(card, "quantitativeAnalysis.performanceMetrics");
    nnc_str text = {0};
    nnc_report_append_double(&text, value);
    nnc_report_string(row, "type", type);
    nnc_report_string(row, "value", nnc_str_get(&text));
    if (slice && *slice) {
        nnc_report_string(row, "slice", slice);
    }
    if (isfinite(low) && isfinite(high)) {
        nnc_str_clear(&text);
        nnc_report_append_double(&text, low);
        nnc_report_string(row, "confidenceInterval.lowerBound", nnc_str_get(&text));
        nnc_str_clear(&text);
        nnc_report_append_double(&text, high);
        nnc_report_string(row, "confidenceInterval.upperBound", nnc_str_get(&text));
    }
    nnc_str_deinit(&text);
}

static void metrics(nnc_report_row *card, const nnc_report_row *root)
{
    const char *judged = nnc_row_string(root, "accuracy.judged_on");
    const char *cpu = nnc_row_string(root, "environment.cpu");
    metric(card, root, "top-1 accuracy of the source model", judged, "accuracy.top1_fp32", NULL, NULL);
    metric(card, root, "top-1 accuracy", judged, "accuracy.top1_int8", NULL, NULL);
    metric(card, root, "top-5 accuracy", judged, "accuracy.top5_int8", NULL, NULL);
    metric(card, root, "top-1 drop", judged, "accuracy.drop", "accuracy.drop_low", "accuracy.drop_high");
    metric(card, root, "top-1 agreement with the source model", judged, "accuracy.agreement",
           "accuracy.agreement_low", "accuracy.agreement_high");
    metric(card, root, "latency p50 ms", cpu, "latency.int8.p50_ms", NULL, NULL);
    metric(card, root, "speed-up", cpu, "latency.speedup", "latency.speedup_low", "latency.speedup_high");
    metric(card, root, "size ratio", NULL, "size.ratio", NULL, NULL);
}

static void texts(nnc_report_row *card, const nnc_report_row *root, const char *from, const char *to)
{
    for (size_t i = 0; i < nnc_report_count(root, from) && i < TEXTS; i++) {
        const char *text = nnc_report_string_at(root, from, i);
        if (text && *text) {
            nnc_report_append_string(card, to, text);
        }
    }
}

static void model_card(nnc_report_row *model, const nnc_report_row *root)
{
    nnc_str line = {0};
    nnc_report_string(model, "modelCard.bom-ref", "model-card");
    static const char *const refs[][2] = {{"data.calibration.spec", "data-calibration"},
                                          {"data.evaluation.spec", "data-evaluation"}};
    for (size_t i = 0; i < 2; i++) {
        if (*nnc_row_string(root, refs[i][0])) {
            nnc_report_row *row = nnc_report_append(model, "modelCard.modelParameters.datasets");
            nnc_report_string(row, "ref", refs[i][1]);
        }
    }
    const char *input = nnc_row_string(root, "data.calibration.model_sees");
    if (*input) {
        nnc_report_row *row = nnc_report_append(model, "modelCard.modelParameters.inputs");
        nnc_report_string(row, "format", input);
    }
    nnc_report_row *card = nnc_report_object(model, "modelCard");
    metrics(card, root);
    texts(card, root, "not_checked", "considerations.technicalLimitations");
    texts(card, root, "warnings", "considerations.technicalLimitations");
    nnc_text_accuracy(&line, root);
    nnc_report_append_string(card, "considerations.performanceTradeoffs", nnc_str_get(&line));
    nnc_str_deinit(&line);
}

static void pedigree(nnc_report_row *model, const nnc_report_row *root)
{
    nnc_report_row *source = nnc_report_append(model, "pedigree.ancestors");
    nnc_report_string(source, "type", "machine-learning-model");
    nnc_report_string(source, "bom-ref", "source-model");
    nnc_report_string(source, "name", name_of(root, "source.path", "source model"));
    hashes(source, root, "source.sha256");
    property(source, "nncompress:producer", nnc_row_string(root, "source.producer"));
    nnc_str notes = {0};
    nnc_str_append(&notes, "compressed by nncompress, steps:");
    for (size_t i = 0; i < nnc_report_count(root, "options.steps"); i++) {
        const char *step = nnc_report_string_at(root, "options.steps", i);
        nnc_str_appendf(&notes, " %s", step ? step : "");
    }
    nnc_report_string(model, "pedigree.notes", nnc_str_get(&notes));
    nnc_str_deinit(&notes);
}

static void model(nnc_report_row *bom, const nnc_report_row *root)
{
    nnc_report_row *row = nnc_report_object(bom, "metadata.component");
    nnc_report_string(row, "type", "machine-learning-model");
    nnc_report_string(row, "bom-ref", "model");
    nnc_report_string(row, "name", name_of(root, "output.path", "model"));
    hashes(row, root, "output.sha256");
    pedigree(row, root);
    model_card(row, root);
    property(row, "nncompress:verdict", nnc_row_string(root, "verdict"));
    property(row, "nncompress:target", nnc_row_string(root, "quantization.target"));
    property(row, "nncompress:command", nnc_row_string(root, "tool.command"));
    property(row, "nncompress:recipe_sha256", nnc_row_string(root, "recipe.sha256"));
}

static void data_set(nnc_report_row *bom, const nnc_report_row *root, const char *kind)
{
    char path[64], ref[64];
    snprintf(path, sizeof(path), "data.%s", kind);
    snprintf(ref, sizeof(ref), "data-%s", kind);
    const nnc_report_row *set = nnc_report_find(root, path);
    if (!set || !*nnc_row_string(set, "spec")) {
        return;
    }
    nnc_report_row *row = nnc_report_append(bom, "components");
    nnc_report_string(row, "type", "data");
    nnc_report_string(row, "bom-ref", ref);
    nnc_report_string(row, "name", nnc_text_basename(nnc_row_string(set, "spec")));
    nnc_report_row *content = nnc_report_append(row, "data");
    nnc_report_string(content, "type", "dataset");
    nnc_report_string(content, "name", kind);
    property(row, "nncompress:manifest_sha256", nnc_row_string(set, "manifest_sha256"));
    property(row, "nncompress:content_xxh3", nnc_row_string(set, "content_xxh3"));
    property(row, "nncompress:format", nnc_row_string(set, "format"));
    property(row, "nncompress:preprocessing", nnc_row_string(set, "preprocessing"));
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    (void)options;
    NNC_TRY(nnc_report_status(report));
    const nnc_report_row *root = &report->root;
    nnc_report *document;
    NNC_TRY(nnc_report_new(&document));
    nnc_report_row *bom = nnc_report_root(document);
    nnc_report_string(bom, "bomFormat", "CycloneDX");
    nnc_report_string(bom, "specVersion", "1.6");
    serial_number(bom, root);
    nnc_report_int(bom, "version", 1);
    timestamp(bom, root);
    tool(bom, root);
    model(bom, root);
    data_set(bom, root, "calibration");
    data_set(bom, root, "evaluation");
    nnc_report_row *dependency = nnc_report_append(bom, "dependencies");
    nnc_report_string(dependency, "ref", "model");
    nnc_status status = nnc_report_json(out, document);
    nnc_report_destroy(document);
    return status;
}

const nnc_renderer nnc_renderer_sbom = {.name = "sbom", .extension = ".cdx.json", .render = render};
