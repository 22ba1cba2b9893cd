/* Lines become rules in the order of the file; allow and deny share one setting, so that a level
 * with either of them replaces the whole list of the level above, as in nginx. */
#include "policy/directives.h"

#include <errno.h>
#include <stdio.h>

#include "policy/findings.h"

#define LEVELS (CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION | CS_CTX_LIMIT_EXCEPT)
#define AT(field) offsetof(struct cs_policy_settings, field)

static const struct cs_choice satisfy[] = {
    {"all", CS_SATISFY_ALL}, {"any", CS_SATISFY_ANY}, {NULL, 0}};

static void check_network(const struct cs_directive *directive, struct cs_findings *findings)
{
    const struct cs_word *word = &directive->args[0];
    struct cs_net net;
    int r = cs_net_parse(word->text, &net);

    if (r == -EINVAL)
        cs_config_refuse_value(
            findings, directive, word,
            CS_STR("write an address, a network like 192.0.2.0/24, unix: or all"));
    if (r == -ERANGE)
        CS_FIND(findings, &cs_policy_found_host_bits, &word->place, word->text);
}

static const struct cs_directive_row rows[] = {
    {"allow", LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT | CS_D_SECURITY, AT(access),
     .syntax = "address | network | unix: | all", .check = check_network,
     .doc = "Lets clients of the address or network pass; of all allow and deny lines of a level "
            "the first that matches counts."},
    {"deny", LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT | CS_D_SECURITY, AT(access),
     .syntax = "address | network | unix: | all", .check = check_network,
     .doc = "Refuses clients of the address or network with 403; of all allow and deny lines of a "
            "level the first that matches counts."},
    {"satisfy", CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION, 1, 1, CS_V_ENUM, CS_D_SECURITY,
     AT(satisfy), "all", .choices = satisfy,
     .doc = "Whether all access checks must pass or any of them; allow and deny are the only one, "
            "and client certificates are always required in addition."},
};

const struct cs_schema_table cs_policy_directives = CS_SCHEMA_TABLE(rows);

/* Warn of what stands behind a rule about everybody, once per list. */
static void check_order(const struct cs_access_rule *rules, size_t n, struct cs_findings *findings)
{
    for (size_t i = 0; i + 1 < n; i++) {
        char line[24];
        if (rules[i].net.family != AF_UNSPEC)
            continue;
        snprintf(line, sizeof(line), "%u", rules[i].place.line);
        CS_FIND(findings, &cs_policy_found_rule_unreachable, &rules[i + 1].place,
                cs_str_from(line));
        return;
    }
}

const struct cs_policy *cs_policy_from_block(const struct cs_block *block, struct cs_arena *arena,
                                             struct cs_findings *findings)
{
    struct cs_policy_settings settings;
    cs_settings_resolve(&cs_policy_directives, block, arena, &settings);

    const struct cs_directive_list *list = &settings.access;
    struct cs_access_rule *rules = cs_arena_array(arena, list->n, sizeof(*rules));
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct cs_directive *d = list->items[i];
        if (cs_net_parse(cs_directive_arg(d, 0), &rules[n].net) == -EINVAL)
            continue;
        rules[n].allow = cs_directive_is(d, "allow");
        rules[n].place = d->place;
        n++;
    }
    if (n > 0 && list->items[0]->parent == block)
        check_order(rules, n, findings);
    return cs_policy_new(arena, rules, n);
}
