/* admit: who may ask anything of the place that a request has come to. Asked wherever a request
 * enters a location, and wherever a statement is about to answer, so that no rewrite, error page or
 * `return` leads around a rule. */
#include "gateway/conn_log.h"
#include "gateway/failure.h"
#include "gateway/stage.h"
#include "gateway/state.h"

/* It is an error page that is kept from the client, and the client knows why it gets one. */
static int plain_page(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    cs_conn_log(conn, CS_LOG_WARN, "the error page is not for this client");
    request->forced_status = 0;
    return cs_answer(conn, request->error_status);
}

static int forbid(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    if (request->error_status && request->incident)
        return plain_page(conn);
    cs_failure_request(conn, (struct cs_str){0});
    request->forced_status = 0;
    return cs_answer(conn, request->admission.status);
}

bool cs_admit(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;
    const struct cs_identity_rules *rules = request->scope->identities;
    struct cs_subject subject = {0};

    if (rules)
        subject = cs_conn_subject(conn);
    cs_policy_decide_identity(rules, &subject, &request->arena, &request->admission);
    if (request->admission.allowed)
        return true;
    request->next_stage = forbid(conn);
    return false;
}
