/* INT8 post-training quantization from start to end. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "quant/bias.h"
#include "quant/ranges.h"
#include "quant/result.h"

/* Grids behind layers that only float nodes read are left out when they cost more than this at the output. */
#define TAIL_LOSS_DB 0.5
/* Samples to judge on when none were held back. */
#define JUDGE_SAMPLES 64

typedef struct quant_run {
    nnc_graph *graph;
    const nnc_dataset *data;
    const nnc_quant_options *options;
    const nnc_log *log;
    nnc_scheme scheme;
    nnc_group *groups;
    nnc_range *range_auto, *range_minmax; /* [groups]; `auto` also for a method asked for by name */
    nnc_choice choice;
    nnc_quant_result *result;
} quant_run;

/* "12 x no integer form, 3 x excluded": why nothing is left. */
static nnc_status nothing_to_do(const nnc_scheme *s, const nnc_graph *graph)
{
    nnc_str table = {0};
    uint32_t nodes = 0;
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        nodes += !nnc_graph_node_const(graph, id)->dead;
        bool first = s->reason[id] != NULL;
        for (nnc_node_id before = 0; before < id && first; before++) {
            first = !s->reason[before] || strcmp(s->reason[before], s->reason[id]) != 0;
        }
        uint32_t count = 0;
        for (nnc_node_id k = id; first && k < s->node_count; k++) {
            count += s->reason[k] && strcmp(s->reason[k], s->reason[id]) == 0;
        }
        if (count) {
            nnc_str_appendf(&table, "%s%u x %s", table.len ? ", " : "", count, s->reason[id]);
        }
    }
    nnc_status status = nnc_error_set(NNC_ERR_GATE, "nothing to compress: 0 of %u nodes eligible%s%s%s", nodes,
                                      table.len ? " (" : "", nnc_str_get(&table), table.len ? ")" : "");
    nnc_str_deinit(&table);
    return status;
}

/* A model that cannot run is not one with nothing to compress. */
static nnc_status check_known(const nnc_graph *graph)
{
    char label[200];
    for (nnc_node_id id = 0; id < nnc_graph_node_count(graph); id++) {
        const nnc_node *node = nnc_graph_node_const(graph, id);
        if (!node->dead && !node->op) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s: operator not supported",
                     nnc_node_label(label, sizeof(label), graph, id));
        }
    }
    return NNC_OK;
}

static bool has_product(const nnc_scheme *s)
{
    for (nnc_node_id id = 0; id < s->node_count; id++) {
        if (s->role[id] == NNC_ROLE_PRODUCT || s->role[id] == NNC_ROLE_PAIR) {
            return true;
        }
    }
    return false;
}

static nnc_status calibrate(quant_run *run)
{
    const nnc_quant_options *o = run->options;
    if (o->calib) {
        run->result->calib = o->calib;
        run->result->calib_borrowed = true;
    } else {
        NNC_TRY(nnc_quant_observe(&run->result->calib, run->graph, run->scheme.source, run->scheme.group_count, run->data, o,
                                  run->log));
    }
    NNC_TRY(nnc_groups_create(&run->groups, &run->scheme, run->result->calib));
    NNC_TRY(nnc_scheme_share_concats(&run->scheme, run->groups, run->graph, o->target));
    run->range_auto = nnc_calloc(run->scheme.group_count + 1, sizeof(nnc_range));
    run->range_minmax = nnc_calloc(run->scheme.group_count + 1, sizeof(nnc_range));
    if (!run->range_auto || !run->range_minmax) {
        return NNC_ERR_LIMIT;
    }
    NNC_TRY(nnc_ranges_solve(run->range_minmax, &run->scheme, run->groups, "minmax", 0, o->target));
    if (strcmp(o->method, "auto") == 0) {
        return nnc_ranges_auto(run->range_auto, run->groups, &run->scheme, run->graph, run->data, o, run->log);
    }
    return nnc_ranges_solve(run->range_auto, &run->scheme, run->groups, o->method, o->percentile, o->target);
}

/* A quantized form of the model that is considered. */
typedef struct quant_form {
    nnc_choice choice;
    nnc_graph *graph;
    const char *bias; /* NULL: the model's own */
    nnc_judgement got;
} quant_form;

typedef struct quant_forms {
    quant_form form[NNC_QUANT_FORMS];
    size_t count;
} quant_forms;

static void forms_deinit(quant_forms *forms)
{
    for (size_t i = 0; i < forms->count; i++) {
        nnc_graph_destroy(forms->form[i].graph);
    }
}

/* Adds the model quantized by a choice. */
static nnc_status add_form(quant_forms *forms, const quant_run *run, const nnc_choice *choice)
{
    quant_form *form = &forms->form[forms->count];
    *form = (quant_form){.choice = *choice};
    NNC_TRY(nnc_graph_clone(&form->graph, run->graph));
    forms->count++;
    return nnc_scheme_apply(form->graph, &run->scheme, choice, run->options);
}

/* Judges all forms at once, on held-back samples where there are some. */
static nnc_status judge_forms(quant_forms *forms, const quant_run *run)
{
    const nnc_quant_options *o = run->options;
    nnc_graph *graphs[NNC_QUANT_FORMS];
    nnc_judgement got[NNC_QUANT_FORMS];
    for (size_t i = 0; i < forms->count; i++) {
        graphs[i] = forms->form[i].graph;
    }
    bool held = o->held_count > 0;
    size_t n = held ? o->held_count : o->calib_count < JUDGE_SAMPLES ? o->calib_count : JUDGE_SAMPLES;
    NNC_TRY(nnc_judge(got, run->graph, graphs, forms->count, run->data,
                      held ? o->held_indices : o->calib_indices, n, o, run->log));
    for (size_t i = 0; i < forms->count; i++) {
        forms->form[i].got = got[i];
    }
    return NNC_OK;
}

/* SQNR decides, unless the numbers of changed answers differ by more than twice what chance makes of them. */
static bool better(const nnc_judgement *a, const nnc_judgement *b)
{
    double changed_a = (double)a->changed, changed_b = (double)b->changed;
    if (fabs(changed_a - changed_b) > 2 * sqrt(changed_a + changed_b)) {
        return changed_a < changed_b;
    }
    return a->sqnr > b->sqnr;
}

static bool has_tail(const nnc_scheme *s)
{
    for (nnc_value_id v = 0; v < s->value_count; v++) {
        if (s->tail[v]) {
            return true;
        }
    }
    return false;
}

/* 7-bit weights, or the full range as u8 (which ONNX Runtime multiplies in 16 bits): what loses less. */
static nnc_status choose_weights(quant_run *run)
{
    if (run->options->target->weight_max == 127) {
        return NNC_OK;
    }
    nnc_choice u8 = run->choice;
    u8.weight = NNC_DTYPE_UINT8;
    u8.weight_max = 127;
    quant_forms forms = {.count = 0};
    nnc_status status = add_form(&forms, run, &run->choice);
    status = status == NNC_OK ? add_form(&forms, run, &u8) : status;
    status = status == NNC_OK ? judge_forms(&forms, run) : status;
    if (status == NNC_OK) {
        const nnc_judgement *seven = &forms.form[0].got, *eight = &forms.form[1].got;
        run->choice = better(eight, seven) ? u8 : run->choice;
        nnc_log_info(run->log, "weights: %s (output SQNR %.2f dB with 7 bits, %.2f dB with u8)",
                     run->choice.weight == NNC_DTYPE_UINT8 ? "u8" : "7 bits", seven->sqnr, eight->sqnr);
    }
    forms_deinit(&forms);
    return status;
}

/* The choice with the model's biases and with both kinds of corrected ones. */
static nnc_status add_forms_of(quant_forms *forms, const quant_run *run, const nnc_choice *choice)
{
    const nnc_quant_options *o = run->options;
    NNC_TRY(add_form(forms, run, choice));
    if (!o->bias_correction || o->held_count == 0) {
        return NNC_OK;
    }
    NNC_TRY(add_form(forms, run, choice));
    quant_form *local = &forms->form[forms->count - 1];
    local->bias = "local";
    NNC_TRY(nnc_bias_correct_local(local->graph, run->graph, &run->scheme, run->data, o, run->log));
    NNC_TRY(add_form(forms, run, choice));
    quant_form *chain = &forms->form[forms->count - 1];
    chain->bias = "chain";
    return nnc_bias_correct_chain(chain->graph, run->graph, &run->scheme, run->data, o, run->log);
}

/* Index of the best form; the first of equals. */
static size_t best_form(const quant_forms *forms, size_t from, size_t count)
{
    size_t best = from;
    for (size_t i = from + 1; i < from + count; i++) {
        best = better(&forms->form[i].got, &forms->form[best].got) ? i : best;
    }
    return best;
}

/* For the report: what was judged, and what was kept. */
static void list_forms(quant_run *run, const quant_forms *forms, size_t best)
{
    nnc_quant_result *result = run->result;
    result->form_count = forms->count;
    for (size_t i = 0; i < forms->count; i++) {
        const quant_form *form = &forms->form[i];
        result->forms[i] = (nnc_quant_form_info){
            .range = form->choice.range == run->range_minmax ? "minmax" : run->options->method,
            .bias = form->bias ? form->bias : "own",
            .sqnr = form->got.sqnr,
            .agree = form->got.agree,
            .kept = i == best};
        nnc_log_debug(run->log, "form %s, biases %s: output SQNR %.2f dB, agreement %.3f%s", result->forms[i].range,
                      form->bias ? form->bias : "as they are", form->got.sqnr, form->got.agree,
                      i == best ? ", kept" : "");
    }
}

/* Takes over the best form: ranges and biases. forms: first those of minmax (when auto was asked for), then the method's. */
static void record_forms(quant_run *run, const quant_forms *forms, bool automatic)
{
    nnc_quant_result *result = run->result;
    const size_t per_range = automatic ? forms->count / 2 : forms->count;
    const size_t best = best_form(forms, 0, forms->count);
    const quant_form *form = &forms->form[best], *plain = &forms->form[best / per_range * per_range];
    if (automatic) {
        const nnc_judgement *minmax = &forms->form[best_form(forms, 0, per_range)].got,
                            *solved = &forms->form[best_form(forms, per_range, per_range)].got;
        result->sqnr_minmax = minmax->sqnr;
        result->agree_minmax = minmax->agree;
        result->sqnr_auto = solved->sqnr;
        result->agree_auto = solved->agree;
        result->method = best < per_range ? "minmax" : "auto";
    }
    if (per_range > 1) {
        result->sqnr_plain = plain->got.sqnr;
        result->sqnr_corrected = forms->form[best_form(forms, best / per_range * per_range + 1, per_range - 1)].got.sqnr;
        result->bias_corrected = form->bias != NULL;
    }
    if (forms->count > 1) {
        list_forms(run, forms, best);
    }
    run->choice = form->choice;
}

/* Writes the best form into the model, without grids on tails if they cost much. */
static nnc_status take_form(quant_run *run, const quant_forms *forms)
{
    const quant_form *form = &forms->form[best_form(forms, 0, forms->count)];
    if (has_tail(&run->scheme)) {
        quant_forms tails = {.count = 0};
        nnc_status status = NNC_OK;
        for (int on = 0; on < 2 && status == NNC_OK; on++) {
            nnc_choice choice = form->choice;
            choice.tails = on;
            status = add_form(&tails, run, &choice);
            if (status == NNC_OK && form->bias) {
                status = nnc_bias_take(tails.form[on].graph, form->graph, &run->scheme);
            }
        }
        status = status == NNC_OK ? judge_forms(&tails, run) : status;
        if (status == NNC_OK) {
            run->choice.tails = tails.form[1].got.sqnr >= tails.form[0].got.sqnr - TAIL_LOSS_DB;
        }
        forms_deinit(&tails);
        NNC_TRY(status);
    }
    NNC_TRY(nnc_scheme_apply(run->graph, &run->scheme, &run->choice, run->options));
    return form->bias ? nnc_bias_take(run->graph, form->graph, &run->scheme) : NNC_OK;
}

static nnc_status choose_and_apply(quant_run *run)
{
    bool automatic = strcmp(run->options->method, "auto") == 0;
    quant_forms forms = {.count = 0};
    nnc_choice minmax = run->choice;
    minmax.range = run->range_minmax;
    run->result->method = run->options->method;
    nnc_status status = automatic ? add_forms_of(&forms, run, &minmax) : NNC_OK;
    status = status == NNC_OK ? add_forms_of(&forms, run, &run->choice) : status;
    if (status == NNC_OK && forms.count > 1) {
        status = judge_forms(&forms, run);
    }
    if (status == NNC_OK) {
        record_forms(run, &forms, automatic);
        status = take_form(run, &forms);
    }
    forms_deinit(&forms);
    return status;
}

static void log_coverage(const quant_run *run)
{
    uint64_t all = 0, integer = 0, nodes = 0;
    for (size_t i = 0; i < run->result->node_count; i++) {
        const nnc_quant_node_info *info = &run->result->nodes[i];
        all += info->macs;
        integer += info->integer ? info->macs : 0;
        nodes += info->integer;
    }
    if (run->result->bias_corrected) {
        nnc_log_info(run->log, "biases corrected: output SQNR %.1f -> %.1f dB on samples held back",
                     run->result->sqnr_plain, run->result->sqnr_corrected);
    }
    nnc_log_info(run->log, "%llu of %zu nodes and %.2f %% of multiply-accumulates in INT8, ranges by %s",
                 (unsigned long long)nodes, run->result->node_count, all ? 100.0 * (double)integer / (double)all : 0.0,
                 run->result->method);
}

static nnc_status finish(quant_run *run)
{
    nnc_graph *before;
    NNC_TRY(nnc_graph_clone(&before, run->graph));
    nnc_status status = choose_and_apply(run);
    if (status == NNC_OK) {
        status = nnc_result_values(run->result, run->graph, &run->scheme, run->choice.range);
    }
    if (status == NNC_OK) {
        status = nnc_result_nodes(run->result, before, run->graph, &run->scheme);
    }
    nnc_graph_destroy(before);
    if (status == NNC_OK) {
        log_coverage(run);
    }
    return status;
}

static nnc_status quantize(quant_run *run)
{
    NNC_TRY(nnc_quant_strip(run->graph));
    NNC_TRY(nnc_scheme_decide(&run->scheme, run->graph, run->options));
    if (!has_product(&run->scheme)) {
        NNC_TRY(check_known(run->graph));
        return nothing_to_do(&run->scheme, run->graph);
    }
    NNC_TRY(nnc_weights_check(run->graph, &run->scheme));
    NNC_TRY(calibrate(run));
    run->choice = (nnc_choice){.range = run->range_auto, .tails = true, .weight = run->options->target->weight,
                               .weight_max = run->options->target->weight_max};
    NNC_TRY(choose_weights(run));
    return finish(run);
}

nnc_status nnc_quantize_graph(nnc_quant_result *result, nnc_graph *graph, const nnc_dataset *data,
                              const nnc_quant_options *options, const nnc_log *log)
{
    double none = (double)NAN;
    *result = (nnc_quant_result){.sqnr_auto = none, .sqnr_minmax = none, .agree_auto = none, .agree_minmax = none,
                                  .sqnr_plain = none, .sqnr_corrected = none};
    quant_run run = {.graph = graph, .data = data, .options = options, .log = log, .result = result};
    nnc_status status = quantize(&run);
    nnc_groups_destroy(run.groups, run.scheme.group_count);
    nnc_free(run.range_auto);
    nnc_free(run.range_minmax);
    nnc_scheme_deinit(&run.scheme);
    if (status != NNC_OK) {
        nnc_quant_result_deinit(result);
    }
    return status;
}
