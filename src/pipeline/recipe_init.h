/* A first recipe for a model and its data. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_RECIPE_INIT_H
#define NNC_PIPELINE_RECIPE_INIT_H

#include "pipeline/config.h"

/* Looks at the config's model and, where one is named, at its calibration data, and appends a recipe with comments: settings that were given as
 * lines, every other option as a comment with its meaning. path: where the recipe will stand, its paths are relative to that. Fails as
 * loading model or data does; NNC_ERR_USAGE for a plan or for a path that no recipe can hold. */
nnc_status nnc_recipe_init(nnc_str *out, const nnc_config *config, const char *path, const nnc_log *log);

#endif
