/* The CA is opened for a moment, in a process of its own, so that no key of it was ever in the
 * memory that workers are forked from. */
#include "daemon/home.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "authority/ca.h"
#include "authority/directives.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/process.h"
#include "snapshot/errand.h"

enum { ROOTS_MAX = 1 << 20, SECRET_MAX = 64 << 10, TOKEN_TTL_SEC = 86400 };

static const struct cs_block *block_of(const struct cs_snapshot *snapshot)
{
    const struct cs_directive *d = cs_block_find(snapshot->config->main, "authority");

    return d ? d->block : NULL;
}

/* Whether @text is an address that somebody can be reached at, rather than a port or all of them.
 */
static bool is_one(struct cs_str text)
{
    return cs_str_rfind(text, ':') > 0 && text.ptr[0] != '*' &&
           !cs_str_starts(text, CS_STR("0.0.0.0:")) && !cs_str_starts(text, CS_STR("[::]:"));
}

/* The first address that speaks TLS; if that is all of them, the one that others are told. */
static struct cs_str url_of(const struct cs_authority_settings *settings, struct cs_arena *arena)
{
    for (size_t i = 0; i < settings->listen.n; i++) {
        const struct cs_directive *d = settings->listen.items[i];
        if (d->n_args > 1 && cs_str_eq(d->args[1].text, CS_STR("ssl")) && is_one(d->args[0].text))
            return cs_arena_printf(arena, "https://%.*s", CS_FMT(d->args[0].text));
    }
    return settings->public_url;
}

/* Whether it has no certificate, not even an old one, which would do to ask for the next. */
static bool is_first(const struct cs_errand *errand, struct cs_arena *arena)
{
    struct cs_str cert = cs_arena_printf(arena, "%.*s/cert.pem", CS_FMT(errand->folder));

    return errand->url.len == 0 && access(cert.ptr, F_OK) < 0;
}

/* ---- the pass phrase ---- */

int cs_home_passphrase(struct cs_str path, const struct cs_mainlog *log, struct cs_buf *ret_bytes,
                       struct cs_str *ret_line)
{
    int r;

    cs_buf_init(ret_bytes, 0);
    if (!path.len)
        return 0;
    r = cs_file_read(path.ptr, SECRET_MAX, ret_bytes);
    if (r < 0) {
        cs_mainlog_say(log, CS_LOG_EMERG, "open() \"%.*s\" failed (%d: %s)", CS_FMT(path), -r,
                       strerror(-r));
        return r;
    }
    if (cs_ca_passphrase(cs_buf_str(ret_bytes), ret_line))
        return 0;
    cs_mainlog_say(log, CS_LOG_EMERG, "there is no pass phrase in the first line of \"%.*s\"",
                   CS_FMT(path));
    return -EINVAL;
}

/* ---- tokens ---- */

static int make_token(struct cs_ca *ca, const struct cs_errand *errand, struct cs_arena *arena,
                      struct cs_findings *findings, char ret_token[CS_CA_TOKEN_LEN + 1])
{
    static const struct cs_requester who = {.proof = CS_PROOF_SERVICE, .actor = {"steward", 7}};
    struct cs_pattern *patterns = cs_arena_array(arena, errand->n_names, sizeof(*patterns));
    struct cs_ca_token wanted = {
        .names = {patterns, errand->n_names}, .profile = errand->profile, .ttl_sec = TOKEN_TTL_SEC};

    for (size_t i = 0; i < errand->n_names; i++) {
        if (cs_pattern_parse(errand->names[i], &patterns[i]))
            return -EINVAL;
    }
    return cs_ca_token_new(ca, &wanted, &who, time(NULL), findings, ret_token);
}

/* A token that has been made, and where it goes. */
struct made {
    const struct cs_errand *errand;
    char token[CS_CA_TOKEN_LEN + 1];
};

/* For each errand that needs one. Return: how many, or -1: why is in the log or in @findings. */
static int make_all(const struct cs_snapshot *snapshot, struct cs_ca *ca,
                    const struct cs_mainlog *log, struct cs_arena *arena,
                    struct cs_findings *findings, struct made *ret_made)
{
    int n = 0, r = 0;

    for (const struct cs_errand *e = snapshot->errands; e && r == 0; e = e->next) {
        if (!is_first(e, arena))
            continue;
        r = make_token(ca, e, arena, findings, ret_made[n].token);
        if (r < 0)
            cs_mainlog_say(log, CS_LOG_ERROR, "no token for %.*s (%d: %s)", CS_FMT(e->names[0]), -r,
                           strerror(-r));
        if (r == 0)
            ret_made[n++].errand = e;
    }
    return r ? -1 : n;
}

/* The folder is the owner's, who could have put anything there: so it is he who writes. */
static int write_all(const struct made *made, int n, const struct cs_user *owner,
                     const struct cs_mainlog *log)
{
    int r = owner ? cs_process_drop(owner) : 0;

    for (int i = 0; i < n && r == 0; i++) {
        const char *path = made[i].errand->token_file.ptr;
        r = cs_file_write(path, cs_str_make(made[i].token, CS_CA_TOKEN_LEN), 0600);
        if (r < 0)
            cs_mainlog_say(log, CS_LOG_ERROR, "\"%s\" cannot be written (%d: %s)", path, -r,
                           strerror(-r));
    }
    return r;
}

/* In the process that has the CA open. Return: its exit status. */
static int make_tokens(const struct cs_snapshot *snapshot,
                       const struct cs_authority_settings *settings, struct cs_ca_options options,
                       const struct cs_user *owner, const struct cs_mainlog *log,
                       struct cs_arena *arena)
{
    struct cs_findings findings;
    struct made *made;
    struct cs_ca *ca;
    struct cs_buf secret;
    size_t room = 0;
    int n = 0, r;

    for (const struct cs_errand *e = snapshot->errands; e; e = e->next)
        room++;
    made = cs_arena_array(arena, room, sizeof(*made));
    cs_findings_init(&findings, arena);
    r = cs_home_passphrase(cs_arena_dup(arena, settings->passphrase_file), log, &secret,
                           &options.passphrase);
    r = r ? r : cs_ca_open(&options, &findings, &ca);
    if (r == 0) {
        n = make_all(snapshot, ca, log, arena, &findings, made);
        cs_ca_close(ca);
        r = n < 0 ? n : write_all(made, n, owner, log);
    }
    cs_mainlog_findings(log, &findings);
    cs_buf_wipe(&secret);
    return r == 0 ? 0 : 1;
}

static bool needs_tokens(const struct cs_snapshot *snapshot, struct cs_arena *arena)
{
    for (const struct cs_errand *e = snapshot->errands; e; e = e->next) {
        if (is_first(e, arena))
            return true;
    }
    return false;
}

/* The pass phrase, too, is read there and nowhere else. */
static void provide_tokens(const struct cs_snapshot *snapshot,
                           const struct cs_authority_settings *settings,
                           const struct cs_ca_options *options, const struct cs_user *owner,
                           const struct cs_mainlog *log, struct cs_arena *arena)
{
    int status = 0;
    pid_t pid;

    if (!needs_tokens(snapshot, arena))
        return;
    pid = fork();
    if (pid == 0)
        _exit(make_tokens(snapshot, settings, *options, owner, log, arena));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (pid < 0)
        cs_mainlog_say(log, CS_LOG_ALERT, "fork() failed (%d: %s)", errno, strerror(errno));
    else if (status != 0)
        cs_mainlog_say(log, CS_LOG_ERROR, "the CA gave no tokens for \"ssl_certificate auto\"");
}

/* ---- the whole ---- */

static struct cs_str read_text(struct cs_str path, struct cs_arena *arena,
                               const struct cs_mainlog *log)
{
    struct cs_buf bytes;
    struct cs_str text;
    int r = cs_file_read(path.ptr, ROOTS_MAX, &bytes);

    if (r < 0) {
        cs_mainlog_say(log, CS_LOG_ERROR, "open() \"%.*s\" failed (%d: %s)", CS_FMT(path), -r,
                       strerror(-r));
        return (struct cs_str){0};
    }
    text = cs_arena_dup(arena, cs_buf_str(&bytes));
    cs_buf_wipe(&bytes);
    return text;
}

void cs_home_init(struct cs_home *home, const struct cs_snapshot *snapshot,
                  const struct cs_user *owner, const struct cs_mainlog *log)
{
    const struct cs_block *block = block_of(snapshot);
    struct cs_authority_settings settings;
    struct cs_ca_options options = {.block = block};

    *home = (struct cs_home){0};
    if (!block)
        return;
    cs_settings_resolve(&cs_authority_directives, block, &home->arena, &settings);
    home->url = url_of(&settings, &home->arena);
    home->roots = read_text(cs_arena_printf(&home->arena, "%.*s/root.pem", CS_FMT(settings.store)),
                            &home->arena, log);
    options.dir = cs_arena_dup(&home->arena, settings.store).ptr;
    provide_tokens(snapshot, &settings, &options, owner, log, &home->arena);
}

void cs_home_deinit(struct cs_home *home)
{
    cs_arena_deinit(&home->arena);
    *home = (struct cs_home){0};
}
