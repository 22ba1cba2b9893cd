/* Each protocol is a row: what the client says, and the form of the answer that lets it go on. What
 * differs between them is mostly how an answer ends. */
#include "doctor/starttls.h"

#include <string.h>

/* The last one is always FORM_END, zeroed. */
enum { MOVES_MAX = 4 };

/* The form of an answer, and where it ends. */
enum form {
    FORM_END,    /* no more moves */
    FORM_DIGITS, /* lines "220-…", the last one "220 …" (RFC 5321 section 4.2) */
    FORM_LINE,   /* one line */
    FORM_TAGGED, /* lines until one that begins with the tag "a " (RFC 9051) */
    FORM_STATUS, /* lines until one that begins with OK, NO or BYE (RFC 5804) */
    FORM_XML,    /* until a word comes; another one refuses (RFC 6120 section 5) */
    FORM_LDAP,   /* an ExtendedResponse (RFC 4511 section 4.12) */
    FORM_BYTE,   /* one byte */
    FORM_PACKET, /* a packet of MySQL: three bytes of length, a number */
};

struct move {
    struct cs_str send; /* "{host}" is replaced; empty: the server speaks first */
    enum form form;
    struct cs_str want; /* how a good answer begins; FORM_XML: what it has */
};

struct cs_starttls {
    const char *name;
    uint16_t port;
    struct move moves[MOVES_MAX];
};

#define S CS_STR_INIT
#define XMPP(space)                                                                                \
    S("<?xml version='1.0'?><stream:stream xmlns='" space "' "                                     \
      "xmlns:stream='http://etherx.jabber.org/streams' to='{host}' version='1.0'>")
#define XMPP_MOVES(space)                                                                          \
    {                                                                                              \
        {XMPP(space), FORM_XML, S("</stream:features>")},                                          \
        {                                                                                          \
            S("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), FORM_XML, S("<proceed")      \
        }                                                                                          \
    }

static const struct cs_starttls protocols[] = {
    {"smtp",
     25,
     {{S(""), FORM_DIGITS, S("220")},
      {S("EHLO countersign.invalid\r\n"), FORM_DIGITS, S("250")},
      {S("STARTTLS\r\n"), FORM_DIGITS, S("220")}}},
    {"lmtp",
     24,
     {{S(""), FORM_DIGITS, S("220")},
      {S("LHLO countersign.invalid\r\n"), FORM_DIGITS, S("250")},
      {S("STARTTLS\r\n"), FORM_DIGITS, S("220")}}},
    {"imap", 143, {{S(""), FORM_LINE, S("* OK")}, {S("a STARTTLS\r\n"), FORM_TAGGED, S("a OK")}}},
    {"pop3", 110, {{S(""), FORM_LINE, S("+OK")}, {S("STLS\r\n"), FORM_LINE, S("+OK")}}},
    {"ftp", 21, {{S(""), FORM_DIGITS, S("220")}, {S("AUTH TLS\r\n"), FORM_DIGITS, S("234")}}},
    {"nntp", 119, {{S(""), FORM_DIGITS, S("20")}, {S("STARTTLS\r\n"), FORM_DIGITS, S("382")}}},
    {"sieve", 4190, {{S(""), FORM_STATUS, S("OK")}, {S("STARTTLS\r\n"), FORM_STATUS, S("OK")}}},
    {"xmpp", 5222, XMPP_MOVES("jabber:client")},
    {"xmpp-server", 5269, XMPP_MOVES("jabber:server")},
    {"ldap",
     389,
     /* An ExtendedRequest with the name of StartTLS (RFC 4511 section 4.14). */
     {{S("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
         "1.3.6.1.4.1.1466.20037"),
       FORM_LDAP, S("")}}},
    {"postgres", 5432, {{S("\0\0\0\x08\x04\xd2\x16\x2f"), FORM_BYTE, S("S")}}},
    {"mysql",
     3306,
     /* The server's greeting, of protocol 10; then a request for TLS (CLIENT_SSL, 4.1, secure
      * connection), to which there is no answer. */
     {{S(""), FORM_PACKET, S("\x0a")},
      {S("\x20\0\0\x01\x00\x8a\x00\x00\0\0\0\x01\x21"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
       FORM_END, S("")}}},
};

#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

const struct cs_starttls *cs_starttls_at(size_t i)
{
    return i < N_PROTOCOLS ? &protocols[i] : NULL;
}

const struct cs_starttls *cs_starttls_find(struct cs_str name)
{
    for (size_t i = 0; i < N_PROTOCOLS; i++) {
        if (cs_str_eq(name, cs_str_from(protocols[i].name)))
            return &protocols[i];
    }
    return NULL;
}

const char *cs_starttls_name(const struct cs_starttls *protocol)
{
    return protocol->name;
}

uint16_t cs_starttls_port(const struct cs_starttls *protocol)
{
    return protocol->port;
}

/* ---- answers ---- */

/* What is known of an answer: its end (0: not there yet), and the part of it that says yes or no.
 */
struct answer {
    size_t end;
    struct cs_str verdict;
};

/* The line that begins at @from, without its end; *ret_end is behind it. Return: whether whole. */
static bool line_at(struct cs_str bytes, size_t from, struct cs_str *ret_line, size_t *ret_end)
{
    struct cs_str rest = cs_str_skip(bytes, from);
    ptrdiff_t lf = cs_str_find(rest, '\n');

    if (lf < 0)
        return false;
    *ret_line = cs_str_sub(rest, 0, (size_t)lf);
    if (cs_str_ends(*ret_line, CS_STR("\r")))
        ret_line->len--;
    *ret_end = from + (size_t)lf + 1;
    return true;
}

static bool is_last_line(enum form form, struct cs_str line)
{
    switch (form) {
    case FORM_DIGITS: return line.len < 4 || line.ptr[3] != '-';
    case FORM_TAGGED: return cs_str_starts_nocase(line, CS_STR("a "));
    case FORM_STATUS:
        return cs_str_starts_nocase(line, CS_STR("OK")) ||
               cs_str_starts_nocase(line, CS_STR("NO")) ||
               cs_str_starts_nocase(line, CS_STR("BYE"));
    default: return true;
    }
}

static struct answer read_lines(enum form form, struct cs_str bytes)
{
    struct cs_str line;
    size_t at = 0, end;

    while (line_at(bytes, at, &line, &end)) {
        if (is_last_line(form, line))
            return (struct answer){end, line};
        at = end;
    }
    return (struct answer){0, bytes};
}

/* The first tag that decides, once it is whole: the wanted one, or one that ends it. */
static struct answer read_xml(struct cs_str bytes, struct cs_str want)
{
    const struct cs_str words[] = {want, CS_STR("<failure"), CS_STR("<stream:error"),
                                   CS_STR("</stream:stream>")};
    ptrdiff_t first = -1, close;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        ptrdiff_t at = cs_str_search(bytes, words[i]);
        if (at >= 0 && (first < 0 || at < first))
            first = at;
    }
    if (first < 0)
        return (struct answer){0, bytes};
    close = cs_str_find(cs_str_skip(bytes, (size_t)first), '>');
    if (close < 0)
        return (struct answer){0, bytes};
    return (struct answer){(size_t)(first + close) + 1,
                           cs_str_sub(bytes, (size_t)first, (size_t)close + 1)};
}

/* A whole LDAPMessage of less than 128 bytes, or of a length in one or two bytes. */
static struct answer read_ldap(struct cs_str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t header = 2, len;

    if (bytes.len < 4)
        return (struct answer){0, bytes};
    len = p[1];
    if (p[1] == 0x81)
        header = 3, len = p[2];
    else if (p[1] == 0x82)
        header = 4, len = (size_t)p[2] << 8 | p[3];
    else if (p[0] != 0x30 || p[1] > 0x82)
        return (struct answer){bytes.len, bytes};
    if (bytes.len < header + len)
        return (struct answer){0, bytes};
    return (struct answer){header + len, cs_str_sub(bytes, header, len)};
}

/* messageID 1, ExtendedResponse, resultCode success. */
static bool ldap_agrees(struct cs_str message)
{
    const uint8_t *p = (const uint8_t *)message.ptr;
    size_t at = 5;

    if (message.len < 8 || memcmp(p, "\x02\x01\x01\x78", 4) != 0)
        return false;
    if (p[4] & 0x80)
        at += p[4] & 0x7f;
    return message.len >= at + 3 && memcmp(p + at, "\x0a\x01\x00", 3) == 0;
}

static struct answer read_packet(struct cs_str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t len;

    if (bytes.len < 4)
        return (struct answer){0, bytes};
    len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
    if (len > CS_STARTTLS_MAX)
        return (struct answer){bytes.len, bytes};
    if (bytes.len < 4 + len)
        return (struct answer){0, bytes};
    return (struct answer){4 + len, cs_str_sub(bytes, 4, len)};
}

static struct answer read_answer(const struct move *move, struct cs_str bytes)
{
    switch (move->form) {
    case FORM_XML: return read_xml(bytes, move->want);
    case FORM_LDAP: return read_ldap(bytes);
    case FORM_PACKET: return read_packet(bytes);
    case FORM_BYTE: return (struct answer){bytes.len ? 1 : 0, cs_str_sub(bytes, 0, 1)};
    default: return read_lines(move->form, bytes);
    }
}

/* ---- the dialogue ---- */

void cs_dialogue_init(struct cs_dialogue *dialogue, const struct cs_starttls *protocol,
                      struct cs_str host)
{
    *dialogue = (struct cs_dialogue){.protocol = protocol, .host = host};
}

static struct cs_str with_host(const struct cs_dialogue *d, struct cs_str text,
                               struct cs_arena *arena)
{
    struct cs_str word = CS_STR("{host}");
    ptrdiff_t at = cs_str_search(text, word);

    if (at < 0)
        return text;
    return cs_arena_printf(arena, "%.*s%.*s%.*s", (int)at, text.ptr, CS_FMT(d->host),
                           CS_FMT(cs_str_skip(text, (size_t)at + word.len)));
}

static bool is_yes(const struct move *move, struct cs_str verdict)
{
    if (move->form == FORM_LDAP)
        return ldap_agrees(verdict);
    return cs_str_starts_nocase(verdict, move->want);
}

/* The answer to a move. Return: MORE, REFUSED, or DONE when the next move may follow. */
static enum cs_dialogue_state hear(struct cs_dialogue *d, const struct move *move,
                                   struct cs_str bytes, size_t *ret_consumed)
{
    struct answer answer = read_answer(move, bytes);

    if (!answer.end && bytes.len < CS_STARTTLS_MAX)
        return CS_DIALOGUE_MORE;
    *ret_consumed = answer.end;
    if (answer.end && is_yes(move, answer.verdict))
        return CS_DIALOGUE_DONE;
    d->said = answer.verdict;
    return CS_DIALOGUE_REFUSED;
}

enum cs_dialogue_state cs_dialogue_step(struct cs_dialogue *dialogue, struct cs_str bytes,
                                        struct cs_arena *arena, size_t *ret_consumed,
                                        struct cs_str *ret_send)
{
    const struct move *move = &dialogue->protocol->moves[dialogue->move];

    *ret_consumed = 0;
    if (dialogue->waits || !move->send.len) {
        enum cs_dialogue_state state;
        if (move->form == FORM_END)
            return CS_DIALOGUE_DONE;
        state = hear(dialogue, move, bytes, ret_consumed);
        if (state != CS_DIALOGUE_DONE)
            return state;
        dialogue->waits = false;
        move++;
        dialogue->move++;
    }
    if (!move->send.len)
        return move->form == FORM_END ? CS_DIALOGUE_DONE : CS_DIALOGUE_MORE;
    dialogue->waits = true;
    *ret_send = with_host(dialogue, move->send, arena);
    return CS_DIALOGUE_SEND;
}
