/* The same stream in every order in which packets can come. */
#include "doctor/flow.h"

#include "doctor/packet.h"
#include "tap.h"

struct piece {
    uint32_t seq;
    uint8_t flags;
    const char *bytes;
    uint32_t sent; /* 0: as much as there is */
};

#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

static const struct {
    const char *name;
    struct piece pieces[8]; /* up to one without bytes and flags */
    const char *stream;
    unsigned again, early;
    uint64_t gap, cut;
} rows[] = {
    {"in order",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 0}, {103, 16, "def", 0}, END},
     "abcdef",
     0,
     0,
     0,
     0},
    {"no SYN", {{100, 16, "abc", 0}, {103, 16, "def", 0}, END}, "abcdef", 0, 0, 0, 0},
    {"turned round",
     {{99, CS_TCP_SYN, "", 0}, {106, 16, "ghi", 0}, {103, 16, "def", 0}, {100, 16, "abc", 0}, END},
     "abcdefghi",
     0,
     2,
     0,
     0},
    {"twice",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 0}, {100, 16, "abc", 0}, {103, 16, "d", 0}, END},
     "abcd",
     1,
     0,
     0,
     0},
    {"overlapping",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 0}, {101, 16, "bcde", 0}, END},
     "abcde",
     0,
     0,
     0,
     0},
    {"waiting ones overlap",
     {{99, CS_TCP_SYN, "", 0}, {102, 16, "cd", 0}, {103, 16, "def", 0}, {100, 16, "ab", 0}, END},
     "abcdef",
     0,
     2,
     0,
     0},
    {"one is missing",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 0}, {110, 16, "x", 0}, END},
     "abc",
     0,
     1,
     7,
     0},
    {"cut by the capture",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 5}, {105, 16, "fg", 0}, END},
     "abc",
     0,
     1,
     2,
     2},
    {"cut, then sent again",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 5}, {105, 16, "fg", 0}, {103, 16, "de", 0}, END},
     "abcdefg",
     0,
     1,
     0,
     2},
    {"numbers that wrap",
     {{0xfffffffd, CS_TCP_SYN, "", 0}, {0xfffffffe, 16, "abc", 0}, {1, 16, "def", 0}, END},
     "abcdef",
     0,
     0,
     0,
     0},
    {"keep-alive",
     {{99, CS_TCP_SYN, "", 0}, {100, 16, "abc", 0}, {102, 16, "c", 0}, END},
     "abc",
     1,
     0,
     0,
     0},
    {"before its beginning",
     {{99, CS_TCP_SYN, "", 0}, {90, 16, "abc", 0}, {100, 16, "x", 0}, END},
     "x",
     0,
     0,
     0,
     0},
    {"data in the SYN", {{99, CS_TCP_SYN, "ab", 0}, {102, 16, "c", 0}, END}, "abc", 0, 0, 0, 0},
    {"data in the RST is none",
     {{99, CS_TCP_SYN, "", 0}, {100, CS_TCP_RST, "why", 0}, END},
     "",
     0,
     0,
     0,
     0},
};

static void add(struct cs_flow *flow, const struct piece *p, unsigned n)
{
    struct cs_str bytes = cs_str_from(p->bytes);

    cs_flow_add(flow, &(struct cs_segment){.seq = p->seq,
                                           .flags = p->flags,
                                           .bytes = bytes,
                                           .sent = p->sent ? p->sent : (uint32_t)bytes.len,
                                           .time_us = 1000 * n,
                                           .packet = n});
}

static void test_row(size_t i)
{
    size_t budget = 1 << 20;
    struct cs_flow flow;

    cs_flow_init(&flow, &budget);
    for (unsigned n = 0; rows[i].pieces[n].flags; n++)
        add(&flow, &rows[i].pieces[n], n + 1);
    tap_str(cs_buf_str(&flow.bytes), cs_str_from(rows[i].stream), rows[i].name);
    tap_int(flow.n_again, rows[i].again, "again");
    tap_int(flow.n_early, rows[i].early, "early");
    tap_int((int64_t)cs_flow_gap(&flow), (int64_t)rows[i].gap, "gap");
    tap_int((int64_t)flow.n_cut, (int64_t)rows[i].cut, "cut");
    cs_flow_deinit(&flow);
    tap_int((int64_t)budget, 1 << 20, "everything is given back");
}

static void test_marks(void)
{
    size_t budget = 1 << 20;
    struct cs_flow flow;

    cs_flow_init(&flow, &budget);
    add(&flow, &(struct piece){99, CS_TCP_SYN, "", 0}, 1);
    add(&flow, &(struct piece){103, 16, "def", 0}, 2);
    add(&flow, &(struct piece){100, 16, "abc", 0}, 3);
    add(&flow, &(struct piece){106, 16 | CS_TCP_FIN, "g", 0}, 4);
    tap_int(cs_flow_at(&flow, 1).packet, 3, "the first byte came with the third packet");
    tap_int(cs_flow_at(&flow, 6).packet, 2, "the sixth with the second");
    tap_int(cs_flow_at(&flow, 7).time_us, 4000, "the last at its time");
    tap_ok(flow.syn.packet == 1 && flow.fin.packet == 4 && !flow.rst.packet, "SYN and FIN");
    cs_flow_deinit(&flow);
}

/* The "any" interface shows a packet twice, which is not sending it again. */
static void test_doubles(void)
{
    size_t budget = 1 << 20;
    struct cs_flow flow;
    struct cs_segment s = {.seq = 1, .flags = 16, .bytes = CS_STR("a"), .sent = 1, .packet = 1};

    cs_flow_init(&flow, &budget);
    tap_ok(cs_flow_add(&flow, &s), "once");
    s.time_us = 30;
    tap_ok(!cs_flow_add(&flow, &s), "captured twice");
    s.time_us = 3000;
    tap_ok(cs_flow_add(&flow, &s), "sent twice");
    tap_int(flow.n_again, 1, "which is counted");
    cs_flow_deinit(&flow);
}

/* What a hostile file can make it hold is bounded, by the flow and by the budget of all. */
static void test_bounds(void)
{
    static char block[40000];
    size_t budget = 100000;
    struct cs_flow flow;

    cs_flow_init(&flow, &budget);
    for (uint32_t i = 0; i < 100; i++) {
        struct cs_segment s = {.seq = 1 + i * 40000, .flags = 16, .packet = i + 1};
        s.bytes = cs_str_make(block, sizeof(block));
        s.sent = sizeof(block);
        cs_flow_add(&flow, &s);
    }
    tap_ok(flow.full && flow.bytes.len == 80000, "no more than the budget");
    tap_int((int64_t)flow.next, 4000000, "but all of it is counted");
    for (uint32_t i = 0; i < 100; i++) {
        struct cs_segment s = {.seq = 5000000 + i * 1000, .flags = 16, .packet = 200 + i};
        s.bytes = cs_str_make(block, 1000);
        s.sent = 1000;
        cs_flow_add(&flow, &s);
    }
    tap_ok(flow.n_waiting <= 20000, "nor do more wait");
    cs_flow_deinit(&flow);
    tap_int((int64_t)budget, 100000, "everything is given back");
}

int main(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        test_row(i);
    test_marks();
    test_doubles();
    test_bounds();
    return tap_done();
}
