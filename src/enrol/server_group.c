/* Durability is one wait for the disk, so those who come together share it: a wish waits until as
 * many are here as came together last time, or a millisecond. Answers go out behind the commit.
 *
 * A group that fails is done again one by one, so that nobody can spoil it for others. */
#include "enrol/server_state.h"

#include "base/mem.h"
#include "serve/problem.h"

enum { WAIT_MS = 1, TOGETHER_MAX = 128 };

/* Of what is refused to a token, 401 is said of the token itself. */
static void refuse(const struct cs_wish *wish)
{
    if (wish->who.proof == CS_PROOF_TOKEN && cs_problem_status(&wish->question->findings) == 401)
        cs_doubt_count(wish->server, wish->question->peer);
    cs_question_refuse(wish->question, 0);
}

static void answer(struct cs_wish *wish)
{
    if (wish->result == 0)
        cs_question_answer(wish->question, wish->status, "application/json", wish->body);
    else if (wish->result == CS_CA_REFUSED)
        refuse(wish);
    else
        cs_enrol_refuse_fault(wish->server, wish->question, wish->result,
                              "the request was not kept");
}

/* Perform @wishes in one transaction. Return: 0, or the fault for which none of it was kept. */
static int together(struct cs_enrol_server *server, struct cs_list *wishes)
{
    int r = cs_ca_begin(server->ca);

    if (r < 0)
        return r;
    CS_LIST_FOREACH (link, wishes) {
        struct cs_wish *wish = cs_container_of(link, struct cs_wish, link);
        cs_findings_init(&wish->question->findings, &wish->question->arena);
        wish->result = wish->perform(wish);
        if (wish->result < 0) {
            cs_enrol_fault(server, wish->result, "a request could not be carried out");
            cs_ca_rollback(server->ca);
            return wish->result;
        }
    }
    return cs_ca_commit(server->ca);
}

static void one_by_one(struct cs_enrol_server *server, struct cs_list *wishes)
{
    CS_LIST_FOREACH_SAFE (link, wishes) {
        struct cs_list alone;
        int r;
        cs_list_remove(link);
        cs_list_init(&alone);
        cs_list_push_back(&alone, link);
        r = together(server, &alone);
        if (r < 0)
            cs_container_of(link, struct cs_wish, link)->result = r;
        cs_list_remove(link);
        answer(cs_container_of(link, struct cs_wish, link));
    }
}

/* The first of those that wait. Return: how many. */
static size_t take_some(struct cs_group *group, struct cs_list *wishes)
{
    size_t n = 0;

    cs_list_init(wishes);
    while (!cs_list_empty(&group->wishes) && n < TOGETHER_MAX) {
        struct cs_list *link = group->wishes.next;
        cs_list_remove(link);
        cs_list_push_back(wishes, link);
        n++;
    }
    group->n -= n;
    return n;
}

static void perform_some(struct cs_enrol_server *server)
{
    struct cs_list wishes;

    server->group.expected = take_some(&server->group, &wishes);
    if (together(server, &wishes) < 0) {
        one_by_one(server, &wishes);
    } else {
        CS_LIST_FOREACH_SAFE (link, &wishes) {
            cs_list_remove(link);
            answer(cs_container_of(link, struct cs_wish, link));
        }
    }
    cs_events_look(server);
}

void cs_group_flush(struct cs_enrol_server *server)
{
    cs_timer_cancel(&server->loop, &server->group.timer);
    cs_task_cancel(&server->group.task);
    while (server->group.n)
        perform_some(server);
}

static void on_task(struct cs_task *task)
{
    cs_group_flush(cs_container_of(task, struct cs_enrol_server, group.task));
}

static void on_timer(struct cs_timer *timer)
{
    cs_group_flush(cs_container_of(timer, struct cs_enrol_server, group.timer));
}

void cs_group_init(struct cs_enrol_server *server)
{
    cs_list_init(&server->group.wishes);
    server->group.timer.fire = on_timer;
    server->group.task.run = on_task;
}

void cs_group_add(struct cs_wish *wish)
{
    struct cs_enrol_server *server = wish->server;
    struct cs_group *group = &server->group;

    cs_list_push_back(&group->wishes, &wish->link);
    group->n++;
    if (group->n >= group->expected && !group->task.deferred)
        cs_loop_defer(&server->loop, &group->task);
    else if (!cs_timer_pending(&group->timer))
        cs_timer_set(&server->loop, &group->timer, server->loop.now.mono_ms + WAIT_MS);
}
