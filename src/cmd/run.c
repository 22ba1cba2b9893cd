/* run: hand the instance to the daemon, and print what it finds at the start. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/instance.h"
#include "cmd/report.h"

static void report(void *ctx, const struct cs_findings *findings)
{
    const struct cs_instance *instance = ctx;

    cs_report_findings(findings, CS_SEVERITY_NOTICE, CS_EXPLAIN_TEXT, stderr);
    if (findings->n_errors)
        cs_report_summary(findings, instance->shown_config, stderr);
    cs_instance_advise(instance, stderr);
}

static void complain(void *ctx, const char *what)
{
    fprintf(stderr, "countersign: %s\n", what);
}

int cs_cmd_run(const struct cs_line *line)
{
    struct cs_instance instance;
    int status;

    cs_instance_init(&instance, line);
    instance.daemon.report = report;
    instance.daemon.complain = complain;
    instance.daemon.ctx = &instance;
    status = cs_daemon_run(&instance.daemon);
    cs_instance_deinit(&instance);
    return status;
}
