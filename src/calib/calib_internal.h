/* Statistics of a graph's values, shared by calib.c and cache.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CALIB_CALIB_INTERNAL_H
#define NNC_CALIB_CALIB_INTERNAL_H

#include "calib/calib.h"

struct nnc_calib {
    nnc_value_stats *stats; /* [count], in the order of the observed values */
    size_t count;
    size_t samples;
};

/* Reads a cache file. values [count]: what must be in it, names from the graph. Fails: NNC_ERR_IO (cannot be read), NNC_ERR_DATA
 * ("stale" with what changed, or damaged). */
nnc_status nnc_calib_cache_load(nnc_calib **out, const char *path, const char *key,
                                const nnc_graph *graph, const nnc_value_id *values, size_t count);
/* Writes one, atomically, replacing an older file. */
nnc_status nnc_calib_cache_save(const nnc_calib *calib, const char *path, const char *key,
                                const nnc_graph *graph);

#endif
