/* What a peer sent first, through diagnosis into all three styles of an account: nothing of it may
 * come out raw. The first byte chooses the circumstances. */
#include "base/panic.h"
#include "explain/account.h"
#include "explain/diagnosis.h"
#include "telemetry/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tell(const struct cs_account *account, enum cs_account_style style)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 1 << 16);
    cs_assert(cs_account_tell(account, style, false, &buf) == 0);
    for (size_t i = 0; i < buf.len; i++)
        cs_assert((uint8_t)buf.ptr[i] >= 0x20 || buf.ptr[i] == '\n');
    cs_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_peer peer = {0};
    struct cs_handshake handshake = {.alert_sent.number = -1, .alert_received.number = -1};
    struct cs_transport transport = {0};
    struct cs_record record = {.peer = &peer, .transport = &transport};
    struct cs_findings findings;
    struct cs_account account;
    struct cs_arena arena;

    if (size == 0)
        return 0;
    transport.tls = data[0] & 1;
    transport.ending = data[0] & 2 ? CS_ENDING_TIMEOUT : CS_ENDING_CLOSED;
    transport.outgoing = data[0] & 4;
    transport.proxy_fault = data[0] & 8 ? CS_PROXY_FAULT_LINE : CS_PROXY_FAULT_NONE;
    handshake.server = !transport.outgoing;
    record.handshake = data[0] & 16 ? &handshake : NULL;
    transport.first = cs_str_sub(cs_str_make(data + 1, size - 1), 0, CS_TRANSPORT_FIRST);
    transport.bytes_in = size - 1;
    cs_arena_init(&arena);
    cs_findings_init(&findings, &arena);
    cs_account_make(&record, cs_diagnose(&record, &findings), &arena, &account);
    for (enum cs_account_style s = CS_ACCOUNT_LINE; s <= CS_ACCOUNT_JSON; s++)
        tell(&account, s);
    cs_arena_deinit(&arena);
    return 0;
}
