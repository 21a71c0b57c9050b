/* The table of detection heads. SPDX-License-Identifier: Apache-2.0 */
#include "eval/heads.h"

#include <string.h>

static const nnc_head *const rows[] = {
#define NNC_HEAD(id, ...) &nnc_head_##id,
#include "eval/heads.def"
#undef NNC_HEAD
};

const nnc_head *nnc_head_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? rows[i] : NULL;
}

const nnc_head *nnc_head_find(const char *name)
{
    const nnc_head *head;
    for (size_t i = 0; (head = nnc_head_row(i)) != NULL; i++) {
        if (strcmp(head->name, name) == 0) {
            return head;
        }
    }
    return NULL;
}

const nnc_head *nnc_head_guess(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts)
{
    const nnc_head *head;
    for (size_t i = 0; (head = nnc_head_row(i)) != NULL; i++) {
        if (head->fits(outputs, count, facts)) {
            return head;
        }
    }
    return NULL;
}
