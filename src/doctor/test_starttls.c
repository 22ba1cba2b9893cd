/* Dialogues as tables of bytes, each played whole and byte by byte: what is said and heard is the
 * same. */
#include "doctor/starttls.h"

#include "tap.h"

struct sample {
    const char *protocol;
    struct cs_str server; /* all that the server says, in time */
    struct cs_str client; /* all that the client says */
    enum cs_dialogue_state end;
    struct cs_str said;
    size_t left; /* bytes of the server's that are not consumed */
};

#define S CS_STR_INIT
#define STREAM(space)                                                                              \
    "<?xml version='1.0'?><stream:stream xmlns='" space "' "                                       \
    "xmlns:stream='http://etherx.jabber.org/streams' to='mail.test' version='1.0'>"

static const struct sample samples[] = {
    {"smtp",
     S("220-mail.test\r\n220 ready\r\n250-mail.test\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n"),
     S("EHLO countersign.invalid\r\nSTARTTLS\r\n"), CS_DIALOGUE_DONE},
    {"smtp", S("220 mail.test\r\n250 mail.test\r\n454 TLS not available\r\n"),
     S("EHLO countersign.invalid\r\nSTARTTLS\r\n"), CS_DIALOGUE_REFUSED,
     S("454 TLS not available")},
    {"smtp", S("554 go away\r\n"), {0}, CS_DIALOGUE_REFUSED, S("554 go away")},
    {"smtp", S("220 mail.test"), {0}, CS_DIALOGUE_MORE, .left = 13},
    {"smtp", S("220 x\n250 x\n220 go\n\x16\x03"), S("EHLO countersign.invalid\r\nSTARTTLS\r\n"),
     CS_DIALOGUE_DONE, .left = 2},
    {"lmtp", S("220 x\r\n250 x\r\n220 go\r\n"), S("LHLO countersign.invalid\r\nSTARTTLS\r\n"),
     CS_DIALOGUE_DONE},
    {"imap", S("* OK IMAP4rev1\r\n* CAPABILITY STARTTLS\r\na OK begin\r\n"), S("a STARTTLS\r\n"),
     CS_DIALOGUE_DONE},
    {"imap", S("* OK x\r\na BAD unknown\r\n"), S("a STARTTLS\r\n"), CS_DIALOGUE_REFUSED,
     S("a BAD unknown")},
    {"imap", S("* BYE busy\r\n"), {0}, CS_DIALOGUE_REFUSED, S("* BYE busy")},
    {"pop3", S("+OK\r\n+OK begin\r\n"), S("STLS\r\n"), CS_DIALOGUE_DONE},
    {"pop3", S("+OK\r\n-ERR no\r\n"), S("STLS\r\n"), CS_DIALOGUE_REFUSED, S("-ERR no")},
    {"ftp", S("220 ftp\r\n234 go\r\n"), S("AUTH TLS\r\n"), CS_DIALOGUE_DONE},
    {"ftp", S("220 ftp\r\n502 no\r\n"), S("AUTH TLS\r\n"), CS_DIALOGUE_REFUSED, S("502 no")},
    {"nntp", S("201 no posting\r\n382 go\r\n"), S("STARTTLS\r\n"), CS_DIALOGUE_DONE},
    {"sieve", S("\"SIEVE\" \"fileinto\"\r\n\"STARTTLS\"\r\nOK\r\nOK \"go\"\r\n"), S("STARTTLS\r\n"),
     CS_DIALOGUE_DONE},
    {"sieve", S("OK\r\nNO \"never\"\r\n"), S("STARTTLS\r\n"), CS_DIALOGUE_REFUSED,
     S("NO \"never\"")},
    {"xmpp",
     S("<stream:stream id='1'><stream:features><starttls/></stream:features>"
       "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
     S(STREAM("jabber:client") "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
     CS_DIALOGUE_DONE},
    {"xmpp-server", S("<stream:stream><stream:features></stream:features><failure/>"),
     S(STREAM("jabber:server") "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
     CS_DIALOGUE_REFUSED, S("<failure/>")},
    {"ldap", S("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0"),
     S("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
       "1.3.6.1.4.1.1466.20037"),
     CS_DIALOGUE_DONE},
    {"ldap", S("\x30\x84\0\0\0\x0c"),
     S("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
       "1.3.6.1.4.1.1466.20037"),
     CS_DIALOGUE_REFUSED},
    {"ldap", S("\x30\x81\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"),
     S("\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
       "1.3.6.1.4.1.1466.20037"),
     CS_DIALOGUE_REFUSED, S("\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0")},
    {"postgres", S("S"), S("\0\0\0\x08\x04\xd2\x16\x2f"), CS_DIALOGUE_DONE},
    {"postgres", S("N"), S("\0\0\0\x08\x04\xd2\x16\x2f"), CS_DIALOGUE_REFUSED, S("N")},
    {"mysql",
     S("\x05\0\0\0\x0a"
       "8.0\0"),
     S("\x20\0\0\x01\0\x8a\0\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     CS_DIALOGUE_DONE},
    {"mysql", S("\x03\0\0\0\xff\x10\x04"), {0}, CS_DIALOGUE_REFUSED, S("\xff\x10\x04")},
};

/* The server's bytes, @step at a time; what is wanted at the end is compared. */
static void play(const struct sample *s, size_t step)
{
    struct cs_arena arena = {0};
    struct cs_dialogue d;
    struct cs_str client = {0}, said, send;
    enum cs_dialogue_state state = CS_DIALOGUE_MORE;
    size_t from = 0, to = 0, n;

    cs_dialogue_init(&d, cs_starttls_find(cs_str_from(s->protocol)), CS_STR("mail.test"));
    for (;;) {
        state = cs_dialogue_step(&d, cs_str_sub(s->server, from, to - from), &arena, &n, &send);
        from += n;
        if (state == CS_DIALOGUE_SEND)
            client = cs_arena_cat(&arena, client, send);
        else if (state == CS_DIALOGUE_MORE && to < s->server.len)
            to = to + step < s->server.len ? to + step : s->server.len;
        else
            break;
    }
    said = d.said;
    tap_int(state, s->end, s->protocol);
    tap_str(client, s->client, "what the client says");
    if (s->said.len)
        tap_str(said, s->said, "what refused");
    if (s->end != CS_DIALOGUE_REFUSED)
        tap_int((int64_t)(s->server.len - from), (int64_t)s->left, "what is left");
    cs_arena_deinit(&arena);
}

static void test_bounds(void)
{
    struct cs_arena arena = {0};
    struct cs_str send,
        line = cs_str_make(cs_arena_alloc(&arena, CS_STARTTLS_MAX), CS_STARTTLS_MAX);
    const struct cs_starttls *one;
    struct cs_dialogue d;
    size_t n, i;

    for (i = 0; (one = cs_starttls_at(i)) != NULL; i++) {
        enum cs_dialogue_state state;
        cs_dialogue_init(&d, one, CS_STR("h"));
        while ((state = cs_dialogue_step(&d, line, &arena, &n, &send)) == CS_DIALOGUE_SEND)
            continue;
        tap_ok(state != CS_DIALOGUE_MORE, "%s: does not wait for more than the most",
               cs_starttls_name(one));
        tap_ok(cs_starttls_port(one) != 0, "has a port");
    }
    tap_ok(i > 8, "the usual protocols are there");
    tap_ok(cs_starttls_find(CS_STR("gopher")) == NULL, "others are not");
    cs_arena_deinit(&arena);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        play(&samples[i], 1);
        play(&samples[i], SIZE_MAX / 2);
    }
    test_bounds();
    return tap_done();
}
