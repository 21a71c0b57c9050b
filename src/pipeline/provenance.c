/* Where a result came from, written into the report and read from it. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "pipeline/config.h"
#include "pipeline/sizes.h"

#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(nnc_data_flags, name, sh, kind, member, meta, help, "", min, max, choices),
#define OPT_TASK OPT_DATA
static const nnc_option data_rows[] = {
#include "pipeline/options.def"
    {0},
};

static nnc_status created(int64_t *ms)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    struct timespec now = {0};
    if (epoch && epoch[0]) {
        if (!nnc_parse_i64(epoch, ms) || *ms < 0 || *ms > 253402300799) {
            NNC_FAIL(NNC_ERR_USAGE, "SOURCE_DATE_EPOCH is '%s', expected seconds since 1970", epoch);
        }
        *ms *= 1000;
        return NNC_OK;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    *ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return NNC_OK;
}

static void write_option(nnc_report_row *object, const nnc_option *o, const void *flags)
{
    const void *field = (const char *)flags + o->offset;
    if (o->type == NNC_OPTION_STRING) {
        const char *text;
        memcpy(&text, field, sizeof(text));
        if (text) {
            nnc_report_string(object, o->name, text);
        }
    } else if (o->type == NNC_OPTION_ENUM) {
        int index;
        memcpy(&index, field, sizeof(index));
        if (index) {
            nnc_report_string(object, o->name, o->choices[index]);
        }
    } else if (o->type == NNC_OPTION_INT) {
        int64_t value;
        memcpy(&value, field, sizeof(value));
        if (value) {
            nnc_report_int(object, o->name, value);
        }
    } else {
        double value;
        memcpy(&value, field, sizeof(value));
        nnc_report_double(object, o->name, value); /* 0 is a value */
    }
}

/* The recipe that was read; else the resolved one, as it is written beside a result that is published. */
static nnc_status report_recipe(nnc_report_row *root, const nnc_recipe *r)
{
    nnc_str text = {0};
    bool complete = false;
    if (r->config && r->config->recipe) {
        nnc_report_string(root, "recipe.path", r->config->recipe);
        nnc_report_string(root, "recipe.sha256", r->config->recipe_sha256);
        return NNC_OK;
    }
    if (!r->config || !r->recipe_out) {
        return NNC_OK;
    }
    nnc_status status = nnc_config_resolved(&text, &complete, r->config, r->model, r->named_output);
    if (status == NNC_OK && complete) {
        char hex[65];
        uint8_t digest[32];
        nnc_sha256 sha;
        nnc_sha256_init(&sha);
        nnc_sha256_update(&sha, nnc_str_get(&text), text.len);
        nnc_sha256_final(&sha, digest);
        nnc_sha256_hex(digest, hex);
        nnc_report_string(root, "recipe.path", r->recipe_out);
        nnc_report_string(root, "recipe.sha256", hex);
    }
    nnc_str_deinit(&text);
    return status;
}

nnc_status nnc_provenance_start(nnc_run *run)
{
    const nnc_recipe *r = run->recipe;
    nnc_report_row *root = nnc_report_root(run->report);
    int64_t ms;
    NNC_TRY(created(&ms));
    nnc_report_int(root, "tool.created_ms", ms);
    NNC_TRY(report_recipe(root, r));
    nnc_report_row *data = nnc_report_object(root, "options.data");
    for (size_t i = 0; data && data_rows[i].name; i++) {
        write_option(data, &data_rows[i], &r->data);
    }
    for (size_t i = 0; i < r->run.shapes.count; i++) {
        nnc_report_append_string(root, "options.shapes", r->run.shapes.items[i]);
    }
    if (r->run.nan_weights) {
        nnc_report_string(root, "options.nan-weights", nnc_nan_choices[r->run.nan_weights]);
    }
    return NNC_OK;
}

static nnc_status apply(const nnc_option *o, nnc_data_flags *flags, const nnc_report_row *object)
{
    double number;
    int64_t integer;
    void *field = (char *)flags + o->offset;
    if (o->type == NNC_OPTION_INT && nnc_report_get_int(object, o->name, &integer)) {
        memcpy(field, &integer, sizeof(integer));
    } else if (o->type == NNC_OPTION_PERCENT && nnc_report_get_double(object, o->name, &number)) {
        memcpy(field, &number, sizeof(number));
    } else if (nnc_report_get_string(object, o->name)) {
        nnc_status status = nnc_option_apply(o, flags, nnc_report_get_string(object, o->name), false);
        return status == NNC_ERR_USAGE ? nnc_error_prepend(NNC_ERR_DATA, "report: options.data") : status;
    }
    return NNC_OK;
}

nnc_status nnc_provenance_flags(nnc_data_flags *data, nnc_run_flags *run, const nnc_report *report)
{
    static const nnc_option shape = {.name = "shape", .type = NNC_OPTION_LIST,
                                     .offset = offsetof(nnc_run_flags, shapes)};
    static const nnc_option nan = {.name = "nan-weights", .type = NNC_OPTION_ENUM,
                                   .offset = offsetof(nnc_run_flags, nan_weights), .choices = nnc_nan_choices};
    const nnc_report_row *root = nnc_report_root((nnc_report *)(uintptr_t)report);
    for (size_t i = 0; data_rows[i].name; i++) {
        nnc_str path = {0};
        nnc_report_row *object = (nnc_report_row *)(uintptr_t)root;
        nnc_str_appendf(&path, "options.data.%s", data_rows[i].name);
        nnc_option row = data_rows[i];
        row.name = nnc_str_get(&path);
        nnc_status status = apply(&row, data, object);
        nnc_str_deinit(&path);
        NNC_TRY(status);
    }
    for (size_t i = 0; i < nnc_report_count(root, "options.shapes"); i++) {
        const char *text = nnc_report_string_at(root, "options.shapes", i);
        NNC_TRY(nnc_option_apply(&shape, run, text ? text : "", false));
    }
    const char *weights = nnc_report_get_string(root, "options.nan-weights");
    return weights ? nnc_option_apply(&nan, run, weights, false) : NNC_OK;
}

static nnc_status digest(nnc_dataset_digest *out, nnc_run *run, const nnc_dataset *data, const char *key)
{
    char path[96];
    NNC_TRY(nnc_dataset_digest_make(out, data, run->log));
    nnc_report_row *root = nnc_report_root(run->report);
    snprintf(path, sizeof(path), "data.%s.manifest_sha256", key);
    nnc_report_string(root, path, out->sha256);
    snprintf(path, sizeof(path), "data.%s.manifest_samples", key);
    nnc_report_int(root, path, (int64_t)out->count);
    const size_t all = nnc_dataset_count(data), skipped = all > out->count ? all - out->count : 0;
    snprintf(path, sizeof(path), "data.%s.skipped", key);
    nnc_report_int(root, path, (int64_t)skipped);
    if (skipped > 0) {
        nnc_run_warn(run, "%s data: %zu of %zu samples cannot be read and are left out", key, skipped, all);
    }
    memcpy(data == run->calib ? run->calib_sha256 : run->eval_sha256, out->sha256, sizeof(out->sha256));
    return NNC_OK;
}

nnc_status nnc_provenance_data(nnc_run *run)
{
    nnc_dataset_digest calib = {0}, eval = {0};
    nnc_status status = digest(&calib, run, run->calib, "calibration");
    if (status == NNC_OK && run->eval) {
        status = digest(&eval, run, run->eval, "evaluation");
    }
    if (status == NNC_OK && run->eval) {
        const size_t overlap = nnc_dataset_digest_overlap(&calib, &eval);
        nnc_report_int(nnc_report_root(run->report), "data.overlap", (int64_t)overlap);
        if (overlap) {
            nnc_run_warn(run, "%zu calibration samples are also in the evaluation data", overlap);
        }
    }
    nnc_dataset_digest_deinit(&calib);
    nnc_dataset_digest_deinit(&eval);
    return status;
}

void nnc_provenance_step(nnc_run *run, const char *step, double seconds)
{
    int64_t nodes = 0;
    for (nnc_node_id i = 0; i < nnc_graph_node_count(run->graph); i++) {
        nodes += !nnc_graph_node_const(run->graph, i)->dead;
    }
    nnc_report_row *row = nnc_report_append(nnc_report_root(run->report), "trail");
    nnc_report_string(row, "step", step);
    nnc_report_int(row, "nodes", nodes);
    nnc_report_int(row, "weight_bytes", (int64_t)nnc_graph_weight_bytes(run->graph));
    nnc_report_double(row, "seconds", seconds);
}
