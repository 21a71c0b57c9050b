/* From libyaml's events to a tree. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recipe_tree.h"

#include <string.h>
#include <yaml.h>

#include "base/str.h"

typedef struct builder {
    const char *name;
    nnc_arena *arena;
    yaml_parser_t parser;
    nnc_yaml *stack[NNC_RECIPE_DEPTH_MAX];
    size_t depth, nodes;
    const char *key; /* of the next value in a map; NULL: a key comes next */
    nnc_place key_place;
    nnc_yaml *root;
    bool ended;
} builder;

const nnc_yaml *nnc_yaml_get(const nnc_yaml *map, const char *key)
{
    for (const nnc_yaml *node = map->first; node; node = node->next) {
        if (node->key && strcmp(node->key, key) == 0) {
            return node;
        }
    }
    return NULL;
}

static nnc_place place_of(yaml_mark_t mark)
{
    return (nnc_place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static nnc_status fail_at(const builder *b, yaml_mark_t mark, const char *text)
{
    nnc_place p = place_of(mark);
    NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: %s", b->name, p.line, p.column, text);
}

static nnc_status fail_syntax(const builder *b)
{
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        NNC_FAIL(NNC_ERR_LIMIT, "%s: out of memory", b->name);
    }
    nnc_place at = place_of(p->problem_mark);
    NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: not valid YAML: %s%s%s%s", b->name, at.line, at.column,
             p->problem ? p->problem : "unreadable", p->context ? " (" : "", p->context ? p->context : "",
             p->context ? ")" : "");
}

/* Puts a node where it belongs: behind its siblings, or at the root. */
static nnc_status add_node(nnc_yaml **out, builder *b, nnc_yaml_kind kind, yaml_mark_t mark)
{
    if (++b->nodes > NNC_RECIPE_NODES_MAX) {
        return fail_at(b, mark, "too many entries for a recipe");
    }
    nnc_yaml *node = nnc_arena_alloc(b->arena, 1, sizeof(*node));
    if (!node) {
        return NNC_ERR_LIMIT;
    }
    *node = (nnc_yaml){.kind = kind, .place = place_of(mark), .text = "", .key = b->key, .key_place = b->key_place};
    b->key = NULL;
    if (b->depth == 0) {
        b->root = node;
    } else {
        nnc_yaml *parent = b->stack[b->depth - 1];
        *(parent->first ? &parent->last->next : &parent->first) = node;
        parent->last = node;
        parent->count++;
    }
    *out = node;
    return NNC_OK;
}

static bool expects_key(const builder *b)
{
    return b->depth > 0 && b->stack[b->depth - 1]->kind == NNC_YAML_MAP && !b->key;
}

static nnc_status take_key(builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (strcmp(text, "<<") == 0) {
        return fail_at(b, event->start_mark, "merge keys ('<<') are not part of recipes");
    }
    if (!*text) {
        return fail_at(b, event->start_mark, "a key is empty");
    }
    const nnc_yaml *before = nnc_yaml_get(b->stack[b->depth - 1], text);
    if (before) {
        nnc_place p = place_of(event->start_mark);
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: key '%s' is here twice; the first is in line %u", b->name, p.line, p.column,
                 text, before->key_place.line);
    }
    b->key = nnc_arena_strdup(b->arena, text);
    b->key_place = place_of(event->start_mark);
    return b->key ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status take_text(builder *b, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    if (event->data.scalar.anchor) {
        return fail_at(b, event->start_mark, "anchors ('&') are not part of recipes");
    }
    if (event->data.scalar.tag) {
        return fail_at(b, event->start_mark, "tags ('!') are not part of recipes");
    }
    if (event->start_mark.line != event->end_mark.line || style == YAML_LITERAL_SCALAR_STYLE ||
        style == YAML_FOLDED_SCALAR_STYLE) {
        return fail_at(b, event->start_mark, "a text over several lines; values stay on one line");
    }
    size_t length = event->data.scalar.length;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = event->data.scalar.value[i];
        if (c < 32 || c == 127) { /* by an escape: "\0", "\n" */
            return fail_at(b, event->start_mark, "a control character in a text");
        }
    }
    if (expects_key(b)) {
        return take_key(b, event);
    }
    nnc_yaml *node;
    NNC_TRY(add_node(&node, b, NNC_YAML_TEXT, event->start_mark));
    node->quoted = style != YAML_PLAIN_SCALAR_STYLE;
    node->text = nnc_arena_strndup(b->arena, (const char *)event->data.scalar.value, length);
    return node->text ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status open_node(builder *b, const yaml_event_t *event, nnc_yaml_kind kind)
{
    bool map = kind == NNC_YAML_MAP;
    if (map ? event->data.mapping_start.anchor != NULL : event->data.sequence_start.anchor != NULL) {
        return fail_at(b, event->start_mark, "anchors ('&') are not part of recipes");
    }
    if (map ? event->data.mapping_start.tag != NULL : event->data.sequence_start.tag != NULL) {
        return fail_at(b, event->start_mark, "tags ('!') are not part of recipes");
    }
    if (expects_key(b)) {
        return fail_at(b, event->start_mark, "a key is a word, not a list or a mapping");
    }
    if (b->depth == NNC_RECIPE_DEPTH_MAX) {
        return fail_at(b, event->start_mark, "nested deeper than 16");
    }
    nnc_yaml *node;
    NNC_TRY(add_node(&node, b, kind, event->start_mark));
    b->stack[b->depth++] = node;
    return NNC_OK;
}

static nnc_status take_event(builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->root) {
            return fail_at(b, event->start_mark, "a second document; a recipe is one");
        }
        if (event->data.document_start.version_directive ||
            event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end) {
            return fail_at(b, event->start_mark, "directives ('%') are not part of recipes");
        }
        return NNC_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(b, event->start_mark, "aliases ('*') are not part of recipes; quote a text that starts with *");
    case YAML_SCALAR_EVENT:
        return take_text(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(b, event, NNC_YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        return open_node(b, event, NNC_YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return NNC_OK;
    case YAML_STREAM_END_EVENT:
        b->ended = true;
        return NNC_OK;
    default:
        return NNC_OK;
    }
}

static nnc_status build(builder *b)
{
    while (!b->ended) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            return fail_syntax(b);
        }
        nnc_status status = take_event(b, &event);
        yaml_event_delete(&event);
        NNC_TRY(status);
    }
    if (!b->root) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:1:1: holds no recipe: it is empty", b->name);
    }
    if (b->root->kind != NNC_YAML_MAP) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: a recipe is a mapping that starts with 'version: 1'", b->name,
                 b->root->place.line, b->root->place.column);
    }
    return NNC_OK;
}

nnc_status nnc_yaml_read(const nnc_yaml **out, nnc_arena *arena, const char *name, const char *text, size_t bytes)
{
    NNC_TRY(nnc_recipe_check_bytes(name, text, bytes));
    builder b = {.name = name, .arena = arena};
    if (!yaml_parser_initialize(&b.parser)) {
        NNC_FAIL(NNC_ERR_LIMIT, "%s: out of memory", name);
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, bytes);
    nnc_status status = build(&b);
    yaml_parser_delete(&b.parser);
    *out = status == NNC_OK ? b.root : NULL;
    return status;
}
