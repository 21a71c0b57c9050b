/* Blocks of a plan: if and loop, nested, hostile. SPDX-License-Identifier: Apache-2.0 */
#include "unit/runtime_plan.h"

#include "base/hash.h"

static const nnrt_binary_params add = {NNRT_BINARY_ADD, {-INFINITY, INFINITY}};
static const nnrt_binary_params less = {NNRT_BINARY_LESS, {-INFINITY, INFINITY}};
static const nnrt_axis_params axis0 = {0};

static uint32_t block_input(nnrt_builder *b, const char *name, nnrt_dtype dtype, uint32_t rank)
{
    nnrt_shape any = {.rank = rank};
    for (uint32_t i = 0; i < rank && i < NNRT_RANK_MAX; i++)
        any.dims[i] = NNRT_DIM_UNKNOWN;
    uint32_t v = nnrt_builder_value(b, NNRT_VALUE_INPUT, name, dtype, &any, 0, NULL);
    nnrt_builder_input(b, v);
    return v;
}

static uint32_t any_rank(nnrt_builder *b, const char *name, nnrt_dtype dtype)
{
    const nnrt_shape any = {.rank = NNRT_RANK_ANY};
    return nnrt_builder_value(b, NNRT_VALUE_TEMP, name, dtype, &any, 0, NULL);
}

/* trip (i64 scalar), x [n], limit (f32 scalar) ->
 * loop over (total = 0 [n], list = [] [k]), captures x, limit:
 *   total += x; grown = list ++ x[iteration : iteration + 1] by gather; keep = total's sum < limit;
 *   if iteration < 2 (then x, else total + x) -> scanned
 * outputs: total [n], list [iterations], scans [iterations, n]. */
static void build(void **image, size_t *bytes)
{
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    const nnrt_shape none = {.rank = 0}, empty = {1, {0}}, xs = {1, {nnrt_builder_symbol(b, "n")}};
    uint32_t trip = nnrt_builder_value(b, NNRT_VALUE_INPUT, "trip", NNRT_I64, &none, 0, NULL),
             x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &xs, 0, NULL),
             limit = nnrt_builder_value(b, NNRT_VALUE_INPUT, "limit", NNRT_F32, &none, 0, NULL);
    const float zero = 0;
    const int64_t two = 2;
    uint32_t c0 = nnrt_builder_const(b, "zero", NNRT_F32, &none, &zero, sizeof zero),
             c2 = nnrt_builder_const(b, "two", NNRT_I64, &none, &two, sizeof two),
             nothing = nnrt_builder_const(b, "nothing", NNRT_F32, &empty, &zero, 0);
    const nnrt_unary_params relu = {NNRT_UNARY_RELU, 0, 0};
    const nnrt_binary_params mul = {NNRT_BINARY_MUL, {-INFINITY, INFINITY}};
    const nnrt_reduce_params sum = {NNRT_REDUCE_SUM, 0, 0};
    const nnrt_axes_params front = {1};
    nnrt_builder_input(b, trip);
    nnrt_builder_input(b, x);
    nnrt_builder_input(b, limit);
    uint32_t start = plan_temp(b, "start", NNRT_F32, 1), xx = plan_temp(b, "xx", NNRT_F32, 1);
    PLAN_NODE(b, BINARY, "start", &mul, ((uint32_t[]){x, c0}), start);
    PLAN_NODE(b, UNARY, "xx", &relu, ((uint32_t[]){x}), xx);

    nnrt_loop_params loop = {.trips = 1, .carried = 2, .scans = 1};
    loop.body = nnrt_builder_block_begin(b, "body");
    uint32_t i = block_input(b, "i", NNRT_I64, 0);
    block_input(b, "cond", NNRT_BOOL, 0);
    uint32_t total = block_input(b, "total", NNRT_F32, 1), list = block_input(b, "list", NNRT_F32, 1),
             bx = block_input(b, "bx", NNRT_F32, 1), bl = block_input(b, "bl", NNRT_F32, 0);
    uint32_t next = plan_temp(b, "next", NNRT_F32, 1), all = plan_temp(b, "all", NNRT_F32, 0),
             again = plan_temp(b, "again", NNRT_BOOL, 0), item = plan_temp(b, "item", NNRT_F32, 0),
             items = plan_temp(b, "items", NNRT_F32, 1), grown = plan_temp(b, "grown", NNRT_F32, 1),
             early = plan_temp(b, "early", NNRT_BOOL, 0), scan = plan_temp(b, "scan", NNRT_F32, 1);
    PLAN_NODE(b, BINARY, "next", &add, ((uint32_t[]){total, bx}), next);
    PLAN_NODE(b, REDUCE, "all", &sum, ((uint32_t[]){next}), all);
    PLAN_NODE(b, BINARY, "again", &less, ((uint32_t[]){all, bl}), again);
    PLAN_NODE(b, GATHER, "item", &axis0, ((uint32_t[]){bx, i}), item);
    PLAN_NODE(b, UNSQUEEZE, "items", &front, ((uint32_t[]){item}), items);
    PLAN_NODE(b, CONCAT, "grown", &axis0, ((uint32_t[]){list, items}), grown);
    PLAN_NODE(b, BINARY, "early", &less, ((uint32_t[]){i, c2}), early);
    nnrt_if_params branch;
    branch.then_block = nnrt_builder_block_begin(b, "then");
    uint32_t tx = block_input(b, "tx", NNRT_F32, 1);
    block_input(b, "tt", NNRT_F32, 1);
    nnrt_builder_output(b, tx, NULL);
    nnrt_builder_block_end(b);
    branch.else_block = nnrt_builder_block_begin(b, "else");
    uint32_t ex = block_input(b, "ex", NNRT_F32, 1), et = block_input(b, "et", NNRT_F32, 1),
             es = plan_temp(b, "es", NNRT_F32, 1);
    PLAN_NODE(b, BINARY, "es", &add, ((uint32_t[]){ex, et}), es);
    nnrt_builder_output(b, es, NULL);
    nnrt_builder_block_end(b);
    PLAN_NODE(b, IF, "branch", &branch, ((uint32_t[]){early, bx, next}), scan);
    nnrt_builder_output(b, again, NULL);
    nnrt_builder_output(b, next, NULL);
    nnrt_builder_output(b, grown, NULL);
    nnrt_builder_output(b, scan, NULL);
    nnrt_builder_block_end(b);

    uint32_t out[3] = {plan_temp(b, "total_out", NNRT_F32, 1), plan_temp(b, "list_out", NNRT_F32, 1),
                       plan_temp(b, "scans", NNRT_F32, 2)};
    uint32_t in[5] = {trip, start, nothing, xx, limit};
    nnrt_builder_node(b, NNRT_ROP_ID_LOOP, "loop", &loop, sizeof loop, in, 5, out, 3);
    for (int k = 0; k < 3; k++)
        nnrt_builder_output(b, out[k], "out");
    if (nnrt_builder_finish(b, image, bytes) != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
}

typedef struct fixture {
    uint8_t *image, *copy;
    size_t bytes;
    nnrt_model *model;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    void *image;
    build(&image, &f->bytes);
    f->image = image;
    f->copy = nnc_alloc_aligned(f->bytes);
    if (nnrt_model_load_memory(&f->model, f->image, f->bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    nnrt_model_destroy(f->model);
    nnc_free(f->image);
    nnc_free(f->copy);
    free(f);
    return 0;
}

static nnrt_session *open_session(const nnrt_model *model, uint32_t threads)
{
    nnrt_session_options o = {.size = sizeof o, .threads = threads, .isa_max = NNRT_ISA_BEST};
    nnrt_session *session;
    if (nnrt_session_create(&session, model, &o) != NNRT_OK)
        fail_msg("session: %s", nnrt_error_message());
    return session;
}

static nnrt_view io(nnrt_session *s, uint32_t i, bool output)
{
    nnrt_view v;
    if ((output ? nnrt_session_output(s, i, &v) : nnrt_session_input(s, i, &v)) != NNRT_OK)
        fail_msg("%s", nnrt_error_message());
    return v;
}

static nnrt_status run(nnrt_session *s, int64_t trip, int64_t n, float limit)
{
    const nnrt_shape shapes[3] = {{.rank = 0}, {1, {n}}, {.rank = 0}};
    assert_int_equal(nnrt_session_reshape(s, shapes, 3), NNRT_OK);
    *(int64_t *)io(s, 0, false).data = trip;
    *(float *)io(s, 2, false).data = limit;
    float *x = io(s, 1, false).data;
    for (int64_t k = 0; k < n; k++)
        x[k] = (float)(k + 1);
    return nnrt_session_run(s);
}

/* iterations: what trip count and condition leave. */
static void run_and_check(nnrt_session *s, int64_t trip, int64_t n, float limit, int64_t iterations)
{
    if (run(s, trip, n, limit) != NNRT_OK)
        fail_msg("%s", nnrt_error_message());
    nnrt_view total = io(s, 0, true), list = io(s, 1, true), scans = io(s, 2, true);
    assert_true(total.shape.rank == 1 && total.shape.dims[0] == n);
    assert_true(list.shape.rank == 1 && list.shape.dims[0] == iterations);
    assert_true(scans.shape.rank == 2 && scans.shape.dims[0] == iterations);
    assert_true(scans.shape.dims[1] == (iterations > 0 ? n : 0));
    for (int64_t k = 0; k < n; k++)
        assert_true(((float *)total.data)[k] == (float)(iterations * (k + 1)));
    for (int64_t k = 0; k < iterations; k++) {
        assert_true(((float *)list.data)[k] == (float)((k < n ? k : n - 1) + 1));
        for (int64_t j = 0; j < n; j++)
            assert_true(((float *)scans.data)[k * n + j] ==
                        (float)((k < 2 ? 1 : k + 2) * (j + 1)));
    }
}

static void test_loop(void **state)
{
    fixture *f = *state;
    for (uint32_t threads = 1; threads < 4; threads += 2) {
        nnrt_session *s = open_session(f->model, threads);
        for (int round = 0; round < 2; round++) {
            run_and_check(s, 3, 4, INFINITY, 3);
            run_and_check(s, 0, 4, INFINITY, 0);
            run_and_check(s, -7, 4, INFINITY, 0);
            run_and_check(s, 4, 5, INFINITY, 4);
            run_and_check(s, 100, 2, 8.5f, 3); /* 3 a step: 3, 6, 9 */
            run_and_check(s, 100, 100, 0.0f, 1);
            run_and_check(s, 1, 1, INFINITY, 1);
        }
        nnrt_session_destroy(s);
    }
}

/* A loop without a trip count whose condition stays. */
static void test_endless(void **state)
{
    (void)state;
    nnrt_builder *b = nnrt_builder_create();
    const nnrt_shape one = {1, {1}};
    const nnrt_loop_params loop = {.body = nnrt_builder_block_begin(b, "body")};
    const uint8_t yes = 1;
    block_input(b, "i", NNRT_I64, 0);
    block_input(b, "cond", NNRT_BOOL, 0);
    nnrt_builder_output(b, nnrt_builder_const(b, "yes", NNRT_BOOL, &one, &yes, 1), NULL);
    nnrt_builder_block_end(b);
    nnrt_builder_node(b, NNRT_ROP_ID_LOOP, "endless", &loop, sizeof loop, NULL, 0, NULL, 0);
    void *image;
    size_t bytes;
    nnrt_model *model;
    assert_int_equal(nnrt_builder_finish(b, &image, &bytes), NNC_OK);
    nnrt_builder_destroy(b);
    if (nnrt_model_load_memory(&model, image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
    nnrt_session *s = open_session(model, 1);
    assert_int_equal(nnrt_session_run(s), NNRT_ERR_LIMIT);
    assert_non_null(strstr(nnrt_error_message(), "'endless': more than"));
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

/* One of two ranks: then x [n], else x with a dim in front; behind it the shape. */
static void test_ranks(void **state)
{
    (void)state;
    nnrt_builder *b = nnrt_builder_create();
    const nnrt_shape none = {.rank = 0}, xs = {1, {nnrt_builder_symbol(b, "n")}};
    uint32_t cond = nnrt_builder_value(b, NNRT_VALUE_INPUT, "cond", NNRT_BOOL, &none, 0, NULL),
             x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &xs, 0, NULL);
    const nnrt_axes_params front = {1}, keep = {0};
    const nnrt_shape_params whole = {0, INT32_MAX};
    nnrt_if_params p;
    nnrt_builder_input(b, cond);
    nnrt_builder_input(b, x);
    for (int k = 0; k < 2; k++) {
        uint32_t block = nnrt_builder_block_begin(b, k == 0 ? "then" : "else");
        *(k == 0 ? &p.then_block : &p.else_block) = block;
        uint32_t bx = block_input(b, "bx", NNRT_F32, 1), y = plan_temp(b, "by", NNRT_F32, 1 + (uint32_t)k);
        PLAN_NODE(b, UNSQUEEZE, "u", k == 0 ? &keep : &front, ((uint32_t[]){bx}), y);
        nnrt_builder_output(b, y, NULL);
        nnrt_builder_block_end(b);
    }
    uint32_t y = any_rank(b, "y", NNRT_F32), z = any_rank(b, "z", NNRT_F32),
             dims = plan_temp(b, "dims", NNRT_I64, 1);
    PLAN_NODE(b, IF, "if", &p, ((uint32_t[]){cond, x}), y);
    PLAN_NODE(b, UNSQUEEZE, "more", &front, ((uint32_t[]){y}), z);
    PLAN_NODE(b, SHAPE, "dims", &whole, ((uint32_t[]){z}), dims);
    nnrt_builder_output(b, z, "z");
    nnrt_builder_output(b, dims, "dims");
    void *image;
    size_t bytes;
    nnrt_model *model;
    assert_int_equal(nnrt_builder_finish(b, &image, &bytes), NNC_OK);
    nnrt_builder_destroy(b);
    if (nnrt_model_load_memory(&model, image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
    nnrt_session *s = open_session(model, 1);
    for (int64_t k = 0; k < 6; k++) {
        const int64_t n = 1 + k / 2;
        const nnrt_shape shapes[2] = {{.rank = 0}, {1, {n}}};
        assert_int_equal(nnrt_session_reshape(s, shapes, 2), NNRT_OK);
        *(uint8_t *)io(s, 0, false).data = k % 2 == 0;
        for (int64_t i = 0; i < n; i++)
            ((float *)io(s, 1, false).data)[i] = (float)(10 * k + i);
        if (nnrt_session_run(s) != NNRT_OK)
            fail_msg("run: %s", nnrt_error_message());
        nnrt_view v = io(s, 0, true), d = io(s, 1, true);
        assert_true(v.shape.rank == (k % 2 == 0 ? 2u : 3u) && d.shape.dims[0] == v.shape.rank);
        assert_true(v.shape.dims[0] == 1 && v.shape.dims[v.shape.rank - 1] == n);
        for (uint32_t i = 0; i < v.shape.rank; i++)
            assert_true(((int64_t *)d.data)[i] == v.shape.dims[i]);
        for (int64_t i = 0; i < n; i++)
            assert_true(((float *)v.data)[i] == (float)(10 * k + i));
    }
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

/* ---- hostile ---- */

static void mend(uint8_t *image)
{
    nnrt_plan_header *h = (void *)image;
    nnrt_plan_section *table = (void *)(h + 1);
    for (uint32_t i = 0; i < h->section_count; i++)
        table[i].hash = nnc_hash64(image + table[i].offset, table[i].bytes, 0);
    h->hash = 0;
    h->hash = nnc_hash64(image, sizeof *h + h->section_count * sizeof *table, 0);
}

/* Whatever it is: one line, or a model whose run ends. */
static void survive(const fixture *f)
{
    nnrt_model *model;
    nnrt_status status = nnrt_model_load_memory(&model, f->copy, f->bytes, 0);
    if (status != NNRT_OK) {
        assert_true(status == NNRT_ERR_MODEL || status == NNRT_ERR_UNSUPPORTED || status == NNRT_ERR_LIMIT);
        assert_true(strchr(nnrt_error_message(), '\n') == NULL && nnrt_error_message()[0] != '\0');
        return;
    }
    nnrt_session *s = open_session(model, 1);
    const nnrt_shape shapes[3] = {{.rank = 0}, {1, {3}}, {.rank = 0}};
    if (nnrt_model_input_count(model) == 3 && nnrt_session_reshape(s, shapes, 3) == NNRT_OK) {
        for (uint32_t i = 0; i < 3; i++)
            memset(io(s, i, false).data, 0, io(s, i, false).bytes);
        if (io(s, 0, false).bytes > 0)
            *(uint8_t *)io(s, 0, false).data = 3;
        nnrt_view v;
        status = nnrt_session_run(s);
        for (uint32_t i = 0; i < nnrt_model_output_count(model); i++)
            assert_true(nnrt_session_output(s, i, &v) == NNRT_OK || status != NNRT_OK);
    }
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
}

static void test_wild_fields(void **state)
{
    fixture *f = *state;
    static const uint32_t wild[] = {0, 1, 2, 3, 4, 9, 255, 0x7fffffff, 0xffffffff};
    static const char kinds[] = "NODEIOLSPARMBLKSVALS";
    const nnrt_plan_header *h = (const void *)f->image;
    const nnrt_plan_section *table = (const void *)(h + 1);
    for (uint32_t k = 0; k < h->section_count; k++) {
        char kind[5] = {0};
        memcpy(kind, table[k].kind, 4);
        if (strstr(kinds, kind) == NULL)
            continue;
        for (size_t at = table[k].offset; at + 4 <= table[k].offset + table[k].bytes; at += 4) {
            for (size_t w = 0; w < sizeof wild / sizeof *wild; w++) {
                memcpy(f->copy, f->image, f->bytes);
                memcpy(f->copy + at, &wild[w], sizeof wild[w]);
                mend(f->copy);
                survive(f);
            }
        }
    }
}

static void *params_of(fixture *f, nnrt_rop_id rop)
{
    const nnrt_plan_header *h = (const void *)f->copy;
    const nnrt_plan_section *table = (const void *)(h + 1), *node = NULL, *parm = NULL;
    for (uint32_t k = 0; k < h->section_count; k++) {
        node = memcmp(table[k].kind, "NODE", 4) == 0 ? &table[k] : node;
        parm = memcmp(table[k].kind, "PARM", 4) == 0 ? &table[k] : parm;
    }
    const nnrt_plan_node *nodes = (const void *)(f->copy + node->offset);
    while (nodes->rop != (uint32_t)rop)
        nodes++;
    return f->copy + parm->offset + nodes->params;
}

static void expect_refused(fixture *f, nnrt_rop_id rop, uint32_t word, uint32_t value, const char *text)
{
    nnrt_model *model;
    memcpy(f->copy, f->image, f->bytes);
    ((uint32_t *)params_of(f, rop))[word] = value;
    mend(f->copy);
    assert_int_equal(nnrt_model_load_memory(&model, f->copy, f->bytes, 0), NNRT_ERR_MODEL);
    if (strstr(nnrt_error_message(), text) == NULL)
        fail_msg("'%s' lacks '%s'", nnrt_error_message(), text);
}

static void test_block_references(void **state)
{
    fixture *f = *state;
    expect_refused(f, NNRT_ROP_ID_LOOP, 0, 0, "'loop': block 0 within block 0");
    expect_refused(f, NNRT_ROP_ID_LOOP, 0, 4, "'loop': block 4 within block 0");
    expect_refused(f, NNRT_ROP_ID_LOOP, 0, 2, "'loop': block 2 has 2 inputs");
    expect_refused(f, NNRT_ROP_ID_IF, 0, 1, "'branch': block 1 within block 1");
    expect_refused(f, NNRT_ROP_ID_IF, 0, 3, "belongs to another node too");
    expect_refused(f, NNRT_ROP_ID_LOOP, 4, 1, "1 carried values and 1 scans");
    expect_refused(f, NNRT_ROP_ID_LOOP, 1, 7, "7 trip counts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test_setup_teardown(test_wild_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_block_references, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
