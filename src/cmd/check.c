/* check: load everything, run nothing, print what was found. */
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/instance.h"
#include "cmd/report.h"

int cs_cmd_check(const struct cs_line *line)
{
    struct cs_instance instance;
    struct cs_snapshot *snapshot;
    struct cs_findings findings;
    struct cs_arena arena = {0};
    int status = CS_EXIT_FAILED;

    cs_instance_init(&instance, line);
    cs_findings_init(&findings, &arena);
    if (cs_instance_load(&instance, true, &findings, &snapshot) == 0) {
        cs_snapshot_unref(snapshot);
        status = CS_EXIT_OK;
    }
    if (cs_line_has(line, CS_OPT_JSON)) {
        cs_report_json(&findings, instance.shown_config, stdout);
    } else {
        cs_report_findings(&findings, CS_SEVERITY_NOTICE, CS_EXPLAIN_TEXT, stdout);
        cs_report_summary(&findings, instance.shown_config, stdout);
        cs_instance_advise(&instance, stdout);
    }
    cs_arena_deinit(&arena);
    cs_instance_deinit(&instance);
    return status;
}
