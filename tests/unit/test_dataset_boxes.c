/* Ground truth boxes of image folders: COCO's JSON, YOLO's text files, and where boxes lie in the model's image.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "dataset_util.h"

static void put_images(void)
{
    make_folder("images");
    put_random_png("images/a.png", 8, 4, 1);
    put_random_png("images/b.png", 8, 4, 2);
}

static nnc_status open_boxes(nnc_dataset **out, const char *labels, const char *resize)
{
    static const nnc_dataset_input input = {"x", NNC_DTYPE_FLOAT, {4, {1, 3, 16, 16}}};
    nnc_dataset_options o = {.inputs = &input, .input_count = 1, .preset = "yolo", .resize = resize, .labels = labels};
    return nnc_dataset_open(out, "images", &o, NULL);
}

static void coco(void **state)
{
    (void)state;
    put_images();
    put_text("boxes.json",
             "{\"images\":[{\"id\":7,\"file_name\":\"a.png\"},{\"id\":9,\"file_name\":\"elsewhere.png\"}],"
             "\"categories\":[{\"id\":18,\"name\":\"dog\"},{\"id\":3,\"name\":\"car\"}],"
             "\"annotations\":[{\"image_id\":7,\"category_id\":18,\"bbox\":[1,1,2,2.5],\"iscrowd\":1},"
             "{\"image_id\":9,\"category_id\":3,\"bbox\":[0,0,1,1]},{\"image_id\":7,\"category_id\":3,\"bbox\":[0,0,8,4]}]}");
    nnc_dataset *d;
    assert_int_equal(open_boxes(&d, "boxes.json", NULL), NNC_OK);
    const nnc_box *boxes;
    size_t count;
    bool relative;
    assert_true(nnc_dataset_boxes(&boxes, &count, &relative, d, 0));
    assert_false(relative);
    assert_int_equal(count, 2);
    assert_int_equal(boxes[0].label, 1); /* by ascending id */
    assert_true(boxes[0].crowd && boxes[0].x1 == 3 && boxes[0].y1 == 3.5);
    assert_int_equal(boxes[1].label, 0);
    assert_true(nnc_dataset_boxes(&boxes, &count, &relative, d, 1));
    assert_int_equal(count, 0);
    assert_false(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
}

static void yolo(void **state)
{
    (void)state;
    put_images();
    make_folder("labels");
    put_text("labels/b.txt", "2 0.5 0.5 0.25 0.5\n");
    nnc_dataset *d;
    assert_int_equal(open_boxes(&d, "labels", NULL), NNC_OK);
    const nnc_box *boxes;
    size_t count;
    bool relative;
    assert_true(nnc_dataset_boxes(&boxes, &count, &relative, d, 0));
    assert_int_equal(count, 0);
    assert_true(nnc_dataset_boxes(&boxes, &count, &relative, d, 1));
    assert_true(relative && count == 1 && boxes[0].label == 2);
    assert_true(boxes[0].x0 == 0.375 && boxes[0].x1 == 0.625 && boxes[0].y0 == 0.25);
    nnc_dataset_destroy(d);
}

/* Corner (8, 4) of the image, in the model's 16 x 16. */
static void expect_corner(const char *resize, double x, double y)
{
    nnc_dataset *d;
    nnc_sample s;
    assert_int_equal(open_boxes(&d, NULL, resize), NNC_OK);
    assert_int_equal(nnc_dataset_get(&s, d, 0), NNC_OK);
    assert_int_equal(s.view.width, 8);
    assert_int_equal(s.view.height, 4);
    assert_true(fabs(8 * s.view.scale_x + s.view.offset_x - x) < 1e-9);
    assert_true(fabs(4 * s.view.scale_y + s.view.offset_y - y) < 1e-9);
    nnc_sample_deinit(&s);
    nnc_dataset_destroy(d);
}

static void where_pixels_go(void **state)
{
    (void)state;
    put_images();
    expect_corner("letterbox", 16, 12);  /* 16 x 8, 4 above and below */
    expect_corner("exact", 16, 16);
    expect_corner("shorter:16", 24, 16); /* 32 x 16, 8 cut on either side */
    expect_corner("central:0.5", 24, 24); /* the middle 4 x 2 stretched */
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } bad[] = {
        {"{\"images\":[", "no valid JSON"},
        {"[]", "no array 'categories'"},
        {"{\"categories\":[],\"images\":[],\"annotations\":[]}", "none of its images"},
        {"{\"categories\":[{}],\"images\":[],\"annotations\":[]}", "categories[0]: no integer 'id'"},
        {"{\"categories\":[{\"id\":1}],\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":[{\"image_id\":2}]}",
         "'image_id' names no image"},
        {"{\"categories\":[{\"id\":1}],\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":[{\"image_id\":1,"
         "\"category_id\":5,\"bbox\":[0,0,1,1]}]}",
         "category 5 is not listed"},
        {"{\"categories\":[{\"id\":1}],\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"annotations\":[{\"image_id\":1,"
         "\"category_id\":1,\"bbox\":[0,0,1]}]}",
         "no 'bbox' of 4 numbers"},
    };
    nnc_dataset *d;
    put_images();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put_text("bad.json", bad[i].json);
        assert_int_equal(open_boxes(&d, "bad.json", NULL), NNC_ERR_DATA);
        if (!strstr(nnc_error_message(), bad[i].text)) {
            fail_msg("'%s' instead of '%s'", nnc_error_message(), bad[i].text);
        }
    }
    make_folder("labels");
    assert_int_equal(open_boxes(&d, "labels", NULL), NNC_ERR_DATA);
    put_text("labels/a.txt", "0 12 0.5 1 1\n");
    assert_int_equal(open_boxes(&d, "labels", NULL), NNC_ERR_DATA);
    assert_non_null(strstr(nnc_error_message(), "a.txt:1: 12 is not relative"));
    put_text("labels/a.txt", "0 0.5 0.5\n");
    assert_int_equal(open_boxes(&d, "labels", NULL), NNC_ERR_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {DATA_TEST(coco), DATA_TEST(yolo), DATA_TEST(where_pixels_go), DATA_TEST(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
