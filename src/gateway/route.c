/* route: the server's statements, the location that the path matches, whom it admits, its
 * statements, its access rules; as often as a rewrite starts over. */
#include "gateway/conn_log.h"
#include "gateway/proxying.h"
#include "gateway/script.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "http/escape.h"
#include "route/locations.h"

enum { MAX_JUMPS = 10 };

static int find_location(struct cs_request *request, struct cs_location_match *ret_match)
{
    int r;

    *ret_match = (struct cs_location_match){0};
    r = cs_location_match(request->server->locations, request->path, ret_match);
    if (r < 0)
        return r;
    cs_request_capture(request, &ret_match->captures);
    if (!ret_match->value)
        ret_match->value = request->server->base;
    return 0;
}

/* A client that may not ask anything is not taken to an upstream by its own error page either. */
static int plain_page(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    cs_conn_log(conn, CS_LOG_WARN,
                "the error page for a refused client is not fetched from an upstream");
    request->forced_status = 0;
    return cs_answer(conn, request->error_status ? request->error_status : 403);
}

/* Access rules of the location; what they allow, a permit attests. */
static int check_access(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    struct cs_subject subject = cs_conn_subject(conn);
    struct cs_decision decision;

    cs_policy_decide_access(request->scope->access, &subject, &decision);
    request->permit =
        cs_policy_permit(&request->arena, &request->decision, &request->admission, &decision);
    if (!request->decision.allowed && request->scope->proxy)
        return plain_page(conn);
    if (request->permit)
        return request->scope->proxy ? CS_STAGE_PROXY : cs_answer(conn, 404);
    if (decision.allowed)
        return cs_answer(conn, 404);
    cs_conn_log_kind(conn, CS_LOG_ERROR, decision.kind, (struct cs_str){0});
    return cs_answer(conn, decision.status);
}

/* Run the location's statements and go on where they lead. */
static int enter(struct cs_conn *conn, const struct cs_scope *scope)
{
    struct cs_request *request = conn->request;
    enum cs_script_result r;

    if (scope->internal && !request->internal)
        return cs_answer(conn, 404);
    cs_request_set_scope(request, scope);
    if (!cs_admit(conn))
        return request->next_stage;
    request->path_changed = false;
    r = cs_script_run(request, &scope->script);
    if (r == CS_SCRIPT_ANSWERED)
        return request->next_stage;
    if (r == CS_SCRIPT_RESTART || (request->path_changed && !request->script_stopped)) {
        request->n_jumps++;
        return CS_STAGE_ROUTE;
    }
    return check_access(conn);
}

int cs_route_named(struct cs_conn *conn, struct cs_str name)
{
    const struct cs_scope *scope = cs_location_named(conn->request->server->locations, name);

    conn->request->n_jumps++;
    conn->request->script_stopped = false;
    if (!scope || conn->request->n_jumps > MAX_JUMPS) {
        cs_conn_log(conn, CS_LOG_ERROR, "could not find named location \"%.*s\"", CS_FMT(name));
        return cs_answer(conn, 500);
    }
    return enter(conn, scope);
}

/* The path names a location but for its last slash. */
static int add_slash(struct cs_conn *conn, const struct cs_scope *scope)
{
    struct cs_request *request = conn->request;
    struct cs_str to = cs_escape_uri(request->path, CS_ESCAPE_URI, &request->arena);

    cs_request_set_scope(request, scope);
    if (!cs_admit(conn))
        return request->next_stage;
    if (request->args.len)
        to = cs_arena_printf(&request->arena, "%.*s/?%.*s", CS_FMT(to), CS_FMT(request->args));
    else
        to = cs_arena_cat(&request->arena, to, CS_STR("/"));
    return cs_answer_text(conn, 301, to);
}

int cs_stage_route(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    enum cs_script_result r = CS_SCRIPT_GO_ON;
    struct cs_location_match match;

    if (request->n_jumps > MAX_JUMPS) {
        cs_conn_log(conn, CS_LOG_ERROR, "rewrite or internal redirection cycle");
        return cs_answer(conn, 500);
    }
    if (request->n_jumps == 0)
        r = cs_script_run(request, &request->server->script);
    if (r == CS_SCRIPT_ANSWERED)
        return request->next_stage;
    request->script_stopped = false;
    if (find_location(request, &match) < 0) {
        cs_conn_log(conn, CS_LOG_ERROR, "the path could not be matched with the locations");
        return cs_answer(conn, 500);
    }
    if (match.redirect)
        return add_slash(conn, match.value);
    cs_request_set_scope(request, match.value);
    if (!request->without_body && request->head.framing == CS_H1_BODY_LENGTH &&
        cs_is_too_large(request, request->head.content_length))
        return cs_body_too_large(conn);
    return enter(conn, match.value);
}
