/* Reads the machine file, logs calls, carries out faults. Linked into each fake library. */
#define _GNU_SOURCE
#include "machine.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum deed { RETURN, HANG, HANG_IGNORING_SIGTERM, CRASH, ABORT, SLEEP, PRINT };

static const char *const DEEDS[] = {
    "return", "hang", "hang-ignoring-sigterm", "crash", "abort", "sleep", "print"};

struct fault {
    char function[96]; /* an fnmatch pattern */
    int gpu;           /* -1: any */
    int after;         /* this many calls go well first */
    int calls;
    enum deed deed;
    int number; /* RETURN: the code; SLEEP: milliseconds */
    char text[256];
};

struct machine machine;
static struct fault fault[MAX_FAULTS];
static int faults;
static const char *log_path;
static char place[512] = "FAKE_NVIDIA_MACHINE";

void fake_refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "fake NVIDIA driver: %s: ", place);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(70);
}

/* Faults */

static void carry_out(const struct fault *f) {
    switch (f->deed) {
    case HANG_IGNORING_SIGTERM:
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        /* fall through */
    case HANG:
        for (;;)
            pause();
    case CRASH:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case ABORT:
        abort();
    case SLEEP:
        usleep((useconds_t)f->number * 1000);
        break;
    case PRINT:
        dprintf(STDOUT_FILENO, "%s\n", f->text);
        break;
    case RETURN:
        break;
    }
}

int fake_call(const char *function, int gpu) {
    if (log_path) {
        int file = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (file < 0)
            fake_refuse("cannot write the log %s", log_path);
        dprintf(file, "%d %s %d\n", (int)getpid(), function, gpu);
        close(file);
    }
    for (int i = 0; i < faults; i++) {
        struct fault *f = &fault[i];
        if (fnmatch(f->function, function, 0) || (f->gpu >= 0 && f->gpu != gpu))
            continue;
        if (__atomic_fetch_add(&f->calls, 1, __ATOMIC_RELAXED) < f->after)
            continue;
        carry_out(f);
        if (f->deed == RETURN)
            return f->number;
    }
    return 0;
}

/* The machine file */

#define AS_NAME(name, healthy) #name,
#define AS_HEALTHY(name, healthy) healthy,
static const char *const NUMBER_NAMES[] = {GPU_NUMBERS(AS_NAME)};
static const long long HEALTHY[] = {GPU_NUMBERS(AS_HEALTHY)};

static enum { NONE, DRIVER, GPU, FAULT, EXPECT } section;
static int first_gpu, last_gpu;

static long long number_of(const char *text) {
    char *end;
    long long number = strtoll(text, &end, 0);
    if (end == text || *end)
        fake_refuse("\"%s\" is not a number", text);
    return number;
}

/* "11.6" */
static void two_numbers(const char *text, int *major, int *minor) {
    int used = 0;
    if (sscanf(text, "%d.%d%n", major, minor, &used) != 2 || text[used])
        fake_refuse("\"%s\" is not MAJOR.MINOR", text);
}

static void copy(char *to, size_t size, const char *text) {
    if (strlen(text) >= size)
        fake_refuse("\"%s\" is too long", text);
    strcpy(to, text);
}

static void new_gpu(void) {
    if (machine.gpus == MAX_GPUS)
        fake_refuse("more than %d GPUs", MAX_GPUS);
    struct gpu *gpu = &machine.gpu[machine.gpus];
    gpu->index = machine.gpus++;
    strcpy(gpu->name, "NVIDIA Fake GPU");
    sprintf(gpu->uuid, "GPU-00000000-0000-0000-0000-%012d", gpu->index);
    sprintf(gpu->serial, "%013d", gpu->index);
    strcpy(gpu->vbios, "90.00.00.00.01");
    sprintf(gpu->bus_id, "00000000:%02X:00.0", gpu->index + 1);
    memcpy(gpu->number, HEALTHY, sizeof HEALTHY);
}

/* "driver", "gpu 3", "gpu 0-7", "fault NAME", "expect" */
static void open_section(const char *title) {
    int used = 0;
    if (!strcmp(title, "driver")) {
        section = DRIVER;
    } else if (!strcmp(title, "expect")) {
        section = EXPECT;
    } else if (!strncmp(title, "fault ", 6)) {
        section = FAULT;
        if (faults == MAX_FAULTS)
            fake_refuse("more than %d faults", MAX_FAULTS);
        fault[faults++].gpu = -1;
    } else if (sscanf(title, "gpu %d-%d%n", &first_gpu, &last_gpu, &used) == 2 && !title[used]) {
        section = GPU;
    } else if (sscanf(title, "gpu %d%n", &first_gpu, &used) == 1 && !title[used]) {
        section = GPU;
        last_gpu = first_gpu;
    } else {
        fake_refuse("no section is called [%s]", title);
    }
    if (section != GPU)
        return;
    if (first_gpu < 0 || first_gpu > machine.gpus || last_gpu < first_gpu)
        fake_refuse("[%s] leaves GPUs out", title);
    while (machine.gpus <= last_gpu)
        new_gpu();
}

static void set_driver(const char *key, const char *value) {
    int major, minor;
    if (!strcmp(key, "version")) {
        copy(machine.version, sizeof machine.version, value);
    } else if (!strcmp(key, "cuda")) {
        two_numbers(value, &major, &minor);
        machine.cuda = 1000 * major + 10 * minor;
    } else if (strcmp(key, "library")) { /* the libraries' file names: read by nvidia.py */
        fake_refuse("[driver] has no \"%s\"", key);
    }
}

/* "4242:20000, 777:100": pid and MiB */
static void set_processes(struct gpu *gpu, const char *value) {
    int used = 0;
    for (gpu->processes = 0; *value; value += used) {
        if (gpu->processes == MAX_PROCESSES)
            fake_refuse("more than %d processes", MAX_PROCESSES);
        struct process *process = &gpu->process[gpu->processes++];
        if (sscanf(value, "%u:%llu%n", &process->pid, &process->mib, &used) != 2)
            fake_refuse("\"%s\" is not PID:MIB", value);
        used += (int)strspn(value + used, ", ");
    }
}

static void set_gpu(struct gpu *gpu, const char *key, const char *value) {
    if (!strcmp(key, "name")) {
        copy(gpu->name, sizeof gpu->name, value);
        return;
    }
    if (!strcmp(key, "uuid")) {
        copy(gpu->uuid, sizeof gpu->uuid, value);
        return;
    }
    if (!strcmp(key, "compute_capability")) {
        two_numbers(value, &gpu->major, &gpu->minor);
        return;
    }
    if (!strcmp(key, "processes")) {
        set_processes(gpu, value);
        return;
    }
    for (int i = 0; i < NUMBERS; i++)
        if (!strcmp(key, NUMBER_NAMES[i])) {
            gpu->number[i] = strcmp(value, "unsupported") ? number_of(value) : UNSUPPORTED;
            return;
        }
    fake_refuse("a GPU has no \"%s\"", key);
}

/* "return 15", "hang", "sleep 200", "print text" */
static void set_deed(struct fault *f, const char *value) {
    size_t length = strcspn(value, " ");
    const char *rest = value + length + strspn(value + length, " ");
    for (unsigned i = 0; i < sizeof DEEDS / sizeof *DEEDS; i++) {
        if (strlen(DEEDS[i]) != length || strncmp(DEEDS[i], value, length))
            continue;
        f->deed = (enum deed)i;
        if (f->deed == RETURN || f->deed == SLEEP)
            f->number = (int)number_of(rest);
        else if (f->deed == PRINT)
            copy(f->text, sizeof f->text, rest);
        else if (*rest)
            fake_refuse("\"%s\" says too much", value);
        return;
    }
    fake_refuse("nothing is called \"%s\"", value);
}

static void set_fault(struct fault *f, const char *key, const char *value) {
    if (!strcmp(key, "function"))
        copy(f->function, sizeof f->function, value);
    else if (!strcmp(key, "gpu"))
        f->gpu = (int)number_of(value);
    else if (!strcmp(key, "after"))
        f->after = (int)number_of(value);
    else if (!strcmp(key, "do"))
        set_deed(f, value);
    else
        fake_refuse("[fault] has no \"%s\"", key);
}

static void set(const char *key, const char *value) {
    if (section == EXPECT)
        return; /* what a check must find there, and the host's files: for the tests */
    if (section == DRIVER)
        set_driver(key, value);
    else if (section == FAULT)
        set_fault(&fault[faults - 1], key, value);
    else if (section == GPU)
        for (int i = first_gpu; i <= last_gpu; i++)
            set_gpu(&machine.gpu[i], key, value);
    else
        fake_refuse("\"%s\" stands in no section", key);
}

static char *strip(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

static void read_line(char *line) {
    line = strip(line);
    if (!*line || *line == '#' || *line == ';')
        return;
    char *end = line + strlen(line) - 1;
    if (*line == '[' && *end == ']') {
        *end = '\0';
        open_section(strip(line + 1));
        return;
    }
    char *equals = strchr(line, '=');
    if (!equals)
        fake_refuse("\"%s\" is neither a section nor KEY = VALUE", line);
    *equals = '\0';
    set(strip(line), strip(equals + 1));
}

/* When the library is loaded: no thread of the program can be in here yet. */
__attribute__((constructor)) static void read_machine(void) {
    char line[1024];
    const char *path = getenv("FAKE_NVIDIA_MACHINE");
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file)
        fake_refuse("names no file that can be read");
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        snprintf(place, sizeof place, "%s:%d", path, number);
        read_line(line);
    }
    fclose(file);
    snprintf(place, sizeof place, "%s", path);
    for (int i = 0; i < faults; i++)
        if (!fault[i].function[0])
            fake_refuse("a fault has no function");
    if (!machine.version[0] || !machine.cuda)
        fake_refuse("[driver] lacks its version or cuda");
    snprintf(machine.nvml_version, sizeof machine.nvml_version, "%d.%.70s",
             machine.cuda / 1000, machine.version);
    log_path = getenv("FAKE_NVIDIA_LOG");
    fake_call("dlopen:" LIBRARY, -1);
}
