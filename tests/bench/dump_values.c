/* Writes the integers of every value on an 8-bit grid, the float results of MatMul, and the outputs, for
 * comparisons with other tools: DIR/values.tsv (file, value, node, op, scale, zero point, type), DIR/V.npy
 * [samples, shape], DIR/output_K.npy. Inputs come from dump_samples. Exposing must not change the outputs.
 * Usage: dump_values MODEL PREFIX DIR [--samples N] [--outputs-only] SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "bench/npy_out.h"
#include "datasets/npy.h"
#include "pipeline/source.h"

typedef struct dump_options {
    int64_t samples;
    bool outputs_only;
    nnc_run_flags run;
} dump_options;

#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(dump_options, name, sh, kind, run.member, meta, help, "", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(dump_options, "samples", 'n', INT, samples, "N", "", "", 1, 1e9, NULL),
    NNC_OPT(dump_options, "outputs-only", 0, FLAG, outputs_only, NULL, "", "", 0, 0, NULL),
#include "pipeline/options.def"
    {0},
};

/* Output i of the exposing graph: a value's integers, or its float numbers. */
typedef struct dumped {
    const nnc_qparams *grid; /* of the graph's value; NULL: float */
    npy_out file;
} dumped;

typedef struct job {
    nnc_graph *graph; /* with the values as further outputs */
    nnc_exec *plain, *exposing;
    size_t outputs, value_count;
    npy_out *output_files;
    dumped *values;
    nnc_file_map *maps; /* of the inputs */
    nnc_npy *inputs;
    size_t input_count;
    const char *folder;
} job;

static void check(nnc_status status)
{
    if (status != NNC_OK) {
        fprintf(stderr, "dump_values: %s\n", nnc_error_message());
        exit(1);
    }
}

static void *need(void *p)
{
    check(p ? NNC_OK : NNC_ERR_LIMIT);
    return p;
}

static bool is_dumped(const nnc_graph *graph, const nnc_value *v)
{
    const nnc_qparams *q = v->qparams;
    if (v->dead || v->kind == NNC_VALUE_CONST || !v->has_shape)
        return false;
    if (q)
        return q->axis < 0 && (q->dtype == NNC_DTYPE_UINT8 || q->dtype == NNC_DTYPE_INT8);
    return v->producer != NNC_ID_NONE && v->dtype == NNC_DTYPE_FLOAT &&
           nnc_node_is(nnc_graph_node_const(graph, v->producer), "MatMul");
}

/* Makes every quantized value an output and lists it. */
static void expose(job *j)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/values.tsv", j->folder);
    FILE *list = fopen(path, "w");
    if (!list)
        npy_die(path, "cannot be written");
    fprintf(list, "file\tvalue\tnode\top\tscale\tzero_point\tdtype\n");
    const uint32_t n = nnc_graph_value_count(j->graph);
    j->values = need(nnc_calloc(n, sizeof(*j->values)));
    for (nnc_value_id i = 0; i < n; i++) {
        const nnc_value *v = nnc_graph_value_const(j->graph, i);
        if (!is_dumped(j->graph, v))
            continue;
        const nnc_qparams *q = v->qparams;
        const nnc_node *p =
            v->producer == NNC_ID_NONE ? NULL : nnc_graph_node_const(j->graph, v->producer);
        fprintf(list, "%zu.npy\t%s\t%s\t%s\t%.9g\t%d\t%s\n", j->value_count, v->name,
                p ? p->name : "", p ? p->op_type : "input", q ? (double)q->scale[0] : 0.0,
                q ? (int)q->zero_point[0] : 0, nnc_dtype_name(q ? (int)q->dtype : (int)v->dtype));
        j->values[j->value_count++].grid = q;
        char name[64];
        snprintf(name, sizeof(name), "nncompress.dump.%u", i);
        check(nnc_graph_add_output(j->graph, i, name));
    }
    if (fclose(list) != 0)
        npy_die(path, "cannot be written");
}

static void open_inputs(job *j, const char *prefix)
{
    j->input_count = nnc_graph_input_count(j->graph);
    j->maps = need(nnc_calloc(j->input_count, sizeof(*j->maps)));
    j->inputs = need(nnc_calloc(j->input_count, sizeof(*j->inputs)));
    for (size_t k = 0; k < j->input_count; k++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s.%zu.npy", prefix, k);
        check(nnc_file_map_open(&j->maps[k], path, 0));
        check(nnc_npy_parse(&j->inputs[k], j->maps[k].data, j->maps[k].bytes, j->maps[k].bytes));
        if (j->inputs[k].shape.rank < 1 || j->inputs[k].shape.dims[0] != j->inputs[0].shape.dims[0])
            npy_die(path, "number of samples differs from the first input's");
    }
}

static nnc_tensor *read_inputs(const job *j, size_t sample)
{
    nnc_tensor *x = need(nnc_calloc(j->input_count, sizeof(*x)));
    for (size_t k = 0; k < j->input_count; k++) {
        nnc_shape shape = j->inputs[k].shape;
        shape.dims[0] = 1;
        check(nnc_tensor_create(&x[k], j->inputs[k].dtype, &shape));
        nnc_npy_read(nnc_tensor_data(&x[k]), &j->inputs[k], sample, 1);
    }
    return x;
}

static void file_for(npy_out *out, const job *j, const char *name, nnc_dtype dtype,
                     const nnc_shape *shape)
{
    char path[1024];
    if (out->file)
        return;
    snprintf(path, sizeof(path), "%s/%s.npy", j->folder, name);
    npy_open(out, path, dtype, shape);
}

/* Dequantized numbers go back to their integers; each must lie on the grid. */
static void add_value(const job *j, size_t i, const nnc_tensor *y)
{
    dumped *d = &j->values[i];
    const size_t n = nnc_tensor_count(y);
    const float *x = nnc_tensor_data(y);
    char name[32];
    snprintf(name, sizeof(name), "%zu", i);
    if (!d->grid) {
        file_for(&d->file, j, name, y->dtype, &y->shape);
        npy_add(&d->file, x, nnc_tensor_bytes(y));
        return;
    }
    uint8_t *q = need(nnc_calloc(n, 1));
    for (size_t e = 0; e < n; e++) {
        const double exact = (double)x[e] / (double)d->grid->scale[0], whole = rint(exact);
        if (!(fabs(exact - whole) < 1e-3))
            npy_die(d->file.path, "a number is not on the value's grid");
        q[e] = (uint8_t)((int32_t)whole + d->grid->zero_point[0]);
    }
    file_for(&d->file, j, name, d->grid->dtype, &y->shape);
    npy_add(&d->file, q, n);
    nnc_free(q);
}

static void run_sample(job *j, size_t sample)
{
    nnc_tensor *x = read_inputs(j, sample);
    check(nnc_exec_run(j->plain, x, j->input_count));
    if (j->exposing)
        check(nnc_exec_run(j->exposing, x, j->input_count));
    for (size_t k = 0; k < j->outputs; k++) {
        nnc_tensor y = {0}, same = {0};
        char name[32];
        check(nnc_exec_output(&y, j->plain, k));
        snprintf(name, sizeof(name), "output_%zu", k);
        file_for(&j->output_files[k], j, name, y.dtype, &y.shape);
        npy_add(&j->output_files[k], nnc_tensor_data(&y), nnc_tensor_bytes(&y));
        if (j->exposing) {
            check(nnc_exec_output(&same, j->exposing, k));
            if (!nnc_tensor_equal(&y, &same))
                npy_die(j->output_files[k].path, "exposing the values changed this output");
        }
        nnc_tensor_deinit(&y);
        nnc_tensor_deinit(&same);
    }
    for (size_t i = 0; i < j->value_count; i++) {
        nnc_tensor y = {0};
        check(nnc_exec_output(&y, j->exposing, j->outputs + i));
        add_value(j, i, &y);
        nnc_tensor_deinit(&y);
    }
    for (size_t k = 0; k < j->input_count; k++)
        nnc_tensor_deinit(&x[k]);
    nnc_free(x);
}

static void close_all(job *j)
{
    for (size_t k = 0; k < j->outputs; k++)
        npy_close(&j->output_files[k]);
    for (size_t i = 0; i < j->value_count; i++)
        npy_close(&j->values[i].file);
    for (size_t k = 0; k < j->input_count; k++)
        nnc_file_map_close(&j->maps[k]);
    nnc_exec_destroy(j->plain);
    nnc_exec_destroy(j->exposing);
    nnc_graph_destroy(j->graph);
    nnc_free(j->output_files);
    nnc_free(j->values);
    nnc_free(j->maps);
    nnc_free(j->inputs);
}

int main(int argc, char **argv)
{
    dump_options o = {0};
    nnc_option_list words = {0};
    nnc_source source = {0};
    check(nnc_option_parse(options, nnc_option_count(options), &o, argc - 1, argv + 1, &words, NULL));
    if (words.count != 3) {
        fprintf(stderr, "usage: dump_values MODEL PREFIX DIR [--samples N] [--outputs-only]\n");
        return 2;
    }
    job j = {.folder = words.items[2]};
    mkdir(j.folder, 0777);
    check(nnc_source_load(&source, words.items[0], &o.run, false, NULL));
    check(nnc_source_exec(&j.plain, &source, &o.run, false, NULL));
    check(nnc_graph_clone(&j.graph, source.graph));
    j.outputs = nnc_graph_output_count(j.graph);
    j.output_files = need(nnc_calloc(j.outputs, sizeof(*j.output_files)));
    open_inputs(&j, words.items[1]);
    if (!o.outputs_only) {
        const nnc_exec_options exec = {.threads = (uint32_t)o.run.threads,
                                       .isa_max = nnc_run_isa(&o.run)};
        expose(&j);
        check(nnc_exec_create(&j.exposing, j.graph, &exec));
    }
    size_t n = (size_t)j.inputs[0].shape.dims[0];
    n = o.samples && (size_t)o.samples < n ? (size_t)o.samples : n;
    for (size_t i = 0; i < n; i++)
        run_sample(&j, i);
    printf("%s: %zu samples, %zu values\n", j.folder, n, j.value_count);
    close_all(&j);
    nnc_source_deinit(&source);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return 0;
}
