/* The part of libcuda.so.1 that takes a context and copies: device memory is the host's. Where
 * the machine file says corrupt_copies = 1 for a GPU, one bit of what comes back is another. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum { OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201 };

static struct gpu *current;
static int retained[MAX_GPUS];

static int on_gpu(const char *function) {
    return current ? fake_call(function, current->index) : INVALID_CONTEXT;
}

#define CALL_ON_GPU()                                                                            \
    do {                                                                                         \
        int code_ = on_gpu(__func__);                                                            \
        if (code_)                                                                               \
            return code_;                                                                        \
    } while (0)

API int cuDevicePrimaryCtxRetain(void **context, int device) {
    int code = fake_call(__func__, device);
    if (code)
        return code;
    retained[device]++;
    *context = &machine.gpu[device];
    return 0;
}

API int cuDevicePrimaryCtxRelease_v2(int device) {
    int code = fake_call(__func__, device);
    if (!code && retained[device]-- == 0)
        return INVALID_CONTEXT;
    if (!code)
        current = NULL;
    return code;
}

API int cuCtxSetCurrent(void *context) {
    current = context;
    return fake_call(__func__, current ? current->index : -1);
}

API int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    CALL_ON_GPU();
    *total = (size_t)current->number[memory_mib] * MIB;
    *free_bytes = *total - (size_t)current->number[used_mib] * MIB;
    return 0;
}

API int cuMemAlloc_v2(unsigned long long *where, size_t size) {
    CALL_ON_GPU();
    *where = (unsigned long long)(size_t)malloc(size);
    return *where ? 0 : OUT_OF_MEMORY;
}

API int cuMemFree_v2(unsigned long long where) {
    CALL_ON_GPU();
    free((void *)(size_t)where);
    return 0;
}

API int cuMemcpyHtoD_v2(unsigned long long where, const void *from, size_t size) {
    CALL_ON_GPU();
    memcpy((void *)(size_t)where, from, size);
    return 0;
}

API int cuMemcpyDtoH_v2(void *to, unsigned long long where, size_t size) {
    CALL_ON_GPU();
    memcpy(to, (void *)(size_t)where, size);
    if (current->number[corrupt_copies])
        ((char *)to)[size / 2] ^= 4;
    return 0;
}
