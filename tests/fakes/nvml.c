/* libnvidia-ml.so.1 of a machine that is not there. Structures and numbers as nvml.h has them;
 * a function that is missing here is FUNCTION_NOT_FOUND to nvidia-ml-py, as in an old driver. */
#define _GNU_SOURCE
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef int nvmlReturn_t;
typedef struct gpu *nvmlDevice_t;

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    ARGUMENT_VERSION_MISMATCH = 25,
};

static int initialised;
static struct gpu mig_device[MAX_GPUS][MAX_MIG];

static const char *const ERRORS[] = {
    "Success", "Uninitialized", "Invalid Argument", "Not Supported", "Insufficient Permissions",
    "Already Initialized", "Not Found", "Insufficient Size", "Insufficient External Power",
    "Driver Not Loaded", "Timeout", "Interrupt Request Issue", "NVML Shared Library Not Found",
    "Function Not Found", "Corrupted infoROM", "GPU is lost", "GPU requires reset",
    "GPU access blocked by the operating system", "Driver/library version mismatch",
    "GPU currently in use", "Insufficient Memory", "No data"};

API const char *nvmlErrorString(nvmlReturn_t code) {
    int names = sizeof ERRORS / sizeof *ERRORS;
    return code >= 0 && code < names ? ERRORS[code] : "Unknown Error";
}

/* Every call goes through one of these two. */

#define CALL(gpu)                                                                                \
    do {                                                                                         \
        nvmlReturn_t code_ = fake_call(__func__, gpu);                                           \
        if (code_ || !initialised)                                                               \
            return code_ ? code_ : UNINITIALIZED;                                                \
    } while (0)

#define CALL_DEVICE(device)                                                                      \
    do {                                                                                         \
        int known_ = is_device(device);                                                          \
        CALL(known_ ? (device)->index : -1);                                                     \
        if (!known_)                                                                             \
            return INVALID_ARGUMENT;                                                             \
    } while (0)

static int is_device(const struct gpu *device) {
    const struct gpu *first_mig = &mig_device[0][0];
    return (device >= machine.gpu && device < machine.gpu + machine.gpus)
           || (device >= first_mig && device < first_mig + MAX_GPUS * MAX_MIG);
}

static nvmlReturn_t text(char *to, unsigned size, const char *from) {
    if (!to || strlen(from) >= size)
        return to ? INSUFFICIENT_SIZE : INVALID_ARGUMENT;
    strcpy(to, from);
    return SUCCESS;
}

/* System */

API nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    nvmlReturn_t code = fake_call(__func__, -1);
    if (!code)
        initialised++;
    return code;
}

API nvmlReturn_t nvmlInit_v2(void) {
    nvmlReturn_t code = fake_call(__func__, -1);
    if (!code)
        initialised++;
    return code;
}

API nvmlReturn_t nvmlInit(void) {
    return nvmlInit_v2();
}

API nvmlReturn_t nvmlShutdown(void) {
    CALL(-1);
    initialised--;
    return SUCCESS;
}

API nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned size) {
    CALL(-1);
    return text(version, size, machine.version);
}

API nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned size) {
    CALL(-1);
    return text(version, size, machine.nvml_version);
}

static nvmlReturn_t cuda_version(int *version) {
    *version = machine.cuda;
    return SUCCESS;
}

API nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) {
    CALL(-1);
    return cuda_version(version);
}

API nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    CALL(-1);
    return cuda_version(version);
}

API nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char *name, unsigned size) {
    CALL(-1);
    for (int i = 0; i < machine.gpus; i++)
        for (unsigned p = 0; p < machine.gpu[i].processes; p++)
            if (machine.gpu[i].process[p].pid == pid)
                return text(name, size, "python3");
    return NOT_FOUND;
}

/* Handles */

API nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    CALL(-1);
    *count = (unsigned)machine.gpus;
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    CALL(index < MAX_GPUS ? (int)index : -1);
    if (index >= (unsigned)machine.gpus)
        return INVALID_ARGUMENT;
    *device = &machine.gpu[index];
    return SUCCESS;
}

/* The domain may be written with four digits or eight. */
API nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device) {
    CALL(-1);
    for (int i = 0; i < machine.gpus; i++) {
        const char *own = machine.gpu[i].bus_id;
        if (!strcasecmp(own, bus_id) || !strcasecmp(own + 4, bus_id)) {
            *device = &machine.gpu[i];
            return SUCCESS;
        }
    }
    return NOT_FOUND;
}

API nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
    CALL(-1);
    for (int i = 0; i < machine.gpus; i++)
        if (!strcmp(machine.gpu[i].uuid, uuid)) {
            *device = &machine.gpu[i];
            return SUCCESS;
        }
    return NOT_FOUND;
}

/* One text, one number, two numbers */

#define TEXT(function, field)                                                                    \
    API nvmlReturn_t function(nvmlDevice_t device, char *to, unsigned size) {                    \
        CALL_DEVICE(device);                                                                     \
        return text(to, size, device->field);                                                    \
    }

#define NUMBER(function, number_, type)                                                          \
    API nvmlReturn_t function(nvmlDevice_t device, type *to) {                                   \
        CALL_DEVICE(device);                                                                     \
        if (device->number[number_] == UNSUPPORTED)                                              \
            return NOT_SUPPORTED;                                                                \
        *to = (type)device->number[number_];                                                     \
        return SUCCESS;                                                                          \
    }

#define CURRENT_AND_PENDING(function, current, pending)                                          \
    API nvmlReturn_t function(nvmlDevice_t device, unsigned *now, unsigned *next) {              \
        CALL_DEVICE(device);                                                                     \
        const long long *number = device->number;                                                \
        if (number[current] == UNSUPPORTED)                                                      \
            return NOT_SUPPORTED;                                                                \
        *now = (unsigned)number[current];                                                        \
        *next = (unsigned)number[number[pending] == AS_CURRENT ? current : pending];             \
        return SUCCESS;                                                                          \
    }

TEXT(nvmlDeviceGetName, name)
TEXT(nvmlDeviceGetUUID, uuid)
TEXT(nvmlDeviceGetSerial, serial)
TEXT(nvmlDeviceGetVbiosVersion, vbios)

NUMBER(nvmlDeviceGetPowerUsage, power_mw, unsigned)
NUMBER(nvmlDeviceGetPerformanceState, performance_state, unsigned)
NUMBER(nvmlDeviceGetComputeMode, compute_mode, unsigned)
NUMBER(nvmlDeviceGetPersistenceMode, persistence, unsigned)
NUMBER(nvmlDeviceGetCurrentClocksThrottleReasons, throttle_reasons, unsigned long long)
NUMBER(nvmlDeviceGetCurrentClocksEventReasons, throttle_reasons, unsigned long long)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, pcie_generation, unsigned)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, pcie_generation_max, unsigned)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, pcie_width, unsigned)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, pcie_width_max, unsigned)
NUMBER(nvmlDeviceGetRetiredPagesPendingStatus, retired_pages_pending, unsigned)
NUMBER(nvmlDeviceGetVirtualizationMode, virtualization, unsigned)

CURRENT_AND_PENDING(nvmlDeviceGetEccMode, ecc, ecc_pending)
CURRENT_AND_PENDING(nvmlDeviceGetMigMode, mig, mig_pending)

/* Getters of a shape of their own */

static nvmlReturn_t index_of(nvmlDevice_t device, unsigned *to) {
    *to = (unsigned)device->index;
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned *index) {
    CALL_DEVICE(device);
    return index_of(device, index);
}

API nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned *minor) {
    CALL_DEVICE(device);
    return index_of(device, minor);
}

API nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    CALL_DEVICE(device);
    *major = device->major;
    *minor = device->minor;
    return SUCCESS;
}

struct memory {
    unsigned long long total, free, used;
};

struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

API nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, struct memory *memory) {
    CALL_DEVICE(device);
    const long long *number = device->number;
    memory->total = (unsigned long long)number[memory_mib] * MIB;
    /* The first version counts what the driver keeps for itself as used. */
    memory->used = (unsigned long long)(number[used_mib] + number[reserved_mib]) * MIB;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, struct memory_v2 *memory) {
    CALL_DEVICE(device);
    const long long *number = device->number;
    if (memory->version != 0x02000028)
        return ARGUMENT_VERSION_MISMATCH;
    memory->total = (unsigned long long)number[memory_mib] * MIB;
    memory->reserved = (unsigned long long)number[reserved_mib] * MIB;
    memory->used = (unsigned long long)number[used_mib] * MIB;
    memory->free = memory->total - memory->reserved - memory->used;
    return SUCCESS;
}

struct pci_info {
    char legacy_bus_id[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

API nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, struct pci_info *pci) {
    CALL_DEVICE(device);
    memset(pci, 0, sizeof *pci);
    if (sscanf(device->bus_id, "%x:%x:%x", &pci->domain, &pci->bus, &pci->device) != 3)
        fake_refuse("%s is no PCI address", device->bus_id);
    snprintf(pci->legacy_bus_id, sizeof pci->legacy_bus_id, "%s", device->bus_id + 4);
    strcpy(pci->bus_id, device->bus_id);
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned *to) {
    CALL_DEVICE(device);
    if (sensor || device->number[temperature] == UNSUPPORTED)
        return sensor ? INVALID_ARGUMENT : NOT_SUPPORTED;
    *to = (unsigned)device->number[temperature];
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, unsigned rates[2]) {
    CALL_DEVICE(device);
    if (device->number[utilization] == UNSUPPORTED)
        return NOT_SUPPORTED;
    rates[0] = rates[1] = (unsigned)device->number[utilization];
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int kind, int counter,
                                             unsigned long long *errors) {
    (void)counter;
    CALL_DEVICE(device);
    if (device->number[ecc] == UNSUPPORTED || !device->number[ecc])
        return NOT_SUPPORTED;
    *errors = (unsigned long long)device->number[kind ? ecc_uncorrected : ecc_corrected];
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned *corrected,
                                           unsigned *uncorrected, unsigned *pending,
                                           unsigned *failed) {
    CALL_DEVICE(device);
    const long long *number = device->number;
    if (number[remapped_corrected] == UNSUPPORTED)
        return NOT_SUPPORTED;
    *corrected = (unsigned)number[remapped_corrected];
    *uncorrected = (unsigned)number[remapped_uncorrected];
    *pending = (unsigned)number[remap_pending];
    *failed = (unsigned)number[remap_failed];
    return SUCCESS;
}

struct process_info {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
};

API nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                         struct process_info *to) {
    CALL_DEVICE(device);
    unsigned room = *count;
    *count = device->processes;
    if (room < device->processes)
        return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < device->processes; i++)
        to[i] = (struct process_info){device->process[i].pid, device->process[i].mib * MIB,
                                      0xFFFFFFFF, 0xFFFFFFFF};
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned *count,
                                                          struct process_info *to) {
    (void)to;
    CALL_DEVICE(device);
    *count = 0;
    return SUCCESS;
}

struct field_value {
    unsigned id, scope;
    long long timestamp, latency;
    unsigned type;
    nvmlReturn_t code;
    union {
        unsigned number;
        unsigned long long long_number;
    } value;
};

enum { FIELD_RECOVERY_ACTION = 230, TYPE_UNSIGNED = 1 };

API nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count,
                                          struct field_value *values) {
    CALL_DEVICE(device);
    for (int i = 0; i < count; i++) {
        long long action = device->number[recovery_action];
        values[i].code = NOT_SUPPORTED;
        if (values[i].id != FIELD_RECOVERY_ACTION || action == UNSUPPORTED)
            continue;
        values[i].code = SUCCESS;
        values[i].type = TYPE_UNSIGNED;
        values[i].value.number = (unsigned)action;
    }
    return SUCCESS;
}

struct fabric_info {
    unsigned version;
    unsigned char cluster[16];
    nvmlReturn_t status;
    unsigned clique, state, health;
};

/* Versions 2 and 3; the third has one more byte behind, which stays as the caller set it. */
API nvmlReturn_t nvmlDeviceGetGpuFabricInfoV(nvmlDevice_t device, struct fabric_info *fabric) {
    CALL_DEVICE(device);
    if (fabric->version != 0x02000024 && fabric->version != 0x03000028)
        return ARGUMENT_VERSION_MISMATCH;
    if (device->number[fabric_state] == UNSUPPORTED)
        return NOT_SUPPORTED;
    fabric->status = (nvmlReturn_t)device->number[fabric_status];
    fabric->state = (unsigned)device->number[fabric_state];
    fabric->health = (unsigned)device->number[fabric_health];
    return SUCCESS;
}

/* MIG: an instance is a device of its own, with its card's index in logs and faults. */

API nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count) {
    CALL_DEVICE(device);
    *count = device->number[mig] == UNSUPPORTED ? 0 : MAX_MIG;
    return SUCCESS;
}

API nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index,
                                                     nvmlDevice_t *to) {
    CALL_DEVICE(device);
    const long long *number = device->number;
    if (number[mig] == UNSUPPORTED)
        return NOT_SUPPORTED;
    if (number[mig] != 1 || index >= MAX_MIG || index >= (unsigned)number[mig_instances])
        return NOT_FOUND;
    struct gpu *instance = &mig_device[device->index][index];
    *instance = *device;
    instance->number[mig] = UNSUPPORTED;
    instance->number[memory_mib] /= number[mig_instances];
    snprintf(instance->uuid, sizeof instance->uuid, "MIG-%.4s%04u%.60s", device->uuid + 4, index,
             device->uuid + 12);
    *to = instance;
    return SUCCESS;
}
