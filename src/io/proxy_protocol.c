/* Two formats, told apart by their first bytes.
 *
 * Nothing is remembered between calls: a header is small and usually arrives whole, so that
 * looking again at its first bytes is cheaper than a state machine, and any split of the
 * bytes gives the same answer by construction. Everything is checked before anything is
 * believed: numbers without leading zeros, addresses of the family that was named,
 * extensions that fit exactly.
 */
#include "io/proxy_protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#define SIGNATURE_1 CS_STR("PROXY ")
#define SIGNATURE_2 CS_STR("\r\n\r\n\0\r\nQUIT\n")
#define FIXED_2 16 /* signature, version and command, family and transport, length */
#define UNIX_PATH 108

static int invalid(struct cs_proxy_header *header, enum cs_proxy_fault fault)
{
    *header = (struct cs_proxy_header){.fault = fault};
    return CS_PROXY_INVALID;
}

/* Version 1 */

/* A decimal port; "0" is one, "080" is not. */
static bool parse_port(struct cs_str text, uint16_t *ret_port)
{
    uint64_t value;
    if (cs_str_to_u64(text, UINT16_MAX, &value) < 0 || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    *ret_port = (uint16_t)value;
    return true;
}

static bool parse_text_addr(struct cs_str ip, struct cs_str port, bool ipv6,
                            struct cs_addr *ret_addr)
{
    uint16_t number;
    bool colon = cs_str_find(ip, ':') >= 0;
    return colon == ipv6 && cs_str_find(ip, '[') < 0 && parse_port(port, &number) &&
           cs_addr_parse_ip(ip, number, ret_addr) == 0;
}

/* @line follows "PROXY ", without its end. */
static int parse_line(struct cs_str line, struct cs_proxy_header *header)
{
    struct cs_str rest = line;
    struct cs_str family = cs_str_cut(&rest, ' ');
    bool ipv6 = cs_str_eq(family, CS_STR("TCP6"));

    *header = (struct cs_proxy_header){.version = 1};
    if (cs_str_eq(family, CS_STR("UNKNOWN")))
        return CS_PROXY_DONE;
    if (!ipv6 && !cs_str_eq(family, CS_STR("TCP4")))
        return invalid(header, CS_PROXY_FAULT_LINE);

    struct cs_str field[4];
    for (size_t i = 0; i < 4; i++) {
        if (!rest.ptr)
            return invalid(header, CS_PROXY_FAULT_LINE);
        field[i] = cs_str_cut(&rest, ' ');
    }
    if (rest.ptr)
        return invalid(header, CS_PROXY_FAULT_LINE);
    if (!parse_text_addr(field[0], field[2], ipv6, &header->source) ||
        !parse_text_addr(field[1], field[3], ipv6, &header->destination))
        return invalid(header, CS_PROXY_FAULT_ADDRESS);
    header->known = true;
    return CS_PROXY_DONE;
}

static int parse_v1(struct cs_str bytes, struct cs_proxy_header *header, size_t *ret_len)
{
    struct cs_str window = cs_str_sub(bytes, 0, CS_PROXY_LINE_MAX);
    ptrdiff_t end = cs_str_find(window, '\n');

    if (end < 0 && window.len < CS_PROXY_LINE_MAX)
        return CS_PROXY_MORE;
    if (end < 0)
        return invalid(header, CS_PROXY_FAULT_TOO_LONG);
    if (window.ptr[end - 1] != '\r')
        return invalid(header, CS_PROXY_FAULT_LINE);
    size_t start = SIGNATURE_1.len;
    struct cs_str line = cs_str_sub(window, start, (size_t)end - 1 - start);
    int outcome = parse_line(line, header);
    if (outcome == CS_PROXY_DONE)
        *ret_len = (size_t)end + 1;
    return outcome;
}

/* Version 2 */

static unsigned get_u8(struct cs_str s, size_t i)
{
    return (unsigned char)s.ptr[i];
}

static unsigned get_u16(struct cs_str s, size_t i)
{
    return get_u8(s, i) << 8 | get_u8(s, i + 1);
}

static uint32_t get_u32(struct cs_str s, size_t i)
{
    return (uint32_t)get_u16(s, i) << 16 | get_u16(s, i + 2);
}

/* CRC-32C (RFC 3720 appendix B.4), four bits at a time; @zeroed of @len bytes, counted from
 * the start, are taken as zero: where the checksum itself stands. */
static uint32_t crc32c(struct cs_str bytes, size_t zeroed, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= i >= zeroed && i < zeroed + len ? 0 : get_u8(bytes, i);
        crc = table[crc & 15] ^ crc >> 4;
        crc = table[crc & 15] ^ crc >> 4;
    }
    return ~crc;
}

static struct cs_addr make_in4(struct cs_str ip, unsigned port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct cs_addr addr;
    memcpy(&in4.sin_addr, ip.ptr, 4);
    cs_addr_from_sockaddr((struct sockaddr *)&in4, sizeof(in4), &addr);
    return addr;
}

static struct cs_addr make_in6(struct cs_str ip, unsigned port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct cs_addr addr;
    memcpy(&in6.sin6_addr, ip.ptr, 16);
    cs_addr_from_sockaddr((struct sockaddr *)&in6, sizeof(in6), &addr);
    return addr;
}

/* The field is padded with NULs; nothing but NULs is a socket without a name. */
static struct cs_addr make_unix(struct cs_str path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct cs_addr addr;
    while (path.len > 0 && path.ptr[path.len - 1] == '\0')
        path.len--;
    if (path.len > 0)
        memcpy(un.sun_path, path.ptr, path.len);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    cs_addr_from_sockaddr((struct sockaddr *)&un, len, &addr);
    return addr;
}

/* Bytes of addresses in front of the extensions, for each family that has some. */
static size_t address_len(unsigned family)
{
    switch (family) {
    case 1: return 12;
    case 2: return 36;
    default: return 2 * UNIX_PATH;
    }
}

static void set_addresses(struct cs_str block, unsigned family, struct cs_proxy_header *header)
{
    if (family == 1) {
        header->source = make_in4(block, get_u16(block, 8));
        header->destination = make_in4(cs_str_skip(block, 4), get_u16(block, 10));
    } else if (family == 2) {
        header->source = make_in6(block, get_u16(block, 32));
        header->destination = make_in6(cs_str_skip(block, 16), get_u16(block, 34));
    } else {
        header->source = make_unix(cs_str_sub(block, 0, UNIX_PATH));
        header->destination = make_unix(cs_str_sub(block, UNIX_PATH, UNIX_PATH));
    }
    header->known = true;
}

/* Extensions fill their space exactly, and a checksum among them holds for all of @bytes.
 * Return: what is wrong. */
static enum cs_proxy_fault check_tlvs(struct cs_str tlvs, struct cs_str bytes)
{
    struct cs_proxy_tlv tlv;
    struct cs_str rest = tlvs;

    while (cs_proxy_tlv_next(&rest, &tlv)) {
        if (tlv.type != CS_PROXY_TLV_CRC32C)
            continue;
        if (tlv.value.len != 4)
            return CS_PROXY_FAULT_LENGTH;
        if (crc32c(bytes, (size_t)(tlv.value.ptr - bytes.ptr), 4) != get_u32(tlv.value, 0))
            return CS_PROXY_FAULT_CHECKSUM;
    }
    return rest.len > 0 ? CS_PROXY_FAULT_LENGTH : CS_PROXY_FAULT_NONE;
}

/* A relayed connection (command PROXY); @bytes is the whole header. */
static int parse_relayed(struct cs_str bytes, struct cs_proxy_header *header)
{
    unsigned family = get_u8(bytes, 13) >> 4, transport = get_u8(bytes, 13) & 15;
    struct cs_str block = cs_str_skip(bytes, FIXED_2);

    if (family > 3 || transport > 2)
        return invalid(header, CS_PROXY_FAULT_FAMILY);
    if (family == 0)
        return CS_PROXY_DONE;
    if (block.len < address_len(family))
        return invalid(header, CS_PROXY_FAULT_LENGTH);
    header->tlvs = cs_str_skip(block, address_len(family));
    enum cs_proxy_fault fault = check_tlvs(header->tlvs, bytes);
    if (fault)
        return invalid(header, fault);
    if (transport == 1)
        set_addresses(block, family, header);
    return CS_PROXY_DONE;
}

static int parse_v2(struct cs_str bytes, struct cs_proxy_header *header, size_t *ret_len)
{
    if (bytes.len < FIXED_2)
        return CS_PROXY_MORE;
    unsigned version = get_u8(bytes, 12) >> 4, command = get_u8(bytes, 12) & 15;
    size_t len = FIXED_2 + get_u16(bytes, 14);
    if (version != 2 || command > 1)
        return invalid(header, CS_PROXY_FAULT_VERSION);
    if (len > CS_PROXY_HEADER_MAX)
        return invalid(header, CS_PROXY_FAULT_TOO_LONG);
    if (bytes.len < len)
        return CS_PROXY_MORE;

    int outcome = CS_PROXY_DONE;
    *header = (struct cs_proxy_header){.version = 2, .local = command == 0};
    if (command == 1)
        outcome = parse_relayed(cs_str_sub(bytes, 0, len), header);
    if (outcome == CS_PROXY_DONE)
        *ret_len = len;
    return outcome;
}

/* Whether @bytes could still become, or already is, something that begins with @signature. */
static bool may_be(struct cs_str bytes, struct cs_str signature)
{
    return cs_str_starts(signature, cs_str_sub(bytes, 0, signature.len));
}

int cs_proxy_protocol_parse(struct cs_str bytes, struct cs_proxy_header *ret, size_t *ret_len)
{
    bool v1 = may_be(bytes, SIGNATURE_1), v2 = may_be(bytes, SIGNATURE_2);

    if (v1 && bytes.len > SIGNATURE_1.len)
        return parse_v1(bytes, ret, ret_len);
    if (v2 && bytes.len >= SIGNATURE_2.len)
        return parse_v2(bytes, ret, ret_len);
    if (v1 || v2)
        return CS_PROXY_MORE;
    *ret = (struct cs_proxy_header){.fault = CS_PROXY_FAULT_MISSING};
    return CS_PROXY_ABSENT;
}

bool cs_proxy_tlv_next(struct cs_str *rest, struct cs_proxy_tlv *ret_tlv)
{
    if (rest->len < 3 || rest->len - 3 < get_u16(*rest, 1))
        return false;
    size_t len = get_u16(*rest, 1);
    ret_tlv->type = (uint8_t)get_u8(*rest, 0);
    ret_tlv->value = cs_str_sub(*rest, 3, len);
    *rest = cs_str_skip(*rest, 3 + len);
    return true;
}

bool cs_proxy_tlv_find(struct cs_str tlvs, uint8_t type, struct cs_str *ret_value)
{
    struct cs_proxy_tlv tlv;
    while (cs_proxy_tlv_next(&tlvs, &tlv)) {
        if (tlv.type == type) {
            *ret_value = tlv.value;
            return true;
        }
    }
    return false;
}

int cs_proxy_ssl_parse(struct cs_str value, struct cs_proxy_ssl *ret_ssl)
{
    struct cs_str tlvs = cs_str_skip(value, 5);
    struct cs_proxy_tlv tlv;

    if (value.len < 5)
        return -EBADMSG;
    for (struct cs_str rest = tlvs; rest.len > 0;)
        if (!cs_proxy_tlv_next(&rest, &tlv))
            return -EBADMSG;
    unsigned client = get_u8(value, 0);
    *ret_ssl = (struct cs_proxy_ssl){
        .tls = client & 1,
        .certificate_connection = client & 2,
        .certificate_session = client & 4,
        .verified = (client & 6) != 0 && get_u32(value, 1) == 0,
        .tlvs = tlvs,
    };
    return 0;
}
