/* A revocation is one row, one event and one line of the log, however many there were before. */
#include <errno.h>

#include "authority/findings.h"
#include "authority/state.h"
#include "base/time.h"
#include "x509/crl.h"

/* RFC 5280 section 5.3.1, without what is no end (certificateHold, removeFromCRL) and what is said
 * of CAs only. */
static const unsigned reasons[] = {0, 1, 3, 4, 5, 9};

int cs_ca_reason_parse(struct cs_str text, unsigned *ret_reason)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (!cs_str_eq_nocase(text, cs_crl_reason_text(reasons[i])))
            continue;
        *ret_reason = reasons[i];
        return 0;
    }
    return -EINVAL;
}

struct cs_str cs_ca_reasons(void)
{
    return CS_STR("unspecified, keyCompromise, affiliationChanged, superseded, "
                  "cessationOfOperation, privilegeWithdrawn");
}

static int refuse(struct cs_ca *ca, struct cs_str serial, struct cs_findings *findings, int why)
{
    struct cs_str text = cs_ca_serial_text(serial, findings->arena);
    struct cs_stored_cert cert;
    char at[CS_TIME_TEXT];
    int r;

    r = cs_store_cert_get(ca->store, serial, findings->arena, &cert);
    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0 && why == -ENOENT) { /* it is in the archives */
        CS_FIND(findings, CS_AUTHORITY_KIND(ALREADY_EXPIRED), NULL, text,
                cs_time_iso(cert.not_after, at));
        return CS_CA_REFUSED;
    }
    if (r < 0) {
        CS_FIND(findings, CS_AUTHORITY_KIND(SERIAL_UNKNOWN), NULL, text);
        return CS_CA_REFUSED;
    }
    CS_FIND(findings, CS_AUTHORITY_KIND(ALREADY_REVOKED), NULL, text,
            cs_time_iso(cert.revoked_at, at), cs_crl_reason_text(cert.reason));
    return CS_CA_REFUSED;
}

static int revoke(struct cs_ca *ca, struct cs_str serial, unsigned reason,
                  const struct cs_requester *who, int64_t now_sec, struct cs_findings *findings,
                  uint64_t *ret_seq)
{
    uint64_t seq;
    int r = cs_store_revoke(ca->store, serial, now_sec, reason, &seq);

    if (r == -ENOENT || r == -EALREADY)
        return refuse(ca, serial, findings, r);
    r = r ? r
          : cs_ca_note(ca, "revoke", who, now_sec, cs_ca_serial_text(serial, findings->arena),
                       cs_crl_reason_text(reason));
    if (r == 0)
        *ret_seq = seq;
    return r;
}

int cs_ca_revoke(struct cs_ca *ca, struct cs_str serial, unsigned reason,
                 const struct cs_requester *who, int64_t now_sec, struct cs_findings *findings,
                 uint64_t *ret_seq)
{
    int r = cs_ca_enter(ca);

    return r < 0 ? r : cs_ca_leave(ca, revoke(ca, serial, reason, who, now_sec, findings, ret_seq));
}
