/* The backend tests of the ONNX project through import, preparation, plan and session. SPDX-License-Identifier: Apache-2.0
 * Every case runs in a process of its own, so that one crash is one failure. scripts/peers/onnx_tests writes the
 * cases; without them the program says so and returns 77. Compared as ONNX's own runner does, integers exactly. */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "exec/exec.h"
#include "onnx/onnx.h"
#include "passes/pass.h"

#define CASE_SECONDS 60

/* Why a tensor runtime leaves a case out; they do not count in the share. */
static const char *const left_out[] = {"training", "preview", "ml", "string", "map", "random"};
#define LEFT_OUT (sizeof left_out / sizeof left_out[0])

typedef enum result { SKIPPED, PASS, UNSUPPORTED, FAIL } result;
static const char *const result_names[] = {"SKIPPED", "PASS", "UNSUPPORTED", "FAIL"};

typedef struct test_case {
    char *name, *reason; /* "node/test_abs"; "-" or why it may be left out */
    double rtol, atol;
    result result;
    char text[512];
    bool listed, selected;
} test_case;

typedef struct suite {
    const char *data, *filter, *list;
    bool update, verbose;
    test_case *cases;
    size_t count;
} suite;

/* ---- one case, in the child ---- */

static bool close_to(double got, double want, const test_case *c)
{
    if (isnan(got) || isnan(want)) {
        return isnan(got) && isnan(want);
    }
    return got == want || fabs(got - want) <= c->atol + c->rtol * fabs(want);
}

static nnc_status compare(const nnc_tensor *got, const nnc_tensor *want, size_t index, const test_case *given)
{
    char a[256], b[256];
    if (got->dtype != want->dtype) {
        NNC_FAIL(NNC_ERR_DATA, "output %zu is %s, expected %s", index, nnc_dtype_name((int)got->dtype),
                 nnc_dtype_name((int)want->dtype));
    }
    if (!nnc_shape_equal(&got->shape, &want->shape)) {
        NNC_FAIL(NNC_ERR_DATA, "output %zu is %s, expected %s", index, nnc_shape_format(a, sizeof a, &got->shape),
                 nnc_shape_format(b, sizeof b, &want->shape));
    }
    test_case c = *given;
    bool is_float = nnc_dtype_class_of((int)got->dtype) == NNC_DTYPE_CLASS_FLOAT;
    if (got->dtype == NNC_DTYPE_BFLOAT16) {
        c.rtol = fmax(c.rtol, 0x1p-6); /* two units in the last place */
    }
    for (size_t i = 0; i < nnc_tensor_count(got); i++) {
        double x = nnc_tensor_get_double(got, i), y = nnc_tensor_get_double(want, i);
        if (is_float ? !close_to(x, y, &c) : nnc_tensor_get_int(got, i) != nnc_tensor_get_int(want, i)) {
            NNC_FAIL(NNC_ERR_DATA, "output %zu %s: element %zu is %.9g, expected %.9g", index,
                     nnc_shape_format(a, sizeof a, &got->shape), i, x, y);
        }
    }
    return NNC_OK;
}

/* Files input_0.pb, input_1.pb, ... of a data set; the tensors are the process's. */
static nnc_status read_tensors(nnc_tensor **out, size_t *count, const char *folder, const char *what)
{
    nnc_tensor *tensors = NULL;
    for (*count = 0;; ++*count) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s_%zu.pb", folder, what, *count);
        if (access(path, R_OK) != 0) {
            *out = tensors;
            return NNC_OK;
        }
        tensors = realloc(tensors, (*count + 1) * sizeof *tensors);
        memset(&tensors[*count], 0, sizeof *tensors);
        nnc_str name = {0};
        NNC_TRY(nnc_onnx_read_tensor(&tensors[*count], &name, path));
        nnc_str_deinit(&name);
    }
}

static nnc_status run_data_set(nnc_exec *exec, const char *folder, const test_case *c)
{
    nnc_tensor *inputs = NULL, *wanted = NULL;
    size_t input_count = 0, output_count = 0;
    NNC_TRY(read_tensors(&inputs, &input_count, folder, "input"));
    NNC_TRY(read_tensors(&wanted, &output_count, folder, "output"));
    NNC_TRY(nnc_exec_run(exec, inputs, input_count));
    if (output_count != nnrt_model_output_count(nnc_exec_model(exec))) {
        NNC_FAIL(NNC_ERR_DATA, "%u outputs, expected %zu", nnrt_model_output_count(nnc_exec_model(exec)),
                 output_count);
    }
    for (size_t i = 0; i < output_count; i++) {
        nnc_tensor got = {0};
        NNC_TRY(nnc_exec_output(&got, exec, i));
        NNC_TRY(compare(&got, &wanted[i], i, c));
        nnc_tensor_deinit(&got);
        nnc_tensor_deinit(&wanted[i]);
    }
    for (size_t i = 0; i < input_count; i++) {
        nnc_tensor_deinit(&inputs[i]);
    }
    free(inputs);
    free(wanted);
    return NNC_OK;
}

static nnc_status run_case(const char *data, const test_case *c)
{
    char path[4096];
    nnc_graph *graph = NULL;
    nnc_exec *exec = NULL;
    nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    snprintf(path, sizeof path, "%s/%s/model.onnx", data, c->name);
    NNC_TRY(nnc_onnx_load(&graph, path, NULL, NULL, NULL));
    NNC_TRY(nnc_passes_prepare(graph, &(nnc_pass_ctx){.threads = 1, .isa_max = NNRT_ISA_BEST}));
    NNC_TRY(nnc_exec_create(&exec, graph, &options));
    size_t sets = 0;
    for (;; sets++) {
        snprintf(path, sizeof path, "%s/%s/test_data_set_%zu", data, c->name, sets);
        if (access(path, R_OK) != 0) {
            break;
        }
        NNC_TRY(run_data_set(exec, path, c));
    }
    nnc_exec_destroy(exec);
    nnc_graph_destroy(graph);
    if (sets == 0) {
        NNC_FAIL(NNC_ERR_DATA, "no test data");
    }
    return NNC_OK;
}

/* Does not return: writes a digit for the result and the message. */
static void child(int fd, const char *data, const test_case *c)
{
    alarm(CASE_SECONDS);
    nnc_status status = run_case(data, c);
    result r = status == NNC_OK ? PASS : status == NNC_ERR_UNSUPPORTED ? UNSUPPORTED : FAIL;
    const char *text = status == NNC_OK ? "" : nnc_error_message();
    const char *cut = strstr(text, "model.onnx: "); /* the path tells nothing new */
    FILE *f = fdopen(fd, "w");
    fprintf(f, "%d%s", (int)r, cut ? cut + strlen("model.onnx: ") : text);
    fclose(f);
    _exit(0);
}

static void in_child(const char *data, test_case *c)
{
    int ends[2];
    if (pipe(ends) != 0) {
        c->result = FAIL;
        snprintf(c->text, sizeof c->text, "pipe: %s", strerror(errno));
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(ends[1], data, c);
    }
    close(ends[1]);
    char answer[sizeof c->text] = "";
    size_t length = 0;
    ssize_t got;
    while (length + 1 < sizeof answer && (got = read(ends[0], answer + length, sizeof answer - 1 - length)) > 0) {
        length += (size_t)got;
    }
    answer[length] = '\0';
    close(ends[0]);
    int state = 0;
    waitpid(pid, &state, 0);
    if (length > 0 && WIFEXITED(state) && WEXITSTATUS(state) == 0) {
        c->result = (result)(answer[0] - '0');
        snprintf(c->text, sizeof c->text, "%s", answer + 1);
        return;
    }
    c->result = FAIL;
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGALRM) {
        snprintf(c->text, sizeof c->text, "no answer in %d s", CASE_SECONDS);
    } else {
        snprintf(c->text, sizeof c->text, "%s %d", WIFSIGNALED(state) ? "signal" : "exit",
                 WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
    }
}

/* ---- index and list ---- */

static bool read_index(suite *s)
{
    char path[4096], line[1024];
    snprintf(path, sizeof path, "%s/index.tsv", s->data);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        char name[512], reason[64];
        double rtol, atol;
        if (sscanf(line, "%511s %63s %lf %lf", name, reason, &rtol, &atol) != 4) {
            continue;
        }
        s->cases = realloc(s->cases, (s->count + 1) * sizeof *s->cases);
        s->cases[s->count++] = (test_case){
            .name = strdup(name), .reason = strdup(reason), .rtol = rtol, .atol = atol,
            .selected = !s->filter || fnmatch(s->filter, name, 0) == 0};
    }
    if (f) {
        fclose(f);
    }
    return s->count > 0;
}

static test_case *find_case(suite *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->cases[i].name, name) == 0) {
            return &s->cases[i];
        }
    }
    return NULL;
}

/* Marks the listed cases; returns how many names are no cases. */
static int read_list(suite *s)
{
    char line[1024];
    int unknown = 0;
    FILE *f = fopen(s->list, "r");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        test_case *c = find_case(s, line);
        if (!c) {
            printf("listed, but there is no such case: %s\n", line);
            unknown++;
        } else {
            c->listed = true;
        }
    }
    if (f) {
        fclose(f);
    }
    return unknown;
}

static int write_list(const suite *s)
{
    FILE *f = fopen(s->list, "w");
    if (!f) {
        printf("%s: %s\n", s->list, strerror(errno));
        return 1;
    }
    fputs("# ONNX backend tests that pass. Written by onnx_conformance --list FILE --update.\n", f);
    for (size_t i = 0; i < s->count; i++) {
        const test_case *c = &s->cases[i];
        if (c->selected ? c->result == PASS : c->listed) {
            fprintf(f, "%s\n", c->name);
        }
    }
    return fclose(f) != 0;
}

/* A listed case passes, and what passes is listed. Returns the number of deviations. */
static int compare_list(const suite *s)
{
    int lost = 0, found = 0;
    for (size_t i = 0; i < s->count; i++) {
        const test_case *c = &s->cases[i];
        if (c->selected && c->listed && c->result != PASS) {
            printf("listed, but: %s %s: %s\n", result_names[c->result], c->name, c->text);
            lost++;
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        const test_case *c = &s->cases[i];
        if (c->selected && !c->listed && c->result == PASS) {
            printf("%s%s\n", found++ == 0 ? "passes, but is not listed; add (or run with --update):\n" : "", c->name);
        }
    }
    printf("%d listed cases do not pass, %d passing cases are not listed\n", lost, found);
    return lost + found;
}

/* ---- output ---- */

static bool is_left_out(const test_case *c)
{
    for (size_t i = 0; i < LEFT_OUT; i++) {
        if (strcmp(c->reason, left_out[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void summarise(const suite *s)
{
    size_t total = 0, n[FAIL + 1] = {0};
    for (size_t i = 0; i < s->count; i++) {
        total += s->cases[i].selected;
        n[s->cases[i].result] += s->cases[i].selected;
    }
    printf("%zu cases: %zu pass, %zu fail, %zu unsupported, %zu left out", total, n[PASS], n[FAIL], n[UNSUPPORTED],
           n[SKIPPED]);
    for (size_t k = 0; k < LEFT_OUT; k++) {
        size_t count = 0;
        for (size_t i = 0; i < s->count; i++) {
            count += s->cases[i].selected && strcmp(s->cases[i].reason, left_out[k]) == 0;
        }
        printf("%s%s %zu", k == 0 ? " (" : ", ", left_out[k], count);
    }
    size_t counted = total - n[SKIPPED];
    printf(")\n%.1f %% of the %zu that count pass\n", counted ? 100.0 * (double)n[PASS] / (double)counted : 0.0,
           counted);
}

static void run_all(suite *s)
{
    for (size_t i = 0; i < s->count; i++) {
        test_case *c = &s->cases[i];
        if (!c->selected || is_left_out(c)) {
            continue;
        }
        fflush(stdout);
        in_child(s->data, c);
        if (s->verbose) {
            printf("%s %s%s%s%s%s\n", result_names[c->result], c->name, c->text[0] ? ": " : "", c->text,
                   strcmp(c->reason, "-") == 0 ? "" : " #", strcmp(c->reason, "-") == 0 ? "" : c->reason);
        }
    }
}

static int usage(void)
{
    puts("usage: onnx_conformance [--data DIR] [--filter GLOB] [--list FILE [--update]]\n"
         "Without --list: one line per case. GLOB is matched with names such as node/test_abs.");
    return 2;
}

int main(int argc, char **argv)
{
    suite s = {.data = NNC_TEST_SOURCE_DIR "/build/onnx-tests"};
    for (int i = 1; i < argc; i++) {
        const char **value = strcmp(argv[i], "--data") == 0     ? &s.data
                             : strcmp(argv[i], "--filter") == 0 ? &s.filter
                             : strcmp(argv[i], "--list") == 0   ? &s.list
                                                                : NULL;
        if (value && i + 1 < argc) {
            *value = argv[++i];
        } else if (strcmp(argv[i], "--update") == 0) {
            s.update = true;
        } else {
            return usage();
        }
    }
    s.verbose = !s.list;
    if (!read_index(&s)) {
        printf("skipped: no cases in %s (scripts/peers/onnx_tests writes them)\n", s.data);
        return 77;
    }
    int bad = s.list ? read_list(&s) : 0;
    run_all(&s);
    if (s.list) {
        bad += s.update ? write_list(&s) : compare_list(&s);
    }
    summarise(&s);
    for (size_t i = 0; i < s.count; i++) {
        free(s.cases[i].name);
        free(s.cases[i].reason);
    }
    free(s.cases);
    return bad != 0;
}
