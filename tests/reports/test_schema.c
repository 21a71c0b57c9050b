/* Produced documents against docs/report-schema.json, by the part of JSON Schema that it uses.
 * SPDX-License-Identifier: Apache-2.0 Stricter than the schema in one point: a member that it does
 * not describe is a failure. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sample_report.h"

static bool has_type(const json_t *value, const char *type)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static bool allowed_type(const json_t *schema, const json_t *value)
{
    const json_t *type = json_object_get(schema, "type");
    if (!type || json_is_string(type)) {
        return !type || has_type(value, json_string_value(type));
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        if (has_type(value, json_string_value(json_array_get(type, i)))) {
            return true;
        }
    }
    return false;
}

static bool allowed_value(const json_t *schema, const json_t *value)
{
    const json_t *constant = json_object_get(schema, "const"),
                 *choices = json_object_get(schema, "enum");
    const json_t *lo = json_object_get(schema, "minimum"), *hi = json_object_get(schema, "maximum");
    bool listed = !choices;
    for (size_t i = 0; i < json_array_size(choices); i++) {
        listed = listed || json_equal(json_array_get(choices, i), value);
    }
    const double x = json_number_value(value);
    return listed && (!constant || json_equal(constant, value)) &&
           (!json_is_number(value) ||
            ((!lo || x >= json_number_value(lo)) && (!hi || x <= json_number_value(hi))));
}

/* Number of violations; the first ones are printed. */
static size_t validate(const json_t *schema, const json_t *value, const char *path)
{
    char below[512];
    size_t failures = 0, i;
    const char *key;
    json_t *child, *name;
    if (!allowed_type(schema, value) || !allowed_value(schema, value)) {
        print_message("%s: wrong type or value\n", path);
        return 1;
    }
    json_object_foreach((json_t *)value, key, child)
    {
        const json_t *member = json_object_get(json_object_get(schema, "properties"), key);
        snprintf(below, sizeof(below), "%s.%s", path, key);
        if (!member) {
            print_message("%s: not described\n", below);
        }
        failures += member ? validate(member, child, below) : 1;
    }
    json_array_foreach(json_object_get(schema, "required"), i, name)
    {
        if (!json_object_get(value, json_string_value(name))) {
            print_message("%s: lacks %s\n", path, json_string_value(name));
            failures++;
        }
    }
    json_array_foreach((json_t *)value, i, child)
    {
        snprintf(below, sizeof(below), "%s[%zu]", path, i);
        failures += validate(json_object_get(schema, "items"), child, below);
    }
    return failures;
}

static json_t *load_schema(void)
{
    json_error_t error;
    json_t *schema = json_load_file(NNC_TEST_SOURCE_DIR "/docs/report-schema.json",
                                    JSON_REJECT_DUPLICATES, &error);
    if (!schema) {
        fail_msg("%d:%d: %s", error.line, error.column, error.text);
    }
    return schema;
}

static json_t *load_sample(const sample_options *options)
{
    nnc_str text = {0};
    nnc_report *report = sample_report(options);
    assert_int_equal(nnc_report_json(&text, report), NNC_OK);
    json_t *value = json_loads(nnc_str_get(&text), 0, NULL);
    assert_non_null(value);
    nnc_str_deinit(&text);
    nnc_report_destroy(report);
    return value;
}

static void test_samples(void **state)
{
    (void)state;
    json_t *schema = load_schema();
    const sample_options options[] = {
        {.layers = 30, .verified = true}, {.layers = 4, .verified = true, .review = true}, {.layers = 0}, {.layers = 9, .name = "<x>\x1b"}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        json_t *value = load_sample(&options[i]);
        assert_int_equal(validate(schema, value, "$"), 0);
        json_decref(value);
    }
    json_decref(schema);
}

/* What the tool reads is checked against the same schema. */
static void test_reading(void **state)
{
    (void)state;
    static const struct {
        const char *path, *json, *message;
    } rows[] = {{"accuracy.top1_fp32", "\"high\"", "accuracy.top1_fp32 is a string, expected number or null"},
                {"accuracy.top1_fp32", "69.76", "accuracy.top1_fp32 is 69.76, at most 1 is expected"},
                {"layers.0.bits", "\"8\"", "layers[0].bits is a string, expected integer"},
                {"layers.0.name", NULL, "layers[0] lacks 'name'"},
                {"layers", "3", "layers is an integer, expected array"},
                {"gates.0.verdict", "\"MAYBE\"", "gates[0].verdict is 'MAYBE'"},
                {"latency.int8.samples_ms.0", "{}", "latency.int8.samples_ms[0] is an object"}};
    const sample_options options = {.layers = 2, .verified = true, .review = true};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = load_sample(&options), *at = value;
        char path[64], *key = path, *dot;
        snprintf(path, sizeof(path), "%s", rows[i].path);
        for (; (dot = strchr(key, '.')); key = dot + 1) {
            *dot = 0;
            at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
        }
        json_t *bad = rows[i].json ? json_loads(rows[i].json, JSON_DECODE_ANY, NULL) : NULL;
        assert_int_equal(json_is_array(at) ? json_array_set_new(at, (size_t)atoi(key), bad)
                         : bad             ? json_object_set_new(at, key, bad)
                                           : json_object_del(at, key),
                         0);
        char *text = json_dumps(value, 0);
        nnc_report *report;
        assert_int_equal(nnc_report_parse(&report, text, strlen(text)), NNC_OK);
        assert_int_equal(nnc_report_check(report), NNC_ERR_DATA);
        if (!strstr(nnc_error_message(), rows[i].message)) {
            fail_msg("'%s' lacks '%s'", nnc_error_message(), rows[i].message);
        }
        nnc_report_destroy(report);
        free(text);
        json_decref(value);
    }
}

/* The committed example is a report of this version, every member described. */
static void test_example(void **state)
{
    (void)state;
    json_t *schema = load_schema(), *value = json_load_file(NNC_TEST_SOURCE_DIR "/reports/example/sample.int8.json", 0, NULL);
    assert_non_null(value);
    assert_int_equal(validate(schema, value, "$"), 0);
    assert_non_null(json_object_get(json_object_get(value, "accuracy"), "classes"));
    json_decref(value);
    json_decref(schema);
}

/* The validator finds what is wrong. */
static void test_violations(void **state)
{
    (void)state;
    json_t *schema = load_schema();
    const sample_options options = {.layers = 2, .verified = true};
    for (int i = 0; i < 5; i++) {
        json_t *value = load_sample(&options);
        json_t *accuracy = json_object_get(value, "accuracy");
        json_t *layer = json_array_get(json_object_get(value, "layers"), 0);
        int set = i == 0   ? json_object_set_new(accuracy, "top1_fp32", json_real(69.76))
                  : i == 1 ? json_object_del(accuracy, "verified")
                  : i == 2 ? json_object_set_new(layer, "bits", json_string("8"))
                  : i == 3 ? json_object_set_new(layer, "surprise", json_null())
                           : json_object_set_new(value, "schema_version", json_integer(2));
        assert_int_equal(set, 0);
        assert_int_equal(validate(schema, value, "$"), 1);
        json_decref(value);
    }
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples),
                                       cmocka_unit_test(test_reading), cmocka_unit_test(test_example),
                                       cmocka_unit_test(test_violations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
