/* A recipe's tree into options: the option tables are the schema. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "pipeline/config.h"

#define NAMES_MAX 256

typedef struct reader {
    nnc_config *config;
    const char *name; /* of the file */
} reader;

static const nnc_option *find(const char *name)
{
    return nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), name);
}

static bool is_null(const nnc_yaml *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; node->kind == NNC_YAML_TEXT && !node->quoted && i < sizeof(nulls) / sizeof(nulls[0]); i++) {
        if (strcmp(node->text, nulls[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_boolean(const char *text)
{
    static const char *const words[] = {"true", "false", "True", "False", "TRUE", "FALSE"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *kind_name(const nnc_yaml *node)
{
    return node->kind == NNC_YAML_LIST ? "a list" : node->kind == NNC_YAML_MAP ? "a mapping"
           : is_null(node)             ? "nothing"
           : node->quoted              ? "a quoted text"
                                       : node->text;
}

static const char *expected(const nnc_option *option)
{
    static const char *const names[] = {
        [NNC_OPTION_FLAG] = "true or false", [NNC_OPTION_INT] = "a whole number", [NNC_OPTION_DOUBLE] = "a number",
        [NNC_OPTION_PERCENT] = "a share like 1%", [NNC_OPTION_SIZE] = "a size like 64M", [NNC_OPTION_STRING] = "a text",
        [NNC_OPTION_ENUM] = "a word", [NNC_OPTION_LIST] = "a list of texts"};
    return names[option->type];
}

static nnc_status fail_type(const reader *r, const nnc_yaml *node, const char *key, const char *wanted)
{
    NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: '%s' is %s, expected %s", r->name, node->place.line, node->place.column, key,
             kind_name(node), wanted);
}

/* True if a text of this look may be the option's value: YAML's own guesses about types do not count, quotes do. */
static bool fits(const nnc_option *option, const nnc_yaml *node)
{
    if (node->kind != NNC_YAML_TEXT || is_null(node)) {
        return false;
    }
    if (option->type == NNC_OPTION_STRING || option->type == NNC_OPTION_LIST) {
        return node->quoted ? node->text[0] != 0 : !is_boolean(node->text);
    }
    return !node->quoted || option->type == NNC_OPTION_ENUM;
}

static nnc_status apply_list(const reader *r, const nnc_option *option, const nnc_yaml *node)
{
    nnc_option_list *list = (nnc_option_list *)(void *)((char *)&r->config->options + option->offset);
    bool one = node->kind == NNC_YAML_TEXT;
    size_t count = one ? 1 : node->count, n = 0;
    nnc_place *places = nnc_arena_alloc(r->config->arena, count + 1, sizeof(*places));
    if (!places) {
        return NNC_ERR_LIMIT;
    }
    if (node->kind == NNC_YAML_MAP) {
        return fail_type(r, node, option->name, expected(option));
    }
    for (const nnc_yaml *item = one ? node : node->first; item; item = one ? NULL : item->next) {
        if (!fits(option, item)) {
            return fail_type(r, item, option->name, "a text");
        }
        places[n++] = item->place;
        NNC_TRY(nnc_option_list_add(list, item->text, strlen(item->text)));
    }
    r->config->origins[option - nnc_compress_table].items = places;
    return NNC_OK;
}

static nnc_status apply_value(const reader *r, const nnc_option *option, const nnc_yaml *node)
{
    r->config->origins[option - nnc_compress_table] = (nnc_origin){.layer = NNC_LAYER_RECIPE, .place = node->place};
    if (option->type == NNC_OPTION_LIST) {
        return apply_list(r, option, node);
    }
    if (!fits(option, node)) {
        return fail_type(r, node, option->name, expected(option));
    }
    const char *text = node->text;
    if (option->type == NNC_OPTION_FLAG && strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        return fail_type(r, node, option->name, expected(option));
    }
    if (nnc_config_is_relative(option, text) && r->config->folder[0]) {
        text = nnc_arena_printf(r->config->arena, "%s%s", r->config->folder, text);
    }
    nnc_status status = text ? nnc_option_apply(option, &r->config->options, text, false) : NNC_ERR_LIMIT;
    return status == NNC_OK ? NNC_OK : nnc_config_fail_value(status, "%s:%u:%u", r->name, node->place.line, node->place.column);
}

/* "under 'data'", "under step 'int8'", "at the top". */
static void append_where(nnc_str *out, const nnc_option *option)
{
    char buf[32];
    const nnc_step *step = nnc_config_step(option);
    const char *section = nnc_config_section(buf, option);
    if (step) {
        nnc_str_appendf(out, "under step '%s'", step->name);
    } else if (*section) {
        nnc_str_appendf(out, "%s '%s'", strcmp(section, "steps") == 0 ? "in the list" : "under", section);
    } else {
        nnc_str_append(out, "at the top");
    }
}

/* An unknown key: where it belongs, or what looks like it. names [n]: what may stand here. */
static nnc_status fail_key(const reader *r, const nnc_yaml *node, const char *what, const char *const *names, size_t n)
{
    nnc_str hint = {0};
    const nnc_option *option = find(node->key);
    const char *near = nnc_nearest(node->key, names, n);
    if (option && !nnc_config_in_recipe(option)) {
        nnc_str_append(&hint, "it is an option of the command line alone");
    } else if (option) {
        nnc_str_append(&hint, "it belongs ");
        append_where(&hint, option);
    } else if (near) {
        nnc_str_appendf(&hint, "did you mean '%s'?", near);
    } else {
        const char *all[NAMES_MAX];
        size_t count = 0;
        for (; nnc_compress_table[count].name && count < NAMES_MAX; count++) {
            all[count] = nnc_compress_table[count].name;
        }
        near = nnc_nearest(node->key, all, count);
        if (near && nnc_config_in_recipe(find(near))) {
            nnc_str_appendf(&hint, "did you mean '%s', ", near);
            append_where(&hint, find(near));
            nnc_str_append(&hint, "?");
        }
    }
    nnc_error_set(NNC_ERR_USAGE, "%s:%u:%u: unknown %s '%s'%s%s", r->name, node->key_place.line,
                  node->key_place.column, what, node->key, hint.len ? "; " : "", nnc_str_get(&hint));
    nnc_str_deinit(&hint);
    return NNC_ERR_USAGE;
}

/* Names of the options of a section; steps have their own tables. */
static size_t section_names(const char **names, const char *section)
{
    char buf[32];
    size_t n = 0;
    for (size_t i = 0; nnc_compress_table[i].name && n < NAMES_MAX - 32; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        if (nnc_config_in_recipe(o) && strcmp(nnc_config_section(buf, o), section) == 0) {
            names[n++] = o->name;
        }
    }
    return n;
}

static bool among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static nnc_status read_section(const reader *r, const nnc_yaml *map)
{
    const char *names[NAMES_MAX];
    if (is_null(map)) {
        return NNC_OK;
    }
    if (map->kind != NNC_YAML_MAP) {
        return fail_type(r, map, map->key, "options below it");
    }
    size_t n = section_names(names, map->key);
    for (const nnc_yaml *node = map->first; node; node = node->next) {
        if (!among(node->key, names, n)) {
            return fail_key(r, node, "key", names, n);
        }
        NNC_TRY(apply_value(r, find(node->key), node));
    }
    return NNC_OK;
}

static nnc_status read_step_options(const reader *r, const nnc_step *step, const nnc_yaml *map)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    if (is_null(map)) {
        return NNC_OK;
    }
    if (map->kind != NNC_YAML_MAP) {
        return fail_type(r, map, step->name, "options below it");
    }
    for (; step->options[n].name && n < NAMES_MAX; n++) {
        names[n] = step->options[n].name;
    }
    for (const nnc_yaml *node = map->first; node; node = node->next) {
        if (!among(node->key, names, n)) {
            return fail_key(r, node, "option", names, n);
        }
        NNC_TRY(apply_value(r, find(node->key), node));
    }
    return NNC_OK;
}

static nnc_status unknown_step(const reader *r, const nnc_yaml *node, const char *name)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; nnc_step_row(n) && n < NAMES_MAX; n++) {
        names[n] = nnc_step_row(n)->name;
    }
    const char *near = nnc_nearest(name, names, n);
    nnc_str known = {0};
    for (size_t i = 0; i < n; i++) {
        nnc_str_appendf(&known, "%s%s", i ? ", " : "", names[i]);
    }
    nnc_error_set(NNC_ERR_USAGE, "%s:%u:%u: unknown step '%s'; known: %s%s%s%s", r->name, node->place.line,
                  node->place.column, name, nnc_str_get(&known), near ? "; did you mean '" : "", near ? near : "",
                  near ? "'?" : "");
    nnc_str_deinit(&known);
    return NNC_ERR_USAGE;
}

static nnc_status read_step(const reader *r, const nnc_yaml *item)
{
    const nnc_yaml *body = item->kind == NNC_YAML_MAP && item->count == 1 ? item->first : NULL;
    if (is_null(item) || (!body && item->kind != NNC_YAML_TEXT)) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: a step is one name with its options below it, as in '- int8:'", r->name,
                 item->place.line, item->place.column);
    }
    const char *name = body ? body->key : item->text;
    const nnc_step *step = nnc_step_find(name);
    if (!step) {
        return unknown_step(r, item, name);
    }
    nnc_compress_options *o = &r->config->options;
    for (size_t i = 0; i < o->order_count; i++) {
        if (o->order[i] == step) {
            NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: step '%s' is listed twice", r->name, item->place.line,
                     item->place.column, name);
        }
    }
    if (o->order_count == NNC_STEPS_MAX) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: more than %d steps", r->name, item->place.line, item->place.column,
                 NNC_STEPS_MAX);
    }
    o->order[o->order_count++] = step;
    const nnc_option *on = find(name);
    NNC_TRY(nnc_option_apply(on, o, NULL, false));
    r->config->origins[on - nnc_compress_table] = (nnc_origin){.layer = NNC_LAYER_RECIPE, .place = item->place};
    return body ? read_step_options(r, step, body) : NNC_OK;
}

static nnc_status read_steps(const reader *r, const nnc_yaml *list)
{
    if (is_null(list)) {
        return NNC_OK;
    }
    if (list->kind != NNC_YAML_LIST) {
        return fail_type(r, list, "steps", "a list of steps, as in '- int8:'");
    }
    for (const nnc_yaml *item = list->first; item; item = item->next) {
        NNC_TRY(read_step(r, item));
    }
    return NNC_OK;
}

static nnc_status read_model(const reader *r, const nnc_yaml *node)
{
    static const nnc_option option = {.name = "model", .type = NNC_OPTION_STRING, .metavar = "FILE"};
    if (!fits(&option, node)) {
        return fail_type(r, node, "model", "a text");
    }
    bool relative = nnc_config_is_relative(&option, node->text);
    r->config->model = nnc_arena_printf(r->config->arena, "%s%s", relative ? r->config->folder : "", node->text);
    r->config->model_origin = (nnc_origin){.layer = NNC_LAYER_RECIPE, .place = node->place};
    return r->config->model ? NNC_OK : NNC_ERR_LIMIT;
}

static nnc_status check_version(const reader *r, const nnc_yaml *root)
{
    const nnc_yaml *node = nnc_yaml_get(root, "version");
    uint64_t version;
    if (!node) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: 'version: 1' is missing", r->name, root->place.line, root->place.column);
    }
    if (node->kind != NNC_YAML_TEXT || node->quoted || !nnc_parse_u64(node->text, &version) || version == 0) {
        return fail_type(r, node, "version", "1");
    }
    if (version > NNC_RECIPE_VERSION) {
        NNC_FAIL(NNC_ERR_USAGE, "%s:%u:%u: version %llu of recipes is newer than this build, which reads %d", r->name,
                 node->place.line, node->place.column, (unsigned long long)version, NNC_RECIPE_VERSION);
    }
    return NNC_OK;
}

static nnc_status read_top(const reader *r, const nnc_yaml *node)
{
    const char *names[NAMES_MAX], *section;
    char buf[32];
    if (strcmp(node->key, "version") == 0) {
        return NNC_OK;
    }
    if (strcmp(node->key, "model") == 0) {
        return read_model(r, node);
    }
    if (strcmp(node->key, "steps") == 0) {
        return read_steps(r, node);
    }
    size_t n = section_names(names, "");
    if (among(node->key, names, n)) {
        return apply_value(r, find(node->key), node);
    }
    for (size_t i = 1; (section = nnc_config_section_row(buf, i)) != NULL; i++) {
        if (strcmp(section, node->key) == 0) {
            return read_section(r, node);
        }
        names[n] = nnc_arena_strdup(r->config->arena, section);
        n += names[n] != NULL;
    }
    names[n++] = "version";
    names[n++] = "model";
    return fail_key(r, node, "key", names, n);
}

nnc_status nnc_config_read(nnc_config *config, const char *name, const char *text, size_t bytes)
{
    const reader r = {config, name};
    const nnc_yaml *root;
    NNC_TRY(nnc_yaml_read(&root, config->arena, name, text, bytes));
    NNC_TRY(check_version(&r, root));
    for (const nnc_yaml *node = root->first; node; node = node->next) {
        NNC_TRY(read_top(&r, node));
    }
    return NNC_OK;
}
