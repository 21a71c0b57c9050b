/* Loading bytes made by wire.h and judging the result. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_ONNX_HARNESS_H
#define NNC_TESTS_ONNX_HARNESS_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "onnx/onnx.h"
#include "onnx/wire.h"

typedef struct heard {
    unsigned warnings;
    char last[1024];
} heard;

static inline void hear(void *user, nnc_log_level level, const char *text)
{
    heard *h = user;
    if (level == NNC_LOG_WARN) {
        h->warnings++;
        snprintf(h->last, sizeof h->last, "%s", text);
    }
}

/* Loads from memory and releases the bytes. */
static inline nnc_status load_wire(nnc_graph **g, wire model, const nnc_onnx_load_options *options,
                                   nnc_onnx_info *info, heard *h)
{
    nnc_log log = {.message = hear, .user = h};
    nnc_error_clear();
    nnc_status status = nnc_onnx_load_memory(g, model.data ? model.data : (const uint8_t *)"",
                                             model.len, "m.onnx", options, info, h ? &log : NULL);
    wire_free(&model);
    return status;
}

static inline void expect_status(nnc_status have, nnc_status want, const char *text,
                                 const char *file, int line)
{
    if (have != want || (text && !strstr(nnc_error_message(), text))) {
        print_error("status %d, expected %d; message \"%s\", expected \"%s\"\n", (int)have,
                    (int)want, nnc_error_message(), text ? text : "");
        _fail(file, line);
    }
}

/* The model must be refused with this status and a message that holds `text`. */
#define REFUSE(model, status, text)                                                                \
    do {                                                                                           \
        nnc_graph *refused_;                                                                       \
        nnc_status refuse_ = load_wire(&refused_, model, NULL, NULL, NULL);                        \
        nnc_graph_destroy(refused_);                                                               \
        expect_status(refuse_, status, text, __FILE__, __LINE__);                                  \
    } while (0)

#define ACCEPT(graph, model, info, h)                                                              \
    expect_status(load_wire(&(graph), model, NULL, info, h), NNC_OK, NULL, __FILE__, __LINE__)

/* Accepts and throws away. */
#define TAKE(model)                                                                                \
    do {                                                                                           \
        nnc_graph *taken_;                                                                         \
        ACCEPT(taken_, model, NULL, NULL);                                                         \
        nnc_graph_destroy(taken_);                                                                 \
    } while (0)

/* A folder of its own for each test program, removed at its end by folder_remove. */
static char folder[64];

static inline int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/nnc-onnx-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Path of a file in the folder; two calls may be in use at once. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline const char *write_file(const char *name, const void *data, size_t bytes)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline const char *write_wire(const char *name, wire w)
{
    const char *path = write_file(name, w.data, w.len);
    wire_free(&w);
    return path;
}

static inline nnc_status load_file(nnc_graph **g, const char *path,
                                   const nnc_onnx_load_options *options, nnc_onnx_info *info)
{
    nnc_error_clear();
    return nnc_onnx_load(g, path, options, info, NULL);
}

#define REFUSE_FILE(path, options, status, text)                                                   \
    do {                                                                                           \
        nnc_graph *refused_;                                                                       \
        nnc_status refuse_ = load_file(&refused_, path, options, NULL);                            \
        nnc_graph_destroy(refused_);                                                               \
        expect_status(refuse_, status, text, __FILE__, __LINE__);                                  \
    } while (0)

#define ACCEPT_FILE(graph, path, options, info)                                                    \
    expect_status(load_file(&(graph), path, options, info), NNC_OK, NULL, __FILE__, __LINE__)

#endif
