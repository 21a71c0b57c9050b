/* Checked sizes, heap with messages, arenas. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum {
    ALIGNED_BYTES = 64, /* a cache line, and one 512-bit vector to read past the end */
    ARENA_ALIGN = 16,
    ARENA_FIRST_BLOCK = 64 * 1024,
    ARENA_LARGEST_BLOCK = 8 * 1024 * 1024
};

bool nnc_size_mul(size_t *out, size_t a, size_t b)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) {
        return false;
    }
    *out = r;
    return true;
}

bool nnc_size_add(size_t *out, size_t a, size_t b)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) {
        return false;
    }
    *out = r;
    return true;
}

bool nnc_i64_mul(int64_t *out, int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_mul_overflow(a, b, &r)) {
        return false;
    }
    *out = r;
    return true;
}

bool nnc_i64_add(int64_t *out, int64_t a, int64_t b)
{
    int64_t r;
    if (__builtin_add_overflow(a, b, &r)) {
        return false;
    }
    *out = r;
    return true;
}

static void fail_overflow(size_t n, size_t size)
{
    nnc_error_set(NNC_ERR_LIMIT, "%zu elements of %zu bytes do not fit into memory", n, size);
}

static void fail_memory(size_t bytes)
{
    char text[32];
    nnc_error_set(NNC_ERR_LIMIT, "out of memory: %s asked for", nnc_format_size(text, bytes));
}

/* Bytes of n elements; false with the message set when no object can be that large. */
static bool object_bytes(size_t *out, size_t n, size_t size)
{
    if (!nnc_size_mul(out, n, size) || *out > PTRDIFF_MAX - 2 * ALIGNED_BYTES) {
        fail_overflow(n, size);
        return false;
    }
    return true;
}

void *nnc_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (!object_bytes(&bytes, n, size)) {
        return NULL;
    }
    void *p = calloc(1, bytes > 0 ? bytes : 1);
    if (p == NULL) {
        fail_memory(bytes);
    }
    return p;
}

void *nnc_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (!object_bytes(&bytes, n, size)) {
        return NULL;
    }
    void *q = realloc(p, bytes > 0 ? bytes : 1);
    if (q == NULL) {
        fail_memory(bytes);
    }
    return q;
}

void *nnc_alloc_aligned(size_t bytes)
{
    size_t checked;
    if (!object_bytes(&checked, bytes, 1)) {
        return NULL;
    }
    size_t total = (checked + 2 * ALIGNED_BYTES - 1) / ALIGNED_BYTES * ALIGNED_BYTES;
    void *p = NULL;
    if (posix_memalign(&p, ALIGNED_BYTES, total) != 0) {
        fail_memory(bytes);
        return NULL;
    }
    return memset(p, 0, total);
}

void nnc_free(void *p)
{
    free(p);
}

nnc_status nnc_grow(void *items, size_t *cap, size_t need, size_t size)
{
    assert(size > 0);
    if (need <= *cap) {
        return NNC_OK;
    }
    size_t grown = *cap < 8 ? 8 : *cap;
    while (grown < need) {
        grown = grown <= SIZE_MAX / 2 ? grown * 2 : need;
    }
    void *p;
    memcpy(&p, items, sizeof p);
    p = nnc_realloc(p, grown, size);
    if (p == NULL) {
        return NNC_ERR_LIMIT;
    }
    memcpy(items, &p, sizeof p);
    *cap = grown;
    return NNC_OK;
}

typedef struct arena_block {
    struct arena_block *next;
    size_t unused; /* keeps the bytes behind the header 16-byte aligned */
} arena_block;

struct nnc_arena {
    arena_block *blocks;
    uint8_t *free_at; /* rest of the block that is being filled */
    size_t free_bytes;
    size_t next_block;
    size_t budget;
    size_t taken;
};

_Static_assert(sizeof(arena_block) % ARENA_ALIGN == 0, "block header keeps the alignment");

nnc_arena *nnc_arena_create(size_t budget)
{
    if (budget != 0 && budget < sizeof(nnc_arena)) {
        nnc_error_set(NNC_ERR_LIMIT,
                      "memory budget of %zu bytes is less than the %zu of an empty arena", budget,
                      sizeof(nnc_arena));
        return NULL;
    }
    nnc_arena *arena = nnc_calloc(1, sizeof *arena);
    if (arena == NULL) {
        return NULL;
    }
    arena->budget = budget;
    arena->taken = sizeof *arena;
    arena->next_block = ARENA_FIRST_BLOCK;
    return arena;
}

void nnc_arena_destroy(nnc_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    arena_block *block = arena->blocks;
    while (block != NULL) {
        arena_block *next = block->next;
        nnc_free(block);
        block = next;
    }
    nnc_free(arena);
}

/* A new block with room for `bytes`; its payload, or NULL with the message set. */
static uint8_t *add_block(nnc_arena *arena, size_t bytes)
{
    size_t total;
    if (!nnc_size_add(&total, bytes, sizeof(arena_block))) {
        fail_overflow(bytes, 1);
        return NULL;
    }
    if (arena->budget != 0 && total > arena->budget - arena->taken) {
        nnc_error_set(NNC_ERR_LIMIT,
                      "memory budget exceeded: %zu bytes taken, %zu more asked for, %zu allowed",
                      arena->taken, total, arena->budget);
        return NULL;
    }
    arena_block *block = nnc_calloc(1, total);
    if (block == NULL) {
        return NULL;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    arena->taken += total;
    return (uint8_t *)(block + 1);
}

/* Starts a block for small requests, the last one as large as the budget still allows. */
static bool refill(nnc_arena *arena, size_t bytes)
{
    size_t payload = arena->next_block - sizeof(arena_block);
    if (arena->budget != 0) {
        size_t left = arena->budget - arena->taken;
        if (payload + sizeof(arena_block) > left) {
            payload = left > sizeof(arena_block) ? left - sizeof(arena_block) : 0;
            payload -= payload % ARENA_ALIGN;
        }
    }
    payload = payload > bytes ? payload : bytes;
    uint8_t *data = add_block(arena, payload);
    if (data == NULL) {
        return false;
    }
    arena->free_at = data;
    arena->free_bytes = payload;
    if (arena->next_block < ARENA_LARGEST_BLOCK) {
        arena->next_block *= 2;
    }
    return true;
}

void *nnc_arena_alloc(nnc_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (!object_bytes(&bytes, n, size)) {
        return NULL;
    }
    bytes = (bytes > 0 ? bytes + ARENA_ALIGN - 1 : ARENA_ALIGN) / ARENA_ALIGN * ARENA_ALIGN;
    if (bytes > arena->free_bytes) {
        /* A large request gets its own block, so that the rest of the current one stays in use. */
        if (bytes > arena->next_block / 4) {
            return add_block(arena, bytes);
        }
        if (!refill(arena, bytes)) {
            return NULL;
        }
    }
    void *p = arena->free_at;
    arena->free_at += bytes;
    arena->free_bytes -= bytes;
    return p;
}

char *nnc_arena_strdup(nnc_arena *arena, const char *s)
{
    return nnc_arena_strndup(arena, s, strlen(s));
}

char *nnc_arena_strndup(nnc_arena *arena, const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = nnc_arena_alloc(arena, len + 1, 1);
    if (copy != NULL) {
        memcpy(copy, s, len);
    }
    return copy;
}

char *nnc_arena_printf(nnc_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = NULL;
    if (len < 0) {
        nnc_error_set(NNC_ERR_LIMIT, "text for '%s' cannot be formatted", fmt);
    } else {
        text = nnc_arena_alloc(arena, (size_t)len + 1, 1);
    }
    if (text != NULL) {
        vsnprintf(text, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    return text;
}

size_t nnc_arena_bytes(const nnc_arena *arena)
{
    return arena->taken;
}
