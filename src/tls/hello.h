/* Reading the parts of a ClientHello that choose the virtual server and that the logs can
 * show, and what a ServerHello agrees to. In a session the TLS library has checked the outer
 * frame, and the extensions' bodies are raw; of a capture the whole message is read here. Pure. */
#ifndef CS_TLS_HELLO_H
#define CS_TLS_HELLO_H

#include "telemetry/handshake.h"

/* Room for a server name: RFC 1035's 253 characters and a trailing dot. */
#define CS_HELLO_NAME 256
/* Code points kept per list; what a client offers beyond is not shown. */
#define CS_HELLO_CODES 128

/* Bodies, without type and length; a NULL pointer: the extension is absent. */
struct cs_hello {
    uint16_t legacy_version;
    struct cs_str ciphers;  /* the cipher_suites vector's contents */
    struct cs_str sni;      /* extension server_name */
    struct cs_str groups;   /* extension supported_groups */
    struct cs_str versions; /* extension supported_versions */
    struct cs_str sigalgs;  /* extension signature_algorithms */
    struct cs_str alpn;     /* extension application_layer_protocol_negotiation */
};

/* Of a ServerHello, or of the HelloRetryRequest that looks like one. */
struct cs_server_hello {
    bool retry;       /* it is a HelloRetryRequest (RFC 8446 section 4.1.4) */
    bool resumes;     /* it takes a pre-shared key: a session is resumed (TLS 1.3) */
    uint16_t version; /* 0x0304, 0x0303, … */
    uint16_t cipher;
    uint16_t group;     /* of its key share; 0: none */
    struct cs_str alpn; /* the protocol it chose in the clear; or empty */
};

/** cs_hello_read() - the body of a ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2),
 *  without its four bytes of type and length. Return: 0, or -EBADMSG. */
int cs_hello_read(struct cs_str body, struct cs_hello *ret_hello);
/** cs_server_hello_read() - the same of a ServerHello (RFC 8446 section 4.1.3). Return: 0, or
 *  -EBADMSG. */
int cs_server_hello_read(struct cs_str body, struct cs_server_hello *ret_hello);

/** cs_hello_sni() - the host name of a server_name extension (RFC 6066 section 3), lower case,
 *  without trailing dot; empty when the extension is absent.
 *  Return: 0 with *ret_name in @buf, or -EBADMSG (malformed, too long, or bytes in it that
 *  no host name has). */
int cs_hello_sni(struct cs_str extension, char buf[CS_HELLO_NAME], struct cs_str *ret_name);
/** cs_hello_codes() - up to CS_HELLO_CODES big-endian 16-bit numbers of @bytes.
 *  Return: how many were written. */
size_t cs_hello_codes(struct cs_str bytes, uint16_t ret_codes[CS_HELLO_CODES]);
/** cs_hello_vector() - the contents of an extension that is one vector behind two bytes of
 *  length: supported_groups (RFC 8446 section 4.2.7), signature_algorithms (section 4.2.3), ALPN
 *  (RFC 7301 section 3.1); empty when malformed. */
struct cs_str cs_hello_vector(struct cs_str extension);
/** cs_hello_versions() - the contents of a supported_versions extension (section 4.2.1). */
struct cs_str cs_hello_versions(struct cs_str extension);

#endif
