/* A CUDA library that says which version it is: -DNAME=cudnn -DVERSION=90100, or three numbers. */
#include <stddef.h>
#include <signal.h>
#include <unistd.h>

#define PASTE(a, b) a##b
#define FUNCTION(a, b) PASTE(a, b)

#if defined(CRASHES)
__attribute__((constructor)) static void crash(void) { raise(SIGSEGV); }
#elif defined(HANGS)
__attribute__((constructor)) static void hang(void) { for (;;) pause(); }
#endif

size_t cudnnGetVersion(void) { return VERSION; }

int cudaRuntimeGetVersion(int *version) {
    *version = VERSION;
    return 0;
}

int FUNCTION(NAME, GetProperty)(int kind, int *value) {
    *value = kind == 0 ? VERSION / 10000 : kind == 1 ? VERSION / 100 % 100 : VERSION % 100;
    return 0;
}
