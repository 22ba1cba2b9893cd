/* The target of a request: taken apart, and its path brought to the one form in which it is
 * matched, authorized and forwarded.
 *
 * cs_target_split() borrows the parts; cs_path_normalize() makes what nginx calls $uri.
 */
#ifndef CS_HTTP_TARGET_H
#define CS_HTTP_TARGET_H

#include "base/arena.h"
#include "base/str.h"
#include "http/h1_error.h"
#include "http/host.h"

enum cs_target_form {
    CS_TARGET_ORIGIN,   /* /path?args */
    CS_TARGET_ABSOLUTE, /* http://host/path?args */
    CS_TARGET_ASTERISK, /* *, for OPTIONS: path is "*" and is not normalised */
};

struct cs_http_target {
    enum cs_target_form form;
    struct cs_str scheme;    /* "http" or "https" as sent; absolute form only */
    struct cs_str authority; /* host[:port], checked; absolute form only */
    struct cs_str path;      /* as sent; "/" where an absolute form has none */
    struct cs_str args;      /* behind the '?'; NULL pointer when there is no '?' */
    struct cs_str origin;    /* path and args as sent, without a fragment: $request_uri, and
                                what is forwarded when nothing is rewritten */
};

/** cs_target_split() - take a request target apart (RFC 9112 section 3.2). A fragment is
 *  dropped, as nginx does, everywhere: it is never forwarded. User information, schemes but
 *  http and https, and an absolute form with args but no path are refused. Texts borrow from
 *  @target. Return: CS_H1_OK, or why not; *ret written on CS_H1_OK only. */
enum cs_h1_error cs_target_split(struct cs_str target, struct cs_http_target *ret);

/** cs_path_normalize() - the path as it is matched and authorized, nginx's $uri: percent
 *  decoded once, "." and ".." resolved, runs of '/' merged when @merge_slashes. A decoded
 *  %2F is a '/' like any other. @path begins with '/'. *ret_path borrows from @path when
 *  nothing changes (compare pointers to know), else lives in @arena.
 *  Return: CS_H1_OK; CS_H1_BAD_PERCENT; CS_H1_NUL_IN_TARGET; CS_H1_ABOVE_ROOT; CS_H1_BAD_TARGET
 *  (no '/' at the front). */
enum cs_h1_error cs_path_normalize(struct cs_str path, bool merge_slashes, struct cs_arena *arena,
                                   struct cs_str *ret_path);

#endif
