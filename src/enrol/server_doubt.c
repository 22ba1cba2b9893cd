/* Join tokens cannot be guessed; who tries all the same shall cost little and be seen. Twenty that
 * are refused cost nothing; from then on an address waits, each time twice as long, and while it
 * waits its tokens are not looked at. Ten minutes after the last one all is forgotten.
 *
 * Tokens are found by their SHA-256, so how long that takes says nothing about a token. */
#include "enrol/server_state.h"

#include "enrol/findings.h"

enum { FREE = 20, WAIT_MAX_SEC = 64, FORGET_MS = 600 * 1000 };

static struct cs_doubt *find(struct cs_doubts *doubts, const struct cs_net *net)
{
    for (size_t i = 0; i < doubts->n; i++) {
        if (cs_net_eq(&doubts->items[i].net, net))
            return &doubts->items[i];
    }
    return NULL;
}

/* A place for @net: a new one, or that of whom nothing was heard for longest. */
static struct cs_doubt *add(struct cs_doubts *doubts, const struct cs_net *net)
{
    struct cs_doubt *oldest = &doubts->items[0];

    if (doubts->n < CS_DOUBTS_MAX) {
        oldest = &doubts->items[doubts->n++];
    } else {
        for (size_t i = 1; i < doubts->n; i++) {
            if (doubts->items[i].last_ms < oldest->last_ms)
                oldest = &doubts->items[i];
        }
    }
    *oldest = (struct cs_doubt){.net = *net};
    return oldest;
}

void cs_doubt_count(struct cs_enrol_server *server, const struct cs_addr *peer)
{
    struct cs_net net = cs_net_of(peer);
    struct cs_doubt *doubt = find(&server->doubts, &net);
    int64_t now_ms = server->loop.now.mono_ms;
    char text[CS_ADDR_TEXT];
    int64_t wait_sec = WAIT_MAX_SEC;

    if (!doubt)
        doubt = add(&server->doubts, &net);
    if (now_ms - doubt->last_ms >= FORGET_MS)
        doubt->n = 0;
    doubt->last_ms = now_ms;
    if (++doubt->n <= FREE)
        return;
    if (doubt->n - FREE <= 6)
        wait_sec = 1LL << (doubt->n - FREE);
    doubt->until_ms = now_ms + wait_sec * 1000;
    cs_enrol_log(server, CS_LOG_WARN,
                 "%u join tokens from %.*s were refused: it is not heard for %lld s", doubt->n,
                 CS_FMT(cs_net_text(&net, text)), (long long)wait_sec);
}

bool cs_doubt_refuses(struct cs_enrol_server *server, struct cs_question *question)
{
    struct cs_net net = cs_net_of(question->peer);
    const struct cs_doubt *doubt = find(&server->doubts, &net);
    int64_t left_ms = doubt ? doubt->until_ms - server->loop.now.mono_ms : 0;

    if (left_ms <= 0)
        return false;
    question->retry_sec = (unsigned)((left_ms + 999) / 1000);
    CS_FIND(&question->findings, CS_ENROL_KIND(TOKENS_TOO_MANY), NULL,
            cs_arena_u64(&question->arena, doubt->n),
            cs_arena_u64(&question->arena, question->retry_sec));
    cs_question_refuse(question, 0);
    return true;
}
