/* Layers of options. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"

#define PREFIX "NNCOMPRESS_"

const nnc_step *nnc_config_step(const nnc_option *option)
{
    for (size_t i = 0; nnc_step_row(i); i++) {
        const nnc_step *step = nnc_step_row(i);
        if (nnc_option_find(step->options, nnc_option_count(step->options), option->name)) {
            return step;
        }
    }
    return NULL;
}

const char *nnc_config_section(char buf[32], const nnc_option *option)
{
    static const struct {
        const char *group, *section;
    } named[] = {{"Files", ""}, {"Samples", "data"}, {"Running", "run"}, {"Steps", "steps"}};
    if (nnc_config_step(option)) {
        return "steps";
    }
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (strcmp(named[i].group, option->group) == 0) {
            return named[i].section;
        }
    }
    size_t n = 0;
    for (; option->group[n] && n < 31; n++) {
        buf[n] = option->group[n] == ' ' ? '-' : (char)tolower((unsigned char)option->group[n]);
    }
    buf[n] = 0;
    return buf;
}

bool nnc_config_in_recipe(const nnc_option *option)
{
    static const char *const flags[] = {"force", "json", "quiet", "verbose", "log-file"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(flags[i], option->name) == 0) {
            return false;
        }
    }
    return strcmp(option->group, "Recipe") != 0;
}

/* True if an option in front of row i stands in the same section. */
static bool section_seen(size_t row, const char *section)
{
    char buf[32];
    for (size_t i = 0; i < row; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        if (nnc_config_in_recipe(o) && strcmp(nnc_config_section(buf, o), section) == 0) {
            return true;
        }
    }
    return false;
}

const char *nnc_config_section_row(char buf[32], size_t i)
{
    static const char *const front[] = {"", "data", "steps"};
    if (i < 3) {
        return front[i];
    }
    size_t at = 3;
    for (size_t row = 0; nnc_compress_table[row].name; row++) {
        const nnc_option *o = &nnc_compress_table[row];
        const char *section = nnc_config_section(buf, o);
        bool fixed = !*section || strcmp(section, "data") == 0 || strcmp(section, "steps") == 0 || strcmp(section, "run") == 0;
        if (nnc_config_in_recipe(o) && !fixed && !section_seen(row, section) && at++ == i) {
            return section;
        }
    }
    return at == i ? "run" : NULL;
}

bool nnc_config_is_relative(const nnc_option *option, const char *value)
{
    const char *m = option->metavar;
    bool path = option->type == NNC_OPTION_STRING && m &&
                (strcmp(m, "FILE") == 0 || strcmp(m, "PATH") == 0 || strcmp(m, "DIR") == 0 ||
                 (strcmp(m, "WHERE") == 0 && strcmp(value, "all") != 0));
    return path && value[0] && value[0] != '/' && value[0] != '#' && strncmp(value, "random:", 7) != 0 &&
           strcmp(value, "-") != 0;
}

nnc_status nnc_config_defaults(nnc_config *out)
{
    *out = (nnc_config){.options = nnc_compress_defaults(), .folder = "", .arena = nnc_arena_create(0)};
    if (!out->arena) {
        return NNC_ERR_LIMIT;
    }
    out->origins = nnc_arena_alloc(out->arena, nnc_option_count(nnc_compress_table), sizeof(*out->origins));
    return out->origins ? NNC_OK : NNC_ERR_LIMIT;
}

void nnc_config_deinit(nnc_config *config)
{
    nnc_compress_options_deinit(&config->options);
    nnc_arena_destroy(config->arena);
    *config = (nnc_config){0};
}

static nnc_status read_recipe(nnc_config *config, const char *path)
{
    nnc_file_map map;
    const char *slash = strrchr(path, '/');
    config->recipe = nnc_arena_strdup(config->arena, path);
    config->folder = nnc_arena_strndup(config->arena, path, slash ? (size_t)(slash - path) + 1 : 0);
    if (!config->recipe || !config->folder) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_file_map_open(&map, path, 0));
    nnc_sha256 sha;
    uint8_t digest[32];
    nnc_sha256_init(&sha);
    nnc_sha256_update(&sha, map.data, map.bytes);
    nnc_sha256_final(&sha, digest);
    nnc_sha256_hex(digest, config->recipe_sha256);
    nnc_status status = nnc_config_read(config, config->recipe, (const char *)map.data, map.bytes);
    nnc_file_map_close(&map);
    return status;
}

/* "NNCOMPRESS_MAX_BAD" -> "max-bad"; false if it does not fit. */
static bool option_name(char name[64], const char *variable, size_t n)
{
    if (n >= 64) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        name[i] = variable[i] == '_' ? '-' : (char)tolower((unsigned char)variable[i]);
    }
    name[n] = 0;
    return true;
}

static void warn_unknown(const char *variable, int length, const char *name, const nnc_log *log)
{
    const char *names[256];
    size_t n = 0;
    for (; nnc_compress_table[n].name && n < 256; n++) {
        names[n] = nnc_compress_table[n].name;
    }
    const char *near = nnc_nearest(name, names, n);
    nnc_log_warn(log, "environment variable %.*s sets no option%s%s%s", length, variable,
                 near ? "; did you mean the one of --" : "", near ? near : "", near ? "?" : "");
}

nnc_status nnc_config_fail_value(nnc_status status, const char *place, ...)
{
    char where[512], text[2048];
    const char *message = nnc_error_message();
    va_list args;
    va_start(args, place);
    vsnprintf(where, sizeof(where), place, args);
    va_end(args);
    snprintf(text, sizeof(text), "%s", strncmp(message, "--", 2) == 0 ? message + 2 : message);
    return nnc_error_set(status, "%s: %s", where, text);
}

static nnc_status apply_variable(nnc_config *config, const nnc_option *option, const char *variable, size_t length)
{
    const char *value = nnc_arena_strdup(config->arena, variable + length + 1);
    if (!value) {
        return NNC_ERR_LIMIT;
    }
    if (option->type == NNC_OPTION_FLAG && (strcmp(value, "1") == 0 || strcmp(value, "0") == 0)) {
        value = *value == '1' ? "true" : "false";
    }
    if (option->type == NNC_OPTION_LIST) {
        nnc_option_list_deinit((nnc_option_list *)(void *)((char *)&config->options + option->offset));
    }
    nnc_status status = nnc_option_apply(option, &config->options, value, false);
    if (status != NNC_OK) {
        return nnc_config_fail_value(status, "environment variable %.*s", (int)length, variable);
    }
    config->origins[option - nnc_compress_table] = (nnc_origin){.layer = NNC_LAYER_ENVIRONMENT};
    return NNC_OK;
}

static nnc_status read_environment(nnc_config *config, char *const *environment, const nnc_log *log)
{
    for (; environment && *environment; environment++) {
        const char *variable = *environment;
        size_t length = strcspn(variable, "=");
        char name[64];
        if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0 || !variable[length] || !variable[length + 1] ||
            !option_name(name, variable + strlen(PREFIX), length - strlen(PREFIX))) {
            continue;
        }
        const nnc_option *option = nnc_option_find(nnc_compress_table, nnc_option_count(nnc_compress_table), name);
        if (!option) {
            warn_unknown(variable, (int)length, name, log);
            continue;
        }
        NNC_TRY(apply_variable(config, option, variable, length));
    }
    return NNC_OK;
}

/* The recipe that flags or environment name; NULL if none. */
static const char *find_recipe(const nnc_compress_options *flags, char *const *environment)
{
    const char *name = PREFIX "RECIPE=";
    const char *found = flags->recipe;
    for (; !found && environment && *environment; environment++) {
        if (strncmp(*environment, name, strlen(name)) == 0 && (*environment)[strlen(name)]) {
            found = *environment + strlen(name);
        }
    }
    return found;
}

static nnc_status apply_flags(nnc_config *config, int argc, char *const *argv, const bool *seen)
{
    nnc_option_list words = {0};
    for (size_t i = 0; nnc_compress_table[i].name; i++) {
        const nnc_option *option = &nnc_compress_table[i];
        if (seen[i]) {
            config->origins[i] = (nnc_origin){.layer = NNC_LAYER_FLAG};
        }
        if (seen[i] && option->type == NNC_OPTION_LIST) {
            nnc_option_list_deinit((nnc_option_list *)(void *)((char *)&config->options + option->offset));
        }
    }
    nnc_status status = nnc_option_parse(nnc_compress_table, nnc_option_count(nnc_compress_table), &config->options,
                                         argc, argv, &words, NULL);
    if (status == NNC_OK && words.count) {
        config->model = nnc_arena_strdup(config->arena, words.items[0]);
        config->model_origin = (nnc_origin){.layer = NNC_LAYER_FLAG};
        status = config->model ? NNC_OK : NNC_ERR_LIMIT;
    }
    nnc_option_list_deinit(&words);
    return status;
}

nnc_status nnc_config_init(nnc_config *out, int argc, char *const *argv, char *const *environment,
                           const nnc_log *log)
{
    NNC_TRY(nnc_config_defaults(out));
    /* Flags win, but name the recipe: they are read first and applied last. */
    nnc_compress_options flags = nnc_compress_defaults();
    nnc_option_list words = {0};
    bool *seen = nnc_arena_alloc(out->arena, nnc_option_count(nnc_compress_table), sizeof(*seen));
    nnc_status status = seen ? nnc_option_parse(nnc_compress_table, nnc_option_count(nnc_compress_table), &flags, argc,
                                                argv, &words, seen)
                             : NNC_ERR_LIMIT;
    if (status == NNC_OK && words.count > 1) {
        status = nnc_error_set(NNC_ERR_USAGE, "%zu files given, expected one model: '%s' and '%s'", words.count,
                               words.items[0], words.items[1]);
    }
    nnc_option_list_deinit(&words);
    const char *recipe = find_recipe(&flags, environment);
    if (status == NNC_OK && recipe) {
        status = read_recipe(out, recipe);
    }
    nnc_compress_options_deinit(&flags);
    status = status == NNC_OK ? read_environment(out, environment, log) : status;
    return status == NNC_OK ? apply_flags(out, argc, argv, seen) : status;
}
