/* From the facts of a connection to the one reason why it failed.
 *
 * Looks at what was recorded and says only what that decides: where the facts leave more than
 * one explanation, the finding names what is known and what would tell them apart.
 */
#ifndef CS_EXPLAIN_DIAGNOSIS_H
#define CS_EXPLAIN_DIAGNOSIS_H

#include "base/findings.h"
#include "telemetry/record.h"

/** cs_diagnose() - the cause of the failure that @record tells of. It is a finding of the
 *  record's verdict (borrowed from it), or is added to @findings, whose arena also holds what
 *  it says. Pure. Return: the cause, or NULL when nothing in the record failed. */
const struct cs_finding *cs_diagnose(const struct cs_record *record, struct cs_findings *findings);

#endif
