/* Parser of option tables. SPDX-License-Identifier: Apache-2.0 */
#include "base/option.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

const nnc_option *nnc_option_find(const nnc_option *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

nnc_status nnc_option_list_add(nnc_option_list *list, const char *text, size_t len)
{
    /* Capacity is the power of two above the count; it needs no field of its own. */
    if ((list->count & (list->count - 1)) == 0) {
        size_t cap = list->count == 0 ? 1 : list->count * 2;
        const char **items = nnc_realloc(list->items, cap, sizeof *items);
        if (items == NULL) {
            return NNC_ERR_LIMIT;
        }
        list->items = items;
    }
    char *copy = nnc_calloc(len + 1, 1);
    if (copy == NULL) {
        return NNC_ERR_LIMIT;
    }
    memcpy(copy, text, len);
    list->items[list->count++] = copy;
    return NNC_OK;
}

void nnc_option_list_deinit(nnc_option_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        nnc_free((void *)(uintptr_t)list->items[i]);
    }
    nnc_free(list->items);
    *list = (nnc_option_list){0};
}

static nnc_status list_split(const nnc_option *option, nnc_option_list *list, const char *value)
{
    for (;;) {
        size_t len = strcspn(value, ",");
        if (len == 0) {
            NNC_FAIL(NNC_ERR_USAGE, "--%s: empty element in the list", option->name);
        }
        NNC_TRY(nnc_option_list_add(list, value, len));
        if (value[len] == '\0') {
            return NNC_OK;
        }
        value += len + 1;
    }
}

static nnc_status check_bounds(const nnc_option *option, double x, const char *value)
{
    if (option->min != option->max && !(x >= option->min && x <= option->max)) {
        bool percent = option->type == NNC_OPTION_PERCENT;
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is outside %.10g%s to %.10g%s", option->name, value,
                 percent ? option->min * 100 : option->min, percent ? "%" : "",
                 percent ? option->max * 100 : option->max, percent ? "%" : "");
    }
    return NNC_OK;
}

static bool parse_percent(const char *text, double *out)
{
    char number[64];
    size_t len = strlen(text);
    bool percent = len > 0 && text[len - 1] == '%';
    if (!percent) {
        return nnc_parse_double(text, out);
    }
    if (len > sizeof number) {
        return false;
    }
    memcpy(number, text, len - 1);
    number[len - 1] = '\0';
    if (!nnc_parse_double(number, out)) {
        return false;
    }
    *out /= 100;
    return true;
}

static nnc_status apply_enum(const nnc_option *option, int *field, const char *value)
{
    size_t n = 0;
    for (; option->choices[n] != NULL; n++) {
        if (strcmp(option->choices[n], value) == 0) {
            *field = (int)n;
            return NNC_OK;
        }
    }
    nnc_str all = {0};
    for (size_t i = 0; i < n; i++) {
        nnc_str_appendf(&all, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    }
    const char *near = nnc_nearest(value, option->choices, n);
    nnc_error_set(NNC_ERR_USAGE, "--%s: '%s' is not one of %s%s%s%s", option->name, value,
                  nnc_str_get(&all), near != NULL ? "; did you mean '" : "",
                  near != NULL ? near : "", near != NULL ? "'?" : "");
    nnc_str_deinit(&all);
    return NNC_ERR_USAGE;
}

static nnc_status apply_number(const nnc_option *option, void *field, const char *value)
{
    bool ok = false;
    double x = 0;
    int64_t integer = 0;
    uint64_t size = 0;
    const char *expected = "a number";
    if (option->type == NNC_OPTION_INT) {
        ok = nnc_parse_i64(value, &integer);
        x = (double)integer;
        expected = "a whole number";
    } else if (option->type == NNC_OPTION_SIZE) {
        ok = nnc_parse_size(value, &size);
        x = (double)size;
        expected = "a size like 512 or 64M";
    } else if (option->type == NNC_OPTION_PERCENT) {
        ok = parse_percent(value, &x);
        expected = "a share like 1% or 0.01";
    } else {
        ok = nnc_parse_double(value, &x);
    }
    if (!ok) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is not %s", option->name, value, expected);
    }
    NNC_TRY(check_bounds(option, x, value));
    if (option->type == NNC_OPTION_INT) {
        memcpy(field, &integer, sizeof integer);
    } else if (option->type == NNC_OPTION_SIZE) {
        memcpy(field, &size, sizeof size);
    } else {
        memcpy(field, &x, sizeof x);
    }
    return NNC_OK;
}

static nnc_status apply_flag(const nnc_option *option, bool *field, const char *value, bool negated)
{
    bool on = true;
    if (value != NULL) {
        on = strcmp(value, "true") == 0;
        if (!on && strcmp(value, "false") != 0) {
            NNC_FAIL(NNC_ERR_USAGE, "--%s: '%s' is neither true nor false", option->name, value);
        }
    }
    *field = on != negated;
    return NNC_OK;
}

nnc_status nnc_option_apply(const nnc_option *option, void *options, const char *value,
                            bool negated)
{
    void *field = (char *)options + option->offset;
    if (option->type == NNC_OPTION_FLAG) {
        return apply_flag(option, field, value, negated);
    }
    if (negated) {
        NNC_FAIL(NNC_ERR_USAGE, "--no-%s: --%s takes a value and cannot be negated", option->name,
                 option->name);
    }
    if (value == NULL) {
        NNC_FAIL(NNC_ERR_USAGE, "--%s needs a value (%s)", option->name,
                 option->metavar != NULL ? option->metavar : "VALUE");
    }
    switch (option->type) {
    case NNC_OPTION_FLAG:
        break;
    case NNC_OPTION_INT:
    case NNC_OPTION_DOUBLE:
    case NNC_OPTION_PERCENT:
    case NNC_OPTION_SIZE:
        return apply_number(option, field, value);
    case NNC_OPTION_STRING:
        memcpy(field, &value, sizeof value);
        break;
    case NNC_OPTION_ENUM:
        return apply_enum(option, field, value);
    case NNC_OPTION_LIST:
        return list_split(option, field, value);
    }
    return NNC_OK;
}

static nnc_status fail_unknown(const nnc_option *table, size_t n, const char *arg, const char *name)
{
    const char *near = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *candidate = nnc_nearest(name, &table[i].name, 1);
        if (candidate != NULL &&
            (near == NULL || nnc_edit_distance(name, candidate) < nnc_edit_distance(name, near))) {
            near = candidate;
        }
    }
    int shown = (int)strcspn(arg, "=");
    if (near != NULL) {
        NNC_FAIL(NNC_ERR_USAGE, "unknown option '%.*s'; did you mean '--%s'?", shown, arg, near);
    }
    NNC_FAIL(NNC_ERR_USAGE, "unknown option '%.*s'", shown, arg);
}

typedef struct parsed_arg {
    const nnc_option *option;
    const char *value; /* inline value or NULL */
    bool negated;
} parsed_arg;

static nnc_status split_long(parsed_arg *out, const nnc_option *table, size_t n, const char *arg)
{
    char name[128];
    size_t len = strcspn(arg + 2, "=");
    snprintf(name, sizeof name, "%.*s", len < sizeof name ? (int)len : (int)sizeof name, arg + 2);
    *out = (parsed_arg){nnc_option_find(table, n, name), NULL, false};
    if (out->option == NULL && strncmp(name, "no-", 3) == 0) {
        out->option = nnc_option_find(table, n, name + 3);
        out->negated = true;
    }
    if (out->option == NULL) {
        return fail_unknown(table, n, arg, name);
    }
    if (arg[2 + len] == '=') {
        out->value = arg + 2 + len + 1;
    }
    return NNC_OK;
}

static nnc_status split_short(parsed_arg *out, const nnc_option *table, size_t n, const char *arg)
{
    *out = (parsed_arg){NULL, NULL, false};
    for (size_t i = 0; i < n && out->option == NULL; i++) {
        if (table[i].shorthand != 0 && table[i].shorthand == arg[1]) {
            out->option = &table[i];
        }
    }
    if (out->option == NULL) {
        return fail_unknown(table, n, arg, arg + 1);
    }
    if (arg[2] != '\0') {
        if (out->option->type == NNC_OPTION_FLAG) {
            NNC_FAIL(NNC_ERR_USAGE, "unknown option '%s': '-%c' takes no value", arg, arg[1]);
        }
        out->value = arg + 2;
    }
    return NNC_OK;
}

nnc_status nnc_option_parse(const nnc_option *table, size_t n, void *options, int argc,
                            char *const *argv, nnc_option_list *positional, bool *seen)
{
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (options_end || arg[0] != '-' || arg[1] == '\0') {
            NNC_TRY(nnc_option_list_add(positional, arg, strlen(arg)));
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            options_end = true;
            continue;
        }
        parsed_arg parsed;
        NNC_TRY(arg[1] == '-' ? split_long(&parsed, table, n, arg)
                              : split_short(&parsed, table, n, arg));
        bool wants_value = parsed.option->type != NNC_OPTION_FLAG && !parsed.negated;
        if (wants_value && parsed.value == NULL && i + 1 < argc) {
            parsed.value = argv[++i];
        }
        NNC_TRY(nnc_option_apply(parsed.option, options, parsed.value, parsed.negated));
        if (seen != NULL) {
            seen[parsed.option - table] = true;
        }
    }
    return NNC_OK;
}

size_t nnc_option_count(const nnc_option *table)
{
    size_t n = 0;
    while (table[n].name) {
        n++;
    }
    return n;
}
