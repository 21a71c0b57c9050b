/* .npy parsing and reading. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/npy.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "datasets/bytes.h"
#include "datasets/limits.h"


/* A position in the header's Python dict. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blank(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t'))
        c->at++;
}

static bool accept(cursor *c, char want)
{
    skip_blank(c);
    if (c->at < c->end && *c->at == want) {
        c->at++;
        return true;
    }
    return false;
}

static bool accept_word(cursor *c, const char *word)
{
    skip_blank(c);
    const size_t n = strlen(word);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* 'text' or "text" of at most 31 bytes. */
static bool quoted(cursor *c, char out[32])
{
    skip_blank(c);
    if (c->at >= c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    const char quote = *c->at++;
    size_t n = 0;
    while (c->at < c->end && *c->at != quote) {
        if (n == 31)
            return false;
        out[n++] = *c->at++;
    }
    out[n] = '\0';
    return c->at++ < c->end;
}

static nnc_status parse_shape(nnc_shape *out, cursor *c)
{
    memset(out, 0, sizeof(*out));
    if (!accept(c, '('))
        NNC_FAIL(NNC_ERR_DATA, "npy: 'shape' is no tuple");
    while (!accept(c, ')')) {
        skip_blank(c);
        int64_t dim = 0;
        bool any = false;
        while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
            if (dim > INT64_MAX / 16)
                NNC_FAIL(NNC_ERR_DATA, "npy: a dim of 'shape' is too large");
            dim = dim * 10 + (*c->at++ - '0');
            any = true;
        }
        if (any && c->at < c->end && *c->at == 'L') /* written by Python 2 */
            c->at++;
        if (!any || out->rank == NNC_RANK_MAX)
            NNC_FAIL(NNC_ERR_DATA, "npy: 'shape' is damaged or has more than %d dims",
                     NNC_RANK_MAX);
        out->dims[out->rank++] = dim;
        if (!accept(c, ',')) {
            if (accept(c, ')'))
                break;
            NNC_FAIL(NNC_ERR_DATA, "npy: 'shape' is damaged");
        }
    }
    return NNC_OK;
}

static nnc_status parse_type(nnc_npy *out, const char *text)
{
    static const struct {
        const char *name;
        nnc_dtype dtype;
    } types[] = {
        {"f4", NNC_DTYPE_FLOAT},  {"f8", NNC_DTYPE_DOUBLE}, {"f2", NNC_DTYPE_FLOAT16},
        {"u1", NNC_DTYPE_UINT8},  {"i1", NNC_DTYPE_INT8},   {"u2", NNC_DTYPE_UINT16},
        {"i2", NNC_DTYPE_INT16},  {"u4", NNC_DTYPE_UINT32}, {"i4", NNC_DTYPE_INT32},
        {"u8", NNC_DTYPE_UINT64}, {"i8", NNC_DTYPE_INT64},  {"b1", NNC_DTYPE_BOOL},
    };
    const char order = text[0];
    if (order == '|' && text[1] == 'O')
        NNC_FAIL(NNC_ERR_DATA,
                 "npy: holds Python objects (a pickle), which are never opened. Hint: "
                 "numpy.save of a plain array");
    out->big_endian = order == '>';
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strchr("<>|=", order) && order && strcmp(text + 1, types[i].name) == 0) {
            out->dtype = types[i].dtype;
            return NNC_OK;
        }
    NNC_FAIL(NNC_ERR_DATA, "npy: elements of type '%s', expected plain numbers", text);
}

static nnc_status parse_dict(nnc_npy *out, const char *text, size_t n)
{
    cursor c = {text, text + n};
    unsigned seen = 0;
    char key[32], type[32];
    if (!accept(&c, '{'))
        NNC_FAIL(NNC_ERR_DATA, "npy: damaged header");
    while (!accept(&c, '}')) {
        if (!quoted(&c, key) || !accept(&c, ':'))
            NNC_FAIL(NNC_ERR_DATA, "npy: damaged header");
        if (strcmp(key, "descr") == 0) {
            skip_blank(&c);
            if (c.at < c.end && *c.at == '[')
                NNC_FAIL(NNC_ERR_DATA, "npy: a structured type, expected plain numbers");
            if (!quoted(&c, type))
                NNC_FAIL(NNC_ERR_DATA, "npy: damaged 'descr'");
            NNC_TRY(parse_type(out, type));
            seen |= 1;
        } else if (strcmp(key, "fortran_order") == 0) {
            out->fortran = accept_word(&c, "True");
            if (!out->fortran && !accept_word(&c, "False"))
                NNC_FAIL(NNC_ERR_DATA, "npy: damaged 'fortran_order'");
            seen |= 2;
        } else if (strcmp(key, "shape") == 0) {
            NNC_TRY(parse_shape(&out->shape, &c));
            seen |= 4;
        } else {
            NNC_FAIL(NNC_ERR_DATA, "npy: unknown header key '%s'", key);
        }
        if (!accept(&c, ',')) {
            if (accept(&c, '}'))
                break;
            NNC_FAIL(NNC_ERR_DATA, "npy: damaged header");
        }
    }
    if (seen != 7)
        NNC_FAIL(NNC_ERR_DATA, "npy: header lacks descr, fortran_order or shape");
    return NNC_OK;
}

nnc_status nnc_npy_parse(nnc_npy *out, const uint8_t *bytes, size_t n, uint64_t total)
{
    memset(out, 0, sizeof(*out));
    if (n < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        NNC_FAIL(NNC_ERR_DATA, "npy: wrong magic bytes");
    const unsigned version = bytes[6];
    if (version < 1 || version > 3)
        NNC_FAIL(NNC_ERR_DATA, "npy: version %u, known are 1 to 3", version);
    const size_t start = version == 1 ? 10 : 12;
    const size_t length = version == 1 ? nnc_read_u16le(bytes + 8) : nnc_read_u32le(bytes + 8);
    if (length > NNC_NPY_HEADER_MAX)
        NNC_FAIL(NNC_ERR_DATA, "npy: header of %zu bytes, the limit is %u", length, NNC_NPY_HEADER_MAX);
    if (length > n - start)
        NNC_FAIL(NNC_ERR_DATA, "npy: truncated header");
    NNC_TRY(parse_dict(out, (const char *)bytes + start, length));
    size_t elements;
    char text[256];
    if (!nnc_shape_count(&elements, &out->shape) ||
        !nnc_dtype_bytes(&out->data_bytes, out->dtype, elements))
        NNC_FAIL(NNC_ERR_DATA, "npy: shape %s is too large",
                 nnc_shape_format(text, sizeof(text), &out->shape));
    if (out->data_bytes != total - start - length)
        NNC_FAIL(NNC_ERR_DATA, "npy: shape %s %s needs %zu bytes, the file has %llu",
                 nnc_shape_format(text, sizeof(text), &out->shape), nnc_dtype_name(out->dtype),
                 out->data_bytes, (unsigned long long)(total - start - length));
    if (total == n)
        out->data = bytes + start + length;
    return NNC_OK;
}

/* Fortran order: element (i, j, k...) stands at i + d0 * (j + d1 * (k + ...)). */
static void read_fortran(uint8_t *to, const nnc_npy *npy, size_t index, size_t size)
{
    const nnc_shape *s = &npy->shape;
    size_t at[NNC_RANK_MAX] = {index};
    size_t elements = 1;
    for (uint32_t i = 1; i < s->rank; i++)
        elements *= (size_t)s->dims[i];
    for (size_t e = 0; e < elements; e++) {
        size_t from = 0;
        for (uint32_t i = s->rank; i-- > 0;)
            from = from * (size_t)s->dims[i] + at[i];
        nnc_bytes_to_native(to + e * size, npy->data + from * size, 1, size, npy->big_endian);
        for (uint32_t i = s->rank; i-- > 1;) {
            if (++at[i] < (size_t)s->dims[i])
                break;
            at[i] = 0;
        }
    }
}

void nnc_npy_read(void *to, const nnc_npy *npy, size_t first, size_t n)
{
    const size_t size = nnc_dtype_bits(npy->dtype) / 8;
    size_t elements = 1;
    for (uint32_t i = 1; i < npy->shape.rank; i++)
        elements *= (size_t)npy->shape.dims[i];
    if (!npy->fortran) {
        nnc_bytes_to_native(to, npy->data + first * elements * size, n * elements, size,
                            npy->big_endian);
        return;
    }
    for (size_t i = 0; i < n; i++)
        read_fortran((uint8_t *)to + i * elements * size, npy, first + i, size);
}
