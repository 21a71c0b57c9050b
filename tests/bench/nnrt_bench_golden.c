/* Golden outputs. A file is little endian: "NNRTGLD1", u64 hash of the plan, u64 seed; then records of u64 bytes
 * that follow, u64 batch, u32 inputs, u32 outputs, per input the u64 hash of its bytes, per output u32 dtype, u32
 * rank, i64 dims[rank], u64 bytes and the bytes. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bench/nnrt_bench.h"

#define MAGIC "NNRTGLD1"

struct bench_golden {
    nnc_str bytes; /* the whole file */
    char path[1024];
};

static void put(nnc_str *to, const void *data, size_t bytes)
{
    nnc_str_append_n(to, data, bytes);
}

static void put_u64(nnc_str *to, uint64_t v)
{
    put(to, &v, sizeof(v));
}

static void put_u32(nnc_str *to, uint32_t v)
{
    put(to, &v, sizeof(v));
}

nnc_status bench_golden_create(bench_golden **out, uint64_t plan_hash, uint64_t seed)
{
    *out = nnc_calloc(1, sizeof(**out));
    if (!*out)
        return NNC_ERR_LIMIT;
    put(&(*out)->bytes, MAGIC, 8);
    put_u64(&(*out)->bytes, plan_hash);
    put_u64(&(*out)->bytes, seed);
    return nnc_str_status(&(*out)->bytes);
}

void bench_golden_destroy(bench_golden *golden)
{
    if (golden) {
        nnc_str_deinit(&golden->bytes);
        nnc_free(golden);
    }
}

static uint64_t input_hash(const bench_case *c, uint32_t i)
{
    return nnc_hash64(nnc_tensor_data(&c->inputs[i]), nnc_tensor_bytes(&c->inputs[i]), 0);
}

static nnc_status put_record(nnc_str *to, const bench_case *c)
{
    const uint32_t outputs = nnrt_model_output_count(c->model);
    put_u64(to, c->batch);
    put_u32(to, c->input_count);
    put_u32(to, outputs);
    for (uint32_t i = 0; i < c->input_count; i++)
        put_u64(to, input_hash(c, i));
    for (uint32_t i = 0; i < outputs; i++) {
        nnrt_view view;
        NNC_TRY(bench_status(nnrt_session_output(c->session, i, &view)));
        put_u32(to, (uint32_t)view.dtype);
        put_u32(to, view.shape.rank);
        put(to, view.shape.dims, view.shape.rank * sizeof(view.shape.dims[0]));
        put_u64(to, view.bytes);
        put(to, view.data, view.bytes);
    }
    return nnc_str_status(to);
}

nnc_status bench_golden_add(bench_golden *golden, const bench_case *c)
{
    nnc_str record = {0};
    nnc_status status = put_record(&record, c);
    if (status == NNC_OK) {
        put_u64(&golden->bytes, record.len);
        put(&golden->bytes, record.data, record.len);
        status = nnc_str_status(&golden->bytes);
    }
    nnc_str_deinit(&record);
    return status;
}

nnc_status bench_golden_save(const bench_golden *golden, const char *path)
{
    nnc_file_out *file = NULL;
    NNC_TRY(nnc_file_out_create(&file, path, NNC_FILE_REPLACE));
    nnc_status status = nnc_file_out_write(file, golden->bytes.data, golden->bytes.len);
    if (status != NNC_OK) {
        nnc_file_out_abort(file);
        return status;
    }
    return nnc_file_out_commit(file);
}

/* Reading position; every get fails where the file ends. */
typedef struct cursor {
    const char *path;
    const uint8_t *at;
    size_t left;
} cursor;

static nnc_status get(const void **out, cursor *c, size_t bytes)
{
    if (bytes > c->left)
        NNC_FAIL(NNC_ERR_DATA, "%s: golden file ends early: %zu bytes wanted, %zu left", c->path, bytes, c->left);
    *out = c->at;
    c->at += bytes;
    c->left -= bytes;
    return NNC_OK;
}

static nnc_status get_u64(uint64_t *out, cursor *c)
{
    const void *p = NULL;
    NNC_TRY(get(&p, c, sizeof(*out)));
    memcpy(out, p, sizeof(*out));
    return NNC_OK;
}

static nnc_status get_u32(uint32_t *out, cursor *c)
{
    const void *p = NULL;
    NNC_TRY(get(&p, c, sizeof(*out)));
    memcpy(out, p, sizeof(*out));
    return NNC_OK;
}

static nnc_status check_header(const char *path, const nnc_file_map *map, uint64_t plan_hash, uint64_t seed)
{
    cursor c = {path, map->data, map->bytes};
    uint64_t made_for = 0, made_with = 0;
    if (map->bytes < 24 || memcmp(map->data, MAGIC, 8) != 0)
        NNC_FAIL(NNC_ERR_DATA, "%s: not a golden file of nnrt-bench", path);
    c.at += 8;
    c.left -= 8;
    NNC_TRY(get_u64(&made_for, &c));
    NNC_TRY(get_u64(&made_with, &c));
    if (made_for != plan_hash)
        NNC_FAIL(NNC_ERR_DATA, "%s: made for a plan with hash %016llx, this plan has %016llx", path,
                 (unsigned long long)made_for, (unsigned long long)plan_hash);
    if (made_with != seed)
        NNC_FAIL(NNC_ERR_DATA, "%s: made with seed %llu, now it is %llu", path, (unsigned long long)made_with,
                 (unsigned long long)seed);
    return NNC_OK;
}

nnc_status bench_golden_load(bench_golden **out, const char *path, uint64_t plan_hash, uint64_t seed)
{
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, path, 0));
    nnc_status status = check_header(path, &map, plan_hash, seed);
    if (status == NNC_OK) {
        *out = nnc_calloc(1, sizeof(**out));
        status = *out ? NNC_OK : NNC_ERR_LIMIT;
    }
    if (status == NNC_OK) {
        snprintf((*out)->path, sizeof((*out)->path), "%s", path);
        put(&(*out)->bytes, map.data, map.bytes);
        status = nnc_str_status(&(*out)->bytes);
    }
    nnc_file_map_close(&map);
    return status;
}

/* Moves to the record of this batch size, behind its batch. */
static nnc_status find_record(cursor *c, uint64_t batch)
{
    while (c->left) {
        uint64_t bytes = 0, found = 0;
        const void *record = NULL;
        NNC_TRY(get_u64(&bytes, c));
        NNC_TRY(get(&record, c, (size_t)bytes));
        cursor inside = {c->path, record, (size_t)bytes};
        NNC_TRY(get_u64(&found, &inside));
        if (found == batch) {
            *c = inside;
            return NNC_OK;
        }
    }
    NNC_FAIL(NNC_ERR_DATA, "%s: no outputs of batch %llu", c->path, (unsigned long long)batch);
}

static nnc_status compare_output(cursor *c, const bench_case *run, uint32_t i)
{
    uint32_t dtype = 0, rank = 0;
    uint64_t bytes = 0;
    const void *dims = NULL, *data = NULL;
    nnrt_io_info info;
    nnrt_view view;
    NNC_TRY(bench_status(nnrt_model_output(run->model, i, &info)));
    NNC_TRY(bench_status(nnrt_session_output(run->session, i, &view)));
    NNC_TRY(get_u32(&dtype, c));
    NNC_TRY(get_u32(&rank, c));
    NNC_TRY(get(&dims, c, (size_t)rank * sizeof(int64_t)));
    NNC_TRY(get_u64(&bytes, c));
    NNC_TRY(get(&data, c, (size_t)bytes));
    if (dtype != (uint32_t)view.dtype || rank != view.shape.rank || bytes != view.bytes ||
        memcmp(dims, view.shape.dims, (size_t)rank * sizeof(int64_t)) != 0)
        NNC_FAIL(NNC_ERR_VERIFY, "output '%s' has %zu bytes of type %d in %u dims, %s has %llu of type %u in %u",
                 info.name, view.bytes, (int)view.dtype, view.shape.rank, c->path, (unsigned long long)bytes,
                 dtype, rank);
    return bench_compare_bytes(info.name, &view, data, c->path);
}

nnc_status bench_golden_compare(const bench_golden *golden, const bench_case *run)
{
    cursor c = {golden->path, (const uint8_t *)golden->bytes.data + 24, golden->bytes.len - 24};
    uint32_t inputs = 0, outputs = 0;
    NNC_TRY(find_record(&c, run->batch));
    NNC_TRY(get_u32(&inputs, &c));
    NNC_TRY(get_u32(&outputs, &c));
    if (inputs != run->input_count || outputs != nnrt_model_output_count(run->model))
        NNC_FAIL(NNC_ERR_DATA, "%s: %u inputs and %u outputs, the plan has %u and %u", c.path, inputs, outputs,
                 run->input_count, nnrt_model_output_count(run->model));
    for (uint32_t i = 0; i < inputs; i++) {
        uint64_t hash = 0;
        NNC_TRY(get_u64(&hash, &c));
        if (hash != input_hash(run, i))
            NNC_FAIL(NNC_ERR_DATA, "%s: made from another input %u: hash %016llx, now %016llx", c.path, i,
                     (unsigned long long)hash, (unsigned long long)input_hash(run, i));
    }
    for (uint32_t i = 0; i < outputs; i++)
        NNC_TRY(compare_output(&c, run, i));
    return NNC_OK;
}
