/* Smooth weighted round robin: each turn every candidate gains its weight, the richest is
 * picked and pays what all gained. A failure lowers an endpoint's weight, turns restore it by
 * one, so that a shaky endpoint comes back slowly. */
#include "route/balance.h"

#include "base/panic.h"

void cs_balance_init(struct cs_balance *group, enum cs_balance_method method,
                     struct cs_balance_peer *peers, size_t n)
{
    *group = (struct cs_balance){method, peers, n};
    for (size_t i = 0; i < n; i++) {
        cs_assert(peers[i].weight > 0);
        peers[i].effective = peers[i].weight;
        peers[i].current = 0;
        peers[i].conns = peers[i].fails = 0;
        peers[i].failed_ms = peers[i].checked_ms = 0;
    }
}

static bool is_out(const struct cs_balance *group, const struct cs_balance_peer *peer,
                   int64_t now_ms)
{
    return group->n > 1 && peer->max_fails && peer->fails >= peer->max_fails &&
           now_ms - peer->checked_ms <= peer->fail_timeout_ms;
}

static bool is_candidate(const struct cs_balance *group, size_t i, bool backup, int64_t now_ms,
                         const uint64_t *tried)
{
    const struct cs_balance_peer *peer = &group->peers[i];

    if (peer->backup != backup || peer->down || (tried && tried[i / 64] >> (i % 64) & 1))
        return false;
    if (peer->max_conns && peer->conns >= peer->max_conns)
        return false;
    return !is_out(group, peer, now_ms);
}

/* Whether @a has fewer connections for its weight than @b: <0, 0, >0. */
static int compare_load(const struct cs_balance_peer *a, const struct cs_balance_peer *b)
{
    uint64_t left = (uint64_t)a->conns * b->weight, right = (uint64_t)b->conns * a->weight;

    return (left > right) - (left < right);
}

static const struct cs_balance_peer *least_loaded(const struct cs_balance *group, bool backup,
                                                  int64_t now_ms, const uint64_t *tried)
{
    const struct cs_balance_peer *least = NULL;

    for (size_t i = 0; i < group->n; i++)
        if (is_candidate(group, i, backup, now_ms, tried) &&
            (!least || compare_load(&group->peers[i], least) < 0))
            least = &group->peers[i];
    return least;
}

static int64_t gain(struct cs_balance_peer *peer)
{
    int64_t gained = peer->effective;

    peer->current += gained;
    if (peer->effective < peer->weight)
        peer->effective++;
    return gained;
}

static int pick_among(struct cs_balance *group, bool backup, int64_t now_ms, const uint64_t *tried)
{
    const struct cs_balance_peer *least = NULL;
    int64_t total = 0;
    int best = -1;

    if (group->method == CS_BALANCE_LEAST_CONN)
        least = least_loaded(group, backup, now_ms, tried);
    for (size_t i = 0; i < group->n; i++) {
        if (!is_candidate(group, i, backup, now_ms, tried) ||
            (least && compare_load(&group->peers[i], least) != 0))
            continue;
        total += gain(&group->peers[i]);
        if (best < 0 || group->peers[i].current > group->peers[best].current)
            best = (int)i;
    }
    if (best < 0)
        return -1;
    group->peers[best].current -= total;
    if (now_ms - group->peers[best].checked_ms > group->peers[best].fail_timeout_ms)
        group->peers[best].checked_ms = now_ms;
    return best;
}

int cs_balance_pick(struct cs_balance *group, int64_t now_ms, const uint64_t *tried)
{
    int picked = pick_among(group, false, now_ms, tried);

    return picked >= 0 ? picked : pick_among(group, true, now_ms, tried);
}

void cs_balance_tried(uint64_t *tried, int index)
{
    tried[index / 64] |= UINT64_C(1) << (index % 64);
}

void cs_balance_begin(struct cs_balance *group, int index)
{
    group->peers[index].conns++;
}

bool cs_balance_end(struct cs_balance *group, int index, bool ok, int64_t now_ms)
{
    struct cs_balance_peer *peer = &group->peers[index];

    cs_assert(peer->conns > 0);
    peer->conns--;
    if (ok) {
        /* It was tried again after its last failure, and did well. */
        if (peer->failed_ms < peer->checked_ms)
            peer->fails = 0;
        return false;
    }
    peer->fails++;
    peer->failed_ms = peer->checked_ms = now_ms;
    if (peer->max_fails)
        peer->effective -= peer->weight / peer->max_fails;
    if (peer->effective < 0)
        peer->effective = 0;
    return group->n > 1 && peer->max_fails && peer->fails == peer->max_fails;
}
