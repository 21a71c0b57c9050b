/* Detection heads: from a model's outputs to boxes. SPDX-License-Identifier: Apache-2.0
 * One row of heads.def per form of output that common detectors have. */
#ifndef NNC_EVAL_HEADS_H
#define NNC_EVAL_HEADS_H

#include "eval/boxes.h"
#include "eval/outputs.h"

/* What a head knows of the model it reads. Found once, on the original model's first sample, so that both models are read alike. */
typedef struct nnc_head_facts {
    double width, height; /* of the model's image, in pixels */
    bool logits;          /* class scores need a sigmoid */
    bool background;      /* class 0 means "nothing" */
    bool normalized;      /* corners run from 0 to 1 */
} nnc_head_facts;

typedef struct nnc_head {
    const char *name, *help;
    bool suppress; /* overlapping boxes of a class are to be removed */
    /* True if the outputs can be of this form; sizes and names alone decide. */
    bool (*fits)(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts);
    /* The rest of the facts, from numbers. May be NULL. */
    void (*learn)(nnc_head_facts *facts, const nnc_eval_output *outputs, uint32_t count);
    /* Appends boxes with a score of at least `score`, in pixels of the model's image. LIMIT. */
    nnc_status (*decode)(nnc_boxes *boxes, const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts,
                         double score);
} nnc_head;

/* Row by number, NULL past the end; row by name, NULL if there is none. */
const nnc_head *nnc_head_row(size_t i);
const nnc_head *nnc_head_find(const char *name);
/* The first row that fits; NULL if none does. */
const nnc_head *nnc_head_guess(const nnc_eval_output *outputs, uint32_t count, const nnc_head_facts *facts);

#define NNC_HEAD(id, ...) extern const nnc_head nnc_head_##id;
#include "eval/heads.def"
#undef NNC_HEAD

#endif
