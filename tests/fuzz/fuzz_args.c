/* libFuzzer target: lines of text as arguments of compress and as values of the gates. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/config.h"
#include "pipeline/gates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS 32

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, nnc_error_message());
        abort();
    }
}

/* Files are not touched: no recipe, no baseline. */
static bool names_a_file(const char *word)
{
    return strncmp(word, "--rec", 5) == 0 || strncmp(word, "--base", 6) == 0;
}

static void check_limit(const nnc_gate_limit *limit, double most)
{
    check(!limit->given || (isfinite(limit->value) && limit->value >= 0 && limit->value <= most), "limit");
}

static void read_gates(const char *text)
{
    const nnc_gate_flags each[] = {{.max_drop = text},    {.min_agreement = text}, {.min_accuracy = text}, {.min_fp32 = text},
                                   {.min_speedup = text}, {.max_latency = text},   {.max_size = text},     {.max_memory = text}};
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        nnc_gates gates;
        if (nnc_gates_init(&gates, &each[i], i % 2 ? "compress" : "eval") == NNC_OK) {
            check_limit(&gates.max_drop, 1);
            check_limit(&gates.min_agreement, 1);
            check_limit(&gates.min_accuracy, 1);
            check_limit(&gates.min_fp32, 1);
            check_limit(&gates.min_speedup, 1e9);
            check_limit(&gates.max_latency, 1e9);
            check_limit(&gates.max_size, 0x1p64);
            check_limit(&gates.max_memory, 0x1p64);
        } else {
            check(nnc_error_message()[0] && !strchr(nnc_error_message(), '\n'), "message");
        }
        nnc_gates_deinit(&gates);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *words[WORDS];
    int n = 0;
    check(text != NULL, "memory");
    memcpy(text, data, size);
    text[size] = 0;
    for (char *line = strtok(text, "\n"); line && n < WORDS; line = strtok(NULL, "\n")) {
        if (!names_a_file(line)) {
            words[n++] = line;
        }
    }
    for (int i = 0; i < n; i++) {
        read_gates(words[i]);
    }
    nnc_config config;
    nnc_str printed = {0};
    if (nnc_config_init(&config, n, words, NULL, NULL) == NNC_OK) {
        check(nnc_config_print(&printed, &config) == NNC_OK, "print");
    } else {
        check(nnc_error_message()[0] && !strchr(nnc_error_message(), '\n'), "message");
    }
    nnc_str_deinit(&printed);
    nnc_config_deinit(&config);
    free(text);
    return 0;
}
