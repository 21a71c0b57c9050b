/* JPEG through libjpeg-turbo: accurate IDCT and smooth chroma, the pixels of Pillow's defaults.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "datasets/image.h"

typedef struct jpeg_state {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    nnc_status status; /* of a failure of ours inside libjpeg's calls */
    nnc_image image;
} jpeg_state;

static void on_error(j_common_ptr info)
{
    jpeg_state *state = info->client_data;
    info->err->format_message(info, state->message);
    longjmp(state->jump, 1);
}

/* libjpeg goes on after damaged data with invented pixels; only harmless warnings may pass. */
static void on_message(j_common_ptr info, int level)
{
    if (level >= 0)
        return;
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
        on_error(info);
        break;
    default:
        break;
    }
}

static void on_progress(j_common_ptr info)
{
    jpeg_state *state = info->client_data;
    if (state->info.input_scan_number > NNC_IMAGE_SCANS_MAX) {
        snprintf(state->message, sizeof(state->message), "more than %d scans", NNC_IMAGE_SCANS_MAX);
        longjmp(state->jump, 1);
    }
}

static uint8_t mul_div_255(uint32_t a, uint32_t b)
{
    const uint32_t product = a * b + 128;
    return (uint8_t)(((product >> 8) + product) >> 8);
}

/* Four inks, stored inverted as Adobe writes them, to RGB. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *inks, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        const uint32_t light = inks[4 * i + 3];
        for (int c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)(light - mul_div_255(255u - inks[4 * i + c], light));
    }
}

static void choose_color(jpeg_state *state)
{
    struct jpeg_decompress_struct *info = &state->info;
    if (info->num_components == 1)
        info->out_color_space = JCS_GRAYSCALE;
    else if (info->num_components == 3)
        info->out_color_space = JCS_RGB;
    else if (info->num_components == 4)
        info->out_color_space = JCS_CMYK;
    else
        ERREXIT1(info, JERR_COMPONENT_COUNT, info->num_components);
}

/* Everything that may longjmp; results go through *state only. */
static bool decode(jpeg_state *state, const uint8_t *bytes, size_t n)
{
    struct jpeg_decompress_struct *info = &state->info;
    if (setjmp(state->jump))
        return false;
    jpeg_create_decompress(info);
    info->progress = &state->progress;
    jpeg_mem_src(info, bytes, n);
    jpeg_read_header(info, TRUE);
    choose_color(state);
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    state->status = nnc_image_create(&state->image, info->image_width, info->image_height,
                                     info->num_components == 1 ? 1 : 3);
    if (state->status != NNC_OK)
        return false;
    jpeg_start_decompress(info);
    const bool inks = info->out_color_space == JCS_CMYK;
    JSAMPARRAY row =
        info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, info->output_width * 4, 1);
    const size_t row_bytes = (size_t)state->image.width * state->image.channels;
    while (info->output_scanline < info->output_height) {
        uint8_t *to = state->image.data + row_bytes * info->output_scanline;
        jpeg_read_scanlines(info, row, 1);
        if (inks)
            cmyk_to_rgb(to, row[0], state->image.width);
        else
            memcpy(to, row[0], row_bytes);
    }
    jpeg_finish_decompress(info);
    return true;
}

nnc_status nnc_image_decode_jpeg(nnc_image *out, const uint8_t *bytes, size_t n)
{
    jpeg_state state;
    memset(&state, 0, sizeof(state));
    state.info.err = jpeg_std_error(&state.errors);
    state.info.client_data = &state;
    state.errors.error_exit = on_error;
    state.errors.emit_message = on_message;
    state.progress.progress_monitor = on_progress;
    const bool good = decode(&state, bytes, n);
    jpeg_destroy_decompress(&state.info);
    if (good) {
        *out = state.image;
        return NNC_OK;
    }
    nnc_image_deinit(&state.image);
    memset(out, 0, sizeof(*out));
    if (state.status != NNC_OK)
        return state.status;
    NNC_FAIL(NNC_ERR_DATA, "JPEG: %s", state.message);
}
