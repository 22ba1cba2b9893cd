/* Staples that are fetched: when they are due, what is asked for them, and that what is shown is
 * always about the certificate that is shown. */
#include "snapshot/renewal.h"
#include "snapshot/staple.h"
#include "world.h"

#include "tap.h"

#define MINUTE INT64_C(60)
#define HOUR (60 * MINUTE)

static struct world w;
static struct cs_arena arena;
static struct cs_findings findings;

/* ---- when ---- */

static const struct {
    const char *what;
    int64_t from, until; /* from now; until INT64_MAX: without end */
    int64_t first, last; /* when it is due, from now */
} dues[] = {
    {"a week, at its begin", 0, 7 * 24 * HOUR, 45 * MINUTE, HOUR},
    {"an hour, at its begin", 0, HOUR, 22 * MINUTE, 30 * MINUTE},
    {"an hour, of which a quarter is over", -15 * MINUTE, 45 * MINUTE, 11 * MINUTE, 15 * MINUTE},
    {"an hour, of which most is over", -50 * MINUTE, 10 * MINUTE, 3 * MINUTE, 5 * MINUTE},
    {"eight seconds", 0, 8, 3, 4},
    {"two seconds", 0, 2, 1, 1},
    {"its last second", -HOUR, 1, 1, 1},
    {"one that has run out", -HOUR, -MINUTE, 1, 1},
    {"one without end", -30 * 24 * HOUR, INT64_MAX, 45 * MINUTE, HOUR},
    {"one from a clock ahead", 4 * MINUTE, 64 * MINUTE, 25 * MINUTE, 34 * MINUTE},
};

static void test_due(void)
{
    for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++) {
        struct cs_ocsp_answer answer = {
            .status = CS_OCSP_GOOD,
            .this_update = WORLD_NOW + dues[i].from,
            .next_update = dues[i].until == INT64_MAX ? INT64_MAX : WORLD_NOW + dues[i].until};
        bool right = true, differs = false;
        for (uint64_t chance = 0; chance < 2000; chance++) {
            int64_t due = cs_staple_due_sec(&answer, WORLD_NOW, chance * 7919) - WORLD_NOW;
            right = right && due >= dues[i].first && due <= dues[i].last;
            differs = differs || due != cs_staple_due_sec(&answer, WORLD_NOW, 0) - WORLD_NOW;
        }
        tap_ok(right, "%s", dues[i].what);
        tap_int(differs, dues[i].first < dues[i].last, "and not all at once");
    }
}

static void test_end(void)
{
    struct cs_ocsp_answer answer = {.status = CS_OCSP_GOOD, .next_update = WORLD_NOW};

    tap_int(cs_staple_end_sec(&answer), WORLD_NOW, "a good one is shown to its end");
    answer.status = CS_OCSP_REVOKED;
    tap_ok(cs_staple_end_sec(&answer) == INT64_MAX, "that it is revoked stays true");
    for (int status = CS_OCSP_UNKNOWN; status <= CS_OCSP_MALFORMED; status++) {
        answer.status = (enum cs_ocsp_status)status;
        tap_int(cs_staple_end_sec(&answer), 0, cs_ocsp_status_text(answer.status).ptr);
    }
}

/* ---- what is asked ---- */

static struct cs_snapshot *load(const char *body)
{
    struct cs_snapshot *s;

    cs_findings_init(&findings, &arena);
    s = world_load(&w,
                   cs_arena_printf(&arena,
                                   "http { ssl_stapling on; ssl_certificate_key named.key;"
                                   " %s }",
                                   body),
                   &findings);
    cs_assert(s);
    return s;
}

static const struct {
    const char *what, *body;
    enum cs_staple_stage stage;
    const char *url;
} asked[] = {
    {"the responder of the certificate",
     "ssl_trusted_certificate ca.pem; server { listen 443 ssl; ssl_certificate named.pem; }",
     CS_STAPLE_ASKED, "http://ocsp.test/named"},
    {"the one that is configured",
     "ssl_client_certificate ca.pem; ssl_stapling_responder http://else.test/;"
     " server { listen 443 ssl; ssl_certificate named.pem; }",
     CS_STAPLE_ASKED, "http://else.test/"},
    {"the issuer behind the leaf", "server { listen 443 ssl; ssl_certificate named-and-ca.pem; }",
     CS_STAPLE_ASKED, "http://ocsp.test/named"},
    {"an issuer of the same name and another key",
     "ssl_trusted_certificate ca-same-name.pem;"
     " server { listen 443 ssl; ssl_certificate named.pem; }",
     CS_STAPLE_NO_ISSUER, NULL},
    {"no issuer", "server { listen 443 ssl; ssl_certificate named.pem; }", CS_STAPLE_NO_ISSUER,
     NULL},
    {"a responder over https",
     "ssl_trusted_certificate ca.pem;"
     " server { listen 443 ssl; ssl_certificate https.pem; ssl_certificate_key https.key; }",
     CS_STAPLE_NO_RESPONDER, NULL},
};

static void test_questions(void)
{
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct cs_snapshot *s = load(asked[i].body);
        struct cs_standing_question question = {0};
        tap_ok(s->staples && !s->staples->next, "%s: one staple", asked[i].what);
        tap_int(cs_staple_question(s->staples, &arena, &question), asked[i].stage, "whether");
        if (asked[i].url)
            tap_str(question.url, cs_str_from(asked[i].url), "whom");
        cs_snapshot_unref(s);
    }
}

static size_t count(const struct cs_snapshot *s)
{
    size_t n = 0;

    for (const struct cs_staple *staple = s->staples; staple; staple = staple->next)
        n++;
    return n;
}

static void test_sharing(void)
{
    struct cs_snapshot *s =
        load("ssl_trusted_certificate ca.pem; ssl_certificate named.pem;"
             " server { listen 443 ssl; server_name a; }"
             " server { listen 443 ssl; server_name b; }"
             " server { listen 444 ssl; ssl_stapling off; }"
             " server { listen 445 ssl; ssl_stapling_file named.ocsp; }"
             " server { listen 446 ssl; ssl_stapling_responder http://else.test/; }"
             " server { listen 447 ssl; ssl_certificate https.pem; ssl_certificate named.pem;"
             "  ssl_certificate_key https.key; ssl_certificate_key named.key; }"
             " server { listen 80; }");

    tap_int(count(s), 3, "one for each certificate and responder");
    tap_int(s->servers[0]->n_staples, 1, "a server has its own");
    tap_ok(s->servers[0]->staples[0] == s->servers[1]->staples[0], "two share it");
    tap_int(s->servers[2]->n_staples, 0, "none where it is off");
    tap_int(s->servers[3]->n_staples, 0, "none beside a file");
    tap_int(s->servers[5]->n_staples, 2, "two for two certificates");
    cs_snapshot_unref(s);
}

/* ---- what is shown ---- */

static void put(const char *path, struct cs_str text)
{
    for (size_t i = 0; i < w.n_files; i++) {
        if (cs_str_eq(w.files[i].path, cs_str_from(path))) {
            w.files[i].text = text;
            return;
        }
    }
    cs_assert(w.n_files < WORLD_FILES);
    w.files[w.n_files++] = (struct world_file){cs_str_from(path), text};
}

static struct cs_str file_named(const char *name)
{
    struct cs_str text;

    cs_assert(world_read(&w, cs_arena_printf(&arena, "/w/%s", name), &arena, &text) == 0);
    return text;
}

/* Renew what is made of the file @path. Return: of cs_renewal_take(). */
static int renew(struct cs_snapshot *s, const char *path)
{
    const struct cs_keyring *keyring = s->keyring;
    int result = -1;

    cs_findings_init(&findings, &arena);
    for (size_t f = 0; f < keyring->n_files; f++) {
        for (size_t i = 0; i < keyring->n_materials; i++) {
            struct cs_renewal *renewal;
            if (!cs_str_eq(keyring->files[f]->path, cs_str_from(path)) ||
                !cs_keyring_is_made_of(keyring, i, f))
                continue;
            renewal = cs_renewal_new(s, &w.reader, WORLD_NOW);
            result = cs_renewal_take(renewal, (struct cs_renewal_step){i, false}, &findings);
            if (result == 0) {
                tap_int(cs_renewal_build(renewal, &findings), 0, "built");
                (void)cs_renewal_commit(renewal);
            }
            cs_renewal_free(renewal);
        }
    }
    return result;
}

static bool is_shown(const struct cs_snapshot *s)
{
    struct cs_ocsp_answer answer;

    return cs_staple_in_force(s->staples, WORLD_NOW, &answer);
}

static bool found(const char *code)
{
    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        if (strcmp(f->kind->code, code) == 0)
            return true;
    }
    return false;
}

/* It comes, goes on, is about somebody else after a renewal, and comes again. */
static void test_renewals(void)
{
    struct cs_snapshot *s;
    const char *path;

    put("/w/live.pem", file_named("named.pem"));
    put("/w/live.key", file_named("named.key"));
    s = load("ssl_trusted_certificate ca.pem;"
             " server { listen 443 ssl; ssl_certificate live.pem; ssl_certificate_key live.key; }");
    path = cs_arena_dup(&arena, s->staples->file).ptr;
    tap_ok(!is_shown(s) && found("staple-not-there-yet"), "nothing is shown before it has come");
    tap_ok(renew(s, path) < 0 && findings.n_errors == 0, "that it is not there is no fault");
    put(path, file_named("named.ocsp"));
    tap_int(renew(s, path), 0, "it comes");
    tap_ok(is_shown(s), "it is shown");
    put(path, CS_STR("rubbish"));
    tap_int(renew(s, path), 0, "what is no answer");
    tap_ok(!is_shown(s), "is not shown");
    put(path, file_named("named.ocsp"));
    tap_int(renew(s, path), 0, "the good one again");
    put("/w/live.pem", file_named("next.pem"));
    put("/w/live.key", file_named("next.key"));
    tap_int(renew(s, "/w/live.pem"), 0, "the certificate is renewed");
    tap_ok(!is_shown(s), "what was said of the one before is not shown");
    put(path, file_named("next.ocsp"));
    tap_int(renew(s, path), 0, "its own comes");
    tap_ok(is_shown(s), "and is shown");
    tap_ok(cs_staple_is_made_of(s->staples, 0) || cs_staple_is_made_of(s->staples, 1),
           "it knows what it is about");
    cs_snapshot_unref(s);
}

/* A file that is stapled to a pair whose chain lost its issuer: that is looked for elsewhere, which
 * the configuration has named all the time. */
static void test_issuer_moves(void)
{
    struct cs_snapshot *s;

    put("/w/live.pem", file_named("named-and-ca.pem"));
    put("/w/live.key", file_named("named.key"));
    s = load("ssl_trusted_certificate ca.pem; ssl_stapling_file named.ocsp;"
             " server { listen 443 ssl; ssl_certificate live.pem; ssl_certificate_key live.key; }");
    tap_ok(!findings.first || !found("staple-unusable"), "its issuer is behind it");
    put("/w/live.pem", file_named("named.pem"));
    tap_int(renew(s, "/w/live.pem"), 0, "and then is not");
    tap_ok(!found("staple-issuer-missing"), "but among the trusted");
    cs_snapshot_unref(s);
}

static void add_named(const struct world_identity *ca, const char *name, const char *ocsp)
{
    struct world_identity id =
        world_issue(&w, &(struct world_spec){.name = name, .issuer = ca, .ocsp = ocsp});

    world_put_pair(&w, name, &id);
    world_put(&w, cs_arena_printf(&arena, "%s-and-ca.pem", name).ptr,
              cs_arena_cat(&arena, id.pem, ca->pem));
    world_put(&w, cs_arena_printf(&arena, "%s.ocsp", name).ptr,
              world_answer(&w, ca, &id, CS_OCSP_GOOD, -1, 6));
    cs_key_free(id.key);
}

int main(void)
{
    struct world_identity ca;

    cs_arena_init(&arena);
    world_init(&w);
    ca = world_issue(&w, &(struct world_spec){.name = "Stapling CA", .ca = true});
    put("/w/ca.pem", ca.pem);
    add_named(&ca, "named", "http://ocsp.test/named");
    add_named(&ca, "next", "http://ocsp.test/next");
    add_named(&ca, "https", "https://ocsp.test/");
    test_due();
    test_end();
    test_questions();
    test_sharing();
    test_renewals();
    test_issuer_moves();
    cs_key_free(ca.key);
    world_deinit(&w);
    cs_arena_deinit(&arena);
    return tap_done();
}
