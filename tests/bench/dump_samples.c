/* Writes the samples that nncompress feeds a model, for comparisons with other tools: PREFIX.K.npy per
 * input, PREFIX.labels.npy, and PREFIX.held.npy (1: held back from calibration as a judge). Options as
 * of nncompress. Usage: dump_samples MODEL DATA PREFIX [options] SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "bench/npy_out.h"
#include "pipeline/source.h"
#include "pipeline/split.h"

#define HELD_SHARE 0.2 /* as in src/pipeline/run.c */

typedef struct dump_options {
    int64_t samples, seed;
    bool calibration;
    nnc_data_flags data;
    nnc_run_flags run;
} dump_options;

#define OPT_DATA(name, sh, kind, member, meta, help, min, max, choices)                            \
    NNC_OPT(dump_options, name, sh, kind, data.member, meta, help, "", min, max, choices),
#define OPT_RUN(name, sh, kind, member, meta, help, min, max, choices)                             \
    NNC_OPT(dump_options, name, sh, kind, run.member, meta, help, "", min, max, choices),
static const nnc_option options[] = {
    NNC_OPT(dump_options, "samples", 'n', INT, samples, "N", "", "", 1, 1e9, NULL),
    NNC_OPT(dump_options, "seed", 0, INT, seed, "N", "", "", 0, 1e15, NULL),
    NNC_OPT(dump_options, "calibration", 0, FLAG, calibration, NULL, "", "", 0, 0, NULL),
#include "pipeline/options.def"
    {0},
};

static void check(nnc_status status)
{
    if (status != NNC_OK) {
        fprintf(stderr, "dump_samples: %s\n", nnc_error_message());
        exit(1);
    }
}

static void message(void *user, nnc_log_level level, const char *text)
{
    (void)user;
    if (level != NNC_LOG_DEBUG)
        fprintf(stderr, "%s\n", text);
}

/* One output per input of the model, named PREFIX.K.npy; opened with the first sample's shapes. */
static void write_sample(npy_out *files, const char *prefix, const nnc_sample *sample)
{
    for (size_t k = 0; k < sample->input_count; k++) {
        const nnc_tensor *x = &sample->inputs[k];
        if (!files[k].file) {
            char path[1024];
            snprintf(path, sizeof(path), "%s.%zu.npy", prefix, k);
            nnc_shape entry = x->shape;
            if (entry.rank && entry.dims[0] == 1) { /* the batch dimension becomes the array's */
                entry.rank--;
                memmove(entry.dims, entry.dims + 1, entry.rank * sizeof(entry.dims[0]));
            }
            npy_open(&files[k], path, x->dtype, &entry);
        }
        npy_add(&files[k], nnc_tensor_data(x), nnc_tensor_bytes(x));
    }
}

static void dump(const nnc_dataset *data, const nnc_split *split, const char *prefix, size_t inputs,
                 const nnc_log *log)
{
    npy_out labels, held, *files = nnc_calloc(inputs, sizeof(*files));
    char path[1024];
    const nnc_shape scalar = {0};
    nnc_dataset_reader *reader = NULL;
    snprintf(path, sizeof(path), "%s.labels.npy", prefix);
    npy_open(&labels, path, NNC_DTYPE_INT64, &scalar);
    snprintf(path, sizeof(path), "%s.held.npy", prefix);
    npy_open(&held, path, NNC_DTYPE_UINT8, &scalar);
    check(files ? NNC_OK : NNC_ERR_LIMIT);
    check(nnc_dataset_reader_create(&reader, data, NULL, 0, log));
    for (size_t next = 0;;) {
        nnc_sample sample = {0};
        bool more = false;
        check(nnc_dataset_reader_next(&sample, &more, reader));
        if (!more)
            break;
        write_sample(files, prefix, &sample);
        npy_add(&labels, &sample.label, sizeof(sample.label));
        while (next < split->held_count && split->held[next] < sample.index)
            next++;
        const uint8_t is_held = next < split->held_count && split->held[next] == sample.index;
        npy_add(&held, &is_held, 1);
        nnc_sample_deinit(&sample);
    }
    printf("%s: %zu samples, %zu held back\n", prefix, labels.count, split->held_count);
    nnc_dataset_reader_destroy(reader);
    for (size_t k = 0; k < inputs; k++)
        npy_close(&files[k]);
    npy_close(&labels);
    npy_close(&held);
    nnc_free(files);
}

int main(int argc, char **argv)
{
    dump_options o = {0};
    nnc_option_list words = {0};
    nnc_source source = {0};
    nnc_dataset *data = NULL;
    nnc_split split = {0};
    const nnc_log log = {.message = message};
    check(nnc_option_parse(options, nnc_option_count(options), &o, argc - 1, argv + 1, &words, NULL));
    if (words.count != 3) {
        fprintf(stderr, "usage: dump_samples MODEL DATA PREFIX [--calibration] [--samples N] [--seed N] "
                        "[options of nncompress]\n");
        return 2;
    }
    check(nnc_source_load(&source, words.items[0], &o.run, false, &log));
    check(nnc_source_data(&data, words.items[1], &source, NULL, &o.data, (uint32_t)o.run.threads,
                          !o.calibration, (size_t)o.samples, (uint64_t)o.seed, &log));
    if (o.calibration)
        check(nnc_split_samples(&split, data, HELD_SHARE, &log));
    dump(data, &split, words.items[2], nnc_graph_input_count(source.graph), &log);
    nnc_split_deinit(&split);
    nnc_dataset_destroy(data);
    nnc_source_deinit(&source);
    nnc_option_list_deinit(&words);
    nnc_option_list_deinit(&o.run.shapes);
    return 0;
}
