/* Opens a library, and has that library open others by name: argv is OPENER NAME... */
#include <dlfcn.h>
#include <stdio.h>

typedef const char *open_function(const char *name);

int main(int count, char **arguments) {
    void *opener = dlopen(arguments[1], RTLD_NOW);
    if (!opener) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    open_function *open_library = (open_function *)dlsym(opener, "open_library");
    for (int i = 2; i < count; i++)
        printf("%s\t%s\n", arguments[i], open_library(arguments[i]));
    return 0;
}
