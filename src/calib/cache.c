/* Range cache: the statistics of a calibration run in a file. SPDX-License-Identifier: Apache-2.0
 * Little-endian: magic, version, key, samples, then per value its name, sums and histogram; xxh3 of all bytes at the end. A cache that
 * does not fit the run exactly is refused with the reason, never adapted. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "calib/calib_internal.h"

#define CACHE_MAGIC "NNCRANGE"
#define CACHE_VERSION 1

/* The fixed part of a value's record, as stored. */
typedef struct cache_value {
    float min, max, ema_min, ema_max, hist_lo, hist_hi;
    double sum, sum_abs, sum_sq;
    uint64_t count, zeros, nonfinite;
} cache_value;

static void put(nnc_str *s, const void *data, size_t bytes)
{
    nnc_str_append_n(s, data, bytes);
}

static void put_text(nnc_str *s, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    put(s, &n, sizeof(n));
    put(s, text, n);
}

nnc_status nnc_calib_cache_save(const nnc_calib *calib, const char *path, const char *key,
                                const nnc_graph *graph)
{
    nnc_str s = {0};
    uint32_t version = CACHE_VERSION;
    uint64_t samples = calib->samples, count = calib->count;
    put(&s, CACHE_MAGIC, 8);
    put(&s, &version, sizeof(version));
    put_text(&s, key ? key : "");
    put(&s, &samples, sizeof(samples));
    put(&s, &count, sizeof(count));
    for (size_t i = 0; i < calib->count; i++) {
        const nnc_value_stats *v = &calib->stats[i];
        cache_value record = {v->min, v->max, v->ema_min, v->ema_max, v->hist_lo, v->hist_hi, v->sum,
                              v->sum_abs, v->sum_sq, v->count, v->zeros, v->nonfinite};
        put_text(&s, nnc_graph_value_const(graph, v->value)->name);
        put_text(&s, v->first_nonfinite ? v->first_nonfinite : "");
        put(&s, &record, sizeof(record));
        put(&s, v->hist, sizeof(v->hist));
    }
    nnc_status status = nnc_str_status(&s);
    nnc_file_out *file = NULL;
    if (status == NNC_OK) {
        uint64_t hash = nnc_hash64(s.data, s.len, 0);
        put(&s, &hash, sizeof(hash));
        status = nnc_str_status(&s);
    }
    if (status == NNC_OK) {
        status = nnc_file_out_create(&file, path, NNC_FILE_REPLACE);
    }
    if (status == NNC_OK) {
        status = nnc_file_out_write(file, s.data, s.len);
        if (status == NNC_OK) {
            status = nnc_file_out_commit(file);
        } else {
            nnc_file_out_abort(file);
        }
    }
    nnc_str_deinit(&s);
    return status;
}

typedef struct cache_reader {
    const uint8_t *data;
    size_t bytes, at;
    const char *path;
} cache_reader;

static nnc_status take(cache_reader *r, void *out, size_t bytes)
{
    if (bytes > r->bytes - r->at) {
        NNC_FAIL(NNC_ERR_DATA, "range cache '%s' ends at byte %zu, %zu more expected", r->path, r->bytes,
                 bytes - (r->bytes - r->at));
    }
    memcpy(out, r->data + r->at, bytes);
    r->at += bytes;
    return NNC_OK;
}

/* *text: caller frees with nnc_free. */
static nnc_status take_text(cache_reader *r, char **text)
{
    uint32_t n;
    *text = NULL;
    NNC_TRY(take(r, &n, sizeof(n)));
    if (n > r->bytes - r->at) {
        NNC_FAIL(NNC_ERR_DATA, "range cache '%s': a text of %u bytes at byte %zu, the file has %zu bytes",
                 r->path, n, r->at, r->bytes);
    }
    *text = nnc_calloc((size_t)n + 1, 1);
    return *text ? take(r, *text, n) : NNC_ERR_LIMIT;
}

/* Value of "name=value" in a key, as a span; NULL if the name is not there. */
static const char *key_field(size_t *bytes, const char *key, const char *name, size_t name_bytes)
{
    while (*key) {
        size_t n = strcspn(key, " ");
        if (n > name_bytes && key[name_bytes] == '=' && memcmp(key, name, name_bytes) == 0) {
            *bytes = n - name_bytes - 1;
            return key + name_bytes + 1;
        }
        key += n + strspn(key + n, " ");
    }
    return NULL;
}

static nnc_status stale_key(const char *path, const char *was, const char *now)
{
    nnc_str changed = {0};
    for (const char *field = now; *field;) {
        size_t n = strcspn(field, " "), name = strcspn(field, "= "), bytes = 0;
        const char *old = name < n ? key_field(&bytes, was, field, name) : NULL;
        if (!old || bytes != n - name - 1 || memcmp(old, field + name + 1, bytes) != 0) {
            nnc_str_appendf(&changed, "%s%.*s", changed.len ? ", " : "", (int)name, field);
        }
        field += n + strspn(field + n, " ");
    }
    nnc_status status = nnc_error_set(NNC_ERR_DATA,
                                      "range cache '%s' is stale: %s changed (it is for '%s', this run is '%s'); "
                                      "remove it or name another",
                                      path, changed.len ? nnc_str_get(&changed) : "key", was, now);
    nnc_str_deinit(&changed);
    return status;
}

static bool record_sane(const cache_value *v)
{
    const float f[6] = {v->min, v->max, v->ema_min, v->ema_max, v->hist_lo, v->hist_hi};
    for (size_t i = 0; i < 6; i++) {
        if (!isfinite(f[i])) {
            return false;
        }
    }
    return v->min <= v->max && v->hist_lo <= 0 && v->hist_hi >= 0 && v->hist_lo <= v->min &&
           v->hist_hi >= v->max && !isnan(v->sum) && !isnan(v->sum_sq) && v->zeros <= v->count;
}

static nnc_status take_value(cache_reader *r, nnc_value_stats *stats, const char *expected)
{
    char *name = NULL, *first = NULL;
    cache_value v = {0};
    nnc_status status = take_text(r, &name);
    if (status == NNC_OK && strcmp(name, expected) != 0) {
        status = nnc_error_set(NNC_ERR_DATA,
                               "range cache '%s' is stale: it holds value '%s' where this run has '%s'",
                               r->path, name, expected);
    }
    status = status == NNC_OK ? take_text(r, &first) : status;
    status = status == NNC_OK ? take(r, &v, sizeof(v)) : status;
    status = status == NNC_OK ? take(r, stats->hist, sizeof(stats->hist)) : status;
    if (status == NNC_OK && !record_sane(&v)) {
        status = nnc_error_set(NNC_ERR_DATA, "range cache '%s': value '%s' has an impossible range",
                               r->path, expected);
    }
    nnc_free(name);
    if (status != NNC_OK || !first[0]) {
        nnc_free(first);
        first = NULL;
    }
    stats->first_nonfinite = first;
    stats->min = v.min;
    stats->max = v.max;
    stats->ema_min = v.ema_min;
    stats->ema_max = v.ema_max;
    stats->hist_lo = v.hist_lo;
    stats->hist_hi = v.hist_hi;
    stats->sum = v.sum;
    stats->sum_abs = v.sum_abs;
    stats->sum_sq = v.sum_sq;
    stats->count = v.count;
    stats->zeros = v.zeros;
    stats->nonfinite = v.nonfinite;
    return status;
}

static nnc_status check_frame(cache_reader *r, const char *key)
{
    char magic[8] = {0};
    uint32_t version = 0;
    uint64_t hash = 0;
    if (r->bytes < 12 + sizeof(hash) || memcmp(r->data, CACHE_MAGIC, 8) != 0) {
        NNC_FAIL(NNC_ERR_DATA, "'%s' is not a range cache", r->path);
    }
    NNC_TRY(take(r, magic, sizeof(magic)));
    NNC_TRY(take(r, &version, sizeof(version)));
    if (version != CACHE_VERSION) {
        NNC_FAIL(NNC_ERR_DATA, "range cache '%s' is stale: format version %u, this build writes %d", r->path,
                 version, CACHE_VERSION);
    }
    r->bytes -= sizeof(hash);
    memcpy(&hash, r->data + r->bytes, sizeof(hash));
    if (hash != nnc_hash64(r->data, r->bytes, 0)) {
        NNC_FAIL(NNC_ERR_DATA, "range cache '%s' is damaged: its check sum does not fit (truncated or edited)",
                 r->path);
    }
    char *was;
    nnc_status status = take_text(r, &was);
    if (status == NNC_OK && strcmp(was, key ? key : "") != 0) {
        status = stale_key(r->path, was, key ? key : "");
    }
    nnc_free(was);
    return status;
}

static nnc_status take_all(cache_reader *r, nnc_calib *calib, const nnc_graph *graph,
                           const nnc_value_id *values, size_t count)
{
    uint64_t samples = 0, stored = 0;
    NNC_TRY(take(r, &samples, sizeof(samples)));
    NNC_TRY(take(r, &stored, sizeof(stored)));
    if (stored != count) {
        NNC_FAIL(NNC_ERR_DATA, "range cache '%s' is stale: it holds %llu values, this run has %zu", r->path,
                 (unsigned long long)stored, count);
    }
    calib->samples = (size_t)samples;
    calib->stats = nnc_calloc(count ? count : 1, sizeof(*calib->stats));
    if (!calib->stats) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        calib->count = i + 1;
        calib->stats[i].value = values[i];
        NNC_TRY(take_value(r, &calib->stats[i], nnc_graph_value_const(graph, values[i])->name));
    }
    if (r->at != r->bytes) {
        NNC_FAIL(NNC_ERR_DATA, "range cache '%s' has %zu bytes too many", r->path, r->bytes - r->at);
    }
    return NNC_OK;
}

nnc_status nnc_calib_cache_load(nnc_calib **out, const char *path, const char *key,
                                const nnc_graph *graph, const nnc_value_id *values, size_t count)
{
    nnc_file_map map;
    NNC_TRY(nnc_file_map_open(&map, path, NNC_CALIB_CACHE_MAX));
    cache_reader reader = {.data = map.data, .bytes = map.bytes, .path = path};
    nnc_status status = check_frame(&reader, key);
    nnc_calib *calib = status == NNC_OK ? nnc_calloc(1, sizeof(*calib)) : NULL;
    if (status == NNC_OK) {
        status = calib ? take_all(&reader, calib, graph, values, count) : NNC_ERR_LIMIT;
    }
    nnc_file_map_close(&map);
    if (status != NNC_OK) {
        nnc_calib_destroy(calib);
        return status;
    }
    *out = calib;
    return NNC_OK;
}
