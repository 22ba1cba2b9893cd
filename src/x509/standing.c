/* A hash table of entries in the order of their last use; an entry is found by a digest of what
 * names the certificate, so that no part of it need be kept. */
#include "x509/standing.h"

#include <errno.h>
#include <stdio.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/time.h"
#include "x509/digest.h"

/* In use, a certificate is asked about so often at least. */
enum { HOUR_SEC = 3600 };

struct entry {
    struct cs_standing standing;
    struct cs_list bucket;
    struct cs_list order; /* most recently used first */
};

struct cs_standings {
    size_t max, n;
    size_t n_buckets; /* a power of two */
    struct cs_list *buckets;
    struct cs_list order;
};

/* ---- one ---- */

void cs_standing_key(const struct cs_cert *cert, const struct cs_cert *issuer,
                     struct cs_str responder, uint8_t ret_key[CS_STANDING_KEY])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, issuer->subject);
    cs_digest_add(&digest, issuer->spki);
    cs_digest_add(&digest, cert->serial);
    cs_digest_add(&digest, responder);
    cs_digest_final(&digest, ret_key);
}

struct cs_str cs_standing_responder(const struct cs_cert *cert)
{
    for (size_t i = 0; i < cert->ocsp_urls.n; i++) {
        if (cs_str_starts_nocase(cert->ocsp_urls.items[i], CS_STR("http://")))
            return cert->ocsp_urls.items[i];
    }
    return (struct cs_str){0};
}

static void set_text(char text[CS_STANDING_TEXT], struct cs_str from)
{
    snprintf(text, CS_STANDING_TEXT, "%.*s", CS_FMT(cs_str_sub(from, 0, CS_STANDING_TEXT - 1)));
}

void cs_standing_name(struct cs_standing *news, const struct cs_cert *cert)
{
    struct cs_arena arena = {0};

    snprintf(news->serial, sizeof(news->serial), "%.*s",
             CS_FMT(cs_str_sub(cs_serial_text(cert->serial, &arena), 0, sizeof(news->serial) - 1)));
    cs_arena_deinit(&arena);
}

struct cs_str cs_standing_failure_text(enum cs_ocsp_failure failure)
{
    static const char *const words[] = {"", "unreachable", "stale", "unauthorized"};

    return cs_str_from((unsigned)failure < CS_OCSP_N_FAILURES ? words[failure] : "");
}

void cs_standing_fail(struct cs_standing *news, enum cs_ocsp_failure failure, struct cs_str words)
{
    news->failure = failure;
    set_text(news->words, words);
}

static void fail_stale(const struct cs_ocsp_answer *answer, struct cs_standing *news)
{
    bool early = answer->status == CS_OCSP_NOT_YET_VALID;
    char text[CS_TIME_TEXT], words[CS_STANDING_TEXT];

    snprintf(words, sizeof(words), "\"%.*s\" %s %.*s", CS_FMT(cs_ocsp_status_text(answer->said)),
             early ? "from" : "until",
             CS_FMT(cs_time_iso(early ? answer->this_update : answer->next_update, text)));
    cs_standing_fail(news, CS_OCSP_FAILURE_STALE, cs_str_from(words));
}

static void fail_otherwise(const struct cs_ocsp_answer *answer, struct cs_standing *news)
{
    bool forged = answer->status == CS_OCSP_UNAUTHORIZED || answer->status == CS_OCSP_BAD_SIGNATURE;
    bool declined = answer->status == CS_OCSP_DECLINED;
    char words[CS_STANDING_TEXT];

    snprintf(words, sizeof(words), "%s%.*s%s",
             declined ? "it declined to answer: \"" : "its answer is ",
             CS_FMT(declined ? cs_ocsp_responder_text(answer->responder_status)
                             : cs_ocsp_status_text(answer->status)),
             declined ? "\"" : "");
    cs_standing_fail(news, forged ? CS_OCSP_FAILURE_UNAUTHORIZED : CS_OCSP_FAILURE_UNREACHABLE,
                     cs_str_from(words));
}

void cs_standing_answer(const struct cs_ocsp_query *query, struct cs_standing *news)
{
    struct cs_ocsp_answer answer = cs_ocsp_judge(query);

    news->received_sec = query->now_sec;
    switch (answer.status) {
    case CS_OCSP_GOOD:
    case CS_OCSP_REVOKED:
    case CS_OCSP_UNKNOWN: news->failure = CS_OCSP_FAILURE_NONE; break;
    case CS_OCSP_STALE:
    case CS_OCSP_NOT_YET_VALID: fail_stale(&answer, news); break;
    default: fail_otherwise(&answer, news); return;
    }
    news->answered = answer.status != CS_OCSP_NOT_YET_VALID;
    news->said = answer.said;
    news->reason = answer.reason;
    news->revoked_at = answer.revoked_at;
    news->this_update = answer.this_update;
    news->next_update = answer.next_update;
    if (answer.next_update == INT64_MAX)
        news->next_update = query->now_sec + CS_STANDING_LIFE_SEC;
}

/* Whether the bytes of a bool are one: any other is not even to be read. */
static bool is_bool_at(struct cs_str bytes, size_t offset)
{
    return (uint8_t)bytes.ptr[offset] <= 1;
}

/* Far from where sums and differences of times overflow. */
static bool is_time(int64_t time)
{
    return time > -((int64_t)1 << 50) && time < (int64_t)1 << 50;
}

static bool is_sound(const struct cs_standing *s)
{
    return (unsigned)s->said <= CS_OCSP_UNKNOWN && (unsigned)s->failure < CS_OCSP_N_FAILURES &&
           is_time(s->revoked_at) && is_time(s->this_update) && is_time(s->next_update) &&
           is_time(s->received_sec) && is_time(s->answered_ms) && is_time(s->failed_ms);
}

bool cs_standing_from(struct cs_str bytes, struct cs_standing *ret_standing)
{
    struct cs_standing s;

    if (bytes.len != sizeof(s) || !is_bool_at(bytes, offsetof(struct cs_standing, answered)))
        return false;
    memcpy(&s, bytes.ptr, sizeof(s));
    s.url[CS_STANDING_TEXT - 1] = s.words[CS_STANDING_TEXT - 1] = '\0';
    s.serial[CS_STANDING_SERIAL - 1] = '\0';
    if (!is_sound(&s))
        return false;
    *ret_standing = s;
    return true;
}

int64_t cs_standing_due_sec(const struct cs_standing *s)
{
    int64_t half = s->answered ? (s->next_update - s->received_sec) / 2 : 0;

    if (!s->answered)
        return INT64_MAX;
    if (half < 1)
        half = 1;
    return s->received_sec + (half < HOUR_SEC ? half : HOUR_SEC);
}

/* ---- judging ---- */

static enum cs_opinion opinion_of_answer(const struct cs_standing *s)
{
    switch (s->said) {
    case CS_OCSP_GOOD: return CS_OPINION_GOOD;
    case CS_OCSP_REVOKED: return CS_OPINION_REVOKED;
    default: return CS_OPINION_UNKNOWN;
    }
}

static enum cs_opinion opinion_of_failure(const struct cs_standing *s)
{
    switch (s ? s->failure : CS_OCSP_FAILURE_NONE) {
    case CS_OCSP_FAILURE_STALE: return CS_OPINION_STALE;
    case CS_OCSP_FAILURE_UNAUTHORIZED: return CS_OPINION_UNAUTHORIZED;
    default: return s && s->answered && !s->failure ? CS_OPINION_STALE : CS_OPINION_UNREACHABLE;
    }
}

/* Asking again at once would bring the same. */
static bool was_asked_lately(const struct cs_standing *s, const struct cs_patience *p)
{
    if (!s)
        return false;
    if (s->failure)
        return p->now_ms - s->failed_ms < CS_STANDING_RETRY_MS;
    /* what was out of date when it came */
    return s->answered && s->next_update <= s->received_sec && s->answered_ms >= p->since_ms &&
           p->now_ms - s->answered_ms < CS_STANDING_RETRY_MS;
}

enum cs_opinion cs_standing_judge(const struct cs_standing *s, const struct cs_patience *p)
{
    bool known = s && s->answered;

    if (known && p->now_sec < s->next_update && s->answered_ms >= p->since_ms)
        return opinion_of_answer(s);
    if (!p->over && !was_asked_lately(s, p))
        return CS_OPINION_ASK;
    if (known && s->said == CS_OCSP_REVOKED)
        return CS_OPINION_REVOKED;
    if (known && s->said == CS_OCSP_GOOD && p->grace_sec > 0 &&
        p->now_sec - s->next_update < p->grace_sec)
        return CS_OPINION_GRACE;
    return opinion_of_failure(s);
}

/* ---- the table ---- */

struct cs_standings *cs_standings_new(size_t max)
{
    struct cs_standings *all = CS_NEW(struct cs_standings);

    all->max = max ? max : 1;
    all->n_buckets = 16;
    while (all->n_buckets < max)
        all->n_buckets *= 2;
    all->buckets = cs_alloc(all->n_buckets * sizeof(*all->buckets));
    for (size_t i = 0; i < all->n_buckets; i++)
        cs_list_init(&all->buckets[i]);
    cs_list_init(&all->order);
    return all;
}

static void forget(struct cs_standings *all, struct entry *entry)
{
    cs_list_remove(&entry->bucket);
    cs_list_remove(&entry->order);
    all->n--;
    free(entry);
}

struct cs_standings *cs_standings_free(struct cs_standings *all)
{
    if (!all)
        return NULL;
    CS_LIST_FOREACH_SAFE (link, &all->order)
        forget(all, cs_container_of(link, struct entry, order));
    free(all->buckets);
    free(all);
    return NULL;
}

static struct cs_list *bucket_of(const struct cs_standings *all, const uint8_t *key)
{
    uint64_t hash;

    memcpy(&hash, key, sizeof(hash)); /* the key is a digest: any part of it is as good */
    return &all->buckets[hash & (all->n_buckets - 1)];
}

static struct entry *find(const struct cs_standings *all, const uint8_t *key)
{
    if (!all)
        return NULL;
    CS_LIST_FOREACH (link, bucket_of(all, key)) {
        struct entry *entry = cs_container_of(link, struct entry, bucket);
        if (memcmp(entry->standing.key, key, CS_STANDING_KEY) == 0)
            return entry;
    }
    return NULL;
}

const struct cs_standing *cs_standings_find(const struct cs_standings *all,
                                            const uint8_t key[CS_STANDING_KEY])
{
    struct entry *entry = find(all, key);

    return entry ? &entry->standing : NULL;
}

static void use(struct cs_standings *all, struct entry *entry)
{
    cs_list_remove(&entry->order);
    cs_list_push_front(&all->order, &entry->order);
}

void cs_standings_touch(struct cs_standings *all, const struct cs_standing *standing)
{
    struct entry *entry = find(all, standing->key);

    if (entry)
        use(all, entry);
}

static struct entry *add(struct cs_standings *all, const uint8_t *key)
{
    struct entry *entry = CS_NEW(struct entry);

    if (all->n == all->max)
        forget(all, cs_container_of(all->order.prev, struct entry, order));
    memcpy(entry->standing.key, key, CS_STANDING_KEY);
    cs_list_init(&entry->order);
    cs_list_push_front(bucket_of(all, key), &entry->bucket);
    all->n++;
    return entry;
}

/* An answer that is older than the one that is known: two responders may differ by a little, as
 * long as they agree. */
static void take_older(struct cs_standing *known, const struct cs_standing *news)
{
    if (news->said != known->said)
        cs_standing_fail(known, CS_OCSP_FAILURE_STALE,
                         CS_STR("its answer is older than one that it gave before"));
    else if (news->next_update > known->next_update)
        known->next_update = news->next_update;
    if (news->said == known->said)
        known->received_sec = news->received_sec;
}

static void take_answer(struct cs_standing *known, const struct cs_standing *news)
{
    if (known->answered && news->this_update < known->this_update) {
        take_older(known, news);
        return;
    }
    known->answered = true;
    known->said = news->said;
    known->reason = news->reason;
    known->revoked_at = news->revoked_at;
    known->this_update = news->this_update;
    known->next_update = news->next_update;
    known->received_sec = news->received_sec;
}

const struct cs_standing *cs_standings_take(struct cs_standings *all,
                                            const struct cs_standing *news, int64_t now_ms)
{
    struct entry *entry = find(all, news->key);
    struct cs_standing *known;

    if (!entry)
        entry = add(all, news->key);
    known = &entry->standing;
    use(all, entry);
    set_text(known->url, cs_str_from(news->url));
    if (news->serial[0])
        memcpy(known->serial, news->serial, sizeof(known->serial));
    known->failure = news->failure;
    set_text(known->words, cs_str_from(news->words));
    if (news->answered)
        take_answer(known, news);
    if (!known->failure)
        known->answered_ms = now_ms;
    known->failed_ms = known->failure ? now_ms : 0;
    return known;
}

void cs_standings_each(const struct cs_standings *all,
                       void (*fn)(void *ctx, const struct cs_standing *standing), void *ctx)
{
    if (!all)
        return;
    for (struct cs_list *link = all->order.prev; link != &all->order; link = link->prev)
        fn(ctx, &cs_container_of(link, struct entry, order)->standing);
}

size_t cs_standings_count(const struct cs_standings *all)
{
    return all->n;
}

/* ---- questions ---- */

struct frame {
    uint8_t key[CS_STANDING_KEY];
    uint32_t anew, url, cert, issuer; /* the last three: bytes that follow */
};

int cs_standing_question_write(const struct cs_standing_question *q, struct cs_buf *buf)
{
    struct frame frame = {.anew = q->anew,
                          .url = (uint32_t)q->url.len,
                          .cert = (uint32_t)q->cert.len,
                          .issuer = (uint32_t)q->issuer.len};
    int r;

    memcpy(frame.key, q->key, sizeof(frame.key));
    r = cs_buf_add(buf, &frame, sizeof(frame));
    r = r < 0 ? r : cs_buf_add_str(buf, q->url);
    r = r < 0 ? r : cs_buf_add_str(buf, q->cert);
    return r < 0 ? r : cs_buf_add_str(buf, q->issuer);
}

int cs_standing_question_read(struct cs_str bytes, struct cs_standing_question *ret_question)
{
    struct cs_standing_question q = {0};
    struct frame frame;

    if (bytes.len < sizeof(frame))
        return -EBADMSG;
    memcpy(&frame, bytes.ptr, sizeof(frame));
    bytes = cs_str_skip(bytes, sizeof(frame));
    if ((uint64_t)frame.url + frame.cert + frame.issuer != bytes.len)
        return -EBADMSG;
    memcpy(q.key, frame.key, sizeof(q.key));
    q.anew = frame.anew != 0;
    q.url = cs_str_sub(bytes, 0, frame.url);
    q.cert = cs_str_sub(bytes, frame.url, frame.cert);
    q.issuer = cs_str_skip(bytes, (size_t)frame.url + frame.cert);
    *ret_question = q;
    return 0;
}
