/* Which endpoint of an upstream group takes the next request: nginx's arithmetic, with the time
 * given and no sockets. Each worker counts for itself. */
#ifndef CS_ROUTE_BALANCE_H
#define CS_ROUTE_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cs_balance_method {
    CS_BALANCE_ROUND_ROBIN, /* smooth weighted round robin */
    CS_BALANCE_LEAST_CONN,  /* fewest connections by weight; ties by round robin */
};

struct cs_balance_peer {
    /* set by the caller before cs_balance_init() */
    unsigned weight;         /* 1 or more */
    unsigned max_fails;      /* failures within fail_timeout that take it out; 0: never */
    unsigned max_conns;      /* 0: no limit */
    int64_t fail_timeout_ms; /* also how long it stays out */
    bool backup;             /* only when no other can */
    bool down;               /* never */

    /* kept by the functions below */
    int64_t current, effective; /* weights of the round robin */
    unsigned conns;             /* requests under way */
    unsigned fails;
    int64_t failed_ms;  /* last failure */
    int64_t checked_ms; /* last failure, or last try after one */
};

struct cs_balance {
    enum cs_balance_method method;
    struct cs_balance_peer *peers; /* the caller's; outlive this */
    size_t n;
};

/* Endpoints tried already for one request: one bit each. */
#define CS_BALANCE_WORDS(n) (((n) + 63) / 64)

/** cs_balance_init() - a group over @n peers whose settings are filled in. */
void cs_balance_init(struct cs_balance *group, enum cs_balance_method method,
                     struct cs_balance_peer *peers, size_t n);
/** cs_balance_pick() - the endpoint for a request. @tried is CS_BALANCE_WORDS(n) words, or NULL
 *  for none. Backups come in when no other endpoint is left. A group of one is not taken out
 *  by failures. @now_ms is monotonic. Return: its index, or -1 when none can be asked. */
int cs_balance_pick(struct cs_balance *group, int64_t now_ms, const uint64_t *tried);
/** cs_balance_tried() - mark @index in @tried. */
void cs_balance_tried(uint64_t *tried, int index);
/** cs_balance_begin() - a request goes to the endpoint. */
void cs_balance_begin(struct cs_balance *group, int index);
/** cs_balance_end() - it is over: @ok unless the endpoint failed. Return: whether this failure
 *  took the endpoint out, for the log. */
bool cs_balance_end(struct cs_balance *group, int index, bool ok, int64_t now_ms);

#endif
