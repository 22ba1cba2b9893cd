/* Lists of what is good, looked through from end to end: they are short. */
#include "x509/demand.h"

#include <errno.h>

#include "x509/identity.h"
#include "x509/pem.h"

enum { HEX_LEN = 64, BASE64_LEN = 44 };

static int read_hex(struct cs_str text, uint8_t ret_bytes[32])
{
    for (size_t i = 0; i < HEX_LEN; i++) {
        int digit = cs_hex_digit(text.ptr[i]);
        if (digit < 0)
            return -EINVAL;
        ret_bytes[i / 2] = (uint8_t)(ret_bytes[i / 2] << 4 | digit);
    }
    return 0;
}

int cs_pin_read(struct cs_str text, struct cs_pin *ret_pin)
{
    struct cs_str scheme = CS_STR("sha256/");
    uint8_t bytes[BASE64_LEN] = {0};
    size_t n = 0;

    if (text.len == HEX_LEN) {
        if (read_hex(text, bytes) < 0)
            return -EINVAL;
    } else {
        if (!cs_str_starts(text, scheme))
            return -EINVAL;
        text = cs_str_skip(text, scheme.len);
        if (text.len == BASE64_LEN + 1 && text.ptr[0] == '/')
            text = cs_str_skip(text, 1);
        if (text.len != BASE64_LEN || cs_base64_decode(text, bytes, &n) != 0 ||
            n != sizeof(ret_pin->sha256))
            return -EINVAL;
    }
    memcpy(ret_pin->sha256, bytes, sizeof(ret_pin->sha256));
    return 0;
}

struct cs_str cs_pin_text(const uint8_t sha256[32], struct cs_arena *arena)
{
    struct cs_str text;
    struct cs_buf buf;

    cs_buf_init(&buf, 64);
    (void)cs_base64_write(&buf, cs_str_make(sha256, 32));
    text = cs_arena_printf(arena, "sha256//%.*s", CS_FMT(cs_buf_str(&buf)));
    cs_buf_deinit(&buf);
    return text;
}

bool cs_demand_is_pinned(const struct cs_demand *demand, const struct cs_cert *cert)
{
    for (size_t i = 0; i < demand->n_pins; i++) {
        if (memcmp(demand->pins[i].sha256, cert->spki_sha256, sizeof(cert->spki_sha256)) == 0)
            return true;
    }
    return demand->n_pins == 0;
}

bool cs_demand_has_domain(const struct cs_demand *demand, const struct cs_cert *leaf,
                          struct cs_str *ret_id)
{
    struct cs_str domain = {0};

    *ret_id = (struct cs_str){0};
    if (demand->n_domains == 0)
        return true;
    domain = cs_svid_domain(leaf, ret_id);
    for (size_t i = 0; i < demand->n_domains && domain.len; i++) {
        if (cs_str_eq(domain, demand->domains[i]))
            return true;
    }
    return false;
}

void cs_demand_digest(const struct cs_demand *demand, struct cs_digest *digest)
{
    static const struct cs_demand nothing;

    demand = demand ? demand : &nothing;
    cs_digest_number(digest, (int64_t)demand->n_pins);
    for (size_t i = 0; i < demand->n_pins; i++)
        cs_digest_add(digest, cs_str_make(demand->pins[i].sha256, sizeof(demand->pins[i].sha256)));
    cs_digest_number(digest, (int64_t)demand->n_domains);
    for (size_t i = 0; i < demand->n_domains; i++)
        cs_digest_add(digest, demand->domains[i]);
}
