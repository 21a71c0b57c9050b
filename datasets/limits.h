/* Limits of data files; those of images, archives and folders are in image.h, zip.h and walk.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_LIMITS_H
#define NNC_DATASETS_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define NNC_MAX_BAD_PERCENT 1 /* unreadable samples, by default */
#define NNC_IMAGE_FILE_MAX (256u << 20)
#define NNC_TEXT_FILE_MAX (256u << 20)
#define NNC_COCO_FILE_MAX (512u << 20)
#define NNC_NPY_FILE_MAX ((uint64_t)1 << 40)
#define NNC_NPY_HEADER_MAX 65536u
#define NNC_IDX_FILE_MAX ((size_t)2 << 30)
#define NNC_CIFAR_FILE_MAX ((uint64_t)1 << 32)
#define NNC_PROTO_FILE_MAX ((uint64_t)4 << 30)
#define NNC_HDF5_CHUNK_MAX ((size_t)256 << 20)
#define NNC_HDF5_ROW_MAX ((size_t)1 << 30) /* a row of chunks in memory */
#define NNC_HDF5_FILTERS_MAX 8

#endif
