/* Ranges of the groups. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_RANGES_H
#define NNC_QUANT_RANGES_H

#include "quant/internal.h"

/* One group per scheme group, with a copy of its source's statistics. */
nnc_status nnc_groups_create(nnc_group **out, const nnc_scheme *scheme, const nnc_calib *calib);
void nnc_groups_destroy(nnc_group *groups, uint32_t count);
/* False for a group that was joined to another. */
bool nnc_group_live(const nnc_scheme *scheme, uint32_t group);

/* Range of every live group by one calibrator; ranges [group_count]. */
nnc_status nnc_ranges_solve(nnc_range *ranges, const nnc_scheme *scheme, const nnc_group *groups, const char *method,
                            double arg, const nnc_target *target);
/* Range of every live group by the calibrator whose grid costs its readers least. */
nnc_status nnc_ranges_auto(nnc_range *ranges, nnc_group *groups, const nnc_scheme *scheme, const nnc_graph *graph,
                           const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log);

#endif
