/* New credentials come into a worker: what has changed of the files comes over the channel, and is
 * made into credentials by the same code that made the first ones. They are swapped between two
 * events, all of a message at once. New handshakes, resumptions and requests to upstreams go by
 * them from then on; open connections are judged again where trust is another. */
#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "explain/finding.h"
#include "gateway/cut.h"
#include "gateway/message.h"
#include "gateway/state.h"
#include "snapshot/errand.h"
#include "snapshot/renewal.h"

/* Lists that wait for the message that says what to do with them. */
struct cs_waiting_lists {
    size_t material;
    struct cs_str block;
    struct cs_waiting_lists *next;
};

static void drop_lists(struct cs_worker *worker)
{
    struct cs_waiting_lists *lists;

    while ((lists = worker->waiting_lists)) {
        worker->waiting_lists = lists->next;
        if (lists->block.len)
            munmap((void *)lists->block.ptr, lists->block.len);
        free(lists);
    }
}

static bool is_material(const struct cs_worker *worker, uint64_t material)
{
    return material < worker->snapshot->keyring->n_materials;
}

int cs_renew_lists(struct cs_worker *worker, struct cs_channel_message *message,
                   struct cs_buf *reply)
{
    struct cs_waiting_lists *lists;
    uint64_t material;
    struct cs_str block;
    int r;

    if (message->bytes.len != sizeof(material) || message->fd < 0)
        return -EBADMSG;
    memcpy(&material, message->bytes.ptr, sizeof(material));
    r = is_material(worker, material) ? cs_sealed_map(message->fd, &block) : -EBADMSG;
    if (r < 0)
        return r;
    lists = CS_NEW(struct cs_waiting_lists);
    *lists = (struct cs_waiting_lists){(size_t)material, block, worker->waiting_lists};
    worker->waiting_lists = lists;
    return 0;
}

static int take_lists(struct cs_worker *worker, struct cs_renewal *renewal)
{
    int r = 0;

    for (struct cs_waiting_lists *l = worker->waiting_lists; l && r == 0; l = l->next) {
        r = cs_renewal_take_lists(renewal, l->material, l->block);
        if (r == 0)
            l->block = (struct cs_str){0};
    }
    return r;
}

static int take_steps(struct cs_worker *worker, const struct cs_renewal_parcel *parcel,
                      struct cs_renewal *renewal, struct cs_findings *findings)
{
    for (size_t i = 0; i < parcel->n_steps; i++) {
        size_t material = parcel->steps[i].material;
        if (!is_material(worker, material))
            return -EBADMSG;
        if (cs_keyring_is_lists(worker->snapshot->keyring, material))
            continue; /* they have come beside */
        if (cs_renewal_take(renewal, parcel->steps[i], findings) < 0)
            return -EINVAL;
    }
    return 0;
}

static bool is_current(void *ctx, const struct cs_upconn *up)
{
    return !up->tls || up->tls == cs_worker_upstream_tls(ctx, up->proxy);
}

static void swap(struct cs_worker *worker, struct cs_renewal *renewal)
{
    if (cs_renewal_commit(renewal))
        cs_cut_round(worker);
    else
        cs_cut_move_on(worker);
    cs_pools_sift(&worker->pools, is_current, worker);
}

static int renew(struct cs_worker *worker, const struct cs_renewal_parcel *parcel,
                 struct cs_findings *findings)
{
    struct cs_config_reader reader = cs_renewal_parcel_reader(parcel);
    struct cs_renewal *renewal =
        cs_renewal_new(worker->snapshot, &reader, cs_now_sec(&worker->loop.now));
    int r = take_lists(worker, renewal);

    r = r < 0 ? r : take_steps(worker, parcel, renewal, findings);
    r = r < 0 ? r : cs_renewal_build(renewal, findings);
    if (r == 0)
        swap(worker, renewal);
    cs_renewal_free(renewal);
    return r;
}

/* Why not: the supervisor has found nothing wrong with it. */
static void explain(const struct cs_findings *findings, struct cs_buf *reply)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        if (f->kind->severity != CS_SEVERITY_ERROR)
            continue;
        cs_explain_line(f, reply);
        return;
    }
}

int cs_renew(struct cs_worker *worker, struct cs_channel_message *message, struct cs_buf *reply)
{
    struct cs_renewal_parcel parcel;
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_str bytes;
    int r = message->fd < 0 ? -EBADMSG : cs_sealed_map(message->fd, &bytes);

    if (r < 0)
        return r;
    cs_findings_init(&findings, &arena);
    r = cs_renewal_unpack(bytes, &arena, &parcel);
    if (r == 0) {
        r = renew(worker, &parcel, &findings);
        cs_renewal_parcel_deinit(&parcel);
    }
    if (r < 0)
        explain(&findings, reply);
    munmap((void *)bytes.ptr, bytes.len);
    drop_lists(worker);
    cs_arena_deinit(&arena);
    return r;
}

/* Of an errand that another configuration has, nobody asks here. */
int cs_tell_errand(struct cs_worker *worker, struct cs_channel_message *message,
                   struct cs_buf *reply)
{
    int r = cs_errand_hear(worker->snapshot->errands, message->bytes);

    return r == -ENOENT ? 0 : r;
}

void cs_renew_deinit(struct cs_worker *worker)
{
    drop_lists(worker);
}
