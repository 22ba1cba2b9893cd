/* May this connection carry requests: the certificate against the server's demand. Whatever is
 * not plainly good refuses, so a mode or a verdict that nobody thought of does too. */
#include <string.h>

#include "policy/findings.h"
#include "policy/policy.h"
#include "x509/chain.h"
#include "x509/findings.h"

static struct cs_decision allow(void)
{
    return (struct cs_decision){
        .allowed = true, .about = CS_DECISION_CONNECTION, .rule = CS_NO_RULE};
}

static struct cs_decision refuse(int status, const struct cs_finding_kind *kind)
{
    return (struct cs_decision){
        .about = CS_DECISION_CONNECTION, .status = status, .kind = kind, .rule = CS_NO_RULE};
}

static bool is_good(enum cs_verify_mode mode, const struct cs_verdict *verdict)
{
    if (!verdict)
        return false;
    return verdict->accepted || (mode == CS_VERIFY_OPTIONAL_NO_CA && verdict->tolerated);
}

void cs_policy_decide_connection(enum cs_verify_mode mode, const struct cs_subject *subject,
                                 struct cs_decision *ret_decision)
{
    bool may_be_missing = mode == CS_VERIFY_OPTIONAL || mode == CS_VERIFY_OPTIONAL_NO_CA;

    if (mode == CS_VERIFY_OFF || !subject->tls)
        *ret_decision = allow();
    else if (!subject->certificate_presented && may_be_missing)
        *ret_decision = allow();
    else if (!subject->certificate_presented)
        *ret_decision = refuse(CS_STATUS_CERTIFICATE_MISSING, CS_X509_KIND(CERTIFICATE_MISSING));
    else if (is_good(mode, subject->verdict))
        *ret_decision = allow();
    else
        *ret_decision = refuse(CS_STATUS_CERTIFICATE_REFUSED, &cs_policy_found_certificate_refused);
}

struct cs_decision cs_policy_misdirected(void)
{
    return refuse(CS_STATUS_MISDIRECTED, &cs_policy_found_host_sni_mismatch);
}

bool cs_policy_same_client_auth(const uint8_t a[32], const uint8_t b[32])
{
    return memcmp(a, b, 32) == 0;
}
