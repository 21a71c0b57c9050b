/* Message, progress and cancel callbacks. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmocka_all.h"

typedef struct record {
    nnc_log_level level;
    char text[8192];
    int messages;
    char progress[128];
    bool cancel;
} record;

static void on_message(void *user, nnc_log_level level, const char *text)
{
    record *r = user;
    r->level = level;
    r->messages++;
    snprintf(r->text, sizeof r->text, "%s", text);
}

static void on_progress(void *user, const char *stage, uint64_t done, uint64_t total,
                        const char *unit)
{
    record *r = user;
    snprintf(r->progress, sizeof r->progress, "%s %d/%d %s", stage, (int)done, (int)total, unit);
}

static bool on_cancelled(void *user)
{
    return ((record *)user)->cancel;
}

static void test_callbacks(void **state)
{
    (void)state;
    record r = {0};
    nnc_log log = {on_message, on_progress, on_cancelled, &r};
    nnc_log_info(&log, "%d of %s", 3, "x");
    assert_int_equal(r.level, NNC_LOG_INFO);
    assert_string_equal(r.text, "3 of x");
    nnc_log_warn(&log, "tensor '%s'", "a\nb\x1b");
    assert_int_equal(r.level, NNC_LOG_WARN);
    assert_string_equal(r.text, "tensor 'a\\x0ab\\x1b'");
    nnc_log_debug(&log, "d");
    assert_int_equal(r.level, NNC_LOG_DEBUG);
    nnc_log_debug(&log, "%06000d", 1);
    assert_int_equal(strlen(r.text), 4095);
    assert_int_equal(r.messages, 4);
    nnc_log_progress(&log, "calibrate", 2, 5, "samples");
    assert_string_equal(r.progress, "calibrate 2/5 samples");
    assert_int_equal(nnc_log_poll(&log), NNC_OK);
    r.cancel = true;
    assert_int_equal(nnc_log_poll(&log), NNC_ERR_CANCELLED);
    assert_string_equal(nnc_error_message(), "interrupted");
}

static void test_nothing_set(void **state)
{
    (void)state;
    static const nnc_log empty;
    const nnc_log *const logs[] = {NULL, &empty};
    for (int i = 0; i < 2; i++) {
        nnc_log_info(logs[i], "x");
        nnc_log_warn(logs[i], "x");
        nnc_log_debug(logs[i], "x");
        nnc_log_progress(logs[i], "s", 0, 0, "u");
        assert_int_equal(nnc_log_poll(logs[i]), NNC_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_callbacks),
                                       cmocka_unit_test(test_nothing_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
