/* Boxes, average precision, detection heads and tasks, on made-up outputs. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "eval/heads.h"
#include "eval/task.h"

#define ok(expr) assert_int_equal(expr, NNC_OK)
#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-9)

static nnc_box box(double x, double y, double w, double h, double score, int label)
{
    return (nnc_box){x, y, x + w, y + h, score, label, false};
}

static void overlap_and_suppression(void **state)
{
    (void)state;
    nnc_box a = box(0, 0, 10, 10, 0.9, 0), b = box(5, 0, 10, 10, 0.8, 0), far = box(50, 50, 4, 4, 0.7, 0);
    near(nnc_box_iou(&a, &b), 50.0 / 150.0);
    near(nnc_box_iou(&a, &far), 0);
    b.crowd = true; /* the share of a that lies in it */
    near(nnc_box_iou(&a, &b), 0.5);
    b.crowd = false;
    nnc_boxes list = {0};
    nnc_box other = b, empty = box(1, 1, 0, 5, 1, 0), broken = box(0, 0, NAN, 5, 1, 0);
    other.label = 1;
    const nnc_box all[] = {far, b, a, other, empty, broken};
    for (size_t i = 0; i < 6; i++) {
        ok(nnc_boxes_add(&list, &all[i]));
    }
    assert_int_equal(list.count, 4); /* empty and broken boxes are none */
    nnc_boxes_suppress(&list, 0.3, 100);
    assert_int_equal(list.count, 3);
    near(list.items[0].score, 0.9);
    assert_int_equal(list.items[1].label, 1); /* another class is left alone */
    nnc_boxes_suppress(&list, 0.3, 1);
    assert_int_equal(list.count, 1);
    nnc_boxes_deinit(&list);
}

static void agreement(void **state)
{
    (void)state;
    nnc_boxes a = {0}, b = {0};
    const nnc_box in_a[] = {box(0, 0, 10, 10, 0.9, 0), box(40, 0, 10, 10, 0.8, 1), box(80, 0, 10, 10, 0.2, 0)};
    const nnc_box in_b[] = {box(1, 0, 10, 10, 0.9, 0), box(0, 0, 10, 10, 0.8, 0), box(40, 0, 10, 10, 0.7, 0)};
    for (size_t i = 0; i < 3; i++) {
        ok(nnc_boxes_add(&a, &in_a[i]));
        ok(nnc_boxes_add(&b, &in_b[i]));
    }
    size_t same;
    double sum = 0;
    ok(nnc_boxes_match(&same, &sum, &b, &a, 0.5, 0.3)); /* one to one, same class, strong ones alone */
    assert_int_equal(same, 1);
    near(sum, 90.0 / 110.0);
    ok(nnc_boxes_match(&same, &sum, &b, &a, 0.9, 0.3));
    assert_int_equal(same, 1); /* the second one is exact */
    nnc_boxes_deinit(&a);
    nnc_boxes_deinit(&b);
}

/* The generator that made the expected figures with pycocotools 2.0. */
static uint32_t generator;
static int below(uint32_t n)
{
    generator = generator * 1664525u + 1013904223u;
    return (int)((generator >> 8) % n);
}

static void add_found(nnc_boxes *found, int x, int y, int w, int h, int score, int label)
{
    nnc_box b = box(x, y, w > 1 ? w : 1, h > 1 ? h : 1, score / 1000.0, label);
    ok(nnc_boxes_add(found, &b));
}

static void average_precision_of_coco(void **state)
{
    (void)state;
    nnc_ap *ap;
    ok(nnc_ap_create(&ap));
    generator = 12345;
    size_t truths = 0, detections = 0;
    for (int image = 0; image < 40; image++) {
        nnc_box truth[8];
        nnc_boxes found = {0};
        int n = below(6);
        for (int g = 0; g < n; g++) {
            int c = below(3), x = below(500), y = below(380), w = 10 + below(120), h = 10 + below(90);
            truth[g] = box(x, y, w, h, 1, c);
            truth[g].crowd = below(12) == 0;
            for (int k = below(3); k > 0; k--) {
                int dx = below(9) - 4, dy = below(9) - 4, dw = below(11) - 5, dh = below(11) - 5, score = 1 + below(999);
                int label = below(8) ? c : below(3);
                add_found(&found, x + dx, y + dy, w + dw, h + dh, score, label);
            }
        }
        for (int k = below(3); k > 0; k--) {
            int c = below(4), x = below(500), y = below(380), w = 10 + below(90), h = 10 + below(90);
            add_found(&found, x, y, w, h, 1 + below(999), c);
        }
        truths += (size_t)n;
        detections += found.count;
        ok(nnc_ap_add(ap, &found, truth, (size_t)n));
        nnc_boxes_deinit(&found);
    }
    assert_int_equal(truths, 111);
    assert_int_equal(detections, 130);
    double map, map50, map75;
    ok(nnc_ap_finish(&map, &map50, &map75, ap));
    near(map, 0.22274892564721246);
    near(map50, 0.39434307802615953);
    near(map75, 0.23726331625305111);
    nnc_ap_destroy(ap);
    ok(nnc_ap_create(&ap));
    ok(nnc_ap_finish(&map, &map50, &map75, ap));
    near(map, -1); /* no class occurs */
    nnc_ap_destroy(ap);
}

static nnc_eval_output output(const char *name, bool real, const float *data, uint32_t rank, const int64_t *dims)
{
    nnc_eval_output o = {.name = name, .data = data, .count = 1, .real = real, .shape = {.rank = rank}};
    for (uint32_t d = 0; d < rank; d++) {
        o.shape.dims[d] = dims[d];
        o.count *= (size_t)dims[d];
    }
    return o;
}

/* Decodes with the head that fits, which has to be `name`. */
static nnc_boxes decoded(const char *name, const nnc_eval_output *outputs, uint32_t count)
{
    nnc_head_facts facts = {.width = 64, .height = 32};
    const nnc_head *head = nnc_head_guess(outputs, count, &facts);
    if (!head) {
        head = nnc_head_find(name); /* some are known by name alone */
    }
    assert_non_null(head);
    assert_string_equal(head->name, name);
    if (head->learn) {
        head->learn(&facts, outputs, count);
    }
    nnc_boxes boxes = {0};
    ok(head->decode(&boxes, outputs, count, &facts, 0.25));
    nnc_boxes_sort(&boxes);
    return boxes;
}

static void expect_box(const nnc_boxes *boxes, size_t i, double x0, double y0, double x1, double y1, double score, int label)
{
    assert_true(i < boxes->count);
    const nnc_box *b = &boxes->items[i];
    double error = fabs(b->x0 - x0) + fabs(b->y0 - y0) + fabs(b->x1 - x1) + fabs(b->y1 - y1) + fabs(b->score - score);
    if (error > 1e-4 || b->label != label) {
        fail_msg("box %zu is %g %g %g %g, score %g, class %d", i, b->x0, b->y0, b->x1, b->y1, b->score, (int)b->label);
    }
}

static void heads_of_yolo(void **state)
{
    (void)state;
    enum { N = 42 }; /* cells of 8, 16 and 32 pixels in 64 x 32 */
    float v8[7 * N] = {0}, v5[N * 8] = {0};
    v8[3] = 20, v8[N + 3] = 10, v8[2 * N + 3] = 8, v8[3 * N + 3] = 4, v8[5 * N + 3] = 0.75f;
    float row[8] = {20, 10, 8, 4, 0.5f, 0.1f, 0.8f, 0.3f};
    memcpy(v5 + 8 * 5, row, sizeof(row));
    nnc_eval_output o = output("y", true, v8, 3, (int64_t[]){1, 7, N});
    nnc_boxes boxes = decoded("yolov8", &o, 1);
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 16, 8, 24, 12, 0.75, 1);
    nnc_boxes_deinit(&boxes);
    o = output("y", true, v5, 3, (int64_t[]){1, N, 8});
    boxes = decoded("yolov5", &o, 1);
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 16, 8, 24, 12, 0.4, 1);
    nnc_boxes_deinit(&boxes);
    /* Cell 32 + 5 of the second level (4 x 2 of 16 pixels): column 1, row 1. */
    float cell[8] = {0.5f, -0.25f, 0, logf(0.5f), 0.9f, 0.1f, 0.2f, 0.8f};
    memset(v5, 0, sizeof(v5));
    memcpy(v5 + 8 * 37, cell, sizeof(cell));
    nnc_head_facts facts = {.width = 64, .height = 32};
    const nnc_head *yolox = nnc_head_find("yolox");
    yolox->learn(&facts, &o, 1);
    assert_false(facts.logits);
    boxes = (nnc_boxes){0};
    ok(yolox->decode(&boxes, &o, 1, &facts, 0.25));
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 16, 8, 32, 16, 0.72, 2);
    nnc_boxes_deinit(&boxes);
}

static void head_of_distributions(void **state)
{
    (void)state;
    /* Levels of 16 and 32 pixels: 4 x 2 and 2 x 1 cells, 3 classes, 8 bins. */
    float s16[8 * 3] = {0}, s32[2 * 3] = {0}, d16[8 * 32], d32[2 * 32] = {0};
    for (size_t i = 0; i < 8 * 32; i++) {
        d16[i] = -50;
    }
    s16[5 * 3 + 2] = 0.6f; /* column 1, row 1: centre 24, 24 */
    for (int side = 0; side < 4; side++) {
        d16[5 * 32 + side * 8 + 1] = 50; /* a distance of one cell */
    }
    d16[5 * 32 + 3 * 8 + 1] = -50;
    d16[5 * 32 + 3 * 8 + 0] = 50; /* below: none */
    const nnc_eval_output o[4] = {
        output("s16", true, s16, 3, (int64_t[]){1, 8, 3}), output("s32", true, s32, 3, (int64_t[]){1, 2, 3}),
        output("d16", true, d16, 3, (int64_t[]){1, 8, 32}), output("d32", true, d32, 3, (int64_t[]){1, 2, 32})};
    nnc_boxes boxes = decoded("gfl", o, 4);
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 8, 8, 40, 24, 0.6, 2);
    nnc_boxes_deinit(&boxes);
}

static void heads_of_lists(void **state)
{
    (void)state;
    const float scores[] = {0.1f, 0.9f, 0.8f, 0.2f, 0.5f, 0.5f}, corners[] = {0.25f, 0.5f, 0.5f, 1, 0, 0, 1, 1, 0, 0, 0.5f, 0.5f};
    const nnc_eval_output ssd[2] = {output("scores", true, scores, 3, (int64_t[]){1, 3, 2}),
                                    output("boxes", true, corners, 3, (int64_t[]){1, 3, 4})};
    nnc_boxes boxes = decoded("ssd", ssd, 2); /* rows sum to 1: class 0 is the background */
    assert_int_equal(boxes.count, 2);
    expect_box(&boxes, 0, 16, 16, 32, 32, 0.9, 0);
    nnc_boxes_deinit(&boxes);
    const float pixels[] = {1, 2, 11, 12, 3, 4, 5, 6}, labels[] = {7, 1}, strength[] = {0.9f, 0.1f};
    const nnc_eval_output nms[3] = {output("boxes", true, pixels, 2, (int64_t[]){2, 4}),
                                    output("labels", false, labels, 1, (int64_t[]){2}),
                                    output("scores", true, strength, 1, (int64_t[]){2})};
    boxes = decoded("nms", nms, 3);
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 1, 2, 11, 12, 0.9, 7);
    nnc_boxes_deinit(&boxes);
    const float rows[] = {1, 2, 11, 12, 0.8f, 3, 0, 0, 5, 5, 0.2f, 1};
    const nnc_eval_output six = output("y", true, rows, 3, (int64_t[]){1, 2, 6});
    boxes = decoded("rows", &six, 1);
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 1, 2, 11, 12, 0.8, 3);
    nnc_boxes_deinit(&boxes);
    const float logits[] = {0, 3, 1, 9, 0, -9}, centres[] = {0.5f, 0.5f, 0.25f, 0.5f, 0.5f, 0.5f, 1, 1};
    const nnc_eval_output queries[2] = {output("logits", true, logits, 3, (int64_t[]){1, 2, 3}),
                                        output("boxes", true, centres, 3, (int64_t[]){1, 2, 4})};
    nnc_head_facts facts = {.width = 64, .height = 32};
    boxes = (nnc_boxes){0};
    ok(nnc_head_find("detr")->decode(&boxes, queries, 2, &facts, 0.25));
    assert_int_equal(boxes.count, 2);
    expect_box(&boxes, 0, 24, 8, 40, 24, exp(3) / (1 + exp(3) + exp(1)), 1);
    nnc_boxes_deinit(&boxes);
    boxes = (nnc_boxes){0};
    ok(nnc_head_find("rtdetr")->decode(&boxes, queries, 2, &facts, 0.25));
    expect_box(&boxes, 0, 24, 8, 40, 24, 1 / (1 + exp(-3)), 1);
    nnc_boxes_deinit(&boxes);
    /* What does not fit is refused, not read beyond its end. */
    assert_int_equal(nnc_head_find("yolox")->decode(&boxes, &six, 1, &facts, 0.25), NNC_ERR_USAGE);
    assert_int_equal(nnc_head_find("gfl")->decode(&boxes, queries, 2, &facts, 0.25), NNC_ERR_USAGE);
    assert_int_equal(nnc_head_find("nms")->decode(&boxes, queries, 2, &facts, 0.25), NNC_ERR_USAGE);
}

static void head_of_priors(void **state)
{
    (void)state;
    /* 64 x 32 pixels: 96, 16, 4 and 3 prior boxes. */
    enum { N = 96 + 16 + 4 + 3 };
    float scores[2 * N] = {0}, offsets[4 * N] = {0};
    const size_t i = 96 + 2 * (4 + 1) + 1; /* second level, column 1 of row 1, side 48 */
    offsets[4 * i] = -2;
    offsets[4 * i + 3] = 5 * logf(0.5f);
    scores[2 * i + 1] = 0.75f;
    const nnc_eval_output o[2] = {output("scores", true, scores, 3, (int64_t[]){1, N, 2}),
                                  output("boxes", true, offsets, 3, (int64_t[]){1, N, 4})};
    nnc_boxes boxes = decoded("ultraface", o, 2);
    assert_int_equal(boxes.count, 1);
    expect_box(&boxes, 0, 24 - 9.6 - 24, 24 - 12, 24 - 9.6 + 24, 24 + 12, 0.75, 0);
    nnc_boxes_deinit(&boxes);
}

static const nnc_task_metric *metric(const nnc_task_result *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->metrics[i].name, name) == 0) {
            return &r->metrics[i];
        }
    }
    fail_msg("no figure '%s'", name);
    return NULL;
}

/* Feeds one sample to a task and ends it. */
static nnc_task_result run_task(const char *name, const nnc_eval_output *a, const nnc_eval_output *b, const nnc_sample *sample)
{
    const nnc_task *task = nnc_task_find(name);
    nnc_task_options options = {.task = task};
    nnc_task_result result = {.task = task};
    void *task_state;
    ok(task->create(&task_state, &options, NULL));
    ok(task->sample(task_state, a, b, 1, sample));
    ok(task->finish(&result, task_state));
    task->destroy(task_state);
    return result;
}

static void segmentation(void **state)
{
    (void)state;
    /* Two classes, four pixels: a says 0 0 1 1, b says 0 1 1 1. */
    const float a[] = {1, 1, 0, 0, 0, 0, 1, 1}, b[] = {1, 0, 0, 0, 0, 1, 1, 1};
    const nnc_sample sample = {.name = (char *)"s"};
    const nnc_eval_output oa = output("y", true, a, 4, (int64_t[]){1, 2, 2, 2}), ob = output("y", true, b, 4, (int64_t[]){1, 2, 2, 2});
    nnc_task_result r = run_task("segment", &oa, &ob, &sample);
    near(metric(&r, "pixels")->pair, 0.75);
    near(metric(&r, "miou")->pair, (0.5 + 2.0 / 3) / 2);
    const float pa[] = {0.9f, 0.6f, 0.4f, 0.1f}, pb[] = {0.9f, 0.4f, 0.4f, 0.1f};
    const nnc_eval_output qa = output("y", true, pa, 4, (int64_t[]){1, 1, 2, 2}), qb = output("y", true, pb, 4, (int64_t[]){1, 1, 2, 2});
    r = run_task("segment", &qa, &qb, &sample);
    near(metric(&r, "pixels")->pair, 0.75);
}

static void regression(void **state)
{
    (void)state;
    const float a[] = {3, 4}, b[] = {3, 4.5f};
    const nnc_sample sample = {.name = (char *)"s"};
    const nnc_eval_output oa = output("y", true, a, 2, (int64_t[]){1, 2}), ob = output("y", true, b, 2, (int64_t[]){1, 2});
    nnc_task_result r = run_task("regress", &oa, &ob, &sample);
    near(metric(&r, "sqnr")->pair, 10 * log10(25 / 0.25));
    near(metric(&r, "rmse")->pair, sqrt(0.125));
    near(metric(&r, "psnr")->pair, 10 * log10(16 / 0.125));
    near(metric(&r, "max_error")->pair, 0.5);
}

static void next_tokens(void **state)
{
    (void)state;
    /* Tokens 2 0 1 (the last one masked): position 0 predicts 0, position 1 is not judged. */
    nnc_tensor inputs[2] = {{0}};
    const nnc_shape shape = {2, {1, 3}};
    ok(nnc_tensor_create(&inputs[0], NNC_DTYPE_INT64, &shape));
    ok(nnc_tensor_create(&inputs[1], NNC_DTYPE_INT64, &shape));
    memcpy(nnc_tensor_data(&inputs[0]), (int64_t[]){2, 0, 1}, 24);
    memcpy(nnc_tensor_data(&inputs[1]), (int64_t[]){1, 1, 0}, 24);
    nnc_sample sample = {.name = (char *)"s", .inputs = inputs, .input_count = 2};
    const float a[] = {2, 0, 0, 0, 1, 0, 0, 0, 0}, b[] = {0, 1, 0, 0, 1, 0, 0, 0, 0};
    const nnc_eval_output oa = output("y", true, a, 3, (int64_t[]){1, 3, 3}), ob = output("y", true, b, 3, (int64_t[]){1, 3, 3});
    nnc_task_result r = run_task("tokens", &oa, &ob, &sample);
    near(metric(&r, "token_accuracy")->a, 1);
    near(metric(&r, "token_accuracy")->b, 0);
    near(metric(&r, "perplexity")->a, (exp(2) + 2) / exp(2));
    near(metric(&r, "perplexity")->b, (exp(1) + 2) / 1);
    near(metric(&r, "token_agreement")->pair, 0.5);
    nnc_tensor_deinit(&inputs[0]);
    nnc_tensor_deinit(&inputs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlap_and_suppression),
        cmocka_unit_test(agreement),
        cmocka_unit_test(average_precision_of_coco),
        cmocka_unit_test(heads_of_yolo),
        cmocka_unit_test(head_of_distributions),
        cmocka_unit_test(heads_of_lists),
        cmocka_unit_test(head_of_priors),
        cmocka_unit_test(segmentation),
        cmocka_unit_test(regression),
        cmocka_unit_test(next_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
