/* Status codes of nncompress. SPDX-License-Identifier: Apache-2.0
 * Each value answers "what can the caller do"; its number is the process exit code of the tool. */
#ifndef NNCOMPRESS_STATUS_H
#define NNCOMPRESS_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nnc_status {
    NNC_OK = 0,
    NNC_ERR_GATE = 1,        /* ran correctly, but a gate failed or is undecided: change the recipe or the gate */
    NNC_ERR_USAGE = 2,       /* wrong arguments, flags or recipe: fix the call */
    NNC_ERR_MODEL = 3,       /* the model file is invalid or corrupt: fix or re-export it */
    NNC_ERR_UNSUPPORTED = 4, /* the model is valid but needs something this build lacks */
    NNC_ERR_DATA = 5,        /* calibration or evaluation data is invalid or insufficient */
    NNC_ERR_IO = 6,          /* file system: not found, permission, exists, no space */
    NNC_ERR_LIMIT = 7,       /* out of memory or over a configured limit */
    NNC_ERR_DEVICE = 8,      /* device, driver or accelerator runtime */
    NNC_ERR_VERIFY = 9,      /* own output failed its verification; nothing was published */
    NNC_ERR_INTERNAL = 70,   /* a bug in nncompress: report it */
    NNC_ERR_CANCELLED = 130  /* interrupted on request */
} nnc_status;

#ifdef __cplusplus
}
#endif
#endif
