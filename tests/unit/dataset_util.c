/* Helpers of the data set tests. SPDX-License-Identifier: Apache-2.0 */
#include "dataset_util.h"

#include <stdarg.h>

#include <zlib.h>

void bytes_add(bytes *b, const void *data, size_t n)
{
    if (n == 0)
        return;
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2;
        b->data = realloc(b->data, b->cap);
        assert_non_null(b->data);
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

void bytes_u8(bytes *b, unsigned v)
{
    bytes_add(b, &(uint8_t){(uint8_t)v}, 1);
}

void bytes_u16(bytes *b, unsigned v)
{
    bytes_u8(b, v & 255);
    bytes_u8(b, v >> 8 & 255);
}

void bytes_u32(bytes *b, uint32_t v)
{
    bytes_u16(b, v & 65535);
    bytes_u16(b, v >> 16);
}

void bytes_u32be(bytes *b, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes_u8(b, v >> shift & 255);
}

void bytes_put(const char *path, bytes *b)
{
    put_bytes(path, b->data ? b->data : (uint8_t *)"", b->n);
    free(b->data);
    memset(b, 0, sizeof(*b));
}

uint32_t crc_of(const void *data, size_t n)
{
    return (uint32_t)crc32(crc32(0, NULL, 0), data, (uInt)n);
}

void bytes_npy(bytes *b, const char *dict, const void *data, size_t n)
{
    bytes_add(b, "\x93NUMPY\1\0", 8);
    bytes_u16(b, (unsigned)strlen(dict) + 1);
    bytes_add(b, dict, strlen(dict));
    bytes_u8(b, '\n');
    bytes_add(b, data, n);
}

static void png_chunk(bytes *b, const char *type, const bytes *body)
{
    bytes part = {0};
    bytes_u32be(b, (uint32_t)body->n);
    bytes_add(&part, type, 4);
    bytes_add(&part, body->data, body->n);
    bytes_add(b, part.data, part.n);
    bytes_u32be(b, crc_of(part.data, part.n));
    free(part.data);
}

void put_png(const char *path, uint32_t width, uint32_t height, uint32_t channels,
             const uint8_t *pixels)
{
    bytes file = {0}, head = {0}, rows = {0}, none = {0};
    bytes_add(&file, "\x89PNG\r\n\x1a\n", 8);
    bytes_u32be(&head, width);
    bytes_u32be(&head, height);
    bytes_u8(&head, 8);
    bytes_u8(&head, channels == 1 ? 0 : 2);
    bytes_add(&head, "\0\0\0", 3);
    png_chunk(&file, "IHDR", &head);
    for (uint32_t y = 0; y < height; y++) {
        bytes_u8(&rows, 0);
        bytes_add(&rows, pixels + (size_t)y * width * channels, (size_t)width * channels);
    }
    uLongf packed_bytes = compressBound(rows.n);
    bytes packed = {malloc(packed_bytes), 0, packed_bytes};
    assert_non_null(packed.data);
    assert_int_equal(compress(packed.data, &packed_bytes, rows.data, rows.n), Z_OK);
    packed.n = packed_bytes;
    png_chunk(&file, "IDAT", &packed);
    png_chunk(&file, "IEND", &none);
    bytes_put(path, &file);
    free(head.data);
    free(rows.data);
    free(packed.data);
}

void put_random_png(const char *path, uint32_t width, uint32_t height, uint32_t seed)
{
    const size_t n = (size_t)width * height * 3;
    uint8_t *pixels = malloc(n);
    assert_non_null(pixels);
    make_picture(pixels, n, seed);
    put_png(path, width, height, 3, pixels);
    free(pixels);
}

static void remember(void *user, nnc_log_level level, const char *text)
{
    log_text *log = user;
    const size_t n = strlen(log->text);
    snprintf(log->text + n, sizeof(log->text) - n, "%s%s\n", level == NNC_LOG_WARN ? "W " : "I ",
             text);
}

static bool cancelled(void *user)
{
    return ((log_text *)user)->cancel;
}

void log_init(log_text *log)
{
    memset(log, 0, sizeof(*log));
    log->log = (nnc_log){.message = remember, .cancelled = cancelled, .user = log};
}

void one_input_init(one_input *out, nnc_dtype dtype, uint32_t rank, const int64_t *dims)
{
    memset(out, 0, sizeof(*out));
    out->input = (nnc_dataset_input){"data", dtype, nnc_shape_make(rank, dims)};
    out->options.inputs = &out->input;
    out->options.input_count = 1;
}

nnc_dataset *open_good(const char *spec, const nnc_dataset_options *options)
{
    nnc_dataset *d = NULL;
    const nnc_status status = nnc_dataset_open(&d, spec, options, NULL);
    if (status != NNC_OK)
        print_error("%s\n", nnc_error_message());
    assert_int_equal(status, NNC_OK);
    return d;
}

void text_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

void message_has(const char *part)
{
    text_has(nnc_error_message(), part);
}

void open_fails(const char *spec, const nnc_dataset_options *options, nnc_status status,
                const char *part)
{
    nnc_dataset *d = NULL;
    nnc_error_clear();
    const nnc_status got = nnc_dataset_open(&d, spec, options, NULL);
    if (got != status)
        print_error("%s: %s\n", spec, nnc_error_message());
    assert_int_equal(got, status);
    assert_null(d);
    message_has(part);
    assert_null(strchr(nnc_error_message(), '\n'));
}
