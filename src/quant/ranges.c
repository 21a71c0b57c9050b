/* Ranges of the groups: candidates of the calibrators, and the best of them. SPDX-License-Identifier: Apache-2.0 */

#include "quant/ranges.h"

/* What `auto` chooses from, in order of preference among equals. */
static const struct {
    const char *label, *calibrator;
    double arg;
} candidates[] = {
    {"minmax", "minmax", 0},
    {"percentile 99.9999", "percentile", 99.9999},
    {"percentile 99.999", "percentile", 99.999},
    {"percentile 99.99", "percentile", 99.99},
    {"mse", "mse", 0},
    {"entropy", "entropy", 0},
};

void nnc_groups_destroy(nnc_group *groups, uint32_t count)
{
    for (uint32_t g = 0; groups && g < count; g++) {
        nnc_free(groups[g].stats);
    }
    nnc_free(groups);
}

nnc_status nnc_groups_create(nnc_group **out, const nnc_scheme *scheme, const nnc_calib *calib)
{
    nnc_group *groups = nnc_calloc(scheme->group_count + 1, sizeof(*groups));
    if (!groups) {
        return NNC_ERR_LIMIT;
    }
    for (uint32_t g = 0; g < scheme->group_count; g++) {
        groups[g].stats = nnc_calloc(1, sizeof(*groups[g].stats));
        if (!groups[g].stats) {
            nnc_groups_destroy(groups, scheme->group_count);
            return NNC_ERR_LIMIT;
        }
        *groups[g].stats = *nnc_calib_stats(calib, scheme->source[g]);
    }
    *out = groups;
    return NNC_OK;
}

bool nnc_group_live(const nnc_scheme *scheme, uint32_t group)
{
    return scheme->group[scheme->source[group]] == group;
}

static nnc_status solve(nnc_range *out, const char *label, const char *name, double arg,
                        const nnc_value_stats *stats, const nnc_target *target)
{
    bool symmetric = target->activation_symmetric;
    *out = (nnc_range){.method = label};
    return nnc_calibrator_find(name)->solve(&out->lo, &out->hi, stats, symmetric, symmetric ? 255 : 256, arg);
}

nnc_status nnc_ranges_solve(nnc_range *ranges, const nnc_scheme *scheme, const nnc_group *groups, const char *method,
                            double arg, const nnc_target *target)
{
    const nnc_calibrator *row = nnc_calibrator_find(method);
    if (!row) {
        NNC_FAIL(NNC_ERR_USAGE, "calibration method '%s' is unknown", method);
    }
    for (uint32_t g = 0; g < scheme->group_count; g++) {
        if (nnc_group_live(scheme, g)) {
            NNC_TRY(solve(&ranges[g], row->name, row->name, arg, groups[g].stats, target));
        }
    }
    return NNC_OK;
}

/* Adds a range unless one with the same grid is there. */
static nnc_status add_candidate(nnc_group *group, const nnc_range *range, const nnc_target *target)
{
    nnc_qparams *q;
    NNC_TRY(nnc_qparams_from_range(&q, range->lo, range->hi, target->activation, target->activation_symmetric));
    bool known = false;
    nnc_status status = NNC_OK;
    for (size_t k = 0; k < group->candidate_count && status == NNC_OK; k++) {
        nnc_qparams *other;
        status = nnc_qparams_from_range(&other, group->candidate[k].lo, group->candidate[k].hi,
                                        target->activation, target->activation_symmetric);
        if (status == NNC_OK) {
            known = known || nnc_qparams_equal(q, other);
            nnc_qparams_destroy(other);
        }
    }
    nnc_qparams_destroy(q);
    if (status == NNC_OK && !known) {
        group->candidate[group->candidate_count++] = *range;
    }
    return status;
}

nnc_status nnc_ranges_auto(nnc_range *ranges, nnc_group *groups, const nnc_scheme *scheme, const nnc_graph *graph,
                           const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log)
{
    for (uint32_t g = 0; g < scheme->group_count; g++) {
        for (size_t k = 0; nnc_group_live(scheme, g) && k < sizeof(candidates) / sizeof(candidates[0]); k++) {
            nnc_range range;
            NNC_TRY(solve(&range, candidates[k].label, candidates[k].calibrator, candidates[k].arg, groups[g].stats,
                          options->target));
            NNC_TRY(add_candidate(&groups[g], &range, options->target));
        }
    }
    NNC_TRY(nnc_score_candidates(groups, scheme, graph, data, options, log));
    for (uint32_t g = 0; g < scheme->group_count; g++) {
        size_t best = 0;
        for (size_t k = 1; k < groups[g].candidate_count; k++) {
            best = groups[g].error[k] < groups[g].error[best] ? k : best;
        }
        ranges[g] = groups[g].candidate[best];
    }
    return NNC_OK;
}
