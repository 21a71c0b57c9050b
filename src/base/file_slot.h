/* Files of this process that a signal handler must be able to remove. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_FILE_SLOT_H
#define NNC_BASE_FILE_SLOT_H

#include "base/error.h"

typedef struct nnc_file_slot nnc_file_slot;

/* Registers `name` in the open folder `dir` (both stay the caller's and valid until the slot is given back). NULL with the message set
 * when there are too many or the name is too long. */
nnc_file_slot *nnc_file_slot_take(int dir, const char *name);
/* Removes nothing. NULL is accepted. */
void nnc_file_slot_give(nnc_file_slot *slot);

#endif
