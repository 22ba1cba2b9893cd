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
#include "snapshot/errand.h"

enum { ROOTS_MAX = 1 << 20, TOKEN_TTL_SEC = 86400 };

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

/* ---- tokens ---- */

static int write_token(const char *path, const char *token, const struct cs_user *owner)
{
    int r = cs_file_write(path, cs_str_from(token), 0600);

    if (r == 0 && owner && chown(path, owner->uid, owner->gid) < 0)
        r = -errno;
    return r;
}

static int make_token(struct cs_ca *ca, const struct cs_errand *errand, const struct cs_user *owner,
                      struct cs_arena *arena, struct cs_findings *findings)
{
    static const struct cs_requester who = {.proof = CS_PROOF_SERVICE, .actor = {"steward", 7}};
    struct cs_pattern *patterns = cs_arena_array(arena, errand->n_names, sizeof(*patterns));
    struct cs_ca_token wanted = {
        .names = {patterns, errand->n_names}, .profile = errand->profile, .ttl_sec = TOKEN_TTL_SEC};
    char token[CS_CA_TOKEN_LEN + 1];
    int r;

    for (size_t i = 0; i < errand->n_names; i++) {
        if (cs_pattern_parse(errand->names[i], &patterns[i]))
            return -EINVAL;
    }
    r = cs_ca_token_new(ca, &wanted, &who, time(NULL), findings, token);
    if (r == 0)
        r = write_token(errand->token_file.ptr, token, owner);
    cs_wipe(token, sizeof(token));
    return r;
}

/* In the process that has the CA open. Return: its exit status. */
static int make_tokens(const struct cs_snapshot *snapshot, const struct cs_ca_options *options,
                       const struct cs_user *owner, const struct cs_mainlog *log,
                       struct cs_arena *arena)
{
    struct cs_findings findings;
    struct cs_ca *ca;
    int r;

    cs_findings_init(&findings, arena);
    r = cs_ca_open(options, &findings, &ca);
    for (const struct cs_errand *e = snapshot->errands; e && r == 0; e = e->next) {
        if (is_first(e, arena))
            r = make_token(ca, e, owner, arena, &findings);
        if (r < 0)
            cs_mainlog_say(log, CS_LOG_ERROR, "no token for %.*s (%d: %s)", CS_FMT(e->names[0]), -r,
                           strerror(-r));
    }
    cs_mainlog_findings(log, &findings);
    if (r == 0)
        cs_ca_close(ca);
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

static void provide_tokens(const struct cs_snapshot *snapshot, const struct cs_ca_options *options,
                           const struct cs_user *owner, const struct cs_mainlog *log,
                           struct cs_arena *arena)
{
    int status = 0;
    pid_t pid;

    if (!needs_tokens(snapshot, arena))
        return;
    pid = fork();
    if (pid == 0)
        _exit(make_tokens(snapshot, options, owner, log, arena));
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
    struct cs_str passphrase = {0};

    *home = (struct cs_home){0};
    if (!block)
        return;
    cs_settings_resolve(&cs_authority_directives, block, &home->arena, &settings);
    home->url = url_of(&settings, &home->arena);
    home->roots = read_text(cs_arena_printf(&home->arena, "%.*s/root.pem", CS_FMT(settings.store)),
                            &home->arena, log);
    if (settings.passphrase_file.len)
        passphrase =
            read_text(cs_arena_dup(&home->arena, settings.passphrase_file), &home->arena, log);
    options.dir = cs_arena_dup(&home->arena, settings.store).ptr;
    options.passphrase = cs_str_cut(&passphrase, '\n');
    provide_tokens(snapshot, &options, owner, log, &home->arena);
}

void cs_home_deinit(struct cs_home *home)
{
    cs_arena_deinit(&home->arena);
    *home = (struct cs_home){0};
}
