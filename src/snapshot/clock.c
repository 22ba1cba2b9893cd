/* The clock: certificates are judged by it, so one that cannot be right ends the load, and the
 * servers that are asked about it are looked up here, once, like upstreams. */
#include "io/sntp.h"
#include "snapshot/build.h"

static void add_source(struct cs_build *build, const struct cs_word *word)
{
    struct cs_snapshot *s = build->snapshot;
    struct cs_addr *addrs = NULL;
    struct cs_str host, why = CS_STR("the port is not a number from 1 to 65535");
    uint16_t port;
    size_t n;

    if (!cs_build_authority(word->text, CS_SNTP_PORT, &host, &port) ||
        cs_build_resolve(build, host, port, &addrs, &n, &why) < 0) {
        CS_FIND(build->findings, &cs_finding_time_source, &word->place, word->text, why);
        return;
    }
    s->time_sources =
        cs_build_grow(build, s->time_sources, s->n_time_sources, sizeof(*s->time_sources));
    s->time_sources[s->n_time_sources++] = (struct cs_time_source){word->text, addrs[0]};
}

void cs_build_clock(struct cs_build *build)
{
    const struct cs_snapshot_options *options = build->options;
    const struct cs_directive_list *sources = &build->snapshot->core.time_source;
    char now[CS_TIME_TEXT], built[CS_TIME_TEXT];

    if (options->now_sec < options->built_sec)
        CS_FIND(build->findings, &cs_finding_clock_wrong, NULL, cs_time_iso(options->now_sec, now),
                cs_time_iso(options->built_sec, built));
    for (size_t i = 0; i < sources->n; i++) {
        for (size_t j = 0; j < sources->items[i]->n_args; j++)
            add_source(build, &sources->items[i]->args[j]);
    }
    build->snapshot->clock_page = options->clock_page;
}
