/* Recipes: what is read, and where what is wrong is told. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/config.h"

#define V "version: 1\n"
#define LIT(text) text, sizeof(text) - 1

/* Bad documents with the place of the message and words of it. */
static const struct {
    const char *text;
    size_t bytes;
    const char *place, *words;
} bad[] = {
    /* Bytes. */
    {LIT(""), "1:1", "it is empty"},
    {LIT("# only a comment\n"), "1:1", "it is empty"},
    {LIT("version: 1\0\n"), "1:11", "NUL"},
    {LIT(V "model: a\xff.onnx\n"), "2:9", "byte 0xff is not UTF-8"},
    {LIT(V "# \xc3\xa9\xc3\nmodel: a\n"), "2:4", "byte 0xc3 is not UTF-8"},
    {LIT(V "model: \xed\xa0\x80\n"), "2:8", "not UTF-8"},
    {LIT(V "model: a\x1b[31m\n"), "2:9", "control character 0x1b"},
    {LIT(V "model: a\x7f\n"), "2:9", "control character 0x7f"},
    {LIT(V "model: a\xc2\x85 b\n"), "2:9", "invisible"},
    {LIT(V "model: a\xe2\x80\xa8\n"), "2:9", "invisible"},
    {LIT("\xef\xbb\xbfversion: 1\n"), "1:1", "byte order mark"},
    {LIT("\xff\xfev\0e\0"), "1:1", "UTF-16"},
    {LIT(V "data:\n\tsamples: 3\n"), "3:1", "a tab in front of text"},
    {LIT(V "data:\n  \tsamples: 3\n"), "3:3", "a tab in front of text"},
    /* YAML. */
    {LIT(V "model: [a\n"), "3:1", "not valid YAML"},
    {LIT(V "model: 'a\n"), "3:1", "not valid YAML"},
    {LIT(V " model: a\n"), "1:10", "over several lines"},
    {LIT(V "model: a: b\n"), "2:9", "not valid YAML"},
    {LIT(V "model: a\n}\n"), "3:1", "not valid YAML"},
    {LIT(V "model: @a\n"), "2:8", "not valid YAML"},
    {LIT(V "model: \"\\q\"\n"), "2:9", "not valid YAML"},
    {LIT("version: 1\n---\nversion: 1\n"), "2:1", "a second document"},
    {LIT(V "...\n---\nmodel: a\n"), "3:1", "a second document"},
    {LIT("%YAML 1.1\n---\nversion: 1\n"), "1:1", "directives"},
    {LIT("%TAG ! tag:x,2000:\n---\nversion: 1\n"), "1:1", "directives"},
    {LIT(V "model: &a m.onnx\n"), "2:8", "anchors"},
    {LIT(V "data: &d\n  samples: 3\n"), "2:7", "anchors"},
    {LIT(V "steps: &s [int8]\n"), "2:8", "anchors"},
    {LIT(V "model: *a\n"), "2:8", "aliases"},
    {LIT(V "steps:\n  - int8:\n      exclude: [*a]\n"), "4:17", "aliases"},
    {LIT(V "model: !!str m\n"), "2:8", "tags"},
    {LIT(V "data: !x {samples: 3}\n"), "2:7", "tags"},
    {LIT(V "data:\n  <<: {samples: 3}\n"), "3:3", "merge keys"},
    {LIT(V "? [a]\n: b\n"), "2:3", "a key is a word"},
    {LIT(V "? {a: b}\n: b\n"), "2:3", "a key is a word"},
    {LIT(V "\"\": b\n"), "2:1", "a key is empty"},
    {LIT(V "model: a\nmodel: b\n"), "3:1", "key 'model' is here twice; the first is in line 2"},
    {LIT(V "data: {seed: 1, seed: 1}\n"), "2:17", "key 'seed' is here twice"},
    {LIT(V "version: 1\n"), "2:1", "key 'version' is here twice"},
    {LIT(V "model: |\n  a\n"), "2:8", "over several lines"},
    {LIT(V "model: >\n  a\n"), "2:8", "over several lines"},
    {LIT(V "model: a\n  b\n"), "2:8", "over several lines"},
    {LIT(V "model: \"a\n  b\"\n"), "2:8", "over several lines"},
    {LIT(V "model: \"a\\0b\"\n"), "2:8", "control character in a text"},
    {LIT(V "model: \"a\\nb\"\n"), "2:8", "control character in a text"},
    {LIT(V "data: [[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]\n"), "2:22", "nested deeper than 16"},
    {LIT("- version: 1\n"), "1:1", "a recipe is a mapping"},
    {LIT("version 1\n"), "1:1", "a recipe is a mapping"},
    /* Version. */
    {LIT("model: a\n"), "1:1", "'version: 1' is missing"},
    {LIT("versoin: 1\n"), "1:1", "'version: 1' is missing"},
    {LIT("version: 2\n"), "1:10", "version 2 of recipes is newer"},
    {LIT("version: 0\n"), "1:10", "expected 1"},
    {LIT("version: one\n"), "1:10", "expected 1"},
    {LIT("version: \"1\"\n"), "1:10", "expected 1"},
    {LIT("version: 99999999999999999999999\n"), "1:10", "expected 1"},
    {LIT("version: [1]\n"), "1:10", "'version' is a list"},
    /* Keys. */
    {LIT(V "modle: a\n"), "2:1", "unknown key 'modle'; did you mean 'model'?"},
    {LIT(V "date:\n  samples: 3\n"), "2:1", "did you mean 'data'?"},
    {LIT(V "samples: 3\n"), "2:1", "unknown key 'samples'; it belongs under 'data'"},
    {LIT(V "method: mse\n"), "2:1", "it belongs under step 'int8'"},
    {LIT(V "data:\n  method: mse\n"), "3:3", "it belongs under step 'int8'"},
    {LIT(V "data:\n  output: a.onnx\n"), "3:3", "it belongs at the top"},
    {LIT(V "run:\n  max_bad: 1%\n"), "3:3", "did you mean 'max-bad', under 'data'?"},
    {LIT(V "data:\n  zzz: 1\n"), "3:3", "unknown key 'zzz'"},
    {LIT(V "force: true\n"), "2:1", "it is an option of the command line alone"},
    {LIT(V "run:\n  quiet: true\n"), "3:3", "it is an option of the command line alone"},
    {LIT(V "recipe: other.yaml\n"), "2:1", "it is an option of the command line alone"},
    {LIT(V "int8: true\n"), "2:1", "it belongs in the list 'steps'"},
    /* Types and ranges. */
    {LIT(V "model:\n"), "2:7", "'model' is nothing, expected a text"},
    {LIT(V "model: ~\n"), "2:8", "'model' is nothing"},
    {LIT(V "model: {a: b}\n"), "2:8", "'model' is a mapping"},
    {LIT(V "model: true\n"), "2:8", "'model' is true, expected a text"},
    {LIT(V "model: \"\"\n"), "2:8", "'model' is a quoted text"},
    {LIT(V "data: images/\n"), "2:7", "'data' is images/, expected options below it"},
    {LIT(V "data: [samples]\n"), "2:7", "'data' is a list"},
    {LIT(V "data:\n  samples: many\n"), "3:12", "samples: 'many' is not a whole number"},
    {LIT(V "data:\n  samples: 1e3\n"), "3:12", "'1e3' is not a whole number"},
    {LIT(V "data:\n  samples: 0x10\n"), "3:12", "'0x10' is not a whole number"},
    {LIT(V "data:\n  samples: 0\n"), "3:12", "'0' is outside 1 to 1000000000"},
    {LIT(V "data:\n  samples: 999999999999999999999999\n"), "3:12", "is not a whole number"},
    {LIT(V "data:\n  samples: \"300\"\n"), "3:12", "'samples' is a quoted text, expected a whole number"},
    {LIT(V "data:\n  samples: [1, 2]\n"), "3:12", "'samples' is a list"},
    {LIT(V "data:\n  max-bad: 101%\n"), "3:12", "outside 0% to 100%"},
    {LIT(V "data:\n  max-bad: .nan\n"), "3:12", "is not a share"},
    {LIT(V "data:\n  layout: hwcn\n"), "3:11", "'hwcn' is not one of auto, nchw, nhwc"},
    {LIT(V "run:\n  bench-seconds: 1e999\n"), "3:18", "is not a number"},
    {LIT(V "write-recipe: yes\n"), "2:15", "'write-recipe' is yes, expected true or false"},
    {LIT(V "write-recipe: True\n"), "2:15", "expected true or false"},
    {LIT(V "write-recipe: \"true\"\n"), "2:15", "is a quoted text"},
    {LIT(V "write-recipe: 1\n"), "2:15", "expected true or false"},
    /* Steps. */
    {LIT(V "steps: int8\n"), "2:8", "'steps' is int8, expected a list of steps"},
    {LIT(V "steps:\n  int8:\n    method: mse\n"), "3:3", "'steps' is a mapping"},
    {LIT(V "steps:\n  - int9\n"), "3:5", "unknown step 'int9'; known: int8"},
    {LIT(V "steps:\n  - int8:\n    method: mse\n"), "3:5", "a step is one name with its options below it"},
    {LIT(V "steps:\n  - [int8]\n"), "3:5", "a step is one name"},
    {LIT(V "steps:\n  -\n"), "3:4", "a step is one name"},
    {LIT(V "steps: [int8, int8]\n"), "2:15", "step 'int8' is listed twice"},
    {LIT(V "steps:\n  - int8: mse\n"), "3:11", "'int8' is mse, expected options below it"},
    {LIT(V "steps:\n  - int8:\n      metod: mse\n"), "4:7", "unknown option 'metod'; did you mean 'method'?"},
    {LIT(V "steps:\n  - int8:\n      samples: 3\n"), "4:7", "it belongs under 'data'"},
    {LIT(V "steps:\n  - int8:\n      percentile: 101\n"), "4:19", "is outside 50 to 100"},
    {LIT(V "steps:\n  - int8:\n      exclude: [a, [b]]\n"), "4:20", "'exclude' is a list, expected a text"},
    {LIT(V "steps:\n  - int8:\n      exclude: {a: b}\n"), "4:16", "'exclude' is a mapping"},
    {LIT(V "steps:\n  - int8:\n      exclude: [a, ~]\n"), "4:20", "'exclude' is nothing"},
};

static nnc_status read_text(nnc_config *config, const char *text, size_t bytes)
{
    assert_int_equal(nnc_config_defaults(config), NNC_OK);
    return nnc_config_read(config, "r.yaml", text, bytes);
}

static void bad_documents(void **state)
{
    (void)state;
    char place[64];
    size_t failures = 0;
    assert_true(sizeof(bad) / sizeof(bad[0]) >= 60);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        nnc_config config;
        nnc_status status = read_text(&config, bad[i].text, bad[i].bytes);
        const char *message = nnc_error_message();
        snprintf(place, sizeof(place), "r.yaml:%s: ", bad[i].place);
        if (status != NNC_ERR_USAGE || strncmp(message, place, strlen(place)) != 0 || !strstr(message, bad[i].words) ||
            strchr(message, '\n')) {
            print_error("document %zu:\n%s\nexpected %s%s\ngot %d: %s\n", i, bad[i].text, place, bad[i].words, (int)status,
                        message);
            failures++;
        }
        nnc_config_deinit(&config);
    }
    assert_int_equal(failures, 0);
}

/* Every document cut anywhere is read or refused with a place; so is every one with a byte changed. */
static void cut_and_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        nnc_config config;
        for (size_t n = 0; n <= bad[i].bytes; n++) {
            nnc_status status = read_text(&config, bad[i].text, n);
            assert_true(status == NNC_OK || (status == NNC_ERR_USAGE && strncmp(nnc_error_message(), "r.yaml:", 7) == 0));
            nnc_config_deinit(&config);
        }
        assert_true(bad[i].bytes < sizeof(text));
        for (size_t n = 0; n < bad[i].bytes; n++) {
            memcpy(text, bad[i].text, bad[i].bytes);
            text[n] = (char)(text[n] ^ (1 << n % 8));
            nnc_status status = read_text(&config, text, bad[i].bytes);
            assert_true(status == NNC_OK || (status == NNC_ERR_USAGE && strncmp(nnc_error_message(), "r.yaml:", 7) == 0));
            nnc_config_deinit(&config);
        }
    }
}

static void limits(void **state)
{
    (void)state;
    nnc_config config;
    nnc_str text = {0};
    nnc_str_append(&text, V);
    while (text.len <= NNC_RECIPE_BYTES_MAX) {
        nnc_str_append(&text, "# a comment that goes on and on\n");
    }
    assert_int_equal(read_text(&config, text.data, text.len), NNC_ERR_USAGE);
    assert_non_null(strstr(nnc_error_message(), "a recipe has at most 1048576"));
    nnc_config_deinit(&config);
    nnc_str_clear(&text);
    nnc_str_append(&text, V "steps:\n  - int8:\n      exclude: [");
    for (size_t i = 0; i < NNC_RECIPE_NODES_MAX; i++) {
        nnc_str_append(&text, "a, ");
    }
    nnc_str_append(&text, "a]\n");
    assert_int_equal(read_text(&config, text.data, text.len), NNC_ERR_USAGE);
    assert_non_null(strstr(nnc_error_message(), "too many entries"));
    nnc_config_deinit(&config);
    /* Deep nesting and long lines end at once, whatever their length. */
    nnc_str_clear(&text);
    for (size_t i = 0; i < 500000; i++) {
        nnc_str_append(&text, "[");
    }
    assert_int_equal(read_text(&config, text.data, text.len), NNC_ERR_USAGE);
    assert_non_null(strstr(nnc_error_message(), "nested deeper than 16"));
    nnc_config_deinit(&config);
    nnc_str_deinit(&text);
}

static void good_document(void **state)
{
    (void)state;
    static const char text[] = "# A comment, then JSON's way of writing and YAML's.\n---\n" V
                               "model: \"m \\\"x\\\".onnx\"\noutput: out.onnx\nwrite-recipe: false\n"
                               "data: {calib: random:8, \"samples\": 12, max-bad: 2%, layout: nhwc}\n"
                               "steps:\n  - int8:\n      per-channel: false\n      exclude:\n        - 'a,b'\n"
                               "        - op:Conv # of all kinds\n      percentile: 99.5\n"
                               "run:\n  shape: [x=1x3, N=4]\n  threads: 3\n  bench-seconds: 0.25\n";
    nnc_config c;
    assert_int_equal(read_text(&c, text, sizeof(text) - 1), NNC_OK);
    const nnc_compress_options *o = &c.options;
    assert_string_equal(c.model, "m \"x\".onnx");
    assert_string_equal(o->output, "out.onnx");
    assert_false(o->write_recipe);
    assert_string_equal(o->calib, "random:8");
    assert_int_equal(o->samples, 12);
    assert_true(o->data.max_bad == 0.02);
    assert_int_equal(o->data.layout, 2);
    assert_true(o->int8);
    assert_int_equal(o->order_count, 1);
    assert_false(o->step_int8.per_channel);
    assert_true(o->step_int8.percentile == 99.5);
    assert_int_equal(o->step_int8.exclude.count, 2);
    assert_string_equal(o->step_int8.exclude.items[0], "a,b");
    assert_string_equal(o->step_int8.exclude.items[1], "op:Conv");
    assert_int_equal(o->run.shapes.count, 2);
    assert_int_equal(o->run.threads, 3);
    assert_true(o->bench_seconds == 0.25);
    nnc_config_deinit(&c);
    static const char empty[] = V "data:\nsteps:\nrun: ~\n"; /* sections whose options are all comments */
    assert_int_equal(read_text(&c, empty, sizeof(empty) - 1), NNC_OK);
    assert_false(c.options.int8);
    nnc_config_deinit(&c);
}

/* What --print-config prints is read again as the same settings, whatever the texts are. */
static void printed_again(void **state)
{
    (void)state;
    char *const argv[] = {"m: #1 \"q\" \\.onnx", "--int8", "--calib", "- x", "--labels= y", "--classes=~", "--preset=z",
                          "--exclude=*, ,[a],{b},&c,!d,%e,@f,#1,true,1e3,'", "--percentile=50.1", "--max-bad=0.3%",
                          "--scale=null", "--mean=\xc3\xa9", "--no-bias-correction", "--bench-seconds=0.1"};
    const int argc = (int)(sizeof(argv) / sizeof(argv[0]));
    char *kept[sizeof(argv) / sizeof(argv[0])];
    memcpy(kept, argv, sizeof(argv));
    kept[6] = "--preprocess=z"; /* the row's name */
    nnc_config a, b;
    nnc_str first = {0}, second = {0}, one = {0}, two = {0};
    assert_int_equal(nnc_config_init(&a, argc, kept, NULL, NULL), NNC_OK);
    assert_int_equal(nnc_config_print(&first, &a), NNC_OK);
    if (read_text(&b, first.data, first.len) != NNC_OK) {
        fail_msg("%s in\n%s", nnc_error_message(), first.data);
    }
    assert_string_equal(b.model, a.model);
    assert_string_equal(b.options.calib, "- x");
    assert_string_equal(b.options.data.labels, " y");
    assert_string_equal(b.options.data.classes, "~");
    assert_int_equal(nnc_config_settings(&one, &a, SIZE_MAX), NNC_OK);
    assert_int_equal(nnc_config_settings(&two, &b, SIZE_MAX), NNC_OK);
    assert_string_equal(nnc_str_get(&one), nnc_str_get(&two));
    assert_int_equal(b.options.step_int8.exclude.count, 12);
    for (size_t i = 0; i < 12; i++) {
        assert_string_equal(b.options.step_int8.exclude.items[i], a.options.step_int8.exclude.items[i]);
    }
    nnc_config_deinit(&a);
    nnc_config_deinit(&b);
    nnc_str_deinit(&first);
    nnc_str_deinit(&second);
    nnc_str_deinit(&one);
    nnc_str_deinit(&two);
}

/* Sections are known for every option, and every option of a recipe is found where nnc_config_section says. */
static void every_option_has_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; nnc_compress_table[i].name; i++) {
        const nnc_option *o = &nnc_compress_table[i];
        char buf[32], row[32];
        const char *section = nnc_config_section(buf, o), *name;
        bool found = false;
        for (size_t k = 0; (name = nnc_config_section_row(row, k)) != NULL; k++) {
            found = found || strcmp(name, section) == 0;
        }
        if (nnc_config_in_recipe(o) && !found) {
            fail_msg("--%s has no section", o->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_documents),   cmocka_unit_test(cut_and_changed), cmocka_unit_test(limits),
        cmocka_unit_test(good_document),   cmocka_unit_test(printed_again),   cmocka_unit_test(every_option_has_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
