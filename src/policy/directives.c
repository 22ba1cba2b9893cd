/* Lines become rules in the order of the file; allow and deny share one setting, so that a level
 * with either of them replaces the whole list of the level above, as in nginx. An mtls_allow
 * replaces those above it; an mtls_deny is added to them, so that nothing further in lets pass what
 * is denied further out. */
#include "policy/directives.h"

#include <errno.h>
#include <stdio.h>

#include "policy/findings.h"

#define LEVELS (CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION | CS_CTX_LIMIT_EXCEPT)
#define IDENTITY_LEVELS (CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION)
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

static bool says_off(const struct cs_directive *allow)
{
    return cs_str_eq(allow->args[0].text, CS_STR("off"));
}

static void check_patterns(const struct cs_directive *directive, struct cs_findings *findings)
{
    for (size_t i = 0; i < directive->n_args; i++) {
        const struct cs_word *word = &directive->args[i];
        struct cs_pattern pattern;
        const char *why = cs_pattern_parse(word->text, &pattern);

        why = why ? why : cs_pattern_never(&pattern, findings->arena);
        if (why)
            CS_FIND(findings, &cs_policy_found_bad_pattern, &word->place, word->text,
                    directive->name, cs_str_from(why));
    }
}

/* "off" is the only word of its line, and its line the only one of its level. */
static void check_allow(const struct cs_directive *directive, struct cs_findings *findings)
{
    bool off = says_off(directive);

    for (const struct cs_directive *d = directive->parent->first; d != directive; d = d->next) {
        if (cs_directive_is(d, "mtls_allow") && d->n_args && (off || says_off(d))) {
            CS_FIND0(findings, &cs_policy_found_off_not_alone, &directive->place);
            return;
        }
    }
    if (!off || directive->n_args > 1)
        check_patterns(directive, findings);
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
     .doc = "Whether all access checks must pass or any of them; allow and deny are the only one: "
            "client certificates and the rules about identities are always required in addition."},
    {"mtls_allow", IDENTITY_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT | CS_D_SECURITY,
     .syntax = "pattern … | off", .check = check_allow,
     .doc = "Lets clients pass whose verified certificate has a name in one of the patterns, and "
            "nobody else; replaces the mtls_allow of the levels above. With off nobody is asked "
            "for a name here."},
    {"mtls_deny", IDENTITY_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT | CS_D_SECURITY,
     .syntax = "pattern …", .check = check_patterns,
     .doc =
         "Refuses clients with 403 whose certificate has a name in one of the patterns, and those "
         "without a verified certificate; before any mtls_allow, and in addition to the "
         "mtls_deny of the levels above."},
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

/* --- identities --- */

struct rules {
    struct cs_identity_rule *items;
    size_t n;
};

/* In @block itself. */
static size_t count_patterns(const struct cs_block *block, const char *name)
{
    size_t n = 0;

    for (const struct cs_directive *d = cs_block_find(block, name); d; d = cs_block_next(d))
        n += d->n_args;
    return n;
}

/* Those of @block itself behind the others. @fold: they are to be in lower case. */
static void add_rules(const struct cs_block *block, const char *name, struct cs_arena *arena,
                      bool fold, struct rules *rules)
{
    for (const struct cs_directive *d = cs_block_find(block, name); d; d = cs_block_next(d)) {
        for (size_t i = 0; i < d->n_args; i++) {
            struct cs_identity_rule rule = {.text = d->args[i].text, .place = d->args[i].place};
            if (cs_pattern_parse(rule.text, &rule.pattern))
                continue;
            if (fold)
                rule.pattern = cs_pattern_folded(&rule.pattern, arena);
            rules->items[rules->n++] = rule;
        }
    }
}

const struct cs_identity_rules *cs_policy_identities_from_block(const struct cs_block *block,
                                                                struct cs_arena *arena)
{
    const struct cs_directive *nearest = cs_block_nearest(block, "mtls_allow");
    bool listed = nearest && !says_off(nearest);
    struct rules allow = {0}, deny = {0};
    struct cs_identity_rules *rules;
    size_t n_deny = 0;

    for (const struct cs_block *b = block; b; b = b->parent)
        n_deny += count_patterns(b, "mtls_deny");
    if (!listed && n_deny == 0)
        return NULL;
    if (listed) {
        allow.items = cs_arena_array(arena, count_patterns(nearest->parent, "mtls_allow"),
                                     sizeof(*allow.items));
        add_rules(nearest->parent, "mtls_allow", arena, false, &allow);
    }
    deny.items = cs_arena_array(arena, n_deny, sizeof(*deny.items));
    for (const struct cs_block *b = block; b; b = b->parent)
        add_rules(b, "mtls_deny", arena, true, &deny);
    rules = CS_ARENA_NEW(arena, struct cs_identity_rules);
    *rules = (struct cs_identity_rules){.known = listed || !nearest,
                                        .listed = listed,
                                        .allow = allow.items,
                                        .deny = deny.items,
                                        .n_allow = allow.n,
                                        .n_deny = deny.n};
    return rules;
}
