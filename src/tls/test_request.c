/* CertificateRequests and Certificates of both versions, whole, cut and lying. */
#include "tls/request.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

#define NAME "\x30\x03\x31\x01\x00"

static const struct {
    const char *name;
    struct cs_str body;
    bool tls13;
    int outcome;
    size_t sigalgs, names;
} rows[] = {
    {"TLS 1.2", CS_STR_INIT("\x02\x01\x40\0\x04\x04\x03\x08\x04\0\x07\0\x05" NAME), false, 0, 4, 1},
    {"TLS 1.2, two names", CS_STR_INIT("\x01\x40\0\x02\x04\x03\0\x0e\0\x05" NAME "\0\x05" NAME),
     false, 0, 2, 2},
    {"TLS 1.2, no names", CS_STR_INIT("\x01\x40\0\x02\x04\x03\0\0"), false, 0, 2, 0},
    {"TLS 1.2, an empty name is the last that counts",
     CS_STR_INIT("\x01\x40\0\x02\x04\x03\0\x02\0\0"), false, 0, 2, 0},
    {"TLS 1.2, a byte too much", CS_STR_INIT("\x01\x40\0\x02\x04\x03\0\0x"), false, -EBADMSG, 0, 0},
    {"TLS 1.2, a vector beyond the end", CS_STR_INIT("\x01\x40\0\x09\x04\x03"), false, -EBADMSG, 0,
     0},
    {"TLS 1.3", CS_STR_INIT("\0\0\x0a\0\x0d\0\x06\0\x04\x04\x03\x08\x04"), true, 0, 4, 0},
    {"TLS 1.3 with names and an unknown extension",
     CS_STR_INIT("\0\0\x1b\0\x0d\0\x04\0\x02\x04\x03\xfa\xfa\0\x02xx\0\x2f\0\x09\0\x07\0\x05" NAME),
     true, 0, 2, 1},
    {"TLS 1.3, a list that is longer than its extension",
     CS_STR_INIT("\0\0\x08\0\x0d\0\x04\0\x08\x04\x03"), true, -EBADMSG, 0, 0},
    {"TLS 1.3, half an extension", CS_STR_INIT("\0\0\x03\0\x0d\0"), true, -EBADMSG, 0, 0},
    {"nothing", CS_STR_INIT(""), true, -EBADMSG, 0, 0},
};

static const struct {
    const char *name;
    struct cs_str body;
    bool tls13;
    int n;
} presented[] = {
    {"TLS 1.2, none", CS_STR_INIT("\0\0\0"), false, 0},
    {"TLS 1.2, two", CS_STR_INIT("\0\0\x09\0\0\x02xx\0\0\x01y"), false, 2},
    {"TLS 1.2, too many", CS_STR_INIT("\0\0\x0c\0\0\x01x\0\0\x01y\0\0\x01z"), false, -EBADMSG},
    {"TLS 1.2, beyond the end", CS_STR_INIT("\0\0\x05\0\0\x09xx"), false, -EBADMSG},
    {"TLS 1.2, a byte too much", CS_STR_INIT("\0\0\0x"), false, -EBADMSG},
    {"TLS 1.3, one",
     CS_STR_INIT("\x01"
                 "c"
                 "\0\0\x0a\0\0\x02xx\0\x03"
                 "ext"),
     true, 1},
    {"TLS 1.3, no extensions", CS_STR_INIT("\0\0\0\x05\0\0\x02xx"), true, -EBADMSG},
    {"nothing", CS_STR_INIT(""), true, -EBADMSG},
};

static void test_presented(void)
{
    for (size_t i = 0; i < sizeof(presented) / sizeof(presented[0]); i++) {
        struct cs_str ders[2], body = presented[i].body;
        char *exact = malloc(body.len + 1);
        memcpy(exact, body.ptr, body.len);
        int n = cs_presented_read(cs_str_make(exact, body.len), presented[i].tls13, ders, 2);
        tap_int(n, presented[i].n, presented[i].name);
        if (n > 0)
            tap_str(ders[0], CS_STR("xx"), "the leaf");
        free(exact);
    }
}

int main(void)
{
    test_presented();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_request request;
        struct cs_str name;
        size_t n = 0;
        char *exact = malloc(rows[i].body.len + 1);
        memcpy(exact, rows[i].body.ptr, rows[i].body.len);
        int r = cs_request_read(cs_str_make(exact, rows[i].body.len), rows[i].tls13, &request);
        tap_int(r, rows[i].outcome, rows[i].name);
        if (r == 0) {
            while (cs_request_next(&request.names, &name))
                n++;
            tap_int((int64_t)request.sigalgs.len, (int64_t)rows[i].sigalgs, "algorithms");
            tap_int((int64_t)n, (int64_t)rows[i].names, "names");
        }
        free(exact);
    }
    return tap_done();
}
