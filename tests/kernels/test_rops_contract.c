/* contract against brute force in double: every type, every class of labels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

/* Labels as letters; the dims of a..h. */
typedef struct contract_case {
    const char *a, *b, *y;
    int64_t dim[8];
    uint32_t ones; /* bit i: dim i of b is 1 (broadcast) */
} contract_case;

static const contract_case cases[] = {
    {"ab", "bc", "ac", {3, 4, 5}, 0},
    {"ab", "bc", "ca", {17, 33, 21}, 0},
    {"ab", "cb", "ac", {7, 100, 18}, 0},
    {"abc", "acd", "abd", {3, 9, 20, 17}, 0},
    {"abcd", "aebd", "abce", {2, 3, 9, 16, 11}, 0},
    {"bac", "cad", "dab", {3, 9, 20, 17}, 0},
    {"aab", "b", "a", {5, 6}, 0},
    {"abb", NULL, "ab", {4, 7}, 0},
    {"abc", NULL, "ca", {4, 7, 3}, 0},
    {"ab", NULL, "", {4, 70}, 0},
    {"a", "b", "ab", {80, 90}, 0},
    {"a", "a", "", {90}, 0},
    {"ab", "ab", "ab", {9, 80}, 0},
    {"abc", "acd", "abd", {3, 9, 20, 17}, 1},
    {"abcdefgh", "hgfe", "dcba", {2, 1, 3, 2, 2, 3, 1, 2}, 0},
    {"ab", "bc", "ac", {3, 0, 5}, 0},
    {"ab", "bc", "ac", {0, 4, 5}, 0},
};

static uint32_t read_labels(nnrt_contract_params *p, uint32_t i, const char *text)
{
    p->rank[i] = text ? (uint32_t)strlen(text) : 0;
    for (uint32_t d = 0; d < p->rank[i]; d++)
        p->label[i][d] = (uint8_t)(text[d] - 'a');
    return p->rank[i];
}

/* Flat place of the label values in an operand. */
static size_t place(const nnrt_contract_params *p, uint32_t i, const nnrt_shape *s,
                    const int64_t *at)
{
    int64_t flat = 0;
    for (uint32_t d = 0; d < s->rank; d++)
        flat = flat * s->dims[d] + (s->dims[d] == 1 ? 0 : at[p->label[i][d]]);
    return (size_t)flat;
}

static double element(const void *x, nnrt_dtype t, size_t i)
{
    switch (t) {
    case NNRT_F32:
        return (double)((const float *)x)[i];
    case NNRT_F64:
        return ((const double *)x)[i];
    case NNRT_I32:
        return ((const int32_t *)x)[i];
    case NNRT_I64:
        return (double)((const int64_t *)x)[i];
    case NNRT_I16:
        return ((const int16_t *)x)[i];
    default:
        return ((const uint8_t *)x)[i];
    }
}

static void *numbers(nnrt_dtype t, size_t n)
{
    float *f = rop_floats(&rng, n, 1.0f);
    uint64_t *x = calloc(n + 1, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        int v = (int)nnc_rng_below(&rng, 5) - (t == NNRT_U8 ? 0 : 2);
        if (t == NNRT_F32)
            ((float *)x)[i] = f[i];
        else if (t == NNRT_F64)
            ((double *)x)[i] = (double)f[i];
        else if (t == NNRT_I32)
            ((int32_t *)x)[i] = v;
        else if (t == NNRT_I64)
            ((int64_t *)x)[i] = v;
        else if (t == NNRT_I16)
            ((int16_t *)x)[i] = (int16_t)v;
        else
            ((uint8_t *)x)[i] = (uint8_t)v;
    }
    free(f);
    return x;
}

static void check_case(const contract_case *c, nnrt_dtype t)
{
    nnrt_contract_params p;
    nnrt_shape shape[3];
    memset(&p, 0, sizeof p);
    for (uint32_t i = 0; i < 3; i++) {
        shape[i] = (nnrt_shape){.rank = read_labels(&p, i, i == 0 ? c->a : i == 1 ? c->b : c->y)};
        for (uint32_t d = 0; d < shape[i].rank; d++)
            shape[i].dims[d] = i == 1 && (c->ones >> d & 1u) ? 1 : c->dim[p.label[i][d]];
    }
    void *a = numbers(t, nnrt_shape_count(&shape[0])), *b = numbers(t, nnrt_shape_count(&shape[1]));
    rop_case r = {NNRT_ROP_ID_CONTRACT,
                  &p,
                  c->b ? 2 : 1,
                  {{t, shape[0], a, false}, {t, shape[1], b, false}},
                  t,
                  shape[2].rank};
    nnrt_shape got;
    void *y = rop_run(&r, &got);
    assert_true(nnrt_shape_same(&got, &shape[2]));
    size_t outputs = nnrt_shape_count(&got), total = 1;
    double *want = calloc(outputs + 1, sizeof *want), *scale = calloc(outputs + 1, sizeof *scale);
    bool empty = false; /* a dim of 0 that is a label's; unused labels are 0 too */
    for (uint32_t l = 0; l < 8; l++) {
        bool used = strchr(c->a, 'a' + (int)l) || (c->b && strchr(c->b, 'a' + (int)l));
        empty = empty || (used && c->dim[l] == 0);
        total *= c->dim[l] == 0 ? 1 : (size_t)c->dim[l];
    }
    total = empty ? 0 : total;
    for (size_t n = 0; n < total; n++) {
        int64_t at[8];
        size_t rest = n;
        for (uint32_t l = 8; l-- > 0;) {
            size_t dim = c->dim[l] == 0 ? 1 : (size_t)c->dim[l];
            at[l] = (int64_t)(rest % dim);
            rest /= dim;
        }
        double v = element(a, t, place(&p, 0, &shape[0], at)) *
                   (c->b ? element(b, t, place(&p, 1, &shape[1], at)) : 1.0);
        want[place(&p, 2, &shape[2], at)] += v;
        scale[place(&p, 2, &shape[2], at)] += fabs(v);
    }
    for (size_t i = 0; i < outputs; i++) {
        double tol = t == NNRT_F32 ? 2e-6 * scale[i] : t == NNRT_F64 ? 1e-14 * scale[i] : 0.0;
        double v = t == NNRT_U8 ? fmod(want[i], 256.0) : want[i];
        rop_close("contract", i, element(y, t, i), v, 0.0, tol);
    }
    free(a);
    free(b);
    free(y);
    free(want);
    free(scale);
}

static void test_types(void **state)
{
    static const nnrt_dtype types[] = {NNRT_F32, NNRT_F64, NNRT_U8, NNRT_I16, NNRT_I32, NNRT_I64};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            check_case(&cases[i], types[t]);
    }
}

static void test_refused(void **state)
{
    const float x[6] = {0};
    nnrt_contract_params p = {{2, 2, 2}, {{0, 1}, {1, 2}, {0, 2}}};
    rop_case r = {NNRT_ROP_ID_CONTRACT,
                  &p,
                  2,
                  {{NNRT_F32, {2, {2, 3}}, x, false}, {NNRT_F32, {2, {2, 3}}, x, false}},
                  NNRT_F32,
                  2};
    (void)state;
    rop_refuse(&r, NNRT_ERR_MODEL); /* 3 meets 2 */
}

/* Labels that no plan may hold fail when it is loaded. */
static void test_hostile(void **state)
{
    static const nnrt_contract_params bad[] = {
        {{2, 2, 2}, {{0, 99}, {1, 2}, {0, 2}}}, {{2, 2, 2}, {{0, 1}, {1, 2}, {0, 0}}},
        {{2, 2, 2}, {{0, 1}, {1, 2}, {0, 3}}},  {{2, 9, 2}, {{0, 1}, {1, 2}, {0, 2}}},
        {{2, 1, 2}, {{0, 1}, {1, 2}, {0, 2}}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nnrt_builder *b = nnrt_builder_create();
        const nnrt_shape any = {.rank = 2, .dims = {2, 2}};
        uint32_t in[2], out;
        for (uint32_t k = 0; k < 2; k++) {
            in[k] = nnrt_builder_value(b, NNRT_VALUE_INPUT, k ? "b" : "a", NNRT_F32, &any, 0, NULL);
            nnrt_builder_input(b, in[k]);
        }
        out = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_F32, &any, 0, NULL);
        nnrt_builder_node(b, NNRT_ROP_ID_CONTRACT, "op", &bad[i], sizeof bad[i], in, 2, &out, 1);
        nnrt_builder_output(b, out, "y");
        void *image;
        size_t bytes;
        nnrt_model *model = NULL;
        assert_int_equal(nnrt_builder_finish(b, &image, &bytes), NNC_OK);
        nnrt_builder_destroy(b);
        assert_int_equal(nnrt_model_load_memory(&model, image, bytes, NNRT_VERIFY), NNRT_ERR_MODEL);
        nnc_free(image);
    }
}

int main(void)
{
    nnc_rng_init(&rng, 23, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
