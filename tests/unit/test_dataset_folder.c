/* Image folders, labels, lists, presets, reader and summary. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "dataset_util.h"

static void put_images(const char *folder, int n, uint32_t w, uint32_t h)
{
    make_folder(folder);
    for (int i = 0; i < n; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/i%02d.png", folder, i);
        put_random_png(path, w, h, (uint32_t)i + 1);
    }
}

/* One line per image: before, its name, between, its label, after. */
static char *label_lines(int n, const char *const parts[3])
{
    char *text = calloc(1, 64 * (size_t)n + 1);
    for (int i = 0; i < n; i++)
        sprintf(text + strlen(text), "%si%02d.png%s%d%s", parts[0], i, parts[1], i % 7, parts[2]);
    return text;
}

/* ---- what is found ---- */

static void flat_in_byte_order(void **state)
{
    (void)state;
    make_folder("d");
    put_random_png("d/b.png", 8, 8, 1);
    put_random_png("d/B.PNG", 8, 8, 2);
    put_random_png("d/a10.png", 8, 8, 3);
    put_random_png("d/a9.jpeg", 8, 8, 4); /* PNG inside: the bytes decide */
    put_text("d/.hidden.png", "x");
    put_text("d/Thumbs.db", "x");
    put_text("d/notes~", "x");
    put_text("d/readme.md", "x");
    make_folder("d/__MACOSX");
    put_text("d/__MACOSX/._b.png", "x");
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 8, 8);
    in.options.preset = "unit";
    log_text log;
    log_init(&log);
    nnc_dataset *d;
    assert_int_equal(nnc_dataset_open(&d, "d/", &in.options, &log.log), NNC_OK);
    text_has(log.text, "1 .md");
    text_has(log.text, "W d: 4 samples; ranges need at least 16");
    static const char *const order[] = {"B.PNG", "a10.png", "a9.jpeg", "b.png"};
    assert_int_equal(nnc_dataset_count(d), 4);
    for (size_t i = 0; i < 4; i++) {
        nnc_sample s;
        assert_int_equal(nnc_dataset_get(&s, d, i), NNC_OK);
        assert_string_equal(s.name, order[i]);
        assert_int_equal(s.label, -1);
        assert_int_equal(s.index, i);
        nnc_sample_deinit(&s);
    }
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 4), NNC_ERR_USAGE);
    nnc_dataset_destroy(d);
}

static void class_folders(void **state)
{
    (void)state;
    make_folder("d");
    put_images("d/cat", 2, 8, 8);
    put_images("d/ant", 1, 8, 8);
    put_images("d/ant/more", 1, 8, 8);
    put_random_png("d/ant/more-x.png", 8, 8, 77);
    make_folder("d/dog");
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    log_text log;
    log_init(&log);
    nnc_dataset *d;
    assert_int_equal(nnc_dataset_open(&d, "d", &in.options, &log.log), NNC_OK);
    text_has(log.text, "'dog' has no images");
    text_has(log.text, "class 0 is 'ant'");
    static const char *const names[] = {"ant/i00.png", "ant/more-x.png", "ant/more/i00.png",
                                        "cat/i00.png", "cat/i01.png"};
    static const int labels[] = {0, 0, 0, 1, 1};
    assert_int_equal(nnc_dataset_count(d), 5);
    assert_true(nnc_dataset_has_labels(d));
    for (size_t i = 0; i < 5; i++) {
        nnc_sample s;
        assert_int_equal(nnc_dataset_get(&s, d, i), NNC_OK);
        assert_string_equal(s.name, names[i]);
        assert_int_equal(s.label, labels[i]);
        assert_int_equal(nnc_dataset_label(d, i), labels[i]);
        nnc_sample_deinit(&s);
    }
    nnc_dataset_destroy(d);
    put_text("classes.txt", "dog\r\ncat, domestic\nant\n");
    in.options.classes = "classes.txt";
    d = open_good("d", &in.options);
    assert_int_equal(nnc_dataset_label(d, 0), 2);
    assert_int_equal(nnc_dataset_label(d, 4), 1);
    nnc_dataset_destroy(d);
    put_text("classes.txt", "dog\ncat\n");
    open_fails("d", &in.options, NNC_ERR_DATA, "'ant' is not in classes.txt");
}

static void nothing_to_read(void **state)
{
    (void)state;
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    open_fails("absent", &in.options, NNC_ERR_IO, "absent");
    make_folder("d");
    open_fails("d", &in.options, NNC_ERR_DATA, "without files");
    put_text("d/a.heic", "x");
    put_text("d/b.heic", "x");
    put_text("d/c.bmp", "x");
    open_fails("d", &in.options, NNC_ERR_DATA, "2 .heic");
    put_text("model.pkl", "\x80\x04\x95pickle");
    open_fails("model.pkl", &in.options, NNC_ERR_DATA, "pickle");
    put_text("data.xyz", "hello");
    open_fails("data.xyz", &in.options, NNC_ERR_DATA, "not a data set");
    put_text("zero.bin", "");
    open_fails("zero.bin", &in.options, NNC_ERR_DATA, "empty file");
    make_folder("locked");
    put_random_png("locked/a.png", 8, 8, 1);
    assert_int_equal(symlink("../loop", "locked/up"), 0);
    assert_int_equal(mkfifo("pipe", 0666), 0);
    open_fails("pipe", &in.options, NNC_ERR_IO, "pipe");
}

static void link_loops_end(void **state)
{
    (void)state;
    make_folder("d");
    put_images("d/a", 1, 8, 8);
    assert_int_equal(symlink("..", "d/a/up"), 0);
    assert_int_equal(symlink(".", "d/a/self"), 0);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *d = open_good("d", &in.options);
    assert_int_equal(nnc_dataset_count(d), 1);
    nnc_dataset_destroy(d);
}

static void names_are_escaped(void **state)
{
    (void)state;
    make_folder("d");
    put_random_png("d/a\n\x1b[31m.png", 8, 8, 1);
    put_text("d/b\xff.png", "no image");
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *d = open_good("d", &in.options);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 0), NNC_OK);
    assert_string_equal(s.name, "a\\x0a\\x1b[31m.png");
    nnc_sample_deinit(&s);
    assert_int_equal(nnc_dataset_get(&s, d, 1), NNC_ERR_DATA);
    message_has("b\\xff.png: neither JPEG nor PNG");
    nnc_dataset_destroy(d);
}

/* ---- labels ---- */

static void labels_read(const char *text, const char *classes)
{
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    in.options.labels = "labels.dat";
    in.options.num_classes = 7;
    in.options.classes = classes;
    put_text("labels.dat", text);
    nnc_dataset *d = open_good("d", &in.options);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(nnc_dataset_label(d, i), i % 7);
    nnc_dataset_destroy(d);
}

static void label_forms(void **state)
{
    (void)state;
    put_images("d", 20, 8, 8);
    static const char *const forms[][3] = {{"", " ", "\n"},       {"", ",", "\r\n"},
                                           {"", "\t", "\n\n"},    {"./", " ", "\n"},
                                           {"val/", " , ", "\n"}, {"\"", "\",\"", "\"\n"}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char *text = label_lines(20, forms[i]);
        labels_read(text, NULL);
        char *with = malloc(strlen(text) + 64);
        sprintf(with,
                "\xef\xbb\xbf"
                "filename,label\r\n%s",
                text); /* BOM and header */
        labels_read(with, NULL);
        free(with);
        free(text);
    }
    char plain[256] = "label\n";
    for (int i = 0; i < 20; i++)
        sprintf(plain + strlen(plain), "%d\n", i % 7);
    labels_read(plain, NULL);
    labels_read(plain + 6, NULL);
    put_text("classes.txt", "c0\nc1\nc2\nc3\nc4\nbig cat\nc6\n");
    char named[1024] = "";
    for (int i = 0; i < 20; i++)
        sprintf(named + strlen(named), i % 7 == 5 ? "i%02d.png,big cat\n" : "i%02d.png,c%d\n", i,
                i % 7);
    labels_read(named, "classes.txt");
}

static void labels_fail(const char *text, size_t classes, const char *part)
{
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    in.options.labels = "labels.dat";
    in.options.num_classes = classes;
    put_text("labels.dat", text);
    open_fails("d", &in.options, NNC_ERR_DATA, part);
}

static void label_errors(void **state)
{
    (void)state;
    put_images("d", 3, 8, 8);
    labels_fail("i00.png 1\ni01.png 2\n", 0, "no label for 1 of 3 samples, the first is 'i02.png'");
    labels_fail("i00.png 1\ni07.png 2\n", 0, "labels.dat:2: 'i07.png' is not in d");
    labels_fail("i00.png 1\ni00.png 2\n", 0, "labels.dat:2: 'i00.png' has a label already");
    labels_fail("1\n2\n", 0, "2 labels for 3 samples");
    labels_fail("1\n2\n3\n4\n", 0, "labels.dat:4: more labels than samples (3)");
    labels_fail("1\ni01.png 2\n", 0, "labels.dat:2: lines with and without");
    labels_fail("1\n-2\n3\n", 0, "labels.dat:2: label -2 is negative");
    labels_fail("1\n2\n3\n", 3,
                "labels.dat:3: label 3, the model has 3 classes (0..2). Hint: if labels "
                "start at 1, --label-offset -1");
    labels_fail("1\n2\n9\n", 3, "labels.dat:3: label 9, the model has 3 classes");
    labels_fail("1\ntwo\n3\n", 0, "labels.dat:2: 'two' is no label");
    labels_fail("", 0, "0 labels for 3 samples");
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    in.options.labels = "absent.txt";
    open_fails("d", &in.options, NNC_ERR_IO, "absent.txt");
}

static void label_warnings(void **state)
{
    (void)state;
    put_images("d", 3, 8, 8);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    put_text("d_labels.txt", "1\n2\n3\n"); /* found beside the folder */
    log_text log;
    log_init(&log);
    nnc_dataset *d;
    assert_int_equal(nnc_dataset_open(&d, "d", &in.options, &log.log), NNC_OK);
    text_has(log.text, "labels from d_labels.txt");
    text_has(log.text, "labels run from 1 to 3");
    nnc_dataset_destroy(d);
    in.options.label_offset = -1;
    in.options.num_classes = 3;
    log_init(&log);
    assert_int_equal(nnc_dataset_open(&d, "d", &in.options, &log.log), NNC_OK);
    assert_null(strstr(log.text, "labels run"));
    assert_int_equal(nnc_dataset_label(d, 2), 2);
    nnc_dataset_destroy(d);
    put_text("d_labels.txt", "0\n2\n3\n");
    in.options.label_offset = 0;
    in.options.num_classes = 1001;
    log_init(&log);
    assert_int_equal(nnc_dataset_open(&d, "d", &in.options, &log.log), NNC_OK);
    text_has(log.text, "the model has 1001 classes");
    nnc_dataset_destroy(d);
    in.options.no_labels = true;
    d = open_good("d", &in.options);
    assert_false(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
}

static void image_lists(void **state)
{
    (void)state;
    put_images("d", 3, 8, 8);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    put_text("list.txt", "# comment\nd/i02.png\nd/i00.png\n");
    nnc_dataset *d = open_good("list.txt", &in.options);
    assert_int_equal(nnc_dataset_count(d), 2);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 0), NNC_OK);
    assert_string_equal(s.name, "d/i02.png"); /* the list's own order */
    nnc_sample_deinit(&s);
    nnc_dataset_destroy(d);
    make_folder("lists");
    put_text("lists/l.txt", "../d/i02.png 5\n../d/i00.png,4\n");
    d = open_good("lists/l.txt", &in.options);
    assert_int_equal(nnc_dataset_label(d, 0), 5);
    assert_int_equal(nnc_dataset_label(d, 1), 4);
    nnc_dataset_destroy(d);
    put_text("list.txt", "d/i02.png\nd/i09.png 3\n");
    open_fails("list.txt", &in.options, NNC_ERR_DATA, "list.txt:2: no such file: 'd/i09.png'");
    put_text("list.txt", "d/i02.png\nd/i00.png 3\n");
    open_fails("list.txt", &in.options, NNC_ERR_DATA, "1 of 2 lines have a label");
}

/* ---- preprocessing ---- */

static void preset_is_demanded(void **state)
{
    (void)state;
    put_images("d", 2, 8, 8);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    open_fails("d", &in.options, NNC_ERR_DATA, "--preprocess with one of imagenet-torch, ");
    in.options.resize = "exact"; /* says nothing about values */
    open_fails("d", &in.options, NNC_ERR_DATA, "--preprocess");
    in.options.preset = "imagenet_torch";
    open_fails("d", &in.options, NNC_ERR_USAGE, "did you mean 'imagenet-torch'");
    in.options.preset = NULL;
    in.options.resize = NULL;
    in.options.model_preset = "half";
    nnc_dataset *d = open_good("d", &in.options);
    text_has(nnc_dataset_preprocessing(d), "half: RGB, 8x8 as it is, /255, mean 0.5, std 0.5");
    nnc_dataset_destroy(d);
    ONE_INPUT(raw, NNC_DTYPE_UINT8, 1, 8, 8, 3);
    d = open_good("d", &raw.options); /* bytes to a byte input: nothing to guess */
    nnc_dataset_destroy(d);
}

static void bad_flags(void **state)
{
    (void)state;
    put_images("d", 2, 8, 8);
    static const struct {
        size_t offset;
        const char *text, *part;
    } cases[] = {
        {offsetof(nnc_dataset_options, resize), "shorter", "--resize: 'shorter' is none of"},
        {offsetof(nnc_dataset_options, resize), "shorter:0", "--resize: '0'"},
        {offsetof(nnc_dataset_options, resize), "central:1.5", "--resize: '1.5'"},
        {offsetof(nnc_dataset_options, crop), "8x", "--crop"},
        {offsetof(nnc_dataset_options, crop), "9", "--crop: 9x9, but the model's input has 8x8"},
        {offsetof(nnc_dataset_options, interpolation), "cubic", "--interpolation: 'cubic'"},
        {offsetof(nnc_dataset_options, color), "rbg", "--color: 'rbg'"},
        {offsetof(nnc_dataset_options, scale), "1/0", "--scale"},
        {offsetof(nnc_dataset_options, scale), "x", "--scale"},
        {offsetof(nnc_dataset_options, mean), "1,2", "2 numbers, expected 1 or 3"},
        {offsetof(nnc_dataset_options, mean), "1,2,3,4", "--mean"},
        {offsetof(nnc_dataset_options, std), "1,0,1", "--std: zero"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
        in.options.preset = "unit";
        *(const char **)((char *)&in.options + cases[i].offset) = cases[i].text;
        open_fails("d", &in.options, NNC_ERR_USAGE, cases[i].part);
    }
}

static void size_needs_a_rule(void **state)
{
    (void)state;
    put_images("d", 2, 10, 9);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    open_fails("d", &in.options, NNC_ERR_USAGE,
               "image is 9x10, the model wants 8x8 (height x width), and nothing says how");
    in.options.crop = "none";
    in.options.resize = "shorter:9";
    open_fails("d", &in.options, NNC_ERR_USAGE, "--crop none");
    in.options.resize = "exact";
    nnc_dataset_destroy(open_good("d", &in.options));
    in.options.resize = NULL;
    in.options.crop = "8";
    nnc_dataset *d = open_good("d", &in.options);
    text_has(nnc_dataset_preprocessing(d), "no resize, centre 8x8");
    nnc_dataset_destroy(d);
}

static float value_at(const char *spec, const nnc_dataset_options *options, size_t i)
{
    nnc_dataset *d = open_good(spec, options);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 0), NNC_OK);
    const float v = (float)nnc_tensor_get_double(&s.inputs[0], i);
    nnc_sample_deinit(&s);
    nnc_dataset_destroy(d);
    return v;
}

/* One pixel of each channel through every form that the shared models need. */
static void values(void **state)
{
    (void)state;
    make_folder("d");
    uint8_t pixels[4 * 4 * 3];
    for (int i = 0; i < 16; i++)
        memcpy(pixels + 3 * i, (uint8_t[]){200, 100, 50}, 3);
    put_png("d/a.png", 4, 4, 3, pixels);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 4, 4);
    in.options.preset = "imagenet-torch";
    assert_true(value_at("d", &in.options, 0) == ((float)200 / 255.0f - .485f) / .229f);
    assert_true(value_at("d", &in.options, 16) == ((float)100 / 255.0f - .456f) / .224f);
    in.options.preset = "keras-caffe";
    assert_true(value_at("d", &in.options, 0) == 50.0f - 103.939f);
    in.options.preset = "mobilenet";
    assert_true(value_at("d", &in.options, 0) == 200.0f / 127.5f - 1.0f);
    in.options.preset = "raw";
    assert_true(value_at("d", &in.options, 32) == 50.0f);
    in.options.preset = NULL;
    in.options.color = "bgr";
    in.options.mean = "104, 117, 123";
    assert_true(value_at("d", &in.options, 0) == 50.0f - 104.0f);
    in.options.mean = "127";
    in.options.std = "128";
    in.options.color = NULL;
    assert_true(value_at("d", &in.options, 0) == (200.0f - 127.0f) / 128.0f);
    ONE_INPUT(luma, NNC_DTYPE_FLOAT, 1, 1, 4, 4);
    luma.options.preset = "unit";
    assert_true(value_at("d", &luma.options, 0) == 124.0f / 255.0f);
    ONE_INPUT(half, NNC_DTYPE_FLOAT16, 1, 4, 4, 3);
    half.options.preset = "raw";
    assert_true(value_at("d", &half.options, 1) == 100.0f);
    ONE_INPUT(byte, NNC_DTYPE_UINT8, 1, 4, 4, 3);
    assert_true(value_at("d", &byte.options, 2) == 50.0f);
    ONE_INPUT(signed8, NNC_DTYPE_INT8, 1, 3, 4, 4);
    signed8.options.mean = "128";
    assert_true(value_at("d", &signed8.options, 0) == 72.0f);
    in.options = luma.options;
    in.options.preset = "imagenet-torch";
    in.options.inputs = &luma.input;
    open_fails("d", &in.options, NNC_ERR_DATA, "3 channels of mean and std");
}

static void geometry(void **state)
{
    (void)state;
    make_folder("d");
    uint8_t pixels[6 * 4];
    for (int i = 0; i < 24; i++)
        pixels[i] = (uint8_t)(10 * i);
    put_png("d/a.png", 6, 4, 1, pixels); /* row y: 60 y, 60 y + 10, ... */
    ONE_INPUT(in, NNC_DTYPE_UINT8, 1, 1, 8, 8);
    in.options.preset = "raw";
    in.options.resize = "none"; /* centred and padded with 0: 2 rows above, 1 column left */
    assert_true(value_at("d", &in.options, 0) == 0);
    assert_true(value_at("d", &in.options, 2 * 8 + 1) == 0);
    assert_true(value_at("d", &in.options, 2 * 8 + 2) == 10);
    in.options.resize = "letterbox"; /* 8x5 with borders 1 above, 2 below */
    in.options.preset = "yolo";
    in.options.scale = "1";
    assert_true(value_at("d", &in.options, 0) == 114);
    assert_true(value_at("d", &in.options, 7 * 8) == 114);
    assert_true(value_at("d", &in.options, 1 * 8) != 114);
    ONE_INPUT(cut, NNC_DTYPE_UINT8, 1, 1, 2, 3);
    cut.options.layout = NNC_DATA_LAYOUT_NCHW;
    cut.options.preset = "raw";
    cut.options.resize = "none"; /* margin of 3 columns: 1.5 rounds to 2 */
    assert_true(value_at("d", &cut.options, 0) == 60 + 20);
    cut.options.resize = "central:0.5"; /* rows 1..2, columns 1..4 */
    cut.input.shape = nnc_shape_make(4, (int64_t[]){1, 1, 2, 4});
    assert_true(value_at("d", &cut.options, 0) == 60 + 10);
}

static void layouts(void **state)
{
    (void)state;
    put_images("d", 2, 3, 3);
    ONE_INPUT(both, NNC_DTYPE_FLOAT, 1, 3, 3, 3);
    both.options.preset = "raw";
    open_fails("d", &both.options, NNC_ERR_DATA, "is ambiguous as an image. Hint: --layout");
    both.options.layout = NNC_DATA_LAYOUT_NHWC;
    const float g = value_at("d", &both.options, 1);
    both.options.layout = NNC_DATA_LAYOUT_NCHW;
    assert_true(value_at("d", &both.options, 9) == g);
    ONE_INPUT(flat, NNC_DTYPE_FLOAT, 1, 27);
    flat.options.preset = "raw";
    open_fails("d", &flat.options, NNC_ERR_DATA, "has 2 dims");
    ONE_INPUT(many, NNC_DTYPE_FLOAT, 1, 5, 3, 8);
    many.options.preset = "raw";
    open_fails("d", &many.options, NNC_ERR_DATA, "has no side of 1 or 3 channels");
}

static void other_inputs_are_named(void **state)
{
    (void)state;
    put_images("d", 2, 8, 8);
    nnc_dataset_input inputs[3] = {{"image", NNC_DTYPE_FLOAT, {4, {1, 3, 8, 8}}},
                                   {"state", NNC_DTYPE_FLOAT, {2, {1, 4}}},
                                   {"sr", NNC_DTYPE_INT64, {0, {0}}}};
    nnc_dataset_options o = {.inputs = inputs, .input_count = 3, .preset = "unit"};
    open_fails("d", &o, NNC_ERR_DATA, "nothing for 'state', 'sr'");
}

static void files_as_bytes(void **state)
{
    (void)state;
    make_folder("d");
    make_folder("d/text");
    make_folder("d/zero");
    put_text("d/text/a.txt", " \n\tabcdef \r\n");
    put_text("d/zero/b", "");
    ONE_INPUT(in, NNC_DTYPE_INT32, -1, 8);
    in.options.preset = "bytes";
    nnc_dataset *d = open_good("d", &in.options);
    text_has(nnc_dataset_preprocessing(d), "first and last 4");
    assert_int_equal(nnc_dataset_label(d, 1), 1);
    static const int want[2][8] = {{'a', 'b', 'c', 'd', 'c', 'd', 'e', 'f'},
                                   {256, 256, 256, 256, 256, 256, 256, 256}};
    for (size_t i = 0; i < 2; i++) {
        nnc_sample s;
        assert_int_equal(nnc_dataset_get(&s, d, i), NNC_OK);
        assert_memory_equal(nnc_tensor_data(&s.inputs[0]), want[i], sizeof(want[i]));
        nnc_sample_deinit(&s);
    }
    nnc_dataset_destroy(d);
    ONE_INPUT(image, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    image.options.preset = "bytes";
    open_fails("d", &image.options, NNC_ERR_DATA, "bytes need integers");
    put_text("list.txt", "d/zero/b\n");
    open_fails("list.txt", &image.options, NNC_ERR_USAGE, "takes a folder of files");
}

/* ---- reader ---- */

typedef struct run_result {
    uint64_t hash;
    size_t good, bad;
    nnc_status status;
} run_result;

static run_result run_reader(const nnc_dataset *d, const nnc_log *log)
{
    run_result r = {0};
    nnc_dataset_reader *reader;
    assert_int_equal(nnc_dataset_reader_create(&reader, d, NULL, 0, log), NNC_OK);
    bool more = true;
    size_t last = 0;
    for (;;) {
        nnc_sample s;
        r.status = nnc_dataset_reader_next(&s, &more, reader);
        if (r.status != NNC_OK || !more)
            break;
        assert_true(r.good == 0 || s.index > last);
        last = s.index;
        r.hash = r.hash * 31 + s.hash + s.index;
        r.good++;
        nnc_sample_deinit(&s);
    }
    r.bad = nnc_dataset_reader_bad(reader);
    nnc_dataset_reader_destroy(reader);
    return r;
}

static void same_for_any_threads(void **state)
{
    (void)state;
    put_images("d", 40, 12, 10);
    uint64_t first = 0;
    static const unsigned threads[] = {1, 2, 3, 8, 64};
    for (size_t i = 0; i < 5; i++) {
        ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
        in.options.preset = "imagenet-torch";
        in.options.threads = threads[i];
        nnc_dataset *d = open_good("d", &in.options);
        const run_result r = run_reader(d, NULL);
        assert_int_equal(r.status, NNC_OK);
        assert_int_equal(r.good, 40);
        first = i ? first : r.hash;
        assert_true(r.hash == first);
        nnc_dataset_destroy(d);
    }
}

static void bad_samples(void **state)
{
    (void)state;
    put_images("d", 40, 8, 8);
    put_text("d/i05.png", "text in a picture's clothes");
    put_text("d/i07.png", "");
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *d = open_good("d", &in.options);
    log_text log;
    log_init(&log);
    run_result r = run_reader(d, &log.log);
    assert_int_equal(r.status, NNC_ERR_DATA); /* 1 of 40 is more than 1 % */
    message_has("1 of 40 samples cannot be read");
    message_has("i05.png");
    nnc_dataset_destroy(d);
    in.options.max_bad = 0.05;
    d = open_good("d", &in.options);
    log_init(&log);
    r = run_reader(d, &log.log);
    assert_int_equal(r.status, NNC_OK);
    assert_int_equal(r.good, 38);
    assert_int_equal(r.bad, 2);
    text_has(log.text, "W skipped i05.png: neither JPEG nor PNG");
    text_has(log.text, "W skipped i07.png: empty file");
    assert_int_equal(unlink("d/i20.png"), 0); /* gone while running: a third */
    r = run_reader(d, &log.log);
    assert_int_equal(r.status, NNC_ERR_DATA);
    message_has("3 of 40");
    nnc_dataset_destroy(d);
}

static void all_bad(void **state)
{
    (void)state;
    make_folder("d");
    put_text("d/a.png", "x");
    put_text("d/b.png", "y");
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    in.options.max_bad = 1;
    open_fails("d", &in.options, NNC_ERR_DATA, "b.png: neither");
}

static void corrupt_png_is_bad(void **state)
{
    (void)state;
    put_images("d", 2, 8, 8);
    FILE *f = fopen("d/i01.png", "r+b");
    fseek(f, 60, SEEK_SET);
    fputc('!', f);
    fclose(f);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *d = open_good("d", &in.options);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 1), NNC_ERR_DATA);
    message_has("i01.png: PNG:");
    assert_null(s.inputs);
    nnc_dataset_destroy(d);
}

static void cancel_and_leave_early(void **state)
{
    (void)state;
    put_images("d", 40, 8, 8);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *d = open_good("d", &in.options);
    log_text log;
    log_init(&log);
    nnc_dataset_reader *reader;
    nnc_sample s;
    bool more;
    assert_int_equal(nnc_dataset_reader_create(&reader, d, NULL, 0, &log.log), NNC_OK);
    assert_int_equal(nnc_dataset_reader_next(&s, &more, reader), NNC_OK);
    nnc_sample_deinit(&s);
    log.cancel = true;
    assert_int_equal(nnc_dataset_reader_next(&s, &more, reader), NNC_ERR_CANCELLED);
    nnc_dataset_destroy(d); /* the reader keeps what it needs */
    nnc_dataset_reader_destroy(reader);
}

static void indices_and_subset(void **state)
{
    (void)state;
    put_images("d", 40, 8, 8);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *d = open_good("d", &in.options);
    nnc_dataset_reader *reader;
    const size_t want[] = {30, 2, 2};
    assert_int_equal(nnc_dataset_reader_create(&reader, d, want, 3, NULL), NNC_OK);
    for (size_t i = 0; i < 3; i++) {
        nnc_sample s;
        bool more;
        assert_int_equal(nnc_dataset_reader_next(&s, &more, reader), NNC_OK);
        assert_true(more);
        assert_int_equal(s.index, want[i]);
        nnc_sample_deinit(&s);
    }
    nnc_dataset_reader_destroy(reader);
    const size_t outside = 40;
    assert_int_equal(nnc_dataset_reader_create(&reader, d, &outside, 1, NULL), NNC_ERR_USAGE);
    nnc_dataset_destroy(d);
    uint64_t hashes[3];
    for (int i = 0; i < 3; i++) {
        in.options.max_samples = 10;
        in.options.seed = i < 2 ? 5 : 6;
        d = open_good("d", &in.options);
        assert_int_equal(nnc_dataset_count(d), 10);
        const run_result r = run_reader(d, NULL);
        assert_int_equal(r.good, 10);
        hashes[i] = r.hash;
        nnc_dataset_destroy(d);
    }
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[0] != hashes[2]);
}

/* ---- summary ---- */

static void summary(void **state)
{
    (void)state;
    make_folder("d");
    uint8_t pixels[4 * 4 * 3];
    for (int i = 0; i < 16; i++)
        memcpy(pixels + 3 * i, (uint8_t[]){200, 100, (uint8_t)(i * 17)}, 3);
    for (int i = 0; i < 20; i++) {
        char path[32];
        snprintf(path, sizeof(path), "d/%02d.png", i);
        put_png(path, 4, 4, 3, pixels);
    }
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 4, 4);
    in.options.preset = "raw";
    nnc_dataset *d = open_good("d", &in.options);
    nnc_dataset_summary s;
    assert_int_equal(nnc_dataset_describe(&s, d, 5, NULL), NNC_OK);
    assert_string_equal(nnc_str_get(&s.lines),
                        "input 'data' NCHW [1,3,4,4] float32: R 200..200 mean 200, G 100..100 mean "
                        "100, B 0..255 mean 127.5 (5 samples; raw: RGB, 4x4 as it is)");
    text_has(nnc_str_get(&s.warnings), "all 5 samples looked at are identical");
    assert_int_equal(s.samples, 5);
    assert_int_equal(s.channels, 3);
    assert_true(s.channel[2].mean == 127.5);
    nnc_dataset_summary_deinit(&s);
    nnc_dataset_destroy(d);
    in.options.preset = NULL;
    in.options.mean = ".485,.456,.406";
    in.options.std = ".229,.224,.225";
    d = open_good("d", &in.options);
    assert_int_equal(nnc_dataset_describe(&s, d, 5, NULL), NNC_OK);
    text_has(nnc_str_get(&s.warnings), "is --scale 1/255 missing?");
    nnc_dataset_summary_deinit(&s);
    nnc_dataset_destroy(d);
}

static void overlap(void **state)
{
    (void)state;
    put_images("a", 20, 8, 8);
    put_images("b", 5, 8, 8);
    put_random_png("b/i00.png", 8, 8, 1000); /* differs from a's; i01..i04 are the same */
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 8, 8);
    in.options.preset = "unit";
    nnc_dataset *a = open_good("a", &in.options), *b = open_good("b", &in.options);
    size_t n;
    assert_int_equal(nnc_dataset_overlap(&n, a, b, NULL), NNC_OK);
    assert_int_equal(n, 4);
    nnc_dataset_destroy(a);
    nnc_dataset_destroy(b);
}

static void random_numbers(void **state)
{
    (void)state;
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 8, 8);
    log_text log;
    log_init(&log);
    nnc_dataset *d;
    assert_int_equal(nnc_dataset_open(&d, "random:20", &in.options, &log.log), NNC_OK);
    text_has(log.text, "random data says nothing about accuracy");
    assert_true(nnc_dataset_is_random(d));
    assert_int_equal(nnc_dataset_count(d), 20);
    const run_result a = run_reader(d, NULL), b = run_reader(d, NULL);
    assert_true(a.hash == b.hash);
    nnc_dataset_destroy(d);
    in.options.seed = 1;
    d = open_good("random:20", &in.options);
    assert_true(run_reader(d, NULL).hash != a.hash);
    nnc_dataset_destroy(d);
    open_fails("random:0", &in.options, NNC_ERR_USAGE, "random:N");
    open_fails("random:x", &in.options, NNC_ERR_USAGE, "random:N");
    in.input.shape.dims[2] = -1;
    open_fails("random:4", &in.options, NNC_ERR_DATA, "free dims");
    in.options.input_count = 0;
    open_fails("random:4", &in.options, NNC_ERR_USAGE, "no inputs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATA_TEST(flat_in_byte_order),
        DATA_TEST(class_folders),
        DATA_TEST(nothing_to_read),
        DATA_TEST(link_loops_end),
        DATA_TEST(names_are_escaped),
        DATA_TEST(label_forms),
        DATA_TEST(label_errors),
        DATA_TEST(label_warnings),
        DATA_TEST(image_lists),
        DATA_TEST(preset_is_demanded),
        DATA_TEST(bad_flags),
        DATA_TEST(size_needs_a_rule),
        DATA_TEST(values),
        DATA_TEST(geometry),
        DATA_TEST(layouts),
        DATA_TEST(other_inputs_are_named),
        DATA_TEST(same_for_any_threads),
        DATA_TEST(bad_samples),
        DATA_TEST(all_bad),
        DATA_TEST(corrupt_png_is_bad),
        DATA_TEST(cancel_and_leave_early),
        DATA_TEST(indices_and_subset),
        DATA_TEST(summary),
        DATA_TEST(overlap),
        DATA_TEST(random_numbers),
        DATA_TEST(files_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
