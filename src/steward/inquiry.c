/* A request is made, sent and its answer judged in one go; whatever keeps it from that is news of
 * the same form, told from the loop like an answer. */
#include "steward/inquiry.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/mem.h"
#include "enrol/url.h"

enum { NONCE_BYTES = 32 };

struct cs_inquiry {
    struct cs_loop *loop;
    struct cs_task task; /* tells what was clear from the start */
    struct cs_fetch *fetch;
    struct cs_arena arena;
    struct cs_cert cert, issuer;
    uint8_t nonce[NONCE_BYTES];
    struct cs_standing news;
    struct cs_str answer;
    void (*done)(struct cs_inquiry *inquiry, void *ctx);
    void *ctx;
};

static void fail(struct cs_inquiry *q, struct cs_str words)
{
    cs_standing_fail(&q->news, CS_OCSP_FAILURE_UNREACHABLE, words);
}

/* ---- the answer ---- */

static void judge(struct cs_inquiry *q, struct cs_str der)
{
    struct cs_ocsp_query query = {.der = der,
                                  .cert = &q->cert,
                                  .issuer = &q->issuer,
                                  .nonce = cs_str_make(q->nonce, sizeof(q->nonce)),
                                  .now_sec = cs_now_sec(&q->loop->now),
                                  .leeway_sec = CS_INQUIRY_LEEWAY_SEC};

    q->answer = der;
    cs_standing_answer(&query, &q->news);
}

static void on_fetched(struct cs_fetch *fetch, void *ctx)
{
    const struct cs_fetch_answer *answer = cs_fetch_answer(fetch);
    struct cs_inquiry *q = ctx;
    char words[64];

    snprintf(words, sizeof(words), "it answered with status %u", answer->status);
    if (answer->error)
        fail(q, answer->words);
    else if (answer->status != 200)
        fail(q, cs_str_from(words));
    else
        judge(q, answer->body);
    q->done(q, q->ctx);
}

/* ---- the request ---- */

static bool parse(struct cs_inquiry *q, struct cs_str der, struct cs_cert *cert)
{
    struct cs_findings ignored;

    cs_findings_init(&ignored, &q->arena);
    return cs_cert_parse(cs_arena_dup(&q->arena, der), &q->arena, &ignored, cert) == 0;
}

/* Return: NULL, or why nothing is sent. */
static const char *send(struct cs_inquiry *q, struct cs_fetcher *fetcher, struct cs_str url)
{
    struct cs_fetch_request request = {.url = url,
                                       .content_type = CS_STR("application/ocsp-request"),
                                       .max_body = CS_OCSP_RESPONSE_MAX,
                                       .timeout_ms = CS_INQUIRY_MS,
                                       .max_redirects = CS_FETCH_REDIRECTS};
    struct cs_buf body;
    int r;

    if (getrandom(q->nonce, sizeof(q->nonce), GRND_NONBLOCK) != sizeof(q->nonce))
        return "there are no random numbers";
    cs_buf_init(&body, CS_OCSP_REQUEST_MAX);
    r = cs_ocsp_request_make(&q->cert, &q->issuer, cs_str_make(q->nonce, sizeof(q->nonce)), &body);
    request.body = cs_buf_str(&body);
    if (r == 0)
        r = cs_fetch_start(fetcher, &request, on_fetched, q, &q->fetch);
    cs_buf_deinit(&body);
    return r < 0 ? "it cannot be asked" : NULL;
}

static const char *begin(struct cs_inquiry *q, struct cs_fetcher *fetcher,
                         const struct cs_standing_question *question)
{
    struct cs_url url;

    if (!parse(q, question->cert, &q->cert) || !parse(q, question->issuer, &q->issuer))
        return "the certificate cannot be read";
    cs_standing_name(&q->news, &q->cert);
    if (cs_url_parse(question->url, &url) || url.https)
        return "only responders at http:// addresses are asked";
    if (!fetcher)
        return "nothing can be fetched: libcurl is not there";
    return send(q, fetcher, question->url);
}

static void tell(struct cs_task *task)
{
    struct cs_inquiry *q = cs_container_of(task, struct cs_inquiry, task);

    q->done(q, q->ctx);
}

struct cs_inquiry *cs_inquiry_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                                  const struct cs_standing_question *question,
                                  void (*done)(struct cs_inquiry *inquiry, void *ctx), void *ctx)
{
    struct cs_inquiry *q = CS_NEW(struct cs_inquiry);
    const char *why;

    *q = (struct cs_inquiry){.loop = loop, .done = done, .ctx = ctx, .task = {.run = tell}};
    cs_arena_init(&q->arena);
    memcpy(q->news.key, question->key, sizeof(q->news.key));
    snprintf(q->news.url, sizeof(q->news.url), "%.*s", CS_FMT(question->url));
    why = begin(q, fetcher, question);
    if (why) {
        fail(q, cs_str_from(why));
        cs_loop_defer(loop, &q->task);
    }
    return q;
}

struct cs_inquiry *cs_inquiry_free(struct cs_inquiry *q)
{
    if (!q)
        return NULL;
    cs_task_cancel(&q->task);
    cs_fetch_free(q->fetch);
    cs_arena_deinit(&q->arena);
    free(q);
    return NULL;
}

const struct cs_standing *cs_inquiry_news(const struct cs_inquiry *q)
{
    return &q->news;
}

struct cs_str cs_inquiry_answer(const struct cs_inquiry *q)
{
    return q->answer;
}
