/* Limits of data files as a table, and the libraries that read them. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <hdf5.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "datasets/array.h"
#include "datasets/dataset.h"
#include "datasets/image.h"
#include "datasets/limits.h"
#include "datasets/text.h"
#include "datasets/walk.h"
#include "datasets/zip.h"

const nnc_limit nnc_dataset_limit_table[] = {
    {"data", "unreadable samples that are tolerated", NNC_MAX_BAD_PERCENT, NNC_LIMIT_PERCENT, "max-bad"},
    {"data", "one sample in memory", NNC_ARRAY_SAMPLE_MAX, NNC_LIMIT_BYTES, NULL},
    {"image", "side, pixels", NNC_IMAGE_SIDE_MAX, NNC_LIMIT_COUNT, NULL},
    {"image", "pixels", NNC_IMAGE_PIXELS_MAX, NNC_LIMIT_COUNT, NULL},
    {"image", "scans of a JPEG file", NNC_IMAGE_SCANS_MAX, NNC_LIMIT_COUNT, NULL},
    {"image", "file", NNC_IMAGE_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {"folder", "depth", NNC_WALK_DEPTH_MAX, NNC_LIMIT_COUNT, NULL},
    {"folder", "files", NNC_WALK_FILES_MAX, NNC_LIMIT_COUNT, NULL},
    {"text file", "size", NNC_TEXT_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {"COCO annotations", "size", NNC_COCO_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {"text file", "line", NNC_TEXT_LINE_MAX, NNC_LIMIT_BYTES, NULL},
    {"NumPy file", "size", NNC_NPY_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {"NumPy file", "header", NNC_NPY_HEADER_MAX, NNC_LIMIT_BYTES, NULL},
    {"NumPy archive", "members", NNC_ZIP_MEMBERS_MAX, NNC_LIMIT_COUNT, NULL},
    {"NumPy archive", "inflated size", NNC_ZIP_BYTES_MAX, NNC_LIMIT_BYTES, NULL},
    {"HDF5 file", "chunk", NNC_HDF5_CHUNK_MAX, NNC_LIMIT_BYTES, NULL},
    {"HDF5 file", "row of chunks", NNC_HDF5_ROW_MAX, NNC_LIMIT_BYTES, NULL},
    {"HDF5 file", "filters of a data set", NNC_HDF5_FILTERS_MAX, NNC_LIMIT_COUNT, NULL},
    {"IDX file", "size", NNC_IDX_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {"CIFAR file", "size", NNC_CIFAR_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {"ONNX test data", "file", NNC_PROTO_FILE_MAX, NNC_LIMIT_BYTES, NULL},
    {NULL, NULL, 0, NNC_LIMIT_COUNT, NULL},
};

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

size_t nnc_dataset_libraries(nnc_library *out)
{
    unsigned major = 0, minor = 0, release = 0;
    (void)H5get_libversion(&major, &minor, &release);
    out[0] = (nnc_library){.name = "HDF5"};
    snprintf(out[0].version, sizeof(out[0].version), "%u.%u.%u", major, minor, release);
    snprintf(out[0].built, sizeof(out[0].built), "%d.%d.%d", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
    out[1] = (nnc_library){.name = "libpng", .built = PNG_LIBPNG_VER_STRING};
    snprintf(out[1].version, sizeof(out[1].version), "%s", png_get_libpng_ver(NULL));
    out[2] = (nnc_library){.name = "zlib", .built = ZLIB_VERSION};
    snprintf(out[2].version, sizeof(out[2].version), "%s", zlibVersion());
    /* libjpeg cannot be asked which one runs. */
    out[3] = (nnc_library){.name = "libjpeg-turbo", .built = ""};
    snprintf(out[3].version, sizeof(out[3].version), "%s", TEXT(LIBJPEG_TURBO_VERSION));
    return 4;
}
