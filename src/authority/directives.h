/* The rows of the authority block, and what they end in.
 *
 * The block's own settings are read by whoever runs the authority; profiles become data here.
 */
#ifndef CS_AUTHORITY_DIRECTIVES_H
#define CS_AUTHORITY_DIRECTIVES_H

#include "authority/profile.h"
#include "config/schema.h"
#include "config/tree.h"

struct cs_authority_settings {
    struct cs_directive_list listen; /* ADDRESS [ssl] each */
    struct cs_str store;             /* the folder */
    struct cs_str passphrase_file;   /* empty: the one in the folder */
    struct cs_str public_url;        /* empty: what init was told */
    int64_t keep_sec;                /* archives; 0: for ever */
    int64_t connections_per_address; /* IPv6: per 64 bits */
    struct cs_directive_list user;   /* ACCOUNT [GROUP], at most one */
};

extern const struct cs_schema_table cs_authority_directives;
extern const struct cs_schema_table cs_profile_directives;

enum { CS_PROFILES_REFUSED = 1 };

/** cs_profiles_build() - the built-in profiles for @domains (cs_profiles_builtin()), as the profile
 *  blocks in @block (NULL: none) change them, and those that they add. In @arena; borrows from the
 *  tree. Return: 0, or CS_PROFILES_REFUSED: see @findings. */
__attribute__((warn_unused_result)) int
cs_profiles_build(const struct cs_block *block, struct cs_names domains, struct cs_arena *arena,
                  struct cs_findings *findings, struct cs_profiles *ret_profiles);

#endif
