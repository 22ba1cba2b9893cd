/* How far a handshake got, and what it means that it got no further.
 *
 * Where one side leaves is all that is known of many failures. The handshake has five such
 * places; what can be the matter differs at each of them. */
#include "explain/case.h"

enum place {
    PLACE_SILENCE,     /* the peer has not said anything */
    PLACE_PART,        /* a part of its first message */
    PLACE_FOREIGN,     /* something that is not TLS */
    PLACE_HELLO,       /* hellos, no certificate of ours */
    PLACE_CERTIFICATE, /* it has our certificate, and has not gone on */
    PLACE_PROOF,       /* it has sent messages behind that */
    PLACE_DONE,        /* the handshake is complete on this side */
};

#define RECORD_HEADER 5
#define MESSAGE_HEADER 4

static bool have(struct cs_messages messages, enum cs_message message)
{
    return cs_messages_have(messages, message);
}

static enum place place_of(const struct cs_case *c)
{
    const struct cs_handshake *h = c->handshake;
    uint64_t bytes_in = c->transport->bytes_in ? c->transport->bytes_in : h ? h->bytes_in : 0;

    if (h && h->complete)
        return PLACE_DONE;
    if (!h || !h->received.seen) {
        if (!bytes_in && !c->transport->first.len)
            return PLACE_SILENCE;
        return cs_foreign_is_tls(c->transport->first) || !c->transport->first.len ? PLACE_PART
                                                                                  : PLACE_FOREIGN;
    }
    if (!have(h->sent, CS_MESSAGE_CERTIFICATE))
        return PLACE_HELLO;
    if (c->server)
        return h->received.last == CS_MESSAGE_CLIENT_HELLO ? PLACE_CERTIFICATE : PLACE_PROOF;
    return PLACE_CERTIFICATE;
}

struct cs_str cs_progress_text(const struct cs_case *c)
{
    switch (place_of(c)) {
    case PLACE_SILENCE:
        return c->server ? CS_STR("before the first byte")
                         : CS_STR("before the ClientHello was answered");
    case PLACE_PART: return CS_STR("in the middle of the first message");
    case PLACE_FOREIGN: return CS_STR("after bytes that are not TLS");
    case PLACE_HELLO:
        return c->server ? CS_STR("after the ClientHello") : CS_STR("after the ServerHello");
    case PLACE_CERTIFICATE: return CS_STR("after our certificate had been sent");
    case PLACE_PROOF: return CS_STR("before the Finished of the client");
    case PLACE_DONE: break;
    }
    return CS_STR("after the handshake");
}

static uint32_t big_endian(const char *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | (uint8_t)p[i];
    return v;
}

/* "N of M bytes of the ClientHello came": the lengths stand in its first nine bytes. */
static struct cs_str part_text(const struct cs_case *c)
{
    struct cs_str first = c->transport->first;
    uint64_t came = c->transport->bytes_in ? c->transport->bytes_in : first.len;
    const char *what = c->server ? "ClientHello" : "ServerHello";
    uint32_t length;

    if (first.len < RECORD_HEADER + MESSAGE_HEADER)
        return cs_arena_printf(c->arena, "%llu bytes of the %s came", (unsigned long long)came,
                               what);
    length = big_endian(first.ptr + RECORD_HEADER + 1, 3) + MESSAGE_HEADER;
    return cs_arena_printf(c->arena, "%llu of %u bytes of the %s came, record header included",
                           (unsigned long long)came, length + RECORD_HEADER, what);
}

static struct cs_meaning part_meaning(const struct cs_case *c)
{
    return (struct cs_meaning){
        part_text(c),
        CS_STR(
            "suspect the path: a packet that is too large for it (MTU) or a middlebox that "
            "drops the second part of a large, post-quantum ClientHello; try with fewer groups")};
}

/* What the peer may dislike about us, and what the other sentence of @means is. */
static struct cs_meaning with_own(const struct cs_case *c, const char *means)
{
    struct cs_str own = cs_own_text(c);

    return (struct cs_meaning){
        cs_arena_printf(c->arena, "%s%s%.*s", means, own.len ? "; " : "", CS_FMT(own)),
        cs_own_likely_remedy(c), cs_own_likely_code(c, -1)};
}

/* The client that we are had a certificate to send, and the server has asked for one. */
static bool asked_us(const struct cs_case *c)
{
    return !c->server && c->handshake &&
           have(c->handshake->received, CS_MESSAGE_CERTIFICATE_REQUEST);
}

static struct cs_meaning closed_early(const struct cs_case *c)
{
    if (c->server)
        return (struct cs_meaning){
            CS_STR("so do port scans, health checks that only connect, and clients that open "
                   "connections in advance"),
            CS_STR("if it is a health check, let it complete a TLS handshake")};
    return (struct cs_meaning){
        CS_STR("a server does so that does not speak TLS at this port, that expects a PROXY "
               "header first, or that has no certificate for the name"),
        CS_STR("check the port, and whether the server's log has an entry for this connection")};
}

struct cs_meaning cs_progress_closed(const struct cs_case *c)
{
    switch (place_of(c)) {
    case PLACE_SILENCE: return closed_early(c);
    case PLACE_PART: return part_meaning(c);
    case PLACE_FOREIGN:
    case PLACE_HELLO:
        return (struct cs_meaning){
            CS_STR("no alert says why: it may not like what was agreed on so far"),
            CS_STR("look into its own log; \"countersign doctor\" shows what it agrees to")};
    case PLACE_CERTIFICATE:
        if (!c->server)
            return with_own(c, "no alert says why; a server that refuses a client certificate "
                               "often leaves like that");
        return with_own(c, "no alert says why; clients that do not trust the issuer, or find "
                           "another name than theirs in it, often leave like that");
    case PLACE_PROOF:
        return (struct cs_meaning){
            CS_STR("no alert says why; a client that cannot use its own key leaves like that"),
            CS_STR("look into its own log, and check that its key can be read")};
    case PLACE_DONE: break;
    }
    if (c->server && cs_own_fault_remedy(c).len)
        return with_own(c, "it asked nothing; clients that look at the certificate only then "
                           "leave like that");
    if (asked_us(c))
        return with_own(c, "with TLS 1.3 a server refuses a client certificate only after the "
                           "handshake, and this one says no reason");
    return (struct cs_meaning){CS_STR("it ended without TLS's close_notify"),
                               CS_STR("look into its own log")};
}

struct cs_meaning cs_progress_reset(const struct cs_case *c)
{
    struct cs_meaning closed;

    switch (place_of(c)) {
    case PLACE_SILENCE:
        return (struct cs_meaning){
            CS_STR("a middlebox that allows the connection and forbids what it is for does so, "
                   "and a peer that has no program behind the port"),
            CS_STR("try from a machine beside the other side: if it works there, the path is to "
                   "blame")};
    case PLACE_PART: return part_meaning(c);
    default: break;
    }
    closed = cs_progress_closed(c);
    closed.means = cs_arena_printf(
        c->arena, "the peer's program ended, or something in between cut the connection; %.*s",
        CS_FMT(closed.means));
    return closed;
}

struct cs_meaning cs_progress_silent(const struct cs_case *c)
{
    switch (place_of(c)) {
    case PLACE_SILENCE:
        if (c->server)
            return (struct cs_meaning){
                CS_STR("a client that waits for the server to speak first does not speak TLS; "
                       "connections that are made in advance look the same, and what a path loses"),
                CS_STR("find out what connects here; a program without TLS may need another port")};
        return (struct cs_meaning){
            CS_STR("it took the connection and the ClientHello, and does not answer"),
            CS_STR("check that the server speaks TLS at this port and expects no PROXY header, "
                   "and that the path carries large packets (MTU)")};
    case PLACE_PART: return part_meaning(c);
    case PLACE_FOREIGN:
    case PLACE_HELLO:
    case PLACE_CERTIFICATE:
        return (struct cs_meaning){
            CS_STR("what was sent to it may be lost on the way: the flight with the certificates "
                   "is the first large one"),
            CS_STR("check the path for a smaller MTU; a person asked which certificate to use "
                   "also takes time")};
    case PLACE_PROOF:
    case PLACE_DONE: break;
    }
    return (struct cs_meaning){CS_STR("it is busy, or waits for something itself"),
                               CS_STR("look into its own log")};
}
