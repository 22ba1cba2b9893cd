/* Why the rules about identities refused a request: who asked, where, and which rule spoke. */
#include "explain/case.h"
#include "policy/findings.h"
#include "policy/policy.h"
#include "x509/chain.h"
#include "x509/identity.h"
#include "x509/name.h"

static const struct cs_cert *verified_leaf(const struct cs_case *c)
{
    const struct cs_verdict *verdict = c->record->verdict;

    return verdict && verdict->accepted ? verdict->leaf : NULL;
}

static struct cs_str who(const struct cs_case *c)
{
    const struct cs_cert *leaf = verified_leaf(c);
    struct cs_str name;

    if (!c->record->verdict)
        return CS_STR("a client without a certificate");
    if (!leaf)
        return CS_STR("a client whose certificate was not verified");
    name = c->record->identity ? c->record->identity->text : cs_name_shown(leaf->subject, c->arena);
    return cs_arena_printf(c->arena, "client \"%.*s\"", CS_FMT(name));
}

static struct cs_str where(const struct cs_case *c)
{
    static const struct cs_target nowhere;
    const struct cs_target *target = c->record->target ? c->record->target : &nowhere;

    if (!target->location.len)
        return cs_arena_printf(c->arena, "server \"%.*s\"", CS_FMT(target->server));
    return cs_arena_printf(c->arena, "location \"%.*s\" of server \"%.*s\"",
                           CS_FMT(target->location), CS_FMT(target->server));
}

static struct cs_str denied_text(const struct cs_case *c, const struct cs_identity_rule *rule)
{
    return cs_arena_printf(c->arena, "it is denied by \"mtls_deny %.*s\" in %.*s:%u",
                           CS_FMT(rule->text), CS_FMT(rule->place.file), rule->place.line);
}

const struct cs_finding *cs_denial_cause(const struct cs_case *c)
{
    const struct cs_identity_rule *rule = c->record->decision->denied_by;
    const struct cs_cert *leaf = verified_leaf(c);
    struct cs_str why =
        CS_STR("names are asked for there, and only a verified certificate has any");
    struct cs_str remedy =
        CS_STR("let the client show a certificate that is accepted here, or write "
               "\"mtls_allow off\" where it needs none");
    struct cs_claims names = {0};

    if (leaf) {
        names = cs_policy_names(leaf, c->arena);
        why = rule ? denied_text(c, rule) : CS_STR("no \"mtls_allow\" there is about it");
        why = cs_arena_printf(c->arena, "%.*s; its names are %.*s", CS_FMT(why),
                              CS_FMT(cs_claims_text(&names, c->arena)));
        remedy =
            rule ? CS_STR("if it is to be let in, narrow that pattern")
                 : CS_STR(
                       "if it is to be let in, put one of its names into an \"mtls_allow\" there");
    }
    return CS_CASE_FIND(c, &cs_policy_found_policy_denied, who(c), where(c), why, remedy);
}
