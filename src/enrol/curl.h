/* libcurl in its GnuTLS flavour, loaded when something is fetched and not before: a worker never
 * has it in its process, and the TLS library that we are built with meets no other of its kind. */
#ifndef CS_ENROL_CURL_H
#define CS_ENROL_CURL_H

#define CURL_DISABLE_DEPRECATION /* the options that older versions know, too */
#include <curl/curl.h>

/* The functions that are used of it. */
struct cs_curl {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_setopt) *multi_setopt;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_socket_action) *multi_socket_action;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
};

/** cs_curl_load() - the library, which stays loaded.
 *  Return: it, or NULL with *ret_error (static, or the loader's until its next call). */
const struct cs_curl *cs_curl_load(const char **ret_error);

#endif
