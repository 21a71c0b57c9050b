/* A report document from its JSON file. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/report_file.h"

#include <string.h>

#include "base/file.h"

#define BYTES_MAX ((uint64_t)64 * 1024 * 1024)

static nnc_status check_kind(const nnc_report *report)
{
    NNC_TRY(nnc_report_check(report));
    const char *kind = nnc_report_get_string(nnc_report_root((nnc_report *)(uintptr_t)report), "kind");
    if (!kind || strcmp(kind, "compress") != 0) {
        NNC_FAIL(NNC_ERR_DATA, "report: kind is '%s', expected 'compress'", kind ? kind : "missing");
    }
    return NNC_OK;
}

nnc_status nnc_report_load(nnc_report **out, const char *path)
{
    nnc_file_map map;
    *out = NULL;
    nnc_status status = nnc_file_map_open(&map, path, BYTES_MAX);
    if (status == NNC_ERR_LIMIT) {
        NNC_FAIL(NNC_ERR_DATA, "%s: larger than 64 MiB, not a report", path);
    }
    NNC_TRY(status);
    status = nnc_report_parse(out, (const char *)map.data, map.bytes);
    nnc_file_map_close(&map);
    if (status == NNC_OK) {
        status = check_kind(*out);
    }
    if (status != NNC_OK) {
        nnc_report_destroy(*out);
        *out = NULL;
        return nnc_error_prepend(status, "%s", path);
    }
    return NNC_OK;
}
