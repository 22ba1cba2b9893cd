/* An enrolment, a hook and the signals on one loop. Whether the hook has run for what is held is
 * remembered in the folder, so that a process that was killed in between makes up for it. */
#include "enrol/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "enrol/findings.h"
#include "enrol/hook.h"
#include "io/signals.h"

enum { N_VARIABLES = 6, VARIABLE_MAX = 4400 };

struct agent {
    const struct cs_agent_plan *plan;
    cs_agent_report_fn *report;
    void *ctx;
    struct cs_loop loop;
    struct cs_signals signals;
    struct cs_hook hook;
    struct cs_enrolment *enrolment;
    char variables[N_VARIABLES][VARIABLE_MAX];
    char *environment[N_VARIABLES + 1];
    enum cs_agent_result result;
};

static void tell(struct agent *agent, enum cs_agent_event event, struct cs_agent_news news)
{
    news.now = &agent->loop.now;
    if (agent->enrolment) {
        news.holding = cs_enrolment_holding(agent->enrolment);
        news.next_ms = cs_enrolment_next_ms(agent->enrolment);
    }
    agent->report(agent->ctx, event, &news);
}

/* A round is over. */
static void finish(struct agent *agent, enum cs_agent_result result)
{
    if (agent->plan->stay)
        return;
    agent->result = result;
    cs_loop_stop(&agent->loop);
}

/* ---- the command ---- */

static void set_variable(struct agent *agent, size_t i, const char *name, struct cs_str value,
                         const char *file)
{
    snprintf(agent->variables[i], VARIABLE_MAX, "COUNTERSIGN_%s=%.*s%s", name, CS_FMT(value), file);
    agent->environment[i] = agent->variables[i];
}

static void run_hook(struct agent *agent, const char *event)
{
    const struct cs_holding *holding = cs_enrolment_holding(agent->enrolment);
    struct cs_str folder = agent->plan->enrol.folder;

    set_variable(agent, 0, "EVENT", cs_str_from(event), "");
    set_variable(agent, 1, "SERIAL", holding->papers.serial, "");
    set_variable(agent, 2, "DIR", folder, "");
    set_variable(agent, 3, "KEY", folder, "/key.pem");
    set_variable(agent, 4, "CERT", folder, "/cert.pem");
    set_variable(agent, 5, "CA", folder, "/ca.pem");
    cs_hook_run(&agent->hook, agent->environment);
}

static void complain(struct agent *agent, const struct cs_finding_kind *kind, struct cs_str a,
                     struct cs_str b)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;

    cs_findings_init(&findings, &arena);
    CS_FIND(&findings, kind, NULL, a, b);
    tell(agent, CS_AGENT_REMARK,
         (struct cs_agent_news){.finding = findings.first, .level = CS_LOG_ERROR});
    cs_arena_deinit(&arena);
}

static void on_hook_ended(struct cs_hook *hook, const char *why)
{
    struct agent *agent = cs_container_of(hook, struct agent, hook);
    int r;

    if (why) {
        complain(agent, CS_ENROL_KIND(RELOAD_FAILED), cs_str_from(why), cs_str_from(hook->command));
        finish(agent, CS_AGENT_REFUSED);
        return;
    }
    r = cs_enrolment_note_reload(agent->enrolment);
    if (r < 0)
        complain(agent, CS_ENROL_KIND(FOLDER_NOT_WRITTEN), agent->plan->enrol.folder,
                 cs_str_from(strerror(-r)));
    tell(agent, CS_AGENT_RELOADED, (struct cs_agent_news){0});
    finish(agent, CS_AGENT_DONE);
}

/* ---- the enrolment ---- */

static void on_issued(void *ctx, const struct cs_holding *holding, bool first)
{
    struct agent *agent = ctx;

    tell(agent, first ? CS_AGENT_ISSUED : CS_AGENT_RENEWED, (struct cs_agent_news){0});
    if (agent->plan->reload_command)
        run_hook(agent, first ? "issued" : "renewed");
    else
        finish(agent, CS_AGENT_DONE);
}

static void on_failed(void *ctx, const struct cs_enrol_failure *failure)
{
    struct agent *agent = ctx;
    struct cs_agent_news news = {
        .failure = failure, .finding = failure->finding, .level = failure->level};

    tell(agent, CS_AGENT_FAILED, news);
    finish(agent, failure->refused ? CS_AGENT_REFUSED : CS_AGENT_FAULT);
}

static void on_remark(void *ctx, const struct cs_finding *finding, enum cs_log_level level)
{
    tell(ctx, CS_AGENT_REMARK, (struct cs_agent_news){.finding = finding, .level = level});
}

static const struct cs_enrol_ears ears = {on_issued, on_failed, on_remark};

static void on_signal(struct cs_signals *signals, int signo, pid_t sender)
{
    struct agent *agent = cs_container_of(signals, struct agent, signals);

    tell(agent, CS_AGENT_TOLD, (struct cs_agent_news){.signal = signo});
    if (signo == SIGHUP) {
        cs_enrolment_renew(agent->enrolment);
        return;
    }
    agent->result = agent->plan->stay ? CS_AGENT_DONE : CS_AGENT_FAULT;
    cs_loop_stop(&agent->loop);
}

/* ---- the run ---- */

static void begin(struct agent *agent)
{
    const struct cs_holding *holding = cs_enrolment_holding(agent->enrolment);
    bool usable = cs_enrolment_usable(agent->enrolment);
    bool untold = usable && agent->plan->reload_command && !holding->reloaded;
    bool good = usable && !agent->plan->renew && cs_enrolment_next_ms(agent->enrolment) > 0;

    if (good)
        tell(agent, CS_AGENT_HELD, (struct cs_agent_news){0});
    if (untold && (good || agent->plan->stay))
        run_hook(agent, "issued");
    if (good && !agent->plan->stay) {
        if (!untold)
            finish(agent, CS_AGENT_DONE);
        return;
    }
    cs_enrolment_start(agent->enrolment);
    if (agent->plan->renew)
        cs_enrolment_renew(agent->enrolment);
}

static int prepare(struct agent *agent)
{
    static const int signals[] = {SIGHUP, SIGTERM, SIGINT};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    int r = cs_signals_init(&agent->signals, &agent->loop, signals, 3, on_signal);

    if (r < 0)
        return r;
    cs_signals_ignore_pipe();
    signal(SIGXFSZ, SIG_IGN); /* a full disk is an error of write(2) */
    cs_hook_init(&agent->hook, &agent->loop, agent->plan->reload_command, on_hook_ended);
    cs_findings_init(&findings, &arena);
    r = cs_enrolment_new(&agent->loop, &agent->plan->enrol, &ears, agent, &findings,
                         &agent->enrolment);
    if (r < 0)
        tell(agent, CS_AGENT_REMARK,
             (struct cs_agent_news){.finding = findings.first, .level = CS_LOG_EMERG});
    cs_arena_deinit(&arena);
    return r;
}

enum cs_agent_result cs_agent_run(const struct cs_agent_plan *plan, cs_agent_report_fn *report,
                                  void *ctx)
{
    struct agent agent = {.plan = plan, .report = report, .ctx = ctx, .result = CS_AGENT_FAULT};

    if (cs_loop_init(&agent.loop) < 0)
        return CS_AGENT_FAULT;
    if (prepare(&agent) == 0) {
        begin(&agent);
        if (!agent.loop.stopping)
            (void)cs_loop_run(&agent.loop);
    }
    cs_hook_deinit(&agent.hook);
    cs_enrolment_free(agent.enrolment);
    cs_signals_deinit(&agent.signals);
    cs_loop_deinit(&agent.loop);
    return agent.result;
}
