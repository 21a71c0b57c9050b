/* Helpers of the data set tests: a fresh folder per test, files made on the spot, a log that
 * remembers. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_DATASET_UTIL_H
#define NNC_TESTS_DATASET_UTIL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmocka_all.h"
#include "datasets/dataset.h"

/* ---- folder ---- */

static inline int in_fresh_folder(void **state)
{
    char *dir = strdup("/tmp/nnc-test-data-XXXXXX");
    if (!dir || !mkdtemp(dir) || chdir(dir) != 0)
        return -1;
    *state = dir;
    return 0;
}

static inline int remove_folder(void **state)
{
    char command[128];
    snprintf(command, sizeof(command), "chmod -R u+rwx '%s' && rm -rf '%s'", (char *)*state,
             (char *)*state);
    const int result = chdir("/tmp") == 0 ? system(command) : -1;
    free(*state);
    return result;
}

#define DATA_TEST(f) cmocka_unit_test_setup_teardown(f, in_fresh_folder, remove_folder)

static inline void put_bytes(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void put_text(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
}

static inline void make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0777), 0);
}

/* ---- images ---- */

/* The numbers of picture() in dataset_golden.py. */
static inline void make_picture(uint8_t *out, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (uint8_t)(seed >> 24);
    }
}

/* Uncompressed PNG made by hand (stored deflate blocks), so that the test needs no encoder. */
void put_png(const char *path, uint32_t width, uint32_t height, uint32_t channels,
             const uint8_t *pixels);
/* A PNG of random pixels; different seeds, different content. */
void put_random_png(const char *path, uint32_t width, uint32_t height, uint32_t seed);

/* ---- log ---- */

typedef struct log_text {
    char text[16384];
    nnc_log log;
    bool cancel;
} log_text;
void log_init(log_text *log);

/* ---- opening ---- */

/* Options for one input. dims < 0 are free. */
typedef struct one_input {
    nnc_dataset_input input;
    nnc_dataset_options options;
} one_input;
void one_input_init(one_input *out, nnc_dtype dtype, uint32_t rank, const int64_t *dims);
#define ONE_INPUT(name, dtype, ...)                                                                \
    one_input name;                                                                                \
    one_input_init(&name, dtype, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),               \
                   (int64_t[]){__VA_ARGS__})

nnc_dataset *open_good(const char *spec, const nnc_dataset_options *options);
/* Fails with `status`, and the message holds `part`. */
void open_fails(const char *spec, const nnc_dataset_options *options, nnc_status status,
                const char *part);
void message_has(const char *part);
void text_has(const char *text, const char *part);

/* ---- byte strings ---- */

typedef struct bytes {
    uint8_t *data;
    size_t n, cap;
} bytes;
void bytes_add(bytes *b, const void *data, size_t n);
void bytes_u8(bytes *b, unsigned v);
void bytes_u16(bytes *b, unsigned v);
void bytes_u32(bytes *b, uint32_t v);
void bytes_u32be(bytes *b, uint32_t v);
void bytes_put(const char *path, bytes *b); /* writes and frees */

/* .npy of version 1 with the given dict and data. */
void bytes_npy(bytes *b, const char *dict, const void *data, size_t n);
uint32_t crc_of(const void *data, size_t n);

#endif
