/* Hash map from strings to uint32: linear probing, at most 3/4 full.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"

typedef struct map_slot {
    uint64_t hash;
    const char *key; /* NULL: empty */
    uint32_t value;
} map_slot;

struct nnc_map {
    map_slot *slots;
    size_t size; /* power of two */
    size_t count;
    uint64_t seed;
    nnc_arena *keys;
};

enum { FIRST_SIZE = 16 };

/* Names come from files: an unpredictable seed keeps crafted names from all falling into one chain.
 */
static uint64_t random_seed(const void *address)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed) {
        return seed;
    }
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(uintptr_t)address ^ ((uint64_t)now.tv_nsec << 32) ^ (uint64_t)now.tv_sec;
}

nnc_map *nnc_map_create(void)
{
    nnc_map *map = nnc_calloc(1, sizeof *map);
    if (map == NULL) {
        return NULL;
    }
    map->slots = nnc_calloc(FIRST_SIZE, sizeof *map->slots);
    map->keys = nnc_arena_create(0);
    if (map->slots == NULL || map->keys == NULL) {
        nnc_map_destroy(map);
        return NULL;
    }
    map->size = FIRST_SIZE;
    map->seed = random_seed(map);
    return map;
}

void nnc_map_destroy(nnc_map *map)
{
    if (map == NULL) {
        return;
    }
    nnc_arena_destroy(map->keys);
    nnc_free(map->slots);
    nnc_free(map);
}

/* The slot of the key, or the empty slot where it belongs. */
static map_slot *probe(map_slot *slots, size_t size, uint64_t hash, const char *key)
{
    size_t i = (size_t)hash & (size - 1);
    while (slots[i].key != NULL) {
        if (slots[i].hash == hash && strcmp(slots[i].key, key) == 0) {
            break;
        }
        i = (i + 1) & (size - 1);
    }
    return &slots[i];
}

static nnc_status enlarge(nnc_map *map)
{
    size_t size = map->size * 2;
    map_slot *slots = nnc_calloc(size, sizeof *slots);
    if (slots == NULL) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < map->size; i++) {
        if (map->slots[i].key != NULL) {
            /* All keys differ, so the first empty slot of the chain is the right one. */
            size_t at = (size_t)map->slots[i].hash & (size - 1);
            while (slots[at].key != NULL) {
                at = (at + 1) & (size - 1);
            }
            slots[at] = map->slots[i];
        }
    }
    nnc_free(map->slots);
    map->slots = slots;
    map->size = size;
    return NNC_OK;
}

nnc_status nnc_map_put(nnc_map *map, const char *key, uint32_t value, bool *existed)
{
    uint64_t hash = nnc_hash64(key, strlen(key), map->seed);
    map_slot *slot = probe(map->slots, map->size, hash, key);
    if (existed != NULL) {
        *existed = slot->key != NULL;
    }
    if (slot->key != NULL) {
        slot->value = value;
        return NNC_OK;
    }
    if (map->count + 1 > map->size / 4 * 3) {
        NNC_TRY(enlarge(map));
        slot = probe(map->slots, map->size, hash, key);
    }
    const char *copy = nnc_arena_strdup(map->keys, key);
    if (copy == NULL) {
        return NNC_ERR_LIMIT;
    }
    *slot = (map_slot){hash, copy, value};
    map->count++;
    return NNC_OK;
}

bool nnc_map_get(const nnc_map *map, const char *key, uint32_t *value)
{
    uint64_t hash = nnc_hash64(key, strlen(key), map->seed);
    const map_slot *slot = probe(map->slots, map->size, hash, key);
    if (slot->key == NULL) {
        return false;
    }
    *value = slot->value;
    return true;
}

size_t nnc_map_count(const nnc_map *map)
{
    return map->count;
}
