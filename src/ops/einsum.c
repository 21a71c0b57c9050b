/* Einsum: sums of products by an equation. SPDX-License-Identifier: Apache-2.0
 * Operands are taken two at a time from the left; labels that nobody needs any more are summed on
 * the way. */
#include "ops/einsum.h"

#include <inttypes.h>
#include <string.h>

static const nnc_attr_schema einsum_attrs[] = {
    {"equation", NNC_ATTR_STRING, true, NNC_UNCHECKED, NULL},
};

/* ---- the equation ---- */

static int letter(char c)
{
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= 'A' && c <= 'Z' ? 26 + c - 'A' : -1;
}

/* One term up to ',' , '-' or the end: letters, and where the ellipsis stands (-1: nowhere). */
typedef struct term {
    uint32_t letters, ellipsis_at;
    bool ellipsis;
    uint8_t letter[NNC_RANK_MAX];
} term;

static const char *read_term(term *t, const char **at)
{
    memset(t, 0, sizeof *t);
    for (; **at != '\0' && **at != ',' && **at != '-'; ++*at) {
        int l = letter(**at);
        if (**at == ' ') {
            continue;
        }
        if (strncmp(*at, "...", 3) == 0) {
            if (t->ellipsis) {
                return "equation has two ellipses in one term";
            }
            t->ellipsis = true;
            t->ellipsis_at = t->letters;
            *at += 2;
        } else if (l < 0) {
            return "equation has a character that is no letter";
        } else if (t->letters == NNRT_RANK_MAX) {
            return "equation has a term of more than 8 letters";
        } else {
            t->letter[t->letters++] = (uint8_t)l;
        }
    }
    return NULL;
}

/* Letters with the ellipsis's last `dots` dims of `all` put in its place. */
static void expand(nnc_labels *out, const term *t, uint32_t dots, uint32_t all)
{
    out->rank = 0;
    for (uint32_t i = 0; i <= t->letters; i++) {
        for (uint32_t d = 0; t->ellipsis && i == t->ellipsis_at && d < dots; d++) {
            out->at[out->rank++] = (uint8_t)(NNC_EINSUM_LETTERS + all - dots + d);
        }
        if (i < t->letters) {
            out->at[out->rank++] = t->letter[i];
        }
    }
}

/* Without "->": the ellipsis, then the letters that occur once, in the order of their characters.
 */
static void implicit_output(term *out, const term *terms, uint32_t count)
{
    uint32_t uses[NNC_EINSUM_LETTERS] = {0};
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < count; i++) {
        out->ellipsis = out->ellipsis || terms[i].ellipsis;
        for (uint32_t d = 0; d < terms[i].letters; d++) {
            uses[terms[i].letter[d]]++;
        }
    }
    for (uint32_t k = 0; k < NNC_EINSUM_LETTERS; k++) {
        uint8_t l = (uint8_t)((k + 26) % NNC_EINSUM_LETTERS); /* capitals first */
        if (uses[l] == 1 && out->letters < NNC_RANK_MAX) {
            out->letter[out->letters++] = l;
        }
    }
}

/* Every letter of the output stands in an operand, and stands there once. */
static const char *check_output(const term *out, const term *terms, uint32_t count)
{
    for (uint32_t k = 0; k < out->letters; k++) {
        bool found = false;
        for (uint32_t i = 0; i < count; i++) {
            found = found || memchr(terms[i].letter, out->letter[k], terms[i].letters);
        }
        if (!found) {
            return "equation's output has a letter that no input has";
        }
        if (memchr(out->letter, out->letter[k], k)) {
            return "equation's output has a letter twice";
        }
    }
    return NULL;
}

const char *nnc_einsum_parse(nnc_einsum *e, const char *equation, const uint32_t *ranks,
                             uint32_t operands)
{
    term terms[NNC_EINSUM_OPERANDS], out;
    uint32_t count = 0, dots = 0;
    const char *wrong = NULL;
    for (const char *at = equation;;) {
        if (count == operands || count == NNC_EINSUM_OPERANDS) {
            return count == NNC_EINSUM_OPERANDS ? "equation has more than 16 terms"
                                                : "equation has more terms than inputs";
        }
        wrong = read_term(&terms[count], &at);
        if (wrong) {
            return wrong;
        }
        count++;
        if (*at == ',') {
            at++;
            continue;
        }
        if (*at == '\0') {
            implicit_output(&out, terms, count);
        } else {
            at += 2;
            wrong = at[-1] != '>' ? "equation has '-' without '>'" : read_term(&out, &at);
            wrong = !wrong && *at != '\0' ? "equation goes on after its output" : wrong;
        }
        break;
    }
    wrong = !wrong && count != operands ? "equation has fewer terms than inputs" : wrong;
    wrong = wrong ? wrong : check_output(&out, terms, count);
    for (uint32_t i = 0; !wrong && i < count; i++) {
        if (ranks[i] < terms[i].letters || (ranks[i] > terms[i].letters && !terms[i].ellipsis)) {
            return "an input's rank differs from its term's letters";
        }
        dots = ranks[i] - terms[i].letters > dots ? ranks[i] - terms[i].letters : dots;
    }
    if (wrong || dots > NNRT_RANK_MAX || out.letters + (out.ellipsis ? dots : 0) > NNRT_RANK_MAX) {
        return wrong ? wrong : "output has more than 8 dims";
    }
    e->operands = count;
    for (uint32_t i = 0; i < count; i++) {
        expand(&e->in[i], &terms[i], ranks[i] - terms[i].letters, dots);
    }
    expand(&e->out, &out, dots, dots);
    return NULL;
}

/* ---- inference ---- */

/* Ranks of all inputs; false if one is unknown. */
static bool input_ranks(uint32_t ranks[NNC_EINSUM_OPERANDS], const nnc_graph *graph,
                        const nnc_node *node)
{
    for (uint32_t i = 0; i < node->input_count && i < NNC_EINSUM_OPERANDS; i++) {
        const nnc_value *v = nnc_graph_value_const(graph, node->inputs[i]);
        if (!v->has_shape) {
            return false;
        }
        ranks[i] = v->shape.rank;
    }
    return true;
}

static nnc_status einsum_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    uint32_t ranks[NNC_EINSUM_OPERANDS];
    nnc_einsum e;
    nnc_shape dim[NNC_EINSUM_LABELS];
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    if (!input_ranks(ranks, ctx->graph, node)) {
        return nnc_infer_output_unknown(ctx, 0, nnc_infer_dtype(ctx, 0), -1);
    }
    const char *wrong =
        nnc_einsum_parse(&e, nnc_node_string(node, "equation", ""), ranks, node->input_count);
    if (wrong) {
        return nnc_infer_fail(ctx, "%s", wrong);
    }
    for (uint32_t l = 0; l < NNC_EINSUM_LABELS; l++) {
        dim[l] = (nnc_shape){.rank = 1, .dims = {1}};
    }
    for (uint32_t i = 0; i < e.operands; i++) {
        const nnc_value *v = nnc_infer_input(ctx, i);
        for (uint32_t d = 0; d < e.in[i].rank; d++) {
            nnc_shape one = {.rank = 1, .dims = {v->shape.dims[d]}};
            NNC_TRY(nnc_infer_broadcast(ctx, &dim[e.in[i].at[d]], &one));
        }
    }
    nnc_shape y = {.rank = e.out.rank};
    for (uint32_t d = 0; d < y.rank; d++) {
        y.dims[d] = dim[e.out.at[d]].dims[0];
    }
    return nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &y);
}

/* Each pair's product: one multiply-accumulate per combination of its labels. */
static void einsum_cost(nnc_cost *out, const nnc_graph *graph, nnc_node_id id)
{
    const nnc_node *node = nnc_graph_node_const(graph, id);
    uint32_t ranks[NNC_EINSUM_OPERANDS];
    uint64_t dim[NNC_EINSUM_LABELS];
    nnc_einsum e;
    out->params = nnc_cost_params(graph, node);
    if (!input_ranks(ranks, graph, node) ||
        nnc_einsum_parse(&e, nnc_node_string(node, "equation", ""), ranks, node->input_count)) {
        return;
    }
    for (uint32_t l = 0; l < NNC_EINSUM_LABELS; l++) {
        dim[l] = 1;
    }
    for (uint32_t i = 0; i < e.operands; i++) {
        const nnc_value *v = nnc_node_in(graph, id, i);
        for (uint32_t d = 0; d < e.in[i].rank; d++) {
            if (v->shape.dims[d] > 1) {
                dim[e.in[i].at[d]] = (uint64_t)v->shape.dims[d];
            }
        }
    }
    out->macs = e.operands > 1 ? 1 : 0;
    for (uint32_t l = 0; l < NNC_EINSUM_LABELS; l++) {
        out->macs = nnc_cost_mul(out->macs, dim[l]);
    }
}

/* ---- lowering ---- */

static bool has(const nnc_labels *list, uint8_t label)
{
    return memchr(list->at, label, list->rank) != NULL;
}

static nnc_status append(nnc_lower_ctx *ctx, nnc_labels *list, uint8_t label)
{
    if (!has(list, label)) {
        if (list->rank == NNRT_RANK_MAX) {
            return nnc_lower_fail(ctx, "a product in between has more than %d dims", NNRT_RANK_MAX);
        }
        list->at[list->rank++] = label;
    }
    return NNC_OK;
}

nnc_status nnc_lower_contract(uint32_t *y, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t a,
                              const nnc_labels *la, uint32_t b, const nnc_labels *lb,
                              const nnc_labels *out)
{
    const nnc_labels none = {0};
    const nnc_labels *lists[3] = {la, b == NNRT_NONE ? &none : lb, out};
    nnrt_contract_params params = {{0}, {{0}}};
    uint8_t number[NNC_EINSUM_LABELS], next = 0;
    memset(number, 0xff, sizeof number);
    for (uint32_t i = 0; i < 3; i++) {
        params.rank[i] = lists[i]->rank;
        for (uint32_t d = 0; d < lists[i]->rank; d++) {
            uint8_t l = lists[i]->at[d];
            number[l] = number[l] == 0xff ? next++ : number[l];
            params.label[i][d] = number[l];
        }
    }
    const uint32_t in[2] = {a, b};
    if (*y == NNRT_NONE) {
        NNC_TRY(nnc_lower_temp(y, ctx, dtype, out->rank));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CONTRACT, &params, sizeof params, in,
                          b == NNRT_NONE ? 1 : 2, y, 1);
}

/* Whether a label is needed by the operands from i on or by the output. */
static bool needed(const nnc_einsum *e, uint32_t i, uint8_t label)
{
    for (; i < e->operands; i++) {
        if (has(&e->in[i], label)) {
            return true;
        }
    }
    return has(&e->out, label);
}

/* Sums the labels of x that neither `other` nor anything from operand i on needs. */
static nnc_status sum_alone(nnc_lower_ctx *ctx, const nnc_einsum *e, nnrt_dtype dtype, uint32_t *x,
                            nnc_labels *labels, const nnc_labels *other, uint32_t i)
{
    nnc_labels kept = {0};
    uint32_t y = NNRT_NONE;
    for (uint32_t d = 0; d < labels->rank; d++) {
        if (has(other, labels->at[d]) || needed(e, i, labels->at[d])) {
            NNC_TRY(append(ctx, &kept, labels->at[d]));
        }
    }
    if (kept.rank == labels->rank) {
        return NNC_OK;
    }
    NNC_TRY(nnc_lower_contract(&y, ctx, dtype, *x, labels, NNRT_NONE, NULL, &kept));
    *x = y;
    *labels = kept;
    return NNC_OK;
}

/* The labels of a product: those in both operands, those of the first, those of the second. */
static nnc_status product_labels(nnc_labels *out, nnc_lower_ctx *ctx, const nnc_einsum *e,
                                 const nnc_labels *a, const nnc_labels *b, uint32_t i)
{
    out->rank = 0;
    for (uint32_t pass = 0; pass < 3; pass++) {
        const nnc_labels *list = pass == 2 ? b : a;
        for (uint32_t d = 0; d < list->rank; d++) {
            uint8_t l = list->at[d];
            if (needed(e, i, l) && (pass != 0 || has(b, l))) {
                NNC_TRY(append(ctx, out, l));
            }
        }
    }
    return NNC_OK;
}

static nnc_status einsum_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_dtype dtype = nnc_lower_dtype(nnc_lower_in_value(ctx, 0));
    uint32_t ranks[NNC_EINSUM_OPERANDS], acc, x, out;
    nnc_einsum e;
    if (!input_ranks(ranks, nnc_lower_graph(ctx), node)) {
        return nnc_lower_fail(ctx, "the rank of an input is unknown");
    }
    const char *wrong =
        nnc_einsum_parse(&e, nnc_node_string(node, "equation", ""), ranks, node->input_count);
    if (wrong) {
        return nnc_lower_fail(ctx, "%s", wrong);
    }
    nnc_labels labels = e.in[0], made;
    NNC_TRY(nnc_lower_input(&acc, ctx, 0, NNC_FORM_LOGICAL));
    if (e.operands == 1) {
        NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
        return nnc_lower_contract(&out, ctx, dtype, acc, &labels, NNRT_NONE, NULL, &e.out);
    }
    for (uint32_t i = 1; i < e.operands; i++) {
        bool last = i + 1 == e.operands;
        nnc_labels own = e.in[i];
        NNC_TRY(nnc_lower_input(&x, ctx, i, NNC_FORM_LOGICAL));
        NNC_TRY(sum_alone(ctx, &e, dtype, &acc, &labels, &own, i + 1));
        NNC_TRY(sum_alone(ctx, &e, dtype, &x, &own, &labels, i + 1));
        out = NNRT_NONE;
        if (last) {
            NNC_TRY(nnc_lower_output(&out, ctx, 0, NNC_FORM_LOGICAL));
            made = e.out;
        } else {
            NNC_TRY(product_labels(&made, ctx, &e, &labels, &own, i + 1));
        }
        NNC_TRY(nnc_lower_contract(&out, ctx, dtype, acc, &labels, x, &own, &made));
        acc = out;
        labels = made;
    }
    return NNC_OK;
}

const nnc_op nnc_op_Einsum = {
    .domain = "",
    .name = "Einsum",
    .min_in = 1,
    .max_in = NNC_EINSUM_OPERANDS,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(einsum_attrs),
    .infer = einsum_infer,
    .lower = einsum_lower,
    .grad = NNC_NO_GRAD,
    .cost = einsum_cost,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
