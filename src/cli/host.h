/* Facts about the machine for doctor. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_HOST_H
#define NNC_CLI_HOST_H

#include <stdbool.h>
#include <stdint.h>

#define NNC_NO_LIMIT UINT64_MAX

typedef struct nnc_host {
    uint32_t online, affinity; /* cores that the system has; that this process may use */
    double quota;              /* cores that the control group grants; 0: no quota */
    uint64_t memory_total, memory_available;
    uint64_t memory_group; /* limit of the control group, bytes; NNC_NO_LIMIT */
    uint64_t address_space; /* ulimit -v, bytes; NNC_NO_LIMIT */
} nnc_host;
void nnc_host_get(nnc_host *out);

typedef struct nnc_folder {
    char path[512];
    uint64_t free_bytes, total_bytes; /* free: for this user */
    bool known, writable, read_only;  /* known: the numbers are there */
} nnc_folder;
/* Asks the file system of `path`, and makes and removes a file there to see whether it can be written. */
void nnc_folder_get(nnc_folder *out, const char *path);

#endif
