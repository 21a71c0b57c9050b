/* Decoding, colour and resampling against Pillow's pixels. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/image.h"
#include "dataset_util.h"

typedef struct golden_resize {
    uint32_t width, height, channels, seed, to_width, to_height;
    nnc_resample resample;
    const uint8_t *pixels;
} golden_resize;

typedef struct golden_jpeg {
    const char *name;
    const uint8_t *bytes;
    size_t n;
    uint32_t channels;
    const uint8_t *pixels;
} golden_jpeg;

#include "dataset_golden.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void picture(nnc_image *out, uint32_t w, uint32_t h, uint32_t c, uint32_t seed)
{
    assert_int_equal(nnc_image_create(out, w, h, c), NNC_OK);
    make_picture(out->data, (size_t)w * h * c, seed);
}

static void resize_equals_pillow(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(resize_cases); i++) {
        const golden_resize *g = &resize_cases[i];
        nnc_image in, out;
        picture(&in, g->width, g->height, g->channels, g->seed);
        const nnc_image_region all = {g->to_width, g->to_height, 0, 0, g->to_width, g->to_height};
        assert_int_equal(nnc_image_resize(&out, &in, &all, g->resample), NNC_OK);
        if (memcmp(out.data, g->pixels, (size_t)g->to_width * g->to_height * g->channels) != 0)
            fail_msg("case %zu: %ux%u to %ux%u, %u channels, filter %d", i, g->width, g->height,
                     g->to_width, g->to_height, g->channels, (int)g->resample);
        nnc_image_deinit(&in);
        nnc_image_deinit(&out);
    }
}

/* Every region of every golden case is the same cut of the whole. */
static void region_equals_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(resize_cases); i++) {
        const golden_resize *g = &resize_cases[i];
        nnc_image in, out;
        picture(&in, g->width, g->height, g->channels, g->seed);
        for (uint32_t y = 0; y < g->to_height; y++) {
            const uint32_t x = y % g->to_width;
            const nnc_image_region r = {g->to_width, g->to_height, x, y, g->to_width - x, 1};
            assert_int_equal(nnc_image_resize(&out, &in, &r, g->resample), NNC_OK);
            assert_memory_equal(out.data, g->pixels + ((size_t)y * g->to_width + x) * g->channels,
                                (size_t)r.width * g->channels);
            nnc_image_deinit(&out);
        }
        nnc_image_deinit(&in);
    }
}

static void region_outside_fails(void **state)
{
    (void)state;
    nnc_image in, out;
    picture(&in, 4, 4, 1, 1);
    const nnc_image_region r = {8, 8, 4, 0, 5, 8};
    assert_int_equal(nnc_image_resize(&out, &in, &r, NNC_RESAMPLE_BILINEAR), NNC_ERR_DATA);
    assert_null(out.data);
    nnc_image_deinit(&in);
}

static void extreme_aspect(void **state)
{
    (void)state;
    nnc_image in, out;
    picture(&in, 16384, 1, 3, 7);
    const nnc_image_region r = {(uint64_t)16384 * 256, 256, 16384 * 128 - 112, 16, 224, 224};
    assert_int_equal(nnc_image_resize(&out, &in, &r, NNC_RESAMPLE_BICUBIC), NNC_OK);
    nnc_image_deinit(&in);
    nnc_image_deinit(&out);
}

static void jpeg_equals_pillow(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(jpeg_cases); i++) {
        const golden_jpeg *g = &jpeg_cases[i];
        nnc_image image;
        assert_int_equal(nnc_image_decode(&image, g->bytes, g->n), NNC_OK);
        assert_int_equal(image.width, 17);
        assert_int_equal(image.height, 13);
        assert_int_equal(image.channels, g->channels);
        if (memcmp(image.data, g->pixels, 17u * 13u * g->channels) != 0)
            fail_msg("%s differs", g->name);
        nnc_image_deinit(&image);
    }
}

static void jpeg_cut_anywhere_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(jpeg_cases); i++) {
        const golden_jpeg *g = &jpeg_cases[i];
        for (size_t n = 0; n + 2 < g->n; n++) {
            nnc_image image;
            uint8_t *copy = malloc(n + 1); /* exact size: a sanitizer sees reads past the end */
            memcpy(copy, g->bytes, n);
            nnc_status status = nnc_image_decode(&image, copy, n);
            assert_int_equal(status, NNC_ERR_DATA);
            assert_null(image.data);
            free(copy);
        }
    }
}

static void jpeg_flipped_bits_are_safe(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(jpeg_cases); i++) {
        const golden_jpeg *g = &jpeg_cases[i];
        uint8_t *copy = malloc(g->n);
        for (size_t bit = 0; bit < g->n * 8; bit += 5) {
            nnc_image image;
            memcpy(copy, g->bytes, g->n);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            const nnc_status status = nnc_image_decode(&image, copy, g->n);
            assert_true(status == NNC_OK || status == NNC_ERR_DATA);
            nnc_image_deinit(&image);
        }
        free(copy);
    }
}

/* Sizes in the header are refused before memory is asked for. */
static void jpeg_size_limits(void **state)
{
    (void)state;
    const golden_jpeg *g = &jpeg_cases[0];
    uint8_t *copy = malloc(g->n);
    memcpy(copy, g->bytes, g->n);
    for (size_t i = 0; i + 9 < g->n; i++)
        if (copy[i] == 0xff && copy[i + 1] == 0xc0) {
            memset(copy + i + 5, 0xff, 4); /* 65535 x 65535 */
            copy[i + 5] = copy[i + 7] = 0xfe;
        }
    nnc_image image;
    assert_int_equal(nnc_image_decode(&image, copy, g->n), NNC_ERR_DATA);
    message_has("over the limit");
    free(copy);
}

/* A progressive file whose first scan is repeated 600 times. */
static void jpeg_scan_limit(void **state)
{
    (void)state;
    const golden_jpeg *g = &jpeg_cases[4];
    assert_string_equal(g->name, "progressive");
    size_t scan = 0, end = 0;
    for (size_t i = 0; i + 1 < g->n && !end; i++) {
        if (g->bytes[i] != 0xff || g->bytes[i + 1] == 0)
            continue;
        if (scan)
            end = i;
        else if (g->bytes[i + 1] == 0xda)
            scan = i;
    }
    bytes b = {0};
    bytes_add(&b, g->bytes, scan);
    for (int i = 0; i < 600; i++)
        bytes_add(&b, g->bytes + scan, end - scan);
    bytes_add(&b, g->bytes + end, g->n - end);
    nnc_image image;
    assert_int_equal(nnc_image_decode(&image, b.data, b.n), NNC_ERR_DATA);
    message_has("scans");
    free(b.data);
}

static void luma_equals_pillow(void **state)
{
    (void)state;
    nnc_image image;
    picture(&image, 16, 16, 3, 99);
    assert_int_equal(nnc_image_set_channels(&image, 1), NNC_OK);
    assert_memory_equal(image.data, luma_pixels, 256);
    assert_int_equal(nnc_image_set_channels(&image, 3), NNC_OK);
    for (int i = 0; i < 256; i++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(image.data[3 * i + c], luma_pixels[i]);
    nnc_image_deinit(&image);
}

/* ---- PNG ---- */

static uint8_t *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *data = malloc(1 << 20);
    *n = fread(data, 1, 1 << 20, f);
    fclose(f);
    return data;
}

static void png_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 1; c <= 3; c += 2) {
        uint8_t pixels[11 * 7 * 3];
        make_picture(pixels, sizeof(pixels), c);
        put_png("a.png", 11, 7, c, pixels);
        size_t n;
        uint8_t *data = read_whole("a.png", &n);
        nnc_image image;
        assert_int_equal(nnc_image_decode(&image, data, n), NNC_OK);
        assert_int_equal(image.channels, c);
        assert_memory_equal(image.data, pixels, (size_t)11 * 7 * c);
        nnc_image_deinit(&image);
        for (size_t cut = 0; cut < n; cut++) {
            assert_int_equal(nnc_image_decode(&image, data, cut), NNC_ERR_DATA);
            assert_null(image.data);
        }
        free(data);
    }
}

static void png_chunk_to(bytes *b, const char *type, const void *body, size_t n)
{
    bytes part = {0};
    bytes_u32be(b, (uint32_t)n);
    bytes_add(&part, type, 4);
    bytes_add(&part, body, n);
    bytes_add(b, part.data, part.n);
    bytes_u32be(b, crc_of(part.data, part.n));
    free(part.data);
}

/* Two by one pixels of the given form; deflate "stored". */
static nnc_status small_png(nnc_image *out, const uint8_t form[2], const bytes *extra,
                            const uint8_t *row, size_t n)
{
    bytes b = {0};
    const uint8_t head[13] = {0, 0, 0, 2, 0, 0, 0, 1, form[0], form[1], 0, 0, 0};
    bytes_add(&b, "\x89PNG\r\n\x1a\n", 8);
    png_chunk_to(&b, "IHDR", head, 13);
    bytes_add(&b, extra->data, extra->n);
    uint8_t z[64] = {0x78, 1, 1, (uint8_t)(n + 1), 0, (uint8_t) ~(n + 1), 0xff, 0};
    memcpy(z + 8, row, n);
    uint32_t a = 1, s = 0;
    for (size_t i = 7; i < 8 + n; i++) {
        a = (a + z[i]) % 65521;
        s = (s + a) % 65521;
    }
    const uint8_t adler[4] = {(uint8_t)(s >> 8), (uint8_t)s, (uint8_t)(a >> 8), (uint8_t)a};
    memcpy(z + 8 + n, adler, 4);
    png_chunk_to(&b, "IDAT", z, 12 + n);
    png_chunk_to(&b, "IEND", NULL, 0);
    const nnc_status status = nnc_image_decode(out, b.data, b.n);
    free(b.data);
    return status;
}

static void png_forms(void **state)
{
    (void)state;
    nnc_image image;
    bytes none = {0}, palette = {0};
    /* 16-bit gray: high bytes */
    assert_int_equal(
        small_png(&image, (uint8_t[]){16, 0}, &none, (uint8_t[]){0x12, 0xff, 0x80, 1}, 4), NNC_OK);
    assert_int_equal(image.channels, 1);
    assert_memory_equal(image.data, "\x12\x80", 2);
    nnc_image_deinit(&image);
    /* gray with alpha: alpha dropped */
    assert_int_equal(small_png(&image, (uint8_t[]){8, 4}, &none, (uint8_t[]){9, 0, 200, 128}, 4),
                     NNC_OK);
    assert_int_equal(image.channels, 1);
    assert_memory_equal(image.data, "\x09\xc8", 2);
    nnc_image_deinit(&image);
    /* RGBA */
    assert_int_equal(
        small_png(&image, (uint8_t[]){8, 6}, &none, (uint8_t[]){1, 2, 3, 0, 4, 5, 6, 255}, 8),
        NNC_OK);
    assert_memory_equal(image.data, "\1\2\3\4\5\6", 6);
    nnc_image_deinit(&image);
    /* 2-bit gray spreads over 0..255 */
    assert_int_equal(small_png(&image, (uint8_t[]){2, 0}, &none, (uint8_t[]){0x60}, 1), NNC_OK);
    assert_memory_equal(image.data, "\x55\xaa", 2);
    nnc_image_deinit(&image);
    /* 1-bit palette with transparency */
    png_chunk_to(&palette, "PLTE", "\x0a\x0b\x0c\x14\x15\x16", 6);
    png_chunk_to(&palette, "tRNS", "\x00\xff", 2);
    assert_int_equal(small_png(&image, (uint8_t[]){1, 3}, &palette, (uint8_t[]){0x40}, 1), NNC_OK);
    assert_int_equal(image.channels, 3);
    assert_memory_equal(image.data, "\x0a\x0b\x0c\x14\x15\x16", 6);
    nnc_image_deinit(&image);
    free(palette.data);
}

static void png_limits(void **state)
{
    (void)state;
    bytes b = {0};
    const uint8_t head[13] = {0, 0, 0x3f, 0, 0, 0, 0x3f, 0, 8, 2, 0, 0, 0}; /* 16128 x 16128 */
    bytes_add(&b, "\x89PNG\r\n\x1a\n", 8);
    png_chunk_to(&b, "IHDR", head, 13);
    png_chunk_to(&b, "IDAT", "x", 1);
    nnc_image image;
    assert_int_equal(nnc_image_decode(&image, b.data, b.n), NNC_ERR_DATA);
    message_has("over the limit");
    free(b.data);
}

static void other_formats_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *part;
    } cases[] = {{"", 0, "empty"},
                 {"GIF89a", 6, "GIF"},
                 {"RIFF\0\0\0\0WEBPVP8 ", 16, "WebP"},
                 {"\0\0\0\x18"
                  "ftypheic",
                  12, "HEIC"},
                 {"<!DOCTYPE html>", 15, "HTML"},
                 {"hello", 5, "neither JPEG nor PNG"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        nnc_image image;
        assert_int_equal(nnc_image_decode(&image, (const uint8_t *)cases[i].bytes, cases[i].n),
                         NNC_ERR_DATA);
        message_has(cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resize_equals_pillow),
        cmocka_unit_test(region_equals_cut),
        cmocka_unit_test(region_outside_fails),
        cmocka_unit_test(extreme_aspect),
        cmocka_unit_test(jpeg_equals_pillow),
        cmocka_unit_test(jpeg_cut_anywhere_fails),
        cmocka_unit_test(jpeg_flipped_bits_are_safe),
        cmocka_unit_test(jpeg_size_limits),
        cmocka_unit_test(jpeg_scan_limit),
        cmocka_unit_test(luma_equals_pillow),
        DATA_TEST(png_round_trip),
        cmocka_unit_test(png_forms),
        cmocka_unit_test(png_limits),
        cmocka_unit_test(other_formats_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
