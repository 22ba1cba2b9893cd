/* Pins and trust domains, read from the configuration. They are words, not files: whatever is
 * renewed, they stay. */
#include "snapshot/build.h"
#include "x509/demand.h"
#include "x509/identity.h"

static void read_pins(struct cs_build *build, const struct cs_directive *d,
                      struct cs_demand *demand)
{
    struct cs_pin *pins = cs_arena_array(build->arena, d->n_args, sizeof(*pins));

    for (size_t i = 0; i < d->n_args; i++) {
        if (cs_pin_read(d->args[i].text, &pins[i]) < 0)
            CS_FIND(build->findings, &cs_finding_bad_pin, &d->args[i].place, d->args[i].text,
                    d->name);
    }
    demand->pins = pins;
    demand->n_pins = d->n_args;
}

static bool is_trust_domain(struct cs_build *build, struct cs_str text)
{
    struct cs_str id = cs_arena_cat(build->arena, CS_STR("spiffe://"), text), domain;

    return !cs_spiffe_id_check(id, &domain) && domain.len == text.len;
}

static void read_domains(struct cs_build *build, const struct cs_directive *d,
                         struct cs_demand *demand)
{
    struct cs_str *domains = cs_arena_array(build->arena, d->n_args, sizeof(*domains));

    for (size_t i = 0; i < d->n_args; i++) {
        domains[i] = d->args[i].text;
        if (!is_trust_domain(build, domains[i]))
            CS_FIND(build->findings, &cs_finding_bad_trust_domain, &d->args[i].place, domains[i]);
    }
    demand->domains = domains;
    demand->n_domains = d->n_args;
}

/* A demand that nothing is held against is told where it is written; one that is inherited may
 * be meant for others. */
static void check_use(struct cs_build *build, const struct cs_block *block,
                      const struct cs_directive *d, const char *needed)
{
    if (d && d->parent == block)
        CS_FIND(build->findings, &cs_finding_demand_idle, &d->place, d->name, cs_str_from(needed));
}

const struct cs_demand *cs_build_client_demand(struct cs_build *build, const struct cs_block *block,
                                               enum cs_verify_mode mode)
{
    const struct cs_directive *pins = cs_block_nearest(block, "mtls_pin"),
                              *domains = cs_block_nearest(block, "mtls_trust_domain");
    struct cs_demand *demand;

    if (mode == CS_VERIFY_OFF) {
        check_use(build, block, pins, "ssl_verify_client");
        check_use(build, block, domains, "ssl_verify_client");
        return NULL;
    }
    if (!pins && !domains)
        return NULL;
    demand = CS_ARENA_NEW(build->arena, struct cs_demand);
    if (pins)
        read_pins(build, pins, demand);
    if (domains)
        read_domains(build, domains, demand);
    return demand;
}

const struct cs_demand *cs_build_upstream_demand(struct cs_build *build,
                                                 const struct cs_block *block, bool verify)
{
    const struct cs_directive *pins = cs_block_nearest(block, "mtls_proxy_pin");
    struct cs_demand *demand;

    if (!pins)
        return NULL;
    if (!verify) {
        CS_FIND(build->findings, &cs_finding_demand_idle, &pins->place, pins->name,
                CS_STR("proxy_ssl_verify"));
        return NULL;
    }
    demand = CS_ARENA_NEW(build->arena, struct cs_demand);
    read_pins(build, pins, demand);
    return demand;
}
