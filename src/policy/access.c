/* May this request pass: the first rule that has the client's address counts. nginx keeps one
 * list per address family; a list of networks that know their family gives the same answers. */
#include "policy/findings.h"
#include "policy/policy.h"

struct cs_policy {
    size_t n;
    struct cs_access_rule rules[];
};

const struct cs_policy *cs_policy_new(struct cs_arena *arena, const struct cs_access_rule *rules,
                                      size_t n)
{
    struct cs_policy *policy = cs_arena_alloc(arena, sizeof(*policy) + n * sizeof(*rules));
    policy->n = n;
    if (n > 0)
        memcpy(policy->rules, rules, n * sizeof(*rules));
    return policy;
}

const struct cs_access_rule *cs_policy_rule(const struct cs_policy *policy, size_t i)
{
    return i < policy->n ? &policy->rules[i] : NULL;
}

void cs_policy_decide_access(const struct cs_policy *policy, const struct cs_subject *subject,
                             struct cs_decision *ret_decision)
{
    static const struct cs_addr unknown;
    const struct cs_addr *address = subject->address ? subject->address : &unknown;
    struct cs_decision decision = {
        .allowed = true, .about = CS_DECISION_ACCESS, .rule = CS_NO_RULE};

    for (size_t i = 0; i < policy->n; i++) {
        if (!cs_net_has(&policy->rules[i].net, address))
            continue;
        decision.allowed = policy->rules[i].allow;
        decision.rule = i;
        break;
    }
    if (!decision.allowed) {
        decision.status = CS_STATUS_FORBIDDEN;
        decision.kind = &cs_policy_found_access_denied;
    }
    *ret_decision = decision;
}
