/* Calls of several crews, summed up. A call cannot be taken back, so the last one to end is the end
 * of the whole, even when its caller was told long before. */
#include "daemon/gather.h"

#include "base/mem.h"

struct cs_gather_call {
    struct cs_call call;
    struct cs_gather *gather;
};

static void tell(struct cs_gather *gather)
{
    if (gather->has_told)
        return;
    gather->has_told = true;
    for (unsigned i = 0; i < gather->n_calls; i++) {
        const struct cs_call *call = &gather->calls[i].call;
        gather->n_told += call->n_told;
        gather->n_done += call->n_done;
        gather->n_refused += call->n_refused;
        gather->n_gone += call->n_gone;
        gather->n_late += cs_call_waiting(call);
    }
    gather->told(gather);
}

static void on_replied(struct cs_call *call, unsigned worker, int result, struct cs_str words)
{
    struct cs_gather *gather = cs_container_of(call, struct cs_gather_call, call)->gather;

    if (result == 0 && gather->replied && !gather->has_told)
        gather->replied(gather, words);
}

static void on_late(struct cs_call *call)
{
    tell(cs_container_of(call, struct cs_gather_call, call)->gather);
}

static void on_ended(struct cs_call *call)
{
    struct cs_gather *gather = cs_container_of(call, struct cs_gather_call, call)->gather;
    struct cs_gather_call *calls = gather->calls;

    if (--gather->n_open > 0)
        return;
    tell(gather);
    gather->over(gather);
    free(calls);
}

void cs_gather_begin(struct cs_gather *gather, struct cs_crew *const *crews, size_t n,
                     enum cs_tell what, struct cs_str bytes, int fd)
{
    for (size_t i = 0; i < n; i++)
        gather->n_calls += crews[i] != NULL;
    if (gather->n_calls == 0) {
        gather->told(gather);
        gather->over(gather);
        return;
    }
    gather->n_open = gather->n_calls;
    gather->calls = cs_alloc(gather->n_calls * sizeof(*gather->calls));
    for (size_t i = 0, at = 0; i < n; i++) {
        if (!crews[i])
            continue;
        gather->calls[at] = (struct cs_gather_call){
            .call = {.replied = on_replied, .late = on_late, .ended = on_ended}, .gather = gather};
        cs_crew_tell(crews[i], what, bytes, fd, &gather->calls[at++].call);
    }
}
