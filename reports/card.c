/* Model card: Markdown behind a YAML header as model hubs read it. SPDX-License-Identifier: Apache-2.0
 * It states what was measured; what nobody told the tool it does not make up. */
#include <math.h>
#include <string.h>

#include "reports/markdown.h"

/* A YAML scalar in double quotes: JSON's escapes are YAML's. */
static void yaml(nnc_str *out, const char *key, const char *text)
{
    nnc_str_appendf(out, "%s: \"", key);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            nnc_str_appendf(out, "\\%c", *c);
        } else if (*c == '\n') {
            nnc_str_append(out, "\\n");
        } else {
            nnc_str_append_n(out, c, 1);
        }
    }
    nnc_str_append(out, "\"\n");
}

static void metric(nnc_str *out, const nnc_report_row *root, const char *type, const char *path,
                   const char *name)
{
    const double value = nnc_row_double(root, path);
    if (isfinite(value)) {
        nnc_str_appendf(out, "          - type: %s\n            name: \"%s\"\n            value: ", type,
                        name);
        nnc_report_append_double(out, value);
        nnc_str_append(out, "\n");
    }
}

static void header(nnc_str *out, const nnc_report_row *root)
{
    const char *source = nnc_text_basename(nnc_row_string(root, "source.path"));
    const char *output = nnc_text_basename(nnc_row_string(root, "output.path"));
    nnc_str_append(out, "---\n");
    nnc_str_append(out, "library_name: onnx\ntags:\n  - onnx\n  - int8\n  - quantized\n  - nncompress\n");
    if (*source) {
        yaml(out, "base_model", source);
        nnc_str_append(out, "base_model_relation: quantized\n");
    }
    if (nnc_row_bool(root, "accuracy.verified")) {
        nnc_str_append(out, "model-index:\n");
        yaml(out, "  - name", output);
        nnc_str_append(out, "    results:\n      - task:\n          type: other\n"
                            "        dataset:\n          type: custom\n");
        yaml(out, "          name", nnc_text_basename(nnc_row_string(root, "data.evaluation.spec")));
        nnc_str_append(out, "        metrics:\n");
        metric(out, root, "accuracy", "accuracy.top1_int8", "top-1 accuracy");
        metric(out, root, "accuracy", "accuracy.top5_int8", "top-5 accuracy");
    }
    nnc_str_append(out, "---\n\n# ");
    nnc_md_text(out, *output ? output : "model", 200);
    nnc_str_append(out, "\n\n");
}

static void fact(nnc_str *out, const nnc_report_row *root, const char *name, const char *path)
{
    const char *text = nnc_row_string(root, path);
    if (*text) {
        nnc_str_appendf(out, "- %s: ", name);
        nnc_md_text(out, text, 800);
        nnc_str_append(out, "\n");
    }
}

static void description(nnc_str *out, const nnc_report_row *root)
{
    nnc_str line = {0};
    nnc_str_append(out, "Compressed from ");
    nnc_md_code(out, nnc_text_basename(nnc_row_string(root, "source.path")), 200);
    nnc_str_append(out, " by nncompress ");
    nnc_md_text(out, nnc_row_string(root, "tool.version"), 40);
    nnc_str_append(out, ". Result: ");
    nnc_text_accuracy(&line, root);
    nnc_md_text(out, nnc_str_get(&line), 0);
    nnc_str_append(out, ".\n\n## Model\n\n");
    nnc_str_deinit(&line);
    fact(out, root, "Format", "output.format");
    fact(out, root, "Exporter of the source", "source.producer");
    fact(out, root, "Written for", "quantization.target");
    fact(out, root, "Calibration method", "quantization.method");
    fact(out, root, "Input", "data.calibration.model_sees");
    nnc_str_append(out, "\nWeights and activations are 8-bit integers where the layer table of the report says "
                        "so; the file holds them as QuantizeLinear and DequantizeLinear pairs (ONNX) or as "
                        "packed integers (runtime plan).\n\n");
}

static void use(nnc_str *out)
{
    nnc_str_append(out,
                   "## Intended use\n\nThat of the source model, on inputs like the evaluation data below, "
                   "prepared the same way. The licence, the training data and the ethical considerations are "
                   "those of the source model; nncompress was not told them and states nothing about "
                   "them.\n\n");
}

static void data(nnc_str *out, const nnc_report_row *root)
{
    static const char *const sets[][2] = {{"calibration", "Calibration"}, {"evaluation", "Evaluation"}};
    nnc_str_append(out, "## Data\n\n");
    for (size_t i = 0; i < 2; i++) {
        nnc_str path = {0};
        nnc_str_appendf(&path, "data.%s", sets[i][0]);
        const nnc_report_row *set = nnc_report_find(root, nnc_str_get(&path));
        nnc_str_deinit(&path);
        if (!set || !*nnc_row_string(set, "spec")) {
            continue;
        }
        nnc_str_appendf(out, "%s: ", sets[i][1]);
        nnc_text_fixed(out, nnc_row_double(set, "samples"), 0);
        nnc_str_append(out, " samples of ");
        nnc_md_code(out, nnc_row_string(set, "spec"), 300);
        nnc_str_append(out, ", ");
        nnc_md_text(out, nnc_row_string(set, "format"), 100);
        nnc_str_append(out, "; ");
        nnc_md_text(out, nnc_row_string(set, "preprocessing"), 400);
        nnc_str_append(out, ".\n\n");
    }
}

static void measured(nnc_str *out, const nnc_report_row *root)
{
    const nnc_report_row *one[1];
    nnc_str_append(out, "## Measured\n\n");
    nnc_md_gates(out, root);
    nnc_md_numbers(out, root);
    fact(out, root, "CPU", "environment.cpu");
    fact(out, root, "Kernels", "environment.isa");
    fact(out, root, "System", "environment.os");
    nnc_str_append(out, "\n");
    if (nnc_worst_classes(one, 1, root)) {
        nnc_str_append(out, "Classes that lost most:\n\n");
        nnc_md_classes(out, root);
    }
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    (void)options;
    NNC_TRY(nnc_report_status(report));
    const nnc_report_row *root = &report->root;
    header(out, root);
    description(out, root);
    use(out);
    data(out, root);
    measured(out, root);
    nnc_str_append(out, "## Limitations\n\n");
    nnc_md_list(out, root, "not_checked", "Not checked");
    nnc_md_list(out, root, "warnings", "Warnings");
    nnc_str_append(out, "## Provenance\n\n");
    nnc_md_hashes(out, root);
    fact(out, root, "Command", "tool.command");
    nnc_str_append(out, "\n`nncompress verify REPORT.json MODEL` recomputes these hashes; with `--rerun` it "
                        "measures again and compares every count.\n");
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_card = {.name = "card", .extension = ".card.md", .render = render};
