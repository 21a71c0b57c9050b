/* libnnrt: loads a runtime plan (.nncp) and runs it. SPDX-License-Identifier: Apache-2.0
 *
 *   plan (bytes) -> nnrt_model (immutable, shared by threads) -> nnrt_session (one per thread) -> run
 *
 * Shapes are NCHW-like logical shapes as in the ONNX model. Functions return a status; nnrt_error_message()
 * tells why. A model may be used by many sessions at once; a session by one thread at a time. */
#ifndef NNRT_H
#define NNRT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define NNRT_API
#else
#define NNRT_API __attribute__((visibility("default")))
#endif

#define NNRT_RANK_MAX 8

/* Same numbers as nnc_status. */
typedef enum nnrt_status {
    NNRT_OK = 0,
    NNRT_ERR_USAGE = 2,
    NNRT_ERR_MODEL = 3,
    NNRT_ERR_UNSUPPORTED = 4,
    NNRT_ERR_DATA = 5,
    NNRT_ERR_IO = 6,
    NNRT_ERR_LIMIT = 7,
    NNRT_ERR_DEVICE = 8,
    NNRT_ERR_INTERNAL = 70,
    NNRT_ERR_CANCELLED = 130
} nnrt_status;

/* Element types, ONNX's numbers. A tensor of the runtime holds every element in whole bytes: types of 4 and 2 bits take
 * one byte each, integers as numbers (int4 sign-extended), float4 in the low bits. */
typedef enum nnrt_dtype {
    NNRT_F32 = 1,
    NNRT_U8 = 2,
    NNRT_I8 = 3,
    NNRT_U16 = 4,
    NNRT_I16 = 5,
    NNRT_I32 = 6,
    NNRT_I64 = 7,
    NNRT_BOOL = 9,
    NNRT_F16 = 10,
    NNRT_F64 = 11,
    NNRT_U32 = 12,
    NNRT_U64 = 13,
    NNRT_BF16 = 16,
    NNRT_F8E4M3FN = 17,
    NNRT_F8E4M3FNUZ = 18,
    NNRT_F8E5M2 = 19,
    NNRT_F8E5M2FNUZ = 20,
    NNRT_U4 = 21,
    NNRT_I4 = 22,
    NNRT_F4E2M1 = 23,
    NNRT_F8E8M0 = 24,
    NNRT_U2 = 25,
    NNRT_I2 = 26
} nnrt_dtype;

/* Kernel tiers, weakest first. REF runs anywhere and is the specification of the others. */
typedef enum nnrt_isa {
    NNRT_ISA_REF = 0,
    NNRT_ISA_AVX2 = 1,
    NNRT_ISA_AVXVNNI = 2,
    NNRT_ISA_AVX512VNNI = 3,
    NNRT_ISA_BEST = 255
} nnrt_isa;

/* Where a session runs. The same integers come out everywhere. */
typedef enum nnrt_device_kind {
    NNRT_DEVICE_CPU = 0,
    NNRT_DEVICE_CUDA = 1,
    NNRT_DEVICE_AUTO = 2 /* CUDA if it can run the whole plan, else the CPU: see nnrt_session_device_note */
} nnrt_device_kind;

typedef struct nnrt_model nnrt_model;
typedef struct nnrt_session nnrt_session;

/* dims[i] < 0 in a model's signature: any size. */
typedef struct nnrt_shape {
    uint32_t rank;
    int64_t dims[NNRT_RANK_MAX];
} nnrt_shape;

typedef struct nnrt_io_info {
    const char *name; /* owned by the model */
    nnrt_dtype dtype;
    nnrt_shape shape;
} nnrt_io_info;

/* Bytes of a tensor inside a session. */
typedef struct nnrt_view {
    void *data;
    size_t bytes;
    nnrt_dtype dtype;
    nnrt_shape shape;
} nnrt_view;

typedef struct nnrt_session_options {
    size_t size;      /* sizeof(nnrt_session_options) */
    uint32_t threads; /* 0: one per usable core */
    uint32_t isa_max; /* nnrt_isa; NNRT_ISA_BEST: best of this CPU, also capped by NNRT_MAX_ISA */
    uint32_t profile; /* 1: record the time of every node */
    uint32_t device;       /* nnrt_device_kind */
    uint32_t device_index; /* of several CUDA devices */
} nnrt_session_options;

#define NNRT_VERIFY 1u /* check the hash of every section, not of the metadata alone */

NNRT_API const char *nnrt_version(void);
/* The calling thread's last error, one line. */
NNRT_API const char *nnrt_error_message(void);
/* "ref", "avx2", "avxvnni", "avx512vnni"; NULL for unknown numbers. */
NNRT_API const char *nnrt_isa_name(uint32_t isa);
/* Best tier this CPU and the NNRT_MAX_ISA environment variable allow. */
NNRT_API nnrt_isa nnrt_isa_best(void);

/* Maps a plan file. Fails: IO, MODEL (corrupt), UNSUPPORTED (newer format or operator). */
NNRT_API nnrt_status nnrt_model_load(nnrt_model **out, const char *path, uint32_t flags);
/* Uses the caller's bytes, 64-byte aligned, which must outlive the model. */
NNRT_API nnrt_status nnrt_model_load_memory(nnrt_model **out, const void *plan, size_t bytes,
                                            uint32_t flags);
NNRT_API void nnrt_model_destroy(nnrt_model *model); /* after its sessions; NULL accepted */
NNRT_API uint32_t nnrt_model_input_count(const nnrt_model *model);
NNRT_API uint32_t nnrt_model_output_count(const nnrt_model *model);
NNRT_API nnrt_status nnrt_model_input(const nnrt_model *model, uint32_t i, nnrt_io_info *info);
NNRT_API nnrt_status nnrt_model_output(const nnrt_model *model, uint32_t i, nnrt_io_info *info);
/* Value of a metadata key in the plan's signature or provenance ("preprocess", "source", ...); NULL if absent. */
NNRT_API const char *nnrt_model_metadata(const nnrt_model *model, const char *key);

/* options may be NULL. Fails: DEVICE (CUDA: not installed, no driver, no device, memory, ...), UNSUPPORTED (an operator
 * of the plan has no CUDA kernel). */
NNRT_API nnrt_status nnrt_session_create(nnrt_session **out, const nnrt_model *model,
                                         const nnrt_session_options *options);
NNRT_API void nnrt_session_destroy(nnrt_session *session);
/* Sets all input shapes (count = inputs of the model) and plans memory; cheap when unchanged. Without a call,
 * unknown dims are 1. Fails: USAGE (contradicts the signature), LIMIT (memory), MODEL. */
NNRT_API nnrt_status nnrt_session_reshape(nnrt_session *session, const nnrt_shape *shapes,
                                          uint32_t count);
/* Where to write input i (valid until the next reshape). */
NNRT_API nnrt_status nnrt_session_input(nnrt_session *session, uint32_t i, nnrt_view *view);
/* Runs once; allocates nothing, but for models in which shapes depend on the data: there the rest is planned when the data
 * is there, and memory taken where it needs more than any run before (these fail with MODEL and LIMIT too). On a device: copies the inputs there, runs one captured graph, copies the outputs back.
 * Fails: DEVICE. */
NNRT_API nnrt_status nnrt_session_run(nnrt_session *session);
/* Runs again on the inputs of the last run; on a device without copying inputs or outputs. For measuring. */
NNRT_API nnrt_status nnrt_session_rerun(nnrt_session *session);
/* Where it runs: CPU or CUDA. With NNRT_DEVICE_AUTO a reshape may change CUDA to CPU. */
NNRT_API nnrt_device_kind nnrt_session_device_of(const nnrt_session *session);
/* Name of the device that it runs on, "NVIDIA H200"; NULL on the CPU. Owned by the session. */
NNRT_API const char *nnrt_session_device_name(const nnrt_session *session);
/* Why a session with NNRT_DEVICE_AUTO is on the CPU, one line; NULL if it is not. Owned by the session. */
NNRT_API const char *nnrt_session_device_note(const nnrt_session *session);
/* Output i of the last run, valid until the next run or reshape. Where shapes depend on the data they are those of this run;
 * before the first run such a model has no outputs (USAGE). */
NNRT_API nnrt_status nnrt_session_output(nnrt_session *session, uint32_t i, nnrt_view *view);

/* A variable of the session by name, to read or to write between runs. Fails: USAGE (no such variable). */
NNRT_API nnrt_status nnrt_session_variable(nnrt_session *session, const char *name, nnrt_view *view);

/* Memory: arena bytes of the current shapes, and bytes of constants in the plan. */
NNRT_API size_t nnrt_session_arena_bytes(const nnrt_session *session);
NNRT_API size_t nnrt_model_constant_bytes(const nnrt_model *model);

/* One executed node, for profiles. */
typedef struct nnrt_node_info {
    const char *name;   /* of the source node */
    const char *rop;    /* runtime op */
    const char *kernel; /* chosen kernel row, "gemm_q8__avx512vnni_6x64"; "" for plain C */
    uint64_t macs;      /* multiply-accumulates at the current shapes */
    uint64_t bytes;     /* inputs + weights + outputs */
    uint64_t ns;        /* sum over profiled runs */
    uint64_t runs;
} nnrt_node_info;
NNRT_API uint32_t nnrt_session_node_count(const nnrt_session *session);
NNRT_API nnrt_status nnrt_session_node(const nnrt_session *session, uint32_t i, nnrt_node_info *info);
NNRT_API void nnrt_session_profile_reset(nnrt_session *session);

/* A CUDA device, and what it reaches now. */
typedef struct nnrt_device_facts {
    char name[128];
    uint32_t major, minor; /* compute capability */
    uint32_t multiprocessors;
    uint64_t memory_bytes, l2_bytes;
    double int8_gmacs;  /* u8 x s8 products of the tensor cores out of registers, GMAC/s */
    double memory_gbps; /* copy within device memory, bytes read and bytes written, GB/s */
    double l2_gbps;     /* the same within the second level cache */
} nnrt_device_facts;
/* Measures: takes half a second of the whole device, and a part of its free memory. Fails: DEVICE. */
NNRT_API nnrt_status nnrt_device_measure(nnrt_device_facts *out, uint32_t device_index);

/* Called when the run reaches a callback node; view shows its input as stored. tag: the node's number in the plan. */
typedef void nnrt_callback_fn(void *user, uint32_t tag, const nnrt_view *view);
NNRT_API void nnrt_session_set_callback(nnrt_session *session, nnrt_callback_fn *fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
