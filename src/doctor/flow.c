/* Sequence numbers become offsets in the stream, near the byte that is wanted next; what comes
 * early waits in order. */
#include "doctor/flow.h"

#include "base/mem.h"
#include "doctor/packet.h"

struct early {
    struct cs_list link;
    uint64_t at;
    struct cs_mark mark;
    size_t len;
    char bytes[];
};

void cs_flow_init(struct cs_flow *flow, size_t *budget)
{
    *flow = (struct cs_flow){.budget = budget};
    cs_buf_init(&flow->bytes, CS_FLOW_BYTES);
    cs_list_init(&flow->waiting);
}

/* What it takes to keep @len bytes waiting: small packets cost more than what is in them. */
static size_t price(size_t len)
{
    return sizeof(struct early) + len;
}

static void drop(struct cs_flow *flow, struct early *early)
{
    cs_list_remove(&early->link);
    flow->n_waiting -= price(early->len);
    *flow->budget += price(early->len);
    free(early);
}

void cs_flow_deinit(struct cs_flow *flow)
{
    CS_LIST_FOREACH_SAFE (link, &flow->waiting)
        drop(flow, cs_container_of(link, struct early, link));
    *flow->budget += flow->bytes.len;
    cs_buf_deinit(&flow->bytes);
    free(flow->marks);
    flow->marks = NULL;
}

static void hold(struct cs_flow *flow, struct cs_str bytes)
{
    if (flow->full || bytes.len > *flow->budget || cs_buf_add_str(&flow->bytes, bytes) < 0)
        flow->full = true;
    else
        *flow->budget -= bytes.len;
}

static void note_mark(struct cs_flow *flow, struct cs_mark mark)
{
    if (flow->full || flow->n_marks == CS_FLOW_MARKS)
        return;
    if (!(flow->n_marks & (flow->n_marks - 1))) { /* full at every power of two */
        size_t room = flow->n_marks ? 2 * flow->n_marks : 1;
        flow->marks = realloc(flow->marks, room * sizeof(*flow->marks));
        cs_assert(flow->marks != NULL);
    }
    mark.end = flow->bytes.len;
    flow->marks[flow->n_marks++] = mark;
}

/* Bytes at @at, of which at least the first is not beyond what is wanted. */
static void append(struct cs_flow *flow, uint64_t at, struct cs_str bytes, struct cs_mark mark)
{
    if (at + bytes.len <= flow->next)
        return;
    bytes = cs_str_skip(bytes, (size_t)(flow->next - at));
    hold(flow, bytes);
    flow->next += bytes.len;
    note_mark(flow, mark);
}

static void append_waiting(struct cs_flow *flow)
{
    CS_LIST_FOREACH_SAFE (link, &flow->waiting) {
        struct early *early = cs_container_of(link, struct early, link);
        if (early->at > flow->next)
            return;
        append(flow, early->at, cs_str_make(early->bytes, early->len), early->mark);
        drop(flow, early);
    }
}

static void wait(struct cs_flow *flow, uint64_t at, struct cs_str bytes, struct cs_mark mark)
{
    struct cs_list *before = flow->waiting.prev;
    struct early *early;

    if (!bytes.len || price(bytes.len) > *flow->budget ||
        price(bytes.len) + flow->n_waiting > CS_FLOW_WAITING || at - flow->next > CS_FLOW_BYTES)
        return;
    early = cs_alloc(price(bytes.len));
    early->at = at;
    early->mark = mark;
    early->len = bytes.len;
    memcpy(early->bytes, bytes.ptr, bytes.len);
    while (before != &flow->waiting && cs_container_of(before, struct early, link)->at > at)
        before = before->prev;
    cs_list_push_front(before, &early->link);
    flow->n_waiting += price(early->len);
    *flow->budget -= price(early->len);
}

/* Where in the stream @seq is: the place nearest to what is wanted. Negative: before its begin. */
static int64_t offset_of(const struct cs_flow *flow, uint32_t seq)
{
    return (int64_t)flow->next + (int32_t)(seq - (flow->base + (uint32_t)flow->next));
}

static void add_bytes(struct cs_flow *flow, const struct cs_segment *segment, struct cs_mark mark)
{
    int64_t at;

    if (!flow->based) {
        flow->based = true;
        flow->base = segment->seq;
    }
    at = offset_of(flow, segment->seq);
    if (at < 0)
        return;
    if ((uint64_t)at + segment->sent <= flow->next) {
        flow->n_again++;
        return;
    }
    flow->n_cut += segment->sent - segment->bytes.len;
    if ((uint64_t)at > flow->next) {
        flow->n_early++;
        wait(flow, (uint64_t)at, segment->bytes, mark);
        return;
    }
    append(flow, (uint64_t)at, segment->bytes, mark);
    append_waiting(flow);
}

static void note_first(struct cs_mark *place, struct cs_mark mark)
{
    if (!place->packet)
        *place = mark;
}

/* A packet that is really sent again is so after a round trip at least. */
static bool is_double(struct cs_flow *flow, const struct cs_segment *s)
{
    enum { NO_TIME_US = 100 };
    bool is = flow->n_packets && s->seq == flow->last.seq && s->sent == flow->last.sent &&
              s->flags == flow->last.flags && s->time_us - flow->last.time_us < NO_TIME_US &&
              (s->sent || s->flags & (CS_TCP_SYN | CS_TCP_FIN | CS_TCP_RST));

    flow->last.seq = s->seq;
    flow->last.sent = s->sent;
    flow->last.flags = s->flags;
    flow->last.time_us = s->time_us;
    return is;
}

bool cs_flow_add(struct cs_flow *flow, const struct cs_segment *segment)
{
    struct cs_mark mark = {.time_us = segment->time_us, .packet = segment->packet};
    struct cs_segment rest = *segment;

    if (is_double(flow, segment))
        return false;
    flow->n_packets++;
    if (segment->flags & CS_TCP_SYN) {
        flow->n_syns++;
        note_first(&flow->syn, mark);
        rest.seq++;
        if (!flow->based) {
            flow->began = flow->based = true;
            flow->base = rest.seq;
        }
    }
    if (segment->flags & CS_TCP_RST) { /* what it carries are words about it, not the stream */
        note_first(&flow->rst, mark);
        return true;
    }
    if (segment->sent)
        add_bytes(flow, &rest, mark);
    if (segment->flags & CS_TCP_FIN)
        note_first(&flow->fin, mark);
    return true;
}

uint64_t cs_flow_gap(const struct cs_flow *flow)
{
    if (cs_list_empty(&flow->waiting))
        return 0;
    return cs_container_of(flow->waiting.next, struct early, link)->at - flow->next;
}

struct cs_mark cs_flow_at(const struct cs_flow *flow, size_t end)
{
    size_t low = 0, high = flow->n_marks;

    if (!flow->n_marks)
        return (struct cs_mark){0};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (flow->marks[middle].end < end)
            low = middle + 1;
        else
            high = middle;
    }
    return flow->marks[low < flow->n_marks ? low : flow->n_marks - 1];
}
