/* Enrolment as a program of its own: one certificate, seen to once or for as long as the process
 * lives, with a command that is run when there is a new one.
 */
#ifndef CS_ENROL_AGENT_H
#define CS_ENROL_AGENT_H

#include "enrol/client.h"

struct cs_agent_plan {
    struct cs_enrol_plan enrol;
    const char *reload_command; /* a line for /bin/sh, or NULL */
    bool stay;                  /* go on for ever; else one round */
    bool renew;                 /* although it is not due */
};

enum cs_agent_event {
    CS_AGENT_ISSUED,   /* news: holding */
    CS_AGENT_RENEWED,  /* the same */
    CS_AGENT_HELD,     /* what is held is good, and nothing is due */
    CS_AGENT_FAILED,   /* news: failure; finding is its own */
    CS_AGENT_REMARK,   /* news: finding, level */
    CS_AGENT_RELOADED, /* the command has run well */
    CS_AGENT_TOLD,     /* news: signal: SIGHUP to renew now, another one to leave */
};

struct cs_agent_news {
    const struct cs_holding *holding; /* NULL: none */
    const struct cs_finding *finding;
    const struct cs_enrol_failure *failure;
    enum cs_log_level level;
    int64_t next_ms; /* until something is due again */
    const struct cs_now *now;
    int signal;
};

typedef void cs_agent_report_fn(void *ctx, enum cs_agent_event event,
                                const struct cs_agent_news *news);

enum cs_agent_result {
    CS_AGENT_DONE,    /* there is a good certificate, and the command has run; or told to leave */
    CS_AGENT_REFUSED, /* somebody said no, or the command failed */
    CS_AGENT_FAULT,   /* it could not be tried */
};

/** cs_agent_run() - do it, on a loop of its own, and say what happens by @report. Signals: HUP
 *  renews now, TERM and INT leave. The command finds in its environment COUNTERSIGN_EVENT ("issued"
 *  or "renewed"), COUNTERSIGN_SERIAL, and COUNTERSIGN_DIR, _KEY, _CERT and _CA: names of files.
 *  With plan->stay it ends when told to, or when it cannot begin. */
enum cs_agent_result cs_agent_run(const struct cs_agent_plan *plan, cs_agent_report_fn *report,
                                  void *ctx);

#endif
