/* What has expired is archived beside the requests: a bounded part at a time, then others come
 * first for as long again and more, so that nobody waits for more than one part. */
#include "enrol/server_state.h"

enum {
    FIRST_MS = 1000,
    IDLE_MS = 10000, /* until it is looked again when nothing is due */
    REST_MIN_MS = 10,
    REST_FACTOR = 3, /* of the time that a part has taken */
};

/* Return: how long to rest. */
static int64_t sweep_some(struct cs_enrol_server *server)
{
    int64_t begun_ms = server->loop.now.mono_ms, rest_ms;
    uint32_t n = 0;
    int r = cs_ca_sweep(server->ca, cs_enrol_now(server), &n);

    if (r == 0 && n == 0)
        r = cs_ca_tidy(server->ca);
    if (r < 0)
        cs_enrol_fault(server, r, "what has expired cannot be archived");
    if (r < 0 || n == 0)
        return IDLE_MS;
    cs_loop_now(&server->loop);
    rest_ms = REST_FACTOR * (server->loop.now.mono_ms - begun_ms);
    return rest_ms > REST_MIN_MS ? rest_ms : REST_MIN_MS;
}

static void on_sweep(struct cs_timer *timer)
{
    struct cs_enrol_server *server = cs_container_of(timer, struct cs_enrol_server, sweep);
    int64_t rest_ms = sweep_some(server);

    cs_timer_set(&server->loop, timer, server->loop.now.mono_ms + rest_ms);
}

void cs_sweep_init(struct cs_enrol_server *server)
{
    server->sweep.fire = on_sweep;
    cs_timer_set(&server->loop, &server->sweep, server->loop.now.mono_ms + FIRST_MS);
}

void cs_sweep_deinit(struct cs_enrol_server *server)
{
    cs_timer_cancel(&server->loop, &server->sweep);
}
