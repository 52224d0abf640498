/* libcuda.so.1 of a machine that is not there: what is asked to list GPUs, and no more. */
#define _GNU_SOURCE
#include "machine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef int CUresult;
typedef int CUdevice;

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
};

static const struct {
    CUresult code;
    const char *name, *text;
} ERRORS[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {304, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda "
                                               "driver combination"},
    {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
     "forward compatibility was attempted on non supported HW"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static int initialised;
static struct gpu *visible[MAX_GPUS];
static int devices;

/* A card in MIG mode is seen through its instances only. */
static int usable(const struct gpu *gpu) {
    return gpu->number[mig] != 1 || gpu->number[mig_instances] > 0;
}

static struct gpu *named(const char *entry, size_t length) {
    for (int i = 0; i < machine.gpus; i++) {
        struct gpu *gpu = &machine.gpu[i];
        if (length > 4 && !strncasecmp(entry, "GPU-", 4)) {
            if (!strncmp(entry, gpu->uuid, length))
                return gpu;
        } else if (length && isdigit((unsigned char)*entry) && atoi(entry) == i) {
            return gpu;
        }
    }
    return NULL;
}

/* CUDA_VISIBLE_DEVICES, which libcuda reads itself: the first entry that names no GPU ends it. */
static void choose(void) {
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    devices = 0;
    for (int i = 0; !list && i < machine.gpus; i++)
        if (usable(&machine.gpu[i]))
            visible[devices++] = &machine.gpu[i];
    while (list && *list && devices < MAX_GPUS) {
        size_t length = strcspn(list, ",");
        struct gpu *gpu = named(list, length);
        if (!gpu || !usable(gpu))
            return;
        visible[devices++] = gpu;
        list += length + (list[length] == ',');
    }
}

#define CALL(gpu)                                                                                \
    do {                                                                                         \
        CUresult code_ = fake_call(__func__, gpu);                                               \
        if (code_ || !initialised)                                                               \
            return code_ ? code_ : NOT_INITIALIZED;                                              \
    } while (0)

#define CALL_DEVICE(device)                                                                      \
    do {                                                                                         \
        int known_ = (device) >= 0 && (device) < devices;                                        \
        CALL(known_ ? visible[device]->index : -1);                                              \
        if (!known_)                                                                             \
            return INVALID_DEVICE;                                                               \
    } while (0)

API CUresult cuInit(unsigned flags) {
    (void)flags;
    CUresult code = fake_call(__func__, -1);
    if (code)
        return code;
    choose();
    initialised = devices > 0;
    return initialised ? SUCCESS : NO_DEVICE;
}

/* The one getter that works before cuInit. */
API CUresult cuDriverGetVersion(int *version) {
    *version = machine.cuda;
    return fake_call(__func__, -1);
}

API CUresult cuGetErrorName(CUresult code, const char **name) {
    for (unsigned i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == code) {
            *name = ERRORS[i].name;
            return SUCCESS;
        }
    *name = NULL;
    return INVALID_VALUE;
}

API CUresult cuGetErrorString(CUresult code, const char **text) {
    for (unsigned i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (ERRORS[i].code == code) {
            *text = ERRORS[i].text;
            return SUCCESS;
        }
    *text = NULL;
    return INVALID_VALUE;
}

API CUresult cuDeviceGetCount(int *count) {
    CALL(-1);
    *count = devices;
    return SUCCESS;
}

API CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    CALL_DEVICE(ordinal);
    *device = ordinal;
    return SUCCESS;
}

API CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
    CALL_DEVICE(device);
    snprintf(name, (size_t)size, "%s", visible[device]->name);
    return SUCCESS;
}

API CUresult cuDeviceGetPCIBusId(char *bus_id, int size, CUdevice device) {
    CALL_DEVICE(device);
    snprintf(bus_id, (size_t)size, "%s", visible[device]->bus_id + 4);
    return SUCCESS;
}

API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    CALL_DEVICE(device);
    *bytes = (size_t)visible[device]->number[memory_mib] * MIB;
    return SUCCESS;
}

API CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    CALL_DEVICE(device);
    *major = visible[device]->major;
    *minor = visible[device]->minor;
    return SUCCESS;
}

API CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
    CALL_DEVICE(device);
    *flags = 0;
    *active = 0;
    return SUCCESS;
}

/* CUdevice_attribute by number; the sizes of grid, block and registers are those of every card
 * since Maxwell. */
API CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    CALL_DEVICE(device);
    const struct gpu *gpu = visible[device];
    switch (attribute) {
    case 1: case 2: case 3: *value = 1024; break;
    case 4: *value = 64; break;
    case 5: *value = INT_MAX; break;
    case 6: case 7: *value = 65535; break;
    case 8: *value = 49152; break;
    case 10: *value = 32; break;
    case 12: case 82: *value = 65536; break;
    case 13: *value = 1710000; break;
    case 16: *value = (int)gpu->number[multiprocessors]; break;
    case 20: *value = (int)gpu->number[compute_mode]; break;
    case 32: *value = gpu->number[ecc] == 1; break;
    case 33: *value = gpu->index + 1; break;
    case 36: *value = 9501000; break;
    case 37: *value = 320; break;
    case 39: *value = 1536; break;
    case 75: *value = gpu->major; break;
    case 76: *value = gpu->minor; break;
    default: *value = 0;
    }
    return SUCCESS;
}
