/* allow, deny, satisfy: as rows, and compiled. */
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

#endif
