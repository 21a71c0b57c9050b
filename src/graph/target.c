/* The tables of targets. SPDX-License-Identifier: Apache-2.0 */
#include "graph/target.h"

#include <string.h>

#define NNC_TARGET(...) {__VA_ARGS__},
static const nnc_target rows[] = {
#include "graph/targets.def"
};
#undef NNC_TARGET

#define NNC_RULE(id_, targets_, ops_, condition_, effect_, message_, fix_)                         \
    {id_, targets_, ops_, NNC_CONDITION_##condition_, NNC_EFFECT_##effect_, message_, fix_},
static const nnc_target_rule rules[] = {
#include "graph/target_rules.def"
};

#define NNC_INT8_OPS(targets_, form_, ops_) {targets_, ops_, NNC_FORM_##form_},
static const nnc_target_ops forms[] = {
#include "graph/target_rules.def"
};

static const struct {
    const char *name, *help;
} conditions[] = {
#define NNC_CONDITION(id, help) {#id, help},
#include "graph/target_rules.def"
};

const nnc_target *nnc_target_row(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const nnc_target *nnc_target_find(const char *name)
{
    for (size_t i = 0; nnc_target_row(i); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

nnc_status nnc_target_get(const nnc_target **out, const char *name)
{
    *out = nnc_target_find(name);
    if (*out) {
        return NNC_OK;
    }
    nnc_str known = {0};
    const char *names[sizeof(rows) / sizeof(rows[0])];
    size_t count = sizeof(rows) / sizeof(rows[0]);
    for (size_t i = 0; i < count; i++) {
        names[i] = rows[i].name;
        nnc_str_appendf(&known, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = nnc_nearest(name, names, count);
    nnc_status status = nnc_error_set(NNC_ERR_USAGE, "--target '%s' is unknown%s%s%s; known: %s", name,
                                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
                                      nnc_str_get(&known));
    nnc_str_deinit(&known);
    return status;
}

nnc_status nnc_target_list(const nnc_target **targets, const char *const *names, size_t count)
{
    if (count > NNC_TARGETS_MAX) {
        NNC_FAIL(NNC_ERR_USAGE, "--target names %zu targets, at most %d are possible", count, NNC_TARGETS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        NNC_TRY(nnc_target_get(&targets[i], names[i]));
        for (size_t k = 0; k < i; k++) {
            if (targets[k] == targets[i]) {
                NNC_FAIL(NNC_ERR_USAGE, "--target names '%s' twice", names[i]);
            }
        }
    }
    return NNC_OK;
}

const char *nnc_condition_name(nnc_target_condition condition)
{
    return conditions[condition].name;
}

const char *nnc_condition_help(nnc_target_condition condition)
{
    return conditions[condition].help;
}

/* Does a pattern of the space-separated list match? */
static bool listed(const char *list, const char *word)
{
    char pattern[64];
    while (*list) {
        size_t n = strcspn(list, " ");
        if (n > 0 && n < sizeof(pattern)) {
            memcpy(pattern, list, n);
            pattern[n] = 0;
            if (nnc_glob_match(pattern, word)) {
                return true;
            }
        }
        list += n + strspn(list + n, " ");
    }
    return false;
}

const nnc_target_rule *nnc_target_rule_row(size_t i)
{
    return i < sizeof(rules) / sizeof(rules[0]) ? &rules[i] : NULL;
}

bool nnc_target_rule_applies(const nnc_target_rule *rule, const nnc_target *target, const char *op)
{
    return listed(rule->targets, target->name) && listed(rule->ops, op);
}

const nnc_target_ops *nnc_target_ops_row(size_t i)
{
    return i < sizeof(forms) / sizeof(forms[0]) ? &forms[i] : NULL;
}

nnc_target_form nnc_target_form_of(const nnc_target *target, const char *op)
{
    for (size_t i = 0; nnc_target_ops_row(i); i++) {
        if (listed(forms[i].targets, target->name) && listed(forms[i].ops, op)) {
            return forms[i].form;
        }
    }
    return NNC_FORM_NONE;
}
