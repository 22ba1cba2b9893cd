/* ca sweep: what the authority does by itself, for a CA without one. */
#include "cmd/ca.h"

static int sweep(struct cs_ca_job *job)
{
    int status = cs_ca_job_open(job, 0), r = 0;
    uint64_t moved = 0;
    uint32_t n = 1;

    if (status)
        return status;
    for (; r == 0 && n; moved += r == 0 ? n : 0)
        r = cs_ca_sweep(job->ca, job->now_sec, &n);
    cs_sheet_open(&job->sheet, NULL);
    cs_sheet_number(&job->sheet, NULL, "moved", (int64_t)moved);
    cs_sheet_line(&job->sheet,
                  cs_arena_printf(&job->arena, "%llu rows and archives moved or deleted",
                                  (unsigned long long)moved),
                  false);
    cs_sheet_close(&job->sheet);
    return cs_ca_job_status(job, r);
}

int cs_cmd_ca_sweep(const struct cs_line *line)
{
    struct cs_ca_job job;
    int status = cs_ca_job_begin(&job, line);

    return cs_ca_job_end(&job, status ? status : sweep(&job));
}
