/* A target is split where its bytes say, before anything is decoded; the path is decoded once
 * and only then are its dots and slashes looked at, so that no spelling of "/../" survives. */
#include "http/target.h"

#include "http/chars.h"

/* "scheme://" at the front of @target. Return: length with the slashes, or 0. */
static size_t scheme_len(struct cs_str target, struct cs_http_target *ret)
{
    static const struct cs_str schemes[] = {CS_STR_INIT("http"), CS_STR_INIT("https")};

    for (size_t i = 0; i < 2; i++) {
        struct cs_str rest = cs_str_skip(target, schemes[i].len);
        if (cs_str_starts_nocase(target, schemes[i]) && cs_str_starts(rest, CS_STR("://"))) {
            ret->scheme = cs_str_sub(target, 0, schemes[i].len);
            return schemes[i].len + 3;
        }
    }
    return 0;
}

static size_t authority_len(struct cs_str text)
{
    size_t i = 0;

    while (i < text.len && text.ptr[i] != '/' && text.ptr[i] != '?')
        i++;
    return i;
}

/* Scheme and authority off the front of *@rest; what is left is empty or begins the path. */
static enum cs_h1_error split_absolute(struct cs_str *rest, struct cs_http_target *ret)
{
    struct cs_authority unused;
    size_t len = scheme_len(*rest, ret);

    if (!len)
        return CS_H1_BAD_TARGET;
    *rest = cs_str_skip(*rest, len);
    len = authority_len(*rest);
    ret->form = CS_TARGET_ABSOLUTE;
    ret->authority = cs_str_sub(*rest, 0, len);
    *rest = cs_str_skip(*rest, len);
    if (cs_str_find(ret->authority, '@') >= 0)
        return CS_H1_USERINFO;
    return cs_authority_split(ret->authority, &unused) < 0 ? CS_H1_BAD_HOST : CS_H1_OK;
}

enum cs_h1_error cs_target_split(struct cs_str target, struct cs_http_target *ret)
{
    struct cs_http_target t = {0};
    struct cs_str rest = target;
    enum cs_h1_error error = CS_H1_OK;

    if (!target.len || !cs_chars_all(target, CS_CHAR_TARGET))
        return CS_H1_BAD_TARGET;
    if (cs_str_eq(target, CS_STR("*"))) {
        *ret =
            (struct cs_http_target){.form = CS_TARGET_ASTERISK, .path = target, .origin = target};
        return CS_H1_OK;
    }
    rest = cs_str_cut(&rest, '#');
    if (!rest.len || rest.ptr[0] != '/')
        error = split_absolute(&rest, &t);
    if (error)
        return error;
    if (!rest.len)
        rest = CS_STR("/");
    if (rest.ptr[0] != '/')
        return CS_H1_BAD_TARGET;
    t.origin = rest;
    t.path = cs_str_cut(&rest, '?');
    t.args = rest;
    *ret = t;
    return CS_H1_OK;
}

/* Whether normalising can change nothing: no '%', "//", "/." or NUL. */
static bool is_normal(struct cs_str path, bool merge_slashes)
{
    for (size_t i = 0; i < path.len; i++) {
        char next = i + 1 < path.len ? path.ptr[i + 1] : 0;
        if (path.ptr[i] == '%' || !path.ptr[i])
            return false;
        if (path.ptr[i] == '/' && (next == '.' || (next == '/' && merge_slashes)))
            return false;
    }
    return true;
}

/* Percent-decode @path into @out. */
static enum cs_h1_error decode(struct cs_str path, char *out, size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < path.len; i++) {
        int c = (unsigned char)path.ptr[i];
        if (c == '%') {
            int high = i + 2 < path.len ? cs_hex_digit(path.ptr[i + 1]) : -1;
            int low = i + 2 < path.len ? cs_hex_digit(path.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return CS_H1_BAD_PERCENT;
            c = high * 16 + low;
            i += 2;
        }
        if (!c)
            return CS_H1_NUL_IN_TARGET;
        out[len++] = (char)c;
    }
    *ret_len = len;
    return CS_H1_OK;
}

/* Give up the last segment of the @len bytes at @path. Return: the new length, or -1. */
static ptrdiff_t parent(const char *path, size_t len)
{
    if (!len)
        return -1;
    while (path[--len] != '/')
        ;
    return (ptrdiff_t)len;
}

/* Resolve dots and merge slashes in place: reading runs ahead of writing. What has been
 * written never ends in a '/' before the last segment, so "" is the root. */
static enum cs_h1_error resolve(char *path, size_t *len, bool merge_slashes)
{
    ptrdiff_t kept = 0;

    for (size_t at = 0, end; at < *len; at = end) {
        struct cs_str rest = cs_str_make(path + at + 1, *len - at - 1), all = rest;
        struct cs_str segment = cs_str_cut(&rest, '/');
        bool last = segment.len == all.len, dots = false;

        end = at + 1 + segment.len;
        if (cs_str_eq(segment, CS_STR(".."))) {
            dots = true;
            kept = parent(path, (size_t)kept);
            if (kept < 0)
                return CS_H1_ABOVE_ROOT;
        }
        if (cs_str_eq(segment, CS_STR(".")) || (!segment.len && merge_slashes))
            dots = true;
        if (dots && last)
            path[kept++] = '/';
        if (dots)
            continue;
        memmove(path + kept, path + at, segment.len + 1);
        kept += (ptrdiff_t)segment.len + 1;
    }
    *len = (size_t)kept;
    return CS_H1_OK;
}

enum cs_h1_error cs_path_normalize(struct cs_str path, bool merge_slashes, struct cs_arena *arena,
                                   struct cs_str *ret_path)
{
    enum cs_h1_error error;
    char *text;
    size_t len;

    if (!path.len || path.ptr[0] != '/')
        return CS_H1_BAD_TARGET;
    if (is_normal(path, merge_slashes)) {
        *ret_path = path;
        return CS_H1_OK;
    }
    text = cs_arena_raw(arena, path.len);
    error = decode(path, text, &len);
    if (!error)
        error = resolve(text, &len, merge_slashes);
    if (error)
        return error;
    *ret_path = cs_str_make(text, len);
    if (cs_str_eq(*ret_path, path)) /* "/.well-known" */
        *ret_path = path;
    return CS_H1_OK;
}
