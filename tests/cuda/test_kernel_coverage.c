/* Every device kernel has a test that ran its thread-block code on the simulator and compared the result with the CPU.
 * SPDX-License-Identifier: Apache-2.0
 * Reads the lists that the simulator left (NNRT_SIM_COVERAGE), prints kernel and tests, and fails for a kernel without. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kernels[] = {
#define NNRT_CUDA_KERNEL(name, args, body, threads, blocks) #name,
#include "runtime_int8/cuda/kernels.def"
#undef NNRT_CUDA_KERNEL
};

static int lists(const char *folder, const char *program, const char *kernel)
{
    char path[4096], line[256];
    snprintf(path, sizeof path, "%s/%s", folder, program);
    FILE *file = fopen(path, "r");
    int found = 0;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        found = strcmp(line, kernel) == 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* Prints the row of one kernel; returns the number of its tests. */
static int show(const char *folder, const char *kernel)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    int count = 0;
    printf("%-28s", kernel);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, "test_", 5) == 0 && lists(folder, entry->d_name, kernel)) {
            printf("%s%s", count ? ", " : " ", entry->d_name + 5);
            count++;
        }
    }
    puts(count ? "" : " NO TEST");
    if (dir != NULL)
        closedir(dir);
    return count;
}

int main(void)
{
    const char *folder = getenv("NNRT_SIM_COVERAGE");
    int missing = 0;
    if (folder == NULL) {
        puts("skipped: no simulator of CUDA devices (NNRT_SIM_COVERAGE)");
        return 77;
    }
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        missing += show(folder, kernels[i]) == 0;
    printf("%zu kernels, %d without a test\n", sizeof kernels / sizeof *kernels, missing);
    return missing != 0;
}
