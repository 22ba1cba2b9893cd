/* Addresses as people write them, and as somebody writes them who wants to mislead. */
#include "enrol/url.h"

#include "tap.h"

static const struct {
    const char *text;
    bool https;
    const char *host, *port, *path;
} accepted[] = {
    {"https://ca.test:9443", true, "ca.test", "9443", ""},
    {"https://ca.test", true, "ca.test", "", ""},
    {"https://ca.test/", true, "ca.test", "", "/"},
    {"http://127.0.0.1:80/crl/1.crl", false, "127.0.0.1", "80", "/crl/1.crl"},
    {"https://[::1]:9443/a?b=@", true, "::1", "9443", "/a?b=@"},
    {"https://[::1]", true, "::1", "", ""},
    {"http://a_b.test?x", false, "a_b.test", "", "?x"},
};

static const struct {
    const char *text;
    const char *why;
} refused[] = {
    {"", "does not begin with http:// or https://"},
    {"ca.test:9443", "does not begin with http:// or https://"},
    {"HTTPS://ca.test", "does not begin with http:// or https://"},
    {"file:///etc/passwd", "does not begin with http:// or https://"},
    {"https://", "names no host"},
    {"https:///x", "names no host"},
    {"https://-o.test", "names no host"},
    {"https://a,b", "names no host"},
    {"https://user@ca.test", "may not name a user"},
    {"https://ca.test@evil.test/", "may not name a user"},
    {"https://ca.test:", "has no port number behind its host"},
    {"https://ca.test:0", "has no port number behind its host"},
    {"https://ca.test:65536", "has no port number behind its host"},
    {"https://::1", "names no host"},
    {"https://[::1]x", "has no port number behind its host"},
    {"https://[::1", "has no address between its brackets"},
    {"https://[evil.test]", "has no address between its brackets"},
    {"https://ca.test/ HTTP/1.1", "has characters that an address may not have"},
    {"https://ca.test\\@evil.test", "has characters that an address may not have"},
    {"https://ca.test/\n", "has characters that an address may not have"},
};

int main(void)
{
    struct cs_arena arena = {0};
    struct cs_url url;

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        url = (struct cs_url){0};
        tap_ok(!cs_url_parse(cs_str_from(accepted[i].text), &url), "%s", accepted[i].text);
        tap_ok(url.https == accepted[i].https, "its scheme");
        tap_str(url.host, cs_str_from(accepted[i].host), "its host");
        tap_str(url.port, cs_str_from(accepted[i].port), "its port");
        tap_str(url.path, cs_str_from(accepted[i].path), "its path");
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        tap_str(cs_str_from(cs_url_parse(cs_str_from(refused[i].text), &url)),
                cs_str_from(refused[i].why), refused[i].text);
    tap_str(cs_url_join(CS_STR("https://ca.test//"), CS_STR("/ca.pem"), &arena),
            CS_STR("https://ca.test/ca.pem"), "joined");
    cs_arena_deinit(&arena);
    return tap_done();
}
