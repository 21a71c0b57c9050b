/* Finding and loading the device plug-in. SPDX-License-Identifier: Apache-2.0
 * It stays loaded: the CUDA runtime inside cannot be unloaded safely. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime_int8/cuda/device.h"

#define LIBRARY "libnnrt_cuda.so." NNRT_SOVERSION

/* The folder of the library or program that this code is in. */
static const char *own_folder(char path[PATH_MAX])
{
    Dl_info info;
    if (!dladdr((void *)(uintptr_t)&nnrt_device_plugin, &info) || info.dli_fname == NULL ||
        realpath(info.dli_fname, path) == NULL)
        return NULL;
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return path;
}

/* reason: what was wrong with a file that is there. Beside this library, beside the program's library folder, in the build tree, then where the system looks. */
static void *open_library(char reason[512])
{
    static const char *const places[] = {"/", "/../" NNRT_LIBDIR "/", "/runtime_int8/cuda/"};
    char folder[PATH_MAX], path[PATH_MAX + 64];
    if (own_folder(folder) != NULL) {
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            snprintf(path, sizeof path, "%s%s%s", folder, places[i], LIBRARY);
            void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (library != NULL)
                return library;
            if (access(path, F_OK) == 0)
                snprintf(reason, 512, "%s", dlerror());
        }
    }
    return dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

nnc_status nnrt_device_plugin(const nnrt_cuda_plugin **out)
{
    const char *path = getenv("NNRT_CUDA_PLUGIN");
    const int named = path != NULL && path[0] != '\0';
    char reason[512] = "";
    void *library = named ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : open_library(reason);
    if (library == NULL && named)
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: NNRT_CUDA_PLUGIN names '%s': %s", path, dlerror());
    if (library == NULL && reason[0] != '\0')
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: cannot load the plug-in: %s", reason);
    if (library == NULL)
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: the library %s is not installed", LIBRARY);
    void *symbol = dlsym(library, NNRT_CUDA_PLUGIN_SYMBOL);
    nnrt_cuda_plugin_fn *get;
    memcpy(&get, &symbol, sizeof get);
    const nnrt_cuda_plugin *plugin = symbol != NULL ? get(NNRT_CUDA_ABI) : NULL;
    if (plugin == NULL || plugin->abi != NNRT_CUDA_ABI ||
        plugin->kernel_count != NNRT_CUDA_K_COUNT)
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: the library %s is of another version than this runtime",
                 named ? path : LIBRARY);
    *out = plugin;
    return NNC_OK;
}
