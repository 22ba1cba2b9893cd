/* The head of a response: what every answer has, what add_header adds, what Connection says. */
#include "gateway/conn.h"
#include "gateway/failure.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "http/message.h"

/* The status to show, when an error page answers for another one. */
static int shown_status(const struct cs_request *request, int status)
{
    if (!request->error_status || request->forced_status == 0)
        return status;
    return request->forced_status > 0 ? request->forced_status : request->error_status;
}

/* The Date of this second, written once for all requests in it. */
static struct cs_str date_text(struct cs_worker *worker)
{
    int64_t now_sec = cs_now_sec(&worker->loop.now);

    if (worker->date.len == 0 || worker->date_sec != now_sec) {
        worker->date = cs_time_http(now_sec, worker->date_text);
        worker->date_sec = now_sec;
    }
    return worker->date;
}

void cs_head_begin(struct cs_request *request, int status, struct cs_str reason)
{
    int shown = (int)cs_http_wire_status((unsigned)shown_status(request, status));

    request->status = shown;
    request->outcome.status = shown;
    request->head_sent = true;
    if (request->telling)
        cs_failure_answered(request, shown);
    cs_shelf_lend(&request->conn->worker->small, &request->out, 1);
    cs_h1_write_status_line(&request->out, (unsigned)shown,
                            shown == status ? reason : (struct cs_str){0});
    cs_head_add_id(request, CS_HEADER_SERVER, cs_server_token(request->scope));
    cs_head_add_id(request, CS_HEADER_DATE,
                   cs_arena_dup(&request->arena, date_text(request->conn->worker)));
}

void cs_head_add_known(struct cs_request *request, struct cs_str name, struct cs_str value,
                       enum cs_header_id known)
{
    cs_headers_add_known(&request->sent, &request->arena, name, value, known);
    cs_h1_write_header(&request->out, name, value);
}

void cs_head_add(struct cs_request *request, struct cs_str name, struct cs_str value)
{
    cs_head_add_known(request, name, value, cs_header_lookup(name));
}

void cs_head_add_id(struct cs_request *request, enum cs_header_id id, struct cs_str value)
{
    cs_head_add_known(request, cs_header_name(id), value, id);
}

/* add_header without `always` is for these only. */
static bool is_good(int status)
{
    static const int good[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (status == good[i])
            return true;
    }
    return false;
}

static bool may_stay(const struct cs_request *request)
{
    const struct cs_conn *conn = request->conn;
    const struct cs_location_settings *set = &request->scope->set;
    int64_t age = conn->worker->loop.now.mono_ms - conn->accepted_ms;

    return request->keep_alive && !conn->worker->draining && !conn->cut_by_ms &&
           set->keepalive_timeout > 0 && conn->n_requests < (uint64_t)set->keepalive_requests &&
           age < set->keepalive_time;
}

static void add_connection(struct cs_request *request)
{
    int64_t announced = request->scope->set.keepalive_timeout_header;

    request->keep_alive = may_stay(request);
    if (!request->keep_alive) {
        cs_head_add_id(request, CS_HEADER_CONNECTION, CS_STR("close"));
        return;
    }
    cs_head_add_id(request, CS_HEADER_CONNECTION, CS_STR("keep-alive"));
    if (announced)
        cs_head_add(request, CS_STR("Keep-Alive"),
                    cs_arena_printf(&request->arena, "timeout=%lld", (long long)announced));
}

void cs_head_end(struct cs_request *request)
{
    const struct cs_scope *scope = request->scope;

    for (size_t i = 0; i < scope->n_add; i++) {
        struct cs_str value;
        if (!scope->add[i].always && !is_good(request->status))
            continue;
        value = cs_request_eval(request, &scope->add[i].value);
        if (value.len)
            cs_head_add_known(request, scope->add[i].name, value, scope->add[i].known);
    }
    if (request->status != 101)
        add_connection(request);
    cs_h1_write_end(&request->out);
}
