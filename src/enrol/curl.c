/* One table of names, so that a library that lacks one of them is found out at once. */
#include "enrol/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static struct cs_curl curl;

#define NAMED(function)                                                                            \
    {                                                                                              \
        "curl_" #function, offsetof(struct cs_curl, function)                                      \
    }

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    NAMED(global_init),         NAMED(easy_init),        NAMED(easy_setopt),
    NAMED(easy_getinfo),        NAMED(easy_strerror),    NAMED(easy_cleanup),
    NAMED(slist_append),        NAMED(slist_free_all),   NAMED(multi_init),
    NAMED(multi_setopt),        NAMED(multi_add_handle), NAMED(multi_remove_handle),
    NAMED(multi_socket_action), NAMED(multi_info_read),  NAMED(multi_cleanup),
};

/* Whether @library has all of them. */
static bool take_functions(void *library, struct cs_curl *ret_curl)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            return false;
        memcpy((char *)ret_curl + functions[i].offset, &function, sizeof(function));
    }
    return true;
}

const struct cs_curl *cs_curl_load(const char **ret_error)
{
    static bool loaded;
    void *library;

    if (loaded)
        return &curl;
    library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        *ret_error = dlerror();
        return NULL;
    }
    if (!take_functions(library, &curl)) {
        *ret_error = "libcurl lacks a function";
        return NULL;
    }
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        *ret_error = "libcurl could not be initialised";
        return NULL;
    }
    loaded = true;
    return &curl;
}
