/* May this client ask here: the names of its verified certificate against mtls_deny and mtls_allow.
 *
 * Both err on the side of refusing. Deny looks at more than allow does: at every name, in any case
 * of its letters, at those too that nobody can read. Allow takes only what is plainly a name.
 */
#include "policy/findings.h"
#include "policy/policy.h"
#include "x509/chain.h"
#include "x509/name.h"

static bool is_verified(const struct cs_subject *subject)
{
    return subject->verdict && subject->verdict->accepted && subject->verdict->leaf;
}

struct cs_claims cs_policy_names(const struct cs_cert *leaf, struct cs_arena *arena)
{
    struct cs_claims names = cs_claims_of(leaf, arena);

    if (leaf->san.present && names.n && names.items[names.n - 1].kind == CS_CLAIM_CN)
        names.n--;
    return names;
}

/* Subjects may have several common names, and mail addresses. */
static struct cs_claims all_names(const struct cs_cert *leaf, struct cs_arena *arena)
{
    struct cs_claims names = cs_claims_of(leaf, arena);
    struct cs_names cn = cs_name_values(leaf->subject, "CN", arena);
    struct cs_names email = cs_name_values(leaf->subject, "emailAddress", arena);
    struct cs_claim *all = cs_arena_array(arena, names.n + cn.n + email.n, sizeof(*all));
    size_t n = 0;

    for (size_t i = 0; i < names.n; i++)
        all[n++] = cs_claim_folded(&names.items[i], arena);
    for (size_t i = 0; i < cn.n; i++)
        all[n++] = cs_claim_folded(&(struct cs_claim){CS_CLAIM_CN, cn.items[i]}, arena);
    for (size_t i = 0; i < email.n; i++)
        all[n++] = cs_claim_folded(&(struct cs_claim){CS_CLAIM_EMAIL, email.items[i]}, arena);
    return (struct cs_claims){all, n};
}

static bool denies(const struct cs_identity_rule *rule, const struct cs_claim *name)
{
    return rule->pattern.kind == name->kind &&
           (cs_claim_check(name) || cs_pattern_touches(&rule->pattern, name));
}

static const struct cs_identity_rule *find_deny(const struct cs_identity_rules *rules,
                                                const struct cs_cert *leaf, struct cs_arena *arena)
{
    struct cs_claims names = {0};

    if (rules->n_deny > 0)
        names = all_names(leaf, arena);
    for (size_t i = 0; i < rules->n_deny; i++) {
        for (size_t j = 0; j < names.n; j++) {
            if (denies(&rules->deny[i], &names.items[j]))
                return &rules->deny[i];
        }
    }
    return NULL;
}

static bool is_allowed(const struct cs_identity_rules *rules, const struct cs_cert *leaf,
                       struct cs_arena *arena)
{
    struct cs_claims names = {0};

    if (!rules->listed)
        return true;
    names = cs_policy_names(leaf, arena);
    for (size_t i = 0; i < rules->n_allow; i++) {
        for (size_t j = 0; j < names.n; j++) {
            if (cs_pattern_covers(&rules->allow[i].pattern, &names.items[j]))
                return true;
        }
    }
    return false;
}

static bool passes(const struct cs_identity_rules *rules, const struct cs_subject *subject,
                   struct cs_arena *arena, const struct cs_identity_rule **ret_denied_by)
{
    if (!is_verified(subject))
        return !rules->known && !rules->listed;
    *ret_denied_by = find_deny(rules, subject->verdict->leaf, arena);
    return !*ret_denied_by && is_allowed(rules, subject->verdict->leaf, arena);
}

void cs_policy_decide_identity(const struct cs_identity_rules *rules,
                               const struct cs_subject *subject, struct cs_arena *arena,
                               struct cs_decision *ret_decision)
{
    struct cs_decision decision = {.about = CS_DECISION_IDENTITY, .rule = CS_NO_RULE};

    decision.allowed = !rules || passes(rules, subject, arena, &decision.denied_by);
    if (!decision.allowed) {
        decision.status = CS_STATUS_FORBIDDEN;
        decision.kind = &cs_policy_found_policy_denied;
    }
    *ret_decision = decision;
}
