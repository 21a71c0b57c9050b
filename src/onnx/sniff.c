/* Recognises files that people pass by mistake. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "onnx/reader.h"

typedef struct magic_row {
    size_t at;
    const char *bytes;
    size_t count;
    const char *text;
} magic_row;

#define MAGIC(at, bytes, text)                                                                     \
    {                                                                                              \
        at, bytes, sizeof(bytes) - 1, text                                                         \
    }

static const magic_row magic_rows[] = {
    MAGIC(0, "version https://git-lfs.github.com/spec/",
          "Git LFS pointer, not a model; run `git lfs pull`"),
    MAGIC(0, "\x1f\x8b", "gzip-compressed file; decompress it first (gunzip)"),
    MAGIC(0, "\x28\xb5\x2f\xfd", "Zstandard-compressed file; decompress it first (unzstd)"),
    MAGIC(0,
          "\xfd"
          "7zXZ",
          "xz-compressed file; decompress it first (unxz)"),
    MAGIC(0, "BZh", "bzip2-compressed file; decompress it first (bunzip2)"),
    MAGIC(0, "GGUF",
          "GGUF file (llama.cpp), not ONNX; export the original model with optimum-cli or "
          "torch.onnx.export"),
    MAGIC(4, "TFL3", "TensorFlow Lite model, not ONNX; convert it with tf2onnx --tflite"),
    MAGIC(4, "ORTM", "ONNX Runtime .ort file, not ONNX; use the .onnx file it was made from"),
    MAGIC(0, "\x89HDF\r\n\x1a\n",
          "HDF5 file (Keras .h5?), not ONNX; convert it with tf2onnx --keras"),
    MAGIC(0, "ptrt", "TensorRT plan, not ONNX; use the .onnx file it was built from"),
    MAGIC(0, "ftrt", "TensorRT plan, not ONNX; use the .onnx file it was built from"),
    MAGIC(0, "\x93NUMPY", "NumPy array, not a model"),
    MAGIC(0, "NNCPLAN\n", "nncompress runtime plan, not ONNX; `nncompress run` takes it as it is"),
    MAGIC(0, "7767517", "ncnn parameter file, not ONNX"),
};

static bool has_text(const uint8_t *data, size_t bytes, const char *text)
{
    size_t window = bytes < 4096 ? bytes : 4096;
    return memmem(data, window, text, strlen(text)) != NULL;
}

static bool starts(const uint8_t *data, size_t bytes, const char *text)
{
    size_t n = strlen(text);
    return bytes >= n && strncasecmp((const char *)data, text, n) == 0;
}

static const char *sniff_zip(const uint8_t *data, size_t bytes)
{
    if (has_text(data, bytes, "data.pkl") || has_text(data, bytes, "archive/")) {
        return "PyTorch checkpoint (ZIP), not ONNX; export the model with torch.onnx.export";
    }
    if (has_text(data, bytes, "config.json") || has_text(data, bytes, "metadata.json")) {
        return "Keras .keras file (ZIP), not ONNX; convert it with tf2onnx";
    }
    return "ZIP archive, not ONNX; unpack it first";
}

static const char *sniff_text(const uint8_t *data, size_t bytes)
{
    if (starts(data, bytes, "\xef\xbb\xbf")) {
        data += 3;
        bytes -= 3;
    }
    while (bytes > 0 && isspace(data[0])) {
        data++;
        bytes--;
    }
    if (starts(data, bytes, "<!doctype html") || starts(data, bytes, "<html") ||
        starts(data, bytes, "<head")) {
        return "HTML page saved under this name, not a model; the download failed or needs a login";
    }
    if (starts(data, bytes, "<?xml") || starts(data, bytes, "<net ")) {
        return has_text(data, bytes, "<net ")
                   ? "OpenVINO IR (.xml), not ONNX; use the model it was converted from"
                   : "XML document, not a model";
    }
    if (starts(data, bytes, "{") && bytes > 1 &&
        (isspace(data[1]) || data[1] == '"' || data[1] == '}')) {
        return "JSON document saved under this name, not a model; the download failed?";
    }
    if (starts(data, bytes, "ir_version:") || starts(data, bytes, "producer_name:") ||
        starts(data, bytes, "graph {") || starts(data, bytes, "opset_import {")) {
        return "ONNX in protobuf text format; save it in binary (onnx.save)";
    }
    if (starts(data, bytes, "<\n") || starts(data, bytes, "<ir_version")) {
        return "ONNX in textual syntax; save it in binary (onnx.save)";
    }
    return NULL;
}

static bool is_safetensors(const uint8_t *data, size_t bytes)
{
    uint64_t header = 0;
    if (bytes < 10 || data[8] != '{' || (data[9] != '"' && data[9] != '}')) {
        return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        header |= (uint64_t)data[i] << (8 * i);
    }
    return header >= 2 && header <= 100000000;
}

static bool is_pickle(const uint8_t *data, size_t bytes)
{
    return bytes > 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5 &&
           (memchr("}](cX\x8a\x95", data[2], 7) != NULL);
}

nnc_status nnc_onnx_sniff(const uint8_t *data, size_t bytes)
{
    const char *text = NULL;
    if (bytes == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "empty file");
    }
    for (size_t i = 0; i < sizeof magic_rows / sizeof *magic_rows && !text; i++) {
        const magic_row *row = &magic_rows[i];
        if (bytes >= row->at + row->count && memcmp(data + row->at, row->bytes, row->count) == 0) {
            text = row->text;
        }
    }
    if (!text && (starts(data, bytes, "PK\x03\x04") || starts(data, bytes, "PK\x05\x06"))) {
        text = sniff_zip(data, bytes);
    }
    if (!text && is_pickle(data, bytes)) {
        text = "Python pickle (PyTorch checkpoint?), not ONNX; export the model with "
               "torch.onnx.export";
    }
    if (!text && is_safetensors(data, bytes)) {
        text =
            "safetensors weights, not ONNX; export the model with torch.onnx.export or optimum-cli";
    }
    if (!text) {
        text = sniff_text(data, bytes);
    }
    if (text) {
        NNC_FAIL(NNC_ERR_MODEL, "%s", text);
    }
    return NNC_OK;
}
