/* Protocols by their first bytes. What a peer sends before it has heard anything is the surest
 * sign of what it believes to be talking to. */
#include "explain/case.h"

#define RECORD_HANDSHAKE 22
#define RECORD_ALERT 21

struct foreign {
    struct cs_str start;
    enum cs_foreign kind;
    struct cs_str name;
    struct cs_str remedy;
};

#define MAIL                                                                                       \
    CS_STR_INIT("this port takes TLS from the first byte on: let the program connect without "     \
                "STARTTLS, or to the plain port")

/* The longer of two that begin alike stands first. */
static const struct foreign protocols[] = {
    {CS_STR_INIT("PRI * HTTP/2"), CS_FOREIGN_OTHER, CS_STR_INIT("HTTP/2 without TLS"),
     CS_STR_INIT("let the client use TLS: https instead of http, no prior knowledge of h2c")},
    {CS_STR_INIT("HTTP/1."), CS_FOREIGN_HTTP, CS_STR_INIT("an HTTP response"), CS_STR_INIT("")},
    {CS_STR_INIT("PROXY "), CS_FOREIGN_PROXY, CS_STR_INIT("a PROXY header"), CS_STR_INIT("")},
    {CS_STR_INIT("\r\n\r\n\0\r\nQUIT\n"), CS_FOREIGN_PROXY, CS_STR_INIT("a PROXY header"),
     CS_STR_INIT("")},
    {CS_STR_INIT("SSH-"), CS_FOREIGN_OTHER, CS_STR_INIT("it speaks SSH"),
     CS_STR_INIT("connect to the SSH port, which is usually 22")},
    {CS_STR_INIT("EHLO"), CS_FOREIGN_OTHER, CS_STR_INIT("it speaks SMTP"), MAIL},
    {CS_STR_INIT("HELO"), CS_FOREIGN_OTHER, CS_STR_INIT("it speaks SMTP"), MAIL},
    {CS_STR_INIT("STARTTLS"), CS_FOREIGN_OTHER, CS_STR_INIT("it asks for STARTTLS"), MAIL},
    {CS_STR_INIT("220"), CS_FOREIGN_OTHER, CS_STR_INIT("it greets as SMTP and FTP servers do"),
     CS_STR_INIT("use STARTTLS, or the port that takes TLS from the first byte on")},
    {CS_STR_INIT("* OK"), CS_FOREIGN_OTHER, CS_STR_INIT("it greets as IMAP servers do"),
     CS_STR_INIT("use STARTTLS, or the port that takes TLS from the first byte on")},
    {CS_STR_INIT("+OK"), CS_FOREIGN_OTHER, CS_STR_INIT("it greets as POP3 servers do"),
     CS_STR_INIT("use STARTTLS, or the port that takes TLS from the first byte on")},
    {CS_STR_INIT("\0\0\0\x08\x04\xd2\x16\x2f"), CS_FOREIGN_OTHER,
     CS_STR_INIT("it asks for TLS as PostgreSQL clients do"),
     CS_STR_INIT("let the client use direct TLS (sslnegotiation=direct)")},
    {CS_STR_INIT("\x03\0\0"), CS_FOREIGN_OTHER, CS_STR_INIT("it speaks RDP"),
     CS_STR_INIT("connect to the RDP port, which is usually 3389")},
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* A method, a space, and what a target may begin with. */
static bool is_http_request(struct cs_str first)
{
    size_t i = 0;

    while (i < first.len && is_upper(first.ptr[i]))
        i++;
    if (i < 3 || i + 1 >= first.len || first.ptr[i] != ' ')
        return false;
    return first.ptr[i + 1] == '/' || first.ptr[i + 1] == '*' ||
           cs_str_starts(cs_str_skip(first, i + 1), CS_STR("http"));
}

/* Two bytes of length with the highest bit set, client hello (RFC 6101 appendix E.1). */
static bool is_sslv2(struct cs_str first)
{
    return first.len >= 4 && (uint8_t)first.ptr[0] >= 0x80 && first.ptr[2] == 1 &&
           (first.ptr[3] == 0 || first.ptr[3] == 3);
}

bool cs_foreign_is_tls(struct cs_str first)
{
    return first.len > 0 && first.ptr[0] == RECORD_HANDSHAKE &&
           (first.len < 2 || first.ptr[1] == 3);
}

static enum cs_foreign other(const char *name, const char *remedy, struct cs_str *ret_name,
                             struct cs_str *ret_remedy)
{
    *ret_name = cs_str_from(name);
    *ret_remedy = cs_str_from(remedy);
    return CS_FOREIGN_OTHER;
}

enum cs_foreign cs_foreign_look(struct cs_str first, struct cs_str *ret_name,
                                struct cs_str *ret_remedy)
{
    if (first.len == 0 || cs_foreign_is_tls(first))
        return CS_FOREIGN_NONE;
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (!cs_str_starts(first, protocols[i].start))
            continue;
        *ret_name = protocols[i].name;
        *ret_remedy = protocols[i].remedy;
        return protocols[i].kind;
    }
    if (is_http_request(first)) {
        *ret_name = CS_STR("an HTTP request");
        *ret_remedy = CS_STR("");
        return CS_FOREIGN_HTTP;
    }
    if (is_sslv2(first))
        return other("it offers SSLv2, which is dead since 2011",
                     "update the software: it is very old", ret_name, ret_remedy);
    if (first.ptr[0] == RECORD_ALERT && first.len >= 2 && first.ptr[1] == 3)
        return other("it begins with a TLS alert, before any handshake",
                     "look why it gives up before it begins: its log says so", ret_name,
                     ret_remedy);
    return other("these bytes begin no protocol that is known here",
                 "find out what connects to this port", ret_name, ret_remedy);
}
