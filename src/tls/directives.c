/* nginx's names, contexts and defaults. What is not there is refused where leaving it out
 * would weaken something, and accepted with a notice where it would only cost speed. */
#include "tls/directives.h"

#include "config/findings.h"
#include "config/tree.h"
#include "config/value.h"

#define SERVER_LEVELS (CS_CTX_HTTP | CS_CTX_SERVER)
#define PROXY_LEVELS (CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION)
#define AT(field) offsetof(struct cs_ssl_settings, field)
#define PROXY_AT(field) offsetof(struct cs_proxy_ssl_settings, field)

#define MISPLACED_VERIFY                                                                           \
    "a client is asked for its certificate before the location is known: write "                   \
    "\"ssl_verify_client optional;\" in the server, and in the location "                          \
    "\"if ($ssl_client_verify != SUCCESS) { return 403; }\""

#define WHY_STAPLING_VERIFIED "a response is always verified before it is shown"
#define WHY_COMMAND                                                                                \
    "it reaches past every check into the TLS library; use the directive of the same purpose"
#define WHY_KEY_LOG "session keys are never written anywhere"
#define WHY_ECH "Encrypted Client Hello is not offered"
#define WHY_ENGINE "engines are gone from the TLS library; keys are read from files"
#define WHY_TICKETS "sessions are resumed by tickets, which all workers can open"
#define WHY_EARLY "0-RTT is not offered: it can be replayed, and it comes before the certificate"
#define WHY_DHPARAM "only ECDHE key exchange is offered"
#define WHY_CACHE                                                                                  \
    "certificates are read when the configuration is loaded, and when their files change"
#define WHY_COMPRESSION "certificates are sent uncompressed"

static const struct cs_choice verify_client[] = {
    {"off", CS_SSL_VERIFY_CLIENT_OFF},
    {"on", CS_SSL_VERIFY_CLIENT_ON},
    {"optional", CS_SSL_VERIFY_CLIENT_OPTIONAL},
    {"optional_no_ca", CS_SSL_VERIFY_CLIENT_OPTIONAL_NO_CA},
    {NULL, 0},
};

static const struct cs_choice protocols[] = {
    {"TLSv1.3", CS_TLS_1_3},
    {"TLSv1.2", CS_TLS_1_2},
    {"TLSv1.1", CS_TLS_1_1},
    {"TLSv1", CS_TLS_1_0},
    {"SSLv3", CS_SSL_V3},
    {"SSLv2", CS_SSL_V2},
    {NULL, 0},
};

static const struct cs_choice ocsp[] = {
    {"off", CS_SSL_OCSP_OFF},
    {"on", CS_SSL_OCSP_ON},
    {"leaf", CS_SSL_OCSP_LEAF},
    {NULL, 0},
};

/* Answers prove themselves, so nothing but plain HTTP is spoken to responders. */
static void check_responder(const struct cs_directive *d, struct cs_findings *findings)
{
    struct cs_str url = cs_directive_arg(d, 0), scheme = CS_STR("http://");
    bool plain = cs_str_starts_nocase(url, scheme) && url.len > scheme.len && url.len < 1024;

    for (size_t i = 0; i < url.len; i++)
        plain = plain && url.ptr[i] > ' ' && url.ptr[i] < 0x7f && url.ptr[i] != '$';
    if (!plain)
        cs_config_refuse_value(findings, d, &d->args[0], CS_STR("write an address http://…"));
}

/* shared:NAME:SIZE */
static void check_cache(const struct cs_directive *d, struct cs_findings *findings)
{
    struct cs_str rest = cs_directive_arg(d, 0), kind, name;
    uint64_t size;

    if (cs_str_eq(rest, CS_STR("off")))
        return;
    kind = cs_str_cut(&rest, ':');
    name = cs_str_cut(&rest, ':');
    if (!cs_str_eq(kind, CS_STR("shared")) || !name.len || cs_value_size(rest, &size) < 0)
        cs_config_refuse_value(findings, d, &d->args[0], CS_STR("write off, or shared:name:size"));
}

static void check_lists(const struct cs_directive *d, struct cs_findings *findings)
{
    for (size_t i = 0; i < d->n_args; i++) {
        if (d->args[i].text.len == 0)
            cs_config_refuse_value(findings, d, &d->args[i], CS_STR("name a file or a folder"));
    }
}

static const struct cs_directive_row ssl_rows[] = {
    {"ssl", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_DEPRECATED, AT(ssl), "off",
     .doc = "Makes every address of the server a TLS one.",
     .why = "write the parameter \"ssl\" of the listen directive instead"},
    {"ssl_certificate", SERVER_LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT, AT(certificate),
     .syntax = "file | auto",
     .doc = "The server's certificate in PEM, followed by its intermediate certificates; several "
            "times for several types of key, each with its ssl_certificate_key. With auto the "
            "certificate and its key are asked of an authority, and renewed."},
    {"ssl_certificate_key", SERVER_LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT | CS_D_SECURITY,
     AT(certificate_key), .syntax = "file",
     .doc = "The private key that belongs to the ssl_certificate at the same position, in PEM."},
    {"ssl_password_file", SERVER_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY, AT(password_file),
     .syntax = "file",
     .doc = "Passwords for encrypted private keys, one on each line, tried in turn."},
    {"ssl_client_certificate", SERVER_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY,
     AT(client_certificate), .syntax = "file",
     .doc = "The CA certificates that client certificates are verified against; their names are "
            "sent to clients."},
    {"ssl_trusted_certificate", SERVER_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY,
     AT(trusted_certificate), .syntax = "file",
     .doc = "CA certificates like those of ssl_client_certificate whose names are not sent to "
            "clients."},
    {"ssl_crl", SERVER_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_SECURITY,
     .syntax = "file | folder/ | url …",
     .doc =
         "Revocation lists, PEM or DER, for the CAs of client certificates; one for every CA of "
         "a chain. Of a folder every file counts whose name ends in .pem, .crl, .der or .r0 to "
         ".r9. What an http or https address leads to is fetched, and again before its nextUpdate.",
     .check = check_lists},
    {"ssl_verify_client", SERVER_LEVELS, 1, 1, CS_V_ENUM, CS_D_SECURITY, AT(verify_client), "off",
     .choices = verify_client,
     .doc = "Whether clients must present a certificate (on), may (optional), or may present one "
            "that nobody here vouches for (optional_no_ca).",
     .misplaced = MISPLACED_VERIFY},
    {"ssl_verify_depth", SERVER_LEVELS, 1, 1, CS_V_INT, CS_D_SECURITY, AT(verify_depth), "1", 0,
     100,
     .doc = "How many intermediate certificates may stand between a client's certificate and a "
            "trusted one."},
    {"mtls_clock_leeway", SERVER_LEVELS, 1, 1, CS_V_SEC, CS_D_SECURITY, AT(clock_leeway_sec), "0",
     0, 600,
     .doc = "How far outside its validity a client's certificate, or one of its issuers', is still "
            "accepted, with a warning in the log: for clocks that differ. At most 10m."},
    {"ssl_protocols", SERVER_LEVELS, 1, CS_ARGS_ANY, CS_V_BITS, CS_D_SECURITY, AT(protocols),
     "TLSv1.2 TLSv1.3", .choices = protocols,
     .doc = "The protocol versions that clients may use; what is older than TLSv1.2 is refused."},
    {"ssl_ciphers", SERVER_LEVELS, 1, 1, CS_V_STR, CS_D_SECURITY, AT(ciphers), "HIGH:!aNULL:!MD5",
     .syntax = "ciphers",
     .doc = "The cipher suites for TLSv1.2, in OpenSSL's notation; those of TLSv1.3 are all good."},
    {"ssl_prefer_server_ciphers", SERVER_LEVELS, 1, 1, CS_V_FLAG, 0, AT(prefer_server_ciphers),
     "off", .doc = "Whether the server's order of ciphers and curves counts, not the client's."},
    {"ssl_ecdh_curve", SERVER_LEVELS, 1, 1, CS_V_STR, CS_D_SECURITY, AT(ecdh_curve), "auto",
     .syntax = "curve[:curve …]",
     .doc = "The groups for key exchange; auto is X25519MLKEM768 where the TLS library has it, "
            "X25519, P-256 and P-384."},
    {"ssl_session_timeout", SERVER_LEVELS, 1, 1, CS_V_SEC, CS_D_SECURITY, AT(session_timeout_sec),
     "5m", 1, 604800,
     .doc = "How long after its full handshake a session may be resumed, however often its "
            "ticket was renewed."},
    {"ssl_session_tickets", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_SECURITY, AT(session_tickets),
     "on", .doc = "Whether sessions can be resumed by tickets, which keep nothing on the server."},
    {"ssl_session_ticket_key", SERVER_LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT | CS_D_SECURITY,
     AT(session_ticket_key), .syntax = "file",
     .doc = "A file of 48 or 80 random bytes to seal tickets with; the first seals, all open. "
            "Without it keys are drawn at start and change every hour."},
    {"ssl_buffer_size", SERVER_LEVELS, 1, 1, CS_V_SIZE, 0, AT(buffer_size), "16k", 1, 1 << 30,
     .doc = "Bytes of a response per TLS record, at most 16k."},
    {"ssl_reject_handshake", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_SECURITY, AT(reject_handshake),
     "off", .doc = "Whether handshakes for this server are refused with unrecognized_name."},

    {"ssl_session_cache", SERVER_LEVELS, 1, 2, CS_V_NONE, CS_D_NO_EFFECT, .def = "none",
     .syntax = "off | none | [builtin[:size]] [shared:name:size]", .why = WHY_TICKETS},
    {"ssl_early_data", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_NO_EFFECT, .def = "off",
     .why = WHY_EARLY},
    {"ssl_dhparam", SERVER_LEVELS, 1, 1, CS_V_PATH, CS_D_NO_EFFECT, .syntax = "file",
     .why = WHY_DHPARAM},
    {"ssl_certificate_cache", SERVER_LEVELS, 1, 3, CS_V_NONE, CS_D_NO_EFFECT, .def = "off",
     .syntax = "off | max=n [inactive=time] [valid=time]", .why = WHY_CACHE},
    {"ssl_certificate_compression", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_NO_EFFECT, .def = "off",
     .why = WHY_COMPRESSION},
    {"ssl_object_cache_inheritable", CS_CTX_MAIN, 1, 1, CS_V_FLAG, CS_D_NO_EFFECT, .def = "on",
     .why = WHY_CACHE},
    {"ssl_stapling", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_SECURITY, AT(stapling), "off",
     .doc = "Whether clients that ask for it are shown an OCSP response about the server's "
            "certificate: the one in ssl_stapling_file, or without it the one that the steward "
            "fetches from the responder which the certificate names, verifies, and keeps fresh."},
    {"ssl_stapling_file", SERVER_LEVELS, 1, 1, CS_V_PATH, 0, AT(stapling_file), .syntax = "file",
     .doc = "The OCSP response, in DER; nothing is fetched then. One that is out of date, about "
            "another certificate or not from its issuer is never sent. With AWS-LC nothing is sent "
            "where the server has several certificates."},
    {"ssl_stapling_responder", SERVER_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY,
     AT(stapling_responder), .syntax = "url",
     .doc = "The responder to ask, http://…, whatever the certificate says.",
     .check = check_responder},
    {"ssl_stapling_verify", SERVER_LEVELS, 1, 1, CS_V_FLAG, CS_D_NO_EFFECT, .def = "off",
     .why = WHY_STAPLING_VERIFIED},

    {"ssl_ocsp", SERVER_LEVELS, 1, 1, CS_V_ENUM, CS_D_SECURITY, AT(ocsp), "off", .choices = ocsp,
     .doc = "Whether OCSP responders are asked about client certificates: about the whole chain "
            "(on), or about the client's own certificate alone (leaf). Who they say is revoked, or "
            "say nothing about, is refused."},
    {"ssl_ocsp_responder", SERVER_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY, AT(ocsp_responder),
     .syntax = "url", .doc = "The responder to ask, http://…, whatever certificates say.",
     .check = check_responder},
    {"ssl_ocsp_cache", SERVER_LEVELS, 1, 1, CS_V_STR, CS_D_SECURITY, AT(ocsp_cache), "off",
     .syntax = "off | shared:name:size",
     .doc =
         "Whether an answer counts for connections that come later, as long as it says (shared), "
         "or each connection has responders asked anew (off). All workers share one memory of "
         "16384 answers, whatever name and size are written.",
     .check = check_cache},
    {"ssl_conf_command", SERVER_LEVELS, 2, 2, CS_V_NONE,
     CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT, .why = WHY_COMMAND},
    {"ssl_key_log", SERVER_LEVELS, 1, 1, CS_V_NONE, CS_D_SECURITY | CS_D_UNSUPPORTED,
     .why = WHY_KEY_LOG},
    {"ssl_ech_file", SERVER_LEVELS, 1, 1, CS_V_NONE, CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT,
     .why = WHY_ECH},
    {"ssl_engine", CS_CTX_MAIN, 1, 1, CS_V_NONE, CS_D_SECURITY | CS_D_UNSUPPORTED,
     .why = WHY_ENGINE},
};

const struct cs_schema_table cs_ssl_directives = CS_SCHEMA_TABLE(ssl_rows);

static const struct cs_directive_row proxy_rows[] = {
    {"proxy_ssl_certificate", PROXY_LEVELS, 1, 1, CS_V_STR, 0, PROXY_AT(certificate),
     .syntax = "file | auto",
     .doc = "The certificate, with its intermediates, that upstreams are shown; with auto it is "
            "asked of an authority, by its profile client, for the names of the server, or for "
            "mtls_identity, and renewed in time."},
    {"proxy_ssl_certificate_key", PROXY_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY,
     PROXY_AT(certificate_key), .syntax = "file",
     .doc = "The private key of proxy_ssl_certificate."},
    {"proxy_ssl_password_file", PROXY_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY,
     PROXY_AT(password_file), .syntax = "file",
     .doc = "Passwords for an encrypted proxy_ssl_certificate_key, one on each line."},
    {"proxy_ssl_trusted_certificate", PROXY_LEVELS, 1, 1, CS_V_PATH, CS_D_SECURITY,
     PROXY_AT(trusted_certificate), .syntax = "file",
     .doc = "The CA certificates that upstreams' certificates are verified against."},
    {"proxy_ssl_crl", PROXY_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_SECURITY,
     .syntax = "file | folder/ | url …",
     .doc = "Revocation lists for the CAs of upstreams, as with ssl_crl.", .check = check_lists},
    {"proxy_ssl_verify", PROXY_LEVELS, 1, 1, CS_V_FLAG, CS_D_SECURITY, PROXY_AT(verify), "off",
     .doc = "Whether an upstream must prove by its certificate that it is who proxy_ssl_name "
            "says."},
    {"proxy_ssl_verify_depth", PROXY_LEVELS, 1, 1, CS_V_INT, CS_D_SECURITY, PROXY_AT(verify_depth),
     "1", 0, 100,
     .doc = "How many intermediate certificates may stand between an upstream's certificate and a "
            "trusted one."},
    {"proxy_ssl_name", PROXY_LEVELS, 1, 1, CS_V_STR, CS_D_SECURITY, PROXY_AT(name), "$proxy_host",
     .syntax = "name",
     .doc = "The name that an upstream's certificate must be for, and that proxy_ssl_server_name "
            "sends."},
    {"proxy_ssl_server_name", PROXY_LEVELS, 1, 1, CS_V_FLAG, 0, PROXY_AT(server_name), "off",
     .doc = "Whether the upstream is told proxy_ssl_name by SNI."},
    {"proxy_ssl_protocols", PROXY_LEVELS, 1, CS_ARGS_ANY, CS_V_BITS, CS_D_SECURITY,
     PROXY_AT(protocols), "TLSv1.2 TLSv1.3", .choices = protocols,
     .doc = "The protocol versions offered to upstreams; what is older than TLSv1.2 is refused."},
    {"proxy_ssl_ciphers", PROXY_LEVELS, 1, 1, CS_V_STR, CS_D_SECURITY, PROXY_AT(ciphers), "DEFAULT",
     .syntax = "ciphers",
     .doc = "The cipher suites offered to upstreams for TLSv1.2, in OpenSSL's notation."},
    {"proxy_ssl_session_reuse", PROXY_LEVELS, 1, 1, CS_V_FLAG, CS_D_SECURITY,
     PROXY_AT(session_reuse), "on", .doc = "Whether sessions with upstreams are resumed."},

    {"proxy_ssl_certificate_cache", PROXY_LEVELS, 1, 3, CS_V_NONE, CS_D_NO_EFFECT, .def = "off",
     .syntax = "off | max=n [inactive=time] [valid=time]", .why = WHY_CACHE},
    {"proxy_ssl_conf_command", PROXY_LEVELS, 2, 2, CS_V_NONE,
     CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT, .why = WHY_COMMAND},
    {"proxy_ssl_key_log", PROXY_LEVELS, 1, 1, CS_V_NONE, CS_D_SECURITY | CS_D_UNSUPPORTED,
     .why = WHY_KEY_LOG},
};

const struct cs_schema_table cs_proxy_ssl_directives = CS_SCHEMA_TABLE(proxy_rows);
