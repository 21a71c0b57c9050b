/* Hash map from byte strings to uint32. SPDX-License-Identifier: Apache-2.0
 * Open addressing over xxh3 (seeded per map); linear time for 10^6 names. */
#ifndef NNC_BASE_MAP_H
#define NNC_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct nnc_map nnc_map;

nnc_map *nnc_map_create(void); /* NULL with the message set when memory is short */
void nnc_map_destroy(nnc_map *map);
/* Keys are copied. *existed (may be NULL) tells whether the key was there; then the value is replaced. */
nnc_status nnc_map_put(nnc_map *map, const char *key, uint32_t value, bool *existed);
/* False if absent. */
bool nnc_map_get(const nnc_map *map, const char *key, uint32_t *value);
size_t nnc_map_count(const nnc_map *map);

#endif
