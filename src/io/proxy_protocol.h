/* The PROXY protocol, versions 1 and 2: what a balancer says about the client, before the
 * client's first byte (HAProxy's proxy-protocol.txt). Pure: bytes in, value out.
 *
 * Parse what has arrived so far; take more when it asks for more. Only listeners that were
 * told to may believe such a header: anyone can send one.
 */
#ifndef CS_IO_PROXY_PROTOCOL_H
#define CS_IO_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "telemetry/transport.h"

/* A version 1 line, its end included; any header, its start included. */
#define CS_PROXY_LINE_MAX 107
#define CS_PROXY_HEADER_MAX 4096

enum cs_proxy_outcome {
    CS_PROXY_DONE,    /* a whole header */
    CS_PROXY_MORE,    /* the beginning of one */
    CS_PROXY_ABSENT,  /* something else */
    CS_PROXY_INVALID, /* one that is broken: close the connection */
};

struct cs_proxy_header {
    unsigned version;           /* 1 or 2 */
    bool local;                 /* the balancer's own connection (a health check) */
    bool known;                 /* source and destination are set */
    struct cs_addr source;      /* the client */
    struct cs_addr destination; /* where it connected to */
    struct cs_str tlvs;         /* version 2: extensions, well-formed; borrowed */
    enum cs_proxy_fault fault;  /* why it is absent or invalid */
};

/** cs_proxy_protocol_parse() - the header at the start of @bytes. With CS_PROXY_DONE, *ret_len
 *  bytes belong to the header and the client's follow; where it is not known, the addresses of
 *  the connection itself count. ret->tlvs borrows from @bytes. With CS_PROXY_ABSENT and
 *  CS_PROXY_INVALID only ret->fault is set. Never asks for more once it has
 *  CS_PROXY_HEADER_MAX bytes. Return: enum cs_proxy_outcome. */
int cs_proxy_protocol_parse(struct cs_str bytes, struct cs_proxy_header *ret, size_t *ret_len);

/* Types of extensions (version 2, section 2.2). */
enum cs_proxy_tlv_type {
    CS_PROXY_TLV_ALPN = 0x01,
    CS_PROXY_TLV_AUTHORITY = 0x02, /* the name the client asked for (SNI) */
    CS_PROXY_TLV_CRC32C = 0x03,    /* verified while parsing */
    CS_PROXY_TLV_NOOP = 0x04,
    CS_PROXY_TLV_UNIQUE_ID = 0x05,
    CS_PROXY_TLV_SSL = 0x20,
    CS_PROXY_TLV_SSL_VERSION = 0x21, /* this and the next ones stand inside SSL */
    CS_PROXY_TLV_SSL_CN = 0x22,
    CS_PROXY_TLV_SSL_CIPHER = 0x23,
    CS_PROXY_TLV_SSL_SIG_ALG = 0x24,
    CS_PROXY_TLV_SSL_KEY_ALG = 0x25,
    CS_PROXY_TLV_NETNS = 0x30,
};

struct cs_proxy_tlv {
    uint8_t type;
    struct cs_str value;
};

/** cs_proxy_tlv_next() - take the first extension off *@rest, which starts as a header's tlvs
 *  (or a cs_proxy_ssl's). Return: whether there was one. */
bool cs_proxy_tlv_next(struct cs_str *rest, struct cs_proxy_tlv *ret_tlv);
/** cs_proxy_tlv_find() - the first extension of @type. Return: whether there is one. */
bool cs_proxy_tlv_find(struct cs_str tlvs, uint8_t type, struct cs_str *ret_value);

/* What the balancer says about its TLS connection with the client. */
struct cs_proxy_ssl {
    bool tls;                    /* the client used TLS */
    bool certificate_connection; /* it presented a certificate on this connection */
    bool certificate_session;    /* or on the session that this connection resumes */
    bool verified;               /* the certificate was verified */
    struct cs_str tlvs;          /* CS_PROXY_TLV_SSL_…; borrowed */
};

/** cs_proxy_ssl_parse() - the value of a CS_PROXY_TLV_SSL extension.
 *  Return: 0, or -EBADMSG (malformed). */
int cs_proxy_ssl_parse(struct cs_str value, struct cs_proxy_ssl *ret_ssl);

#endif
