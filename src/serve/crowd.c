/* Sites are few (no more than connections), so the greediest is found by looking at all of them. */
#include "serve/crowd.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "serve/state.h"

enum { TELL_MS = 10000 };

void cs_crowd_init(struct cs_crowd *crowd)
{
    *crowd = (struct cs_crowd){0};
    cs_list_init(&crowd->sites);
    cs_list_init(&crowd->idle);
}

/* ---- sites ---- */

static struct cs_site **bucket_of(struct cs_crowd *crowd, const struct cs_net *net)
{
    return &crowd->buckets[cs_hash_bytes(net->ip, sizeof(net->ip)) % CS_CROWD_BUCKETS];
}

static struct cs_site *find(struct cs_crowd *crowd, const struct cs_net *net)
{
    struct cs_site *site = *bucket_of(crowd, net);

    while (site && !cs_net_eq(&site->net, net))
        site = site->next;
    return site;
}

static struct cs_site *add(struct cs_crowd *crowd, const struct cs_net *net)
{
    struct cs_site **bucket = bucket_of(crowd, net);
    struct cs_site *site = CS_NEW(struct cs_site);

    site->net = *net;
    site->next = *bucket;
    *bucket = site;
    cs_list_init(&site->strangers);
    cs_list_push_back(&crowd->sites, &site->link);
    return site;
}

static void drop(struct cs_crowd *crowd, struct cs_site *site)
{
    struct cs_site **at = bucket_of(crowd, &site->net);

    while (*at != site)
        at = &(*at)->next;
    *at = site->next;
    cs_list_remove(&site->link);
    free(site);
}

/* ---- who is here ---- */

void cs_crowd_enter(struct cs_serving *conn)
{
    struct cs_crowd *crowd = &conn->server->crowd;
    struct cs_net net = cs_net_of(&conn->peer);

    conn->site = find(crowd, &net);
    if (!conn->site)
        conn->site = add(crowd, &net);
    conn->site->n++;
    crowd->n++;
    cs_crowd_wait(conn);
}

void cs_crowd_leave(struct cs_serving *conn)
{
    struct cs_crowd *crowd = &conn->server->crowd;

    cs_crowd_spare(conn);
    crowd->n--;
    if (--conn->site->n == 0)
        drop(crowd, conn->site);
    conn->site = NULL;
}

void cs_crowd_spare(struct cs_serving *conn)
{
    cs_list_remove(&conn->idle_link);
    if (cs_list_empty(&conn->stranger_link))
        return;
    cs_list_remove(&conn->stranger_link);
    conn->site->n_strangers--;
}

void cs_crowd_wait(struct cs_serving *conn)
{
    if (!cs_list_empty(&conn->stranger_link))
        return;
    cs_list_push_back(&conn->site->strangers, &conn->stranger_link);
    conn->site->n_strangers++;
}

/* ---- who has to go ---- */

/* One line for all that happens in a while. */
static void tell(struct cs_server *server, const struct cs_site *site)
{
    struct cs_crowd *crowd = &server->crowd;
    int64_t now_ms = server->spec.loop->now.mono_ms;
    char text[CS_ADDR_TEXT];

    crowd->n_gone++;
    if (crowd->told_ms && now_ms - crowd->told_ms < TELL_MS)
        return;
    cs_server_log(server, CS_LOG_WARN,
                  "no room: %zu connections, %zu of them from %.*s; closed %llu to make some since "
                  "this was said last",
                  crowd->n, site->n, CS_FMT(cs_net_text(&site->net, text)),
                  (unsigned long long)crowd->n_gone);
    crowd->told_ms = now_ms;
    crowd->n_gone = 0;
}

static bool take_stranger(struct cs_server *server, struct cs_site *site)
{
    if (cs_list_empty(&site->strangers))
        return false;
    tell(server, site);
    cs_serving_close(cs_container_of(site->strangers.next, struct cs_serving, stranger_link));
    return true;
}

/* Of @site, or NULL: of any. */
static bool take_idle(struct cs_server *server, const struct cs_site *site)
{
    CS_LIST_FOREACH_SAFE (link, &server->crowd.idle) {
        struct cs_serving *conn = cs_container_of(link, struct cs_serving, idle_link);
        if (site && conn->site != site)
            continue;
        tell(server, conn->site);
        cs_serving_close(conn);
        return true;
    }
    return false;
}

static struct cs_site *greediest(const struct cs_crowd *crowd)
{
    struct cs_site *most = NULL;

    CS_LIST_FOREACH (link, &crowd->sites) {
        struct cs_site *site = cs_container_of(link, struct cs_site, link);
        if (!most || site->n_strangers > most->n_strangers)
            most = site;
    }
    return most;
}

bool cs_crowd_is_stuck(const struct cs_server *server)
{
    const struct cs_crowd *crowd = &server->crowd;

    return crowd->n >= server->spec.limits.max_connections && cs_list_empty(&crowd->idle) &&
           greediest(crowd)->n_strangers == 0;
}

bool cs_crowd_make_room(struct cs_server *server, const struct cs_addr *peer)
{
    struct cs_crowd *crowd = &server->crowd;
    struct cs_net net = cs_net_of(peer);
    struct cs_site *site = find(crowd, &net);

    if (site && site->n >= server->spec.limits.max_per_site) {
        if (take_stranger(server, site) || take_idle(server, site))
            return true;
        tell(server, site);
        return false;
    }
    if (crowd->n >= server->spec.limits.max_connections && !take_stranger(server, greediest(crowd)))
        (void)take_idle(server, NULL);
    return true;
}
