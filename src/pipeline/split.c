/* Splits calibration samples by content: 20 % are held back as judges. SPDX-License-Identifier: Apache-2.0
 * By content hash, so that the split does not depend on names or order and equal samples stay together. */
#include "pipeline/split.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

typedef struct hashed {
    uint64_t hash;
    size_t index;
} hashed;

static int by_hash(const void *a, const void *b)
{
    const hashed *x = a, *y = b;
    if (x->hash != y->hash) {
        return x->hash < y->hash ? -1 : 1;
    }
    return x->index < y->index ? -1 : 1;
}

static int by_index(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static nnc_status read_hashes(hashed **out, size_t *count, const nnc_dataset *data, const nnc_log *log)
{
    size_t n = nnc_dataset_count(data);
    nnc_dataset_reader *reader = NULL;
    *count = 0;
    *out = nnc_calloc(n + 1, sizeof(**out));
    nnc_status status = *out ? nnc_dataset_reader_create(&reader, data, NULL, 0, log) : NNC_ERR_LIMIT;
    for (bool more = true; status == NNC_OK && more;) {
        nnc_sample sample = {0};
        status = nnc_dataset_reader_next(&sample, &more, reader);
        if (status == NNC_OK && more) {
            (*out)[(*count)++] = (hashed){sample.hash, sample.index};
            nnc_log_progress(log, "read", *count, n, "samples");
        }
        nnc_sample_deinit(&sample);
        status = status == NNC_OK ? nnc_log_poll(log) : status;
    }
    nnc_dataset_reader_destroy(reader);
    return status;
}

nnc_status nnc_split_samples(nnc_split *out, const nnc_dataset *data, double held_share, const nnc_log *log)
{
    *out = (nnc_split){0};
    hashed *samples;
    size_t n;
    nnc_status status = read_hashes(&samples, &n, data, log);
    out->used = nnc_calloc(n + 1, sizeof(*out->used));
    out->held = nnc_calloc(n + 1, sizeof(*out->held));
    if (status == NNC_OK && (!out->used || !out->held)) {
        status = NNC_ERR_LIMIT;
    }
    if (status == NNC_OK) {
        qsort(samples, n, sizeof(*samples), by_hash);
        size_t want = (size_t)((double)n * held_share);
        want = want == 0 && n > 1 && held_share > 0 ? 1 : want;
        for (size_t i = 0; i < n; i++) {
            bool same = i > 0 && samples[i].hash == samples[i - 1].hash;
            bool held = same ? out->held_count > 0 && out->held[out->held_count - 1] == samples[i - 1].index
                             : i < want;
            if (held) {
                out->held[out->held_count++] = samples[i].index;
            } else {
                out->used[out->used_count++] = samples[i].index;
            }
            out->hash = nnc_hash64(&samples[i].hash, sizeof(samples[i].hash), out->hash);
        }
        if (out->used_count == 0) { /* all samples are equal: they serve both ends */
            for (size_t i = 0; i < out->held_count; i++) {
                out->used[out->used_count++] = out->held[i];
            }
        }
        qsort(out->used, out->used_count, sizeof(*out->used), by_index);
        qsort(out->held, out->held_count, sizeof(*out->held), by_index);
    }
    nnc_free(samples);
    if (status != NNC_OK) {
        nnc_split_deinit(out);
    }
    return status;
}

void nnc_split_deinit(nnc_split *split)
{
    nnc_free(split->used);
    nnc_free(split->held);
    *split = (nnc_split){0};
}
