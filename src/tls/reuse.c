/* A short list of sessions, most recently used first, each under the key that names all its
 * verdict depended on. What is offered is judged anew first, and ages from the full
 * handshake however often it was renewed. */
#include "tls/internal.h"

#include "base/mem.h"
#include "tls/library.h"

struct cs_reuse {
    struct cs_list link;
    SSL_SESSION *session;
    int64_t original_sec;
    size_t key_len;
    char key[];
};

static void drop(struct cs_tls_client *client, struct cs_reuse *entry)
{
    cs_list_remove(&entry->link);
    client->n_sessions--;
    SSL_SESSION_free(entry->session);
    free(entry);
}

static struct cs_reuse *find(struct cs_tls_client *client, struct cs_str key)
{
    CS_LIST_FOREACH (link, &client->sessions) {
        struct cs_reuse *entry = cs_container_of(link, struct cs_reuse, link);
        if (cs_str_eq(cs_str_make(entry->key, entry->key_len), key))
            return entry;
    }
    return NULL;
}

static struct cs_str key_of(const struct cs_tls *tls)
{
    return cs_str_make(tls->reuse_key, tls->reuse_key_len);
}

/* Whether the remembered session may be used now; its chain becomes the facts' chain. */
static bool fresh(struct cs_tls *tls, const struct cs_reuse *entry)
{
    int64_t age = cs_tls_now_sec(tls) - entry->original_sec;
    return age >= 0 && age < tls->client->timeout_sec && tls->hooks->resume &&
           cs_lib_remember(tls, entry->session) == 0 &&
           tls->hooks->resume(tls->hooks_ctx, tls->facts.chain, tls->facts.n_chain,
                              entry->original_sec);
}

void cs_reuse_offer(struct cs_tls *tls)
{
    struct cs_reuse *entry = tls->reuse_key ? find(tls->client, key_of(tls)) : NULL;
    if (!entry)
        return;
    if (!fresh(tls, entry) || SSL_set_session(tls->ssl, entry->session) != 1) {
        cs_tls_drop_chain(tls);
        drop(tls->client, entry);
        return;
    }
    tls->ticket_sec = entry->original_sec;
    cs_list_remove(&entry->link);
    cs_list_push_front(&tls->client->sessions, &entry->link);
}

int cs_reuse_on_session(SSL *ssl, SSL_SESSION *session)
{
    struct cs_tls *tls = SSL_get_app_data(ssl);
    if (!tls->client || !tls->client->reuse || !tls->reuse_key || tls->no_tickets)
        return 0;

    struct cs_reuse *old = find(tls->client, key_of(tls));
    if (old)
        drop(tls->client, old);
    if (tls->client->n_sessions == CS_TLS_CLIENT_SESSIONS)
        drop(tls->client, cs_container_of(tls->client->sessions.prev, struct cs_reuse, link));

    struct cs_reuse *entry = cs_alloc(sizeof(*entry) + tls->reuse_key_len);
    entry->session = session;
    entry->original_sec = cs_tls_original_sec(tls);
    entry->key_len = tls->reuse_key_len;
    memcpy(entry->key, tls->reuse_key, tls->reuse_key_len);
    cs_list_push_front(&tls->client->sessions, &entry->link);
    tls->client->n_sessions++;
    return 1;
}

void cs_reuse_clear(struct cs_tls_client *client)
{
    CS_LIST_FOREACH_SAFE (link, &client->sessions)
        drop(client, cs_container_of(link, struct cs_reuse, link));
}
