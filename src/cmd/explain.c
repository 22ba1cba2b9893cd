/* explain: records that were written down, or certificates out of files, as accounts for people. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/given.h"
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

/* ---- records ---- */

static int explain_read(struct cs_given *given, struct cs_str text, struct teller *teller)
{
    struct cs_reading reading;

    cs_account_read(text, tell, teller, &reading);
    if (reading.n_bad)
        fprintf(stderr,
                "countersign explain: %zu line%s no record can be read from, the first is line "
                "%u: %s\n",
                reading.n_bad, reading.n_bad == 1 ? "" : "s", reading.bad_line, reading.bad_reason);
    if (!reading.n)
        return cs_given_useless(
            given,
            cs_arena_printf(&given->arena, "no record is in \"%.*s\"", CS_FMT(given->target)),
            "\"mtls_failure_log FILE format=json;\" makes the gateway write them");
    return teller->failed ? CS_EXIT_FAILED : CS_EXIT_OK;
}

static int explain_records(const struct cs_line *line, struct teller *teller)
{
    const char *path = line->n_operands ? line->operands[0] : "-";
    struct cs_given given;
    struct cs_buf buf;
    int status;

    cs_given_init(&given, line);
    cs_buf_init(&buf, FILE_MAX);
    given.target = cs_str_from(path);
    status = cs_given_file(&given, path, &buf);
    status = status ? status : explain_read(&given, cs_buf_str(&buf), teller);
    cs_buf_deinit(&buf);
    cs_given_deinit(&given);
    return status;
}

/* ---- files ---- */

/* A chain to be judged, as it was asked for. */
struct question {
    struct cs_given given;
    struct cs_chain_query query;
    struct cs_buf chain; /* the file */
    bool now;            /* judged by the clock of this machine */
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
    const char *depth = line->values[CS_OPT_DEPTH];
    int status = cs_given_at(&q->given, &q->query.now_sec);
    uint64_t n = 1;

    if (status != CS_EXIT_OK)
        return status;
    q->now = !cs_line_has(line, CS_OPT_AT);
    if (q->now)
        q->query.now_sec = (int64_t)time(NULL);
    if (depth && cs_str_to_u64(cs_str_from(depth), 100, &n) < 0)
        return cs_report_usage("explain", "--depth wants a number up to 100");
    q->query.depth = (int)n;
    return CS_EXIT_OK;
}

/* Certificates out of PEM, or one in DER. */
static int read_chain(const char *path, struct question *q)
{
    struct cs_arena *arena = &q->given.arena;
    struct cs_str text, *ders;
    struct cs_pem_block block;
    int r = cs_given_file(&q->given, path, &q->chain);

    if (r != CS_EXIT_OK)
        return r;
    text = cs_buf_str(&q->chain);
    ders = cs_arena_array(arena, CS_CHAIN_CERTS_MAX + 1, sizeof(*ders));
    q->query.ders = ders;
    if (cs_pem_is_der(text)) {
        ders[q->query.n++] = text;
        return CS_EXIT_OK;
    }
    r = 1;
    while (q->query.n <= CS_CHAIN_CERTS_MAX && (r = cs_pem_next(&text, arena, &block)) > 0) {
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            ders[q->query.n++] = block.der;
    }
    if (r >= 0 && q->query.n)
        return CS_EXIT_OK;
    return cs_given_useless(&q->given,
                            cs_arena_printf(arena, "%s in \"%s\"",
                                            r < 0 ? "a PEM block is damaged" : "no certificate is",
                                            path),
                            NULL);
}

static int read_trust(const char *path, struct question *q)
{
    int status = cs_given_trust(&q->given, path);

    q->query.trust = q->given.trust;
    if (status == CS_EXIT_OK)
        cs_report_findings(&q->given.findings, CS_SEVERITY_WARNING, CS_EXPLAIN_TEXT, stderr);
    return status;
}

static int judge(struct question *q, struct teller *teller)
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
        .trust = q->query.trust,
        .host = q->query.host,
        .now_ms = q->query.now_sec * 1000,
        .clock = q->now ? &clock : NULL,
    };
    struct cs_arena *arena = &q->given.arena;
    struct cs_findings findings;
    struct cs_account account;
    int r = cs_chain_verify(&q->query, arena, &verdict);

    if (r < 0)
        return cs_given_untried(&q->given, &q->given.findings, r);
    cs_clock_ask_kernel(&clock);
    cs_findings_init(&findings, arena);
    cs_account_make(&record, cs_diagnose(&record, &findings), arena, &account);
    tell(teller, &account);
    return verdict.accepted ? CS_EXIT_OK : CS_EXIT_FAILED;
}

static int explain_chain(const struct cs_line *line, struct teller *teller)
{
    struct question q = {.now = true};
    int status;

    cs_given_init(&q.given, line);
    cs_buf_init(&q.chain, FILE_MAX);
    q.given.target = cs_str_from(line->values[CS_OPT_CHAIN]);
    status = read_role(line, &q);
    status = status ? status : read_numbers(line, &q);
    status = status ? status : read_chain(line->values[CS_OPT_CHAIN], &q);
    status = status ? status : read_trust(line->values[CS_OPT_TRUST], &q);
    status = status ? status : judge(&q, teller);
    cs_buf_wipe(&q.chain); /* a key may stand in the same file */
    cs_given_deinit(&q.given);
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
        if (!line->n_operands && isatty(STDIN_FILENO))
            return cs_report_usage("explain", "no file is named, and nothing comes from elsewhere; "
                                              "\"-\" is standard input");
        return explain_records(line, &teller);
    }
    if (line->n_operands)
        return cs_report_usage("explain", "either a file of records, or --chain");
    if (!cs_line_has(line, CS_OPT_TRUST))
        return cs_report_usage("explain", "--trust is missing: the CA certificates to judge by");
    return explain_chain(line, &teller);
}
