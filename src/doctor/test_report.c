/* Steps made from facts, and told: marks, ASCII, JSON's null for what was not reached. No
 * connection is made. */
#include "doctor/report.h"

#include <errno.h>

#include "base/mem.h"
#include "explain/diagnosis.h"
#include "tap.h"

static struct cs_str told(struct cs_visit *visit, const struct cs_report_style *style)
{
    struct cs_str text;
    struct cs_buf buf;

    cs_buf_init(&buf, 1 << 20);
    tap_int(cs_report_visit(visit, NULL, style, &buf), 0, "it fits");
    text = cs_arena_dup(&visit->arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

static void conclude(struct cs_visit *v)
{
    v->record = (struct cs_record){.stage = CS_STAGE_HANDSHAKE,
                                   .peer = &v->peer,
                                   .transport = &v->transport,
                                   .handshake = v->handshake};
    v->causes[0] = v->beyond = cs_diagnose(&v->record, &v->findings);
    v->n_causes = v->causes[0] != NULL;
    cs_visit_steps(v);
}

static void init(struct cs_visit *v)
{
    static struct cs_addr addr;

    tap_int(cs_visit_init(v), 0, "a visit");
    tap_int(cs_addr_parse_ip(CS_STR("192.0.2.1"), 443, &addr), 0, "an address");
    v->target = v->transport.target = CS_STR("gw.test:443");
    v->transport.outgoing = true;
    v->transport.tls = true;
    v->addrs = &addr;
    v->n_addrs = 1;
    v->peer.addr = v->peer.socket_addr = addr;
    v->resolved = true;
    v->now_ms = 1795000000000;
}

static void test_refused(void)
{
    static const struct cs_report_style text = {.json = false}, ascii = {.ascii = true},
                                        colour = {.colour = true}, json = {.json = true};
    static const char *const lines = "✓ resolve             192.0.2.1\n"
                                     "✗ connect             192.0.2.1:443: Connection refused\n"
                                     "- clock               2026-11-18T11:06:40Z here\n"
                                     "\n"
                                     "error: nothing listens at gw.test:443\n"
                                     "  detail: Connection refused\n"
                                     "  hint: start the server, or correct address and port\n"
                                     "  usually due to: server\n"
                                     "  code: connection-refused\n";
    struct cs_visit *v = CS_NEW(struct cs_visit);
    struct cs_str out;

    init(v);
    v->transport.ending = CS_ENDING_REFUSED;
    v->transport.error = ECONNREFUSED;
    conclude(v);
    tap_str(told(v, &text), cs_str_from(lines), "as text");
    out = told(v, &ascii);
    tap_ok(cs_str_starts(out, CS_STR(" ok  resolve             192.0.2.1\nFAIL connect")), "ASCII");
    tap_ok(cs_str_starts(told(v, &colour), CS_STR("\033[1;32m✓\033[0m resolve")), "colours");
    out = told(v, &json);
    tap_ok(cs_str_starts(out, CS_STR("{\"side\":\"client\",\"target\":\"gw.test:443\",\"ok\":false,"
                                     "\"code\":\"connection-refused\",\"conclusion\":\"nothing "
                                     "listens at gw.test:443\"")),
           "JSON begins with the conclusion");
    tap_ok(cs_str_search(out, CS_STR("{\"name\":\"connect\",\"ok\":false,\"summary\":")) > 0,
           "a step that failed");
    tap_ok(cs_str_search(out, CS_STR("{\"name\":\"clock\",\"ok\":null,\"summary\":")) > 0,
           "a step that says nothing");
    tap_ok(cs_str_ends(out, CS_STR("}}\n")), "the record ends it");
    cs_visit_deinit(v);
    free(v);
}

/* What a server writes reaches the reader with its control bytes as text. */
static void test_hostile(void)
{
    static const struct cs_report_style text = {.json = false};
    static struct cs_handshake handshake = {.alert_sent.number = -1,
                                            .alert_received.number = -1,
                                            .failure = CS_STR_INIT("\033]0;owned\007"),
                                            .broken = CS_BREAK_OTHER};
    struct cs_visit *v = CS_NEW(struct cs_visit);
    struct cs_str out;

    init(v);
    v->connected = v->over = true;
    v->handshake = &handshake;
    conclude(v);
    out = told(v, &text);
    tap_ok(cs_str_find(out, '\033') < 0 && cs_str_find(out, '\007') < 0, "nothing escapes");
    tap_ok(cs_step_find(&v->steps, "hello")->mark == CS_MARK_BAD, "hello has failed");
    tap_ok(cs_step_find(&v->steps, "certificate-request")->mark == CS_MARK_OPEN, "not reached");
    tap_ok(cs_step_find(&v->steps, "request") == NULL, "nothing was asked");
    cs_visit_deinit(v);
    free(v);
}

int main(void)
{
    test_refused();
    test_hostile();
    return tap_done();
}
