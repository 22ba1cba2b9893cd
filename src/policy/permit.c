/* The only place that knows what a permit looks like, and the only one that makes one. */
#include "policy/policy.h"

struct cs_permit {
    struct cs_decision access;
};

static bool allows(const struct cs_decision *decision, enum cs_decision_about about)
{
    return decision && decision->allowed && decision->about == about;
}

const struct cs_permit *cs_policy_permit(struct cs_arena *arena,
                                         const struct cs_decision *connection,
                                         const struct cs_decision *identity,
                                         const struct cs_decision *access)
{
    if (!allows(connection, CS_DECISION_CONNECTION) || !allows(identity, CS_DECISION_IDENTITY) ||
        !allows(access, CS_DECISION_ACCESS))
        return NULL;
    struct cs_permit *permit = CS_ARENA_NEW(arena, struct cs_permit);
    permit->access = *access;
    return permit;
}

const struct cs_decision *cs_permit_access(const struct cs_permit *permit)
{
    return &permit->access;
}
