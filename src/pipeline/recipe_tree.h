/* The YAML that recipes use: mappings, lists and one-line texts, each with its place. SPDX-License-Identifier: Apache-2.0
 * No aliases, anchors, tags, merge keys, directives or further documents: one text has one meaning, in any reader. */
#ifndef NNC_PIPELINE_RECIPE_TREE_H
#define NNC_PIPELINE_RECIPE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

#define NNC_RECIPE_BYTES_MAX ((size_t)1 << 20)
#define NNC_RECIPE_DEPTH_MAX 16
#define NNC_RECIPE_NODES_MAX 20000

typedef enum nnc_yaml_kind { NNC_YAML_TEXT, NNC_YAML_LIST, NNC_YAML_MAP } nnc_yaml_kind;

typedef struct nnc_place {
    uint32_t line, column; /* from 1; columns count characters */
} nnc_place;

typedef struct nnc_yaml {
    nnc_yaml_kind kind;
    nnc_place place;
    const char *key; /* in a map: its key; else NULL */
    nnc_place key_place;
    const char *text; /* TEXT; never NULL */
    bool quoted;
    struct nnc_yaml *first, *last, *next; /* children in the file's order; next: sibling */
    size_t count;
} nnc_yaml;

/* Reads text [bytes]; name: for messages "name:line:column: ...". Nodes live in the arena. The root is a map. Fails: NNC_ERR_USAGE with
 * the place; NNC_ERR_LIMIT for memory. */
nnc_status nnc_yaml_read(const nnc_yaml **out, nnc_arena *arena, const char *name, const char *text, size_t bytes);
/* Child of a map by key; NULL if absent. */
const nnc_yaml *nnc_yaml_get(const nnc_yaml *map, const char *key);

/* What libyaml would take, or refuse without a place: size, NUL, invalid UTF-8, control characters, a byte order mark, tabs in front of
 * text. Part of nnc_yaml_read. */
nnc_status nnc_recipe_check_bytes(const char *name, const char *text, size_t bytes);
/* True if a recipe can hold the text as a value: UTF-8 without control or invisible characters. */
bool nnc_recipe_can_hold(const char *text);

#endif
