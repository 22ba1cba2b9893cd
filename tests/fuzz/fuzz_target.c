/* Targets, hosts and escapes. A normalised path has no dot segment left, and a path that is
 * escaped and normalised again is itself. */
#include "http/escape.h"
#include "http/target.h"

#include "base/panic.h"

static void check_normal(struct cs_str path, bool merged)
{
    cs_assert(path.len && path.ptr[0] == '/');
    cs_assert(cs_str_search(path, CS_STR("/../")) < 0 && cs_str_search(path, CS_STR("/./")) < 0);
    cs_assert(!cs_str_ends(path, CS_STR("/..")) && !cs_str_ends(path, CS_STR("/.")));
    cs_assert(!merged || cs_str_search(path, CS_STR("//")) < 0);
    cs_assert(cs_str_find(path, '\0') < 0);
}

static void check_path(struct cs_str raw, bool merge, struct cs_arena *arena)
{
    struct cs_str path, again;

    if (cs_path_normalize(raw, merge, arena, &path))
        return;
    check_normal(path, merge);
    cs_assert(!cs_path_normalize(cs_escape_uri(path, CS_ESCAPE_URI, arena), merge, arena, &again));
    cs_assert(cs_str_eq(path, again));
}

static void check_host(struct cs_str text)
{
    char buf[CS_HOST_TEXT], second[CS_HOST_TEXT];
    struct cs_authority parts;
    struct cs_str canon, again;

    if (cs_authority_split(text, &parts) < 0 || cs_host_canon(parts.host, buf, &canon) < 0)
        return;
    cs_assert(!cs_host_canon(canon, second, &again) && cs_str_eq(canon, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_str in = cs_str_make(data, size);
    struct cs_arena arena = {0};
    struct cs_http_target target;
    struct cs_buf buf;

    if (!cs_target_split(in, &target) && target.form != CS_TARGET_ASTERISK)
        cs_assert(target.path.ptr[0] == '/' && cs_str_find(target.origin, '#') < 0);
    check_path(in, true, &arena);
    check_path(in, false, &arena);
    check_host(in);
    cs_escape_uri(in, CS_ESCAPE_ARGS, &arena);
    cs_escape_uri(in, CS_ESCAPE_COMPONENT, &arena);
    cs_escape_html(in, &arena);
    cs_buf_init(&buf, 100);
    cs_escape_log(&buf, in);
    cs_escape_log_json(&buf, in);
    cs_buf_deinit(&buf);
    cs_arena_deinit(&arena);
    return 0;
}
