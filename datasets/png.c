/* PNG through libpng: any bit depth, palette, alpha, interlace to 8-bit gray or RGB.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "base/mem.h"
#include "datasets/image.h"

#define PNG_CHUNK_MAX (8u << 20)
#define PNG_CHUNKS_KEPT 64

typedef struct png_state {
    const uint8_t *bytes;
    size_t n, at;
    char message[256];
    nnc_status status; /* of a failure of ours */
    nnc_image image;
    png_bytep *rows;
    png_structp png;
    png_infop info;
} png_state;

static void on_error(png_structp png, png_const_charp text)
{
    png_state *state = png_get_error_ptr(png);
    snprintf(state->message, sizeof(state->message), "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t n)
{
    png_state *state = png_get_io_ptr(png);
    if (n > state->n - state->at)
        png_error(png, "truncated");
    memcpy(to, state->bytes + state->at, n);
    state->at += n;
}

static void choose_form(png_state *state)
{
    png_set_expand(state->png); /* palette, 1/2/4-bit gray, tRNS to plain 8-bit channels */
    png_set_strip_16(state->png);
    png_set_strip_alpha(state->png);
    png_set_interlace_handling(state->png);
    png_read_update_info(state->png, state->info);
}

/* Everything that may longjmp; results go through *state only. */
static bool decode(png_state *state)
{
    if (setjmp(png_jmpbuf(state->png)))
        return false;
    png_structp png = state->png;
    png_set_user_limits(png, NNC_IMAGE_SIDE_MAX, NNC_IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(png, PNG_CHUNK_MAX);
    png_set_chunk_cache_max(png, PNG_CHUNKS_KEPT);
    png_set_read_fn(png, state, on_read);
    png_read_info(png, state->info);
    choose_form(state);
    const uint32_t height = png_get_image_height(png, state->info);
    const uint32_t channels = png_get_channels(png, state->info);
    if (channels != 1 && channels != 3)
        png_error(png, "unexpected channel count");
    state->status =
        nnc_image_create(&state->image, png_get_image_width(png, state->info), height, channels);
    if (state->status != NNC_OK)
        return false;
    const size_t row_bytes = (size_t)state->image.width * channels;
    if (png_get_rowbytes(png, state->info) != row_bytes)
        png_error(png, "unexpected row size");
    state->rows = nnc_calloc(height, sizeof(*state->rows));
    if (!state->rows) {
        state->status = NNC_ERR_LIMIT;
        return false;
    }
    for (uint32_t y = 0; y < height; y++)
        state->rows[y] = state->image.data + row_bytes * y;
    png_read_image(png, state->rows);
    png_read_end(png, NULL);
    return true;
}

nnc_status nnc_image_decode_png(nnc_image *out, const uint8_t *bytes, size_t n)
{
    memset(out, 0, sizeof(*out));
    png_state state;
    memset(&state, 0, sizeof(state));
    state.bytes = bytes;
    state.n = n;
    state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
    if (state.png)
        state.info = png_create_info_struct(state.png);
    if (!state.png || !state.info) {
        png_destroy_read_struct(&state.png, &state.info, NULL);
        NNC_FAIL(NNC_ERR_LIMIT, "PNG: out of memory");
    }
    const bool good = decode(&state);
    png_destroy_read_struct(&state.png, &state.info, NULL);
    nnc_free(state.rows);
    if (good) {
        *out = state.image;
        return NNC_OK;
    }
    nnc_image_deinit(&state.image);
    if (state.status != NNC_OK)
        return state.status;
    NNC_FAIL(NNC_ERR_DATA, "PNG: %s", state.message);
}
