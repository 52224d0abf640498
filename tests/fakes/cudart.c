/* libcudart.so.12 of a machine that is not there. CUDART_FAULT is "FUNCTION CODE": that function
 * answers that code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fault(const char *function) {
    char name[64] = "";
    int code = 0;
    const char *given = getenv("CUDART_FAULT");
    if (given && sscanf(given, "%63s %d", name, &code) == 2 && !strcmp(name, function))
        return code;
    return 0;
}

int cudaRuntimeGetVersion(int *version) {
    *version = 12050;
    return fault(__func__);
}

int cudaGetDeviceCount(int *count) {
    *count = 1;
    return fault(__func__);
}

int cudaMalloc(void **where, size_t size) {
    *where = malloc(size);
    return fault(__func__);
}

int cudaMemcpy(void *to, const void *from, size_t size, int kind) {
    (void)kind;
    memcpy(to, from, size);
    return fault(__func__);
}

int cudaFree(void *where) {
    free(where);
    return fault(__func__);
}

const char *cudaGetErrorName(int code) {
    return code == 35 ? "cudaErrorInsufficientDriver" : "cudaErrorUnknown";
}

const char *cudaGetErrorString(int code) {
    return code == 35 ? "CUDA driver version is insufficient for CUDA runtime version" : "unknown";
}
