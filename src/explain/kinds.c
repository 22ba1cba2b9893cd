/* One walk over the tables that hold causes. */
#include "explain/kinds.h"

#include "explain/findings.h"
#include "policy/findings.h"
#include "x509/findings.h"

const struct cs_finding_kind *cs_kind_at(size_t i)
{
    size_t n_policy, n_causes;
    const struct cs_finding_kind *const *policy = cs_policy_finding_kinds(&n_policy);
    const struct cs_finding_kind *const *causes = cs_cause_kinds(&n_causes);

    if (i < CS_X509_N_FINDINGS)
        return &cs_x509_findings[i];
    i -= CS_X509_N_FINDINGS;
    if (i < n_policy)
        return policy[i];
    i -= n_policy;
    return i < n_causes ? causes[i] : NULL;
}

const struct cs_finding_kind *cs_kind_find(struct cs_str code)
{
    const struct cs_finding_kind *kind;

    for (size_t i = 0; (kind = cs_kind_at(i)); i++) {
        if (cs_str_eq(cs_str_from(kind->code), code))
            return kind;
    }
    return NULL;
}

const struct cs_finding_kind *cs_proxy_fault_kind(enum cs_proxy_fault fault)
{
    switch (fault) {
    case CS_PROXY_FAULT_NONE: break;
    case CS_PROXY_FAULT_MISSING: return &cs_cause_proxy_protocol_missing;
    case CS_PROXY_FAULT_TOO_LONG: return &cs_cause_proxy_header_too_long;
    case CS_PROXY_FAULT_LINE: return &cs_cause_proxy_header_line;
    case CS_PROXY_FAULT_ADDRESS: return &cs_cause_proxy_header_address;
    case CS_PROXY_FAULT_VERSION: return &cs_cause_proxy_header_version;
    case CS_PROXY_FAULT_FAMILY: return &cs_cause_proxy_header_family;
    case CS_PROXY_FAULT_LENGTH: return &cs_cause_proxy_header_length;
    case CS_PROXY_FAULT_CHECKSUM: return &cs_cause_proxy_header_checksum;
    }
    return NULL;
}

static const char *peer_name(const struct cs_finding *finding, bool server)
{
    if (cs_str_eq(finding->operands[0], CS_BLAME_OWN_CERTIFICATE))
        return "this configuration";
    return server ? "client" : "server";
}

const char *cs_blame_name(const struct cs_finding *finding, bool server)
{
    /* The only fault of a client that a client can find. */
    if (finding->kind == CS_X509_KIND(CERTIFICATE_MISSING))
        return "client";
    switch (finding->kind->blame) {
    case CS_BLAME_NONE: break;
    case CS_BLAME_PEER: return peer_name(finding, server);
    case CS_BLAME_AUTHORITY: return "certificate authority";
    case CS_BLAME_NETWORK: return "network";
    case CS_BLAME_CLOCK: return "clock";
    case CS_BLAME_CONFIGURATION: return "this configuration";
    case CS_BLAME_POLICY: return "policy";
    }
    return "";
}

struct cs_str cs_likely_code(const struct cs_finding *finding)
{
    const struct cs_finding_kind *kind = finding->kind;
    bool tells = kind == &cs_cause_peer_rejected_certificate || kind == &cs_cause_peer_closed ||
                 kind == &cs_cause_peer_reset;

    return tells ? finding->operands[CS_FINDING_OPERANDS - 1] : (struct cs_str){0};
}
