/* Memory: checked size arithmetic, growth of arrays, and one-lifetime arenas.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_MEM_H
#define NNC_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* a*b and a+b; false (and *out untouched) when the result does not fit. */
bool nnc_size_mul(size_t *out, size_t a, size_t b);
bool nnc_size_add(size_t *out, size_t a, size_t b);
bool nnc_i64_mul(int64_t *out, int64_t a, int64_t b);
bool nnc_i64_add(int64_t *out, int64_t a, int64_t b);

/* malloc of n*size zeroed bytes; NULL with the error message set (NNC_ERR_LIMIT) on overflow or when
 * memory is short. n*size == 0 gives a unique non-NULL pointer. Release with nnc_free. */
void *nnc_calloc(size_t n, size_t size);
void *nnc_realloc(void *p, size_t n, size_t size);
/* Same, aligned to 64 bytes and followed by 64 readable bytes (kernels may read past the end). */
void *nnc_alloc_aligned(size_t bytes);
void nnc_free(void *p);

/* Makes room for `need` elements of `size` bytes in *items (capacity *cap), doubling. New memory is
 * not zeroed. Fails: NNC_ERR_LIMIT. */
nnc_status nnc_grow(void *items, size_t *cap, size_t need, size_t size);

/* Bump allocator: everything lives until the arena is destroyed. Not thread-safe. */
typedef struct nnc_arena nnc_arena;

/* budget: most bytes the arena may take from the heap, 0 = no limit. NULL on failure (message set). */
nnc_arena *nnc_arena_create(size_t budget);
void nnc_arena_destroy(nnc_arena *arena); /* NULL is accepted */
/* Zeroed, 16-byte aligned n*size bytes, or NULL with the message set. */
void *nnc_arena_alloc(nnc_arena *arena, size_t n, size_t size);
char *nnc_arena_strdup(nnc_arena *arena, const char *s);
char *nnc_arena_strndup(nnc_arena *arena, const char *s, size_t n);
char *nnc_arena_printf(nnc_arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Bytes taken from the heap so far. */
size_t nnc_arena_bytes(const nnc_arena *arena);

#endif
