/* The account of one failure: its cause and every fact about it, as text and numbers.
 *
 * What a record points to lives as long as its connection; an account stands for itself. It is
 * made from a record, or read back from the JSON that was once written from one, and told in
 * three styles. Texts live in the arena that it was made in.
 */
#ifndef CS_EXPLAIN_ACCOUNT_H
#define CS_EXPLAIN_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/findings.h"
#include "telemetry/clock.h"
#include "telemetry/handshake.h"
#include "telemetry/record.h"

/* One certificate as presented. */
struct cs_account_cert {
    struct cs_str subject, issuer;       /* RFC 2253 */
    struct cs_str serial;                /* hex */
    struct cs_str sha256;                /* hex, lower case */
    struct cs_str not_before, not_after; /* "2026-01-01T00:00:00Z" */
    struct cs_str names;                 /* "DNS:a.test, URI:spiffe://…" */
    struct cs_str key;                   /* "P-256" */
    struct cs_str signature;             /* "ecdsa-with-SHA256" */
    struct cs_str key_usage;             /* "digitalSignature"; empty: no such extension */
    struct cs_str eku;                   /* "clientAuth"; likewise */
    struct cs_str ski, aki;              /* key identifiers in hex, or empty */
    bool ca;
};

/* A list of texts, and how many there were before it was cut short. */
struct cs_account_list {
    const struct cs_str *items;
    size_t n;
    size_t total;
};

/* The most that an account repeats of a list. */
#define CS_ACCOUNT_LIST_MAX 32

struct cs_account {
    struct cs_finding cause;   /* kind NULL: nothing failed, or a code unknown here */
    uint64_t repeats;          /* not 0: only that it happened so often again, … */
    int64_t repeats_ms;        /* … and within what time */
    struct cs_str incident;    /* empty: none */
    int64_t time_ms;           /* wall clock when it failed; 0: unknown */
    bool server;               /* this side was the server */
    struct cs_str stage;       /* "handshake" */
    struct cs_str peer;        /* "192.0.2.1:54321" */
    struct cs_str socket_peer; /* the same without the PROXY header's word; empty: as peer */
    struct cs_str local;
    struct cs_str target;      /* client: what was asked for, "host:port" */
    struct cs_str server_name; /* name of the server block or upstream */
    struct cs_str sni, host;

    struct {
        struct cs_str ending; /* "closed", "reset", … */
        struct cs_str error;  /* the system's words */
        struct cs_str first;  /* the peer's first bytes, when they were not TLS's */
        uint64_t bytes_in, bytes_out;
    } transport;

    struct {
        bool spoken; /* there was a handshake */
        bool complete, resumed;
        struct cs_str version, cipher, group, sigalg, client_sigalg, alpn;
        struct cs_alert alert_sent, alert_received;
        struct cs_str broken;  /* cs_break_name() */
        struct cs_str library; /* the TLS library's own words */
        struct cs_terms own, offered;
        struct cs_str last_sent, last_received; /* handshake messages */
        bool certificate_asked;
        struct cs_str own_key;
        struct cs_str asked_sigalgs;
        struct cs_account_list asked_names; /* CA names in the CertificateRequest */
        int64_t start_ms, end_ms;
    } tls;

    struct {
        bool judged;
        bool accepted;
        int error, depth;     /* nginx's number, and which certificate */
        struct cs_str reason; /* nginx's words */
    } verdict;
    struct {
        bool known; /* somebody looked */
        struct cs_clock facts;
    } clock;
    const struct cs_account_cert *chain; /* as presented, leaf first */
    size_t n_chain;
    const struct cs_finding *findings; /* all of the verdict, linked, the cause among them */
    struct cs_account_list trust;      /* subjects of the trust set */
    struct cs_str identity;            /* "spiffe://…", empty: none */
    int status;                        /* HTTP status that the client was given, or that we
                                          were as client; 0: none */
};

/** cs_account_make() - gather what @record and @cause (may be NULL) say. Pure; everything lives
 *  in @arena or borrows from the two. */
void cs_account_make(const struct cs_record *record, const struct cs_finding *cause,
                     struct cs_arena *arena, struct cs_account *ret_account);

enum cs_account_style {
    /* One log line: primary (detail; hint: …) [code], client: …, SNI: …, … */
    CS_ACCOUNT_LINE,
    /* Several lines for a person: the steps of the connection, cause, evidence, remedy. */
    CS_ACCOUNT_TEXT,
    /* One object with every fact, on one line, no newline; what is absent is absent. */
    CS_ACCOUNT_JSON,
};

/** cs_account_tell() - append @account in @style; TEXT ends in a newline. @colour (TEXT only)
 *  adds terminal colours. Pure. Return: 0, or -ENOBUFS (part of it is appended). */
int cs_account_tell(const struct cs_account *account, enum cs_account_style style, bool colour,
                    struct cs_buf *buf);

/** cs_explain_record() - both in one: the account of @record, told. Return: 0, or -ENOBUFS. */
int cs_explain_record(const struct cs_record *record, const struct cs_finding *cause,
                      enum cs_account_style style, struct cs_buf *buf);

#endif
