/* Images: allocation, format by magic, colour conversion. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/image.h"

#include <string.h>

#include "base/mem.h"

nnc_status nnc_image_create(nnc_image *out, uint32_t width, uint32_t height, uint32_t channels)
{
    memset(out, 0, sizeof(*out));
    if (width == 0 || height == 0)
        NNC_FAIL(NNC_ERR_DATA, "image is empty (%ux%u)", width, height);
    if (width > NNC_IMAGE_SIDE_MAX || height > NNC_IMAGE_SIDE_MAX ||
        (uint64_t)width * height > NNC_IMAGE_PIXELS_MAX)
        NNC_FAIL(NNC_ERR_DATA, "image of %ux%u is over the limit of %u per side and %u Mpx", width,
                 height, NNC_IMAGE_SIDE_MAX, NNC_IMAGE_PIXELS_MAX / 1000000u);
    out->data = nnc_realloc(NULL, (size_t)width * height, channels);
    if (!out->data)
        return NNC_ERR_LIMIT;
    out->width = width;
    out->height = height;
    out->channels = channels;
    return NNC_OK;
}

void nnc_image_deinit(nnc_image *image)
{
    nnc_free(image->data);
    memset(image, 0, sizeof(*image));
}

/* Formats people put into image folders, so that the message can name them. */
static const char *foreign_format(const uint8_t *p, size_t n)
{
    static const struct {
        const char *magic;
        uint8_t length, offset;
        const char *name;
    } table[] = {
        {"BM", 2, 0, "BMP"},
        {"GIF8", 4, 0, "GIF"},
        {"II*\0", 4, 0, "TIFF"},
        {"MM\0*", 4, 0, "TIFF"},
        {"WEBP", 4, 8, "WebP"},
        {"ftypheic", 8, 4, "HEIC"},
        {"ftypavif", 8, 4, "AVIF"},
        {"<html", 5, 0, "HTML page"},
        {"<!DOCTYPE", 9, 0, "HTML page"},
        {"version https://git-lfs", 23, 0, "Git LFS pointer"},
        {"PK\3\4", 4, 0, "ZIP"},
        {"\xff\x0a", 2, 0, "JPEG XL"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (n >= (size_t)table[i].offset + table[i].length &&
            memcmp(p + table[i].offset, table[i].magic, table[i].length) == 0)
            return table[i].name;
    return NULL;
}

nnc_status nnc_image_decode(nnc_image *out, const uint8_t *bytes, size_t n)
{
    memset(out, 0, sizeof(*out));
    if (n == 0)
        NNC_FAIL(NNC_ERR_DATA, "empty file");
    if (n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return nnc_image_decode_jpeg(out, bytes, n);
    if (n >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return nnc_image_decode_png(out, bytes, n);
    const char *name = foreign_format(bytes, n);
    if (name)
        NNC_FAIL(NNC_ERR_DATA, "this is %s, expected JPEG or PNG", name);
    NNC_FAIL(NNC_ERR_DATA, "neither JPEG nor PNG (starts with %02x %02x)", bytes[0],
             n > 1 ? bytes[1] : 0);
}

/* Luma weights .299 .587 .114 times 2^16, rounded to nearest: Pillow's conversion to "L". */
static uint8_t luma(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

nnc_status nnc_image_set_channels(nnc_image *image, uint32_t channels)
{
    if (image->channels == channels)
        return NNC_OK;
    nnc_image to;
    NNC_TRY(nnc_image_create(&to, image->width, image->height, channels));
    const size_t pixels = (size_t)image->width * image->height;
    for (size_t i = 0; i < pixels; i++) {
        if (channels == 1)
            to.data[i] = luma(image->data + 3 * i);
        else
            memset(to.data + 3 * i, image->data[i], 3);
    }
    nnc_image_deinit(image);
    *image = to;
    return NNC_OK;
}
