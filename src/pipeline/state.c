/* The state of a run that can be resumed. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "graph/archive.h"
#include "ops/op.h"
#include "pipeline/config.h"
#include "pipeline/lock.h"

#define STATE_MAGIC "NNCSTATE"
#define STATE_VERSION 1
#define HEAD_BYTES (8 + 4 + 64)

struct nnc_state {
    nnc_str folder;
    size_t kept; /* files of this run that are there */
    char key[NNC_STEPS_MAX][65];
    nnc_str cache; /* path behind run->state_cache */
};

static void make_key(char hex[65], const char *head, const nnc_str *settings)
{
    nnc_sha256 sha;
    uint8_t digest[32];
    nnc_sha256_init(&sha);
    nnc_sha256_update(&sha, head, strlen(head) + 1);
    nnc_sha256_update(&sha, nnc_str_get(settings), settings->len);
    nnc_sha256_final(&sha, digest);
    nnc_sha256_hex(digest, hex);
}

static nnc_status make_keys(nnc_state *state, const nnc_run *run)
{
    char model[160];
    nnc_str head = {0};
    nnc_run_model_hash(model, run);
    nnc_str_appendf(&head, "%d %s %s %s %s", STATE_VERSION, NNC_VERSION, model, run->calib_sha256,
                    nnc_dataset_preprocessing(run->calib));
    nnc_status status = nnc_str_status(&head);
    for (size_t i = 0; i < run->recipe->step_count && status == NNC_OK; i++) {
        nnc_str settings = {0};
        status = nnc_config_settings(&settings, run->recipe->config, i + 1);
        make_key(state->key[i], nnc_str_get(&head), &settings);
        nnc_str_deinit(&settings);
    }
    nnc_str_deinit(&head);
    return status;
}

static void file_name(nnc_str *out, const nnc_run *run, size_t i, const char *extension)
{
    nnc_str_appendf(out, "%.16s-%zu-%s%s", run->state->key[i], i + 1, run->recipe->steps[i].step->name, extension);
}

static void file_path(nnc_str *out, const nnc_run *run, size_t i, const char *extension)
{
    nnc_str_clear(out);
    nnc_str_appendf(out, "%s/", nnc_str_get(&run->state->folder));
    file_name(out, run, i, extension);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_current(const nnc_run *run, const char *name)
{
    bool current = false;
    for (size_t i = 0; i < run->recipe->step_count && !current; i++) {
        nnc_str step = {0}, calib = {0};
        file_name(&step, run, i, ".step");
        file_name(&calib, run, i, ".calib");
        current = strcmp(name, nnc_str_get(&step)) == 0 || strcmp(name, nnc_str_get(&calib)) == 0;
        nnc_str_deinit(&step);
        nnc_str_deinit(&calib);
    }
    return current;
}

/* Removes the files of other inputs, or all of them. */
static void sweep(nnc_run *run, bool all)
{
    DIR *dir = opendir(nnc_str_get(&run->state->folder));
    size_t stale = 0;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (!ends_with(e->d_name, ".step") && !ends_with(e->d_name, ".calib")) {
            continue;
        }
        bool current = is_current(run, e->d_name);
        run->state->kept += current;
        if (all || !current) {
            stale += !current;
            unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (stale && !all) {
        nnc_log_warn(run->log, "ignored: %zu files in %s are of another model, data, settings or version", stale,
                     nnc_str_get(&run->state->folder));
    }
}

nnc_status nnc_state_open(nnc_run *run)
{
    if (!run->recipe->config->options.resume) {
        return NNC_OK;
    }
    nnc_state *state = nnc_calloc(1, sizeof(*state));
    if (!state) {
        return NNC_ERR_LIMIT;
    }
    run->state = state;
    const char *output = run->recipe->named_output, *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    nnc_str_append_n(&state->folder, output, dot && (!slash || dot > slash) ? (size_t)(dot - output) : strlen(output));
    nnc_str_append(&state->folder, ".nncstate");
    NNC_TRY(nnc_str_status(&state->folder));
    if (mkdir(nnc_str_get(&state->folder), 0777) != 0 && errno != EEXIST) {
        NNC_FAIL(NNC_ERR_IO, "cannot make the folder '%s': %s", nnc_str_get(&state->folder), strerror(errno));
    }
    NNC_TRY(make_keys(state, run));
    sweep(run, false);
    return NNC_OK;
}

static nnc_status bind_graph(nnc_graph *graph)
{
    for (nnc_node_id id = 0; id < nnc_graph_node_count(graph); id++) {
        if (nnc_graph_node_const(graph, id)->dead) {
            continue;
        }
        NNC_TRY(nnc_node_bind(graph, id));
        const nnc_node *node = nnc_graph_node_const(graph, id);
        for (uint32_t k = 0; k < node->attr_count; k++) {
            const nnc_attr *attr = &node->attrs[k];
            bool graphs = attr->type == NNC_ATTR_GRAPH || attr->type == NNC_ATTR_GRAPHS;
            for (size_t g = 0; graphs && g < (attr->type == NNC_ATTR_GRAPH ? 1 : attr->count); g++) {
                NNC_TRY(bind_graph(attr->graphs[g]));
            }
        }
    }
    return nnc_graph_verify(graph);
}

/* The graph and what else the step left. After a failure the run is as it was. */
static nnc_status read_content(nnc_run *run, size_t i, nnc_archive *a)
{
    const nnc_recipe_step *step = &run->recipe->steps[i];
    nnc_graph *graph = NULL, *before = run->graph;
    NNC_TRY(nnc_graph_archive(&graph, a));
    nnc_status status = bind_graph(graph);
    run->graph = graph;
    status = status == NNC_OK ? step->step->archive(run, step->options, a) : status;
    if (status == NNC_OK && a->at != a->bytes) {
        status = nnc_error_set(NNC_ERR_DATA, "has %zu bytes too many", a->bytes - a->at);
    }
    run->graph = status == NNC_OK ? graph : before;
    nnc_graph_destroy(status == NNC_OK ? before : graph);
    return status;
}

static nnc_status read_file(nnc_run *run, size_t i, const char *path)
{
    nnc_file_map map;
    uint32_t version;
    uint64_t hash;
    NNC_TRY(nnc_file_map_open(&map, path, 0));
    nnc_status status = NNC_OK;
    if (map.bytes < HEAD_BYTES + 8 || memcmp(map.data, STATE_MAGIC, 8) != 0) {
        status = nnc_error_set(NNC_ERR_DATA, "is no state");
    } else {
        memcpy(&version, map.data + 8, 4);
        memcpy(&hash, map.data + map.bytes - 8, 8);
        bool fits = version == STATE_VERSION && memcmp(map.data + 12, run->state->key[i], 64) == 0;
        if (!fits || hash != nnc_hash64(map.data, map.bytes - 8, 0)) {
            status = nnc_error_set(NNC_ERR_DATA, fits ? "is damaged: its check sum does not fit" : "is of other inputs");
        }
    }
    if (status == NNC_OK) {
        nnc_archive a = {.data = map.data, .bytes = map.bytes - 8, .at = HEAD_BYTES, .arena = nnc_arena_create(0)};
        status = a.arena ? read_content(run, i, &a) : NNC_ERR_LIMIT;
        nnc_arena_destroy(a.arena);
    }
    nnc_file_map_close(&map);
    return status;
}

nnc_status nnc_state_take(bool *taken, nnc_run *run, size_t i)
{
    nnc_str path = {0};
    *taken = false;
    if (!run->state || !run->recipe->steps[i].step->archive) {
        return NNC_OK;
    }
    file_path(&path, run, i, ".step");
    nnc_status status = nnc_str_status(&path);
    if (status == NNC_OK && nnc_file_exists(nnc_str_get(&path))) {
        status = read_file(run, i, nnc_str_get(&path));
        *taken = status == NNC_OK;
        if (*taken) {
            nnc_log_info(run->log, "step %s: taken from %s", run->recipe->steps[i].step->name, nnc_str_get(&path));
        } else if (status != NNC_ERR_LIMIT) {
            nnc_log_warn(run->log, "ignored: %s %s", nnc_str_get(&path), nnc_error_message());
            status = NNC_OK;
        }
    }
    nnc_str_deinit(&path);
    file_path(&run->state->cache, run, i, ".calib");
    run->state_cache = nnc_str_get(&run->state->cache);
    return status;
}

static nnc_status write_file(const char *path, nnc_str *bytes)
{
    nnc_file_out *file;
    NNC_TRY(nnc_str_status(bytes));
    uint64_t hash = nnc_hash64(bytes->data, bytes->len, 0);
    nnc_str_append_n(bytes, (const char *)&hash, sizeof(hash));
    NNC_TRY(nnc_str_status(bytes));
    NNC_TRY(nnc_file_out_create(&file, path, NNC_FILE_REPLACE));
    nnc_status status = nnc_file_out_write(file, bytes->data, bytes->len);
    if (status != NNC_OK) {
        nnc_file_out_abort(file);
        return status;
    }
    return nnc_file_out_commit(file);
}

nnc_status nnc_state_keep(nnc_run *run, size_t i)
{
    const nnc_recipe_step *step = &run->recipe->steps[i];
    if (!run->state || !step->step->archive) {
        return NNC_OK;
    }
    nnc_str bytes = {0}, path = {0};
    nnc_archive a = {.out = &bytes};
    uint32_t version = STATE_VERSION;
    nnc_str_append_n(&bytes, STATE_MAGIC, 8);
    NNC_ARCHIVE(&a, version);
    nnc_str_append_n(&bytes, run->state->key[i], 64);
    nnc_status status = nnc_graph_archive(&run->graph, &a);
    status = status == NNC_OK ? step->step->archive(run, step->options, &a) : status;
    if (status == NNC_OK) {
        file_path(&path, run, i, ".step");
        status = write_file(nnc_str_get(&path), &bytes);
        run->state->kept += status == NNC_OK;
    } else if (status == NNC_ERR_UNSUPPORTED) {
        nnc_log_debug(run->log, "step %s: its result cannot be kept: %s", step->step->name, nnc_error_message());
        status = NNC_OK;
    }
    nnc_str_deinit(&bytes);
    nnc_str_deinit(&path);
    return status;
}

void nnc_state_close(nnc_run *run, nnc_status status)
{
    nnc_state *state = run->state;
    if (!state) {
        return;
    }
    state->kept = 0;
    sweep(run, status == NNC_OK);
    if (status != NNC_OK && state->kept) {
        nnc_log_warn(run->log, "finished work is kept in %s: the same command with --resume goes on from it",
                     nnc_str_get(&state->folder));
    } else {
        rmdir(nnc_str_get(&state->folder));
    }
    nnc_str_deinit(&state->folder);
    nnc_str_deinit(&state->cache);
    nnc_free(state);
    run->state = NULL;
    run->state_cache = NULL;
}
