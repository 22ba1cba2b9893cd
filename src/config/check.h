/* The second half of loading: the tree against the schema. For tree.c only. */
#ifndef CS_CONFIG_CHECK_H
#define CS_CONFIG_CHECK_H

#include "config/tree.h"

/** cs_config_check() - give every directive its row and every block its context; add a finding for
 *  everything that the schema does not allow. Puts an http block around the http content
 *  of a file that has none, and splits directives where a ";" was forgotten. */
void cs_config_check(struct cs_config *config, const struct cs_schema *schema,
                     struct cs_arena *arena, struct cs_findings *findings);

#endif
