/* Plans as hostile bytes: truncation, bit flips, broken indices. SPDX-License-Identifier:
 * Apache-2.0 */
#include "unit/runtime_plan.h"

#include <unistd.h>

#include "base/hash.h"
#include "runtime_int8/plan.h"

typedef struct fixture {
    uint8_t *image, *copy;
    size_t bytes;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    void *image;
    plan_build(&image, &f->bytes);
    f->image = image;
    f->copy = nnc_alloc_aligned(f->bytes);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    nnc_free(f->image);
    nnc_free(f->copy);
    free(f);
    return 0;
}

/* Makes the hashes right again, so that what lies behind them is reached. */
static void mend(uint8_t *image, size_t bytes)
{
    nnrt_plan_header *h = (void *)image;
    nnrt_plan_section *table = (void *)(h + 1);
    if (h->section_count > 11)
        return;
    for (uint32_t i = 0; i < h->section_count; i++) {
        if (table[i].offset <= bytes && table[i].bytes <= bytes - table[i].offset)
            table[i].hash = nnc_hash64(image + table[i].offset, table[i].bytes, 0);
    }
    h->hash = 0;
    h->hash = nnc_hash64(image, sizeof *h + h->section_count * sizeof *table, 0);
}

/* Whatever the bytes are: a status with a message, or a model that runs. True if it loaded. */
static bool survive(const uint8_t *image, size_t bytes, uint32_t flags)
{
    nnrt_model *model;
    nnrt_session *session;
    nnrt_status status = nnrt_model_load_memory(&model, image, bytes, flags);
    if (status != NNRT_OK) {
        assert_null(model);
        assert_true(status == NNRT_ERR_MODEL || status == NNRT_ERR_UNSUPPORTED ||
                    status == NNRT_ERR_LIMIT);
        assert_true(nnrt_error_message()[0] != '\0');
        return false;
    }
    nnrt_session_options o = {.size = sizeof o, .threads = 1, .isa_max = NNRT_ISA_BEST};
    assert_int_equal(nnrt_session_create(&session, model, &o), NNRT_OK);
    nnrt_view view;
    nnrt_shape s = {4, {2, 3, 8, 8}};
    status = nnrt_session_reshape(session, &s, nnrt_model_input_count(model));
    if (nnrt_model_input_count(model) == 1 && status == NNRT_OK &&
        nnrt_session_arena_bytes(session) < 1u << 26) {
        if (nnrt_session_input(session, 0, &view) == NNRT_OK)
            memset(view.data, 1, view.bytes);
        /* Shapes that depend on the data may not fit. */
        status = nnrt_session_run(session);
        assert_true(status == NNRT_OK || status == NNRT_ERR_MODEL || status == NNRT_ERR_LIMIT);
        for (uint32_t i = 0; i < nnrt_model_output_count(model); i++)
            assert_true(nnrt_session_output(session, i, &view) == NNRT_OK || status != NNRT_OK);
    }
    nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    return true;
}

static void test_intact(void **state)
{
    fixture *f = *state;
    nnrt_model *model;
    nnrt_io_info info;
    assert_true(survive(f->image, f->bytes, NNRT_VERIFY));
    assert_int_equal(nnrt_model_load_memory(&model, f->image, f->bytes, NNRT_VERIFY), NNRT_OK);
    assert_int_equal(nnrt_model_input_count(model), 1);
    assert_int_equal(nnrt_model_output_count(model), 1);
    assert_int_equal(nnrt_model_input(model, 0, &info), NNRT_OK);
    assert_string_equal(info.name, "x");
    assert_true(info.dtype == NNRT_F32 && info.shape.rank == 4 && info.shape.dims[0] == -1 &&
                info.shape.dims[1] == 3);
    assert_int_equal(nnrt_model_output(model, 0, &info), NNRT_OK);
    assert_string_equal(info.name, "probabilities");
    assert_int_equal(nnrt_model_output(model, 1, &info), NNRT_ERR_USAGE);
    assert_string_equal(nnrt_model_metadata(model, "preprocess"), "none");
    assert_string_equal(nnrt_model_metadata(model, "source"), "test");
    assert_null(nnrt_model_metadata(model, "absent"));
    nnrt_model_destroy(model);
}

static void test_deterministic(void **state)
{
    fixture *f = *state;
    void *again;
    size_t bytes;
    plan_build(&again, &bytes);
    assert_int_equal(bytes, f->bytes);
    assert_memory_equal(again, f->image, bytes);
    nnc_free(again);
}

static void test_truncated(void **state)
{
    fixture *f = *state;
    for (size_t n = 0; n < f->bytes; n++) {
        memcpy(f->copy, f->image, f->bytes);
        assert_false(survive(f->copy, n, n % 2 ? NNRT_VERIFY : 0));
        if (n < sizeof(nnrt_plan_header))
            continue;
        ((nnrt_plan_header *)(void *)f->copy)->file_bytes = n;
        mend(f->copy, n);
        survive(f->copy, n, 0);
    }
}

/* Every single bit error is found with NNRT_VERIFY, except in the padding between sections. */
static void test_bit_flips(void **state)
{
    fixture *f = *state;
    const nnrt_plan_header *h = (const void *)f->image;
    const nnrt_plan_section *table = (const void *)(h + 1);
    for (size_t at = 0; at < f->bytes; at++) {
        bool covered = at < sizeof *h + h->section_count * sizeof *table;
        for (uint32_t i = 0; i < h->section_count; i++)
            covered = covered || (at >= table[i].offset && at < table[i].offset + table[i].bytes);
        memcpy(f->copy, f->image, f->bytes);
        f->copy[at] ^= (uint8_t)(1u << (at % 8));
        assert_true(survive(f->copy, f->bytes, NNRT_VERIFY) == !covered);
        survive(f->copy, f->bytes, 0);
    }
}

/* The same with hashes made right: the checks behind them must hold alone. */
static void test_mended_flips(void **state)
{
    fixture *f = *state;
    size_t loaded = 0;
    const nnrt_plan_header *h = (const void *)f->image;
    const nnrt_plan_section *table = (const void *)(h + 1);
    for (uint32_t k = 0; k < h->section_count; k++) {
        for (size_t at = table[k].offset; at < table[k].offset + table[k].bytes; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                memcpy(f->copy, f->image, f->bytes);
                f->copy[at] ^= (uint8_t)(1u << bit);
                mend(f->copy, f->bytes);
                loaded += survive(f->copy, f->bytes, NNRT_VERIFY);
            }
        }
    }
    assert_true(loaded > 0); /* floats of constants may change freely */
    for (size_t at = 0; at < sizeof *h + h->section_count * sizeof *table; at++) {
        for (unsigned value = 0; value < 256; value += 17) {
            memcpy(f->copy, f->image, f->bytes);
            f->copy[at] = (uint8_t)value;
            mend(f->copy, f->bytes);
            survive(f->copy, f->bytes, 0);
        }
    }
}

/* 32-bit fields of all metadata set to values that break naive index arithmetic. */
static void test_wild_fields(void **state)
{
    fixture *f = *state;
    static const uint32_t wild[] = {0,          1,          7,          8,         255,
                                    0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    const nnrt_plan_header *h = (const void *)f->image;
    const nnrt_plan_section *table = (const void *)(h + 1);
    for (uint32_t k = 0; k < h->section_count; k++) {
        for (size_t at = table[k].offset; at + 4 <= table[k].offset + table[k].bytes; at += 4) {
            for (size_t w = 0; w < sizeof wild / sizeof *wild; w++) {
                memcpy(f->copy, f->image, f->bytes);
                memcpy(f->copy + at, &wild[w], sizeof wild[w]);
                mend(f->copy, f->bytes);
                survive(f->copy, f->bytes, 0);
            }
        }
    }
}

static void test_sections(void **state)
{
    fixture *f = *state;
    nnrt_plan_header *h = (void *)f->copy;
    nnrt_plan_section *table = (void *)(h + 1);
    nnrt_model *model;
    memcpy(f->copy, f->image, f->bytes);
    memcpy(table[9].kind, "NEW!", 4); /* PROV is optional: an unknown optional section is skipped */
    mend(f->copy, f->bytes);
    assert_int_equal(nnrt_model_load_memory(&model, f->copy, f->bytes, 0), NNRT_OK);
    assert_null(nnrt_model_metadata(model, "source"));
    nnrt_model_destroy(model);
    table[9].flags = NNRT_SECTION_REQUIRED;
    mend(f->copy, f->bytes);
    assert_int_equal(nnrt_model_load_memory(&model, f->copy, f->bytes, 0), NNRT_ERR_UNSUPPORTED);
    memcpy(f->copy, f->image, f->bytes);
    h->major = 2;
    mend(f->copy, f->bytes);
    assert_int_equal(nnrt_model_load_memory(&model, f->copy, f->bytes, 0), NNRT_ERR_UNSUPPORTED);
    assert_int_equal(nnrt_model_load_memory(&model, f->image + 8, f->bytes - 8, 0), NNRT_ERR_USAGE);
}

static void test_file(void **state)
{
    fixture *f = *state;
    char path[] = "/tmp/nnrt_plan_XXXXXX";
    nnrt_model *model;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->image, f->bytes), (ssize_t)f->bytes);
    close(fd);
    assert_int_equal(nnrt_model_load(&model, path, NNRT_VERIFY), NNRT_OK);
    nnrt_model_destroy(model);
    assert_int_equal(truncate(path, (off_t)f->bytes / 2), 0);
    assert_int_equal(nnrt_model_load(&model, path, 0), NNRT_ERR_MODEL);
    assert_non_null(strstr(nnrt_error_message(), path));
    unlink(path);
    assert_int_equal(nnrt_model_load(&model, path, 0), NNRT_ERR_IO);
}

/* Errors of the builder stick and are reported once, at the end. */
static void test_builder_errors(void **state)
{
    (void)state;
    nnrt_builder *b = nnrt_builder_create();
    nnrt_shape s = {.rank = 1, .dims = {3}};
    void *image;
    size_t bytes;
    assert_int_equal(nnrt_builder_const(b, "w", NNRT_F32, &s, "x", 1), NNRT_NONE);
    assert_int_equal(nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &s, 0, NULL),
                     NNRT_NONE);
    assert_int_equal(nnrt_builder_finish(b, &image, &bytes), NNC_ERR_MODEL);
    assert_non_null(strstr(nnrt_error_message(), "'w'"));
    assert_null(image);
    nnrt_builder_destroy(b);
}

/* Descriptors say what the table says. */
static void test_descriptors(void **state)
{
    (void)state;
    const nnrt_rop *rop;
    unsigned count = 0;
#define ROP(id, number, label, params, min, max, n_out, host, bits)                                \
    rop = nnrt_rop_find(number);                                                                   \
    assert_non_null(rop);                                                                          \
    assert_string_equal(rop->name, #label);                                                        \
    assert_int_equal(rop->params_bytes,                                                            \
                     strcmp(#params, "nnrt_no_params") == 0 ? 0 : sizeof(params));                 \
    assert_int_equal(rop->min_in, min);                                                            \
    assert_int_equal(rop->max_in, max);                                                            \
    assert_int_equal(rop->out_count, n_out);                                                       \
    assert_int_equal(rop->host_inputs, host);                                                      \
    assert_int_equal(rop->flags, bits);                                                            \
    assert_non_null(rop->check);                                                                   \
    assert_non_null(rop->reshape);                                                                 \
    assert_true(rop->run != NULL || (rop->flags & NNRT_ROP_ALIAS));                                \
    count++;
#include "runtime_int8/ops/rops.def"
#undef ROP
    for (uint32_t i = 0; i < 300; i++)
        count -= nnrt_rop_find(i) != NULL;
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_intact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deterministic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bit_flips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mended_flips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wild_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test(test_builder_errors),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
