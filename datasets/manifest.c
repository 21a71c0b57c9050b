/* Which samples a data set holds: content hashes, and one hash over names, labels and contents.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "datasets/source.h"

typedef struct entry {
    uint64_t hash;
    int64_t label;
    char *name;
} entry;

static int by_hash(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    const int names = strcmp(x->name, y->name);
    return names ? names : (x->label > y->label) - (x->label < y->label);
}

/* Without the data set's own path: it may lie elsewhere and be called otherwise. */
static const char *own_name(const nnc_dataset *d, const char *name)
{
    const size_t n = strlen(d->path);
    return strncmp(name, d->path, n) == 0 && (name[n] == '/' || name[n] == '#') ? name + n : name;
}

static nnc_status read_entries(entry *entries, size_t *count, const nnc_dataset *d,
                               const nnc_log *log)
{
    nnc_dataset_reader *reader = NULL;
    NNC_TRY(nnc_dataset_reader_create(&reader, d, NULL, 0, log));
    nnc_status status = NNC_OK;
    for (bool more = true; status == NNC_OK && more;) {
        nnc_sample sample = {0};
        status = nnc_dataset_reader_next(&sample, &more, reader);
        if (status == NNC_OK && more) {
            const char *name = own_name(d, sample.name);
            char *copy = nnc_calloc(strlen(name) + 1, 1);
            if (copy) {
                memcpy(copy, name, strlen(name));
                entries[(*count)++] = (entry){sample.hash, sample.label, copy};
                nnc_log_progress(log, "read", *count, d->count, "samples");
            } else {
                status = NNC_ERR_LIMIT;
            }
        }
        nnc_sample_deinit(&sample);
        status = status == NNC_OK ? nnc_log_poll(log) : status;
    }
    nnc_dataset_reader_destroy(reader);
    return status;
}

static nnc_status fill(nnc_dataset_digest *out, entry *entries, size_t n)
{
    nnc_sha256 sha;
    uint8_t digest[32];
    out->hashes = nnc_calloc(n + 1, sizeof(*out->hashes));
    if (!out->hashes)
        return NNC_ERR_LIMIT;
    qsort(entries, n, sizeof(*entries), by_hash);
    nnc_sha256_init(&sha);
    for (size_t i = 0; i < n; i++) {
        char head[64];
        const int bytes = snprintf(head, sizeof(head), "%016" PRIx64 " %" PRId64 " ",
                                   entries[i].hash, entries[i].label);
        nnc_sha256_update(&sha, head, (size_t)bytes);
        nnc_sha256_update(&sha, entries[i].name, strlen(entries[i].name));
        nnc_sha256_update(&sha, "\n", 1);
        out->hashes[i] = entries[i].hash;
    }
    nnc_sha256_final(&sha, digest);
    nnc_sha256_hex(digest, out->sha256);
    out->count = n;
    return NNC_OK;
}

nnc_status nnc_dataset_digest_make(nnc_dataset_digest *out, const nnc_dataset *d, const nnc_log *log)
{
    *out = (nnc_dataset_digest){0};
    entry *entries = nnc_calloc(d->count + 1, sizeof(*entries));
    size_t n = 0;
    nnc_status status = entries ? read_entries(entries, &n, d, log) : NNC_ERR_LIMIT;
    status = status == NNC_OK ? fill(out, entries, n) : status;
    for (size_t i = 0; i < n; i++)
        nnc_free(entries[i].name);
    nnc_free(entries);
    return status;
}

void nnc_dataset_digest_deinit(nnc_dataset_digest *digest)
{
    nnc_free(digest->hashes);
    *digest = (nnc_dataset_digest){0};
}

size_t nnc_dataset_digest_overlap(const nnc_dataset_digest *a, const nnc_dataset_digest *b)
{
    size_t common = 0;
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        common += a->hashes[i] == b->hashes[k];
        if (a->hashes[i] <= b->hashes[k])
            i++;
        else
            k++;
    }
    return common;
}
