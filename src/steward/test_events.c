/* Streams of events in pieces of every size, and what an event says about a revocation. */
#include "steward/events.h"

#include "tap.h"

static struct cs_buf seen;

static void hear(void *ctx, const struct cs_event *event)
{
    cs_buf_addf(&seen, "[%.*s|%.*s]", CS_FMT(event->name), CS_FMT(event->data));
}

static void test_streams(void)
{
    static const struct {
        const char *what;
        struct cs_str stream;
        const char *events, *id;
    } rows[] = {
        {"an event", CS_STR_INIT("id: 7\nevent: revoked\ndata: {}\n\n"), "[revoked|{}]", "7"},
        {"CR LF", CS_STR_INIT("id: 7\r\nevent: revoked\r\ndata: x\r\n\r\n"), "[revoked|x]", "7"},
        {"CR", CS_STR_INIT("event: a\rdata: x\r\revent: b\rdata: y\r\r"), "[a|x][b|y]", ""},
        {"no blank behind the colon", CS_STR_INIT("data:x\n\n"), "[|x]", ""},
        {"one blank is not part of it", CS_STR_INIT("data:  x\n\n"), "[| x]", ""},
        {"several lines of data", CS_STR_INIT("data: a\ndata: b\n\n"), "[|a\nb]", ""},
        {"comments", CS_STR_INIT(":\n\n: alive\ndata: x\n\n:\n\n"), "[|x]", ""},
        {"without data it is none", CS_STR_INIT("event: revoked\nid: 3\n\n"), "", "3"},
        {"the name does not last", CS_STR_INIT("event: a\ndata: 1\n\ndata: 2\n\n"), "[a|1][|2]",
         ""},
        {"the id does", CS_STR_INIT("id: 5\ndata: 1\n\ndata: 2\n\n"), "[|1][|2]", "5"},
        {"unknown fields", CS_STR_INIT("retry: 10\nfoo\ndata: x\n\n"), "[|x]", ""},
        {"not whole", CS_STR_INIT("data: x\n\ndata: y\n"), "[|x]", ""},
        {"an empty one", CS_STR_INIT("data\n\n"), "[|]", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step <= 9; step += 4) {
            struct cs_event_reader reader;
            struct cs_str rest = rows[i].stream;
            cs_event_reader_init(&reader, hear, NULL);
            cs_buf_reset(&seen);
            while (rest.len) {
                size_t n = rest.len < step ? rest.len : step;
                cs_event_reader_feed(&reader, cs_str_sub(rest, 0, n));
                rest = cs_str_skip(rest, n);
            }
            tap_str(cs_buf_str(&seen), cs_str_from(rows[i].events), rows[i].what);
            tap_str(cs_event_reader_id(&reader), cs_str_from(rows[i].id), "its id");
            cs_event_reader_deinit(&reader);
        }
    }
}

static void test_limits(void)
{
    struct cs_event_reader reader;
    char line[CS_EVENT_LINE_MAX + 1];

    cs_event_reader_init(&reader, hear, NULL);
    cs_buf_reset(&seen);
    tap_ok(cs_event_reader_feed(&reader, CS_STR("id: 1\ndata: lost")), "half an event");
    cs_event_reader_restart(&reader);
    tap_ok(cs_event_reader_feed(&reader, CS_STR("data: x\n\n")), "a new stream");
    tap_str(cs_buf_str(&seen), CS_STR("[|x]"), "begins at a line");
    tap_str(cs_event_reader_id(&reader), CS_STR("1"), "behind the same id");
    memset(line, 'a', sizeof(line));
    tap_ok(!cs_event_reader_feed(&reader, cs_str_make(line, sizeof(line))), "too long a line");
    cs_event_reader_restart(&reader);
    memcpy(line, "data:", 5);
    line[4000] = '\n';
    for (int i = 0; i < 4; i++)
        (void)cs_event_reader_feed(&reader, cs_str_make(line, 4001));
    tap_ok(!cs_event_reader_feed(&reader, cs_str_make(line, 4001)), "too much data");
    cs_event_reader_deinit(&reader);
}

#define TIMES "\"revoked_at\":\"2027-01-15T08:00:00Z\",\"not_after\":\"2027-01-16T08:00:00Z\""

static void test_revocations(void)
{
    static const struct {
        const char *data;
        bool good;
    } rows[] = {
        {"{\"serial\":\"4f00112233445566778899aabbccddee\",\"reason\":\"keyCompromise\"," TIMES "}",
         true},
        {"{\"serial\":\"4f00112233445566778899aabbccddee\"," TIMES ",\"issuer\":2,\"new\":[]}",
         true},
        {"{\"serial\":\"4711\"," TIMES "}", false}, /* could be anybody's */
        {"{\"serial\":\"xyz\"," TIMES "}", false},
        {"{\"serial\":1," TIMES "}", false},
        {"{" TIMES "}", false},
        {"{\"serial\":\"4f00112233445566778899aabbccddee\"}", false},
        {"[]", false},
        {"", false},
        {"{", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t serial[CS_REVOKED_SERIAL_MAX];
        struct cs_revocation r;
        int result = cs_event_revocation(cs_str_from(rows[i].data), serial, &r);
        if (!tap_ok((result == 0) == rows[i].good, "%s", rows[i].data) || result)
            continue;
        tap_int((int64_t)r.serial.len, 16, "its serial number");
        tap_ok(r.any_issuer && r.revoked_at == 1800000000 && r.not_after == 1800086400,
               "its times");
        tap_int((int64_t)r.reason, i == 0 ? 1 : 0, "its reason");
    }
}

int main(void)
{
    cs_buf_init(&seen, 1 << 16);
    test_streams();
    test_limits();
    test_revocations();
    cs_buf_deinit(&seen);
    return tap_done();
}
