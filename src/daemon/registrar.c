/* One post for each configuration that had an authority and whose process has not ended: at most
 * one that serves, one that begins, and those that finish. */
#include "daemon/registrar.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/account.h"
#include "daemon/home.h"
#include "enrol/server.h"
#include "snapshot/authority.h"

struct post {
    struct cs_list link; /* in registrar->posts */
    struct cs_registrar *registrar;
    struct cs_snapshot *snapshot;
    struct cs_user workers;
    bool is_root; /* and to become somebody else */
    struct cs_child *child;
    bool serves;
};

struct cs_registrar {
    struct cs_registrar_spec spec;
    struct cs_listeners listeners;
    struct cs_list posts;
    struct post *current, *next; /* of them; NULL: none */
    bool inside;                 /* this process is one of them */
};

/* ---- the account ---- */

static int complain(const struct post *post, int r, const struct cs_account_trouble *trouble)
{
    cs_mainlog_say(post->registrar->spec.log, CS_LOG_EMERG, "%s%s%s", trouble->what,
                   trouble->hint ? ": " : "", trouble->hint ? trouble->hint : "");
    return r;
}

/* Whom the process is to become. Return: 1 (*ret_user), 0 (nobody else), or -errno. */
static int choose_account(const struct post *post, struct cs_user *ret_user)
{
    const struct cs_authority *authority = post->snapshot->authority;
    struct cs_account_trouble trouble;
    int r;

    if (!post->is_root)
        return 0;
    r = cs_account_find(authority->user, authority->group, authority->store.ptr, ret_user,
                        &trouble);
    if (r < 0)
        return complain(post, r, &trouble);
    if (ret_user->uid == post->workers.uid) {
        cs_mainlog_say(post->registrar->spec.log, CS_LOG_EMERG,
                       "the authority may not run as \"%s\", which is what the workers are",
                       ret_user->name);
        return -EPERM;
    }
    r = cs_account_give(authority->store.ptr, ret_user, &trouble);
    return r < 0 ? complain(post, r, &trouble) : 1;
}

static int become(const struct post *post, const struct cs_user *user)
{
    struct cs_account_trouble trouble;
    int r = cs_account_become(post->snapshot->authority->store.ptr, user, &trouble);

    return r < 0 ? complain(post, r, &trouble) : 0;
}

/* ---- in the process ---- */

static int open_server(const struct post *post, const struct cs_server_listen *listens,
                       const struct cs_log *log, struct cs_enrol_server **ret_server)
{
    const struct cs_authority *authority = post->snapshot->authority;
    struct cs_enrol_spec spec = {.dir = authority->store.ptr,
                                 .public_url = authority->public_url,
                                 .block = authority->block,
                                 .listens = listens,
                                 .n_listens = authority->n_listeners,
                                 .log = log};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_buf secret;
    int r = cs_home_passphrase(authority->passphrase_file, post->registrar->spec.log, &secret,
                               &spec.passphrase);

    cs_findings_init(&findings, &arena);
    r = r < 0 ? r : cs_enrol_open(&spec, &findings, ret_server);
    cs_mainlog_findings(post->registrar->spec.log, &findings);
    cs_buf_wipe(&secret);
    cs_arena_deinit(&arena);
    return r;
}

static int live(struct post *post, struct cs_child *child, const struct cs_server_listen *listens)
{
    struct cs_mainlog *mainlog = post->registrar->spec.log;
    const struct cs_log log = {mainlog->state.targets, mainlog->state.n};
    struct cs_enrol_server *server = NULL;
    struct cs_user user;
    int other = choose_account(post, &user);
    int r = other < 0 ? other : open_server(post, listens, &log, &server);

    if (r == 0)
        r = other > 0 ? become(post, &user) : cs_process_seal();
    if (r == 0)
        r = cs_child_serving(child);
    r = r == 0 ? cs_enrol_run(server) : -1;
    cs_enrol_close(server);
    return r == CS_ENROL_AGAIN ? CS_CHILD_AGAIN : r < 0 ? 1 : 0;
}

static int run(void *ctx, struct cs_child *child)
{
    struct post *post = ctx;
    struct cs_registrar *registrar = post->registrar;
    const struct cs_authority *authority = post->snapshot->authority;
    struct cs_server_listen *listens = cs_alloc(authority->n_listeners * sizeof(*listens));
    int status;

    registrar->inside = true;
    registrar->spec.in_child(registrar->spec.ctx);
    cs_listeners_deinit(registrar->spec.others, false);
    cs_listeners_isolate(&registrar->listeners, authority->listeners, authority->n_listeners, 0);
    for (size_t i = 0; i < authority->n_listeners; i++)
        listens[i] = (struct cs_server_listen){
            cs_listeners_fd(&registrar->listeners, &authority->listeners[i], 0),
            authority->listeners[i].tls};
    status = live(post, child, listens);
    free(listens);
    return status;
}

/* ---- in the supervisor ---- */

static void tell(const struct cs_registrar *registrar, enum cs_registrar_event event)
{
    registrar->spec.on_event(registrar->spec.ctx, event);
}

static void free_post(struct post *post)
{
    struct cs_registrar *registrar = post->registrar;

    if (registrar->current == post)
        registrar->current = NULL;
    if (registrar->next == post)
        registrar->next = NULL;
    cs_list_remove(&post->link);
    cs_child_free(post->child);
    cs_snapshot_unref(post->snapshot);
    free(post);
    if (cs_list_empty(&registrar->posts))
        tell(registrar, CS_REGISTRAR_ENDED);
}

static void on_event(void *ctx, struct cs_child *child, enum cs_child_event event)
{
    struct post *post = ctx;

    switch (event) {
    case CS_CHILD_UP:
        post->serves = true;
        tell(post->registrar, CS_REGISTRAR_UP);
        break;
    case CS_CHILD_FAILED:
        if (post == post->registrar->next)
            tell(post->registrar, CS_REGISTRAR_FAILED);
        break;
    case CS_CHILD_ENDED: free_post(post); break;
    }
}

struct cs_registrar *cs_registrar_new(const struct cs_registrar_spec *spec)
{
    struct cs_registrar *registrar = CS_NEW(struct cs_registrar);

    registrar->spec = *spec;
    cs_listeners_init(&registrar->listeners);
    cs_list_init(&registrar->posts);
    return registrar;
}

struct cs_registrar *cs_registrar_free(struct cs_registrar *registrar)
{
    if (!registrar)
        return NULL;
    cs_listeners_deinit(&registrar->listeners, true);
    free(registrar);
    return NULL;
}

int cs_registrar_prepare(struct cs_registrar *registrar, const struct cs_snapshot *snapshot,
                         const struct cs_listener **ret_failed)
{
    const struct cs_authority *authority = snapshot->authority;

    return cs_listeners_prepare(&registrar->listeners, authority ? authority->listeners : NULL,
                                authority ? authority->n_listeners : 0, 1, ret_failed);
}

void cs_registrar_begin(struct cs_registrar *registrar, struct cs_snapshot *snapshot,
                        const struct cs_user *workers)
{
    struct cs_child_spec spec = {.name = "authority",
                                 .loop = registrar->spec.loop,
                                 .log = registrar->spec.log,
                                 .run = run,
                                 .on_event = on_event};
    struct post *post;

    if (!snapshot->authority)
        return;
    post = CS_NEW(struct post);
    post->registrar = registrar;
    post->snapshot = cs_snapshot_ref(snapshot);
    post->is_root = workers != NULL;
    if (workers)
        post->workers = *workers;
    cs_list_push_back(&registrar->posts, &post->link);
    registrar->next = post;
    spec.ctx = post;
    post->child = cs_child_new(&spec);
}

bool cs_registrar_is_ready(const struct cs_registrar *registrar)
{
    return !registrar->next || registrar->next->serves;
}

void cs_registrar_commit(struct cs_registrar *registrar)
{
    if (registrar->current)
        cs_child_finish(registrar->current->child, true);
    registrar->current = cs_take(registrar->next);
    cs_listeners_commit(&registrar->listeners);
}

void cs_registrar_revert(struct cs_registrar *registrar)
{
    if (registrar->next)
        cs_child_finish(cs_take(registrar->next)->child, false);
    cs_listeners_revert(&registrar->listeners);
}

void cs_registrar_finish(struct cs_registrar *registrar, bool graceful)
{
    registrar->current = registrar->next = NULL;
    CS_LIST_FOREACH (link, &registrar->posts)
        cs_child_finish(cs_container_of(link, struct post, link)->child, graceful);
    cs_listeners_deinit(&registrar->listeners, true);
}

bool cs_registrar_is_there(const struct cs_registrar *registrar)
{
    return !cs_list_empty(&registrar->posts);
}

void cs_registrar_signal(struct cs_registrar *registrar, int signo)
{
    CS_LIST_FOREACH (link, &registrar->posts)
        cs_child_signal(cs_container_of(link, struct post, link)->child, signo);
}

bool cs_registrar_reaped(struct cs_registrar *registrar, pid_t pid, int status)
{
    CS_LIST_FOREACH (link, &registrar->posts) {
        if (cs_child_reaped(cs_container_of(link, struct post, link)->child, pid, status))
            return true;
    }
    return false;
}

void cs_registrar_isolate(struct cs_registrar *registrar)
{
    if (registrar && !registrar->inside)
        cs_listeners_deinit(&registrar->listeners, false);
}
