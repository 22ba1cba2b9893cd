/* allow, deny, satisfy, mtls_allow, mtls_deny: as rows, and compiled. */
#ifndef CS_POLICY_DIRECTIVES_H
#define CS_POLICY_DIRECTIVES_H

#include "config/schema.h"
#include "config/tree.h"
#include "policy/policy.h"

enum cs_satisfy {
    CS_SATISFY_ALL,
    CS_SATISFY_ANY,
};

struct cs_policy_settings {
    struct cs_directive_list access; /* allow and deny of the nearest level, in order */
    int satisfy;                     /* enum cs_satisfy; one check exists, so both mean the same */
};

extern const struct cs_schema_table cs_policy_directives;

/** cs_policy_from_block() - the access rules that hold in @block: those of the nearest level that
 *  has any. Warns of rules that no client reaches. Lives in @arena; borrows from the tree.
 *  Return: the policy, never NULL; lines that the load refused are not in it. */
const struct cs_policy *cs_policy_from_block(const struct cs_block *block, struct cs_arena *arena,
                                             struct cs_findings *findings);

/** cs_policy_identities_from_block() - the rules about identities that hold in @block: the
 * mtls_allow lines of the nearest level that has any, and the mtls_deny lines of all. Lives in
 * @arena; borrows from the tree. Return: NULL where there are none; lines that the load refused are
 * not in it. */
const struct cs_identity_rules *cs_policy_identities_from_block(const struct cs_block *block,
                                                                struct cs_arena *arena);

#endif
