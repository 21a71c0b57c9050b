/* libFuzzer target: any bytes as a recipe; what is accepted is written and read again with the same settings. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, nnc_error_message());
        abort();
    }
}

static void read_again(const nnc_config *config)
{
    nnc_str text = {0}, one = {0}, two = {0};
    nnc_config copy;
    check(nnc_config_print(&text, config) == NNC_OK && nnc_config_defaults(&copy) == NNC_OK, "print");
    check(nnc_config_read(&copy, "again", nnc_str_get(&text), text.len) == NNC_OK, "read again");
    check(nnc_config_settings(&one, config, SIZE_MAX) == NNC_OK && nnc_config_settings(&two, &copy, SIZE_MAX) == NNC_OK,
          "settings");
    check(strcmp(nnc_str_get(&one), nnc_str_get(&two)) == 0, "settings differ");
    nnc_config_deinit(&copy);
    nnc_str_deinit(&text);
    nnc_str_deinit(&one);
    nnc_str_deinit(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nnc_config config;
    check(nnc_config_defaults(&config) == NNC_OK, "defaults");
    if (nnc_config_read(&config, "fuzz", (const char *)data, size) == NNC_OK) {
        read_again(&config);
    } else {
        /* One line with a place. */
        check(strncmp(nnc_error_message(), "fuzz:", 5) == 0 && !strchr(nnc_error_message(), '\n'), "message");
    }
    nnc_config_deinit(&config);
    return 0;
}
