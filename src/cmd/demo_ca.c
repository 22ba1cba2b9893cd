/* The second act: nobody makes a certificate by hand any more. A CA is made, a gateway asks it for
 * its certificate, a client joins with a token, and is cut off when its certificate is revoked. */
#include "cmd/demo.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authority/ca.h"
#include "base/time.h"
#include "cmd/demo_client.h"
#include "enrol/agent.h"
#include "io/file.h"
#include "x509/digest.h"
#include "x509/name.h"
#include "x509/pem.h"

#define ACTOR "countersign demo"
#define IDENTITY "spiffe://demo.internal/dave"

enum {
    CERTIFICATE_PATIENCE_MS = 20000,
    REFUSED_PATIENCE_MS = 1000,
    LOOK_MS = 50,
    FILE_BYTES = 1 << 16,
    CONFIG_BYTES = 8192
};

struct act {
    struct cs_demo *demo;
    struct cs_arena arena;
    struct cs_findings findings;
    const char *ca_folder, *dave_folder;
    struct cs_demo_pair root, dave;
    struct cs_cert dave_cert;
    unsigned n_good;
};

static struct cs_requester requester(void)
{
    return (struct cs_requester){.proof = CS_PROOF_COMMAND, .actor = CS_STR(ACTOR)};
}

static bool tell(struct act *act, bool ok, const char *label, struct cs_str words)
{
    cs_demo_say(act->demo, ok, "%-34s %.*s", label, CS_FMT(words));
    act->n_good += ok;
    return ok;
}

/* What went wrong, if a finding says so. */
static struct cs_str trouble(struct act *act, int r)
{
    if (act->findings.last)
        return cs_arena_printf(&act->arena, "refused [%s]", act->findings.last->kind->code);
    return cs_arena_printf(&act->arena, "%s", strerror(r < 0 ? -r : EINVAL));
}

static struct cs_str read_text(struct act *act, const char *folder, const char *name)
{
    struct cs_str path = cs_arena_printf(&act->arena, "%s/%s", folder, name), text;
    struct cs_buf bytes;

    if (cs_file_read(path.ptr, FILE_BYTES, &bytes) < 0)
        return (struct cs_str){0};
    text = cs_arena_dup(&act->arena, cs_buf_str(&bytes));
    cs_buf_wipe(&bytes);
    return text;
}

static struct cs_cert parse_pem(struct act *act, struct cs_str pem)
{
    struct cs_pem_block block;
    struct cs_cert cert = {0};

    if (cs_pem_next(&pem, &act->arena, &block) != 1 ||
        cs_cert_parse(block.der, &act->arena, &act->findings, &cert))
        cert = (struct cs_cert){0};
    return cert;
}

/* 1: the CA */

static bool make_ca(struct act *act)
{
    struct cs_requester who = requester();
    struct cs_ca_setup setup = {.dir = act->ca_folder,
                                .name = CS_STR("Demo"),
                                .key = CS_MAKE_P256,
                                .root_ttl_sec = 30 * 86400,
                                .issuer_ttl_sec = 7 * 86400};
    int r = cs_ca_init(&setup, &who, time(NULL), &act->findings);

    act->root.cert_pem = read_text(act, act->ca_folder, "root.pem");
    if (r)
        return tell(act, false, "countersign ca init", trouble(act, r));
    return tell(
        act, true, "countersign ca init",
        cs_arena_printf(&act->arena, "a root, an issuing CA and its store, in %s", act->ca_folder));
}

/* 2: the gateway's own certificate */

static int write_config(struct act *act)
{
    const struct cs_demo *demo = act->demo;
    const char *d = demo->folder;
    struct cs_str path = cs_arena_printf(&act->arena, "%s/automatic.conf", d);
    struct cs_buf text;
    int r;

    cs_buf_init(&text, CONFIG_BYTES);
    r = cs_buf_addf(&text,
                    "mtls_state %s/state;\n"
                    "authority {\n"
                    "    listen 127.0.0.1:%u ssl;\n"
                    "    store %s/ca;\n"
                    "%s"
                    "}\n"
                    "server {\n"
                    "    listen 127.0.0.1:%u ssl;\n"
                    "    server_name localhost;\n"
                    "    ssl_certificate auto;\n"
                    "    ssl_client_certificate %s/ca/root.pem;\n"
                    "    ssl_verify_client on;\n"
                    "    ssl_verify_depth 2;\n"
                    "    location / {\n"
                    "        proxy_pass http://127.0.0.1:%u;\n"
                    "        proxy_set_header X-Client-ID $ssl_client_spiffe_id;\n"
                    "    }\n"
                    "}\n",
                    d, cs_addr_port(&demo->authority), d, geteuid() == 0 ? "    user root;\n" : "",
                    cs_addr_port(&demo->automatic), d, cs_addr_port(&demo->backend));
    if (r == 0)
        r = cs_file_write(path.ptr, cs_buf_str(&text), 0644);
    cs_buf_deinit(&text);
    return r;
}

static int choose_port(struct cs_addr *ret_addr)
{
    int fd, r = cs_demo_listen(ret_addr, &fd);

    if (r == 0)
        close(fd); /* only its port was wanted */
    return r;
}

static struct cs_demo_visit visit_of(struct act *act, const struct cs_demo_pair *pair)
{
    return (struct cs_demo_visit){.gateway = act->demo->automatic,
                                  .host = CS_STR("localhost"),
                                  .pair = pair,
                                  .trust = &act->root};
}

static void pause_ms(long ms)
{
    struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

/* Until the gateway presents a certificate that a client of this CA accepts. */
static struct cs_str await_certificate(struct act *act)
{
    struct cs_str words = {0};

    for (int waited = 0; waited < CERTIFICATE_PATIENCE_MS && !words.len; waited += LOOK_MS) {
        struct cs_demo_visit visit = visit_of(act, NULL);
        char until[CS_TIME_TEXT];
        cs_demo_visit_make(&visit);
        if (visit.judged && visit.verdict.accepted)
            words = cs_arena_printf(&act->arena,
                                    "asked for one and presents it: for %.*s, good until %.*s",
                                    CS_FMT(cs_cert_names_text(visit.verdict.leaf, &act->arena)),
                                    CS_FMT(cs_time_iso(visit.verdict.leaf->not_after, until)));
        cs_demo_visit_deinit(&visit);
        if (!words.len)
            pause_ms(LOOK_MS);
    }
    return words;
}

static bool start_automatic(struct act *act)
{
    static const char label[] = "ssl_certificate auto;";
    int r = choose_port(&act->demo->authority);
    struct cs_str words;

    r = r < 0 ? r : choose_port(&act->demo->automatic);
    r = r < 0 ? r : write_config(act);
    r = r < 0 ? r : cs_demo_gateway(act->demo, "automatic", &act->demo->automatic_pid);
    if (r < 0)
        return tell(act, false, label, trouble(act, r));
    words = await_certificate(act);
    return tell(act, words.len > 0, label,
                words.len ? words : CS_STR("the gateway got no certificate"));
}

/* 3: a client joins */

static int make_token(struct act *act, char token[CS_CA_TOKEN_LEN + 1])
{
    struct cs_ca_options options = {.dir = act->ca_folder};
    struct cs_requester who = requester();
    struct cs_pattern pattern;
    struct cs_ca_token wanted = {
        .names = {&pattern, 1}, .profile = CS_STR("spiffe"), .ttl_sec = 600};
    struct cs_ca *ca;
    int r;

    if (cs_pattern_parse(CS_STR(IDENTITY), &pattern))
        return -EINVAL;
    r = cs_ca_open(&options, &act->findings, &ca);
    if (r)
        return r;
    r = cs_ca_token_new(ca, &wanted, &who, time(NULL), &act->findings, token);
    cs_ca_close(ca);
    return r;
}

static void ignore(void *ctx, enum cs_agent_event event, const struct cs_agent_news *news)
{
}

static bool enrol(struct act *act)
{
    static const char label[] = "countersign enrol";
    char token[CS_CA_TOKEN_LEN + 1] = "", until[CS_TIME_TEXT];
    struct cs_cert root = parse_pem(act, act->root.cert_pem);
    struct cs_agent_plan plan = {
        .enrol = {.url = cs_arena_printf(&act->arena, "https://127.0.0.1:%u",
                                         cs_addr_port(&act->demo->authority)),
                  .pinned = true,
                  .folder = cs_str_from(act->dave_folder)}};
    struct cs_claim claim;
    int r = make_token(act, token);

    if (r)
        return tell(act, false, label, trouble(act, r));
    memcpy(plan.enrol.pin, root.sha256, sizeof(plan.enrol.pin));
    if (cs_claim_parse(CS_STR(IDENTITY), &act->arena, &claim))
        return tell(act, false, label, CS_STR("the identity cannot be read"));
    plan.enrol.names = (struct cs_claims){&claim, 1};
    plan.enrol.token = cs_str_from(token);
    if (cs_agent_run(&plan, ignore, NULL) != CS_AGENT_DONE)
        return tell(act, false, label, CS_STR("the authority gave no certificate"));
    act->dave.cert_pem = read_text(act, act->dave_folder, "cert.pem");
    act->dave.key_pem = read_text(act, act->dave_folder, "key.pem");
    act->dave_cert = parse_pem(act, act->dave.cert_pem);
    act->dave.der = act->dave_cert.der;
    return tell(act, act->dave_cert.der.len > 0, label,
                cs_arena_printf(&act->arena, "a join token becomes %s, good until %.*s", IDENTITY,
                                CS_FMT(cs_time_iso(act->dave_cert.not_after, until))));
}

/* 4 to 6: connected, revoked, refused */

static void revoke_dave(void *ctx)
{
    struct act *act = ctx;
    struct cs_ca_options options = {.dir = act->ca_folder};
    struct cs_requester who = requester();
    uint8_t serial[CS_CA_SERIAL_LEN];
    struct cs_ca *ca;
    uint64_t seq;

    if (cs_ca_serial_of(&act->dave_cert, serial) < 0 || cs_ca_open(&options, &act->findings, &ca))
        return;
    if (cs_ca_revoke(ca, cs_str_make(serial, sizeof(serial)), 1, &who, time(NULL), &act->findings,
                     &seq) != 0)
        cs_demo_note(act->demo, "%.*s", CS_FMT(trouble(act, -EIO)));
    cs_ca_close(ca);
}

static void visit_and_revoke(struct act *act)
{
    struct cs_demo_visit visit = visit_of(act, &act->dave);
    bool told;

    visit.meanwhile = revoke_dave;
    visit.ctx = act;
    cs_demo_visit_make(&visit);
    told = cs_str_search(visit.body, CS_STR(IDENTITY)) >= 0;
    tell(act, visit.status == 200 && told, "dave's request",
         visit.status ? cs_arena_printf(&act->arena, "answered with %d; the backend was told %s",
                                        visit.status, told ? IDENTITY : "nothing")
                      : cs_arena_dup(&act->arena, visit.fault));
    tell(act, visit.status == 200 && visit.ended_ms >= 0 && visit.ended_ms < 1000,
         "countersign ca revoke",
         visit.ended_ms >= 0
             ? cs_arena_printf(&act->arena, "his open connection was closed %lld ms later",
                               (long long)visit.ended_ms)
             : CS_STR("his connection stayed open"));
    cs_demo_visit_deinit(&visit);
}

/* Every worker knows within moments, but one may know before another. */
static void visit_again(struct act *act)
{
    struct cs_str words = {0};
    bool refused = false;

    for (int waited = 0; waited < REFUSED_PATIENCE_MS && !refused; waited += LOOK_MS) {
        struct cs_demo_visit visit = visit_of(act, &act->dave);
        if (waited)
            pause_ms(LOOK_MS);
        cs_demo_visit_make(&visit);
        refused = visit.status == 400 && cs_str_search(visit.body, CS_STR("revoked")) >= 0;
        words = visit.status ? cs_arena_printf(&act->arena, "answered with %d%s", visit.status,
                                               refused ? ": the certificate is revoked" : "")
                             : cs_arena_dup(&act->arena, visit.fault);
        cs_demo_visit_deinit(&visit);
    }
    tell(act, refused, "dave comes again", words);
}

unsigned cs_demo_ca_story(struct cs_demo *demo)
{
    struct act act = {.demo = demo};

    cs_findings_init(&act.findings, &act.arena);
    act.ca_folder = cs_arena_printf(&act.arena, "%s/ca", demo->folder).ptr;
    act.dave_folder = cs_arena_printf(&act.arena, "%s/dave", demo->folder).ptr;
    cs_demo_title(demo, "(8) A CA of your own: nobody makes certificates by hand");
    if (make_ca(&act) && start_automatic(&act) && enrol(&act)) {
        visit_and_revoke(&act);
        visit_again(&act);
    }
    cs_arena_deinit(&act.arena);
    return act.n_good;
}
