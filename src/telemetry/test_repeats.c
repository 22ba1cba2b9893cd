/* Repeats: the first is told whole, the others as a number that adds up, in bounded memory. */
#include "telemetry/repeats.h"

#include <stdio.h>

#include "tap.h"

static const struct cs_finding_kind one = {.code = "one"}, other = {.code = "other"};
static const uint8_t leaf[32] = {1}, leaf_b[32] = {2};

/* What was told. */
static struct {
    int calls;
    uint64_t more;
    struct cs_repeat last;
} told;

static void tell(void *ctx, const struct cs_repeat *group)
{
    told.calls++;
    told.more += group->more;
    told.last = *group;
}

static struct cs_repeats *fresh(void)
{
    memset(&told, 0, sizeof(told));
    return cs_repeats_new(tell, NULL);
}

static bool note(struct cs_repeats *repeats, const char *peer, const struct cs_finding_kind *kind,
                 const uint8_t *certificate, int64_t now)
{
    struct cs_repeat_key key = {
        .peer = cs_str_from(peer), .kind = kind, .certificate = certificate};
    bool first = false;

    cs_repeats_note(repeats, &key, now, &first);
    return first;
}

/* The same peer, code and certificate in different places. */
static bool note_rules(struct cs_repeats *repeats, const void *rules, int64_t now)
{
    struct cs_repeat_key key = {
        .peer = CS_STR("192.0.2.1"), .kind = &one, .certificate = leaf, .rules = rules};
    bool first = false;

    cs_repeats_note(repeats, &key, now, &first);
    return first;
}

static void test_places(void)
{
    struct cs_repeats *repeats = fresh();

    tap_ok(note_rules(repeats, NULL, 1000), "at no place");
    tap_ok(note_rules(repeats, &leaf, 1001), "by the rules of a place");
    tap_ok(!note_rules(repeats, &leaf, 1002), "by the same again");
    tap_ok(note_rules(repeats, &leaf_b, 1002), "by those of another");
    cs_repeats_free(repeats, 3000);
    tap_int((int64_t)told.more, 1, "one was repeated");
}

static void test_same(void)
{
    struct cs_repeats *repeats = fresh();

    tap_ok(note(repeats, "192.0.2.1", &one, leaf, 1000), "the first is told whole");
    tap_ok(!note(repeats, "192.0.2.1", &one, leaf, 1001), "the second is not");
    tap_ok(note(repeats, "192.0.2.2", &one, leaf, 1001), "another peer");
    tap_ok(note(repeats, "192.0.2.1", &other, leaf, 1001), "another code");
    tap_ok(note(repeats, "192.0.2.1", &one, leaf_b, 1001), "another certificate");
    tap_ok(note(repeats, "192.0.2.1", &one, NULL, 1001), "no certificate");
    tap_int(cs_repeats_due(repeats, 1500), 2000, "due after a second");
    tap_int(told.calls, 0, "not before");
    cs_repeats_due(repeats, 2001);
    tap_int(told.calls, 1, "then the one that was repeated is told");
    tap_int((int64_t)told.more, 1, "how often");
    tap_str(cs_str_from(told.last.peer), CS_STR("192.0.2.1"), "of whom");
    cs_repeats_free(repeats, 3000);
    tap_int(told.calls, 1, "nothing is left to tell");
}

/* A thousand a second for ten minutes. */
static void test_flood(void)
{
    struct cs_repeats *repeats = fresh();
    uint64_t n = 0, whole = 0;

    for (int64_t now = 1; now <= 600000; now++, n++) {
        whole += note(repeats, "192.0.2.1", &one, leaf, now);
        if (now % 100 == 0)
            cs_repeats_due(repeats, now);
    }
    cs_repeats_free(repeats, 600001);
    tap_int((int64_t)whole, 1, "one is told whole");
    tap_ok(told.calls < 20, "the others in %d lines", told.calls);
    tap_int((int64_t)(told.more + whole), (int64_t)n, "that add up");
}

static void test_silence(void)
{
    struct cs_repeats *repeats = fresh();
    int64_t next;

    note(repeats, "192.0.2.1", &one, leaf, 1000);
    next = cs_repeats_due(repeats, 2000);
    tap_ok(next > 2000 && next <= 61000, "a silent group ends by itself");
    tap_int(cs_repeats_due(repeats, 61000), -1, "and then nothing is due");
    tap_ok(note(repeats, "192.0.2.1", &one, leaf, 61001), "what comes then is told whole again");
    tap_int(told.calls, 0, "nothing else was told");
    cs_repeats_free(repeats, 70000);
}

/* Everybody fails at once. */
static void test_crowd(void)
{
    struct cs_repeats *repeats = fresh();
    uint64_t n = 0, whole = 0;
    char peer[32];

    for (int64_t now = 1; now <= 10000; now++) {
        for (int i = 0; i < 10; i++, n++) {
            snprintf(peer, sizeof(peer), "2001:db8::%llx", (unsigned long long)n);
            whole += note(repeats, peer, n % 3 ? &one : &other, NULL, now);
        }
        if (now % 100 == 0)
            cs_repeats_due(repeats, now);
    }
    cs_repeats_free(repeats, 10001);
    tap_ok(whole <= CS_REPEATS_BURST + 10 * CS_REPEATS_PER_SEC + 2, "%d of 100000 are told whole",
           (int)whole);
    tap_ok(told.calls < 50, "and %d lines for all others", told.calls);
    tap_int((int64_t)(told.more + whole), (int64_t)n, "that add up");
    tap_str(cs_str_from(told.last.peer), CS_STR(""), "they are about several peers");
}

/* More groups than there is room for, slowly enough that each may begin. */
static void test_room(void)
{
    struct cs_repeats *repeats = fresh();
    char peer[32];
    int64_t now = 0;
    int whole = 0, n = CS_REPEATS_MAX + 50;

    for (int i = 0; i < n; i++, now += 50) {
        snprintf(peer, sizeof(peer), "192.0.2.%d", i);
        whole += note(repeats, peer, &one, NULL, now);
        note(repeats, peer, &one, NULL, now);
    }
    tap_int(whole, n, "each peer is told of");
    tap_int(told.calls, 50, "those that made room were told first");
    cs_repeats_free(repeats, now);
    tap_int((int64_t)told.more, n, "none is lost");
}

int main(void)
{
    test_same();
    test_places();
    test_flood();
    test_silence();
    test_crowd();
    test_room();
    return tap_done();
}
