/* What two sides say: packets of two bytes of head and their bytes, dissected. The head's highest
 * bit is the direction, the next one ends it (FIN or, with the third, RST), the others are the
 * length. */
#include <stdint.h>

#include "base/panic.h"
#include "doctor/dissect.h"
#include "doctor/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(struct cs_captured *c, struct cs_str rest)
{
    uint32_t seq[2] = {100, 500};

    while (rest.len >= 2) {
        unsigned head = (unsigned)(uint8_t)rest.ptr[0] << 8 | (uint8_t)rest.ptr[1];
        bool down = head & 0x8000;
        struct cs_segment s = {.seq = seq[down], .flags = CS_TCP_ACK, .packet = ++c->n_packets};
        s.bytes = cs_str_sub(rest, 2, head & 0x1fff);
        s.sent = (uint32_t)s.bytes.len;
        s.time_us = c->last_us = 1000 * (int64_t)s.packet;
        if (head & 0x4000)
            s.flags |= head & 0x2000 ? CS_TCP_RST : CS_TCP_FIN;
        if (c->n_packets <= 2)
            s.flags |= CS_TCP_SYN;
        cs_flow_add(down ? c->down : c->up, &s);
        seq[down] += s.sent + (s.flags & CS_TCP_SYN ? 1 : 0);
        rest = cs_str_skip(rest, 2 + s.bytes.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t budget = 1 << 20;
    struct cs_flow up, down;
    struct cs_captured c = {.up = &up, .down = &down};
    struct cs_dissect_plan plan = {.end_us = size % 2 ? 10000000 : 0};
    struct cs_arena arena = {0};
    const struct cs_dissection *d;

    cs_assert(cs_addr_parse_ip(CS_STR("192.0.2.1"), 1000, &c.client) == 0);
    cs_assert(cs_addr_parse_ip(CS_STR("2001:db8::2"), 443, &c.server) == 0);
    cs_flow_init(&up, &budget);
    cs_flow_init(&down, &budget);
    play(&c, cs_str_make(data, size));
    d = cs_dissect(&c, &plan, &arena);
    cs_assert((d->fate == CS_FATE_FAILED) == (d->cause != NULL));
    cs_arena_deinit(&arena);
    cs_flow_deinit(&up);
    cs_flow_deinit(&down);
    cs_assert(budget == 1 << 20);
    return 0;
}
