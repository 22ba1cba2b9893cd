/* What a client sends first: through the TLS library into the choice of the server. The server
 * has no certificate, so every handshake ends there; nothing may crash on the way. */
#include <unistd.h>

#include "base/arena.h"
#include "base/panic.h"
#include "tls/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cs_tls_server *on_select(void *ctx, struct cs_str sni, bool *ret_reject)
{
    for (size_t i = 0; i < sni.len; i++)
        cs_assert(sni.ptr[i] > 0x20 && sni.ptr[i] < 0x7f && sni.ptr[i] == cs_lower(sni.ptr[i]));
    cs_assert(sni.len < 256);
    return NULL;
}

static struct cs_tls_server *server(void)
{
    static struct cs_tls_server *made;
    struct cs_arena arena = {0};
    struct cs_findings findings;
    if (made)
        return made;
    cs_findings_init(&findings, &arena);
    cs_assert(cs_tls_server_new(&(struct cs_tls_server_spec){0}, &findings, &made) == 0);
    cs_arena_deinit(&arena);
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cs_tls_hooks hooks = {.select = on_select};
    static const struct cs_now now;
    static struct cs_tls_io io;
    if (size > CS_TLS_IO_ROOM)
        return 0;
    if (!io.now)
        cs_tls_io_init(&io, &now);
    struct cs_tls *tls = cs_tls_server_session(server(), -1, &hooks, NULL, &io);
    cs_assert(tls && cs_tls_feed(tls, cs_str_make(data, size), false) == 0);
    cs_assert(cs_tls_handshake(tls) != CS_TLS_OK);
    const struct cs_handshake *facts = cs_tls_facts(tls);
    for (size_t i = 0; i < facts->offered_ciphers.n; i++)
        cs_assert(facts->offered_ciphers.codes[i] <= 0xffff);
    cs_tls_free(tls);
    return 0;
}
