/* Inquiries under way, and behind them questions in the order in which they came. Who asks keeps
 * questions from coming twice, and bounds how many there are. */
#include "steward/desk.h"

#include "base/list.h"
#include "base/mem.h"

/* Asked at the same time. */
enum { AT_ONCE = 64 };

struct asking {
    struct cs_desk *desk;
    struct cs_list link;
    struct cs_inquiry *inquiry; /* NULL: it waits */
    struct cs_buf bytes;        /* of the question, while it waits */
};

struct cs_desk {
    struct cs_loop *loop;
    struct cs_fetcher *fetcher;
    void (*answered)(void *ctx, const struct cs_standing *news);
    void *ctx;
    struct cs_list running, waiting;
    size_t n_running;
};

static void on_news(struct cs_inquiry *inquiry, void *ctx);

static void run(struct asking *asking)
{
    struct cs_standing_question question;

    cs_assert(cs_standing_question_read(cs_buf_str(&asking->bytes), &question) == 0);
    cs_list_remove(&asking->link);
    cs_list_push_back(&asking->desk->running, &asking->link);
    asking->desk->n_running++;
    asking->inquiry =
        cs_inquiry_new(asking->desk->loop, asking->desk->fetcher, &question, on_news, asking);
    cs_buf_deinit(&asking->bytes);
}

static void forget(struct asking *asking)
{
    cs_list_remove(&asking->link);
    cs_inquiry_free(asking->inquiry);
    cs_buf_deinit(&asking->bytes);
    free(asking);
}

static void on_news(struct cs_inquiry *inquiry, void *ctx)
{
    struct asking *asking = ctx;
    struct cs_desk *desk = asking->desk;

    desk->answered(desk->ctx, cs_inquiry_news(inquiry));
    forget(asking);
    desk->n_running--;
    if (!cs_list_empty(&desk->waiting))
        run(cs_container_of(desk->waiting.next, struct asking, link));
}

struct cs_desk *cs_desk_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                            void (*answered)(void *ctx, const struct cs_standing *news), void *ctx)
{
    struct cs_desk *desk = CS_NEW(struct cs_desk);

    *desk = (struct cs_desk){.loop = loop, .fetcher = fetcher, .answered = answered, .ctx = ctx};
    cs_list_init(&desk->running);
    cs_list_init(&desk->waiting);
    return desk;
}

struct cs_desk *cs_desk_free(struct cs_desk *desk)
{
    if (!desk)
        return NULL;
    CS_LIST_FOREACH_SAFE (link, &desk->running)
        forget(cs_container_of(link, struct asking, link));
    CS_LIST_FOREACH_SAFE (other, &desk->waiting)
        forget(cs_container_of(other, struct asking, link));
    free(desk);
    return NULL;
}

void cs_desk_ask(struct cs_desk *desk, const struct cs_standing_question *question)
{
    struct asking *asking = CS_NEW(struct asking);

    asking->desk = desk;
    cs_buf_init(&asking->bytes, SIZE_MAX);
    cs_assert(cs_standing_question_write(question, &asking->bytes) == 0);
    cs_list_push_back(&desk->waiting, &asking->link);
    if (desk->n_running < AT_ONCE)
        run(asking);
}
