/* Numbers, names and facts in the words of all renderers. SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reports/render.h"

void nnc_text_fixed(nnc_str *out, double value, int decimals)
{
    char text[400];
    if (!isfinite(value)) {
        nnc_str_append(out, "-");
        return;
    }
    snprintf(text, sizeof(text), "%.*f", decimals, value);
    if (strtod(text, NULL) == 0 && text[0] == '-') {
        memmove(text, text + 1, strlen(text)); /* no "-0.00" */
    }
    const char *point = localeconv()->decimal_point;
    char *at = strcmp(point, ".") == 0 ? NULL : strstr(text, point);
    if (at) {
        *at = '.';
        memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
    }
    nnc_str_append(out, text);
}

void nnc_text_short(nnc_str *out, double value)
{
    const double size = fabs(value);
    if (!isfinite(value) || size < 1e-300) { /* below, the power of ten is none */
        nnc_str_append(out, isfinite(value) ? "0" : "-");
        return;
    }
    if (size != 0 && (size < 1e-4 || size >= 1e7)) {
        const int exponent = (int)floor(log10(size));
        nnc_text_fixed(out, value / pow(10, exponent), 2);
        nnc_str_appendf(out, "e%d", exponent);
        return;
    }
    int decimals = size >= 100 || size == 0 ? 0
                   : size >= 10             ? 1
                   : size >= 1              ? 2
                                            : 3 - (int)floor(log10(size)) - 1;
    nnc_text_fixed(out, value, decimals);
}

void nnc_text_si(nnc_str *out, double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P"};
    size_t i = 0;
    while (isfinite(value) && fabs(value) >= 999.5 && i < 5) {
        value /= 1000;
        i++;
    }
    const double size = fabs(value);
    nnc_text_fixed(out, value, i == 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
    nnc_str_append(out, units[i]);
}

void nnc_text_percent(nnc_str *out, double share, int decimals)
{
    nnc_text_fixed(out, 100 * share, decimals);
    nnc_str_append(out, isfinite(share) ? " %" : "");
}

void nnc_text_times(nnc_str *out, double ratio, const char *sign, const char *more,
                    const char *less)
{
    nnc_text_fixed(out, ratio, 2);
    if (isfinite(ratio)) {
        nnc_str_appendf(out, "%s%s%s", sign, ratio < 1 ? ": " : " ", ratio < 1 ? less : more);
    }
}

void nnc_text_bytes(nnc_str *out, double bytes)
{
    char text[32];
    if (isfinite(bytes) && bytes >= 0 && bytes < 1.8e19) {
        nnc_str_append(out, nnc_format_size(text, (uint64_t)bytes));
    } else {
        nnc_str_append(out, "-");
    }
}

/* Code point at *p of valid UTF-8, and its length. */
static uint32_t decode(const char *p, size_t *n)
{
    const unsigned char *c = (const unsigned char *)p;
    *n = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    uint32_t code = *n == 1 ? c[0] : c[0] & (0x7fu >> *n);
    for (size_t i = 1; i < *n; i++) {
        code = code << 6 | (c[i] & 0x3fu);
    }
    return code;
}

/* Columns on a terminal, rather too many than too few. */
static size_t columns_of(uint32_t c)
{
    return c >= 0x1100 ? 2 : 1;
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (size_t n; *text; text += n) {
        width += columns_of(decode(text, &n));
    }
    return width;
}

size_t nnc_text_terminal(nnc_str *out, const char *text, size_t columns, bool unicode)
{
    nnc_str safe = {0};
    for (size_t n; *text; text += n) {
        const uint32_t c = decode(text, &n);
        if (c < 0x80 && !nnc_char_unsafe(c)) {
            nnc_str_append_n(&safe, text, 1);
        } else if (c < 0x80) {
            nnc_str_appendf(&safe, "\\x%02x", c);
        } else if (nnc_char_unsafe(c) || !unicode) {
            nnc_str_appendf(&safe, "\\u{%x}", c);
        } else {
            nnc_str_append_n(&safe, text, n);
        }
    }
    const char *start = nnc_str_get(&safe);
    const size_t dots = unicode ? 1 : 2;
    size_t width = width_of(start);
    if (columns && width > columns) {
        for (size_t n; *start && width + dots > columns; start += n) {
            width -= columns_of(decode(start, &n));
        }
        nnc_str_append(out, unicode ? "\u2026" : "..");
        width += dots;
    }
    nnc_str_append(out, start);
    nnc_str_deinit(&safe);
    return width;
}

const char *nnc_text_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

double nnc_row_double(const nnc_report_row *row, const char *path)
{
    double value;
    return nnc_report_get_double(row, path, &value) ? value : NAN;
}

const char *nnc_row_string(const nnc_report_row *row, const char *path)
{
    const char *text = nnc_report_get_string(row, path);
    return text ? text : "";
}

bool nnc_row_bool(const nnc_report_row *row, const char *path)
{
    bool value;
    nnc_report_get_bool(row, path, &value);
    return value;
}

const char *nnc_layer_name(const nnc_report_row *layer)
{
    const char *name = nnc_row_string(layer, "name"), *output = nnc_row_string(layer, "output");
    return *output && (!*name || strcmp(name, nnc_row_string(layer, "op")) == 0) ? output : name;
}

void nnc_text_speed(nnc_str *out, const nnc_report_row *root, const char *sign)
{
    const double ratio = nnc_row_double(root, "latency.speedup");
    const bool open = nnc_row_double(root, "latency.speedup_low") < 1 &&
                      nnc_row_double(root, "latency.speedup_high") > 1;
    if (open && isfinite(ratio)) {
        nnc_text_fixed(out, ratio, 2);
        nnc_str_appendf(out, "%s: uncertain", sign);
    } else {
        nnc_text_times(out, ratio, sign, "faster", "slower");
    }
}

size_t nnc_worst_layers(const nnc_report_row **out, size_t max, const nnc_report_row *root,
                        bool histogram)
{
    size_t n = 0;
    for (size_t i = 0; i < nnc_report_count(root, "layers"); i++) {
        const nnc_report_row *layer = nnc_report_at(root, "layers", i);
        const double sqnr = nnc_row_double(layer, "sqnr_db");
        if (!isfinite(sqnr) || (histogram && nnc_report_count(layer, "histogram") == 0)) {
            continue;
        }
        size_t at = n < max ? n++ : max;
        for (; at > 0 && nnc_row_double(out[at - 1], "sqnr_db") > sqnr; at--) {
            if (at < max) {
                out[at] = out[at - 1];
            }
        }
        if (at < max) {
            out[at] = layer;
        }
    }
    return n;
}

void nnc_count_layers(size_t *integer, size_t *all, const nnc_report_row *root)
{
    *integer = 0;
    *all = nnc_report_count(root, "layers");
    for (size_t i = 0; i < *all; i++) {
        *integer += nnc_row_bool(nnc_report_at(root, "layers", i), "integer");
    }
}

/* " name=<value><unit>" where there is a value. */
static void add_result(nnc_str *out, const char *name, double value, int decimals, const char *unit)
{
    if (isfinite(value)) {
        nnc_str_appendf(out, " %s=", name);
        nnc_text_fixed(out, value, decimals);
        nnc_str_append(out, unit);
    }
}

bool nnc_verdict_is_good(const char *verdict)
{
    return strcmp(verdict, "PASSED") == 0 || strcmp(verdict, "SKIPPED") == 0;
}

/* " gate=a,b": those that gave the verdict; " needs=N": samples (or runs) that would decide all of them. */
static void add_gates(nnc_str *out, const nnc_report_row *root, const char *verdict)
{
    size_t named = 0;
    int64_t most = 0, needed;
    bool decidable = true;
    for (size_t i = 0; i < nnc_report_count(root, "gates"); i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        if (!gate || nnc_verdict_is_good(verdict) || strcmp(nnc_row_string(gate, "verdict"), verdict) != 0) {
            continue;
        }
        nnc_str_append(out, named++ ? "," : " gate=");
        nnc_text_terminal(out, nnc_row_string(gate, "name"), 20, false);
        decidable = decidable && nnc_report_get_int(gate, "samples_needed", &needed);
        most = decidable && needed > most ? needed : most;
    }
    if (decidable && most > 0) {
        nnc_str_appendf(out, " needs=%lld", (long long)most);
    }
}

/* Figures of gates that the line does not have anyway. */
static void add_figures(nnc_str *out, const nnc_report_row *root)
{
    static const struct {
        const char *gate, *name, *unit;
        double scale;
        int decimals;
    } figures[] = {{"min-accuracy", "accuracy", "%", 100, 2},
                   {"min-agreement", "agreement", "%", 100, 2},
                   {"max-latency", "latency", "ms", 1, 3},
                   {"max-size", "bytes", "", 1, 0},
                   {"max-memory", "memory", "", 1, 0}};
    for (size_t i = 0; i < nnc_report_count(root, "gates"); i++) {
        const nnc_report_row *gate = nnc_report_at(root, "gates", i);
        for (size_t k = 0; gate && k < sizeof(figures) / sizeof(figures[0]); k++) {
            char start[32];
            snprintf(start, sizeof(start), " %s=", figures[k].name);
            if (strcmp(nnc_row_string(gate, "name"), figures[k].gate) == 0 && !strstr(nnc_str_get(out), start) &&
                !(k == 0 && strstr(nnc_str_get(out), " top1="))) {
                add_result(out, figures[k].name, figures[k].scale * nnc_row_double(gate, "value"),
                           figures[k].decimals, figures[k].unit);
            }
        }
    }
}

static void add_unverified(nnc_str *out, const nnc_report_row *root, bool unicode)
{
    const double agreement = 100 * nnc_row_double(root, "accuracy.agreement");
    nnc_str_append(out, " accuracy=UNVERIFIED");
    add_result(out, "agreement", agreement, 1, "%");
    if (isfinite(agreement)) {
        const double half = 50 * (nnc_row_double(root, "accuracy.agreement_high") -
                                  nnc_row_double(root, "accuracy.agreement_low"));
        nnc_str_append(out, unicode ? "\u00b1" : "+-");
        nnc_text_fixed(out, half, 1);
    } else {
        add_result(out, "sqnr", nnc_row_double(root, "accuracy.output_sqnr_db"), 1, "dB");
    }
}

void nnc_text_result(nnc_str *out, const nnc_report_row *root, bool unicode)
{
    const char *verdict = nnc_row_string(root, "verdict"), *kind = nnc_row_string(root, "kind");
    nnc_str line = {0};
    nnc_str_append(&line, "nncompress: ");
    nnc_text_terminal(&line, *verdict ? verdict : "UNKNOWN", 20, unicode);
    add_gates(&line, root, verdict);
    if (strcmp(kind, "compare") == 0 || strcmp(kind, "eval") == 0) {
        add_result(&line, "top1", 100 * nnc_row_double(root, "top1"), 2, "%");
        add_result(&line, "drop", 100 * nnc_row_double(root, "drop"), 2, "%");
        add_result(&line, "agreement", 100 * nnc_row_double(root, "agreement"), 2, "%");
    } else if (nnc_row_bool(root, "accuracy.verified")) {
        add_result(&line, "drop", 100 * nnc_row_double(root, "accuracy.drop"), 2, "%");
    } else {
        add_unverified(&line, root, unicode);
    }
    add_result(&line, "size", nnc_row_double(root, "size.ratio"), 2, "x");
    add_result(&line, "p50", nnc_row_double(root, "latency.speedup"), 2, "x");
    add_figures(&line, root);
    nnc_str_append(out, nnc_str_get(&line));
    nnc_str_deinit(&line);
}

void nnc_text_unit(nnc_str *out, double value, const char *unit)
{
    if (strcmp(unit, "%") == 0) {
        nnc_text_percent(out, value, 2);
    } else if (strcmp(unit, "dB") == 0) {
        nnc_text_fixed(out, value, 1);
        nnc_str_append(out, isfinite(value) ? " dB" : "");
    } else if (unit[0]) {
        nnc_text_fixed(out, value, 0);
    } else {
        nnc_text_short(out, value);
    }
}

void nnc_text_figure(nnc_str *out, const nnc_report_row *row, const char *arrow)
{
    const char *unit = nnc_row_string(row, "unit");
    const double before = nnc_row_double(row, "fp32"), after = nnc_row_double(row, "int8");
    const double both = nnc_row_double(row, "both");
    if (!isfinite(before)) {
        nnc_text_unit(out, both, unit);
        return;
    }
    nnc_text_unit(out, before, unit);
    if (isfinite(after)) {
        nnc_str_append(out, arrow);
        nnc_text_unit(out, after, unit);
    }
}

bool nnc_text_created(nnc_str *out, const nnc_report_row *root)
{
    int64_t ms;
    char text[40];
    struct tm tm;
    if (!nnc_report_get_int(root, "tool.created_ms", &ms) || ms < 0 || ms >= 253402300800000) {
        return false;
    }
    const time_t seconds = (time_t)(ms / 1000);
    if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm)) {
        return false;
    }
    nnc_str_append(out, text);
    return true;
}
