/* Where options come from: defaults, recipe, environment, flags, in this order. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_CONFIG_H
#define NNC_PIPELINE_CONFIG_H

#include "base/log.h"
#include "pipeline/compress.h"
#include "pipeline/recipe_tree.h"

typedef enum nnc_layer { NNC_LAYER_DEFAULT, NNC_LAYER_RECIPE, NNC_LAYER_ENVIRONMENT, NNC_LAYER_FLAG } nnc_layer;

typedef struct nnc_origin {
    nnc_layer layer;
    nnc_place place;   /* RECIPE */
    nnc_place *items;  /* RECIPE, lists: of each item */
} nnc_origin;

typedef struct nnc_config {
    nnc_compress_options options;
    nnc_origin *origins;     /* one per row of nnc_compress_table */
    const char *model;       /* NULL: none named */
    nnc_origin model_origin;
    const char *recipe;      /* path as given; NULL: no recipe */
    char recipe_sha256[65];
    const char *folder;      /* of the recipe, with a slash at its end; "" = working folder */
    nnc_arena *arena;        /* strings */
} nnc_config;

/* Reads argv[0..argc) (at most one word: the model), the recipe that it names, and environment variables NNCOMPRESS_<OPTION>
 * (environment: NULL-terminated "NAME=value"; NULL: none). Unknown variables of that prefix are warned about. Fails: NNC_ERR_USAGE with
 * flag, file:line:column or variable; NNC_ERR_IO. *out is initialised whatever the result: nnc_config_deinit. */
nnc_status nnc_config_init(nnc_config *out, int argc, char *const *argv, char *const *environment,
                           const nnc_log *log);
void nnc_config_deinit(nnc_config *config);

/* Applies the recipe text [bytes] named `name` to a config with defaults; part of nnc_config_init. */
nnc_status nnc_config_read(nnc_config *config, const char *name, const char *text, size_t bytes);
/* The option parser's last message ("--samples: ...") again, with the place (printf format) in front and without dashes. */
nnc_status nnc_config_fail_value(nnc_status status, const char *place, ...) __attribute__((format(printf, 2, 3)));
/* A config with defaults only. */
nnc_status nnc_config_defaults(nnc_config *out);

/* Section of a recipe that an option stands in: "" (top level), "data", "run", ...; "steps" for steps and their options. */
const char *nnc_config_section(char buf[32], const nnc_option *option);
/* The step that an option belongs to; NULL if none. */
const nnc_step *nnc_config_step(const nnc_option *option);
/* False: only command line and environment take it (--force, --json, --recipe, ...). */
bool nnc_config_in_recipe(const nnc_option *option);
/* True if `value` of the option is a path that is relative. */
bool nnc_config_is_relative(const nnc_option *option, const char *value);
/* Sections in the order of a recipe; NULL past the end. */
const char *nnc_config_section_row(char buf[32], size_t i);

#define NNC_RECIPE_VERSION 1

/* Every option with its value and origin, as a recipe with comments (--print-config). */
nnc_status nnc_config_print(nnc_str *out, const nnc_config *config);
/* The recipe that repeats the run: all settings, paths relative to the folder of `output`. *complete = false where a path cannot
 * stand in a recipe; then nothing is appended. */
nnc_status nnc_config_resolved(nnc_str *out, bool *complete, const nnc_config *config, const char *model,
                               const char *output);
/* Value of an option as it stands in a recipe ("0.01", "[a, b]"); false if it has none. */
bool nnc_config_value(nnc_str *out, const nnc_config *config, const nnc_option *option, const char *folder);
/* A path as it stands in a recipe: quoted where needed; a relative one as seen from `folder` (NULL: as it is). */
void nnc_config_put_path(nnc_str *out, const nnc_option *option, const char *path, const char *folder);
/* True if all texts of the config, the model and the output can stand in a recipe. */
bool nnc_config_can_hold(const nnc_config *config, const char *model, const char *output);
/* What decides the bytes of the result, besides the contents of model and data: one line "name=value" per setting, names sorted.
 * steps: only the first so many steps; SIZE_MAX: all. */
nnc_status nnc_config_settings(nnc_str *out, const nnc_config *config, size_t steps);

#endif
