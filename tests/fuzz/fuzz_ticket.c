/* Session tickets that nobody sealed, and heads that somebody did. */
#include <stdlib.h>

#include "base/mem.h"
#include "tls/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[CS_TICKET_SECRET];
    static struct cs_ticket_keys *keys;
    struct cs_ticket ticket;
    struct cs_str rest;
    if (!keys)
        keys = cs_ticket_keys_new_ratchet(secret, 0);
    if (size > UINT16_MAX)
        return 0;

    /* As it came, and under a name that we have a key for. */
    uint8_t *plain = cs_alloc(size), *named = cs_alloc(size + CS_TICKET_NAME);
    cs_assert(cs_ticket_open(keys, cs_str_make(data, size), plain, &ticket, &rest) < 0);
    memcpy(named, cs_ticket_keys_seal0(keys)->name, CS_TICKET_NAME);
    if (size > 0)
        memcpy(named + CS_TICKET_NAME, data, size);
    (void)!cs_ticket_open(keys, cs_str_make(named, size), plain, &ticket, &rest);

    if (cs_ticket_head_read(cs_str_make(data, size), &ticket, &rest) == 0) {
        size_t len = cs_ticket_head_len(&ticket);
        cs_assert(rest.len == size - len);
        cs_ticket_head_write(&ticket, plain);
        cs_assert(memcmp(plain, data, len) == 0);
    }
    free(plain);
    free(named);
    return 0;
}
