/* explain: records that were written down, or certificates out of files, as accounts for people. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "explain/account.h"
#include "explain/diagnosis.h"
#include "explain/read.h"
#include "io/clock.h"
#include "telemetry/transport.h"
#include "x509/chain.h"
#include "x509/pem.h"

enum { FILE_MAX = 256 << 20, TEXT_MAX = 16 << 20 };

/* What is told, and what came of it. */
struct teller {
    bool json, colour;
    size_t n;      /* told so far */
    size_t failed; /* of these, something was wrong */
};

static void tell(void *ctx, const struct cs_account *account)
{
    struct teller *teller = ctx;
    struct cs_buf text;

    cs_buf_init(&text, TEXT_MAX);
    if (cs_account_tell(account, teller->json ? CS_ACCOUNT_JSON : CS_ACCOUNT_TEXT, teller->colour,
                        &text) < 0)
        fprintf(stderr, "countersign explain: the account is too long and was cut\n");
    if (teller->n && !teller->json)
        putchar('\n');
    fwrite(text.ptr, 1, text.len, stdout);
    if (teller->json)
        putchar('\n');
    cs_buf_deinit(&text);
    teller->n++;
    teller->failed += account->cause.kind != NULL;
}

static int read_input(const char *path, struct cs_buf *buf)
{
    int r;

    cs_buf_init(buf, FILE_MAX);
    r = cs_options_read(path, buf);
    if (r < 0)
        fprintf(stderr, "countersign explain: cannot read \"%s\": %s\n", path, strerror(-r));
    return r < 0 ? CS_EXIT_USAGE : CS_EXIT_OK;
}

/* ---- records ---- */

static int explain_records(const char *path, struct teller *teller)
{
    struct cs_reading reading;
    struct cs_buf buf;
    int status = read_input(path, &buf);

    if (status == CS_EXIT_OK) {
        cs_account_read(cs_buf_str(&buf), tell, teller, &reading);
        if (reading.n_bad)
            fprintf(stderr,
                    "countersign explain: %zu line%s no record can be read from, the first "
                    "is line %u: %s\n",
                    reading.n_bad, reading.n_bad == 1 ? "" : "s", reading.bad_line,
                    reading.bad_reason);
        if (!reading.n) {
            fprintf(stderr,
                    "countersign explain: no record is in \"%s\"\n"
                    "hint: \"mtls_failure_log FILE;\" makes the gateway write them\n",
                    path);
            status = CS_EXIT_USAGE;
        } else if (teller->failed) {
            status = CS_EXIT_FAILED;
        }
    }
    cs_buf_deinit(&buf);
    return status;
}

/* ---- files ---- */

/* A chain to be judged, as it was asked for. */
struct question {
    struct cs_chain_query query;
    struct cs_buf chain, cas, lists; /* the files */
    struct cs_trust *trust;
    struct cs_crl_lists *crls;
    bool now; /* judged by the clock of this machine */
};

static int read_role(const struct cs_line *line, struct question *q)
{
    const char *as = line->values[CS_OPT_AS], *host = line->values[CS_OPT_HOST];

    q->query.purpose = CS_PURPOSE_CLIENT;
    q->query.host = cs_str_from(host);
    if (as ? strcmp(as, "server") == 0 : host != NULL)
        q->query.purpose = CS_PURPOSE_SERVER;
    else if (as && strcmp(as, "client") != 0)
        return cs_report_usage("explain", "--as wants client or server");
    if (host && q->query.purpose == CS_PURPOSE_CLIENT)
        return cs_report_usage("explain", "--host is about a server, and --as says client");
    return CS_EXIT_OK;
}

static int read_numbers(const struct cs_line *line, struct question *q)
{
    const char *at = line->values[CS_OPT_AT], *depth = line->values[CS_OPT_DEPTH];
    uint64_t n = 1;

    q->now = !at;
    q->query.now_sec = (int64_t)time(NULL);
    if (at && cs_options_at(cs_str_from(at), &q->query.now_sec) < 0)
        return cs_report_usage("explain", "--at wants a time: 2027-01-31, 2027-01-31T12:00:00Z, "
                                          "@SECONDS or +30d");
    if (depth && cs_str_to_u64(cs_str_from(depth), 100, &n) < 0)
        return cs_report_usage("explain", "--depth wants a number up to 100");
    q->query.depth = (int)n;
    return CS_EXIT_OK;
}

/* Certificates out of PEM, or one in DER. */
static int read_chain(const char *path, struct question *q, struct cs_arena *arena)
{
    struct cs_str text = cs_buf_str(&q->chain), *ders;
    struct cs_pem_block block;
    int r = 1;

    ders = cs_arena_array(arena, CS_CHAIN_CERTS_MAX + 1, sizeof(*ders));
    q->query.ders = ders;
    if (cs_pem_is_der(text)) {
        ders[q->query.n++] = text;
        return CS_EXIT_OK;
    }
    while (q->query.n <= CS_CHAIN_CERTS_MAX && (r = cs_pem_next(&text, arena, &block)) > 0) {
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            ders[q->query.n++] = block.der;
    }
    if (r >= 0 && q->query.n)
        return CS_EXIT_OK;
    fprintf(stderr, "countersign explain: %s in \"%s\"\n",
            r < 0 ? "a PEM block is damaged" : "no certificate is", path);
    return CS_EXIT_USAGE;
}

static int read_trust(const struct cs_line *line, struct question *q, struct cs_findings *findings)
{
    const char *crl = line->values[CS_OPT_CRL];
    struct cs_source ca = {.bytes = cs_buf_str(&q->cas),
                           .file = cs_str_from(line->values[CS_OPT_TRUST])};
    struct cs_source list = {.bytes = cs_buf_str(&q->lists), .file = cs_str_from(crl)};
    struct cs_trust_spec spec = {.cas = &ca, .n_cas = 1, .n_named = 1};
    int r = 0;

    if (crl) {
        r = cs_crl_lists_new(&list, 1, findings, &q->crls);
        spec.crls = q->crls;
    }
    if (r == 0)
        r = cs_trust_new(&spec, findings, &q->trust);
    q->query.trust = q->trust;
    cs_report_findings(findings, CS_SEVERITY_WARNING, CS_EXPLAIN_TEXT, stderr);
    return r == 0 ? CS_EXIT_OK : CS_EXIT_USAGE;
}

static int judge(const struct question *q, struct cs_arena *arena, struct teller *teller)
{
    static const struct cs_peer nobody;
    struct cs_transport transport = {.tls = true,
                                     .outgoing = q->query.purpose == CS_PURPOSE_SERVER};
    struct cs_clock clock = {0};
    struct cs_verdict verdict;
    struct cs_record record = {
        .stage = CS_STAGE_VERIFY,
        .peer = &nobody,
        .transport = &transport,
        .verdict = &verdict,
        .trust = q->trust,
        .host = q->query.host,
        .now_ms = q->query.now_sec * 1000,
        .clock = q->now ? &clock : NULL,
    };
    struct cs_findings findings;
    struct cs_account account;

    if (cs_chain_verify(&q->query, arena, &verdict) < 0)
        return CS_EXIT_USAGE;
    cs_clock_ask_kernel(&clock);
    cs_findings_init(&findings, arena);
    cs_account_make(&record, cs_diagnose(&record, &findings), arena, &account);
    tell(teller, &account);
    return verdict.accepted ? CS_EXIT_OK : CS_EXIT_FAILED;
}

static int read_files(const struct cs_line *line, struct question *q)
{
    int status = read_input(line->values[CS_OPT_CHAIN], &q->chain);

    if (status == CS_EXIT_OK)
        status = read_input(line->values[CS_OPT_TRUST], &q->cas);
    if (status == CS_EXIT_OK && line->values[CS_OPT_CRL])
        status = read_input(line->values[CS_OPT_CRL], &q->lists);
    return status;
}

static int explain_chain(const struct cs_line *line, struct teller *teller)
{
    struct question q = {.now = true};
    struct cs_findings findings;
    struct cs_arena arena;
    int status = read_role(line, &q);

    cs_arena_init(&arena);
    cs_findings_init(&findings, &arena);
    status = status ? status : read_numbers(line, &q);
    status = status ? status : read_files(line, &q);
    status = status ? status : read_chain(line->values[CS_OPT_CHAIN], &q, &arena);
    status = status ? status : read_trust(line, &q, &findings);
    status = status ? status : judge(&q, &arena, teller);
    cs_trust_unref(q.trust);
    cs_crl_lists_free(q.crls);
    cs_buf_deinit(&q.lists);
    cs_buf_deinit(&q.cas);
    cs_buf_wipe(&q.chain); /* a key may stand in the same file */
    cs_arena_deinit(&arena);
    return status;
}

/* ---- the whole ---- */

static bool only_for_chains(const struct cs_line *line)
{
    static const enum cs_option options[] = {CS_OPT_TRUST, CS_OPT_CRL,   CS_OPT_AS,
                                             CS_OPT_HOST,  CS_OPT_DEPTH, CS_OPT_AT};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (cs_line_has(line, options[i]))
            return true;
    }
    return false;
}

int cs_cmd_explain(const struct cs_line *line)
{
    struct teller teller = {
        .json = cs_line_has(line, CS_OPT_JSON),
        .colour = cs_report_colour(stdout),
    };

    if (!cs_line_has(line, CS_OPT_CHAIN)) {
        if (only_for_chains(line))
            return cs_report_usage("explain", "--chain is missing: the certificates to be judged");
        return explain_records(line->n_operands ? line->operands[0] : "-", &teller);
    }
    if (line->n_operands)
        return cs_report_usage("explain", "either a file of records, or --chain");
    if (!cs_line_has(line, CS_OPT_TRUST))
        return cs_report_usage("explain", "--trust is missing: the CA certificates to judge by");
    return explain_chain(line, &teller);
}
