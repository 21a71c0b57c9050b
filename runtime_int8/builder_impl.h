/* What builder.c collects and builder_image.c writes. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_BUILDER_IMPL_H
#define NNRT_BUILDER_IMPL_H

#include "base/map.h"
#include "runtime_int8/builder.h"

/* In file order; CNST last of the required ones, so that the metadata of a mapped file is read in
 * one go. */
typedef enum builder_section {
    BUILDER_STRS,
    BUILDER_DIMS,
    BUILDER_VALS,
    BUILDER_QPAR,
    BUILDER_NODE,
    BUILDER_IOLS,
    BUILDER_PARM,
    BUILDER_BLKS,
    BUILDER_SIGN,
    BUILDER_PROV,
    BUILDER_CNST,
    BUILDER_SECTIONS
} builder_section;

typedef struct builder_bytes {
    uint8_t *data;
    size_t bytes, cap;
} builder_bytes;

struct nnrt_builder {
    nnc_status status;
    char message[512];
    nnc_map *string_map; /* string -> STRS offset */
    nnc_map *const_map;  /* hash:size -> CNST offset / 64 */
    builder_bytes section[BUILDER_SECTIONS];
    builder_bytes inputs, outputs, output_names, sign_pairs; /* u32 each */
    uint32_t value_count;
};

#endif
