/* Options as recipes: --print-config, the recipe beside a result, and the settings that decide its bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "datasets/dataset.h"
#include "pipeline/config.h"

static const void *field_of(const nnc_config *config, const nnc_option *option)
{
    return (const char *)&config->options + option->offset;
}

/* A text as YAML: plain where that cannot be read as anything else, else in double quotes. */
static void put_text(nnc_str *out, const char *text)
{
    static const char *const words[] = {"null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"};
    bool plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=#,-") == strlen(text) &&
                 text[0] && !strchr("#,-=", text[0]);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        plain = plain && strcmp(words[i], text) != 0;
    }
    if (plain) {
        nnc_str_append(out, text);
        return;
    }
    nnc_str_append(out, "\"");
    for (const char *c = text; *c; c++) {
        nnc_str_append(out, *c == '"' || *c == '\\' ? "\\" : "");
        nnc_str_append_n(out, c, 1);
    }
    nnc_str_append(out, "\"");
}

/* The shortest digits that give the number back. */
static void put_double(nnc_str *out, double x)
{
    char buf[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(buf, sizeof(buf), "%.*g", digits, x);
        if (strtod(buf, NULL) == x) {
            break;
        }
    }
    nnc_str_append(out, buf);
}

/* A path of the working folder as seen from `folder`; false if one of the folders does not exist. */
static bool put_relative(nnc_str *out, const char *path, const char *folder)
{
    char from[PATH_MAX], to[PATH_MAX], parent[PATH_MAX];
    size_t length = nnc_dataset_path_length(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    size_t base = length;
    while (base > 0 && path[base - 1] != '/') {
        base--;
    }
    if (base >= sizeof(parent)) {
        return false;
    }
    snprintf(parent, sizeof(parent), "%.*s", base ? (int)base : 1, base ? path : ".");
    if (!realpath(folder[0] ? folder : ".", from) || !realpath(parent, to)) {
        return false;
    }
    size_t same = 0, i = 0;
    for (; from[i] && from[i] == to[i]; i++) {
        same = from[i] == '/' ? i + 1 : same;
    }
    same = (from[i] == 0 && (to[i] == '/' || to[i] == 0)) || (to[i] == 0 && from[i] == '/') ? i : same;
    const char *rest = from + same;
    for (rest += *rest == '/'; *rest;) {
        nnc_str_append(out, "../");
        rest += strcspn(rest, "/");
        rest += *rest == '/';
    }
    rest = to + same;
    rest += *rest == '/';
    nnc_str_appendf(out, "%s%s%s", rest, *rest ? "/" : "", path + base);
    return true;
}

void nnc_config_put_path(nnc_str *out, const nnc_option *option, const char *text, const char *folder)
{
    nnc_str path = {0};
    if (folder && nnc_config_is_relative(option, text) && put_relative(&path, text, folder)) {
        put_text(out, nnc_str_get(&path));
    } else {
        put_text(out, text);
    }
    nnc_str_deinit(&path);
}

static void put_list(nnc_str *out, const nnc_option_list *list)
{
    nnc_str_append(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        nnc_str item = {0};
        put_text(&item, list->items[i]);
        bool quote = nnc_str_get(&item)[0] != '"' && strchr(nnc_str_get(&item), ',');
        nnc_str_appendf(out, "%s%s%s%s", i ? ", " : "", quote ? "\"" : "", nnc_str_get(&item), quote ? "\"" : "");
        nnc_str_deinit(&item);
    }
    nnc_str_append(out, "]");
}

/* A number outside of its bounds means "not given". */
static bool has_number(const nnc_option *option, double x)
{
    return option->min == option->max || (x >= option->min && x <= option->max);
}

bool nnc_config_value(nnc_str *out, const nnc_config *config, const nnc_option *option, const char *folder)
{
    const void *field = field_of(config, option);
    int64_t integer;
    uint64_t size;
    double x;
    switch (option->type) {
    case NNC_OPTION_FLAG:
        nnc_str_append(out, *(const bool *)field ? "true" : "false");
        return true;
    case NNC_OPTION_ENUM:
        nnc_str_append(out, option->choices[*(const int *)field]);
        return true;
    case NNC_OPTION_INT:
        memcpy(&integer, field, sizeof(integer));
        nnc_str_appendf(out, "%lld", (long long)integer);
        return has_number(option, (double)integer);
    case NNC_OPTION_SIZE:
        memcpy(&size, field, sizeof(size));
        nnc_str_appendf(out, "%llu", (unsigned long long)size);
        return has_number(option, (double)size);
    case NNC_OPTION_DOUBLE:
    case NNC_OPTION_PERCENT:
        memcpy(&x, field, sizeof(x));
        put_double(out, x);
        return has_number(option, x);
    case NNC_OPTION_STRING: {
        const char *text = *(const char *const *)field;
        nnc_config_put_path(out, option, text ? text : "", folder);
        return text != NULL;
    }
    case NNC_OPTION_LIST: {
        const nnc_option_list *list = field;
        put_list(out, list);
        return list->count > 0;
    }
    }
    return false;
}

/* How a recipe is written. */
typedef struct writer {
    nnc_str *out;
    const nnc_config *config;
    const char *folder; /* paths are written as seen from there; NULL: as they are */
    bool origins;       /* with a comment per option, and options without value as comments */
    const char *model, *output; /* instead of those of the config; output: in `folder`; NULL: none */
} writer;

static void put_origin(nnc_str *out, const nnc_config *config, const nnc_origin *origin, const char *name)
{
    switch (origin->layer) {
    case NNC_LAYER_DEFAULT:
        nnc_str_append(out, "default");
        break;
    case NNC_LAYER_RECIPE:
        nnc_str_append_printable(out, config->recipe ? config->recipe : "recipe", 0);
        nnc_str_appendf(out, ":%u", origin->place.line);
        break;
    case NNC_LAYER_ENVIRONMENT:
        nnc_str_append(out, "environment NNCOMPRESS_");
        for (const char *c = name; *c; c++) {
            char upper = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
            nnc_str_append_n(out, &upper, 1);
        }
        break;
    case NNC_LAYER_FLAG:
        nnc_str_append(out, "command line");
        break;
    }
}

/* "  name: value   # origin". */
static void put_line(const writer *w, int indent, const char *name, const char *value, bool has,
                     const nnc_origin *origin)
{
    nnc_str line = {0};
    if (!has && !w->origins) {
        return;
    }
    nnc_str_appendf(&line, "%*s%s%s:%s%s", indent, "", has ? "" : "# ", name, has ? " " : "", has ? value : "");
    if (w->origins) {
        nnc_str_appendf(&line, "%*s# ", line.len < 34 ? (int)(34 - line.len) : 2, "");
        put_origin(&line, w->config, origin, name);
    }
    nnc_str_appendf(w->out, "%s\n", nnc_str_get(&line));
    nnc_str_deinit(&line);
}

static void put_option(const writer *w, const nnc_option *option, int indent)
{
    nnc_str value = {0};
    bool has = nnc_config_value(&value, w->config, option, w->folder);
    if (w->output && strcmp(option->name, "output") == 0) {
        const char *slash = strrchr(w->output, '/');
        nnc_str_clear(&value);
        put_text(&value, slash ? slash + 1 : w->output);
        has = true;
    }
    put_line(w, indent, option->name, nnc_str_get(&value), has,
             &w->config->origins[option - nnc_compress_table]);
    nnc_str_deinit(&value);
}

static void put_step(const writer *w, const nnc_step *step)
{
    const nnc_option *on = nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), step->name);
    nnc_str_appendf(w->out, "  - %s:", step->name);
    if (w->origins) {
        nnc_str_appendf(w->out, "%*s# ", (int)(29 - strlen(step->name)), "");
        put_origin(w->out, w->config, &w->config->origins[on - nnc_compress_table], step->name);
    }
    nnc_str_append(w->out, "\n");
    for (size_t i = 0; step->options[i].name; i++) {
        put_option(w, nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), step->options[i].name),
                   6);
    }
}

static void put_steps(const writer *w)
{
    const nnc_step *steps[NNC_STEPS_MAX];
    size_t n = nnc_compress_steps(steps, &w->config->options);
    nnc_str_appendf(w->out, "\nsteps:%s\n", n ? "" : " []");
    for (size_t i = 0; i < n; i++) {
        put_step(w, steps[i]);
    }
}

static void put_section(const writer *w, const char *section)
{
    char buf[32];
    nnc_str lines = {0};
    writer inner = *w;
    inner.out = &lines;
    for (size_t i = 0; nnc_compress_table[i].name; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        if (nnc_config_in_recipe(o) && strcmp(nnc_config_section(buf, o), section) == 0) {
            put_option(&inner, o, *section ? 2 : 0);
        }
    }
    if (lines.len) {
        nnc_str_appendf(w->out, "%s%s%s%s", *section ? "\n" : "", section, *section ? ":\n" : "", nnc_str_get(&lines));
    }
    nnc_str_deinit(&lines);
}

static void put_recipe(const writer *w)
{
    static const nnc_option model = {.name = "model", .type = NNC_OPTION_STRING, .metavar = "FILE"};
    char buf[32];
    nnc_str value = {0};
    nnc_str_append(w->out, "version: 1\n");
    nnc_config_put_path(&value, &model, w->model ? w->model : "", w->folder);
    put_line(w, 0, "model", nnc_str_get(&value), w->model != NULL, &w->config->model_origin);
    nnc_str_deinit(&value);
    for (size_t i = 0; nnc_config_section_row(buf, i); i++) {
        const char *section = nnc_config_section_row(buf, i);
        if (strcmp(section, "steps") == 0) {
            put_steps(w);
        } else {
            put_section(w, section);
        }
    }
}

nnc_status nnc_config_print(nnc_str *out, const nnc_config *config)
{
    writer w = {.out = out, .config = config, .origins = true, .model = config->model};
    put_recipe(&w);
    nnc_str_append(out, "\n# Of the command line alone:\n");
    for (size_t i = 0; nnc_compress_table[i].name; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        nnc_str value = {0}, line = {0};
        if (!nnc_config_in_recipe(o)) {
            bool has = nnc_config_value(&value, config, o, NULL);
            nnc_str_appendf(&line, "# %s:%s%s", o->name, has ? " " : "", has ? nnc_str_get(&value) : "");
            nnc_str_appendf(&line, "%*s# ", line.len < 34 ? (int)(34 - line.len) : 2, "");
            put_origin(&line, config, &config->origins[i], o->name);
            nnc_str_appendf(out, "%s\n", nnc_str_get(&line));
        }
        nnc_str_deinit(&value);
        nnc_str_deinit(&line);
    }
    return nnc_str_status(out);
}

bool nnc_config_can_hold(const nnc_config *config, const char *model, const char *output)
{
    bool ok = nnc_recipe_can_hold(model) && nnc_recipe_can_hold(output);
    for (size_t i = 0; nnc_compress_table[i].name && ok; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        const void *field = field_of(config, o);
        if (o->type == NNC_OPTION_STRING) {
            const char *text = *(const char *const *)field;
            ok = !text || nnc_recipe_can_hold(text);
        } else if (o->type == NNC_OPTION_LIST) {
            const nnc_option_list *list = field;
            for (size_t k = 0; k < list->count && ok; k++) {
                ok = nnc_recipe_can_hold(list->items[k]);
            }
        }
    }
    return ok;
}

nnc_status nnc_config_resolved(nnc_str *out, bool *complete, const nnc_config *config, const char *model,
                               const char *output)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(output, '/');
    *complete = nnc_config_can_hold(config, model, output);
    if (!*complete) {
        return NNC_OK;
    }
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - output) + 1 : 0, output);
    nnc_str_appendf(out, "# All settings of a run of nncompress %s: nncompress --recipe with this file repeats it.\n",
                    NNC_VERSION);
    writer w = {.out = out, .config = config, .folder = folder, .model = model, .output = output};
    put_recipe(&w);
    return nnc_str_status(out);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const nnc_option *const *)a)->name, (*(const nnc_option *const *)b)->name);
}

/* Options that decide bytes: those of steps, and how samples are read; not where files are, nor how fast. */
static bool decides(const nnc_config *config, const nnc_option *option, const nnc_step *const *steps, size_t count)
{
    static const char *const run[] = {"shape", "nan-weights"};
    const nnc_step *step = nnc_config_step(option);
    const char *m = option->metavar;
    if (m && option->type == NNC_OPTION_STRING && (strcmp(m, "FILE") == 0 || strcmp(m, "PATH") == 0 || strcmp(m, "DIR") == 0)) {
        return false;
    }
    for (size_t i = 0; step && i < count; i++) {
        if (steps[i] == step) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(run) / sizeof(run[0]); i++) {
        if (strcmp(run[i], option->name) == 0) {
            return true;
        }
    }
    (void)config;
    return !step && strcmp(option->group, "Samples") == 0;
}

nnc_status nnc_config_settings(nnc_str *out, const nnc_config *config, size_t limit)
{
    const nnc_option *rows[256];
    const nnc_step *steps[NNC_STEPS_MAX];
    size_t n = 0, count = nnc_compress_steps(steps, &config->options);
    count = limit < count ? limit : count;
    nnc_str_append(out, "steps=");
    for (size_t i = 0; i < count; i++) {
        nnc_str_appendf(out, "%s%s", i ? "," : "", steps[i]->name);
    }
    nnc_str_append(out, "\n");
    for (size_t i = 0; nnc_compress_table[i].name && n < 256; i++) {
        if (decides(config, &nnc_compress_table[i], steps, count)) {
            rows[n++] = &nnc_compress_table[i];
        }
    }
    qsort(rows, n, sizeof(rows[0]), by_name);
    for (size_t i = 0; i < n; i++) {
        nnc_str value = {0};
        bool has = nnc_config_value(&value, config, rows[i], NULL);
        nnc_str_appendf(out, "%s=%s\n", rows[i]->name, has ? nnc_str_get(&value) : "");
        nnc_str_deinit(&value);
    }
    return nnc_str_status(out);
}
