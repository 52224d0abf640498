/* The machine that both fake libraries pretend to be: what a machine file may say, and how a
 * call is logged and made to fail. README.md describes the file. */
#ifndef FAKE_NVIDIA_MACHINE_H
#define FAKE_NVIDIA_MACHINE_H

#include <limits.h>

#define API __attribute__((visibility("default")))
#define MIB (1024ULL * 1024ULL)

enum { MAX_GPUS = 64, MAX_FAULTS = 16, MAX_PROCESSES = 8, MAX_MIG = 7 };

/* NVML answers 3, Not Supported, for a number that the file calls "unsupported". */
#define UNSUPPORTED LLONG_MIN
/* A pending mode that the file does not name is the current one. */
#define AS_CURRENT (LLONG_MIN + 1)

/* A GPU's numbers, and what a healthy GeForce that runs nothing has. */
#define GPU_NUMBERS(X)                                                                           \
    X(memory_mib, 8192) X(used_mib, 0) X(reserved_mib, 0)                                        \
    X(temperature, 40) X(power_mw, 30000) X(utilization, 0)                                      \
    X(throttle_reasons, 0) X(performance_state, 0)                                               \
    X(compute_mode, 0) X(persistence, 1)                                                         \
    X(ecc, UNSUPPORTED) X(ecc_pending, AS_CURRENT)                                               \
    X(ecc_corrected, 0) X(ecc_uncorrected, 0)                                                    \
    X(remapped_corrected, UNSUPPORTED) X(remapped_uncorrected, 0)                                \
    X(remap_pending, 0) X(remap_failed, 0) X(retired_pages_pending, UNSUPPORTED)                 \
    X(recovery_action, UNSUPPORTED)                                                              \
    X(mig, UNSUPPORTED) X(mig_pending, AS_CURRENT) X(mig_instances, 0)                           \
    X(pcie_generation, 4) X(pcie_generation_max, 4) X(pcie_width, 16) X(pcie_width_max, 16)      \
    X(fabric_state, UNSUPPORTED) X(fabric_status, 0) X(fabric_health, 0)                         \
    X(multiprocessors, 68) X(virtualization, 0) X(corrupt_copies, 0)

#define AS_ENUM(name, healthy) name,
enum number { GPU_NUMBERS(AS_ENUM) NUMBERS };

struct process {
    unsigned pid;
    unsigned long long mib;
};

struct gpu {
    int index;
    char name[96], uuid[80], serial[30], vbios[32], bus_id[32];
    int major, minor;
    long long number[NUMBERS];
    struct process process[MAX_PROCESSES];
    unsigned processes;
};

struct machine {
    char version[80], nvml_version[80];
    int cuda; /* 1000 * major + 10 * minor */
    struct gpu gpu[MAX_GPUS];
    int gpus;
};

extern struct machine machine;

/* Logs the call and carries out the faults that the file has for it. gpu is -1 where the
 * function is about none. Returns the code to answer with, 0 for "go on". */
int fake_call(const char *function, int gpu);

/* Ends the process, exit status 70: a machine file with a slip must never pass for a machine. */
__attribute__((noreturn, format(printf, 1, 2))) void fake_refuse(const char *format, ...);

#endif
