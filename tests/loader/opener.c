/* The library that opens others, as libtensorflow_framework does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>

const char *open_library(const char *name) {
    static char text[4096];
    struct link_map *map;
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        snprintf(text, sizeof text, "! %s", dlerror());
    else if (dlinfo(library, RTLD_DI_LINKMAP, &map) == 0)
        snprintf(text, sizeof text, "%s", map->l_name);
    return text;
}
