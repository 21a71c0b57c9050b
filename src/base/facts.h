/* Facts that folders tell about themselves: their limits, the libraries inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_FACTS_H
#define NNC_BASE_FACTS_H

#include <stddef.h>
#include <stdint.h>

typedef enum nnc_limit_unit { NNC_LIMIT_COUNT, NNC_LIMIT_BYTES, NNC_LIMIT_PERCENT } nnc_limit_unit;

/* A documented limit; folders have constant tables of them, ended by a row without `what`. */
typedef struct nnc_limit {
    const char *subject; /* "model file" */
    const char *what;    /* "nesting of messages" */
    uint64_t value;
    nnc_limit_unit unit;
    const char *option; /* name of the option that raises it; NULL if there is none */
} nnc_limit;
/* "2 GiB", "1 000 000", "1 %"; buf holds 32 bytes; returns buf. */
char *nnc_limit_format(char buf[32], const nnc_limit *limit);

/* A library inside: the version that runs, and the one that was compiled against ("" where the library cannot tell). */
typedef struct nnc_library {
    const char *name;
    char version[32], built[32];
} nnc_library;

#endif
