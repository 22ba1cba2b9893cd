/* Every short cut left out, one after the other: the answers must stay the same.
 *
 *     test_differential [BEHAVIOURS [SEED]]
 *
 * Clients behave at random, drawn from a seed: good papers and bad ones, chains cut, altered and
 * out of order, keys that are not theirs, tickets old, altered and of another server; meanwhile
 * time passes, lists change, and what is trusted changes. Each behaviour meets one real worker
 * with every short cut and one without each of them (src/base/fast.h). All must say the same to
 * the client and the same in their logs, where the findings are; and what they say must be what a
 * plain model of the papers expects. Only whether a session was resumed may differ, and only where
 * resumption is what was left out.
 */
#include <ftw.h>
#include <signal.h>

#include "clock.h"
#include "crew.h"
#include "tap.h"
#include "tls/tickets.h"
#include "visit.h"

enum { SLOTS = 24, PER_GENERATION = 200, CAST = 8, TOLD_MAX = 10 };
enum { HOUR = 3600, DAY = 86400, SESSION_SEC = 2400 /* 40m, in the configuration */ };

/* What a client keeps of an earlier visit: who it was then, and its sessions, one for each way. */
struct slot {
    struct visitor who;
    int64_t original_sec; /* of the full handshake */
    int generation;       /* and under which lists */
    bool trusts_two;
    SSL_SESSION *sessions[WAYS_MAX];
};

/* What is trusted, and which lists hold, until the next reload. */
struct generation {
    int number;
    int cast[CAST];  /* papers that come often: who never comes twice is not remembered */
    bool trusts_two; /* at b.test */
    int64_t lists_until;
    struct cs_str lists;
};

struct counts {
    int accepted, refused, resumed, not_resumed, revoked, expired, unlike_model, unlike;
};

struct run {
    uint64_t seed, random;
    struct world world;
    struct papers papers;
    struct crew crew;
    struct visits *visits;
    struct generation now;
    struct slot slots[SLOTS];
    struct counts counts;
    int first; /* behaviour of this generation */
};

static const char *const servers[] = {"a.test", "b.test", "c.test", "d.test", "e.test"};

enum { A, B, C, D, E, SERVERS }; /* the same, as numbers: see make_config() */

/* ---- chance ---- */

/* SplitMix64: small, and the same everywhere. */
static uint64_t draw(struct run *run, uint64_t below)
{
    uint64_t z = run->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static bool chance(struct run *run, uint64_t percent)
{
    return draw(run, 100) < percent;
}

/* ---- the world that changes ---- */

static const char config[] =
    "error_log %s info;\n"
    "events { worker_connections 64; }\n"
    "http {\n"
    "  ssl_certificate server.pem; ssl_certificate_key server.key; ssl_session_timeout 40m;\n"
    "  ssl_verify_depth 3; default_type text/plain;\n"
    "  map $host $told { default \"$ssl_client_verify|$ssl_client_s_dn|$ssl_client_serial|"
    "$ssl_client_fingerprint_sha256|$ssl_client_spiffe_id|$ssl_client_san_uri|"
    "$ssl_client_v_remain|$server_name|$ssl_protocol\"; }\n"
    "  server { listen 127.0.0.1:8443 ssl; server_name a.test; ssl_verify_client on;\n"
    "    ssl_client_certificate one.pem; ssl_crl lists.pem; return 200 $told; }\n"
    "  server { listen 127.0.0.1:8443 ssl; server_name b.test; ssl_verify_client on;\n"
    "    ssl_client_certificate %s.pem; mtls_reject handshake; return 200 $told; }\n"
    "  server { listen 127.0.0.1:8443 ssl; server_name c.test; ssl_verify_client optional;\n"
    "    ssl_client_certificate one.pem; ssl_crl lists.pem; return 200 $told; }\n"
    "  server { listen 127.0.0.1:8443 ssl; server_name d.test; ssl_verify_client optional_no_ca;\n"
    "    ssl_client_certificate one.pem; return 200 $told; }\n"
    "  server { listen 127.0.0.1:8443 ssl; server_name e.test; return 200 $told; }\n"
    "}\n";

static struct cs_str make_config(void *ctx, const char *log)
{
    struct run *run = ctx;

    return cs_arena_printf(&run->world.arena, config, log, run->now.trusts_two ? "both" : "one");
}

/* Some papers begin or end while this generation lasts. Nobody returns with their older ones. */
static void renew_papers(struct run *run)
{
    int64_t now = clock_sec();

    for (int i = 0; i < FLEETING; i++) {
        int64_t moment = now + 60 + (int64_t)draw(run, 800);
        bool begins = i == FLEETING - 1;
        papers_renew(&run->papers, &run->world, i, begins ? moment : now - HOUR,
                     begins ? now + DAY : moment);
    }
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = &run->slots[i];
        for (int j = 0; j < WAYS_MAX && slot->who.paper >= 0 && slot->who.paper < FLEETING; j++) {
            SSL_SESSION_free(slot->sessions[j]);
            slot->sessions[j] = NULL;
        }
    }
}

/* A reload: other lists, perhaps other trust, and workers that remember nothing. Tickets stay. */
static void start_generation(struct run *run, int number, int behaviour)
{
    struct generation *g = &run->now;
    int64_t now = clock_sec();

    g->number = number;
    g->trusts_two = chance(run, 50);
    g->lists_until = now + (chance(run, 50) ? 300 + (int64_t)draw(run, 600) : 30 * DAY);
    renew_papers(run);
    for (int i = 0; i < CAST; i++)
        g->cast[i] = i < FLEETING ? i : (int)draw(run, PAPERS);
    g->lists = papers_lists(&run->papers, &run->world, number, now, g->lists_until);
    run->first = behaviour;
    run->world.n_files--; /* the lists are the last file */
    world_put(&run->world, "lists.pem", g->lists);
    cs_ticket_keys_turn(run->world.options.ticket_keys, now);
    crew_start(&run->crew, make_config, run);
}

static void let_time_pass(struct run *run)
{
    uint64_t kind = draw(run, 200);
    int64_t by = (int64_t)draw(run, 10);

    if (kind == 0)
        by = (int64_t)draw(run, 6 * HOUR);
    else if (kind < 4)
        by = (int64_t)draw(run, HOUR);
    clock_set(clock_sec() + by);
}

/* ---- what ought to be ---- */

enum expectation { NOTHING, REFUSAL, SUCCESS };

static bool is_trusted(const struct run *run, enum issuer issuer, int server)
{
    if (issuer == BY_TWO)
        return server == B && run->now.trusts_two;
    return issuer == BY_ONE || issuer == BY_MIDDLE || issuer == BY_SHAKY;
}

static bool is_whole(const struct paper *paper, enum change change)
{
    bool below = paper->issuer == BY_MIDDLE || paper->issuer == BY_SHAKY;

    if (change == LEAF_ALTERED || change == LEAF_FORGED)
        return false;
    return !below || (change != WITHOUT_MIDDLE && change != MIDDLE_ALTERED);
}

static int server_of(const char *sni)
{
    int i = 0;

    while (strcmp(servers[i], sni) != 0)
        i++;
    return i;
}

/* The model: what a verdict is, said without building a path. */
static enum expectation expect(const struct run *run, const struct visitor *who)
{
    const struct paper *paper = who->paper >= 0 ? &run->papers.items[who->paper] : NULL;
    int64_t now = clock_sec();
    int server = server_of(who->sni);
    bool listed = server == A || server == C;

    if (server == E)
        return NOTHING;
    if (!paper)
        return server == A || server == B ? REFUSAL : NOTHING;
    if (!is_whole(paper, who->change) || !is_trusted(run, paper->issuer, server) ||
        who->wrong_key || !paper->good_usage || now < paper->not_before || now >= paper->not_after)
        return REFUSAL;
    if (listed && (papers_revoked(paper, run->now.number) || now >= run->now.lists_until))
        return REFUSAL;
    return SUCCESS;
}

/* Whether a ticket that was given then may resume now, if its client is still welcome. */
static bool is_usable(const struct run *run, const struct slot *slot, const struct visitor *who,
                      bool altered)
{
    int server = server_of(who->sni);

    if (altered || strcmp(slot->who.sni, who->sni) != 0 ||
        clock_sec() - slot->original_sec >= SESSION_SEC)
        return false;
    if (server == A || server == C)
        return slot->generation == run->now.number; /* every one has other lists */
    return server != B || slot->trusts_two == run->now.trusts_two;
}

/* ---- behaviours ---- */

static void draw_stranger(struct run *run, struct visitor *who)
{
    int known = run->now.cast[draw(run, CAST)];
    int paper = chance(run, 80) ? known : (int)draw(run, PAPERS);

    *who = (struct visitor){.paper = chance(run, 6) ? -1 : paper,
                            .change = chance(run, 60) ? AS_IT_IS : (enum change)draw(run, CHANGES),
                            .wrong_key = chance(run, 4),
                            .version = chance(run, 40) ? TLS1_2_VERSION : TLS1_3_VERSION,
                            .sni = servers[draw(run, SERVERS)]};
}

/* One who was here before; sometimes with the ticket of another place, or an altered one. */
static const struct slot *draw_returning(struct run *run, struct visitor *who, bool *ret_altered)
{
    const struct slot *slot = &run->slots[draw(run, SLOTS)];

    *ret_altered = chance(run, 8);
    if (!slot->sessions[0])
        return NULL;
    *who = slot->who;
    if (chance(run, 12))
        who->sni = servers[draw(run, SERVERS)];
    if (chance(run, 8))
        who->version = TLS1_2_VERSION + TLS1_3_VERSION - who->version;
    return slot;
}

/* Sessions that were just given take the place of others. @from: the one that was resumed. */
static void keep(struct run *run, const struct visitor *who, const struct slot *from,
                 struct outcome *outcomes)
{
    struct slot *slot = &run->slots[draw(run, SLOTS)];

    slot->original_sec = from ? from->original_sec : clock_sec();
    slot->generation = from ? from->generation : run->now.number;
    slot->trusts_two = from ? from->trusts_two : run->now.trusts_two;
    for (int i = 0; i < run->crew.n; i++) {
        SSL_SESSION_free(slot->sessions[i]);
        slot->sessions[i] = cs_take(outcomes[i].session);
    }
    slot->who = *who;
    slot->who.offer = NULL;
}

/* As comments of TAP. */
static void tell_lines(const char *text)
{
    struct cs_str rest = cs_str_from(text);

    while (rest.ptr && rest.len) {
        struct cs_str line = cs_str_cut(&rest, '\n');
        printf("#   %.*s\n", CS_FMT(line));
    }
}

static void tell(struct run *run, int behaviour, const struct visitor *who, const char *what)
{
    if (run->counts.unlike + run->counts.unlike_model > TOLD_MAX)
        return;
    printf("# behaviour %d of seed %" PRIu64 ", generation %d, at %+" PRId64 " s: paper %d, "
           "change %d, %s key, TLS 1.%d, %s, %s\n",
           behaviour, run->seed, run->now.number, clock_sec() - WORLD_NOW, who->paper, who->change,
           who->wrong_key ? "wrong" : "right", who->version - TLS1_2_VERSION + 2, who->sni,
           who->offer ? "with a ticket" : "no ticket");
    tell_lines(what);
}

static void count(struct run *run, const struct visitor *who, const struct outcome *o)
{
    const struct paper *paper = who->paper >= 0 ? &run->papers.items[who->paper] : NULL;

    run->counts.accepted += o->accepted;
    run->counts.refused += !o->accepted;
    run->counts.resumed += o->resumed;
    run->counts.not_resumed += who->offer && !o->resumed;
    run->counts.revoked += who->offer && paper && papers_revoked(paper, run->now.number);
    run->counts.expired += who->offer && paper && clock_sec() >= paper->not_after;
}

static void compare(struct run *run, int behaviour, const struct visitor *who,
                    const struct outcome *outcomes)
{
    enum expectation wanted = expect(run, who);
    const struct outcome *first = &outcomes[0];

    count(run, who, first);
    if (first->accepted != (wanted == SUCCESS)) {
        run->counts.unlike_model++;
        tell(run, behaviour, who,
             first->accepted ? "accepted, against the model" : "refused, against the model");
        tell(run, behaviour, who, first->text);
    }
    for (int i = 1; i < run->crew.n; i++) {
        const struct way *way = &run->crew.ways[i];
        bool resumes = !(way->left_out & 1u << CS_FAST_RESUMPTION);
        bool same = strcmp(first->text, outcomes[i].text) == 0 &&
                    (resumes ? first->resumed == outcomes[i].resumed : !outcomes[i].resumed);
        if (same)
            continue;
        run->counts.unlike++;
        tell(run, behaviour, who, way->name);
        tell(run, behaviour, who,
             first->resumed ? "with every short cut, resumed:" : "with every short cut:");
        tell(run, behaviour, who, first->text);
        tell(run, behaviour, who, outcomes[i].resumed ? "without it, resumed:" : "without it:");
        tell(run, behaviour, who, outcomes[i].text);
    }
}

static void behave(struct run *run, int behaviour)
{
    struct outcome outcomes[WAYS_MAX];
    struct visitor who;
    bool alter = false, shared = false;
    const struct slot *slot = chance(run, 50) ? draw_returning(run, &who, &alter) : NULL;
    uint64_t at = draw(run, 4096);
    bool all_gave = true;

    if (slot)
        shared = chance(run, 10); /* all are offered what the first way gave; AWS-LC itself takes
                                     no ticket of a server that retains otherwise */
    else
        draw_stranger(run, &who);
    for (int i = 0; i < run->crew.n; i++) {
        bool own = !shared || run->crew.ways[i].left_out & 1u << CS_FAST_RETAIN;
        SSL_SESSION *offer = slot ? slot->sessions[own ? i : 0] : NULL;
        who.offer = offer ? visit_copy(offer) : NULL;
        if (offer && alter)
            visit_alter_ticket(who.offer, at);
        visit(run->visits, &who, run->crew.ways[i].port, &outcomes[i]);
        SSL_SESSION_free(who.offer);
        all_gave = all_gave && outcomes[i].session;
    }
    who.offer = slot ? slot->sessions[0] : NULL; /* for the words only */
    compare(run, behaviour, &who, outcomes);
    if (slot && outcomes[0].resumed && !is_usable(run, slot, &who, alter)) {
        run->counts.unlike_model++;
        tell(run, behaviour, &who, "resumed, against the model");
    }
    if (outcomes[0].session && who.paper >= 0 && expect(run, &who) == REFUSAL) {
        run->counts.unlike_model++;
        tell(run, behaviour, &who, "given a ticket, against the model");
    }
    if (all_gave)
        keep(run, &who, outcomes[0].resumed ? slot : NULL, outcomes);
    for (int i = 0; i < run->crew.n; i++)
        SSL_SESSION_free(outcomes[i].session);
}

/* ---- logs ---- */

/* The lines of each connection, put together: connections are the behaviours, in order. Not those
 * about incidents: what they say is in a line without id, port and time too, and of some only their
 * number is told. */
static void read_log(const char *path, char *texts[PER_GENERATION])
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;

    memset(texts, 0, PER_GENERATION * sizeof(*texts));
    while (file && getline(&line, &size, file) > 0) {
        const char *star = strstr(line, ": *");
        long number = star ? strtol(star + 3, NULL, 10) : 0;
        char *longer = NULL;
        if (number < 1 || number > PER_GENERATION || strstr(line, ", incident: "))
            continue;
        cs_assert(asprintf(&longer, "%s%s", texts[number - 1] ? texts[number - 1] : "", star) > 0);
        free(texts[number - 1]);
        texts[number - 1] = longer;
    }
    free(line);
    if (file)
        fclose(file);
}

static void tell_logs(const struct run *run, int i, const struct way *way, const char *without,
                      const char *with)
{
    printf("# behaviour %d of seed %" PRIu64 ", logged without %s:\n", run->first + i, run->seed,
           way->name);
    tell_lines(without);
    printf("# and with:\n");
    tell_lines(with);
}

static int compare_logs(const struct run *run, const struct way *way, char **mine, char **first)
{
    int unlike = 0;

    for (int i = 0; i < PER_GENERATION; i++) {
        const char *one = first[i] ? first[i] : "", *other = mine[i] ? mine[i] : "";
        if (strcmp(one, other) == 0)
            continue;
        if (unlike++ < TOLD_MAX)
            tell_logs(run, i, way, other, one);
    }
    return unlike;
}

/* Return: whether all workers ended well; log lines that differ are counted. */
static bool end_generation(struct run *run)
{
    char *first[PER_GENERATION], *other[PER_GENERATION];
    bool good = crew_stop(&run->crew);

    read_log(run->crew.ways[0].log, first);
    for (int i = 1; i < run->crew.n; i++) {
        read_log(run->crew.ways[i].log, other);
        run->counts.unlike += compare_logs(run, &run->crew.ways[i], other, first);
        for (int j = 0; j < PER_GENERATION; j++)
            free(other[j]);
    }
    for (int j = 0; j < PER_GENERATION; j++)
        free(first[j]);
    return good;
}

/* ---- the whole ---- */

static void run_init(struct run *run, uint64_t seed, const char *folder)
{
    static const uint8_t secret[CS_TICKET_SECRET] = {7};

    run->seed = run->random = seed;
    clock_begin(WORLD_NOW);
    world_init(&run->world);
    run->world.options.ticket_keys = cs_ticket_keys_new_ratchet(secret, WORLD_NOW);
    papers_make(&run->papers, &run->world);
    world_put(&run->world, "lists.pem", CS_STR(""));
    run->visits = visits_new(&run->papers);
    crew_init(&run->crew, &run->world, folder);
}

static void run_deinit(struct run *run)
{
    for (int i = 0; i < SLOTS; i++) {
        for (int j = 0; j < WAYS_MAX; j++)
            SSL_SESSION_free(run->slots[i].sessions[j]);
    }
    crew_deinit(&run->crew);
    visits_free(run->visits);
    papers_free(&run->papers);
    cs_ticket_keys_unref(run->world.options.ticket_keys);
    world_deinit(&run->world);
}

static void report(const struct run *run, int behaviours, bool ended_well)
{
    const struct counts *c = &run->counts;

    printf("# seed %" PRIu64 ": %d accepted, %d not; of tickets %d resumed, %d not, "
           "%d of the revoked, %d of the expired\n",
           run->seed, c->accepted, c->refused, c->resumed, c->not_resumed, c->revoked, c->expired);
    tap_int(c->unlike, 0, "every short cut left out: the same answers and log lines");
    tap_int(c->unlike_model, 0, "and they are what the papers say");
    tap_ok(ended_well, "every worker ended well");
    tap_ok(c->accepted > behaviours / 10 && c->refused > behaviours / 10 &&
               c->resumed > behaviours / 20 && c->not_resumed > behaviours / 50 && c->revoked > 0 &&
               c->expired > 0,
           "clients of every kind came");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

int main(int argc, char **argv)
{
    int behaviours = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 500;
    const char *parent = getenv("TMPDIR");
    struct run *run = CS_NEW(struct run);
    char folder[128];
    bool good = true;

    snprintf(folder, sizeof(folder), "%s/differential.XXXXXX", parent ? parent : "/tmp");
    cs_assert(mkdtemp(folder) != NULL);
    signal(SIGPIPE, SIG_IGN);
    run_init(run, argc > 2 ? strtoull(argv[2], NULL, 10) : 1, folder);
    for (int i = 0; i < behaviours; i++) {
        if (i % PER_GENERATION == 0)
            start_generation(run, i / PER_GENERATION, i);
        let_time_pass(run);
        behave(run, i);
        if ((i + 1) % PER_GENERATION == 0 || i + 1 == behaviours)
            good = end_generation(run) && good;
    }
    report(run, behaviours, good);
    run_deinit(run);
    free(run);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
