/* Balancing, turn by turn, with a clock that the test moves. */
#include "route/balance.h"

#include "tap.h"

static struct cs_balance_peer peer(unsigned weight)
{
    return (struct cs_balance_peer){.weight = weight, .max_fails = 1, .fail_timeout_ms = 10000};
}

/* The next @n picks as letters, each request being over at once and well. */
static const char *turns(struct cs_balance *group, size_t n, int64_t now_ms)
{
    static char letters[64];
    size_t i;

    for (i = 0; i < n; i++) {
        int picked = cs_balance_pick(group, now_ms, NULL);
        letters[i] = picked < 0 ? '-' : (char)('a' + picked);
        if (picked < 0)
            continue;
        cs_balance_begin(group, picked);
        cs_balance_end(group, picked, true, now_ms);
    }
    letters[i] = '\0';
    return letters;
}

static void check(const char *got, const char *want, const char *what)
{
    tap_str(cs_str_from(got), cs_str_from(want), what);
}

static void test_round_robin(void)
{
    struct cs_balance_peer equal[] = {peer(1), peer(1), peer(1)};
    struct cs_balance_peer weighted[] = {peer(5), peer(1), peer(1)};
    struct cs_balance_peer some[] = {peer(1), peer(1), peer(1), peer(1)};
    struct cs_balance group;

    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, equal, 3);
    check(turns(&group, 7, 1000), "abcabca", "equal weights");
    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, weighted, 3);
    check(turns(&group, 14, 1000), "aabacaaaabacaa", "weights 5 1 1, smoothly");
    some[1].down = true;
    some[3].backup = true;
    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, some, 4);
    check(turns(&group, 4, 1000), "acac", "neither down nor backup");
    some[0].down = some[2].down = true;
    check(turns(&group, 2, 1000), "dd", "the backup when no other is left");
    some[3].down = true;
    check(turns(&group, 1, 1000), "-", "nobody");
}

static void fail(struct cs_balance *group, int index, int64_t now_ms, bool takes_out)
{
    cs_balance_begin(group, index);
    tap_int(cs_balance_end(group, index, false, now_ms), takes_out, "a failure");
}

static void test_failures(void)
{
    struct cs_balance_peer peers[] = {peer(1), peer(1)};
    struct cs_balance group;

    peers[0].max_fails = 2;
    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, peers, 2);
    fail(&group, 0, 1000, false);
    fail(&group, 0, 2000, true);
    check(turns(&group, 3, 2001), "bbb", "out after two failures");
    check(turns(&group, 3, 12000), "bbb", "for the whole time-out");
    tap_ok(strchr(turns(&group, 4, 12001), 'a') != NULL, "tried again afterwards");
    tap_int(peers[0].fails, 0, "and forgiven when it does well");
    fail(&group, 0, 12002, false);
    tap_ok(strchr(turns(&group, 4, 12003), 'a') != NULL, "one failure of two does not take out");
}

/* A retry after the time-out that fails again keeps it out for another one. */
static void test_fails_again(void)
{
    struct cs_balance_peer peers[] = {peer(1), peer(1)};
    struct cs_balance group;
    const uint64_t b_tried = 2;

    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, peers, 2);
    fail(&group, 0, 1000, true);
    tap_int(cs_balance_pick(&group, 11000, &b_tried), -1, "still out");
    tap_int(cs_balance_pick(&group, 11001, &b_tried), 0, "one try");
    tap_int(cs_balance_pick(&group, 11002, &b_tried), -1, "only one, until that is over");
    fail(&group, 0, 12000, false);
    tap_int(cs_balance_pick(&group, 22000, &b_tried), -1, "out again");
    tap_int(cs_balance_pick(&group, 22001, &b_tried), 0, "until its time");
}

static void test_single(void)
{
    struct cs_balance_peer one = peer(1), never[] = {peer(1), peer(1)};
    struct cs_balance group;

    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, &one, 1);
    fail(&group, 0, 1000, false);
    check(turns(&group, 2, 1001), "aa", "the only endpoint is always asked");
    never[0].max_fails = never[1].max_fails = 0;
    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, never, 2);
    fail(&group, 0, 1000, false);
    check(turns(&group, 2, 1001), "ab", "max_fails 0 counts nothing");
}

static void test_tried(void)
{
    struct cs_balance_peer peers[70];
    struct cs_balance group;
    uint64_t tried[CS_BALANCE_WORDS(70)] = {0};
    unsigned seen[70] = {0}, once = 0;
    int picked;

    for (size_t i = 0; i < 70; i++)
        peers[i] = peer(1 + i % 3);
    peers[69].backup = true;
    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, peers, 70);
    while ((picked = cs_balance_pick(&group, 1000, tried)) >= 0) {
        seen[picked]++;
        cs_balance_tried(tried, picked);
        if (picked == 69)
            break;
    }
    for (size_t i = 0; i < 70; i++)
        once += seen[i] == 1;
    tap_int(once, 70, "each endpoint once, the backup last");
    tap_int(cs_balance_pick(&group, 1000, tried), -1, "then none");
}

static void test_least_conn(void)
{
    struct cs_balance_peer peers[] = {peer(1), peer(2), peer(1)};
    struct cs_balance group;
    unsigned conns[3];

    cs_balance_init(&group, CS_BALANCE_LEAST_CONN, peers, 3);
    for (int i = 0; i < 40; i++)
        cs_balance_begin(&group, cs_balance_pick(&group, 1000, NULL));
    for (int i = 0; i < 3; i++)
        conns[i] = peers[i].conns;
    tap_ok(conns[0] == 10 && conns[1] == 20 && conns[2] == 10, "connections follow weights");
    cs_balance_end(&group, 2, true, 1000);
    tap_int(cs_balance_pick(&group, 1000, NULL), 2, "the one that has room");
    peers[2].down = true;
    tap_ok(cs_balance_pick(&group, 1000, NULL) != 2, "but not when it is down");
}

static void test_max_conns(void)
{
    struct cs_balance_peer peers[] = {peer(1), peer(1)};
    struct cs_balance group;

    peers[0].max_conns = 1;
    cs_balance_init(&group, CS_BALANCE_ROUND_ROBIN, peers, 2);
    cs_balance_begin(&group, 0);
    check(turns(&group, 2, 1000), "bb", "a full endpoint is passed over");
    cs_balance_end(&group, 0, true, 1000);
    tap_ok(strchr(turns(&group, 2, 1000), 'a') != NULL, "until it has room");
}

int main(void)
{
    test_round_robin();
    test_failures();
    test_fails_again();
    test_single();
    test_tried();
    test_least_conn();
    test_max_conns();
    return tap_done();
}
