/* Lock files: JSON, which the reader of recipes takes as well. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/lock.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "pipeline/config.h"
#include "pipeline/outputs.h"
#include "pipeline/targets.h"

#define LOCK_SCHEMA "nncompress.lock"

static void put_string(nnc_str *out, const char *key, const char *value, const char *end)
{
    nnc_str_appendf(out, "\"%s\": \"", key);
    for (const char *c = value; *c; c++) {
        nnc_str_append(out, *c == '"' || *c == '\\' ? "\\" : "");
        nnc_str_append_n(out, c, 1);
    }
    nnc_str_appendf(out, "\"%s", end);
}

/* Everything in files besides the model file that the graph's numbers came from. */
static void weights_hash(char hex[65], const nnc_graph *graph)
{
    nnc_sha256 sha;
    uint8_t digest[32];
    nnc_sha256_init(&sha);
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        const nnc_value *value = nnc_graph_value_const(graph, v);
        if (!value->dead && value->kind == NNC_VALUE_CONST && value->tensor.buffer) {
            nnc_sha256_update(&sha, nnc_tensor_data(&value->tensor), nnc_tensor_bytes(&value->tensor));
        }
    }
    nnc_sha256_final(&sha, digest);
    nnc_sha256_hex(digest, hex);
}

void nnc_run_model_hash(char out[160], const nnc_run *run)
{
    const nnc_source *source = &run->source;
    char weights[65];
    int n = source->sha256[0] ? snprintf(out, 160, "%s", source->sha256)
                              : snprintf(out, 160, "xxh3:%016llx", (unsigned long long)source->info.hash);
    if (source->info.external_bytes) {
        weights_hash(weights, source->graph);
        snprintf(out + n, 160 - (size_t)n, "+%s", weights);
    }
}

static void put_data(nnc_str *out, const char *role, const nnc_dataset *data, const char *spec, const char *sha256,
                     const char *end)
{
    nnc_str_appendf(out, "  \"%s\": {", role);
    put_string(out, "path", spec, ", ");
    nnc_str_appendf(out, "\"samples\": %zu, ", nnc_dataset_count(data));
    put_string(out, "sha256", sha256, end);
}

static nnc_status put_settings(nnc_str *out, const nnc_config *config)
{
    nnc_str lines = {0};
    nnc_status status = nnc_config_settings(&lines, config, SIZE_MAX);
    char *line = lines.data;
    nnc_str_append(out, "  \"settings\": {");
    for (const char *comma = "\n"; status == NNC_OK && line && *line; comma = ",\n") {
        char *end = strchr(line, '\n'), *equals = strchr(line, '=');
        *end = *equals = 0;
        nnc_str_appendf(out, "%s    ", comma);
        put_string(out, line, equals + 1, "");
        line = end + 1;
    }
    nnc_str_append(out, "\n  },\n");
    nnc_str_deinit(&lines);
    return status;
}

static nnc_status render(nnc_str *out, const nnc_run *run, const nnc_str *recipe)
{
    const nnc_recipe *r = run->recipe;
    char model[160], hex[65];
    nnc_sha256 sha;
    uint8_t digest[32];
    nnc_run_model_hash(model, run);
    nnc_sha256_init(&sha);
    nnc_sha256_update(&sha, nnc_str_get(recipe), recipe->len);
    nnc_sha256_final(&sha, digest);
    nnc_sha256_hex(digest, hex);
    nnc_str_append(out, "{\n  \"schema\": \"" LOCK_SCHEMA "\",\n  \"version\": 1,\n  \"tool\": \"" NNC_VERSION "\",\n");
    nnc_str_appendf(out, "  \"seed\": %lld,\n  \"model\": {", (long long)r->seed);
    put_string(out, "path", r->model, ", ");
    nnc_str_appendf(out, "\"bytes\": %llu, ", (unsigned long long)run->source.bytes);
    put_string(out, "sha256", model, "},\n");
    put_data(out, "calibration", run->calib, r->calib, run->calib_sha256, "},\n");
    if (run->eval) {
        put_data(out, "evaluation", run->eval, r->eval, run->eval_sha256, "},\n");
    }
    NNC_TRY(put_settings(out, r->config));
    nnc_str_append(out, "  \"recipe\": {");
    if (r->config->recipe) {
        put_string(out, "path", r->config->recipe, ", ");
        put_string(out, "sha256", r->config->recipe_sha256, ", ");
    }
    put_string(out, "resolved_sha256", hex, "},\n");
    nnc_str_append(out, "  \"output\": {");
    put_string(out, "path", r->output, ", ");
    put_string(out, "sha256", run->output_sha256, "");
    for (size_t i = 1; run->targets && i < run->targets->count; i++) {
        nnc_str_append(out, ", ");
        put_string(out, run->targets->list[i]->name, run->targets->sha256[i], "");
    }
    nnc_str_append(out, "}\n}\n");
    return nnc_str_status(out);
}

nnc_status nnc_lock_write(nnc_run *run)
{
    const nnc_recipe *r = run->recipe;
    nnc_str recipe = {0}, lock = {0};
    bool complete = true;
    if (!r->recipe_out) {
        return NNC_OK;
    }
    nnc_status status = nnc_config_resolved(&recipe, &complete, r->config, r->model, r->named_output);
    if (status == NNC_OK && !complete) {
        nnc_log_warn(run->log, "recipe and lock file are not written: a path or text of this run is not UTF-8 text");
        return NNC_OK;
    }
    status = status == NNC_OK ? render(&lock, run, &recipe) : status;
    status = status == NNC_OK ? nnc_output_write_text(r->recipe_out, &recipe, r->force) : status;
    status = status == NNC_OK ? nnc_output_write_text(r->lock_out, &lock, r->force) : status;
    nnc_str_deinit(&recipe);
    nnc_str_deinit(&lock);
    return status == NNC_OK ? NNC_OK
                            : nnc_error_prepend(status, "%s is complete, but its recipe or lock file is not", r->output);
}

static const char *text_of(const nnc_yaml *map, const char *key)
{
    const nnc_yaml *node = map && map->kind == NNC_YAML_MAP ? nnc_yaml_get(map, key) : NULL;
    return node && node->kind == NNC_YAML_TEXT ? node->text : NULL;
}

static nnc_status read_lock(const nnc_yaml **out, nnc_arena *arena, const char *path)
{
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, path, 0));
    nnc_status status = nnc_yaml_read(out, arena, path, (const char *)map.data, map.bytes);
    nnc_file_map_close(&map);
    NNC_TRY(status);
    const char *schema = text_of(*out, "schema"), *version = text_of(*out, "version");
    if (!schema || strcmp(schema, LOCK_SCHEMA) != 0 || !version) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:1:1: is not a lock file of nncompress", path);
    }
    if (strcmp(version, "1") != 0) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:1:1: lock file version %s, this build reads 1", path, version);
    }
    return NNC_OK;
}

static nnc_status compare(const char *path, const char *what, const char *expected, const char *got)
{
    if (!expected) {
        NNC_FAIL(NNC_ERR_USAGE, "%s: locked run refused: the lock file says nothing of %s, this run has %s", path, what,
                 got);
    }
    if (strcmp(expected, got) != 0) {
        NNC_FAIL(NNC_ERR_USAGE, "%s: locked run refused: %s changed: expected %s, got %s", path, what,
                 *expected ? expected : "none", *got ? got : "none");
    }
    return NNC_OK;
}

static nnc_status compare_settings(const nnc_config *config, const nnc_yaml *settings, const char *path)
{
    nnc_str lines = {0};
    char what[128];
    nnc_status status = nnc_config_settings(&lines, config, SIZE_MAX);
    for (char *line = lines.data; status == NNC_OK && line && *line;) {
        char *end = strchr(line, '\n'), *equals = strchr(line, '=');
        *end = *equals = 0;
        snprintf(what, sizeof(what), "setting '%s'", line);
        status = compare(path, what, text_of(settings, line), equals + 1);
        line = end + 1;
    }
    nnc_str_deinit(&lines);
    return status;
}

static nnc_status compare_data(const char *path, const nnc_yaml *entry, const char *role, const char *spec,
                               const nnc_dataset *data, const char *sha256)
{
    char what[256], got[128], expected[128];
    const char *hash = text_of(entry, "sha256"), *samples = text_of(entry, "samples");
    if (!data && !entry) {
        return NNC_OK;
    }
    snprintf(what, sizeof(what), "%s data '%.150s'", role, data ? spec : text_of(entry, "path"));
    snprintf(got, sizeof(got), "%s", "none");
    if (data) {
        snprintf(got, sizeof(got), "%zu samples, sha256 %s", nnc_dataset_count(data), sha256);
    }
    snprintf(expected, sizeof(expected), "%s samples, sha256 %s", samples ? samples : "?", hash ? hash : "?");
    return compare(path, what, entry ? expected : "none", got);
}

static nnc_status check_inputs(const nnc_run *run, const nnc_yaml *lock, const char *path)
{
    const nnc_recipe *r = run->recipe;
    char model[160], what[256];
    nnc_run_model_hash(model, run);
    snprintf(what, sizeof(what), "model '%.200s'", r->model);
    NNC_TRY(compare(path, "the version of nncompress", text_of(lock, "tool"), NNC_VERSION));
    NNC_TRY(compare(path, what, text_of(nnc_yaml_get(lock, "model"), "sha256"), model));
    NNC_TRY(compare_settings(r->config, nnc_yaml_get(lock, "settings"), path));
    NNC_TRY(compare_data(path, nnc_yaml_get(lock, "calibration"), "calibration", r->calib, run->calib, run->calib_sha256));
    return compare_data(path, nnc_yaml_get(lock, "evaluation"), "evaluation", r->eval, run->eval, run->eval_sha256);
}

nnc_status nnc_lock_check(const nnc_run *run, const char *path)
{
    const nnc_yaml *lock;
    nnc_arena *arena = nnc_arena_create(0);
    nnc_status status = arena ? read_lock(&lock, arena, path) : NNC_ERR_LIMIT;
    status = status == NNC_OK ? check_inputs(run, lock, path) : status;
    nnc_arena_destroy(arena);
    return status;
}

/* The same kind of file: ".onnx" and ".nncp" of one run differ. */
static bool same_kind(const char *a, const char *b)
{
    const char *x = strrchr(a, '.'), *y = strrchr(b, '.');
    return x && y && strcmp(x, y) == 0;
}

nnc_status nnc_lock_check_output(const nnc_run *run, const char *path)
{
    const nnc_yaml *lock;
    nnc_arena *arena = nnc_arena_create(0);
    nnc_status status = arena ? read_lock(&lock, arena, path) : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        const nnc_yaml *output = nnc_yaml_get(lock, "output");
        const char *was = text_of(output, "path"), *expected = text_of(output, nnc_targets_lock_key(run));
        if (was && expected && same_kind(was, run->recipe->output) && strcmp(expected, run->output_sha256) != 0) {
            status = nnc_error_set(NNC_ERR_VERIFY, "%s: all inputs are as locked, but the output has other bytes: expected "
                                   "sha256 %s, got %s", path, expected, run->output_sha256);
        }
    }
    nnc_arena_destroy(arena);
    return status;
}
