/* cuBLASLt's INT8 product in a CUDA graph. Row-major operands with K innermost are its "TN" form with rows and columns
 * swapped. SPDX-License-Identifier: Apache-2.0 */
#include "bench/cuda_cublaslt.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKSPACE ((size_t)32 << 20)
#define SUGGESTIONS 16
#define TRIALS 5

struct cublaslt_product {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t a, b, d;
    cublasLtMatmulAlgo_t algo;
    cudaStream_t stream;
    cudaGraphExec_t graph;
    cudaEvent_t from, to;
    void *x, *w, *y, *workspace;
    bool narrow;
};

static bool failed(char *why, const char *what, int code)
{
    if (code != 0)
        snprintf(why, 160, "%s: %d", what, code);
    return code != 0;
}

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (failed(why, #call, (int)(call)))                                                       \
            return false;                                                                          \
    } while (0)

/* Random bytes: zeros would draw less power and run faster. */
static bool random_bytes(void **out, size_t bytes, char *why)
{
    uint8_t *host = malloc(bytes);
    if (!host) {
        snprintf(why, 160, "out of memory: %zu bytes", bytes);
        return false;
    }
    uint32_t state = 12345;
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525u + 1013904223u;
        host[i] = (uint8_t)(state >> 24);
    }
    int code = (int)cudaMalloc(out, bytes);
    if (code == 0)
        code = (int)cudaMemcpy(*out, host, bytes, cudaMemcpyHostToDevice);
    free(host);
    return !failed(why, "device memory for an operand", code);
}

static cublasStatus_t matmul(cublaslt_product *p, const cublasLtMatmulAlgo_t *algo)
{
    static const int32_t one_i = 1, zero_i = 0;
    static const float one_f = 0.001f, zero_f = 0;
    return cublasLtMatmul(p->handle, p->desc, p->narrow ? (const void *)&one_f : &one_i, p->w, p->a, p->x, p->b,
                          p->narrow ? (const void *)&zero_f : &zero_i, p->y, p->d, p->y, p->d, algo, p->workspace,
                          WORKSPACE, p->stream);
}

static bool describe(cublaslt_product *p, uint32_t rows, uint32_t n, uint32_t k, char *why)
{
    const cublasOperation_t transposed = CUBLAS_OP_T;
    CHECK(cublasLtMatmulDescCreate(&p->desc, CUBLAS_COMPUTE_32I, p->narrow ? CUDA_R_32F : CUDA_R_32I));
    CHECK(cublasLtMatmulDescSetAttribute(p->desc, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed));
    CHECK(cublasLtMatrixLayoutCreate(&p->a, CUDA_R_8I, k, n, k));
    CHECK(cublasLtMatrixLayoutCreate(&p->b, CUDA_R_8I, k, rows, k));
    CHECK(cublasLtMatrixLayoutCreate(&p->d, p->narrow ? CUDA_R_8I : CUDA_R_32I, n, rows, n));
    return true;
}

static bool time_of(float *ms, cublaslt_product *p, const cublasLtMatmulAlgo_t *algo, char *why)
{
    CHECK(matmul(p, algo));
    CHECK(cudaEventRecord(p->from, p->stream));
    for (int i = 0; i < TRIALS; i++)
        CHECK(matmul(p, algo));
    CHECK(cudaEventRecord(p->to, p->stream));
    CHECK(cudaStreamSynchronize(p->stream));
    CHECK(cudaEventElapsedTime(ms, p->from, p->to));
    return true;
}

static bool choose(cublaslt_product *p, char *why)
{
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulHeuristicResult_t found[SUGGESTIONS];
    const size_t workspace = WORKSPACE;
    int count = 0;
    CHECK(cublasLtMatmulPreferenceCreate(&preference));
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                         sizeof workspace);
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(p->handle, p->desc, p->a, p->b, p->d, p->d,
                                                                 preference, SUGGESTIONS, found, &count);
    cublasLtMatmulPreferenceDestroy(preference);
    if (status != CUBLAS_STATUS_SUCCESS || count == 0) {
        snprintf(why, 160, "cuBLASLt has no kernel for this shape (%d)", (int)status);
        return false;
    }
    float least = 0;
    for (int i = 0; i < count; i++) {
        float ms;
        if (found[i].state == CUBLAS_STATUS_SUCCESS && time_of(&ms, p, &found[i].algo, why) &&
            (least == 0 || ms < least)) {
            least = ms;
            p->algo = found[i].algo;
        }
    }
    return least > 0;
}

static bool capture(cublaslt_product *p, uint32_t repeats, char *why)
{
    cudaGraph_t graph;
    CHECK(cudaStreamBeginCapture(p->stream, cudaStreamCaptureModeThreadLocal));
    for (uint32_t i = 0; i < repeats; i++)
        CHECK(matmul(p, &p->algo));
    CHECK(cudaStreamEndCapture(p->stream, &graph));
    const cudaError_t error = cudaGraphInstantiate(&p->graph, graph, 0);
    cudaGraphDestroy(graph);
    CHECK(error);
    return true;
}

static bool create(cublaslt_product *p, uint32_t rows, uint32_t n, uint32_t k, uint32_t repeats, char *why)
{
    CHECK(cublasLtCreate(&p->handle));
    CHECK(cudaStreamCreateWithFlags(&p->stream, cudaStreamNonBlocking));
    CHECK(cudaEventCreate(&p->from));
    CHECK(cudaEventCreate(&p->to));
    CHECK(cudaMalloc(&p->workspace, WORKSPACE));
    CHECK(cudaMalloc(&p->y, (size_t)rows * n * (p->narrow ? 1 : 4)));
    return random_bytes(&p->x, (size_t)rows * k, why) && random_bytes(&p->w, (size_t)n * k, why) &&
           describe(p, rows, n, k, why) && choose(p, why) && capture(p, repeats, why);
}

cublaslt_product *cublaslt_create(uint32_t rows, uint32_t n, uint32_t k, bool narrow, uint32_t repeats, char *why)
{
    cublaslt_product *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->narrow = narrow;
    if (create(p, rows, n, k, repeats, why))
        return p;
    cublaslt_destroy(p);
    return NULL;
}

bool cublaslt_run(cublaslt_product *p)
{
    return cudaGraphLaunch(p->graph, p->stream) == cudaSuccess && cudaStreamSynchronize(p->stream) == cudaSuccess;
}

void cublaslt_destroy(cublaslt_product *p)
{
    if (!p)
        return;
    if (p->graph)
        cudaGraphExecDestroy(p->graph);
    if (p->a)
        cublasLtMatrixLayoutDestroy(p->a);
    if (p->b)
        cublasLtMatrixLayoutDestroy(p->b);
    if (p->d)
        cublasLtMatrixLayoutDestroy(p->d);
    if (p->desc)
        cublasLtMatmulDescDestroy(p->desc);
    cudaFree(p->x);
    cudaFree(p->w);
    cudaFree(p->y);
    cudaFree(p->workspace);
    if (p->from)
        cudaEventDestroy(p->from);
    if (p->to)
        cudaEventDestroy(p->to);
    if (p->stream)
        cudaStreamDestroy(p->stream);
    if (p->handle)
        cublasLtDestroy(p->handle);
    free(p);
}
